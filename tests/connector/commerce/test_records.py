"""Records in the database: what is fetched when, and what a fetch may change."""

from dataclasses import replace
from datetime import timedelta

from connector.commerce import records
from connector.commerce.models import OrderRow
from connector.commerce.records import OLDER_PAUSE, Dirty
from platforms.model import Seen, Touched
from tests.connector.commerce.test_snapshots import HELD, LATER, OTHER


async def observed(town, *seen):
    store = await town.connect(program=None)
    for one in seen:
        await town.system.records.take_in(store, [one], town.clock())
    return store


async def dirty(town, store):
    return await town.system.records.dirty(store.id, "order", town.clock(), 10)


async def test_an_incomplete_order_is_fetched_and_then_clean(town):
    store = await observed(town, Seen(HELD, is_complete=False))
    assert await dirty(town, store) == [Dirty("order", "1", 1)]

    assert (
        await town.system.records.fetched(store, [(Dirty("order", "1", 1), HELD)], town.clock())
        == 1
    )

    assert await dirty(town, store) == []
    assert (await records.orders_of(store.id, ["customer:2"]))["customer:2"] == [HELD]


async def test_touched_during_the_fetch_stays_dirty(town):
    store = await observed(town, Seen(HELD))
    await town.system.records.take_in(store, [Touched("order", "1")], town.clock())
    (one,) = await dirty(town, store)

    await town.system.records.take_in(store, [Touched("order", "1")], town.clock())
    await town.system.records.fetched(store, [(one, HELD)], town.clock())

    assert await dirty(town, store) == [Dirty("order", "1", 2)]


async def test_a_fetch_undoes_nothing_that_is_delivered_while_it_is_under_way(town):
    store = await observed(town, Touched("order", "1"))
    (one,) = await dirty(town, store)

    last = replace(OTHER, updated_at=HELD.updated_at)
    await town.system.records.take_in(store, [Seen(last)], town.clock())
    await town.system.records.fetched(store, [(one, HELD)], town.clock())

    (again,) = await dirty(town, store)
    await town.system.records.fetched(store, [(again, last)], town.clock())
    assert (await records.orders_of(store.id, ["customer:2"]))["customer:2"] == [last]
    assert await dirty(town, store) == []


async def test_an_older_fetch_is_believed_only_the_second_time(town):
    newer = replace(OTHER, updated_at=LATER)
    store = await observed(town, Seen(newer))
    await town.system.records.take_in(store, [Touched("order", "1")], town.clock())
    (one,) = await dirty(town, store)

    assert await town.system.records.fetched(store, [(one, HELD)], town.clock()) == 0
    assert (await records.orders_of(store.id, ["customer:2"]))["customer:2"] == [newer]
    assert await dirty(town, store) == []

    town.clock.at += OLDER_PAUSE
    assert await dirty(town, store) == [one]
    assert await town.system.records.fetched(store, [(one, HELD)], town.clock()) == 1
    assert (await records.orders_of(store.id, ["customer:2"]))["customer:2"] == [HELD]
    assert await dirty(town, store) == []


async def test_a_purged_record_keeps_its_last_state_marked(town):
    store = await observed(town, Seen(HELD))
    await town.system.records.take_in(store, [Touched("order", "1")], town.clock())
    (one,) = await dirty(town, store)

    assert await town.system.records.fetched(store, [(one, None)], town.clock()) == 1

    assert (await records.orders_of(store.id, ["customer:2"]))["customer:2"] == [
        replace(HELD, is_deleted=True)
    ]
    assert await dirty(town, store) == []


async def test_what_was_never_seen_and_is_gone_is_simply_clean(town):
    store = await observed(town)
    await town.system.records.take_in(store, [Touched("order", "77")], town.clock())
    (one,) = await dirty(town, store)

    assert await town.system.records.fetched(store, [(one, None)], town.clock()) == 0

    assert await dirty(town, store) == []
    assert (await OrderRow.get(platform_id="77")).body is None


async def test_postponed_records_wait(town):
    store = await observed(town, Seen(HELD, is_complete=False))
    waiting = await dirty(town, store)

    await town.system.records.postpone(store.id, waiting, town.clock() + timedelta(seconds=20))
    assert await dirty(town, store) == []

    town.clock.forward(seconds=20)
    assert await dirty(town, store) == waiting


async def test_codes_find_their_orders_in_any_case(town):
    store = await observed(town, Seen(replace(HELD, codes=("abc",))))

    assert [order.id for order in await records.orders_with(store.id, ["ABC"])] == ["1"]
    assert await records.orders_with("another", ["ABC"]) == []
