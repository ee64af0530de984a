"""Passes over a store's listings, and the fetching of single records. Listings are the truth.

A pass has one of three aims. ``sync`` reads all there is; ``reconcile`` what changed since the
watermark, less an overlap; ``audit`` reads all there is and then asks for what the listings no
longer show. Each page is kept in one transaction with where the pass goes on, so a pass that broke
off, however, goes on from there. The watermark becomes the newest stamp that the platform had when
the pass began: whatever changed since is listed by the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from connector.commerce.models import BACKFILL, LIVE, StoreRow
from connector.commerce.records import TABLE_NAMES, Dirty, Records
from connector.database import sql
from connector.kernel.clock import Clock
from connector.sync import outbox
from connector.sync.models import PassRow
from connector.sync.stores import Stores
from connector.sync.work import oldest
from platforms.errors import (
    AccessRevoked,
    PlatformError,
    RateLimited,
    TransientError,
)
from platforms.model import Kind
from platforms.protocol import StoreClient

Aim = Literal["sync", "reconcile", "audit"]
KINDS: Sequence[Kind] = ("order", "customer", "product")
FIRST: Sequence[Kind] = ("product", "order", "customer")  # orders may be priced by their products
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)  # the watermark of a store without orders
OVERLAP = timedelta(minutes=10)
RECONCILE_EVERY = timedelta(minutes=10)
GOES_ON = timedelta(days=2)  # a pass that broke off longer ago begins anew
AUDIT_EVERY = timedelta(days=7)
AUDIT_AGAIN = timedelta(hours=1)  # after it failed
RETRY_AFTER = timedelta(seconds=20)
RETRY_MAX = timedelta(minutes=10)
BROKEN_WAIT_MAX = timedelta(days=1)
BROKEN_MAX = 3  # records that the store fails at, one after the other: then it is the store
UNSEEN = "unseen"  # the last step of an audit: what no listing showed
FETCH_BATCH = 50
PAGES_MAX = 100_000  # of one pass: ten million records
TURN_PAGES = 1  # then others may have their turn

LISTING_DUE = "s.reconcile_at <= :now AND s.disconnected_at IS NULL"
OLDEST_LISTING = oldest("s.reconcile_at", stores="s.disconnected_at IS NULL")
TO_FETCH = (  # the first by the index: of an EXISTS, PostgreSQL may read the table for each store
    "(SELECT r.id FROM {} r WHERE r.store = s.id AND r.dirty_gen > r.fetched_gen"
    " AND (r.retry_at IS NULL OR r.retry_at <= :now)"
    " ORDER BY r.lane, COALESCE(r.retry_at, r.dirty_at), r.id LIMIT 1) IS NOT NULL"
)
FETCH_DUE = (
    "s.disconnected_at IS NULL AND"
    f" ({' OR '.join(TO_FETCH.format(name) for name in TABLE_NAMES.values())})"
)
"""Whether a store ``s`` has a pass that is due, or records to fetch, at the instant ``:now``."""
OLDEST_DIRTY = oldest(
    *(
        f"SELECT MIN(COALESCE(r.retry_at, r.dirty_at)) FROM {name} r WHERE r.store = s.id"
        " AND r.lane = {lane} AND r.dirty_gen > r.fetched_gen"
        " AND COALESCE(r.retry_at, r.dirty_at) <= :now"
        for name in TABLE_NAMES.values()
    ),
    lanes=(LIVE, BACKFILL),
    stores="s.disconnected_at IS NULL",
)
log = structlog.get_logger()


@dataclass(slots=True)
class Progress:
    """What a pass has done so far. ``seen`` counts records listed, by kind.

    Before ``wait_s`` seconds have passed, the platform has nothing more to show.
    """

    seen: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    changed: int = 0
    is_done: bool = False
    wait_s: float = 0.0

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
        self,
        store: StoreRow,
        aim: Aim,
        since: datetime | None = None,
        report: Report | None = None,
        pages_max: int = PAGES_MAX,
    ) -> Progress:
        """Make a pass, or go on with the one that broke off, and fetch what it found dirty.

        ``since`` is for a ``sync`` of part of the store; later than the watermark it leaves a gap,
        so it does not move the watermark. After ``pages_max`` pages, or batches fetched, the rest
        is left for the next call.

        Raises:
            PlatformError: the store did not answer as it must; what was read is kept, and the
                watermark stays where it was.
        """
        client = self._stores.client(store, "bulk")
        row = await self._begun(store, client, aim, since)
        progress = Progress(seen={kind: row.seen.get(kind, 0) for kind in KINDS})
        progress.changed = row.changed
        report = report or (lambda _: None)
        for _ in range(pages_max):
            if row.listing:
                await asyncio.sleep(progress.wait_s)
                await self._step(store, client, row, progress)
                report(progress)
        if row.listing:
            return progress
        await self._finish(store, row)
        progress.is_done = True
        for _ in range(pages_max):  # what is left stays dirty, and is fetched by and by
            if not await self.fetch_some(store, progress):
                break
            report(progress)
        await self._mend_webhooks(store, client)
        return progress

    async def _begun(
        self, store: StoreRow, client: StoreClient, aim: Aim, since: datetime | None
    ) -> PassRow:
        """Return the pass with this aim that is under way, or begin one."""
        if aim == "reconcile" and store.watermark is not None:
            since = store.watermark - OVERLAP
        under_way = await PassRow.get_or_none(store=store.id, aim=aim)
        if under_way is not None:
            is_same = aim != "sync" or under_way.since == since
            if is_same and under_way.began_at > self._clock() - GOES_ON:
                return under_way
            await under_way.delete()
        info = await client.info()
        await StoreRow.filter(id=store.id).update(
            name=info.name[:200], currency=info.currency, timezone=info.timezone
        )
        begun: dict[str, object] = {
            "since": since,
            "mark": await client.newest(),
            "began_at": self._clock(),
            "listing": _kinds(aim)[0],
            "seen": {},
        }
        row, _ = await PassRow.get_or_create(store=store.id, aim=aim, defaults=begun)
        return row

    async def _step(
        self, store: StoreRow, client: StoreClient, row: PassRow, progress: Progress
    ) -> None:
        """Read one page and keep it, with where the pass goes on."""
        if row.listing == UNSEEN:
            async with in_transaction():
                await self._records.doubt_unseen(store.id, row.began_at, self._clock())
                await PassRow.filter(id=row.id).update(listing="")
            row.listing = ""
            return
        kind = next(kind for kind in KINDS if kind == row.listing)
        page = await client.page(kind, row.cursor, row.since)
        progress.wait_s = page.wait_s
        async with in_transaction():
            progress.changed += await self._records.take_in(
                store,
                page.items,
                self._clock(),
                lane=BACKFILL,
                doubts_older=row.aim == "audit",
            )
            progress.seen[kind] += len(page.items)
            if row.aim == "audit":
                ids = [item.id for item in page.items]
                await self._records.audited(store.id, kind, ids, row.began_at)
            row.cursor = page.next_cursor
            if page.next_cursor is None:
                after = [*_kinds(row.aim), UNSEEN if row.aim == "audit" else ""]
                row.listing = after[after.index(kind) + 1]
            row.seen = {str(name): count for name, count in progress.seen.items()}
            row.changed = progress.changed
            here = {"cursor": row.cursor, "listing": row.listing}
            counts = {"seen": row.seen, "changed": row.changed}
            await PassRow.filter(id=row.id).update(**here, **counts)

    async def _finish(self, store: StoreRow, row: PassRow) -> None:
        """Note that a pass is whole: the next one begins at its mark."""
        held = (await StoreRow.get(id=store.id)).watermark
        is_whole = row.since is None or (held is not None and row.since <= held)
        now = self._clock()
        mark = min(row.mark, now) if row.mark and is_whole else None  # a stamp may be years ahead
        known = [stamp for stamp in (held, mark) if stamp]
        columns: dict[str, object] = {
            "watermark": max(known, default=BEGINNING if is_whole else None),
            "reconcile_at": now + RECONCILE_EVERY,
            **WELL,
        }
        if row.aim == "audit" or store.audit_at is None:
            columns["audit_at"] = now + AUDIT_EVERY
        async with in_transaction():
            await PassRow.filter(id=row.id).delete()
            await StoreRow.filter(id=store.id).update(**columns)
            if store.trouble:
                await outbox.unpark(store.id, now)

    async def _mend_webhooks(self, store: StoreRow, client: StoreClient) -> None:
        """Make webhooks anew that are missing or that the store gave up.

        WooCommerce disables one for good after seven failures in a row, and tells nobody. One that
        somebody paused is left alone. Where this fails, the pass is whole all the same: the next
        one tries again, and ``doctor`` asks for itself.
        """
        store = await StoreRow.get(id=store.id)  # a pass is long: secrets change, stores leave
        if store.disconnected_at is not None:
            return
        url = self._stores.webhook_url(store)
        try:
            there = await client.subscriptions(url)
            topics = {one.topic for one in there if one.status != "disabled"}
            wanted = set(self._stores.platform(store.platform).topics)
            if topics >= wanted and len(there) == len(wanted):
                return
            log.warning("webhooks were given up", store=store.id)
            await client.subscribe(url, self._stores.webhook_secret(store))
        except PlatformError as error:
            log.warning("webhooks were not mended", store=store.id, error=error.name)
            return
        await StoreRow.filter(id=store.id).update(webhooks_mended_at=self._clock())

    async def fetch_some(self, store: StoreRow, progress: Progress | None = None) -> int:
        """Fetch a batch of dirty records; return how many. Failed ones stay dirty, for later.

        What is so old that it can wait asks at the pace that leaves room for what just happened.

        Raises:
            PlatformError: the store did not answer; these records wait a little.
        """
        taken = 0
        for kind in KINDS:
            dirty = await self._records.dirty(store.id, kind, self._clock(), FETCH_BATCH)
            if dirty:
                client = self._stores.client(store, "live" if dirty[0].lane == LIVE else "bulk")
                same = [one for one in dirty if one.lane == dirty[0].lane]
                changed = await self._fetch(store, client, kind, same)
                taken += len(same)
                if progress:
                    progress.changed += changed
        return taken

    async def _fetch(
        self, store: StoreRow, client: StoreClient, kind: Kind, dirty: Sequence[Dirty]
    ) -> int:
        """Fetch and store; what fails with others is tried alone, and alone waits longer."""
        try:
            return await self._fetched(store, client, kind, dirty)
        except (AccessRevoked, RateLimited) as error:
            await self._wait(store, dirty, error)
            raise
        except PlatformError as error:
            if len(dirty) == 1:
                await self._broken(store, dirty[0], error)
                return 0
        changed, broken = 0, 0
        for number, one in enumerate(dirty):
            try:
                changed += await self._fetched(store, client, kind, [one])
                broken = 0
            except PlatformError as error:
                await self._broken(store, one, error)
                broken += isinstance(error, TransientError)
                if broken == BROKEN_MAX:
                    await self._wait(store, dirty[number + 1 :], error)
                    raise
        return changed

    async def _fetched(
        self, store: StoreRow, client: StoreClient, kind: Kind, dirty: Sequence[Dirty]
    ) -> int:
        found = await client.fetch(kind, [one.id for one in dirty])
        brought = [(one, found[one.id]) for one in dirty]
        async with in_transaction():
            return await self._records.fetched(store, brought, self._clock())

    async def _wait(self, store: StoreRow, dirty: Sequence[Dirty], error: PlatformError) -> None:
        log.warning("fetch failed", store=store.id, records=len(dirty), error=error.name)
        wait = RETRY_AFTER
        if isinstance(error, RateLimited):
            wait = timedelta(seconds=error.retry_after_s)
        await self._records.postpone(store.id, dirty, self._clock() + wait)

    async def _broken(self, store: StoreRow, one: Dirty, error: PlatformError) -> None:
        """Leave a record that fails by itself, longer each time, for the others to pass it by."""
        log.warning("fetch failed", store=store.id, kind=one.kind, id=one.id, error=error.name)
        wait = min(RETRY_AFTER * 2 ** min(one.failures, 20), BROKEN_WAIT_MAX)
        await self._records.postpone(store.id, [one], self._clock() + wait, has_failed=True)

    async def run_due(self, store: StoreRow) -> int:
        """Make some of a store's pass, if one is due; return 1 if there was one."""
        store = await StoreRow.get(id=store.id)
        if store.reconcile_at > self._clock() or store.disconnected_at is not None:
            return 0
        aim = self._aim(store)
        try:
            progress = await self.run(store, aim, pages_max=TURN_PAGES)
            if store.failures and not progress.is_done:
                await StoreRow.filter(id=store.id).update(**WELL)
            if progress.wait_s:
                again = self._clock() + timedelta(seconds=progress.wait_s)
                await StoreRow.filter(id=store.id).update(reconcile_at=again)
        except PlatformError as error:
            await self._trouble(store, aim, error)
        except Exception as error:  # our own mistake must not be made all the time
            if sql.is_down(error):
                raise
            log.exception("pass broke", store=store.id)
            await self._trouble(
                store,
                aim,
                TransientError(
                    f"our own failure, {type(error).__name__}",
                    name="our-failure",
                    advice="look into the log, and tell us",
                ),
            )
        return 1

    def _aim(self, store: StoreRow) -> Aim:
        if store.watermark is None:
            return "sync"
        is_due = store.audit_at is not None and store.audit_at <= self._clock()
        return "audit" if is_due else "reconcile"

    async def fetch_due(self, store: StoreRow) -> int:
        """Fetch some of a store's dirty records; return how many, 0 where it fails."""
        try:
            return await self.fetch_some(store)
        except PlatformError as error:
            log.warning("fetch failed", store=store.id, error=error.name)
        return 0

    async def _trouble(self, store: StoreRow, aim: Aim, error: PlatformError) -> None:
        """Note what went wrong, and when to try again: later each time it goes wrong.

        An audit that fails lets what changed be read before it is tried again.
        """
        log.warning("pass failed", store=store.id, error=error.name)
        wait = min(RETRY_AFTER * 2 ** min(store.failures, 10), RETRY_MAX)
        if isinstance(error, RateLimited):
            wait = max(RETRY_AFTER, timedelta(seconds=error.retry_after_s))
        if aim == "audit":
            await StoreRow.filter(id=store.id).update(audit_at=self._clock() + AUDIT_AGAIN)
        await StoreRow.filter(id=store.id).update(
            reconcile_at=self._clock() + wait,
            failures=F("failures") + 1,
            trouble=str(error)[:500],
            trouble_name=error.name,
            trouble_advice=error.advice,
        )


def _kinds(aim: str) -> Sequence[Kind]:
    """Return what a pass lists, in order: later ones don't begin with what changes least."""
    return FIRST if aim == "sync" else KINDS


WELL: dict[str, object] = {"trouble": "", "trouble_name": "", "trouble_advice": "", "failures": 0}
