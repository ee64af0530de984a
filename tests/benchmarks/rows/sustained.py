"""Deliveries a second that are settled as fast as they come, with all processes at work.

A sender at a fixed rate; the rate is doubled until the ledger falls behind, then halved in on. A
delivery is settled when another process sees its entry, looked for every few milliseconds.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count

import asyncpg
import uvloop

from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, Stand
from tests.benchmarks.load import Line, percentiles
from tests.benchmarks.orders import FIRST, body

FIRST_RATE = 20.0
STEPS = 2  # of halving, after a rate was too much
TRIAL_S, FINAL_S = 4.0, 10.0
EASE = 0.75  # where the longer look shows that it was too much after all
LAG_MAX_S = 5.0  # that nobody need wait longer for points
BEHIND_S = 0.5  # the last third may settle so much later than the second
LINES = 16  # connections to each server
LOOK_S = 0.01
GIVE_UP_S = 20.0
CUSTOMERS = 10_000  # who have a few orders each, as in a store that sells so much
Look = Callable[[], Awaitable[list[tuple[int, str]]]]


@dataclass
class Trial:
    """What one rate came to: when each order was sent and settled, and how long answers took."""

    rate: float
    sent: dict[int, float] = field(default_factory=dict)
    settled: dict[int, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)

    @property
    def lags(self) -> list[float]:
        """How long each order took to be settled, in the order of sending."""
        return [self.settled[one] - at for one, at in sorted(self.sent.items())]

    @property
    def is_bounded(self) -> bool:
        """Whether it did not fall behind: neither in settling nor in sending."""
        if len(self.settled) < len(self.sent):
            return False
        third = len(self.sent) // 3
        before, last = self.lags[third : 2 * third], self.lags[-third:]
        is_steady = sum(last) / len(last) < sum(before) / len(before) + BEHIND_S
        return is_steady and max(last) < LAG_MAX_S


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    most = 2 if ground.options.database == "postgres" else 1
    processes = min(ground.options.processes or 1, most)
    ground.stock(0, 1)  # what a listing had shown before would settle nothing
    with ground.copied() as stand:
        ports = [stand.serve()[0] for _ in range(processes)]
        for _ in range(processes):
            stand.work()
        found = uvloop.run(searched(stand, ports))
    answer, settle = percentiles(found.answers), percentiles(found.lags)
    told = ", ".join(f"p{n} {ms:.0f}" for n, ms in zip((50, 95, 99), settle, strict=True))
    yield Figure(
        what="deliveries sustained",
        database=ground.options.database,
        ratio=None,
        aim=None,
        median=round(len(found.sent) / (max(found.sent.values()) - min(found.sent.values())), 1),
        limit=None,
        spread=0.0,
        unit="/s",
        note=f"settled after {told} ms; {processes} serve, {processes} worker",
        p50_ms=round(answer[0], 2),
        p95_ms=round(answer[1], 2),
        p99_ms=round(answer[2], 2),
    )


async def searched(stand: Stand, ports: list[int]) -> Trial:
    """Return the longest look at the greatest rate that was found to be bounded."""
    look, close = await looking(stand.database)
    numbers = count(FIRST)

    async def tried(rate: float, seconds: float) -> Trial:
        lines = [await Line.open(port) for _ in range(LINES) for port in ports]
        try:
            return await Sender(stand, lines, look, numbers).send(rate, seconds)
        finally:
            for line in lines:
                line.close()

    try:
        await tried(FIRST_RATE, 2.0)  # warms all
        good, bad = 0.0, FIRST_RATE
        while (await tried(bad, TRIAL_S)).is_bounded:
            good, bad = bad, bad * 2
        for _ in range(STEPS):
            middle = (good + bad) / 2
            if (await tried(middle, TRIAL_S)).is_bounded:
                good = middle
            else:
                bad = middle
        final = await tried(good or bad / 2, FINAL_S)
        while not final.is_bounded and final.rate > 1:
            final = await tried(final.rate * EASE, FINAL_S)
        return final
    finally:
        await close()


class Sender:
    """Sends at a rate, whatever comes back, and looks for what was settled meanwhile."""

    def __init__(self, stand: Stand, lines: list[Line], look: Look, numbers: Iterator[int]) -> None:
        self._desk = stand.desk(80)
        self._look = look
        self._numbers = numbers
        self._free: asyncio.LifoQueue[Line] = asyncio.LifoQueue()
        for line in lines:
            self._free.put_nowait(line)

    async def send(self, rate: float, seconds: float) -> Trial:
        """Send for so long, and wait until all is settled."""
        trial = Trial(rate)
        looking = asyncio.create_task(self._watch(trial, time.perf_counter() + seconds))
        async with asyncio.TaskGroup() as group:
            began = time.perf_counter()
            for place in range(int(rate * seconds)):
                number = next(self._numbers)
                request = self._desk.delivery(body(number, 1 + number % CUSTOMERS), number)
                await asyncio.sleep(max(began + place / rate - time.perf_counter(), 0))
                trial.sent[number] = time.perf_counter()
                group.create_task(self._deliver(trial, request, number))
        await looking
        return trial

    async def _deliver(self, trial: Trial, request: bytes, number: int) -> None:
        line = await self._free.get()
        if not line.is_open:
            line = await Line.open(line.port)
        answer = await line.ask(request)
        assert answer.status == 200, answer.raw
        trial.answers.append(time.perf_counter() - trial.sent[number])
        self._free.put_nowait(line)

    async def _watch(self, trial: Trial, until: float) -> None:
        """Note when each order's entry is seen, till the last of them is or it takes too long."""
        while time.perf_counter() < until or len(trial.settled) < len(trial.sent):
            now = time.perf_counter()
            if now > until + GIVE_UP_S:
                return
            for _, cause in await self._look():
                number = int(cause.removeprefix("order:"))
                if number in trial.sent:
                    trial.settled.setdefault(number, now)
            await asyncio.sleep(LOOK_S)


async def looking(database: str) -> tuple[Look, Callable[[], Awaitable[None]]]:
    """Return what finds new entries, and what ends it.

    An entry with a smaller id may be seen after one with a greater: it looks back a little.
    """
    back = 500
    last = 0
    sql = "SELECT id, cause FROM entry WHERE id > {} ORDER BY id"
    if database.startswith("sqlite:"):
        held = sqlite3.connect(database.removeprefix("sqlite://"))

        async def find() -> list[tuple[int, str]]:
            return held.execute(sql.format(max(last - back, 0))).fetchall()

        async def close() -> None:
            with closing(held):
                pass
    else:
        connection = await asyncpg.connect(database)

        async def find() -> list[tuple[int, str]]:
            rows = await connection.fetch(sql.format(max(last - back, 0)))
            return [tuple(row) for row in rows]

        close = connection.close

    async def look() -> list[tuple[int, str]]:
        nonlocal last
        rows = await find()
        last = rows[-1][0] if rows else last
        return rows

    return look, close
