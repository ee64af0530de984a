"""Passes over listings: all of it, only what changed, and what a failure leaves."""

from datetime import timedelta

import pytest

from connector.commerce.models import OrderRow, StoreRow
from connector.web import status
from platforms.errors import AccessRevoked, TransientError
from platforms.woocommerce.fake import orders, people, refunds
from tests.town import KEY, SECRET, SHOP


async def passed(town):
    return await town.system.passes.run(await StoreRow.get(id=town.store))


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
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    store = await town.system.stores.connect("woocommerce", access, town.clock())
    town.store = store.id
    town.clock.forward(days=2)

    await town.system.passes.run(store, since=town.clock() - timedelta(days=1))
    assert (await StoreRow.get(id=store.id)).watermark is None
    assert await OrderRow.all().count() == 0

    await passed(town)
    assert [row.platform_id for row in await OrderRow.all()] == [str(old["id"])]


async def test_a_store_without_orders_is_in_step_too(town):
    store = await town.connect()

    found = await status.findings(await StoreRow.get(id=store.id), town.system.stores)

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
    assert (await passed(town)).changed == 0  # the customer was kept the first time


async def test_trouble_is_shown_and_goes_when_the_store_answers(town):
    await town.connect()
    town.clock.forward(minutes=11)
    keys = dict(town.shop.keys)
    town.shop.keys.clear()
    await town.settle()
    store = await StoreRow.get(id=town.store)
    assert "connect the store again" in store.trouble

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
    await town.system.records.touch(store, "order", str(order["id"]))
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
