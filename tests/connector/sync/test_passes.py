"""Passes over listings: all of it, only what changed, and what a failure leaves."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from connector.commerce.models import CustomerRow, OrderRow, ProductRow, StoreRow
from connector.commerce.records import snapshot
from connector.sync.models import PassRow
from connector.sync.passes import AUDIT_EVERY
from connector.web import status
from platforms.errors import AccessRevoked, TransientError
from platforms.model import Touched
from platforms.woocommerce.fake import orders, people, refunds
from tests.town import KEY, SECRET, SHOP


async def connected(town):
    """Connect, and read nothing yet."""
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    store = await town.system.stores.connect("woocommerce", access, town.clock())
    town.store = store.id
    return store


async def passed(town):
    return await town.system.passes.run(await StoreRow.get(id=town.store), "sync")


async def test_a_second_pass_changes_nothing(town):
    maya, coffee = town.shopper(), town.product()
    refunded = town.order(coffee, 3, maya)
    town.order(coffee, 1)
    refunds.create(town.shop, refunded, {"amount": "5.00"})

    await town.connect()
    assert await OrderRow.all().count() == 2

    assert (await passed(town)).changed == 0


async def test_a_deleted_refund_is_found_when_the_order_is_read_again(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    refund = refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100

    refunds.delete(town.shop, order, refund)  # moves no stamp and sends no webhook
    assert (await passed(town)).changed == 1
    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_what_no_webhook_told_is_found_by_the_next_pass(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    for hook in list(town.shop.all("webhook")):
        hook["status"] = "disabled"
    town.order(coffee, 3, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 0

    town.clock.forward(minutes=11)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_a_pass_that_leaves_a_gap_does_not_close_it(town):
    old = town.order(town.product(), 1)
    store = await connected(town)
    town.clock.forward(days=2)

    await town.system.passes.run(store, "sync", since=town.clock() - timedelta(days=1))
    assert (await StoreRow.get(id=store.id)).watermark is None
    assert await OrderRow.all().count() == 0

    await passed(town)
    assert [row.platform_id for row in await OrderRow.all()] == [str(old["id"])]


async def test_a_store_without_orders_is_in_step_too(town):
    store = await town.connect()

    found = await status.findings(await StoreRow.get(id=store.id), town.system.stores, town.clock())

    assert [(one.is_ok, one.what, one.advice) for one in found[1:]] == [
        (True, "in step with the store", "which has no orders yet")
    ]


async def test_a_failed_pass_keeps_what_it_read_and_the_watermark(town):
    await town.connect()
    before = (await StoreRow.get(id=town.store)).watermark
    town.clock.forward(hours=1)
    people.create(town.shop, {"email": "new@example.test"})
    town.wire.cut = [("GET", "/wp-json/wc/v3/products")]

    with pytest.raises(TransientError):
        await passed(town)

    store = await StoreRow.get(id=town.store)
    assert store.watermark == before
    gone_on = await passed(town)  # with the products: the customer was kept, and is told of too
    assert (gone_on.seen, gone_on.changed) == ({"order": 0, "customer": 1, "product": 0}, 1)
    assert (await passed(town)).changed == 0


async def test_trouble_is_shown_and_goes_when_the_store_answers(town):
    await town.connect()
    town.clock.forward(minutes=11)
    keys = dict(town.shop.keys)
    town.shop.keys.clear()
    await town.settle()
    store = await StoreRow.get(id=town.store)
    assert (store.trouble_name, store.failures) == ("access-revoked", 1)
    assert "connect with it" in store.trouble_advice

    town.shop.keys.update(keys)
    town.clock.forward(minutes=1)
    await town.settle()
    assert (await StoreRow.get(id=town.store)).trouble == ""


async def test_an_order_purged_keeps_its_points(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()

    orders.delete(town.shop, order, force=True)
    store = await StoreRow.get(id=town.store)
    await town.system.records.take_in(store, [Touched("order", str(order["id"]))], town.clock())
    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_access_that_was_revoked_says_so(town):
    await town.connect()
    town.shop.keys.clear()
    with pytest.raises(AccessRevoked):
        await passed(town)


async def test_a_failed_fetch_waits_and_is_tried_again(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()
    refunds.create(town.shop, order, {"amount": "10.00"})
    town.wire.cut = [("GET", f"/wp-json/wc/v3/orders/{order['id']}/refunds")]
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150

    town.clock.forward(seconds=20)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100


async def audited(town):
    return await town.system.passes.run(await StoreRow.get(id=town.store), "audit")


async def test_an_audit_finds_what_nothing_told_of(town):
    await town.connect()
    maya, jude, coffee = town.shopper(), town.shopper("jude@example.test"), town.product()
    kept, purged = town.order(coffee, 2, maya), town.order(coffee, 3, maya)
    refund = refunds.create(town.shop, kept, {"amount": "10.00"})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 200
    town.clock.forward(days=3)
    town.order(coffee, 1)  # moves the watermark past what is deleted next
    await town.settle()

    refunds.delete(town.shop, kept, refund)
    orders.delete(town.shop, purged, force=True)
    del town.shop.records["customer"][jude]
    del town.shop.records["product"][coffee]
    reconciled = await town.system.passes.run(await StoreRow.get(id=town.store), "reconcile")
    assert reconciled.changed == 0
    audit = await audited(town)
    await town.settle()

    assert audit.changed == 2  # the refund is gone, and the order
    assert (await town.visitor(maya))["available"] == 250  # a purged order keeps its points
    assert [row.platform_id for row in await OrderRow.filter(is_gone=True)] == [str(purged["id"])]
    assert await CustomerRow.filter(is_gone=True).count() == 1
    assert await ProductRow.filter(is_gone=True).count() == 1
    town.wire.calls.clear()
    assert (await audited(town)).changed == 0
    assert [path for _, path in town.wire.calls if path.endswith(f"/{jude}")] == []  # known by now


async def test_an_audit_falls_due_a_week_after_the_last(town):
    await town.connect()
    order = town.order(town.product(), 3)
    await town.settle()
    orders.delete(town.shop, order, force=True)
    for _ in range(6):
        town.clock.forward(days=1)
        await town.settle()
    assert await OrderRow.filter(is_gone=True).count() == 0

    town.clock.forward(days=1, minutes=11)
    await town.settle()

    assert await OrderRow.filter(is_gone=True).count() == 1
    assert (await StoreRow.get(id=town.store)).audit_at == town.clock() + AUDIT_EVERY


async def test_a_pass_that_broke_off_goes_on_from_its_page(town):
    coffee = town.product()
    for _ in range(250):
        town.order(coffee, 1)
    store = await connected(town)
    town.clock.forward(hours=1)

    first = await town.system.passes.run(store, "sync", pages_max=2)
    assert (first.is_done, first.seen["order"]) == (False, 199)
    (row,) = await PassRow.all()
    assert (row.listing, row.cursor) == ("order", f"any|199:{await nth(199)}")
    town.wire.calls.clear()
    second = await passed(town)

    assert (second.is_done, second.seen["order"], second.changed) == (True, 250, 251)
    assert await PassRow.all().count() == 0


async def nth(number):
    rows = await OrderRow.all().order_by("id")
    return rows[number - 1].platform_id


async def test_what_changes_while_a_long_pass_reads_is_read_by_the_next(town):
    coffee, maya = town.product(), town.shopper()
    early = town.order(coffee, 1, maya)
    for _ in range(200):
        town.order(coffee, 1)
    store = await connected(town)
    await town.system.passes.run(store, "sync", pages_max=2)
    for hook in town.shop.all("webhook"):
        hook["status"] = "paused"
    town.clock.forward(hours=5)
    orders.update(town.shop, early, {"status": "cancelled"})
    town.clock.forward(hours=5)
    town.order(coffee, 1)
    await passed(town)  # shows the last one, five hours newer than what it missed

    await town.system.passes.run(await StoreRow.get(id=town.store), "reconcile")

    (row,) = await OrderRow.filter(platform_id=str(early["id"]))
    assert snapshot(row).is_cancelled is True


async def test_a_part_of_a_store_may_be_read_while_a_whole_pass_is_under_way(town):
    coffee = town.product()
    for _ in range(150):
        town.order(coffee, 1)
    store = await connected(town)
    await town.system.passes.run(store, "sync", pages_max=1)

    since = town.clock() - timedelta(days=1)
    part = await town.system.passes.run(store, "sync", since)

    assert part.seen["order"] == 150
    assert (await passed(town)).seen["order"] == 150


async def test_failures_in_a_row_make_it_wait_longer(town):
    await town.connect()
    town.wire.fault = lambda _: httpx.Response(500)
    waits = []
    town.clock.forward(minutes=11)
    for _ in range(8):
        await town.settle()
        store = await StoreRow.get(id=town.store)
        waits.append((store.reconcile_at - town.clock()).total_seconds())
        town.clock.at = store.reconcile_at
    assert waits == [20, 40, 80, 160, 320, 600, 600, 600]


async def test_of_many_stores_a_long_pass_leaves_the_others_their_turn(town):
    coffee = town.product()
    for _ in range(120):
        town.order(coffee, 1)
    store = await connected(town)
    progress = await town.system.passes.run(store, "sync", pages_max=1)
    assert progress.is_done is False
    assert (await StoreRow.get(id=store.id)).watermark is None

    await town.settle()

    assert (await StoreRow.get(id=store.id)).watermark is not None


async def test_a_pass_that_broke_off_long_ago_begins_anew(town):
    coffee = town.product()
    for _ in range(210):
        town.order(coffee, 1)
    store = await connected(town)
    await town.system.passes.run(store, "sync", pages_max=2)
    town.clock.forward(days=2)

    again = await passed(town)

    assert (again.seen["order"], again.changed) == (210, 11)


async def test_two_processes_may_make_the_same_pass(town):
    coffee = town.product()
    for _ in range(300):
        town.order(coffee, 1)
    store = await connected(town)

    both = await asyncio.gather(
        town.system.passes.run(store, "sync"), town.system.passes.run(store, "sync")
    )

    assert [one.is_done for one in both] == [True, True]
    assert await OrderRow.filter(body__not_isnull=True).count() == 300
    assert await PassRow.all().count() == 0


async def test_a_pass_killed_after_its_last_page_ends_well(town):
    town.order(town.product(), 1)
    store = await connected(town)
    begun = {"began_at": town.clock(), "mark": town.clock(), "listing": "", "seen": {"order": 1}}
    await PassRow.create(store=store.id, aim="sync", **begun)

    ended = await passed(town)

    assert (ended.is_done, ended.seen["order"]) == (True, 1)
    assert (await StoreRow.get(id=store.id)).watermark == town.clock()
