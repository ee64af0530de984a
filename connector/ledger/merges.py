"""Accounts that the store made one: whose is what no order carries.

The store says whose an order is, and its points go along. If it moves all that an account ever
bought to another, the two are one person: a guest who signed up, or a customer who was merged and
is gone from the store. Then what the first spent and was given before goes along as well. If it
moves an order only, nothing else does, nor while the customer is still there, as who corrects a
wrong name merges nobody; if it moves one back, the account is its own again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connector.database import sql
from connector.ledger.models import LinkRow, MergeRow

Fact = TypeVar("Fact")
HOPS_MAX = 100  # from account to account
HOLDS = (  # of a customer who is still there, orders were corrected
    "(m.account NOT LIKE 'customer:%' OR EXISTS (SELECT 1 FROM customer c WHERE c.store = m.store"
    " AND c.platform_id = substr(m.account, 10) AND c.is_gone))"
)


@dataclass(frozen=True, slots=True)
class Homes:
    """Whose is what began at some instant; ``merged`` says into which account one was, and when."""

    merged: Mapping[str, tuple[str, datetime]]

    def of(self, account: str, at: datetime) -> str:
        """Return whose is what began at an instant in an account."""
        for _ in range(HOPS_MAX):
            owner, merged_at = self.merged.get(account, ("", at))
            if at >= merged_at:
                break
            account, at = owner, merged_at  # there since then, whatever became of others before
        return account

    def read(self, accounts: Sequence[str]) -> list[str]:
        """Return accounts with all those that were merged into them."""
        found = dict.fromkeys(accounts)
        for _ in range(HOPS_MAX):
            more = [one for one, (owner, _) in self.merged.items() if owner in found]
            if all(one in found for one in more):
                break
            found.update(dict.fromkeys(more))
        return [*found]

    def sorted(
        self, found: Mapping[str, Sequence[Fact]], at: Callable[[Fact], datetime]
    ) -> Mapping[str, Sequence[Fact]]:
        """Return facts by whose they are, given them by the account in which they began."""
        if not self.merged:
            return found
        homes: dict[str, list[Fact]] = defaultdict(list)
        for account, facts in found.items():
            for one in facts:
                homes[self.of(account, at(one))].append(one)
        return homes

    def owners(self, accounts: Collection[str]) -> set[str]:
        """Return all accounts that some were merged into, at whatever instant."""
        found: set[str] = set()
        ahead = set(accounts)
        while ahead := {self.merged[one][0] for one in ahead if one in self.merged} - found:
            found |= ahead
        return found


async def merged(store: str, accounts: Collection[str]) -> list[tuple[str, str]]:
    """Return which of these accounts were merged, each with the one that it was merged into."""
    if not await MergeRow.exists(store=store):
        return []
    rows = await sql.rows(
        "SELECT account, owner FROM merge m WHERE m.store = $1 AND m.account = ANY($2)"
        f" AND {HOLDS}",
        *(store, list(accounts)),
    )
    return [(row["account"], row["owner"]) for row in rows]


async def whole(store: str, accounts: Collection[str]) -> set[str]:
    """Return accounts with all that became theirs: joined for good, or emptied into them."""
    found, ahead = set(accounts), set(accounts)
    while ahead:
        rows = await sql.rows(
            "SELECT l.account FROM link l WHERE l.store = $1 AND l.owner = ANY($2) UNION"
            f" SELECT m.account FROM merge m WHERE m.store = $1 AND m.owner = ANY($2) AND {HOLDS}",
            *(store, list(ahead)),
        )
        ahead = {row["account"] for row in rows} - found
        found |= ahead
    return found


async def homes(store: str, accounts: Collection[str]) -> Homes:
    """Return what was merged into accounts, and into which others they were."""
    merged: dict[str, tuple[str, datetime]] = {}
    seen, ahead = set[str](), set(accounts)
    if not await MergeRow.exists(store=store):
        return Homes(merged)
    while ahead:
        rows = await sql.rows(
            "SELECT account, owner, merged_at FROM merge m WHERE m.store = $1"
            f" AND (m.account = ANY($2) OR m.owner = ANY($2)) AND {HOLDS}",
            *(store, list(ahead)),
        )
        for row in rows:
            merged_at = sql.at(row["merged_at"])
            assert merged_at is not None
            merged[row["account"]] = row["owner"], merged_at
        seen |= ahead
        ahead = {name for row in rows for name in (row["account"], row["owner"])} - seen
    return Homes(merged)


async def follow(
    store: str, moved: Mapping[str, str], bought: Mapping[str, datetime], now: datetime
) -> set[str]:
    """Merge accounts that orders ``moved`` from and left empty, or let them be their own again.

    ``moved`` says into which account, ``bought`` of accounts when the first order was placed that
    became theirs just now. With the store locked. Return the accounts whose points may differ.
    """
    rows = await MergeRow.filter(store=store, account__in=[*bought]) if bought else []
    parted = [row for row in rows if bought[row.account] < row.merged_at]
    if parted:
        await MergeRow.filter(id__in=[row.id for row in parted]).delete()
    changed = {name for row in parted for name in (row.account, row.owner)}
    return changed | await _merge(store, moved, now)


async def gone(store: str, accounts: Collection[str]) -> set[str]:
    """Return whose points may differ as these customers are gone from the store."""
    rows = await MergeRow.filter(store=store, account__in=list(accounts)) if accounts else []
    return {name for row in rows for name in (row.account, row.owner)}


async def _merge(store: str, moved: Mapping[str, str], now: datetime) -> set[str]:
    if not moved:
        return set()
    left = await sql.rows(
        'SELECT DISTINCT account FROM "order" WHERE store = $1 AND account = ANY($2)',
        *(store, [*moved]),
    )
    kept = {row["account"] for row in left}
    kept |= {row.account for row in await LinkRow.filter(store=store, account__in=[*moved])}
    before = {row.account: row for row in await MergeRow.filter(store=store, account__in=[*moved])}
    held = dict(await merged(store, moved))
    changed: set[str] = set()
    for account, owner in sorted(moved.items()):
        row = before.get(account)
        if account in kept or (account in held and row and row.owner != owner):
            continue
        if row:  # what it did since goes along too
            await MergeRow.filter(id=row.id).update(owner=owner, merged_at=now)
            changed |= {account, owner, row.owner}
            continue
        others = (await homes(store, [owner])).owners([owner])
        if account in others:  # it was emptied into that one, and the other way before
            await MergeRow.filter(store=store, account=owner).delete()
        await MergeRow.create(store=store, account=account, owner=owner, merged_at=now)
        changed |= {account, owner} | others
    return changed
