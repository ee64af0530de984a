"""What an order earns and what its refunds leave: the arithmetic of the loyalty fold.

Pure. Money is in minor units, points are whole. Nothing here *awards*: ``fold`` walks an
account's facts and asks these functions what should be true; the ledger posts the difference.
Repeated, late and reordered webhooks, backfills, edits and refunds are therefore one code path.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil, floor

from connector.features.loyalty.rules.program import EarnRule, Program
from platforms.model import Order, Refund

Weights = Mapping[str, Fraction]
MOST = Fraction(10**12)
"""Points of one order: a million such orders still fit a ledger's sums."""


def explained_minor(refund: Refund) -> int:
    """Return how much of a refund its lines, shipping and fees account for, tax included."""
    return refund.other_minor + sum(line.total_minor + line.tax_minor for line in refund.lines)


def weighed(order: Order, rule: EarnRule, program: Program) -> Weights:
    """Return by what lines of an order count, by id: their multipliers, 0 where it is excluded.

    A line that is not named counts once, as all do of most programs.
    """
    if not (program.multiplier or rule.exclude.products):
        return {}
    return {
        line.id: Fraction(0)
        if line.product_id in rule.exclude.products
        else program.factor(order.placed_at, line.product_id)
        for line in order.lines
    }


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
