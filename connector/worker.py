"""Background work: whatever waits in the tables, a dispatcher for each kind.

The tables are the truth. A dispatcher takes leases on stores that have something waiting, does a
turn for each, and when it finds nothing waits for the bell or a moment, whichever comes first; so
what a lost wake-up left is found within ``IDLE_S``.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

import structlog
from opentelemetry.trace import Tracer
from tortoise.exceptions import BaseORMException

from connector import tracing
from connector.commerce.models import StoreRow
from connector.kernel import metrics
from connector.sync import retention
from connector.sync.work import RENEW_S, TURN_ITEMS, TURN_S, Held, Leases, Work
from connector.system import System

IDLE_S = 0.5
TROUBLE_S = 2.0  # after a failure, such as a database that went away
TIDY_S = 3600.0
GRACE_S = 10.0  # for turns under way when told to stop
log = structlog.get_logger()


class Worker:
    """Does turns under leases, until it is told to stop."""

    def __init__(self, system: System, stop: asyncio.Event) -> None:
        self._system = system
        self._stop = stop
        self._leases = Leases(system.tools.ids())
        self._turns: dict[Held, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until told to stop; turns under way are finished first, if they end soon."""
        async with asyncio.TaskGroup() as group:
            for work in self._system.works:
                group.create_task(self._dispatch(work, self._system.bell.listen()))
            others = [group.create_task(self._renew()), group.create_task(self._tidy())]
            await self._stop.wait()
            self._system.bell.ring()
            for task in others:
                task.cancel()
        if self._turns:
            _, late = await asyncio.wait(self._turns.values(), timeout=GRACE_S)
            for turn in late:
                turn.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _dispatch(self, work: Work, bell: asyncio.Event) -> None:
        """Begin turns of one kind of work, as many at once as it may have."""
        while not self._stop.is_set():
            bell.clear()
            pause = IDLE_S
            try:
                busy = sum(name == work.name for _, name in self._turns)
                if busy < work.at_once:
                    now = self._system.tools.clock()
                    for store in await self._leases.take(work, now, work.at_once - busy):
                        self._begin(work, store, bell)
            except (OSError, BaseORMException) as error:
                log.warning(
                    "the database does not answer", work=work.name, error=type(error).__name__
                )
                pause = TROUBLE_S
            except Exception:
                log.exception("looking for work failed", work=work.name)
                pause = TROUBLE_S
            await _rest(bell, pause)

    def _begin(self, work: Work, store: str, bell: asyncio.Event) -> None:
        held = store, work.name
        self._turns[held] = turn = asyncio.create_task(self._turn(work, store))

        def ended(_: asyncio.Task[None]) -> None:
            del self._turns[held]
            bell.set()

        turn.add_done_callback(ended)

    async def _turn(self, work: Work, store: str) -> None:
        """Do a turn at a store and give the lease back."""
        try:
            if await self._tried(work, store):
                self._system.bell.ring()
        finally:
            with suppress(Exception):  # it ends by itself
                await asyncio.shield(self._leases.give_back(store, work.name))

    async def _tried(self, work: Work, store: str) -> int:
        """Do a turn; return how much was done, and nothing only after a while."""
        done, pause = 0, IDLE_S
        try:
            with metrics.TURNS.labels(work.name).time():
                done = await turn(work, await StoreRow.get(id=store), self._system.tracer)
        except (OSError, BaseORMException) as error:
            log.warning("the database does not answer", work=work.name, error=type(error).__name__)
            pause = TROUBLE_S
        except Exception:
            log.exception("work failed", work=work.name, store=store)
            pause = TROUBLE_S
        if not done:  # something waits, and can't be done now
            await self._pause(pause)
        return done

    async def _pause(self, seconds: float) -> None:
        """Wait, but not on being told to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _renew(self) -> None:
        """Hold on to our leases; give up turns whose lease was lost, as another may have it."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                lost = await self._leases.renew(self._turns)
            except Exception:
                log.exception("renewing leases failed")
                continue
            for held in lost & self._turns.keys():
                log.warning("lease lost", store=held[0], work=held[1])
                self._turns[held].cancel()

    async def _tidy(self) -> None:
        """Forget what is past its time, now and then."""
        while True:
            try:
                await retention.forget(self._system.tools.clock())
            except Exception:
                log.exception("forgetting failed")
            await asyncio.sleep(TIDY_S)


async def work(system: System, stop: asyncio.Event) -> None:
    """Work until told to stop."""
    await Worker(system, stop).run()


async def turn(work: Work, store: StoreRow, tracer: Tracer) -> int:
    """Do some of what waits at a store; return how much that was."""
    ends = time.monotonic() + TURN_S
    done = 0
    about = {"perennial.work": work.name, "perennial.store": store.id}
    with tracing.span(tracer, f"turn {work.name}", about) as span:
        while done < TURN_ITEMS and time.monotonic() < ends:
            some = await work.job(store)
            done += some
            if not some:
                break
        span.set_attribute("perennial.done", done)
    return done


async def finish(system: System, store: StoreRow, name: str) -> None:
    """Do all work of one kind that a store has, whoever else is at it."""
    (chosen,) = (work for work in system.works if work.name == name)
    while await chosen.job(store):
        pass


async def _rest(bell: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()


async def drain(system: System, names: Iterable[str] = ()) -> None:
    """Do all that is due now, and return; for whoever has no loops, such as tests."""
    chosen = [work for work in system.works if not names or work.name in names]
    leases = Leases(system.tools.ids())
    while sum([await _drained(system, leases, work) for work in chosen]):
        pass


async def _drained(system: System, leases: Leases, work: Work) -> int:
    """Do a turn at every store that has such work, side by side; return how much was done."""
    tried: set[str] = set()
    done = 0
    while True:
        stores = await leases.take(work, system.tools.clock(), work.at_once)
        new = [store for store in stores if store not in tried]
        try:
            turns = [turn(work, await StoreRow.get(id=store), system.tracer) for store in new]
            done += sum(await asyncio.gather(*turns))
        finally:
            for store in stores:
                await leases.give_back(store, work.name)
        if not new:
            return done
        tried.update(new)
