"""The stored records of a store: observations in, the newest snapshots out.

All writers run inside the caller's transaction. Whoever must know that a record changed is a
hook, called in that same transaction: so what follows is never lost between the two.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import F, Q

from connector.commerce.identity import account_of
from connector.commerce.models import (
    CustomerRow,
    OrderCodeRow,
    OrderRow,
    ProductRow,
    RecordRow,
    StoreRow,
)
from connector.commerce.snapshots import (
    TYPES,
    Verdict,
    content_hash,
    entombed,
    judge,
    pack,
    settled_on,
    unpack,
)
from connector.kernel.vault import Vault
from platforms.model import Customer, Kind, Order, Record, Seen, kind_of

TABLES: dict[Kind, type[RecordRow]] = {
    "order": OrderRow,
    "customer": CustomerRow,
    "product": ProductRow,
}
OLDER_MAX = 2  # fetches in a row: then the store was restored from a backup, and is right
OLDER_PAUSE = timedelta(seconds=30)  # between the two: a lagging cache catches up
CODES_MAX = 100  # of one order
CODE_MAX = 100  # characters; ours have 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record was stored: what was held before, what is now, and whose points each moved."""

    store: StoreRow
    before: Record | None
    after: Record
    accounts: frozenset[str]


Hook = Callable[[Stored], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Dirty:
    """A record that must be fetched, with the generation that a fetch will have seen."""

    kind: Kind
    id: str
    generation: int
    failures: int = 0


class Records:
    """Reads and writes the snapshots of all stores."""

    def __init__(self, vault: Vault, hooks: Sequence[Hook]) -> None:
        self._vault = vault
        self._hooks = hooks

    async def observe(self, store: StoreRow, seen: Seen, *, doubts_older: bool = False) -> bool:
        """Take in what a delivery or a listing shows; return whether a snapshot really changed.

        ``doubts_older``: where it is older than what is held, fetch it: perhaps the store was
        restored from a backup.
        """
        kind = kind_of(seen.record)
        row = await self._row(store, kind, seen.record.id)
        held = snapshot(row)
        record = settled_on(held, seen.record)
        if doubts_older and held is not None and record.updated_at < held.updated_at:
            await self.touch(store, kind, record.id)
            return False
        match judge(held, record, is_complete=seen.is_complete):
            case Verdict.STORE:
                await self._store(store, row, held, record)
                return held is None or content_hash(held) != content_hash(record)
            case Verdict.DIRTY:
                if row.shown_at is None or row.shown_at < record.updated_at:
                    await type(row).filter(id=row.id).update(shown_at=record.updated_at)
                await self.touch(store, kind, record.id)
        return False

    async def touch(self, store: StoreRow, kind: Kind, id_: str) -> None:
        """Note that a record must be fetched."""
        row = await self._row(store, kind, id_)
        await TABLES[kind].filter(id=row.id).update(dirty_gen=F("dirty_gen") + 1, retry_at=None)

    async def dirty(self, store: str, kind: Kind, now: datetime, limit: int) -> list[Dirty]:
        """Return records to fetch, oldest trouble first."""
        rows = (
            await TABLES[kind]
            .filter(Q(retry_at=None) | Q(retry_at__lte=now))
            .filter(store=store, dirty_gen__gt=F("fetched_gen"))
            .order_by("id")
            .limit(limit)
        )
        return [Dirty(kind, row.platform_id, row.dirty_gen, row.fetch_failures) for row in rows]

    async def fetched(
        self, store: StoreRow, dirty: Dirty, record: Record | None, now: datetime
    ) -> bool:
        """Take in what a fetch brought, None for what is gone; return whether it changed ours.

        Clean again where nobody touched the record meanwhile and the result is not older than
        what is held; older twice running is believed.
        """
        row = await self._row(store, dirty.kind, dirty.id)
        held = snapshot(row)
        result = settled_on(held, record) if record else held and entombed(held)
        known_at = max((at for at in (held and held.updated_at, row.shown_at) if at), default=None)
        is_older = bool(known_at and result and result.updated_at < known_at)
        if is_older and row.older_fetches + 1 < OLDER_MAX:
            await (
                type(row)
                .filter(id=row.id)
                .update(older_fetches=F("older_fetches") + 1, retry_at=now + OLDER_PAUSE)
            )
            return False
        changed = result is not None and (
            held is None or is_older or content_hash(held) != content_hash(result)
        )
        if result is not None and (held is None or result != held):
            await self._store(store, row, held, result)
        await (
            type(row)
            .filter(id=row.id)
            .update(
                fetched_gen=dirty.generation,
                older_fetches=0,
                fetch_failures=0,
                retry_at=None,
                shown_at=None,
                is_gone=record is None,
            )
        )
        return changed

    async def audited(self, store: str, kind: Kind, ids: Sequence[str], began_at: datetime) -> None:
        """Note that the audit which began at an instant saw these records."""
        rows = TABLES[kind].filter(store=store, platform_id__in=list(ids))
        await rows.update(audited_at=began_at, is_gone=False)

    async def doubt_unseen(self, store: str, began_at: datetime) -> None:
        """Have the records fetched that the audit did not see: perhaps they are no more."""
        for table in TABLES.values():
            held = table.filter(store=store, body__not_isnull=True, is_gone=False)
            unseen = held.filter(Q(audited_at=None) | Q(audited_at__lt=began_at))
            await unseen.update(dirty_gen=F("dirty_gen") + 1, retry_at=None)

    async def postpone(
        self, store: str, dirty: Sequence[Dirty], until: datetime, *, has_failed: bool = False
    ) -> None:
        """Leave records dirty, but not to be fetched before an instant."""
        for one in dirty:
            rows = TABLES[one.kind].filter(store=store, platform_id=one.id)
            await rows.update(retry_at=until, fetch_failures=one.failures + has_failed)

    async def _row(self, store: StoreRow, kind: Kind, id_: str) -> RecordRow:
        row, _ = await TABLES[kind].get_or_create(store=store.id, platform_id=id_)
        return row

    async def _store(
        self, store: StoreRow, row: RecordRow, held: Record | None, record: Record
    ) -> None:
        """Write a snapshot and tell the hooks."""
        columns: dict[str, Any] = {
            "body": pack(record),
            "content_hash": content_hash(record),
            "updated_at": record.updated_at,
            "is_gone": False,
        }
        accounts = set()
        if isinstance(record, Order) and isinstance(row, OrderRow):
            account = account_of(record, self.guest_key(store))
            accounts = {row.account, account} - {""}
            columns["account"] = account
            await _write_codes(store.id, record)
        await type(row).filter(id=row.id).update(**columns)
        stored = Stored(store=store, before=held, after=record, accounts=frozenset(accounts))
        for hook in self._hooks:
            await hook(stored)

    def guest_key(self, store: StoreRow) -> bytes:
        """Return the store's own key for guests' accounts."""
        return bytes.fromhex(self._vault.open(store.id, "guest_key", store.guest_key))


async def _write_codes(store: str, order: Order) -> None:
    await OrderCodeRow.filter(store=store, order=order.id).delete()
    codes = sorted({code[:CODE_MAX] for code in order.codes})[:CODES_MAX]
    await OrderCodeRow.bulk_create(
        OrderCodeRow(store=store, code=code, order=order.id) for code in codes
    )


def snapshot(row: RecordRow) -> Record | None:
    """Return the snapshot that a row holds, if any."""
    if row.body is None:
        return None
    kind = next(kind for kind, table in TABLES.items() if isinstance(row, table))
    return unpack(bytes(row.body), TYPES[kind])


async def orders_of(store: str, account: str) -> list[Order]:
    """Return the orders that move an account's points."""
    return _orders(await OrderRow.filter(store=store, account=account, body__not_isnull=True))


async def orders_with(store: str, codes: Sequence[str]) -> list[Order]:
    """Return the orders, anybody's, that carry one of these codes."""
    lower = [code.lower() for code in codes]
    ids = await OrderCodeRow.filter(store=store, code__in=lower).values_list("order", flat=True)
    return _orders(await OrderRow.filter(store=store, platform_id__in=list(ids))) if ids else []


def _orders(rows: Sequence[OrderRow]) -> list[Order]:
    return [unpack(bytes(row.body), Order) for row in rows if row.body is not None]


async def customer(store: str, id_: str) -> Customer | None:
    """Return a customer as last seen."""
    row = await CustomerRow.get_or_none(store=store, platform_id=id_)
    return None if row is None or row.body is None else unpack(bytes(row.body), Customer)


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: a second, doubling, at most an hour."""
    return timedelta(seconds=min(2 ** min(attempts, 12), 3600))
