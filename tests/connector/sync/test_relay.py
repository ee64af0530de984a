"""Rings through Redis: heard by the others, once, and missed by nobody while it is away."""

import asyncio
import os
import time
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from connector.kernel.bell import Bell
from connector.sync import relay
from connector.sync.relay import carried
from tests import servers
from tests.line import line
from tests.ports import free_port
from tests.servers import REDIS

URL = os.environ.get(REDIS, "")
PATIENCE_S = 20.0
needs_redis = pytest.mark.skipif(
    not URL, reason="without a Redis server; `make test-postgres` has one"
)


async def rung(event):
    async with asyncio.timeout(5):
        await event.wait()


async def is_heard(one, there):
    """Ring until the other process hears it; return whether it did."""
    there.clear()
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while not there.is_set() and asyncio.get_running_loop().time() < until:
        one.ring()
        await asyncio.sleep(0.1)
    return there.is_set()


@asynccontextmanager
async def two(url):
    """Hold two processes' bells that carry to each other; yield one and what the other hears."""
    one, other = Bell(), Bell()
    there = other.listen()
    async with carried(one, url, "one"), carried(other, url, "other"):
        assert await is_heard(one, there)
        yield one, there


@pytest.fixture
def server():
    """A server of the test's own, that it may empty and stop."""
    with servers.redis() as url:
        yield url


@needs_redis
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


@needs_redis
async def test_rings_are_heard_again_after_redis_was_emptied_and_everybody_thrown_out(server):
    async with two(server) as (one, there), Redis.from_url(server) as operator:
        await operator.flushall()
        assert await is_heard(one, there)
        heard, said = [
            await operator.execute_command("CLIENT", "KILL", "TYPE", kind)
            for kind in ("pubsub", "normal")
        ]
        assert heard == 2
        assert said >= 1  # a listener that is back already is no listener until it subscribes
        assert await is_heard(one, there)


@needs_redis
@pytest.mark.parametrize("state", ["slow", "silent"])
async def test_rings_are_heard_again_once_redis_answers_again(server, state):
    async with line(server) as way, two(way.url) as (one, there):
        way.become(state)
        for _ in range(30):
            one.ring()
            await asyncio.sleep(0.1)
        way.become("well")
        assert await is_heard(one, there)


@needs_redis
async def test_rings_are_heard_again_after_the_line_died_and_nobody_was_told(server):
    async with line(server) as way, two(way.url) as (one, there):
        way.forget()
        assert await is_heard(one, there)


@needs_redis
async def test_rings_are_heard_again_after_redis_was_stopped_and_started():
    with ExitStack() as first, ExitStack() as again:
        url = first.enter_context(servers.redis())
        async with two(url) as (one, there):
            first.close()
            await asyncio.sleep(0.5)
            again.enter_context(servers.redis(port=urlsplit(url).port))
            assert await is_heard(one, there)


@needs_redis
async def test_a_line_where_nothing_is_said_is_kept(server):
    async with two(server) as _, Redis.from_url(server) as operator:
        before = {one["id"] for one in await operator.client_list()}
        await asyncio.sleep(5)
        assert {one["id"] for one in await operator.client_list()} == before


@needs_redis
@pytest.mark.parametrize("state", ["well", "slow", "silent", "refused"])
@pytest.mark.parametrize("after_s", [0.05, 3])
async def test_a_process_starts_and_stops_at_once_whatever_redis_does(server, state, after_s):
    async with line(server) as way:
        url = f"redis://127.0.0.1:{free_port()}/0" if state == "refused" else way.url
        way.become("well" if state == "refused" else state)
        bell = Bell()
        began = time.monotonic()
        async with carried(bell, url, "one"):
            started = time.monotonic()
            bell.ring()
            await asyncio.sleep(after_s)
            told = time.monotonic()
        waited = max(started - began, time.monotonic() - told)
        assert waited < relay.TIMEOUT_S * 0.75  # who waits for Redis waits for its whole time-out


@needs_redis
async def test_a_process_that_redis_just_threw_out_stops_at_once(server):
    async with Redis.from_url(server) as operator:
        async with two(server):
            await operator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await operator.execute_command("CLIENT", "KILL", "TYPE", "normal")
            told = time.monotonic()
        assert time.monotonic() - told < 1
