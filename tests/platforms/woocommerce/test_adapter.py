"""The adapter against the fake, which follows the recorded store: reading, listing, writing."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest

from platforms.errors import (
    AccessRevoked,
    Malformed,
    PlatformError,
    Rejected,
    SignatureInvalid,
    TransientError,
)
from platforms.keeping import opened_by
from platforms.model import Delivery, Discount, Ignored, Seen, Touched
from platforms.woocommerce import wire
from platforms.woocommerce.adapter import WooCommerce
from platforms.woocommerce.fake import (
    FakeStore,
    Site,
    coupons,
    create_fake,
    orders,
    people,
    products,
    refunds,
)
from platforms.woocommerce.replay import samples
from platforms.woocommerce.store import TOPICS, accepted
from tests.platforms.woocommerce.conftest import KEY, SAMPLES, SECRET, URL

WOO = WooCommerce()
HOOK = "https://rewards.example.test/webhooks/woocommerce/s1"
WANTED = Discount(
    code="ABCD2345", redemption_id="r1", amount_minor=500, minimum_minor=2000, currency="EUR",
    email="Maya@example.test", expires_at=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture
def http(store):
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_fake(store)))


@pytest.fixture
def client(http):
    return opened_by(WOO, {"url": URL, "key": KEY, "secret": SECRET}, http)


async def issue(client, wanted):
    (outcome,) = await client.issue_discounts([wanted])
    if isinstance(outcome, PlatformError):
        raise outcome
    return outcome


async def everything(client, kind, since=None):
    items, cursor = [], None
    while True:
        page = await client.page(kind, cursor, since)
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items


def delivery(name):
    """A recorded delivery: header lines and the raw body."""
    lines = (SAMPLES / "webhooks" / f"{name}.headers").read_text().splitlines()
    pairs = (line.split(": ", 1) for line in lines if ": " in line)
    headers = {key.lower(): value for key, value in pairs}
    return Delivery(headers=headers, body=(SAMPLES / "webhooks" / f"{name}.body").read_bytes())


def test_recorded_deliveries_verify_with_their_secret_and_no_other():
    one = delivery("02-order-complete--order_updated")

    WOO.verify(one, 's3cret & "quoted" <é>')
    for secret in ("", "s3cret", 's3cret & "quoted" <e>'):
        with pytest.raises(SignatureInvalid):
            WOO.verify(one, secret)
    with pytest.raises(SignatureInvalid):
        WOO.verify(replace(one, body=one.body + b" "), 's3cret & "quoted" <é>')


def test_a_ping_is_known_and_a_delivery_is_none():
    assert WOO.is_ping(delivery("ping--hook_order_created")) is True
    assert WOO.is_ping(delivery("02-order-complete--order_updated")) is False


def test_a_recorded_order_reads_to_the_cent():
    change = WOO.read(delivery("02-order-complete--order_updated"))

    assert isinstance(change, Seen)
    assert change.is_complete is True
    order = change.record
    body = orjson.loads(delivery("02-order-complete--order_updated").body)
    assert (order.id, order.status, order.is_paid) == (str(body["id"]), "completed", True)
    assert order.total_minor == round(float(body["total"]) * 100)
    assert [line.total_minor for line in order.lines] == [
        round(float(line["total"]) * 100) for line in body["line_items"]
    ]
    assert order.updated_at.isoformat() == body["date_modified_gmt"] + "+00:00"


def test_an_order_with_refunds_is_incomplete():
    change = WOO.read(delivery("05-order-partial-refund--order_updated"))
    assert isinstance(change, Seen)
    assert change.is_complete is False


def test_a_deletion_only_touches_and_other_topics_are_ignored():
    assert isinstance(WOO.read(delivery("10-order-trash--order_deleted")), Touched)
    topic = "05-order-partial-refund--action_woocommerce_order_partially_refunded"
    assert isinstance(WOO.read(delivery(topic)), Ignored)


def test_told_as_updated_before_it_is_told_as_created_an_order_is_the_same():
    first = WOO.read(delivery("40-store-api-checkout--order_updated"))
    second = WOO.read(delivery("40-store-api-checkout--order_created"))

    assert isinstance(first, Seen)
    assert first == second


@pytest.mark.parametrize("topic", ["coupon.deleted", "coupon.created", "coupon.updated"])
def test_what_is_told_of_coupons_touches_nothing(topic):
    headers = {"x-wc-webhook-topic": topic}  # trashing product 12 was told as coupon 12's end

    assert isinstance(WOO.read(Delivery(headers=headers, body=b'{"id":12}')), Ignored)
    assert topic not in TOPICS


async def test_an_order_gone_before_its_delivery_is_built_is_no_news_and_no_mistake(
    store, client, receiver, deliveries
):
    await client.subscribe(HOOK, "secret")
    await deliveries()
    receiver.got.clear()
    order = orders.create(store, {})
    orders.delete(store, order, force=True)  # which nobody is told
    await deliveries()

    came = [Delivery(headers=dict(headers), body=body) for _, headers, body in receiver.got]
    assert [one.headers["x-wc-webhook-topic"] for one in came] == ["order.created", "order.updated"]
    for one in came:
        WOO.verify(one, "secret")
        assert isinstance(WOO.read(one), Ignored)


@pytest.mark.parametrize("field", ["id", "status", "currency", "total", "date_modified_gmt"])
def test_an_order_without_a_required_field_is_malformed(field):
    one = delivery("02-order-complete--order_updated")
    body = {key: value for key, value in orjson.loads(one.body).items() if key != field}
    with pytest.raises(Malformed):
        WOO.read(replace(one, body=orjson.dumps(body)))


def test_delivery_keys_tell_two_real_deliveries_apart():
    one = delivery("02-order-complete--order_updated")
    other = {**one.headers, "x-wc-webhook-delivery-id": "another"}
    keys = {
        WOO.delivery_key(one),
        WOO.delivery_key(replace(one, headers=other)),
        WOO.delivery_key(replace(one, body=one.body + b" ")),
    }
    assert len(keys) == 3
    assert WOO.delivery_key(one) == WOO.delivery_key(delivery("02-order-complete--order_updated"))


async def test_a_listing_shows_every_order_but_drafts_once_and_the_trash(store, client):
    coffee = products.create(store, {"name": "Coffee", "regular_price": "10.00"})["id"]
    made = [
        orders.create(store, {"line_items": [{"product_id": coffee, "quantity": 1}]})
        for _ in range(230)
    ]
    orders.update(store, made[0], {"status": "checkout-draft"})
    orders.delete(store, made[1], force=False)

    listed = await everything(client, "order")

    ids = {item.record.id for item in listed}
    assert ids >= {str(order["id"]) for order in made[1:]}
    assert str(made[0]["id"]) not in ids
    (trashed,) = {item.record for item in listed if item.record.id == str(made[1]["id"])}
    assert trashed.is_deleted is True


async def test_an_increment_starts_in_the_second_asked_for(store, client, clock):
    coffee = products.create(store, {"name": "Coffee", "regular_price": "10.00"})["id"]
    body = {"line_items": [{"product_id": coffee, "quantity": 1}]}
    old = orders.create(store, body)
    clock.forward(hours=1)
    since = clock()
    same = orders.create(store, body)
    clock.forward(seconds=1)
    new = orders.create(store, body)

    ids = {item.record.id for item in await everything(client, "order", since)}

    assert ids >= {str(same["id"]), str(new["id"])}
    assert str(old["id"]) not in ids


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
async def test_an_increment_is_exact_wherever_the_store_is(world, clock, zone):
    shop = FakeStore(Site(url=URL, timezone=zone), world)
    shop.add_key("read_write", key=KEY, secret=SECRET)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(create_fake(shop)))
    client = opened_by(WOO, {"url": URL, "key": KEY, "secret": SECRET}, http)
    ids = []
    for _ in range(3):
        ids.append(str(orders.create(shop, {})["id"]))
        clock.forward(seconds=1)

    last = clock() - timedelta(seconds=1)
    listed = await everything(client, "order", last)
    before = await everything(client, "order", last - timedelta(seconds=1))

    assert [one.id for one in listed] == ids[2:]
    assert [one.id for one in before] == ids[1:]


async def test_customers_of_every_role_are_listed_and_fetched(store, client):
    maya, manager = (people.create(store, {"email": f"{who}@example.test"}) for who in "mb")
    manager["role"] = "shop_manager"
    ids = {str(one["id"]) for one in (maya, manager)}

    assert ids <= {one.id for one in await everything(client, "customer")}
    assert ids <= {one.id for one in await everything(client, "customer", store.now())}
    assert None not in (await client.fetch("customer", list(ids))).values()


async def test_of_customers_an_increment_asks_for_the_newest_until_one_is_older(
    store, client, http, clock
):
    for number in range(250):
        people.create(store, {"email": f"old{number}@example.test"})
    clock.forward(days=1)
    new = people.create(store, {"email": "new@example.test"})
    asked = []

    async def note(request):
        asked.append(request.url.params)

    await client.info()
    http.event_hooks = {"request": [note]}
    listed = await everything(client, "customer", clock())

    assert str(new["id"]) in {one.id for one in listed}
    assert [one["offset"] for one in asked] == ["0", "99"]
    assert not [one for one in asked if "modified_after" in one]  # ignored in silence


async def test_orders_of_an_account_that_ended_are_listed_as_a_guests(store, client, clock):
    leaving = people.create(store, {"email": "leaving@example.test"})
    body = {"customer_id": leaving["id"], "billing": {"email": "leaving@example.test"}}
    order = orders.create(store, body)
    clock.forward(hours=1)
    since = clock()
    people.delete(store, leaving)  # of its orders nothing is told

    (seen,) = await everything(client, "order", since)

    assert (seen.record.id, seen.record.customer_id) == (str(order["id"]), None)
    assert seen.record.email == "leaving@example.test"


async def test_a_customers_address_is_that_of_the_account(store, client):
    body = {"email": "old@example.test", "billing": {"email": "old@example.test"}}
    maya = people.create(store, body)
    people.update(store, maya, {"email": "new@example.test"})
    assert maya["billing"]["email"] == "old@example.test"

    found = await client.fetch("customer", [str(maya["id"])])

    assert found[str(maya["id"])].email == "new@example.test"


async def test_fetching_completes_refunds_and_finds_trash_and_nothing(store, client):
    coffee = products.create(store, {"name": "Coffee", "regular_price": "10.00"})["id"]
    body = {"line_items": [{"product_id": coffee, "quantity": 2}], "set_paid": True}
    refunded, trashed = orders.create(store, body), orders.create(store, body)
    line = refunded["line_items"][0]["id"]
    part = {"id": line, "quantity": 1, "refund_total": "10.00"}
    refunds.create(store, refunded, {"line_items": [part]})
    refunds.create(store, refunded, {"amount": "3.00"})
    orders.delete(store, trashed, force=False)

    ids = [str(refunded["id"]), str(trashed["id"]), "99999"]
    found = await client.fetch("order", ids)

    first, second = sorted(found[ids[0]].refunds, key=lambda refund: refund.amount_minor)
    assert (first.amount_minor, first.lines, first.other_minor) == (300, (), 0)
    assert second.amount_minor == 1000
    assert [(one.line_id, one.quantity, one.total_minor) for one in second.lines] == [
        (str(line), 1, 1000)
    ]
    assert found[ids[1]].is_deleted is True
    assert found[ids[2]] is None


async def test_subscribing_twice_is_subscribing_once(store, client):
    await client.subscribe(HOOK, "first")
    await client.subscribe(HOOK, "second")

    there = await client.subscriptions(HOOK)
    assert sorted(one.topic for one in there) == sorted(WOO.topics)
    assert {one.status for one in there} == {"active"}
    assert len(list(store.all("webhook"))) == len(WOO.topics)


async def test_an_address_that_stores_do_not_deliver_to_is_refused(store, client):
    with pytest.raises(Rejected) as caught:  # a store says 201 to it, and never delivers
        await client.subscribe(HOOK.replace(".test/", ".test:8443/"), "secret")

    assert caught.value.name == "port-unreachable"
    assert list(store.all("webhook")) == []
    for port in (80, 443, 8080):
        await client.subscribe(HOOK.replace(".test/", f".test:{port}/"), "secret")


async def test_a_discount_is_issued_once_and_read_back(store, client):
    first = await issue(client, WANTED)
    again = await issue(client, WANTED)

    assert first == again
    assert first.is_usable is True
    assert len(list(store.all("coupon"))) == 1
    seen = await client.read_discount("ABCD2345")
    assert seen == first
    assert seen.discount == replace(WANTED, code="abcd2345", email="maya@example.test")


async def test_another_redemptions_discount_is_not_adopted(client):
    await issue(client, WANTED)
    for other in (
        replace(WANTED, redemption_id="r2"),
        replace(WANTED, amount_minor=600),
        replace(WANTED, email="jude@example.test"),
    ):
        with pytest.raises(Rejected):
            await issue(client, other)


async def test_an_address_that_the_store_drops_leaves_no_open_coupon(store, client):
    with pytest.raises(Rejected):
        await issue(client, replace(WANTED, email="not an address"))

    assert list(store.all("coupon")) == []


@pytest.mark.parametrize("points", [-1, 0, 10_001])
async def test_a_part_that_is_none_of_a_price_is_rejected_unasked(store, client, points):
    wanted = replace(WANTED, kind="percent", amount_minor=0, basis_points=points)
    with pytest.raises(Rejected, match="no part of a price"):
        await issue(client, wanted)

    assert list(store.all("coupon")) == []


async def test_a_note_of_ours_is_the_merchants_and_told_to_nobody(store, client, api, deliveries):
    hook = {"topic": "action.woocommerce_new_customer_note", "delivery_url": HOOK, "secret": "s"}
    assert (await api.post("webhooks", json=hook)).status_code == 201
    await client.subscribe(HOOK, "secret")
    order = orders.create(store, {})
    await deliveries()
    told = len(store.hub.log)

    await client.write_note(str(order["id"]), "150 points for this order.")
    await deliveries()

    assert [one["customer_note"] for one in store.all("note") if "150" in one["note"]] == [False]
    assert len(store.hub.log) == told  # so what is there must be read before writing again
    assert "150 points for this order." in await client.read_notes(str(order["id"]))


async def test_of_two_coupons_with_one_code_of_ours_the_older_stays(store, client):
    first = await issue(client, WANTED)
    twin = copy.deepcopy(store.records["coupon"][int(first.id)]) | {"id": store.next_id()}
    store.records["coupon"][twin["id"]] = twin
    theirs = coupons.create(store, {"code": "summer", "amount": "1.00"})

    assert await issue(client, WANTED) == first

    assert set(store.records["coupon"]) == {int(first.id), theirs["id"]}


async def test_revoking_twice_is_revoking_once_and_others_are_left_alone(store, client):
    await issue(client, WANTED)
    await client.revoke_discount(WANTED.code)
    await client.revoke_discount(WANTED.code)
    assert await client.read_discount(WANTED.code) is None

    coupons.create(store, {"code": "summer", "amount": "1.00"})
    with pytest.raises(Rejected):
        await client.revoke_discount("SUMMER")


async def test_info_says_name_currency_and_zone(store, client):
    info = await client.info()
    assert (info.currency, info.timezone) == (store.site.currency, store.site.timezone)
    assert (info.name, info.url) == (store.site.name, URL)


@pytest.mark.parametrize(
    ("zone", "offset", "name", "hours"),
    [
        ("America/New_York", -5, "America/New_York", None),
        ("", 5.5, "UTC", 5.5),
        ("", "-3", "UTC", -3),
        ("Mars/Olympus", 0, "UTC", 0),
    ],
)
def test_a_site_has_a_named_zone_or_an_offset(zone, offset, name, hours):
    index = wire.WireIndex(name="x", timezone_string=zone, gmt_offset=offset)

    assert wire.zone_name(index) == name
    if hours is None:
        assert wire.read_zone(index) == ZoneInfo(zone)
    else:
        assert wire.read_zone(index).utcoffset(None) == timedelta(hours=hours)


async def test_a_wrong_secret_is_revoked_access(http):
    wrong = opened_by(WOO, {"url": URL, "key": KEY, "secret": "cs_wrong"}, http)
    with pytest.raises(AccessRevoked, match=r"settings"):
        await wrong.info()


REFUSALS = {sample.name: sample for sample in samples() if sample.status >= 400}


@pytest.mark.parametrize(
    ("name", "error", "called"),
    [
        ("error-401-no-auth", AccessRevoked, "access-revoked"),
        ("error-401-basic-over-http", AccessRevoked, "access-revoked"),
        ("error-401-bad-secret-basic", AccessRevoked, "access-revoked"),
        ("error-401-readonly-key-post", AccessRevoked, "access-read-only"),
        ("error-404-route", TransientError, "woocommerce-missing"),
        ("error-400-bad-date", Rejected, "rejected"),
    ],
)
async def test_recorded_refusals_are_told_by_what_to_do_about_them(name, error, called):
    with pytest.raises(error) as caught:
        await WOO.read_sample(REFUSALS[name])
    assert (type(caught.value), caught.value.name) == (error, called)


@pytest.mark.parametrize(
    "name", ["error-404-order", "error-404-customer", "error-404-coupon", "order-get-deleted"]
)
def test_each_kind_has_its_own_word_for_what_is_not_there(name):
    assert wire.is_missing(wire.error(REFUSALS[name].body))
    assert not wire.is_missing(wire.error(REFUSALS["error-404-route"].body))


def test_a_failure_whose_data_is_a_number_is_a_failure():
    body = {"code": "woocommerce_rest_cannot_create_order_refund", "message": "No.", "data": 500}
    request = httpx.Request("POST", f"{URL}/wp-json/wc/v3/orders/1/refunds")

    with pytest.raises(TransientError, match="500"):
        accepted(httpx.Response(500, json=body, request=request), "refunding")


async def test_over_plain_http_requests_are_signed(store, http):
    store.world = replace(store.world, clock=lambda: datetime.now(UTC))  # signatures carry it
    store.site = replace(store.site, url="http://store.example.test")
    plain = opened_by(WOO, {"url": "http://store.example.test", "key": KEY, "secret": SECRET}, http)
    people.create(store, {"email": "p@example.test"})

    assert (await plain.info()).currency == store.site.currency
    assert {item.record.email for item in (await plain.page("customer", None, None)).items} >= {
        "p@example.test"
    }


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("store.example", "https://store.example"),
        (" https://Store.example/ ", "https://store.example"),
        ("http://store.example:8080/shop/", "http://store.example:8080/shop"),
        ("https://store.example/wp-admin/index.php", "https://store.example"),
        ("https://store.example/shop/wp-json/wc/v3", "https://store.example/shop"),
    ],
)
def test_addresses_are_taken_as_merchants_paste_them(typed, url):
    assert WOO.install.store_url(typed) == url


@pytest.mark.parametrize(
    "typed", ["", "ftp://store.example", "https://", "https://a:b@c", "x:99999"]
)
def test_what_is_no_address_is_said_so(typed):
    with pytest.raises(Malformed):
        WOO.install.store_url(typed)


async def test_a_product_is_in_its_categories_and_an_order_is_fulfilled_when_completed(
    client, store
):
    shelves = [{"id": 16, "name": slug, "slug": slug} for slug in ("summer", "sale")]
    product = products.create(
        store, {"name": "Tea", "regular_price": "3.00", "categories": shelves}
    )
    order = orders.create(
        store, {"line_items": [{"product_id": product["id"], "quantity": 1}], "set_paid": True}
    )
    (tea,) = (await client.fetch("product", [str(product["id"])])).values()
    (waits,) = (await client.fetch("order", [str(order["id"])])).values()
    orders.update(store, order, {"status": "completed"})
    (sent,) = (await client.fetch("order", [str(order["id"])])).values()

    assert tea.collections == ("sale", "summer")
    assert (waits.fulfilled_at, waits.delivered_at) == (None, None)
    assert (sent.fulfilled_at, sent.delivered_at) == (wire.stamp(order["date_completed_gmt"]), None)
