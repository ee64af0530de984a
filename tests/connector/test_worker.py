"""The worker's loops: woken by the bell, stopped when asked, never ended by one failure."""

import asyncio
from dataclasses import replace

from connector import worker
from connector.ledger.models import EntryRow
from connector.sync.work import Work


async def test_work_is_done_when_the_bell_rings_and_ends_when_told(town):
    await town.connect()
    stop = asyncio.Event()
    working = asyncio.create_task(worker.work(town.system, stop))
    maya = town.shopper()
    town.order(town.product(), 3, maya)
    await town.shop.deliveries_done()

    async with asyncio.timeout(10):
        while not await EntryRow.exists(store=town.store, points=150):
            await town.visitor(maya)
        stop.set()
        await working
    assert (await town.visitor(maya))["available"] == 150


async def test_work_that_fails_does_not_end_the_worker(town):
    store = await town.connect()
    stop = asyncio.Event()
    tried: list[str] = []

    async def job(row):
        tried.append(row.id)
        if len(tried) == 2:
            stop.set()
        raise RuntimeError("broken")

    system = replace(town.system, works=[Work(name="broken", waiting="1 = 1", job=job)])
    async with asyncio.timeout(10):
        await worker.work(system, stop)
    assert tried == [store.id, store.id]


async def test_a_turn_ends_so_that_others_have_theirs(town):
    store = await town.connect()
    done: list[int] = []

    async def job(_):
        done.append(30)
        return 30

    work = Work(name="long", waiting="1 = 1", job=job)
    assert await worker.turn(work, store, town.system.tracer) == 120
    assert len(done) == 4
