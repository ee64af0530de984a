"""The ledger's only writer, and the balances that entries add up to.

Whoever changes what points follow from marks the account dirty in the same transaction; whoever
settles it appends the difference under the account's lock.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.expressions import F, Q
from tortoise.functions import Coalesce, Sum
from tortoise.queryset import QuerySet

from connector.commerce.identity import customer_of
from connector.commerce.models import BACKFILL, LIVE
from connector.commerce.records import BEGINNING
from connector.database import sql
from connector.kernel.clock import awaited
from connector.kernel.posting import Key, Posting
from connector.ledger import merges
from connector.ledger.models import AccountRow, EntryRow, LinkRow
from connector.sync.work import oldest

END = datetime.max.replace(tzinfo=UTC)
PAGE = 500  # accounts that are read at once
WAITING = (  # the first by the index: of an EXISTS, PostgreSQL may read the table for each store
    "(SELECT a.id FROM account a WHERE a.store = s.id AND a.dirty_gen > a.settled_gen"
    " AND (a.retry_at IS NULL OR a.retry_at <= :now)"
    " ORDER BY a.lane, COALESCE(a.retry_at, a.dirty_at), a.id LIMIT 1) IS NOT NULL"
)
DUE = (
    "(SELECT a.id FROM account a WHERE a.store = s.id AND a.next_due_at <= :now"
    " AND (a.retry_at IS NULL OR a.retry_at <= :now)"
    " ORDER BY a.next_due_at LIMIT 1) IS NOT NULL"
)
"""Whether a store ``s`` has accounts that are dirty, or due, at the instant ``:now``."""
EARLIER = (  # what an account that is dirty already says is before what is said now
    "account.dirty_gen > account.settled_gen AND"
    " (account.{0} IS NULL OR account.{0} <= excluded.{0})"
)
REMINDING = (
    "(SELECT a.id FROM account a WHERE a.store = s.id AND a.remind_at <= :now"
    " ORDER BY a.remind_at LIMIT 1) IS NOT NULL"
)
"""Whether a store ``s`` has accounts to which to say at ``:now`` that points will expire."""
OLDEST_REMINDING = oldest(
    "SELECT MIN(a.remind_at) FROM account a WHERE a.store = s.id AND a.remind_at <= :now"
)
OLDEST_DIRTY = oldest(
    "SELECT MIN(COALESCE(a.retry_at, a.dirty_at)) FROM account a WHERE a.store = s.id"
    " AND a.lane = {lane} AND a.dirty_gen > a.settled_gen"
    " AND COALESCE(a.retry_at, a.dirty_at) <= :now",
    lanes=(LIVE, BACKFILL),
)
OLDEST_DUE = oldest(
    "SELECT CASE WHEN a.retry_at > a.next_due_at THEN a.retry_at ELSE a.next_due_at END"
    " FROM account a WHERE a.store = s.id AND a.next_due_at <= :now"
    " AND (a.retry_at IS NULL OR a.retry_at <= :now) ORDER BY a.next_due_at LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Points that can be spent now, and points on their way, with when the next of them come.

    Of those that wait for a delivery nobody knows when.
    """

    available: int
    pending: int
    pending_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a ledger key comes to, and of how many entries."""

    points: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What settling an account found: what to append, and when and how it changes by itself.

    Its tier and points hold until ``next_due_at``, what its standing counts ``until`` then.

    ``counts`` has how many entries each key has already. ``tier`` and ``standing`` are for its
    account's row. ``is_news`` where its owner sees something else than before, if only since time
    went by. At ``remind_at`` it is next said that points expire. ``again_at`` is when it is to be
    settled again, where it could not be in full. ``available`` can be spent now.
    """

    account: AccountRow
    changes: Sequence[Posting]
    counts: Mapping[Key, int]
    next_due_at: datetime | None
    next_expiry: tuple[datetime, int] | None
    tier: str | None
    standing: str | None
    until: datetime | None
    is_news: bool
    available: int
    remind_at: datetime | None = None
    again_at: datetime | None = None


async def mark_dirty(
    store: str, accounts: Mapping[str, datetime], now: datetime, lane: int = LIVE
) -> None:
    """Note that accounts must be settled, and since when their facts changed.

    Once, inside the transaction of what changed: accounts are always locked in the order of their
    keys, so nobody waits in a circle. What changes of an account that became another's changes
    that one too.
    """
    since_of = dict(accounts)
    ahead = set(accounts)
    while ahead:
        found, ahead = await _followed(store, ahead), set()
        for account, owner in found:
            since = since_of[account]
            if since < since_of.get(owner, END):
                since_of[owner] = since
                ahead.add(owner)
    await sql.many(
        "INSERT INTO account"
        " (store, key, dirty_gen, settled_gen, next_due_points, version, lane, dirty_from,"
        " dirty_at) VALUES ($1, $2, 1, 0, 0, 0, $3, $4, $5)"
        " ON CONFLICT (store, key) DO UPDATE SET dirty_gen = account.dirty_gen + 1,"
        f" lane = CASE WHEN {EARLIER.format('lane')} THEN account.lane ELSE excluded.lane END,"
        f" dirty_at = CASE WHEN {EARLIER.format('lane')}"  # what becomes live waits from now on
        " THEN COALESCE(account.dirty_at, excluded.dirty_at) ELSE excluded.dirty_at END,"
        f" dirty_from = CASE WHEN {EARLIER.format('dirty_from')} THEN account.dirty_from"
        " ELSE excluded.dirty_from END",
        ((store, key, lane, since, now) for key, since in sorted(since_of.items())),
    )


async def _followed(store: str, accounts: Collection[str]) -> list[tuple[str, str]]:
    """Return which of these accounts became another's, or did in part, each with that one."""
    found = await merges.merged(store, accounts)
    if any(customer_of(key) is None for key in accounts):
        rows = await LinkRow.filter(store=store, account__in=list(accounts))
        found += [(row.account, row.owner) for row in rows]
    return found


async def links(store: str, accounts: Sequence[str]) -> list[LinkRow]:
    """Return which of these accounts became another's, and which others became one of these."""
    mine = Q(account__in=list(accounts)) | Q(owner__in=list(accounts))
    return await LinkRow.filter(mine, store=store).order_by("joined_at", "account")


async def owner(store: str, account: str) -> str:
    """Return whose an account is now: its own, or that of whom it was joined to."""
    link = await LinkRow.get_or_none(store=store, account=account)
    return link.owner if link else account


async def join(link: LinkRow, now: datetime) -> bool:
    """Make an account another's for good, as ``link`` says. With the store and both locked.

    Return whether it is that one's now.
    It is not where it was somebody's before. What a code proves nobody takes apart by hand.
    """
    before = await LinkRow.get_or_none(store=link.store, account=link.account)
    if before is not None:
        if before.owner == link.owner and link.by is None and link.batch is None:
            await LinkRow.filter(id=before.id).update(by=None)
        return before.owner == link.owner
    brought = await sql.rows(
        'SELECT platform_id FROM "order" WHERE store = $1 AND account = $2 ORDER BY platform_id',
        *(link.store, link.account),
    )
    link.order_ids = [row["platform_id"] for row in brought]
    await link.save(force_create=True)
    await mark_dirty(link.store, {link.account: BEGINNING, link.owner: BEGINNING}, now)
    return True


async def part(store: str, batch: str, limit: int, now: datetime) -> int:
    """Let accounts that an import joined be apart again, so many at most; return how many.

    With the store locked, so that nobody joins meanwhile.
    """
    rows = await LinkRow.filter(store=store, batch=batch).order_by("account").limit(limit)
    await _part(store, rows, now)
    return len(rows)


async def part_by_hand(store: str, account: str, owner: str, now: datetime) -> bool:
    """Let an account that a merchant made another's be its own again. With the store locked.

    Return whether it was.
    """
    rows = await LinkRow.filter(store=store, account=account, owner=owner, by__not_isnull=True)
    await _part(store, rows, now)
    return bool(rows)


async def _part(store: str, rows: Sequence[LinkRow], now: datetime) -> None:
    both = {key for row in rows for key in (row.account, row.owner)}
    await locked(store, list(both))
    await LinkRow.filter(id__in=[row.id for row in rows]).delete()
    await mark_dirty(store, dict.fromkeys(both, BEGINNING), now)


async def mark_all_dirty(store: str, now: datetime) -> None:
    """Note that every account of a store must be settled, from its beginning."""
    await sql.run(
        "UPDATE account SET dirty_gen = dirty_gen + 1, dirty_from = NULL,"
        " lane = CASE WHEN dirty_gen > settled_gen THEN lane ELSE $2 END,"
        " dirty_at = COALESCE(dirty_at, $3) WHERE id IN"
        ' (SELECT id FROM account WHERE store = $1 ORDER BY key COLLATE "C" FOR UPDATE)',
        *(store, BACKFILL, now),
    )


async def open_for_customers(store: str) -> None:
    """Open an account for every customer of a store who has none."""
    await sql.run(
        "INSERT INTO account"
        " (store, key, dirty_gen, settled_gen, next_due_points, version, lane)"
        " SELECT store, 'customer:' || platform_id, 1, 0, 0, 0, $2 FROM customer"
        ' WHERE store = $1 AND body IS NOT NULL ORDER BY platform_id COLLATE "C"'
        " ON CONFLICT (store, key) DO NOTHING",
        *(store, BACKFILL),
    )


async def pages(store: str) -> AsyncIterator[list[str]]:
    """Yield the accounts of a store in order, some at a time."""
    after = ""
    while rows := await sql.rows(
        "SELECT key FROM account WHERE store = $1 AND key > $2 ORDER BY key LIMIT $3",
        *(store, after, PAGE),
    ):
        yield [row["key"] for row in rows]
        after = rows[-1]["key"]


async def pages_of_newcomers(store: str) -> AsyncIterator[list[str]]:
    """Yield the ids of a store's customers who have no account yet, some at a time."""
    after = ""
    while rows := await sql.rows(
        "SELECT c.platform_id FROM customer c WHERE c.store = $1 AND c.platform_id > $2"
        " AND c.body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM account a WHERE a.store = c.store"
        " AND a.key = 'customer:' || c.platform_id) ORDER BY c.platform_id LIMIT $3",
        *(store, after, PAGE),
    ):
        yield [row["platform_id"] for row in rows]
        after = rows[-1]["platform_id"]


async def to_settle(store: str, now: datetime, limit: int) -> list[AccountRow]:
    """Return accounts of a store that are dirty, the live ones first, then the longest waiting."""
    dirty = AccountRow.filter(store=store, dirty_gen__gt=F("settled_gen"))
    dirty = dirty.annotate(since=Coalesce("retry_at", F("dirty_at")))  # as the index has them
    return await _not_postponed(dirty, now).order_by("lane", "since", "id").limit(limit)


async def due(store: str, now: datetime, limit: int) -> list[AccountRow]:
    """Return accounts of a store whose points came or went by themselves."""
    past = AccountRow.filter(store=store, next_due_at__lte=now)
    return await _not_postponed(past, now).order_by("next_due_at").limit(limit)


def _not_postponed(rows: QuerySet[AccountRow], now: datetime) -> QuerySet[AccountRow]:
    return rows.filter(Q(retry_at=None) | Q(retry_at__lte=now))


async def to_remind(store: str, now: datetime, limit: int) -> list[AccountRow]:
    """Return accounts of a store for which it is time to say that points are going to expire."""
    rows = AccountRow.filter(store=store, remind_at__lte=now)
    return await rows.order_by("remind_at", "id").limit(limit)


async def postpone(account: AccountRow, until: datetime) -> None:
    """Leave an account that could not be settled for later."""
    await AccountRow.filter(id=account.id).update(retry_at=until)


async def locked(store: str, keys: Sequence[str]) -> list[AccountRow]:
    """Return accounts, locked in the order of their keys for the transaction that we are in.

    With them whom they were merged into, as what changes of the one changes the other.
    """
    found = await merges.homes(store, keys)
    every = {*keys, *found.owners(keys)}
    await sql.many(
        "INSERT INTO account"
        " (store, key, dirty_gen, settled_gen, next_due_points, version)"
        " VALUES ($1, $2, 1, 0, 0, 0) ON CONFLICT (store, key) DO NOTHING",
        ((store, key) for key in sorted(every)),
    )
    held = await sql.rows(
        "SELECT id, key FROM account WHERE store = $1 AND key = ANY($2)"
        ' ORDER BY key COLLATE "C" FOR UPDATE',
        *(store, [*every]),
    )
    return await AccountRow.filter(id__in=[row["id"] for row in held if row["key"] in keys])


async def unchanged(store: str, accounts: Sequence[AccountRow]) -> set[str]:
    """Lock accounts in the order of their keys, and return those that are as they were read."""
    rows = await sql.rows(
        "SELECT key, dirty_gen, version FROM account WHERE store = $1 AND key = ANY($2)"
        ' ORDER BY key COLLATE "C" FOR UPDATE',
        *(store, [one.key for one in accounts]),
    )
    read = {one.key: (one.dirty_gen, one.version) for one in accounts}
    return {row["key"] for row in rows if read[row["key"]] == (row["dirty_gen"], row["version"])}


async def posted(
    store: str, keys: Sequence[str], since: datetime = BEGINNING
) -> dict[str, dict[Key, Posted]]:
    """Return what the ledger has of each account that takes effect since an instant, by key."""
    found: dict[str, dict[Key, Posted]] = defaultdict(dict)
    rows = await sql.rows(
        "SELECT account, cause, kind, effective_at, CAST(SUM(points) AS bigint) AS points,"
        " COUNT(*) AS entries FROM entry WHERE store = $1 AND account = ANY($2)"
        " AND effective_at >= $3 GROUP BY account, cause, kind, effective_at",
        *(store, list(keys), since),
    )
    for row in rows:
        effective_at = sql.at(row["effective_at"])
        assert effective_at is not None
        key = (row["cause"], row["kind"], effective_at)
        found[row["account"]][key] = Posted(points=row["points"], entries=row["entries"])
    return found


async def post(store: str, settled: Sequence[Settled], now: datetime) -> None:
    """Append what each of these accounts lacks, and note when it is due again."""
    await sql.many(
        "INSERT INTO entry"
        " (store, account, cause, kind, effective_at, n, points, posted_at, why)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        (
            (
                *(store, one.account.key, change.cause, change.kind, change.effective_at),
                *(one.counts.get(change.key, 0), change.points, now),
                change.why.replace("\0", ""),  # which PostgreSQL has no place for
            )
            for one in settled
            for change in one.changes
        ),
    )
    await sql.many(
        "UPDATE account SET settled_gen = $2, retry_at = $10, next_due_at = $3,"
        " next_expiry_at = $4, next_due_points = $5, version = version + $6, tier = $7,"
        " standing = $8, until = $9, remind_at = $11, available = $12,"
        " dirty_at = CASE WHEN dirty_gen > $2 THEN dirty_at END"
        " WHERE id = $1",
        (
            (
                *(one.account.id, one.account.dirty_gen - bool(one.again_at), one.next_due_at),
                *(
                    *(one.next_expiry or (None, 0)),
                    int(one.is_news),
                    one.tier,
                    one.standing,
                    one.until,
                    one.again_at,
                    one.remind_at,
                    one.available,
                ),
            )
            for one in settled
        ),
    )


async def seen_anew(store: str, keys: Sequence[str]) -> None:
    """Note that owners see something new, though no points moved; the accounts are locked."""
    owners = [owner for _, owner in await merges.merged(store, keys)]
    await sql.run(
        "UPDATE account SET version = version + 1 WHERE store = $1 AND key = ANY($2)",
        *(store, [*keys, *owners]),
    )


async def balance(store: str, key: str, now: datetime) -> Balance:
    """Return what an account's entries add up to at an instant."""
    return (await balances(store, [key], now))[key]


async def balances(store: str, keys: Sequence[str], now: datetime) -> dict[str, Balance]:
    """Return what the entries of each of these accounts add up to at an instant."""
    available = await sums(store, keys, now)
    rows = await sql.rows(
        "SELECT account, effective_at, CAST(SUM(points) AS bigint) AS points FROM entry"
        " WHERE store = $1 AND account = ANY($2) AND effective_at > $3"
        " GROUP BY account, effective_at",
        *(store, list(keys), now),
    )
    coming: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for row in rows:
        effective_at = sql.at(row["effective_at"])
        assert effective_at is not None
        coming[row["account"]].append((effective_at, row["points"]))
    return {
        key: Balance(
            available=available.get(key, 0),
            pending=sum(points for _, points in coming[key]),
            pending_at=min(
                (at for at, points in coming[key] if points > 0 and not awaited(at)), default=None
            ),
        )
        for key in keys
    }


async def sums(store: str, keys: Sequence[str], at: datetime) -> dict[str, int]:
    """Return what the entries of accounts, of those that have any, add up to at an instant."""
    rows = await sql.rows(
        "SELECT account, CAST(SUM(points) AS bigint) AS points FROM entry"
        " WHERE store = $1 AND account = ANY($2) AND effective_at <= $3 GROUP BY account",
        *(store, list(keys), at),
    )
    return {row["account"]: row["points"] for row in rows}


async def turnover(store: str, ends: Sequence[datetime]) -> list[Counter[str]]:
    """Return what took effect before each of these ends, and not before the last, by kind."""
    spans = " ".join(f"WHEN effective_at < ${n} THEN {n}" for n in range(2, len(ends) + 2))
    rows = await sql.rows(
        "SELECT kind, span, CAST(SUM(points) AS bigint) AS points FROM"
        f" (SELECT kind, points, CASE {spans} END AS span FROM entry"
        f" WHERE store = $1 AND effective_at < ${len(ends) + 1}) spanned GROUP BY kind, span",
        *(store, *ends),
    )
    found: list[Counter[str]] = [Counter() for _ in ends]
    for row in rows:
        found[row["span"] - 2][row["kind"]] = row["points"]
    return found


async def learned_later(store: str, at: datetime) -> int:
    """Return what entries posted after an instant changed of the balances at it.

    Points that end do so by time alone, whenever that is written down.
    """
    later = EntryRow.filter(store=store, effective_at__lte=at, posted_at__gt=at)
    return await total(later.exclude(kind="expire"))


async def tiers(store: str) -> dict[str, int]:
    """Return how many accounts were last known to be in each tier."""
    found = await sql.rows(
        "SELECT tier, COUNT(*) AS accounts FROM account WHERE store = $1 AND tier IS NOT NULL"
        " GROUP BY tier",
        store,
    )
    return {row["tier"]: row["accounts"] for row in found}


async def tier(store: str, key: str) -> str | None:
    """Return the tier that an account was last known to be in."""
    row = await AccountRow.get_or_none(store=store, key=key)
    return row.tier if row else None


async def total(entries: QuerySet[EntryRow]) -> int:
    """Return what these entries add up to."""
    rows = await entries.annotate(total=Sum("points")).values("total")
    return int(rows[0]["total"] or 0) if rows else 0


async def earned(store: str, key: str, cause: str) -> int:
    """Return the points that a cause, by whatever rule, has earned an account by its entries."""
    by_it = Q(cause=cause) | Q(cause__startswith=f"{cause}/rule:")
    return await total(EntryRow.filter(by_it, store=store, account=key, kind="earn"))


async def entries(store: str, key: str) -> list[EntryRow]:
    """Return an account's entries in the order in which they take effect."""
    return await EntryRow.filter(store=store, account=key).order_by("effective_at", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a ledger key comes to."""

    cause: str
    kind: str
    effective_at: datetime
    points: int


async def latest(store: str, key: str, limit: int) -> list[Line]:
    """Return what an account's newest ledger keys come to, newest first."""
    rows = await sql.rows(
        "SELECT cause, kind, effective_at, CAST(SUM(points) AS bigint) AS points FROM entry"
        " WHERE store = $1 AND account = $2 GROUP BY cause, kind, effective_at"
        " HAVING SUM(points) <> 0 ORDER BY effective_at DESC, cause DESC, kind DESC LIMIT $3",
        *(store, key, limit),
    )
    return [
        Line(
            cause=row["cause"],
            kind=row["kind"],
            effective_at=effective_at,
            points=row["points"],
        )
        for row in rows
        if (effective_at := sql.at(row["effective_at"]))
    ]


async def has_earned(store: str, until: datetime) -> bool:
    """Return whether anybody's entries have anything that was earned, and good until then."""
    return await EntryRow.exists(store=store, kind="earn", effective_at__lte=until)
