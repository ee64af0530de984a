"""How fast one store is asked: as wide as it bears, with room kept for what can't wait.

All requests to a store share one ``Pace``. It lets so many be under way at once as the store
answers well; it narrows when the store slows down or fails, and widens again by and by. Listings
are the ``bulk`` lane: they take at most 70 % of that room, and where the room is one request, 70 %
of the time; the rest is for the ``live`` lane, and whoever waits there goes first, but for one turn
in ten.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import httpx

Lane = Literal["live", "bulk"]
AGENT = "Perennial (+https://github.com/perennial-retention/perennial)"
TIMEOUT_S = 30.0
WIDTH_MAX = 4  # more gain nothing: two cores listed 800 orders in 6.2 s by two, in 6.7 s by four
WIDTH_FIRST = 2
BULK_SHARE = 0.7
SLOW = 2.0  # times its best: then the store is slow
EASE = 0.1  # by which the best of a path forgets
LIVE_RUN = 9  # turns in a row while bulk waits
REST_MAX_S = 30.0
PATHS_MAX = 100
HARD = frozenset({429, 500, 502, 503, 504})


@dataclass(slots=True)
class Answered:
    """What came of a turn: the status of the answer, 0 for none."""

    status: int = 0


class Pace:
    """The requests under way to one store, and how many there may be."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.width = WIDTH_FIRST
        self._clock = clock
        self._sleep = sleep
        self._busy: Counter[Lane] = Counter()
        self._waiting: Counter[Lane] = Counter()
        self._changed = asyncio.Condition()
        self._best: dict[str, float] = {}
        self._well = 0
        self._live_run = 0

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for room in a lane and hold it; with room for one only, bulk then leaves a rest."""
        async with self._changed:
            self._waiting[lane] += 1
            try:
                await self._changed.wait_for(lambda: self._is_free(lane))
            finally:
                self._waiting[lane] -= 1
            self._busy[lane] += 1
            self._live_run = self._live_run + 1 if lane == "live" and self._waiting["bulk"] else 0
        began = self._clock()
        try:
            yield
        finally:
            took = self._clock() - began
            await self._leave(lane)
        if lane == "bulk" and self.width == 1:
            await self._sleep(min(took * (1 / BULK_SHARE - 1), REST_MAX_S))

    def _is_free(self, lane: Lane) -> bool:
        if self._busy.total() >= self.width:
            return False
        is_bulks_turn = self._live_run >= LIVE_RUN and not self._busy["bulk"]
        if lane == "live":
            return not (is_bulks_turn and self._waiting["bulk"])
        share = max(int(self.width * BULK_SHARE), 1)
        return self._busy["bulk"] < share and (is_bulks_turn or not self._waiting["live"])

    async def _leave(self, lane: Lane) -> None:
        async with self._changed:
            self._busy[lane] -= 1
            self._changed.notify_all()

    def shares(self) -> Counter[str]:
        """Return its room, and how many requests of each lane are under way or wait for it."""
        busy = {f"{lane} under way": count for lane, count in self._busy.items()}
        waiting = {f"{lane} waiting": count for lane, count in self._waiting.items()}
        return Counter({"room": self.width, **busy, **waiting})

    def now(self) -> float:
        """Return the seconds of its clock."""
        return self._clock()

    def saw(self, path: str, status: int, took_s: float) -> None:
        """Learn from an answer; status 0 is none. Paths are compared with their own kind only."""
        kind = re.sub(r"\d+", "N", path)
        best = self._best.get(kind, took_s)
        is_bad = status == 0 or status in HARD
        if is_bad:
            self.width, self._well = max(self.width // 2, 1), 0
            return
        if took_s > SLOW * best:
            self.width, self._well = max(self.width - 1, 1), 0
        else:
            self._well += 1
        if self._well > self.width and self.width < WIDTH_MAX:
            self.width, self._well = self.width + 1, 0
        if kind in self._best or len(self._best) < PATHS_MAX:
            self._best[kind] = min(best + EASE * (took_s - best), took_s)


class PacedClient(httpx.AsyncClient):
    """An HTTP client whose requests take turns in one lane of a store's pace.

    ``platforms.http.call`` waits for the turn, so that waiting is no time-out.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        pace: Pace,
        lane: Lane,
        *,
        timeout: float = TIMEOUT_S,
    ) -> None:
        super().__init__(
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": AGENT},
        )
        self._pace = pace
        self._lane = lane

    @asynccontextmanager
    async def turn(self, request: httpx.Request) -> AsyncIterator[Answered]:
        """Hold a turn for a request; whoever holds it says the status that came, if one did."""
        answered = Answered()
        async with self._pace.turn(self._lane):
            began = self._pace.now()
            try:
                yield answered
            finally:
                self._pace.saw(request.url.path, answered.status, self._pace.now() - began)
