"""Passes over a store's listings, and the fetching of single records. Listings are the truth.

One pass serves the first backfill, ``perennial sync`` and every reconcile: it begins at the
watermark (the greatest platform stamp that a whole pass has seen, less an overlap), or at the
beginning of the store where there is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.commerce.records import Dirty, Records
from connector.kernel.clock import Clock
from connector.sync.stores import Stores
from platforms.errors import (
    AccessRevoked,
    PermanentError,
    PlatformError,
    RateLimited,
    TransientError,
)
from platforms.model import Kind, Page, Seen, Touched
from platforms.protocol import StoreClient

KINDS: Sequence[Kind] = ("order", "customer", "product")
"""Orders first: what they show last is the watermark, and must not be later than the rest."""
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)  # the watermark of a store without orders
OVERLAP = timedelta(minutes=10)
RECONCILE_EVERY = timedelta(minutes=10)
RETRY_AFTER = timedelta(seconds=20)
FETCH_BATCH = 50
PAGES_MAX = 100_000  # of one listing: ten million records

log = structlog.get_logger()


@dataclass(slots=True)
class Progress:
    """What a pass has done so far. ``seen`` counts records listed, by kind."""

    seen: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    changed: int = 0
    greatest: datetime | None = None

    @property
    def seen_in_all(self) -> int:
        """All records listed."""
        return sum(self.seen.values())


Report = Callable[[Progress], None]


class Passes:
    """Walks listings, and fetches what is dirty."""

    def __init__(self, stores: Stores, records: Records, clock: Clock) -> None:
        self._stores = stores
        self._records = records
        self._clock = clock

    async def run(
        self, store: StoreRow, since: datetime | None = None, report: Report | None = None
    ) -> Progress:
        """Make a pass, from ``since`` or the watermark, and fetch what it found dirty.

        A ``since`` later than the watermark leaves a gap, so it does not move the watermark.

        Raises:
            PlatformError: the store did not answer as it must; what was read is kept, and the
                watermark stays where it was.
        """
        client = self._stores.client(store)
        progress = Progress()
        begin = since or (store.watermark - OVERLAP if store.watermark else None)
        for kind in KINDS:
            await self._list(store, client, kind, begin, progress, report)
        while await self.fetch_some(store, client, progress):
            if report:
                report(progress)
        is_whole = since is None or (store.watermark is not None and since <= store.watermark)
        await self._finish(store, progress.greatest or BEGINNING if is_whole else None)
        return progress

    async def _list(
        self,
        store: StoreRow,
        client: StoreClient,
        kind: Kind,
        since: datetime | None,
        progress: Progress,
        report: Report | None,
    ) -> None:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = await client.page(kind, cursor, since)
            await self._keep(store, kind, page, progress)
            cursor = page.next_cursor
            if report:
                report(progress)
            if cursor is None:
                return
        raise PermanentError(f"the listing of {kind}s did not end after {PAGES_MAX} pages")

    async def _keep(self, store: StoreRow, kind: Kind, page: Page, progress: Progress) -> None:
        async with in_transaction():
            for item in page.items:
                if isinstance(item, Touched):
                    await self._records.touch(store, item.kind, item.id)
                else:
                    progress.changed += await self._records.observe(store, item)
        progress.seen[kind] += len(page.items)
        seen = [item.record for item in page.items if isinstance(item, Seen)]
        stamps = [record.updated_at for record in seen if kind == "order"]
        known = [progress.greatest] if progress.greatest else []
        progress.greatest = max([*known, *stamps], default=None)

    async def _finish(self, store: StoreRow, greatest: datetime | None) -> None:
        known = [stamp for stamp in (store.watermark, greatest) if stamp]
        await StoreRow.filter(id=store.id).update(
            watermark=max(known, default=None),
            reconcile_at=self._clock() + RECONCILE_EVERY,
            trouble="",
        )

    async def fetch_some(
        self, store: StoreRow, client: StoreClient, progress: Progress | None = None
    ) -> int:
        """Fetch a batch of dirty records; return how many. Failed ones stay dirty, for later.

        Raises:
            PlatformError: the store did not answer; these records wait a little.
        """
        taken = 0
        for kind in KINDS:
            dirty = await self._records.dirty(store.id, kind, self._clock(), FETCH_BATCH)
            if dirty:
                changed = await self._fetch(store, client, kind, dirty)
                taken += len(dirty)
                if progress:
                    progress.changed += changed
        return taken

    async def _fetch(
        self, store: StoreRow, client: StoreClient, kind: Kind, dirty: Sequence[Dirty]
    ) -> int:
        """Fetch and store; what fails with others is tried alone, and alone waits."""
        try:
            found = await client.fetch(kind, [one.id for one in dirty])
        except (AccessRevoked, RateLimited) as error:
            await self._wait(store, dirty, error)
            raise
        except PlatformError as error:
            if len(dirty) > 1:
                return sum([await self._fetch(store, client, kind, [one]) for one in dirty])
            log.warning("fetch failed", store=store.id, kind=kind, id=dirty[0].id, error=str(error))
            await self._wait(store, dirty, error)
            return 0
        changed = 0
        for one in dirty:
            async with in_transaction():
                record = found[one.id]
                changed += await self._records.fetched(store, one, record, self._clock())
        return changed

    async def _wait(self, store: StoreRow, dirty: Sequence[Dirty], error: PlatformError) -> None:
        wait = RETRY_AFTER
        if isinstance(error, RateLimited):
            wait = timedelta(seconds=error.retry_after_s)
        await self._records.postpone(store.id, dirty, self._clock() + wait)

    async def run_due(self) -> int:
        """Make the pass of one store that is due for it; return 1 if there was one."""
        due = StoreRow.filter(reconcile_at__lte=self._clock()).order_by("reconcile_at")
        store = await due.first()
        if store is None:
            return 0
        try:
            await self.run(store)
        except PlatformError as error:
            await self._trouble(store, error)
        except Exception as error:  # our own mistake must not keep other stores waiting
            log.exception("pass broke", store=store.id)
            await self._trouble(store, TransientError(f"our own failure, {type(error).__name__}"))
        return 1

    async def fetch_due(self) -> int:
        """Fetch dirty records of all stores; return how many."""
        taken = 0
        for store in await StoreRow.all():
            try:
                taken += await self.fetch_some(store, self._stores.client(store))
            except PlatformError as error:
                log.warning("fetch failed", store=store.id, error=str(error))
            except Exception:
                log.exception("fetch broke", store=store.id)
        return taken

    async def _trouble(self, store: StoreRow, error: PlatformError) -> None:
        log.warning("pass failed", store=store.id, error=str(error))
        advice = (
            "connect the store again" if isinstance(error, AccessRevoked) else "will be retried"
        )
        await StoreRow.filter(id=store.id).update(
            reconcile_at=self._clock() + RETRY_AFTER, trouble=f"{error}: {advice}"[:500]
        )
