"""Redis slow, silent, emptied or stopped: deliveries are answered at once and settled as before."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from connector.ledger.models import EntryRow
from connector.sync.relay import carried
from tests import servers
from tests.flows.operator import end
from tests.line import line
from tests.ports import free_port
from tests.servers import REDIS

ANSWERED_S = 1.0
SETTLED_S = 2.0 + 2.0  # the sweep's, and what a busy machine takes
STOPPED_S = 3.0


@contextmanager
def working(town, redis_url, said):
    """Run another process that works on the town's database."""
    env = os.environ | {
        "PERENNIAL_DATABASE_URL": town.system.settings.database_url,
        "PERENNIAL_SECRET_KEY": town.system.settings.secret_key,
        "PERENNIAL_REDIS_URL": redis_url,
    }
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector.cli", "worker"], env=env, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 30
        while b"working" not in said.read_bytes():
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.05)
        yield process
    finally:
        end(process)


async def delivered(town, product):
    """Have an order delivered; return how long that took, and then its settling elsewhere."""
    entries = await EntryRow.all().count()
    began = time.monotonic()
    town.order(product, 1)
    await town.shop.deliveries_done()
    answered = time.monotonic()
    for _ in range(500):
        if await EntryRow.all().count() > entries:
            break
        await asyncio.sleep(0.02)
    return answered - began, time.monotonic() - answered


async def thrown_out(url):
    """Empty Redis and cut everybody's connection."""
    async with Redis.from_url(url) as operator:
        await operator.flushall()
        for kind in ("pubsub", "normal"):
            await operator.execute_command("CLIENT", "KILL", "TYPE", kind)


async def lived(town, product, way, server):
    """Return what deliveries take while Redis goes through its troubles, by their names."""
    url = server.enter_context(servers.redis(port=way.to))
    took = {"silent": await delivered(town, product)}
    way.become("slow")
    took["slow"] = await delivered(town, product)
    way.become("well")
    took["well"] = await delivered(town, product)
    await thrown_out(url)
    took["emptied"] = await delivered(town, product)
    server.close()
    took["stopped"] = await delivered(town, product)
    server.enter_context(servers.redis(port=way.to))
    took["started"] = await delivered(town, product)
    way.become("silent")
    return took


@pytest.mark.skipif(
    REDIS not in os.environ, reason="without a Redis server; `make test-postgres` has one"
)
async def test_whatever_redis_does_deliveries_are_answered_at_once_and_settled(town, tmp_path):
    town.clock.at = datetime.now(UTC)  # that of the other process
    await town.connect()
    product = town.product()
    await town.settle()

    with ExitStack() as server:
        async with line(f"redis://127.0.0.1:{free_port()}/0") as way:
            way.become("silent")
            with working(town, way.url, tmp_path / "said") as worker:
                async with carried(town.system.bell, way.url, "web"):
                    took = await lived(town, product, way, server)
                told = time.monotonic()
                worker.send_signal(signal.SIGTERM)
                assert (worker.wait(20), time.monotonic() - told < STOPPED_S) == (0, True)

    assert len(took) == await EntryRow.all().count() == 6
    assert {name: one for name, one in took.items() if one[0] > ANSWERED_S} == {}
    assert {name: one for name, one in took.items() if one[1] > SETTLED_S} == {}
