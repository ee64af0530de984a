"""Background work: a loop for each kind of it, all over the same tables.

The tables are the truth. A loop does what it finds, and when it finds nothing waits for the bell
or a moment, whichever comes first; so what a lost wake-up left is found within ``IDLE_S``.
"""

import asyncio
from collections.abc import Mapping

import structlog

from connector.system import System
from connector.web.feature import Work

IDLE_S = 0.5
TROUBLE_S = 2.0  # after a failure, such as a database that went away
log = structlog.get_logger()


async def work(system: System, stop: asyncio.Event) -> None:
    """Run all loops until ``stop`` is set; what is under way is finished first."""
    async with asyncio.TaskGroup() as group:
        for name, job in jobs(system).items():
            group.create_task(loop(name, job, system.bell.listen(), stop))
        await stop.wait()
        system.bell.ring()


def jobs(system: System) -> Mapping[str, Work]:
    """Return what there is to do, by name."""
    named = {
        f"{name}.{number}": job
        for name, part in system.parts.items()
        for number, job in enumerate(part.work)
    }
    return {
        "inbox": system.inbox.read_some,
        "fetch": system.passes.fetch_due,
        "passes": system.passes.run_due,
        "outbox": system.outbox.push_some,
        **named,
    }


async def loop(name: str, job: Work, bell: asyncio.Event, stop: asyncio.Event) -> None:
    """Do a job again and again: at once while there is more, else at the bell or in a moment."""
    while not stop.is_set():
        bell.clear()
        try:
            done = await job()
            pause = 0.0 if done else IDLE_S
        except Exception:
            log.exception("work failed", job=name)
            done, pause = 0, TROUBLE_S
        if pause:
            await _rest(bell, pause)
        else:
            await asyncio.sleep(0)


async def _rest(bell: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return


async def drain(system: System, names: frozenset[str] = frozenset()) -> None:
    """Do all that is due now, and return; for commands and tests, which have no loops."""
    chosen = [job for name, job in jobs(system).items() if not names or name in names]
    while True:
        done = [await job() for job in chosen]
        if not any(done):
            return
