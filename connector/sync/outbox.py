"""Pushes: what the other side must come to agree with, level-triggered.

A row is wanted in the transaction of its cause. The worker hands it to the handler of its kind,
which works out what to send when it sends it; one push is in flight per target.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from tortoise.expressions import F
from tortoise.queryset import QuerySet

from connector.commerce.models import BACKFILL, LIVE, StoreRow
from connector.commerce.records import retry_delay
from connector.database import sql
from connector.kernel import metrics
from connector.kernel.clock import Clock
from connector.sync.models import OutboxRow
from connector.sync.work import oldest
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


PUSH_DUE = (
    "EXISTS (SELECT 1 FROM outbox o WHERE o.store = s.id AND o.wanted_gen > o.agreed_gen"
    " AND NOT o.is_parked AND o.due_at <= :now) AND s.disconnected_at IS NULL"
)
"""Whether a store ``s`` has pushes that are due at the instant ``:now``."""
OLDEST_PUSH = (
    "SELECT MIN(o.due_at) FROM outbox o WHERE o.store = s.id AND o.kind = '{}'"
    " AND o.lane = {{lane}} AND o.wanted_gen > o.agreed_gen AND NOT o.is_parked"
    " AND o.due_at <= :now"
)
Wanted = tuple[str, str, int]
"""What the other side must hear about: the kind of push, its target, and in which lane."""


async def want(store: str, kind: str, targets: Iterable[str], due_at: datetime) -> None:
    """Note that the other side must hear about targets. Inside the transaction of the cause."""
    await want_all(store, [(kind, target, LIVE) for target in targets], due_at)


async def want_all(store: str, wanted: Iterable[Wanted], due_at: datetime) -> None:
    """Note what the other side must hear about. Inside the transaction of the cause.

    Once in it: rows are always locked in the order of their kinds and targets.
    """
    await sql.many(
        "INSERT INTO outbox"
        " (store, kind, target, wanted_gen, agreed_gen, attempts, due_at, is_parked, trouble, lane)"
        " VALUES ($1, $2, $3, 1, 0, 0, $4, FALSE, '', $5)"
        " ON CONFLICT (store, kind, target) DO UPDATE SET wanted_gen = outbox.wanted_gen + 1,"
        " due_at = excluded.due_at, attempts = 0, is_parked = FALSE, trouble = '',"
        " lane = CASE WHEN outbox.wanted_gen > outbox.agreed_gen AND outbox.lane < excluded.lane"
        " THEN outbox.lane ELSE excluded.lane END",
        ((store, kind, target, due_at, lane) for kind, target, lane in sorted(set(wanted))),
    )


class Outbox:
    """Pushes what is due, the kinds in the order of ``handlers``: the urgent ones first."""

    def __init__(self, handlers: Mapping[str, Push], clock: Clock) -> None:
        self._handlers = handlers
        self._clock = clock
        self.oldest = oldest(
            *(OLDEST_PUSH.format(kind) for kind in handlers),
            lanes=(LIVE, BACKFILL),
            stores="s.disconnected_at IS NULL",
        )

    async def push_some(self, store: StoreRow) -> int:
        """Push to a store what is due; return how many targets that was.

        Of a kind one after the other, until one fails for the time being: the rest would fail
        alike.
        """
        done = 0
        for kind in self._handlers:
            for row in await self._due(store, kind):
                error = await self._push(store, row)
                metrics.PUSHES.labels(kind, type(error).__name__ if error else "agreed").inc()
                if isinstance(error, TransientError):
                    break
                done += 1
        return done

    async def _due(self, store: StoreRow, kind: str) -> list[OutboxRow]:
        due = unagreed(store.id).filter(kind=kind, is_parked=False, due_at__lte=self._clock())
        return await due.order_by("lane", "due_at", "id").limit(BATCH)

    async def _push(self, store: StoreRow, row: OutboxRow) -> Exception | None:
        """Push one target; return what went wrong, if anything."""
        mine = OutboxRow.filter(id=row.id)
        unless_wanted_anew = mine.filter(wanted_gen=row.wanted_gen)
        try:
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
    await sql.run(
        "UPDATE outbox SET is_parked = FALSE, due_at = $2, attempts = 0 WHERE id IN"
        " (SELECT id FROM outbox WHERE store = $1 AND (is_parked OR attempts > 0)"
        ' ORDER BY kind COLLATE "C", target COLLATE "C" FOR UPDATE)',
        *(store, now),
    )
