"""Checkpoints of accounts with many orders: where their fold may begin.

One is written whenever a fold had to read ``MANY`` orders, half of them back; so whoever has fifty
thousand is folded as quickly as who has a few hundred. A change of an earlier fact drops those
after it.
"""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

import msgspec

from connector.commerce.records import BEGINNING
from connector.database import sql
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.fold import checkpoint
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.rules.movements import Checkpoint
from connector.ledger.models import AccountRow

MANY = 1000
KEPT = 4  # of an account: an early fact that changes finds an early one
FORM = f"{version('perennial')}/7"  # raise the number when the fold changes


async def usable(store: str, accounts: Sequence[AccountRow]) -> dict[str, Checkpoint | None]:
    """Return of each account that has any the latest checkpoint that no change makes wrong."""
    rows = await sql.rows(
        "SELECT account, at, form FROM checkpoint WHERE store = $1 AND account = ANY($2)"
        " ORDER BY at",
        *(store, [one.key for one in accounts]),
    )
    good_until = {one.key: _good_until(one) for one in accounts}
    latest: dict[str, datetime | None] = dict.fromkeys(row["account"] for row in rows)
    for row in rows:
        at = sql.at(row["at"])
        if at and row["form"] == FORM and at <= good_until[row["account"]]:
            latest[row["account"]] = at
    return {
        account: await _read(store, account, at) if at else None for account, at in latest.items()
    }


def _good_until(account: AccountRow) -> datetime:
    """Return the instant from which an account's facts changed; never, where none did."""
    if account.dirty_gen == account.settled_gen:
        return NEVER
    return account.dirty_from or BEGINNING


async def _read(store: str, account: str, at: datetime) -> Checkpoint:
    (row,) = await sql.rows(
        "SELECT body FROM checkpoint WHERE store = $1 AND account = $2 AND at = $3",
        *(store, account, at),
    )
    return msgspec.json.decode(row["body"], type=Checkpoint)


def taken(facts: Facts, now: datetime, since: Checkpoint | None) -> Checkpoint | None:
    """Return a new checkpoint where a fold read many orders, half of them back; else None."""
    if len(facts.orders) < MANY:
        return None
    placed = sorted(order.placed_at for order in facts.orders)
    at = min(placed[-MANY // 2], now)
    if any(one.joined_at >= at for one in facts.joined):  # who joined later would be forgotten
        return None
    return checkpoint(facts, at, since)


async def keep(store: str, account: AccountRow, new: Checkpoint) -> None:
    """Write a checkpoint and drop those that are too many. With the account locked."""
    await sql.run(
        "INSERT INTO checkpoint (store, account, at, form, body) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (store, account, at)"
        " DO UPDATE SET form = excluded.form, body = excluded.body",
        *(store, account.key, new.at, FORM, msgspec.json.encode(new)),
    )
    await sql.run(
        "DELETE FROM checkpoint WHERE store = $1 AND account = $2 AND id NOT IN"
        " (SELECT id FROM checkpoint WHERE store = $1 AND account = $2 ORDER BY at DESC LIMIT $3)",
        *(store, account.key, KEPT),
    )


async def drop(store: str, account: AccountRow) -> None:
    """Drop the checkpoints that a change makes wrong. With the account locked."""
    await sql.run(
        "DELETE FROM checkpoint WHERE store = $1 AND account = $2 AND (at > $3 OR form <> $4)",
        *(store, account.key, _good_until(account), FORM),
    )
