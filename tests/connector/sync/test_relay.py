"""Rings through Redis: heard by the others, once, and missed by nobody while it is away."""

import asyncio
import os
import time

import pytest

from connector.kernel.bell import Bell
from connector.sync.relay import carried
from tests.ports import free_port
from tests.servers import REDIS

URL = os.environ.get(REDIS, "")


async def rung(event):
    async with asyncio.timeout(5):
        await event.wait()


@pytest.mark.skipif(not URL, reason="without a Redis server; `make test-postgres` has one")
async def test_a_ring_is_heard_in_the_other_process_and_does_not_come_back():
    one, other = Bell(), Bell()
    here, there = one.listen(), other.listen()
    async with carried(one, URL, "one"), carried(other, URL, "other"):
        await asyncio.sleep(0.3)  # until both listen
        one.ring()
        await rung(there)
        here.clear()
        there.clear()
        await asyncio.sleep(0.3)
    assert (here.is_set(), there.is_set()) == (False, False)


async def test_without_redis_whoever_rings_waits_for_nothing():
    bell = Bell()
    here = bell.listen()
    async with carried(bell, f"redis://127.0.0.1:{free_port()}/0", "one"):
        began = time.monotonic()
        for _ in range(1000):
            bell.ring()
        assert time.monotonic() - began < 1
        await rung(here)
