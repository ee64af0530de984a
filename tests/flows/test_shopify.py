"""A Shopify store from its app's keys to points: connected, read, followed by its webhooks."""

import hmac
from datetime import timedelta

import httpx
import pytest

from connector.commerce.models import CustomerRow, OrderRow, ProductRow, StoreRow
from connector.errors import ConnectFailed, InvalidProgram, RequestInvalid
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.service import Loyalty
from connector.sync.models import InboxRow
from platforms.conformance.stage import Basket
from platforms.shopify.adapter import ABOUT
from platforms.shopify.bulk import POLL_S
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import HOST
from platforms.shopify.store import BULK_FROM
from tests import databases
from tests.market import SITE, opened
from tests.town import PROGRAM, SERVICE


@pytest.fixture
async def market(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url) as one:
            yield one


async def test_a_store_is_read_and_its_orders_become_points(market):
    tea = await market.stage.add_product("Tea", "12.50")
    await market.stage.shelve(tea, ["new", "hot"])
    maya = await market.stage.add_customer("maya@example.test")
    await market.stage.place(Basket(items=[(tea, 2)], customer_id=maya))
    await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya, pays="never"))

    row = await market.connect()
    await market.publish()
    await market.settle()

    assert (row.name, row.url, row.currency) == ("A Shopify store", SITE, "EUR")
    assert row.timezone == "Europe/Berlin"
    counts = [await table.all().count() for table in (CustomerRow, OrderRow, ProductRow)]
    assert counts == [1, 2, 1]
    assert (await ProductRow.get()).platform_id == tea
    assert await market.points(maya) == 125  # 5 for each of 25.00; the other is not paid
    assert await market.findings() == []


async def test_many_records_are_read_in_bulk_and_waiting_holds_nobody_up(market):
    market.shop.bulk.seconds, market.shop.bulk.storage = 30.0, SITE

    def seconds():
        return market.shop.now.timestamp()

    api = create_api(market.shop, seconds)
    market.wire.apps[HOST] = httpx.ASGITransport(api)
    for number in range(BULK_FROM):
        await market.stage.add_product(f"Tea {number}", "1.00")
    await market.connect()
    await market.settle()
    waiting = await market.row()
    assert waiting.reconcile_at - market.clock() == timedelta(seconds=POLL_S)
    assert (waiting.trouble, await ProductRow.all().count()) == ("", 0)

    market.clock.forward(seconds=30)
    await market.settle()
    assert await ProductRow.all().count() == BULK_FROM
    assert await market.findings() == []


async def test_what_happens_is_told_and_followed(market):
    await market.connect()
    await market.publish()
    await market.settle()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    order = await market.stage.place(Basket(items=[(tea, 3)], customer_id=maya))
    await market.settle()
    assert await market.points(maya) == 300

    await market.stage.refund(order, "", {0: 1})
    await market.settle()
    assert await market.points(maya) == 200

    await market.stage.cancel(order)
    await market.settle()
    assert await market.points(maya) == 0
    assert {one.state for one in await InboxRow.all()} == {"done"}


async def test_a_delivery_that_comes_twice_or_late_changes_nothing(market):
    await market.connect()
    await market.publish()
    await market.settle()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    order = await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    kept = []

    async def twice(url, headers, body):
        kept.append((url, headers, body))
        return await market.post(url, headers, body)

    await market.shop.deliver(twice)
    await market.settle()
    await market.stage.refund(order, "20.00", {})
    await market.settle()
    assert await market.points(maya) == 0
    before = await InboxRow.all().count()

    answers = [await market.post(*one) for one in reversed(kept)]
    await market.settle()
    assert {*answers} <= {200, 202}
    assert await InboxRow.all().count() == before
    assert await market.points(maya) == 0


async def test_what_another_signed_is_refused(market):
    await market.connect()
    tea = await market.stage.add_product("Tea", "20.00")
    await market.stage.place(Basket(items=[(tea, 1)]))
    market.shop.client_secret = "another"
    answers = []

    async def post(url, headers, body):
        answers.append(await market.post(url, headers, body))
        return 200

    await market.shop.deliver(post)
    assert {*answers} == {401}
    assert await InboxRow.all().count() == 0


async def test_a_new_client_secret_takes_over_and_the_old_one_verifies_for_a_day(market):
    await market.connect()
    await market.settle()
    old = market.shop.client_secret
    market.shop.client_secret = "shpss_new"
    await market.connect()

    market.shop.client_secret = old  # what was signed before the change
    await market.stage.add_product("Tea", "20.00")
    await market.settle()
    market.shop.client_secret = "shpss_new"
    await market.stage.add_product("Coffee", "20.00")
    await market.settle()
    assert await ProductRow.all().count() == 2
    assert {one.state for one in await InboxRow.all()} == {"done"}


async def test_keys_that_shopify_does_not_know_connect_nothing(market):
    with pytest.raises(ConnectFailed, match="copy both anew"):
        await market.connect(client_secret="shpss_wrong")
    assert await StoreRow.all().count() == 0
    assert market.shop.hooks == {}


async def test_what_shopify_gave_up_is_made_anew(market):
    await market.connect()
    await market.settle()
    gone = [id_ for id_, one in market.shop.hooks.items() if one["topic"].startswith("ORDERS")]
    for id_ in gone:
        del market.shop.hooks[id_]
    assert "webhooks" in " ".join(await market.findings())

    market.clock.forward(hours=1)
    await market.settle()
    topics = sorted(one["topic"] for one in market.shop.hooks.values())
    assert topics == sorted(topic.replace("/", "_").upper() for topic in ABOUT)


async def test_rewards_are_refused_until_codes_can_be_made(market):
    await market.connect()
    with pytest.raises(InvalidProgram, match=r"reward\[0\].kind: shopify has no amount_off"):
        await market.publish(PROGRAM)


async def test_the_secret_is_shopifys_to_change(market):
    await market.connect()
    with pytest.raises(RequestInvalid, match="Shopify signs with a secret of its own"):
        await market.system.stores.rotate_secret(await market.row(), market.clock())


async def test_it_is_not_connected_in_the_browser(market):
    answer = await market.http.get(f"{SERVICE}/install/shopify", params={"url": SITE})
    assert answer.status_code == 400
    assert "perennial connect shopify" in answer.text


async def test_disconnecting_takes_the_webhooks_off(market):
    await market.connect()
    await market.system.stores.disconnect(await market.row(), market.clock())
    assert market.shop.hooks == {}


def led_on(market, customer="", at=None, **more):
    """Return the query that Shopify's app proxy adds to a shopper's request."""
    fields = {
        "logged_in_customer_id": customer,
        "path_prefix": "/apps/perennial",
        "shop": HOST,
        "timestamp": str(int((at or market.clock()).timestamp())),
    } | more
    said = "".join(f"{name}={fields[name]}" for name in sorted(fields))
    secret = market.shop.client_secret.encode()
    return fields | {"signature": hmac.new(secret, said.encode(), "sha256").hexdigest()}


async def visit(market, query):
    return await market.http.post(f"{SERVICE}/proxy/shopify/visitor", params=query)


async def state(market, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    params = {"store": market.store}
    return await market.http.get(f"{SERVICE}/storefront/v1/state", params=params, headers=headers)


async def test_a_shopper_who_is_signed_in_sees_their_points(market):
    await market.connect()
    await market.publish()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    await market.settle()

    answer = await visit(market, led_on(market, maya))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["expires_in"] == 600
    said = (await state(market, answer.json()["token"])).json()
    assert said["visitor"]["available"] == 100


async def test_nobody_signed_in_gets_no_token(market):
    await market.connect()
    answer = await visit(market, led_on(market))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"logged_in_customer_id": "43"}, 401),
        ({"timestamp": "1"}, 401),
        ({"signature": "0" * 64}, 401),
        ({"shop": "another.myshopify.com"}, 404),
        ({"shop": "evil.com"}, 400),
        ({"shop": ""}, 400),
    ],
)
async def test_what_shopify_did_not_sign_gets_none(market, change, code):
    await market.connect()
    answer = await visit(market, led_on(market, "42") | change)
    assert answer.status_code == code
    assert "token" not in answer.text.partition("detail")[0]


async def test_an_old_request_and_a_disconnected_store_get_none(market):
    row = await market.connect()
    old = led_on(market, "42", market.clock() - timedelta(seconds=91))
    assert (await visit(market, old)).status_code == 401
    await market.system.stores.disconnect(row, market.clock())
    assert (await visit(market, led_on(market, "42"))).status_code == 404


async def test_after_a_new_client_secret_both_sign_for_a_day(market):
    await market.connect()
    before = led_on(market, "42")
    market.shop.client_secret = "shpss_new"
    await market.connect()
    assert (await visit(market, before)).status_code == 200
    assert (await visit(market, led_on(market, "42"))).status_code == 200


async def test_no_other_platform_leads_requests_on(market):
    query = led_on(market, "42")
    answer = await market.http.post(f"{SERVICE}/proxy/woocommerce/visitor", params=query)
    assert answer.status_code == 404


async def test_pages_at_the_stores_own_address_may_ask_and_no_others(market):
    row = await market.connect()
    assert (row.url, row.storefront) == (SITE, "https://club.example.test")
    params = {"store": market.store}
    told = {}
    for origin in ("https://club.example.test", SITE, "https://evil.example"):
        answer = await market.http.get(
            f"{SERVICE}/storefront/v1/state", params=params, headers={"Origin": origin}
        )
        told[origin] = answer.headers.get("access-control-allow-origin")
    assert told == {
        "https://club.example.test": "https://club.example.test",
        SITE: None,
        "https://evil.example": None,
    }


async def test_an_order_that_tested_payments_earns_nothing_however_it_is_shown(market):
    await market.connect()
    await market.publish()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    order = await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    await market.settle()
    assert await market.points(maya) == 100

    await market.stage.test_payments(order)
    await market.settle()

    assert await market.points(maya) == 0
    assert await market.findings() == []


async def test_an_order_of_nobody_earns_for_nobody(market):
    """Sold at a till, where no customer was chosen."""
    await market.connect()
    await market.publish()
    tea = await market.stage.add_product("Tea", "20.00")
    await market.stage.place(Basket(items=[(tea, 1)], email=""))
    await market.settle()

    row = await OrderRow.get()
    assert (row.account, row.dirty_gen) == ("", row.fetched_gen)
    assert await market.findings() == []


async def test_customers_who_are_merged_bring_their_points(market):
    await market.connect()
    await market.publish()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    bea = await market.stage.add_customer("bea@example.test")
    await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    await market.stage.place(Basket(items=[(tea, 2)], customer_id=bea))
    await market.settle()
    given = Decision(key="k1", reason="-", points=30)
    await Loyalty(market.system.tools).decide(await market.row(), f"customer:{bea}", given)
    assert (await market.points(maya), await market.points(bea)) == (100, 230)

    await market.stage.merge_customers(bea, maya)
    await market.settle()

    assert (await market.points(maya), await market.points(bea)) == (330, 0)
    gone = await CustomerRow.get(platform_id=bea)
    assert gone.is_gone
