"""One broken thing holds up nothing else: an adapter's mistake, a push that breaks, a bad key."""

import dataclasses
from datetime import UTC, datetime

import httpx
import orjson

from connector.commerce.models import OrderRow, StoreRow
from connector.ledger.models import AccountRow
from connector.sync.models import InboxRow, OutboxRow
from connector.sync.outbox import Outbox, want
from connector.web import status
from platforms.woocommerce.fake import refunds

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_delivery_that_breaks_the_adapter_is_parked_and_the_next_is_read(town):
    await town.connect()
    await InboxRow.create(
        store=town.store,
        key="broken",
        headers={"x-wc-webhook-topic": "order.updated"},
        body=b'{"id": 1e999}',
        received_at=LONG_AGO,
    )
    maya = town.shopper()
    town.order(town.product(), 3, maya)

    await town.settle()

    assert (await InboxRow.get(key="broken")).state == "parked"
    assert (await town.visitor(maya))["available"] == 150


async def test_codes_that_are_alike_for_a_hundred_letters_stop_nothing(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    lines = [{"code": "x" * 100 + end} for end in "ab"]
    town.shop.records["order"][order["id"]]["coupon_lines"] = lines

    await town.settle()
    await town.settle()  # our own write of the profile comes back

    assert (await town.visitor(maya))["available"] == 150
    assert await InboxRow.filter(state="waiting").count() == 0


async def test_a_delivery_of_a_store_that_is_gone_stops_nothing(town):
    await town.connect()
    await InboxRow.create(store="gone", key="gone", headers={}, body=b"{}", received_at=LONG_AGO)
    maya = town.shopper()
    town.order(town.product(), 3, maya)

    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_one_order_that_cannot_be_read_stops_no_listing(town):
    maya, coffee = town.shopper(), town.product()
    made = [town.order(coffee, 1, maya) for _ in range(4)]
    odd = town.shop.records["order"][made[0]["id"]]
    odd["line_items"][0]["quantity"] = 1.5

    await town.connect()

    store = await StoreRow.get(id=town.store)
    assert store.watermark is not None
    assert (await town.visitor(maya))["available"] == 150
    (row,) = await OrderRow.filter(platform_id=str(odd["id"]))
    assert (row.body, row.dirty_gen > row.fetched_gen) == (None, True)


async def test_accounts_that_cannot_be_settled_starve_nobody(town):
    await town.connect()
    await AccountRow.bulk_create(AccountRow(store="gone", key=str(n)) for n in range(100))
    await AccountRow.bulk_create([AccountRow(store=town.store, key="customer:none")])
    maya = town.shopper()
    town.order(town.product(), 3, maya)

    await town.settle()
    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_patience_that_is_no_number_is_a_second(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 12, maya)
    await town.settle()
    town.wire.answers["/wp-json/wc/v3/coupons/batch"] = httpx.Response(
        429, headers={"Retry-After": "nan"}
    )
    await town.redeem(maya)
    await town.settle()

    row = await OutboxRow.get(kind="discount")
    assert (row.attempts, row.is_parked) == (1, False)
    del town.wire.answers["/wp-json/wc/v3/coupons/batch"]
    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "issued"


async def test_a_lagging_answer_takes_no_refund_back(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()
    town.clock.forward(minutes=1)
    old = orjson.dumps([order])
    refunds.create(town.shop, order, {"amount": "10.00"})
    town.wire.answers["/wp-json/wc/v3/orders"] = httpx.Response(200, content=old)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150

    del town.wire.answers["/wp-json/wc/v3/orders"]
    town.clock.forward(seconds=30)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100


async def test_a_push_that_breaks_is_tried_again_and_the_next_goes_out(town):
    store = await town.connect()
    pushed = []

    async def push(_, target):
        if target == "broken":
            raise RuntimeError("our own mistake")
        pushed.append(target)

    await want(town.store, "test", ["broken"], LONG_AGO)
    await want(town.store, "test", ["fine"], town.clock())
    outbox = Outbox({"test": push}, town.clock)
    assert await outbox.push_some(store) == 2

    broken = await OutboxRow.get(target="broken")
    assert (pushed, broken.is_parked, broken.attempts) == (["fine"], False, 1)
    assert broken.due_at > town.clock()


async def test_with_another_secret_key_a_store_says_to_connect_again(town):
    await town.connect()
    store = await StoreRow.get(id=town.store)
    sealed = bytearray(store.access)
    sealed[-1] ^= 1
    await StoreRow.filter(id=store.id).update(access=bytes(sealed))

    findings = await status.findings(
        await StoreRow.get(id=store.id), town.system.stores, town.clock()
    )

    first = dataclasses.asdict(findings[0])
    assert first["is_ok"] is False
    assert "PERENNIAL_SECRET_KEY" in first["advice"]
