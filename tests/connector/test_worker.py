"""The worker's loops: woken by the bell, stopped when asked, never ended by one failure."""

import asyncio

from connector import worker
from connector.ledger.models import EntryRow


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


async def test_a_job_that_fails_does_not_end_the_loop(town):
    stop, bell = asyncio.Event(), asyncio.Event()
    tried: list[int] = []

    async def job():
        tried.append(len(tried))
        bell.set()
        if len(tried) == 3:
            stop.set()
        raise RuntimeError("broken")

    async with asyncio.timeout(10):
        await worker.loop("broken", job, bell, stop)
    assert tried == [0, 1, 2]
