"""Work on stores: found in the tables, and leased, so that of many processes one does it.

A lease is (store, kind of work). Whoever holds it does a turn and gives it back; next is the store
that waited longest, so one with half a million items waiting keeps nobody from theirs. A lease
that nobody renews ends by itself: its holder was killed. Nothing rests on leases but fairness and
thrift: what a turn writes is right, whoever else does the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from connector.commerce.models import LIVE, StoreRow
from connector.database import sql
from platforms.errors import TransientError

LEASE_MS = 15_000
ALONE_MS = 35_000  # a little longer than a request may take
LOOK_S = 0.05
RENEW_S = 5.0
TURN_ITEMS = 100
TURN_S = 1.0

Job = Callable[[StoreRow], Awaitable[int]]
"""Does some of what waits at a store; returns how much that was, 0 when there is nothing."""
Held = tuple[str, str]
"""The store and the kind of work of a lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A kind of work. ``waiting`` is SQL: has store ``s`` any at the instant ``:now``?

    One process does it for ``at_once`` stores side by side. ``oldest`` is SQL too, see the function
    of that name: since when does the first wait in each lane?
    """

    name: str
    waiting: str
    job: Job
    at_once: int = 1
    oldest: str | None = None


def oldest(*firsts: str, lanes: Iterable[int] = (LIVE,), stores: str = "1 = 1") -> str:
    """Return SQL whose rows are (lane, at), a row a lane: since when the first waits, if any does.

    ``firsts`` tell it of one store ``s`` in one ``{lane}``, each of its own part. Each is asked for
    every store, so it must find its answer at the end of an index; nothing is counted or sorted.
    """
    each = " UNION ALL ".join(
        f"SELECT ({first}) AS at FROM store s WHERE {stores}" for first in firsts
    )
    text = f"SELECT {{lane}} AS lane, MIN(at) AS at FROM ({each}) found"
    return " UNION ALL ".join(text.format(lane=lane) for lane in lanes)


async def asked(text: str, now: datetime, *values: object) -> Sequence[sql.Row]:
    """Return what a statement finds, in which ``:now`` may stand beside the numbered values."""
    if ":now" not in text:  # PostgreSQL takes no value that is not used
        return await sql.rows(text, *values)
    return await sql.rows(text.replace(":now", f"${len(values) + 1}"), *values, now)


class Leases:
    """What one process holds."""

    def __init__(self, holder: str) -> None:
        self._holder = holder

    async def take(self, work: Work, now: datetime, limit: int) -> list[str]:
        """Return stores that have such work, longest waiting first; from now on they are ours."""
        text = (
            "SELECT s.id AS id FROM store s LEFT JOIN lease l ON l.store = s.id AND l.work = $1"
            f" WHERE COALESCE(l.until_ms, 0) <= {sql.now_ms()} AND {work.waiting}"
            " ORDER BY COALESCE(l.turn_ms, 0), s.id LIMIT $2"
        )
        found = await asked(text, now, work.name, limit)
        return [row["id"] for row in found if await self._taken(row["id"], work.name)]

    @asynccontextmanager
    async def alone(self, store: str, work: str) -> AsyncIterator[None]:
        """Do something that nobody else does meanwhile, in less than ``ALONE_MS``.

        Raises:
            TransientError: another has been at it for longer.
        """
        end = time.monotonic() + 2 * ALONE_MS / 1000
        while not await self._taken(store, work, ALONE_MS):
            if time.monotonic() > end:
                raise TransientError(f"another process has been at {work} for too long")
            await asyncio.sleep(LOOK_S)
        try:
            yield
        finally:
            await self.give_back(store, work)

    async def _taken(self, store: str, work: str, for_ms: int = LEASE_MS) -> bool:
        now_ms = sql.now_ms()
        return bool(
            await sql.rows(
                "INSERT INTO lease (store, work, holder, until_ms, turn_ms)"
                f" VALUES ($1, $2, $3, {now_ms} + $4, {now_ms})"
                " ON CONFLICT (store, work) DO UPDATE SET holder = excluded.holder,"
                " until_ms = excluded.until_ms, turn_ms = excluded.turn_ms"
                f" WHERE lease.until_ms <= {now_ms} RETURNING store",
                *(store, work, self._holder, for_ms),
            )
        )

    async def renew(self, held: Iterable[Held]) -> set[Held]:
        """Hold on to leases; return those that are lost, since we were silent for too long.

        On to these only: one that could not be given back must end.
        """
        names = {f"{store} {work}": (store, work) for store, work in held}
        kept = await sql.rows(
            f"UPDATE lease SET until_ms = {sql.now_ms()} + $2"
            f" WHERE holder = $1 AND until_ms > {sql.now_ms()} AND store || ' ' || work = ANY($3)"
            " RETURNING store, work",
            *(self._holder, LEASE_MS, list(names)),
        )
        return set(names.values()) - {(row["store"], row["work"]) for row in kept}

    async def give_back(self, store: str, work: str) -> None:
        """Let others have a turn."""
        await sql.run(
            "UPDATE lease SET until_ms = 0 WHERE store = $1 AND work = $2 AND holder = $3",
            *(store, work, self._holder),
        )
