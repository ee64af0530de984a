"""Carries rings of the bell between processes, through Redis: a hint, no more.

Redis holds nothing of ours. Where it is down, slow or emptied, work is found by looking, as it is
without it; nobody waits for it, and who rings does not hear of its trouble.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from connector.kernel.bell import Bell

CHANNEL = "perennial.wake"
TIMEOUT_S = 2.0
GATHER_S = 0.01  # rings that come so close together are carried as one
AGAIN_S = 2.0  # after Redis failed
PULSE_S = 2.0  # silent for so long, Redis is asked whether it is there
log = structlog.get_logger()


@asynccontextmanager
async def carried(bell: Bell, url: str, process: str) -> AsyncIterator[None]:
    """Carry rings to and from the other processes while the block runs."""
    here = bell.listen()
    redis = Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, client_name="perennial"
    )
    tasks = [
        asyncio.create_task(_persistently(lambda: _tell(redis, here, process))),
        asyncio.create_task(_persistently(lambda: _hear(redis, bell, here, process))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await redis.aclose()


async def _persistently(job: Callable[[], Awaitable[None]]) -> None:
    """Do a job until cancelled, again after a while where Redis fails."""
    while True:
        try:
            await job()
        except (RedisError, OSError, TimeoutError) as error:
            ours = asyncio.current_task()
            if ours is not None and ours.cancelling():  # it failed while it was being ended
                return
            log.warning("redis failed", error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)


async def _tell(redis: Redis, here: asyncio.Event, process: str) -> None:
    """Tell the others of rings here."""
    while True:
        await here.wait()
        await asyncio.sleep(GATHER_S)
        here.clear()
        await redis.publish(CHANNEL, process)


async def _hear(redis: Redis, bell: Bell, here: asyncio.Event, process: str) -> None:
    """Ring here for the others."""
    async with redis.pubsub() as told:
        await told.subscribe(CHANNEL)
        is_asked = False
        while True:
            message = await told.get_message(timeout=PULSE_S)
            if message is None and is_asked:  # cut by somebody in between, who told us nothing
                raise TimeoutError
            is_asked = message is None
            if message is None:
                await told.ping()
            elif message["type"] == "message" and message["data"] != process.encode():
                bell.ring(but=here)
