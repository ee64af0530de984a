"""What goes wrong in the field, and must stop, lose or undo nothing else."""

import asyncio
import copy
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest

from connector import worker
from connector.commerce.models import OrderRow, StoreRow
from connector.commerce.records import snapshot
from connector.errors import ConnectFailed
from connector.rewards.models import RedemptionRow
from connector.sync.models import OutboxRow
from connector.sync.outbox import Outbox, want
from connector.web import status
from platforms.errors import PlatformError, TransientError
from platforms.model import Touched
from platforms.woocommerce.fake import (
    FakeStore,
    Site,
    World,
    create_fake,
    orders,
    products,
    refunds,
)
from platforms.woocommerce.store import WooStore
from tests.connector.features.loyalty.test_notices import NOTES, PENDING, notes, profile
from tests.town import KEY, PROGRAM, SECRET, SHOP

ZERO_DATE = "-0001-11-30T00:00:00"  # how WordPress writes 0000-00-00 00:00:00
API = "/wp-json/wc/v3"


def deaf(town):
    """Have the store's webhooks tell nothing more."""
    for hook in town.shop.all("webhook"):
        hook["status"] = "paused"


async def tick(town, times=20, **by):
    for _ in range(times):
        town.clock.forward(**(by or {"minutes": 11}))
        await town.settle()


async def is_held(town, order):
    return await OrderRow.exists(platform_id=str(order["id"]), body__not_isnull=True)


# 1. what keeps a pass from ending stops all reading


async def test_while_webhooks_cannot_be_asked_for_orders_are_still_read(town):
    await town.connect()
    deaf(town)
    town.wire.answers[f"{API}/webhooks"] = town.refusal(500)
    town.clock.forward(minutes=11)
    await town.settle()
    order = town.order(town.product(), 3)
    await tick(town)
    assert await is_held(town, order)


async def test_while_an_audit_fails_at_a_page_what_changed_is_still_read(town):
    await town.connect()
    coffee = town.product()
    deaf(town)
    await StoreRow.filter(id=town.store).update(audit_at=town.clock())
    real = town.wire.handle_async_request

    async def handle(request):
        query = dict(request.url.params)
        is_broken = request.url.path == f"{API}/products" and query.get("orderby") == "id"
        return httpx.Response(500) if is_broken else await real(request)

    town.wire.handle_async_request = handle
    town.clock.forward(minutes=11)
    await town.settle()
    order = town.order(coffee, 3)
    await tick(town)
    assert await is_held(town, order)


async def test_a_customer_with_wordpress_zero_date_does_not_stop_reconciling(town):
    for number in range(204):
        town.shopper(f"{number}@example.test")
    newest = town.shopper("newest@example.test")
    town.shop.records["customer"][newest]["date_created_gmt"] = ZERO_DATE  # imported without one
    town.order(town.product(), 1)
    await town.connect()
    deaf(town)
    town.clock.forward(minutes=11)
    await town.settle()
    order = town.order(town.product(), 3)
    await tick(town)
    assert (await is_held(town, order), (await town.row()).trouble) == (True, "")


async def test_a_dozen_orders_that_cannot_be_read_do_not_keep_refunds_unread(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    broken = [town.order(coffee, 1) for _ in range(12)]
    order = town.order(coffee, 3, maya)
    await town.settle()
    for one in broken:
        town.shop.records["order"][one["id"]]["date_created_gmt"] = ZERO_DATE
        await town.system.records.take_in(
            await town.row(), [Touched("order", str(one["id"]))], town.clock()
        )
    await tick(town, 6, seconds=20)

    refunds.create(town.shop, order, {"amount": "10.00"})
    await tick(town, 60, seconds=20)

    assert (await town.visitor(maya))["available"] == 100


# 2. restored from a backup


async def test_an_audit_of_a_store_restored_from_a_backup_believes_the_store(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya, set_paid=False)
    await town.settle()
    backup = copy.deepcopy(town.shop.records["order"][order["id"]])
    town.clock.forward(hours=1)
    orders.update(town.shop, order, {"set_paid": True})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150

    town.shop.records["order"][order["id"]] = backup
    for _ in range(3):
        await town.system.passes.run(await town.row(), "audit")
        await tick(town, 2)
    assert (await town.visitor(maya))["available"] == 0


# 4. a rotation that broke off once never rotates again


async def test_a_secret_is_rotated_again_after_one_that_broke_off_and_was_made_whole(town):
    await town.connect()
    stores = town.system.stores
    (first, *_) = town.shop.all("webhook")
    town.wire.cut = [("PUT", f"{API}/webhooks/{first['id']}")]
    with pytest.raises(PlatformError):
        await stores.rotate_secret(await town.row(), town.clock())
    await town.connect(program=None)  # gives every webhook the new secret
    await tick(town, 1, days=90)
    leaked = stores.webhook_secret(await town.row())

    await stores.rotate_secret(await town.row(), town.clock())

    assert stores.webhook_secret(await town.row()) != leaked


# 5. a pass mends with what it knew of the store when it began


async def test_a_pass_that_began_before_a_disconnect_puts_no_webhooks_back(town):
    before = await town.connect()
    await town.system.stores.disconnect(await town.row(), town.clock())
    await asyncio.gather(town.system.passes.run(before, "reconcile"), return_exceptions=True)
    assert list(town.shop.all("webhook")) == []


async def test_a_pass_that_began_before_a_rotation_leaves_the_new_secret(town):
    before = await town.connect()
    await town.system.stores.rotate_secret(await town.row(), town.clock())
    (lost, *_) = town.shop.all("webhook")
    del town.shop.records["webhook"][lost["id"]]
    await town.system.passes.run(before, "reconcile")
    new = town.system.stores.webhook_secret(await town.row())
    assert {town.shop.hub.secrets[one["id"]] for one in town.shop.all("webhook")} == {new}


async def test_mending_one_webhook_leaves_a_paused_one_paused(town):
    await town.connect()
    hooks = {one["topic"]: one for one in town.shop.all("webhook")}
    hooks["product.updated"]["status"] = "paused"
    del town.shop.records["webhook"][hooks["order.created"]["id"]]
    town.clock.forward(minutes=11)
    await town.settle()
    assert hooks["product.updated"]["status"] == "paused"


async def test_a_time_out_while_mending_leaves_one_webhook_for_a_topic(town):
    await town.connect()
    hooks = {one["topic"]: one for one in town.shop.all("webhook")}
    hooks["order.updated"]["status"] = "disabled"
    town.wire.cut = [("POST", f"{API}/webhooks")]
    await tick(town, 4)
    topics = [one["topic"] for one in town.shop.all("webhook")]
    assert (topics.count("order.updated"), len(topics)) == (1, 10)


# 6. two processes


async def test_a_command_and_the_worker_may_make_the_same_pass(town):
    coffee = town.product()
    for _ in range(3):
        town.order(coffee, 1)
    await town.connect()
    town.clock.forward(minutes=11)
    row = await town.row()
    both = await asyncio.gather(
        town.system.passes.run(row, "sync"),
        town.system.passes.run(row, "sync"),
        return_exceptions=True,
    )
    assert [one for one in both if isinstance(one, Exception)] == []


# 7. one store holds up the others


async def test_a_silent_store_does_not_hold_up_anothers_records(town):
    await town.connect()
    order = town.order(town.product(), 3)
    await town.settle()
    first = await town.row()
    second = await StoreRow.get(id=town.store)
    second.id, second.url = "second", "https://second.example.test"
    second.access = town.system.tools.vault.seal(
        "second",
        "access",
        orjson.dumps({"url": second.url, "key": KEY, "secret": SECRET}).decode(),
    )
    second.guest_key = town.system.tools.vault.seal("second", "guest_key", "00" * 32)
    await second.save(force_create=True)

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.Event().wait()

    town.wire.apps["second.example.test"] = town.wire.apps["store.example.test"]
    (silent, speaking) = (first, second)
    town.wire.apps["store.example.test"] = Silent()
    shop = town.shop
    site = shop.site
    shop.site = Site(url=second.url, name=site.name, currency="EUR", timezone="Europe/Berlin")
    await town.system.records.take_in(silent, [Touched("order", str(order["id"]))], town.clock())
    await town.system.records.take_in(
        speaking, [Touched("product", str(next(iter(shop.all("product")))["id"]))], town.clock()
    )

    stop = asyncio.Event()
    job = asyncio.create_task(worker.work(town.system, stop))
    left = None
    for _ in range(200):
        await asyncio.sleep(0.02)
        left = await town.system.records.dirty("second", "product", town.clock(), 1)
        if not left:
            break
    job.cancel()
    assert left == []


async def test_one_turn_of_a_pass_fetches_no_more_than_its_share(town):
    await town.connect()
    for number in range(300):
        await town.system.records.take_in(
            await town.row(), [Touched("order", f"9{number:05}")], town.clock()
        )

    progress = await town.system.passes.run(await town.row(), "sync", pages_max=5)

    assert progress.is_done is True  # five batches of fifty were fetched; the rest is for later
    assert len(await town.system.records.dirty(town.store, "order", town.clock(), 200)) == 50


# 8. the live client never asks again what the site is


async def test_a_store_that_changed_its_zone_still_gets_codes(town):
    await town.connect(PROGRAM + "code_expires_days = 30\n")
    maya = town.shopper()
    town.order(town.product(), 20, maya)
    await town.settle()
    await town.redeem(maya)
    await town.settle()
    zone = "America/New_York"
    site = town.shop.site
    town.shop.site = Site(url=SHOP, name=site.name, currency="EUR", timezone=zone)
    town.shop.zone = ZoneInfo(zone)
    await tick(town, 2, hours=1)
    assert (await town.row()).timezone == zone
    await town.redeem(maya)
    await town.settle()
    states = [one.state for one in await RedemptionRow.all().order_by("redeemed_at")]
    assert (states, (await town.visitor(maya))["available"]) == (["issued", "issued"], 0)


# 9. an umlaut in the store's name


async def test_a_store_with_an_umlaut_in_its_name_can_be_read(town):
    url = "https://xn--bcher-kva.example"
    site = Site(url=url, name="Bücher", currency="EUR", timezone="Europe/Berlin")
    shop = FakeStore(site, World(clock=town.clock))
    shop.add_key("read_write", key=KEY, secret=SECRET)
    products.create(shop, {"name": "Coffee", "regular_price": "1"})
    http = httpx.AsyncClient(transport=httpx.ASGITransport(create_fake(shop)))
    client = WooStore({"url": url, "key": KEY, "secret": SECRET}, http)
    assert len((await client.page("product", None, None)).items) == 1


# 10. pushes


async def test_a_push_wanted_while_an_earlier_one_is_under_way_is_not_put_off(town):
    await town.connect(PENDING)
    maya, coffee = town.shopper(), town.product()
    first = town.order(coffee, 2, maya)
    await town.settle()
    town.clock.forward(days=2, hours=-1)
    town.order(coffee, 4, maya)
    await town.settle()
    town.clock.forward(hours=2)  # the first order's points have come, the second's in two days
    real = town.wire.handle_async_request
    told: list[int] = []

    async def handle(request):
        answer = await real(request)
        if request.method == "PUT" and "/customers/" in request.url.path and not told:
            told.append(1)
            orders.update(town.shop, first, {"status": "cancelled"})
            await town.shop.deliveries_done()
            row = await town.row()
            await town.system.inbox.read_some(row)
            await worker.finish(town.system, row, "settle")
        return answer

    town.wire.handle_async_request = handle
    await town.settle()
    assert told
    await tick(town, 3, minutes=1)
    assert (await town.visitor(maya))["available"] == 0
    assert profile(town, maya)["_perennial_points"] == "0"


async def test_a_code_parked_while_keys_were_refused_is_issued_when_they_open_again(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 20, maya)
    await town.settle()
    keys = dict(town.shop.keys)
    town.shop.keys.clear()
    await town.redeem(maya)
    await town.settle()
    town.shop.keys.update(keys)
    await tick(town, 5)
    (row,) = await RedemptionRow.all()
    assert (row.state, await OutboxRow.filter(is_parked=True).count()) == ("issued", 0)


async def test_orders_of_before_the_first_publication_get_no_note(town):
    pending = NOTES.replace("points = 5", "points = 5\npending_days = 14")
    order = town.order(town.product(), 2, town.shopper())
    town.clock.forward(days=5)
    await town.connect(pending)
    await tick(town, 2)
    assert await notes(town, order) == []


# 11. listings


async def test_a_listing_that_counts_more_than_it_shows_ends(town):
    coffee = town.product()
    made = [town.order(coffee, 1) for _ in range(3)]

    def fault(answer):
        try:
            rows = answer.json()
        except ValueError:
            return answer
        if not isinstance(rows, list) or not any("order_key" in row for row in rows):
            return answer
        rows = [row for row in rows if row["id"] != made[-1]["id"]]
        headers = {"X-WP-Total": answer.headers["X-WP-Total"]}
        return httpx.Response(answer.status_code, headers=headers, json=rows)

    town.wire.fault = fault  # the store may not show it to us, but counts it
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    row = await town.system.stores.connect("woocommerce", access, town.clock())
    progress = await town.system.passes.run(row, "sync", pages_max=50)
    assert (progress.is_done, progress.seen["order"]) == (True, 2)


async def test_a_stamp_from_the_future_does_not_hide_what_changes_after(town):
    await town.connect()
    coffee, maya = town.product(), town.shopper()
    early = town.order(coffee, 3, maya)
    deaf(town)
    other = town.order(coffee, 1)
    town.shop.records["order"][other["id"]]["date_modified_gmt"] = "2036-01-01T00:00:00"
    await tick(town, 1)
    orders.update(town.shop, early, {"status": "cancelled"})
    await tick(town, 3)
    (row,) = await OrderRow.filter(platform_id=str(early["id"]))
    assert snapshot(row).status == "cancelled"


async def test_a_connection_that_failed_leaves_no_webhooks_behind(town):
    real, posts = town.wire.handle_async_request, []

    async def handle(request):
        if request.method == "POST" and request.url.path == f"{API}/webhooks":
            posts.append(1)
            if len(posts) == 5:
                return httpx.Response(500)
        return await real(request)

    town.wire.handle_async_request = handle
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    with pytest.raises(ConnectFailed):
        await town.system.stores.connect("woocommerce", access, town.clock())
    assert list(town.shop.all("webhook")) == []


# 12. what people are told


async def test_doctor_does_not_call_a_store_in_step_that_nobody_has_read_for_days(town):
    await town.connect()
    town.clock.forward(days=3)
    found = await status.findings(await town.row(), town.system.stores, town.clock())
    assert [one.name for one in found if not one.is_ok] != []


async def test_a_store_that_refuses_our_keys_can_be_disconnected(town):
    await town.connect()
    town.shop.keys.clear()
    await asyncio.gather(
        town.system.stores.disconnect(await town.row(), town.clock()), return_exceptions=True
    )
    assert (await town.row()).disconnected_at == town.clock()


async def test_disconnecting_twice_is_disconnecting_once(town):
    await town.connect()
    await town.system.stores.disconnect(await town.row(), town.clock())
    at = (await town.row()).disconnected_at
    town.clock.forward(hours=1)
    town.wire.calls.clear()
    await town.system.stores.disconnect(await town.row(), town.clock())
    assert ((await town.row()).disconnected_at, town.wire.calls) == (at, [])


async def test_a_store_that_fails_holds_up_no_other_stores_pushes(town):
    first = await town.connect()
    second = await StoreRow.get(id=town.store)
    second.id, second.url = "second", "https://second.example.test"
    await second.save(force_create=True)
    tried = []

    async def push(store, target):
        tried.append((store.id == first.id, target))
        if store.id == first.id:
            raise TransientError("down")

    for number in range(3):
        await want(first.id, "discount", [str(number)], town.clock())
        await want("second", "discount", [str(number)], town.clock())
    outbox = Outbox({"discount": push}, town.clock)
    for row in (first, second):
        await outbox.push_some(row)

    assert sorted(tried) == [(False, "0"), (False, "1"), (False, "2"), (True, "0")]


async def test_a_code_goes_out_before_many_profiles(town):
    await town.connect()
    pushed = []

    async def push(_, target):
        pushed.append(target)

    for number in range(30):
        await want(town.store, "profile", [str(number)], town.clock())
    await want(town.store, "discount", ["code"], town.clock())
    await Outbox({"discount": push, "profile": push}, town.clock).push_some(await town.row())

    assert pushed[0] == "code"
