"""What a store owes its customers in points at an instant, from their lots.

A past instant is seen with what is known today: a refund heard of late counts from when it was.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.features.loyalty.rules.fold import Facts, fold
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.rules.program import Program
from connector.features.loyalty.rules.value import Worth, best
from platforms.model import Order

ENDLESS = "never"
INSTANT = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class Owed:
    """What is owed to some accounts at an instant.

    ``available`` is in lots that can be spent, less ``deficits``, which customers owe. ``pending``
    is earned and can be spent later. Of both, ``guest_points`` are guests'. ``ends`` has the
    points in open lots by the month, in the program's zone, in which they end if nobody spends
    them.
    """

    at: datetime
    accounts: int = 0
    available: int = 0
    deficits: int = 0
    pending: int = 0
    guest_points: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    worth: Worth | None


class Liability:
    """Adds accounts up."""

    def __init__(self, program: Program, currency: str, at: datetime) -> None:
        self._zone = program.zone
        self.owed = Owed(at=at, worth=best(program, currency, at))

    def add(self, facts: Facts, *, is_guest: bool) -> int:
        """Count an account; return what it can spend."""
        owed = self.owed
        folded = fold(as_of(facts, owed.at), owed.at)
        available = folded.purse.available()
        pending = sum(one.points for one in folded.postings if one.effective_at > owed.at)
        owed.accounts += bool(available or pending)
        owed.available += available
        owed.deficits += folded.purse.deficit
        owed.pending += pending
        owed.guest_points += available + pending if is_guest else 0
        for lot in folded.purse.lots.values():
            if lot.is_open and lot.points:
                owed.ends[self._month(folded.purse.end_of(lot))] += lot.points
        return available

    def _month(self, end: datetime) -> str:
        """Return the month of the last instant before an end."""
        return ENDLESS if end == NEVER else f"{(end - INSTANT).astimezone(self._zone):%Y-%m}"


def as_of(facts: Facts, at: datetime) -> Facts:
    """Return those facts that were so at an instant."""
    return replace(
        facts,
        orders=[_order_as_of(order, at) for order in facts.orders if order.placed_at <= at],
        coded_orders=[order for order in facts.coded_orders if order.placed_at <= at],
        signed_up_at=_unless_later(facts.signed_up_at, at),
        redemptions=[
            replace(one, released_at=_unless_later(one.released_at, at))
            for one in facts.redemptions
            if one.redeemed_at <= at
        ],
        adjustments=[one for one in facts.adjustments if one.adjusted_at <= at],
        placements=[one for one in facts.placements if one.placed_at <= at],
        versions=tuple(one for one in facts.versions if one.begins_at <= at),
    )


def _order_as_of(order: Order, at: datetime) -> Order:
    """Return an order without the refunds and the dated cancel of later."""
    if order.cancelled_at is not None and order.cancelled_at > at:
        order = replace(order, is_cancelled=False, cancelled_at=None)
    if any(one.refunded_at > at for one in order.refunds):
        refunds = tuple(one for one in order.refunds if one.refunded_at <= at)
        order = replace(order, refunds=refunds)
    return order


def _unless_later(value: datetime | None, at: datetime) -> datetime | None:
    return value if value is not None and value <= at else None
