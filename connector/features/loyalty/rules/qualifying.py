"""What an order counts for tiers, and what its refunds take of that.

Sums are whole: minor units by currency, points, and orders of which something is kept.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from math import floor
from typing import NamedTuple

from connector.features.loyalty.rules.earn import (
    Exact,
    Goods,
    worth,
)
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.rules.program import (
    ORDERS,
    POINTS,
    SPEND,
    EarnRule,
)
from platforms.model import Order

KEPT = "="
"""Before a measure: what is kept of orders after all refunds, by which entering a tier is paid."""


class Turn(IntEnum):
    """The order of what happens at one instant."""

    WINDOW_END = 0
    JUDGED = 1
    LAPSE = 2
    VERSION = 3
    BROUGHT = 4
    ORDER = 5
    REFUND = 6
    PLACED = 7


class Step(NamedTuple):
    """Something that happens to a standing.

    An order counts ``amount`` of a ``measure`` (a currency, points or orders) until ``leaves_at``,
    and a refund takes of that; what is kept after all refunds is another measure, ``KEPT``.
    """

    at: datetime
    turn: Turn
    id: str = ""
    measure: str = ""
    amount: int = 0
    leaves_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Qualifying:
    """What an order counts and what its refunds take of that; until when, no step says yet."""

    placed_at: datetime
    steps: tuple[Step, ...]


def qualifying(
    order: Order,
    rule: EarnRule | None,
    goods: Goods,
    by: Collection[str],
    *,
    pays_entries: bool = False,
) -> Qualifying:
    """Return what a paid order counts by the first rule of the version in force at its instant.

    ``by`` has what any version counts: spend, points or orders. Where any ``pays_entries``, also
    what is kept of it.
    """
    before = _amounts(order, goods.whole, rule, by)
    steps = [
        Step(order.placed_at, Turn.ORDER, order.id, measure, value)
        for measure, value in before.items()
        if value
    ]
    for left in goods.lefts:
        at, now = max(left.at, order.placed_at), _amounts(order, left.kept, rule, by)
        for measure, value in now.items():
            if value != before[measure]:
                steps.append(Step(at, Turn.REFUND, order.id, measure, value - before[measure]))
        before = now
    for measure, value in before.items() if pays_entries else ():
        if value:
            steps.append(Step(order.placed_at, Turn.ORDER, order.id, f"{KEPT}{measure}", value))
    return Qualifying(order.placed_at, tuple(steps))


def _amounts(
    order: Order, kept: Exact, rule: EarnRule | None, by: Collection[str]
) -> dict[str, int]:
    """Return what counts of an order of which so much is left, by measure."""
    found = {order.currency: floor(kept)} if SPEND in by else {}
    if POINTS in by and rule:
        found[POINTS] = worth(kept, order.currency, rule)
    if ORDERS in by:
        found[ORDERS] = int(kept > 0)
    return found
