"""Stamps: written once, when an order is first settled under a version that reads them.

A product that we have not seen is fetched first: till then its order waits, an hour at most, and
its account is settled without it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from connector.commerce import records
from connector.database import sql
from connector.features.loyalty.rules.facts import Facts, orders_in, with_stamps
from connector.features.loyalty.rules.program import Publication, in_force
from connector.features.loyalty.rules.stamps import BLANK, Stamp
from connector.web.segments import Segments
from platforms.model import Order

PATIENCE = timedelta(hours=1)
AGAIN = timedelta(seconds=5)


class Change(NamedTuple):
    """What becomes of an order's stamp; it may have had none."""

    was: Stamp | None
    now: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """An account's facts with all stamps that can be had, and which of them are new.

    It ``awaits`` products; orders of theirs that have no stamp are ``left_out`` until then.
    """

    facts: Facts
    changes: Mapping[str, Change] = field(default_factory=dict)
    awaits: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()


class _Lacking(NamedTuple):
    """An order whose stamp lacks something."""

    order: Order
    held: Stamp | None
    products: set[str]
    segments: bool

    @property
    def customers(self) -> tuple[str, ...]:
        """Whose segments have to be known."""
        return (self.order.customer_id,) if self.segments and self.order.customer_id else ()


def are_read(versions: Sequence[Publication]) -> bool:
    """Return whether any version's rules read what is stamped."""
    return any(one.program.reads_collections or one.program.reads_segments for one in versions)


async def stamps_of(store: str, accounts: Sequence[str], since: datetime) -> dict[str, Stamp]:
    """Return the stamps of the orders of accounts, placed since an instant, by order."""
    rows = await sql.rows(
        'SELECT s.order_id, s.body FROM stamp s JOIN "order" o'
        " ON o.store = s.store AND o.platform_id = s.order_id"
        " WHERE o.store = $1 AND o.account = ANY($2) AND o.placed_at >= $3",
        *(store, list(accounts), since),
    )
    return {row["order_id"]: _read(row["body"]) for row in rows}


async def completed(
    segments: Segments,
    store: str,
    found: Mapping[str, Facts],
    now: datetime,
    *,
    waits: bool = True,
) -> dict[str, Stamped]:
    """Return the facts of accounts with what their orders' stamps lack, as it is now.

    Unless somebody ``waits`` for them, products that we have not seen are in no collection.
    """
    lacking = {account: list(_lacking(facts)) for account, facts in found.items()}
    every = [one for some in lacking.values() for one in some]
    if not every:
        return {account: Stamped(facts=facts) for account, facts in found.items()}
    products = {id_ for one in every for id_ in one.products}
    known = await records.collections_of(store, products, now - PATIENCE) if products else {}
    if not waits:
        known = dict.fromkeys(products, ()) | known
    whose = await segments.of(store, {id_ for one in every for id_ in one.customers})
    return {
        account: _stamped(facts, lacking[account], known, whose) for account, facts in found.items()
    }


def _lacking(facts: Facts) -> Iterable[_Lacking]:
    if not are_read(facts.versions):
        return
    for order in orders_in(facts):
        version = in_force(facts.versions, order.placed_at)
        if version is not None:
            held = facts.stamps.get(order.id)
            products = (held or BLANK).lacks_products(order, version.program)
            is_asked = (held or BLANK).lacks_segments(version.program)
            if products or is_asked:
                yield _Lacking(order, held, products, is_asked)


def _stamped(
    facts: Facts,
    lacking: Sequence[_Lacking],
    known: Mapping[str, tuple[str, ...]],
    whose: Mapping[str, tuple[str, ...]],
) -> Stamped:
    changes: dict[str, Change] = {}
    waiting: set[str] = set()
    awaits: set[str] = set()
    for one in lacking:
        unseen = one.products - known.keys()
        awaits |= unseen
        if unseen and one.held is None:
            waiting.add(one.order.id)
            continue
        held = one.held or BLANK
        collections = {id_: known[id_] for id_ in one.products - unseen}
        theirs = whose.get(one.order.customer_id or "", ()) if one.segments else None
        stamp = held.more(collections, theirs)
        if stamp != held:
            changes[one.order.id] = Change(one.held, stamp)
    new = {id_: one.now for id_, one in changes.items()}
    return Stamped(
        facts=with_stamps(facts, new, waiting),
        changes=changes,
        awaits=frozenset(awaits),
        left_out=frozenset(waiting),
    )


async def keep(store: str, changes: Mapping[str, Change], now: datetime) -> Collection[str]:
    """Write stamps down; return of which orders somebody else wrote another meanwhile."""
    if not changes:
        return ()
    in_order = sorted(changes.items())
    await sql.many(
        "INSERT INTO stamp (store, order_id, body, stamped_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (store, order_id) DO NOTHING",
        ((store, id_, _written(one.now), now) for id_, one in in_order if one.was is None),
    )
    await sql.many(
        "UPDATE stamp SET body = $3 WHERE store = $1 AND order_id = $2 AND body = $4",
        (
            (store, id_, _written(one.now), _written(one.was))
            for id_, one in in_order
            if one.was is not None
        ),
    )
    rows = await sql.rows(
        "SELECT order_id, body FROM stamp WHERE store = $1 AND order_id = ANY($2)",
        *(store, [id_ for id_, _ in in_order]),
    )
    return {row["order_id"] for row in rows if _read(row["body"]) != changes[row["order_id"]].now}


def _written(stamp: Stamp) -> str:
    return msgspec.json.encode(stamp, order="sorted").decode()


def _read(body: str) -> Stamp:
    return msgspec.json.decode(body, type=Stamp)
