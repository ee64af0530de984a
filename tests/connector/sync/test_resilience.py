"""One broken thing holds up nothing else: an adapter's mistake, a push that breaks, a bad key."""

import dataclasses
from datetime import UTC, datetime

from connector.commerce.models import StoreRow
from connector.sync.models import InboxRow, OutboxRow
from connector.sync.outbox import Outbox, want
from connector.web import status

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


async def test_a_push_that_breaks_is_tried_again_and_the_next_goes_out(town):
    await town.connect()
    pushed = []

    async def push(_, target):
        if target == "broken":
            raise RuntimeError("our own mistake")
        pushed.append(target)

    await want(town.store, "test", "broken", LONG_AGO)
    await want(town.store, "test", "fine", town.clock())
    outbox = Outbox({"test": push}, town.clock)
    assert await outbox.push_some() == 2

    broken = await OutboxRow.get(target="broken")
    assert (pushed, broken.is_parked, broken.attempts) == (["fine"], False, 1)
    assert broken.due_at > town.clock()


async def test_with_another_secret_key_a_store_says_to_connect_again(town):
    await town.connect()
    store = await StoreRow.get(id=town.store)
    sealed = bytearray(store.access)
    sealed[-1] ^= 1
    await StoreRow.filter(id=store.id).update(access=bytes(sealed))

    findings = await status.findings(await StoreRow.get(id=store.id), town.system.stores)

    first = dataclasses.asdict(findings[0])
    assert first["is_ok"] is False
    assert "PERENNIAL_SECRET_KEY" in first["advice"]
