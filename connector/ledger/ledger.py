"""The ledger's only writer, and the balances that entries add up to.

Whoever changes what points follow from marks the account dirty in the same transaction; whoever
settles it appends the difference under the account's lock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.expressions import F, Q
from tortoise.functions import Sum
from tortoise.queryset import QuerySet

from connector.kernel.posting import Key, Posting, difference
from connector.ledger.models import AccountRow, EntryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Points that can be spent now, and points on their way, with when the next of them come."""

    available: int
    pending: int
    pending_at: datetime | None = None


async def mark_dirty(store: str, accounts: Iterable[str]) -> None:
    """Note that accounts must be settled. Inside the transaction of what changed."""
    for key in sorted(set(accounts)):
        _, is_new = await AccountRow.get_or_create(store=store, key=key)
        if not is_new:
            rows = AccountRow.filter(store=store, key=key)
            await rows.update(dirty_gen=F("dirty_gen") + 1)


async def mark_all_dirty(store: str) -> None:
    """Note that every account of a store must be settled."""
    await AccountRow.filter(store=store).update(dirty_gen=F("dirty_gen") + 1)


async def to_settle(now: datetime, limit: int) -> list[AccountRow]:
    """Return accounts that are dirty or due, of all stores."""
    return (
        await AccountRow.filter(Q(dirty_gen__gt=F("settled_gen")) | Q(next_due_at__lte=now))
        .filter(Q(retry_at=None) | Q(retry_at__lte=now))
        .order_by("id")
        .limit(limit)
    )


async def postpone(account: AccountRow, until: datetime) -> None:
    """Leave an account that could not be settled for later."""
    await AccountRow.filter(id=account.id).update(retry_at=until)


async def locked(store: str, key: str) -> AccountRow:
    """Return the account, locked for the transaction that we are in."""
    await AccountRow.get_or_create(store=store, key=key)
    return await AccountRow.select_for_update().get(store=store, key=key)


async def post(
    account: AccountRow,
    wanted: Sequence[Posting],
    next_expiry: tuple[datetime, int] | None,
    now: datetime,
) -> list[Posting]:
    """Append what the ledger lacks of what is wanted; return what that was.

    ``next_expiry`` is when points go next by themselves, and how many: then it is due again.
    """
    rows = await EntryRow.filter(store=account.store, account=account.key)
    posted: Counter[Key] = Counter()
    count: Counter[Key] = Counter()
    for row in rows:
        key = (row.cause, row.kind, row.effective_at)
        posted[key] += row.points
        count[key] += 1
    changes = difference(wanted, posted)
    await EntryRow.bulk_create(
        EntryRow(
            store=account.store,
            account=account.key,
            cause=change.cause,
            kind=change.kind,
            effective_at=change.effective_at,
            n=count[change.key],
            points=change.points,
            posted_at=now,
            why=change.why,
        )
        for change in changes
    )
    await AccountRow.filter(id=account.id).update(
        settled_gen=account.dirty_gen,
        retry_at=None,
        next_due_at=next_expiry and next_expiry[0],
        next_due_points=next_expiry[1] if next_expiry else 0,
        version=account.version + (1 if changes else 0),
    )
    return changes


async def balance(store: str, key: str, now: datetime) -> Balance:
    """Return what an account's entries add up to at an instant."""
    mine = EntryRow.filter(store=store, account=key)
    available = await total(mine.filter(effective_at__lte=now))
    later = mine.filter(effective_at__gt=now)
    coming: Counter[datetime] = Counter()
    for entry in await later:
        coming[entry.effective_at] += entry.points
    return Balance(
        available=available,
        pending=coming.total(),
        pending_at=min((at for at, points in coming.items() if points > 0), default=None),
    )


async def total(entries: QuerySet[EntryRow]) -> int:
    """Return what these entries add up to."""
    rows = await entries.annotate(total=Sum("points")).values("total")
    return int(rows[0]["total"] or 0) if rows else 0


async def earned(store: str, key: str, cause: str) -> int:
    """Return the points that a cause has earned an account by its entries."""
    return await total(EntryRow.filter(store=store, account=key, cause=cause, kind="earn"))


async def entries(store: str, key: str) -> list[EntryRow]:
    """Return an account's entries in the order in which they take effect."""
    return await EntryRow.filter(store=store, account=key).order_by("effective_at", "id")


async def balances(store: str, now: datetime) -> dict[str, Balance]:
    """Return the balance of every account of a store."""
    rows = await AccountRow.filter(store=store).order_by("key")
    sums: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for entry in await EntryRow.filter(store=store).only("account", "points", "effective_at"):
        sums[entry.effective_at <= now][entry.account] += entry.points
    return {
        key: Balance(available=sums[True][key], pending=sums[False][key])
        for key in (row.key for row in rows)
    }
