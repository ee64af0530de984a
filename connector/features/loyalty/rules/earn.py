"""What an order earns and what its refunds leave: the arithmetic of the loyalty fold.

Pure. Money is in minor units, points are whole. Nothing here *awards*: ``fold`` walks an
account's facts and asks these functions what should be true; the ledger posts the difference.
Repeated, late and reordered webhooks, backfills, edits and refunds are therefore one code path.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from typing import NamedTuple

from connector.features.loyalty.rules.program import EarnRule, Program
from platforms.model import Order, Refund

Weights = Mapping[str, Fraction]
MOST = Fraction(10**12)
"""Points of one order: a million such orders still fit a ledger's sums."""


def counts(order: Order, program: Program) -> bool:
    """Return whether the order earns: paid, by the merchant's list or else the adapter's word.

    A deleted order keeps what it earned unless the program voids it.
    """
    if order.is_deleted and program.deleted_orders == "void":
        return False
    return order.status in program.paid_statuses if program.paid_statuses else order.is_paid


def explained_minor(refund: Refund) -> int:
    """Return how much of a refund its lines, shipping and fees account for, tax included."""
    return refund.other_minor + sum(line.total_minor + line.tax_minor for line in refund.lines)


def weighed(order: Order, rule: EarnRule, program: Program, tier: str | None) -> Weights:
    """Return by what lines of an order count, by id: their multipliers, 0 where it is excluded.

    A line that is not named counts once, as all do of most programs. ``tier`` is the one that the
    account was in.
    """
    if not program.multiplier:
        return unmultiplied(order, rule)
    return {
        line.id: Fraction(0)
        if line.product_id in rule.exclude.products
        else program.factor(order.placed_at, line.product_id, tier)
        for line in order.lines
    }


def unmultiplied(order: Order, rule: EarnRule) -> Weights:
    """Return which lines of an order count at all, as :func:`weighed`: 0 for those that do not."""
    out = rule.exclude.products
    return {line.id: Fraction(0) for line in order.lines if line.product_id in out}


def kept_minor(order: Order, refunds: Iterable[Refund], weights: Weights) -> Fraction:
    """Return the weighed goods that these refunds of the order leave, exactly, 0 or more.

    What a refund names comes off as it is. Money that nothing explains takes its share of what
    is then left of the whole order, so a fully refunded order keeps nothing. All refunds count
    together: what one gave back less than it named, another may give back later.
    """
    goods: Fraction | int = sum(weights.get(line.id, 1) * line.total_minor for line in order.lines)
    left, unexplained = order.total_minor, 0
    for refund in refunds:
        explained = explained_minor(refund)
        goods -= sum(weights.get(line.line_id, 1) * line.total_minor for line in refund.lines)
        left -= explained
        unexplained += refund.amount_minor - explained
    unexplained = max(unexplained, 0)
    if left <= unexplained:
        return Fraction(0)
    share = Fraction(left - unexplained, left) if unexplained else 1
    return max(Fraction(goods * share), Fraction(0))


class Left(NamedTuple):
    """The weighed goods that are left after something took of an order; ``what`` did, by its id."""

    what: str
    at: datetime
    kept: Fraction
    refund: Refund | None = None


def kept_after(order: Order, weights: Weights) -> list[Left]:
    """Return what is left of an order after each refund, and its cancel, in the order of time.

    After a refund that is no less than what all of them leave: money that one paid out beyond what
    it names may turn out to be for what a later one names. After a cancel nothing is left.
    """
    end = order.cancelled_at
    refunds = [one for one in order.refunds if end is None or one.refunded_at <= end]
    refunds.sort(key=lambda refund: (refund.refunded_at, refund.id))
    kept = [kept_minor(order, refunds[:count], weights) for count in range(1, len(refunds) + 1)]
    least = [*accumulate(reversed(kept), max)][::-1]
    lefts = [
        Left(f"refund:{refund.id}", refund.refunded_at, value, refund)
        for refund, value in zip(refunds, least, strict=True)
    ]
    return lefts if end is None else [*lefts, Left("cancel", end, Fraction(0))]


def worth(kept: Fraction, currency: str, rule: EarnRule) -> int:
    """Return the points of what is kept, rounded once, as the rule says; ``MOST`` at most."""
    step = rule.per_minor.get(currency)
    if step is None:
        return 0
    exact = min(kept * rule.points / step, MOST)
    match rule.rounding:
        case "floor":
            return floor(exact)
        case "ceil":
            return ceil(exact)
        case "half_up":
            return floor(exact + Fraction(1, 2))
