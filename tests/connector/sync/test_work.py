"""Leases: one holder at a time, the longest waiting first, and none for longer than it lives."""

import asyncio
import time

import pytest

from connector.commerce.models import StoreRow
from connector.database import sql
from connector.sync.work import LEASE_MS, LOOK_S, Leases, Work

MINE, YOURS = Leases("mine"), Leases("yours")


async def nothing(_):
    return 0


WORK = Work(name="test", waiting="s.platform = 'woocommerce'", job=nothing)


async def stores(town, *ids):
    first = await town.connect()
    for id_ in ids:
        one = await StoreRow.get(id=first.id)
        one.id, one.url = id_, f"https://{id_}.example.test"
        await one.save(force_create=True)
    return first.id


async def test_what_one_holds_another_does_not_get(town):
    store = await stores(town)

    assert await MINE.take(WORK, town.clock(), 5) == [store]
    assert await YOURS.take(WORK, town.clock(), 5) == []
    await YOURS.give_back(store, "test")
    assert await YOURS.take(WORK, town.clock(), 5) == []
    await MINE.give_back(store, "test")
    assert await YOURS.take(WORK, town.clock(), 5) == [store]


async def test_kinds_of_work_are_leased_apart(town):
    store = await stores(town)
    other = Work(name="other", waiting="1 = 1", job=nothing)

    assert await MINE.take(WORK, town.clock(), 5) == [store]
    assert await YOURS.take(other, town.clock(), 5) == [store]


async def test_where_nothing_waits_nothing_is_leased(town):
    await stores(town)
    idle = Work(name="idle", waiting="s.platform = 'none'", job=nothing)

    assert await MINE.take(idle, town.clock(), 5) == []
    assert await sql.rows("SELECT store FROM lease WHERE work = 'idle'") == []


async def test_who_waited_longest_is_next(town):
    first = await stores(town, "second", "third")
    turns = []
    for _ in range(6):
        (store,) = await MINE.take(WORK, town.clock(), 1)
        turns.append(store)
        await asyncio.sleep(0.005)  # turns are told apart by the database's milliseconds
        await MINE.give_back(store, "test")

    assert sorted(turns[:3]) == sorted([first, "second", "third"])
    assert turns[3:] == turns[:3]


async def test_a_lease_that_nobody_renews_ends(town):
    store = await stores(town)
    await MINE.take(WORK, town.clock(), 1)
    await sql.run("UPDATE lease SET until_ms = until_ms - $1", LEASE_MS)

    assert await MINE.renew([(store, "test")]) == {(store, "test")}
    assert await YOURS.take(WORK, town.clock(), 1) == [store]


async def test_a_lease_that_is_renewed_goes_on(town):
    store = await stores(town)
    await MINE.take(WORK, town.clock(), 1)
    await sql.run("UPDATE lease SET until_ms = until_ms - $1", LEASE_MS - 5000)

    assert await MINE.renew([(store, "test")]) == set()
    ((left,),) = [
        tuple(row.values())
        for row in await sql.rows(
            f"SELECT until_ms - {sql.now_ms()} AS left_ms FROM lease WHERE work = 'test'"
        )
    ]
    assert LEASE_MS - 3000 < left <= LEASE_MS


async def test_a_lease_that_could_not_be_given_back_is_not_renewed(town):
    store = await stores(town)
    await MINE.take(WORK, town.clock(), 1)

    assert await MINE.renew([]) == set()
    await sql.run("UPDATE lease SET until_ms = until_ms - $1", LEASE_MS)

    assert await YOURS.take(WORK, town.clock(), 1) == [store]


async def test_of_many_that_ask_at_once_one_gets_it(town):
    store = await stores(town)
    asked = [Leases(str(n)).take(WORK, town.clock(), 1) for n in range(20)]

    got = await asyncio.gather(*asked)

    assert sorted(got, key=len) == [[]] * 19 + [[store]]


async def test_what_is_done_alone_waits_for_who_is_at_it_and_gives_back_what_failed(town):
    store = await stores(town)
    told = []

    async def turn():
        async with YOURS.alone(store, "access"):
            told.append("yours")

    async with MINE.alone(store, "access"):
        theirs = asyncio.create_task(turn())
        assert await asyncio.wait([theirs], timeout=4 * LOOK_S) == (set(), {theirs})
    await theirs
    assert told == ["yours"]

    with pytest.raises(ZeroDivisionError):
        async with MINE.alone(store, "access"):
            raise ZeroDivisionError
    begun = time.monotonic()
    await turn()
    assert time.monotonic() - begun < 5
