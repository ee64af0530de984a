"""The stored records of a store: observations in, the newest snapshots out.

All writers run inside the caller's transaction and, for one store, one after the other. They take
many at once, in plain SQL: a backfill and a busy inbox spend their time here. Whoever must know
that records changed is a hook, called in that same transaction: so what follows is never lost
between the two.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
from tortoise.expressions import F, Q
from tortoise.functions import Coalesce

from connector.commerce.erasure import hiding
from connector.commerce.identity import (
    account_of,
    canonical_email,
    customer_account,
    customer_of,
    guest_key,
)
from connector.commerce.models import (
    BACKFILL,
    EMAIL_MAX,
    LIVE,
    CustomerRow,
    OrderRow,
    ProductRow,
    RecordRow,
    StoreRow,
)
from connector.commerce.people import findable
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
from connector.database import sql
from connector.kernel import metrics
from connector.kernel.vault import Vault
from platforms.model import Customer, Kind, Order, Product, Record, Seen, Touched, kind_of

TABLES: dict[Kind, type[RecordRow]] = {
    "order": OrderRow,
    "customer": CustomerRow,
    "product": ProductRow,
}
TABLE_NAMES: dict[Kind, str] = {kind: f'"{table._meta.db_table}"' for kind, table in TABLES.items()}
OLDER_MAX = 2  # fetches in a row: then the store was restored from a backup, and is right
OLDER_PAUSE = timedelta(seconds=30)  # between the two: a lagging cache catches up
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FOUND_MAX = 100  # customers of one address
CODES_MAX = 100  # of one order
CODE_MAX = 100  # characters; ours have 16
COLUMNS = (
    "body", "content_hash", "updated_at", "shown_at", "dirty_gen", "dirty_at", "fetched_gen",
    "older_fetches", "fetch_failures", "retry_at", "is_gone", "lane",
)  # fmt: skip
MORE_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "order": ("account", "placed_at"),
    "customer": ("email", "name", "surname"),
    "product": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record was stored: what was held before, what is now, and whose points each moves.

    ``was_of`` and ``is_of`` are the accounts of the two, empty where they move nobody's. Of what
    ``is_gone`` the store has no more; what it was last is told again.
    """

    store: StoreRow
    before: Record | None
    after: Record
    was_of: str
    is_of: str
    lane: int
    is_gone: bool = False

    @property
    def accounts(self) -> set[str]:
        """Whose points may have changed."""
        return {self.was_of, self.is_of} - {""}

    @property
    def is_renumbered(self) -> bool:
        """Whether it is an order that shoppers know by another number than before."""
        was, now = self.before, self.after
        return isinstance(was, Order) and isinstance(now, Order) and was.number != now.number

    @property
    def since(self) -> datetime:
        """When what changed began: when the order was placed, by what was held or by what is."""
        both = [one for one in (self.before, self.after) if isinstance(one, Order)]
        return min((order.placed_at for order in both), default=BEGINNING)


Hook = Callable[[Sequence[Stored]], Awaitable[None]]
"""Is told of records of one store that were stored."""


@dataclass(frozen=True, slots=True)
class Dirty:
    """A record that must be fetched, with the generation that a fetch will have seen."""

    kind: Kind
    id: str
    generation: int
    failures: int = 0
    lane: int = LIVE


@dataclass(slots=True, kw_only=True)
class Held:
    """A record's row while it is changed; see :class:`RecordRow`."""

    kind: Kind
    id: str
    record: Record | None = None
    shown_at: datetime | None = None
    dirty_gen: int = 0
    dirty_at: datetime | None = None
    fetched_gen: int = 0
    older_fetches: int = 0
    fetch_failures: int = 0
    retry_at: datetime | None = None
    is_gone: bool = False
    lane: int = LIVE
    account: str = ""
    is_changed: bool = False
    stored: list[tuple[Record | None, Record, str]] = field(default_factory=list)

    def touch(self, lane: int, now: datetime) -> None:
        """Note that the record must be fetched."""
        is_dirty = self.dirty_gen > self.fetched_gen
        if not is_dirty or lane < self.lane:
            self.lane, self.dirty_at = lane, now
        self.dirty_at = self.dirty_at or now
        self.dirty_gen += 1
        self.retry_at = None
        self.is_changed = True

    def is_newer(self, record: Record) -> bool:
        """Return whether what is held is newer than what was shown."""
        return self.record is not None and record.updated_at < self.record.updated_at

    def store(self, record: Record) -> None:
        """Put a snapshot in place of the one held."""
        self.stored.append((self.record, record, self.account))
        self.record = record
        self.is_gone = False
        self.is_changed = True

    def columns(self) -> tuple[object, ...]:
        """Return the row's values, in the order of ``COLUMNS``."""
        record = self.record
        return (
            record and pack(record),
            content_hash(record) if record else "",
            record and record.updated_at,
            *(self.shown_at, self.dirty_gen, self.dirty_at, self.fetched_gen),
            *(self.older_fetches, self.fetch_failures, self.retry_at, self.is_gone, self.lane),
        )


class Records:
    """Reads and writes the snapshots of all stores."""

    def __init__(self, vault: Vault, hooks: Sequence[Hook]) -> None:
        self._vault = vault
        self._hooks = hooks

    async def take_in(
        self,
        store: StoreRow,
        changes: Sequence[Seen | Touched],
        now: datetime,
        *,
        lane: int = LIVE,
        doubts_older: bool = False,
    ) -> int:
        """Take in what deliveries or a listing show; return how many snapshots really changed.

        ``doubts_older``: what is older than what is held is fetched: perhaps the store was
        restored from a backup.
        """
        held = await self._held(store, [_name(change) for change in changes])
        hide = await hiding(
            self._vault, store, [one.record for one in changes if isinstance(one, Seen)]
        )
        changed = 0
        for change in changes:
            row = held[_name(change)]
            if isinstance(change, Touched) or (doubts_older and row.is_newer(change.record)):
                row.touch(lane, now)
            else:
                seen = replace(change, record=hide(change.record)) if hide else change
                changed += _observe(row, seen, lane, now)
        await self._write(store, held.values(), lane)
        return changed

    async def dirty(self, store: str, kind: Kind, now: datetime, limit: int) -> list[Dirty]:
        """Return records to fetch, the live ones first, then the longest waiting."""
        rows = (
            await TABLES[kind]
            .filter(Q(retry_at=None) | Q(retry_at__lte=now))
            .filter(store=store, dirty_gen__gt=F("fetched_gen"))
            .annotate(since=Coalesce("retry_at", F("dirty_at")))  # as the index has them
            .order_by("lane", "since", "id")
            .limit(limit)
        )
        return [
            Dirty(kind, row.platform_id, row.dirty_gen, row.fetch_failures, row.lane)
            for row in rows
        ]

    async def fetched(
        self, store: StoreRow, found: Sequence[tuple[Dirty, Record | None]], now: datetime
    ) -> int:
        """Take in what fetches brought, None for what is gone; return how many changed ours.

        Clean again where nobody touched the record meanwhile and the result is not older than
        what is held; older twice running is believed.
        """
        held = await self._held(store, [(dirty.kind, dirty.id) for dirty, _ in found])
        hide = await hiding(self._vault, store, [record for _, record in found if record])
        lane = min((row.lane for row in held.values()), default=LIVE)
        changed = 0
        for dirty, record in found:
            shown = hide(record) if hide and record else record
            changed += _fetched(held[dirty.kind, dirty.id], dirty, shown, now)
        await self._write(store, held.values(), lane)
        return changed

    async def hide(self, store: StoreRow, kind: Kind, ids: Sequence[str]) -> int:
        """Take what names people who were erased out of snapshots; return out of how many.

        Nobody is told: no points follow from that. In a transaction.
        """
        held = await self._held(store, [(kind, id_) for id_ in ids])
        hide = await hiding(self._vault, store, [row.record for row in held.values() if row.record])
        for row in held.values():
            if hide and row.record:
                hidden = hide(row.record)
                row.is_changed = hidden != row.record
                row.record = hidden
        changed = [row for row in held.values() if row.is_changed]
        await self._write(store, changed, LIVE)
        return len(changed)

    async def audited(self, store: str, kind: Kind, ids: Sequence[str], began_at: datetime) -> None:
        """Note that the audit which began at an instant saw these records."""
        rows = TABLES[kind].filter(store=store, platform_id__in=list(ids))
        await rows.update(audited_at=began_at, is_gone=False)

    async def doubt_unseen(self, store: str, began_at: datetime, now: datetime) -> None:
        """Have the records fetched that the audit did not see: perhaps they are no more."""
        await sql.lock(store)
        for table in TABLE_NAMES.values():
            await sql.run(
                f"UPDATE {table} SET dirty_gen = dirty_gen + 1, retry_at = NULL,"
                " lane = CASE WHEN dirty_gen > fetched_gen THEN lane ELSE $3 END,"
                " dirty_at = COALESCE(dirty_at, $4)"
                " WHERE store = $1 AND body IS NOT NULL AND NOT is_gone"
                " AND (audited_at IS NULL OR audited_at < $2)",
                *(store, began_at, BACKFILL, now),
            )

    async def postpone(
        self, store: str, dirty: Sequence[Dirty], until: datetime, *, has_failed: bool = False
    ) -> None:
        """Leave records dirty, but not to be fetched before an instant."""
        for one in dirty:
            rows = TABLES[one.kind].filter(store=store, platform_id=one.id)
            rows = rows.filter(dirty_gen=one.generation)  # not touched meanwhile
            await rows.update(retry_at=until, fetch_failures=one.failures + has_failed)

    async def _held(
        self, store: StoreRow, names: Sequence[tuple[Kind, str]]
    ) -> dict[tuple[Kind, str], Held]:
        """Return the rows of records, new ones for those unknown; nobody else writes them now."""
        await sql.lock(store.id)
        held = {(kind, id_): Held(kind=kind, id=id_) for kind, id_ in names}
        for kind in TABLES:
            ids = [id_ for one, id_ in held if one == kind]
            if not ids:
                continue
            account = ", account" if kind == "order" else ""
            found = await sql.rows(
                "SELECT platform_id, body, shown_at, dirty_gen, dirty_at, fetched_gen,"
                f" older_fetches, fetch_failures, retry_at, is_gone, lane{account}"
                f" FROM {TABLE_NAMES[kind]} WHERE store = $1 AND platform_id = ANY($2)",
                *(store.id, ids),
            )
            for row in found:
                held[kind, row["platform_id"]] = _read(kind, row)
        return held

    async def _write(self, store: StoreRow, held: Iterable[Held], lane: int) -> None:
        """Write the rows that changed and tell the hooks."""
        changed = [row for row in held if row.is_changed]
        told: list[Stored] = []
        key = guest_key(self._vault, store) if any(row.kind == "order" for row in changed) else b""
        for row in changed:
            told += _stored(store, row, key, lane)
        for kind in TABLES:
            rows = [_values(store.id, row) for row in changed if row.kind == kind]
            await sql.many(_upsert(kind), rows)
        await _write_codes(store.id, told)
        for one in told:
            metrics.RECORDS.labels(kind_of(one.after)).inc()
        if told:
            for hook in self._hooks:
                await hook(told)


def _name(change: Seen | Touched) -> tuple[Kind, str]:
    return (change.kind, change.id) if isinstance(change, Touched) else _named(change.record)


def _named(record: Record) -> tuple[Kind, str]:
    return kind_of(record), record.id


def _upsert(kind: Kind) -> str:
    names = (*COLUMNS, *MORE_COLUMNS[kind])
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 3))
    taken = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"INSERT INTO {TABLE_NAMES[kind]} (store, platform_id, {', '.join(names)}) VALUES ({marks})"
        f" ON CONFLICT (store, platform_id) DO UPDATE SET {taken}"
    )


def _values(store: str, row: Held) -> tuple[object, ...]:
    values = (store, row.id, *row.columns())
    match row.kind:
        case "order":
            placed_at = row.record.placed_at if isinstance(row.record, Order) else None
            return (*values, row.account, placed_at)
        case "customer":
            found = findable(row.record) if isinstance(row.record, Customer) else (None,) * 3
            return (*values, *found)
    return values


def _read(kind: Kind, row: sql.Row) -> Held:
    return Held(
        kind=kind,
        id=row["platform_id"],
        record=unpack(row["body"], TYPES[kind]) if row["body"] is not None else None,
        shown_at=sql.at(row["shown_at"]),
        dirty_gen=row["dirty_gen"],
        dirty_at=sql.at(row["dirty_at"]),
        fetched_gen=row["fetched_gen"],
        older_fetches=row["older_fetches"],
        fetch_failures=row["fetch_failures"],
        retry_at=sql.at(row["retry_at"]),
        is_gone=bool(row["is_gone"]),
        lane=row["lane"],
        account=row["account"] if kind == "order" else "",
    )


def _observe(row: Held, seen: Seen, lane: int, now: datetime) -> bool:
    """Let an observation change a row; return whether its snapshot really changed."""
    held = row.record
    record = settled_on(held, seen.record)
    match judge(held, record, is_complete=seen.is_complete):
        case Verdict.STORE:
            if row.dirty_gen > row.fetched_gen:  # a fetch under way may bring what was before
                row.touch(lane, now)
            row.store(record)
            return held is None or content_hash(held) != content_hash(record)
        case Verdict.DIRTY:
            if row.shown_at is None or row.shown_at < record.updated_at:
                row.shown_at = record.updated_at
            row.touch(lane, now)
    return False


def _fetched(row: Held, dirty: Dirty, record: Record | None, now: datetime) -> bool:
    """Let the result of a fetch change a row; return whether its snapshot changed."""
    held = row.record
    result = settled_on(held, record) if record else held and entombed(held)
    known_at = max((at for at in (held and held.updated_at, row.shown_at) if at), default=None)
    is_older = bool(known_at and result and result.updated_at < known_at)
    row.is_changed = True
    if is_older and row.older_fetches + 1 < OLDER_MAX:
        row.older_fetches += 1
        row.retry_at = now + OLDER_PAUSE
        return False
    changed = result is not None and (
        held is None or is_older or content_hash(held) != content_hash(result)
    )
    if result is not None and (held is None or result != held):
        row.store(result)
    row.fetched_gen = dirty.generation
    if row.dirty_gen <= row.fetched_gen:
        row.dirty_at = None
    row.older_fetches = row.fetch_failures = 0
    row.retry_at = row.shown_at = None
    if record is None and isinstance(held, Customer) and not row.is_gone:
        row.stored.append((held, held, row.account))
    row.is_gone = record is None
    return changed


def _stored(store: StoreRow, row: Held, guest_key: bytes, lane: int) -> list[Stored]:
    """Return what the hooks are told of a row, and note whose points it moves now."""
    told = []
    for before, after, was in row.stored:
        if isinstance(after, Order):
            row.account = account_of(after, guest_key)
        told.append(
            Stored(
                store=store,
                before=before,
                after=after,
                was_of=was,
                is_of=row.account,
                lane=lane,
                is_gone=row.is_gone,
            )
        )
    return told


async def _write_codes(store: str, told: Sequence[Stored]) -> None:
    """Keep which orders carry which codes."""
    orders = {
        one.after.id: one.after
        for one in told
        if isinstance(one.after, Order) and (one.after.codes or _codes(one.before))
    }
    if not orders:
        return
    await sql.run(
        'DELETE FROM order_code WHERE store = $1 AND "order" = ANY($2)', store, sorted(orders)
    )
    await sql.many(
        'INSERT INTO order_code (store, code, "order") VALUES ($1, $2, $3)',
        ((store, code, id_) for id_, order in sorted(orders.items()) for code in _codes(order)),
    )


def _codes(record: Record | None) -> list[str]:
    """Return the codes on an order as they are kept."""
    codes = record.codes if isinstance(record, Order) else ()
    texts = {code.replace("\0", "")[:CODE_MAX] for code in codes}  # PostgreSQL takes no NUL
    return sorted(texts)[:CODES_MAX]


def snapshot(row: RecordRow) -> Record | None:
    """Return the snapshot that a row holds, if any."""
    if row.body is None:
        return None
    kind = next(kind for kind, table in TABLES.items() if isinstance(row, table))
    return unpack(bytes(row.body), TYPES[kind])


async def orders_of(
    store: str, accounts: Sequence[str], since: datetime = BEGINNING
) -> dict[str, list[Order]]:
    """Return the orders, placed since an instant, that move the points of some accounts."""
    found: dict[str, list[Order]] = {account: [] for account in accounts}
    rows = await sql.rows(
        'SELECT account, body FROM "order" WHERE store = $1 AND account = ANY($2)'
        " AND placed_at >= $3 AND body IS NOT NULL",
        *(store, list(accounts), since),
    )
    for row in rows:
        found[row["account"]].append(unpack(row["body"], Order))
    return found


async def orders_with(store: str, codes: Sequence[str]) -> list[Order]:
    """Return the orders, anybody's, that carry one of these codes."""
    if not codes:
        return []
    rows = await sql.rows(
        'SELECT body FROM "order" WHERE store = $1 AND body IS NOT NULL AND platform_id IN'
        ' (SELECT "order" FROM order_code WHERE store = $1 AND code = ANY($2))',
        *(store, [code.lower() for code in codes]),
    )
    return [unpack(row["body"], Order) for row in rows]


async def order_numbers(store: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the numbers of orders by their ids, as shoppers know them."""
    return {order.id: order.number for order in await orders_named(store, ids)}


async def orders_named(store: str, ids: Iterable[str]) -> list[Order]:
    """Return the orders of these ids, of those that we have seen."""
    rows = await sql.rows(
        'SELECT body FROM "order" WHERE store = $1 AND platform_id = ANY($2) AND body IS NOT NULL',
        *(store, sorted(ids)),
    )
    return [unpack(row["body"], Order) for row in rows]


async def collections_of(
    store: str, ids: Iterable[str], patient_since: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the collections of products, of those that we know: the others are to be fetched.

    One that is no more is in those that it was in. One that has been waiting to be fetched since
    before an instant is in none: nobody waits for ever.
    """
    rows = await sql.rows(
        "SELECT platform_id, body, dirty_gen, fetched_gen, dirty_at FROM product"
        " WHERE store = $1 AND platform_id = ANY($2)",
        *(store, sorted(ids)),
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        body = row["body"] or b"{}"
        collections = msgspec.json.decode(body, type=_Kept).collections
        since = sql.at(row["dirty_at"])
        is_fetched = row["dirty_gen"] <= row["fetched_gen"]
        if collections is not None or is_fetched or (since and since < patient_since):
            found[row["platform_id"]] = collections or ()
    return found


async def ask_for_products(store: str, ids: Iterable[str], now: datetime) -> None:
    """Have products fetched that we have not seen. In a transaction; the store gets locked."""
    await sql.lock(store)
    await sql.many(
        "INSERT INTO product (store, platform_id, content_hash, dirty_gen, dirty_at, fetched_gen,"
        " older_fetches) VALUES ($1, $2, '', 1, $3, 0, 0) ON CONFLICT DO NOTHING",
        ((store, id_, now) for id_ in sorted(ids)),
    )


class _Kept(msgspec.Struct):
    """What a product's body says of its collections; one of before we asked says nothing."""

    collections: tuple[str, ...] | None = None


async def products(store: str, ids: Collection[str]) -> dict[str, Product]:
    """Return products that the store has, by their ids."""
    rows = await sql.rows(
        "SELECT body FROM product WHERE store = $1 AND platform_id = ANY($2)"
        " AND body IS NOT NULL AND NOT is_gone",
        *(store, list(ids)),
    )
    return {one.id: one for one in (unpack(row["body"], Product) for row in rows)}


async def newest_product(store: str) -> str | None:
    """Return the id of the product that came last, of those that the store has."""
    there = ProductRow.filter(store=store, body__isnull=False, is_gone=False)
    row = await there.order_by("-id").first()
    return row.platform_id if row else None


async def customer(store: str, id_: str) -> Customer | None:
    """Return a customer as last seen."""
    row = await CustomerRow.get_or_none(store=store, platform_id=id_)
    return None if row is None or row.body is None else unpack(bytes(row.body), Customer)


async def emails_of(store: str, accounts: Sequence[str]) -> dict[str, str | None]:
    """Return the addresses of the customers whose accounts these are."""
    ids = [id_ for account in accounts if (id_ := customer_of(account)) is not None]
    return {customer_account(one.id): one.email for one in await _customers(store, ids)}


async def customer_ids(store: str) -> dict[str, str]:
    """Return the ids of a store's customers by their canonical addresses.

    Who has none is by their id, which is no address; an address of several has none of theirs.
    """
    found: dict[str, str] = {}
    rows = await sql.rows("SELECT body FROM customer WHERE store = $1 AND body IS NOT NULL", store)
    for row in rows:
        one = unpack(row["body"], Customer)
        name = canonical_email(one.email) if one.email else one.id
        found[name] = "" if name in found else one.id
    return found


async def by_email(store: str, email: str) -> list[str]:
    """Return the ids of a store's customers who have an address, the first who signed up first."""
    found = CustomerRow.filter(store=store, email=canonical_email(email)[:EMAIL_MAX])
    return [row.platform_id for row in await found.order_by("id").limit(FOUND_MAX)]


async def signed_up(store: str, accounts: Sequence[str]) -> dict[str, datetime]:
    """Return since when there are the customers whose accounts these are."""
    ids = [id_ for account in accounts if (id_ := customer_of(account)) is not None]
    return {customer_account(one.id): one.created_at for one in await _customers(store, ids)}


async def _customers(store: str, ids: Sequence[str]) -> list[Customer]:
    rows = await sql.rows(
        "SELECT body FROM customer WHERE store = $1 AND platform_id = ANY($2) AND body IS NOT NULL",
        *(store, list(ids)),
    )
    return [unpack(row["body"], Customer) for row in rows]


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: a second, doubling, at most an hour."""
    return timedelta(seconds=min(2 ** min(attempts, 12), 3600))
