"""Pushes: what the other side must come to agree with, level-triggered.

A row is wanted in the transaction of its cause. The worker hands it to the handler of its kind,
which works out what to send when it sends it; one push is in flight per target.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from connector.commerce.models import StoreRow
from connector.commerce.records import retry_delay
from connector.kernel.clock import Clock
from connector.sync.models import OutboxRow
from platforms.errors import (
    AccessRevoked,
    PermanentError,
    PlatformError,
    RateLimited,
    TransientError,
)

BATCH = 20  # of a kind
log = structlog.get_logger()

Push = Callable[[StoreRow, str], Awaitable[datetime | None]]
"""Makes the other side agree about a target; returns when to look again, None if done."""


async def want(store: str, kind: str, target: str, due_at: datetime) -> None:
    """Note that the other side must hear about a target. Inside the transaction of the cause."""
    row, is_new = await OutboxRow.get_or_create(
        store=store, kind=kind, target=target, defaults={"due_at": due_at}
    )
    if not is_new:
        await OutboxRow.filter(id=row.id).update(
            wanted_gen=F("wanted_gen") + 1, due_at=due_at, attempts=0, is_parked=False, trouble=""
        )


class Outbox:
    """Pushes what is due, the kinds in the order of ``handlers``: the urgent ones first."""

    def __init__(self, handlers: Mapping[str, Push], clock: Clock) -> None:
        self._handlers = handlers
        self._clock = clock

    async def push_some(self) -> int:
        """Push what is due, stores side by side; return how many targets there were."""
        stores: dict[str, list[OutboxRow]] = {}
        for kind in self._handlers:
            for row in await self._due(kind):
                stores.setdefault(row.store, []).append(row)
        await asyncio.gather(*(self._push_all(rows) for rows in stores.values()))
        return sum(len(rows) for rows in stores.values())

    async def _due(self, kind: str) -> list[OutboxRow]:
        due = unagreed().filter(kind=kind, is_parked=False, due_at__lte=self._clock())
        return await due.order_by("due_at", "id").limit(BATCH)

    async def _push_all(self, rows: Sequence[OutboxRow]) -> None:
        """Push to one store, one after the other, until it fails: the rest would fail alike."""
        for row in rows:
            if isinstance(await self._push(row), TransientError):
                return

    async def _push(self, row: OutboxRow) -> Exception | None:
        """Push one target; return what went wrong, if anything."""
        mine = OutboxRow.filter(id=row.id)
        unless_wanted_anew = mine.filter(wanted_gen=row.wanted_gen)
        try:
            store = await StoreRow.get(id=row.store)
            again_at = await self._handlers[row.kind](store, row.target)
        except PlatformError as error:
            await unless_wanted_anew.update(**self._failed(row, error))
            return error
        except Exception as error:  # our own mistake: keep trying, and hold up nobody else
            log.exception("push broke", store=row.store, kind=row.kind, target=row.target)
            await unless_wanted_anew.update(**self._failed(row, error))
            return error
        if again_at is None:
            await mine.update(agreed_gen=row.wanted_gen, attempts=0, trouble="")
        else:
            await unless_wanted_anew.update(due_at=again_at, attempts=0, trouble="")
        return None

    def _failed(self, row: OutboxRow, error: Exception) -> dict[str, object]:
        """Return what becomes of a push that failed: later, or parked for the merchant.

        Access that is revoked may come back by itself, as when a plugin was off for a while.
        """
        log.warning("push failed", store=row.store, kind=row.kind, target=row.target)
        wait = retry_delay(row.attempts)
        if isinstance(error, RateLimited):
            wait = timedelta(seconds=error.retry_after_s)
        return {
            "attempts": row.attempts + 1,
            "due_at": self._clock() + wait,
            "is_parked": isinstance(error, PermanentError) and not isinstance(error, AccessRevoked),
            "trouble": str(error)[:500],
        }


def unagreed(store: str | None = None) -> QuerySet[OutboxRow]:
    """Return the pushes, of one store or all, that the other side has not agreed to."""
    rows = OutboxRow.filter(wanted_gen__gt=F("agreed_gen"))
    return rows.filter(store=store) if store else rows


async def unpark(store: str, now: datetime) -> None:
    """Try again what waited for the merchant, or for the store to answer again."""
    rows = OutboxRow.filter(Q(is_parked=True) | Q(attempts__gt=0), store=store)
    await rows.update(is_parked=False, due_at=now, attempts=0)
