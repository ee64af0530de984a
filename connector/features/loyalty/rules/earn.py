"""What an order earns and what its refunds leave: the arithmetic of the loyalty fold.

Pure. Money is in minor units, points are whole. Nothing here *awards*: ``fold`` walks an
account's facts and asks these functions what should be true; the ledger posts the difference.
Repeated, late and reordered webhooks, backfills, edits and refunds are therefore one code path.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from typing import NamedTuple

from connector.features.loyalty.rules.program import EarnRule, Program
from platforms.model import Order, Refund

Weights = Mapping[str, Fraction]
ONCE = Fraction(1)
SHIPPING, FEES = "shipping", "fees"
LINES = frozenset({"lines"})
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


class Basis(NamedTuple):
    """What counts of an order, and by what: multipliers of lines by their ids, and of charges.

    What is not named counts once, as all does of most programs.
    """

    weights: Weights
    counted: frozenset[str]

    @property
    def is_plain(self) -> bool:
        """Whether it is the goods as they are."""
        return not self.weights and self.counted == LINES

    @property
    def unweighed(self) -> "Basis":
        """What counts at all."""
        return Basis({id_: Fraction(bool(by)) for id_, by in self.weights.items()}, self.counted)


def weighed(order: Order, rule: EarnRule, program: Program, tier: str | None) -> Basis:
    """Return what counts of an order: multiplied, and not at all where it is excluded.

    ``tier`` is the one that the account was in. Shipping and fees are of no product.
    """
    out = unmultiplied(order, rule)
    if not program.multiplier:
        return out
    products = {line.id: line.product_id for line in order.lines}
    products |= dict.fromkeys((SHIPPING, FEES), "")
    weights = {
        id_: out.weights.get(id_, ONCE) * program.factor(order.placed_at, product, tier)
        for id_, product in products.items()
    }
    return Basis(weights, out.counted)


def unmultiplied(order: Order, rule: EarnRule) -> Basis:
    """Return what counts of an order at all."""
    out = rule.exclude.products
    weights = {line.id: Fraction(0) for line in order.lines if line.product_id in out}
    return Basis(weights, frozenset(rule.count))


def parts(order: Order, basis: Basis) -> Iterator[tuple[str, int]]:
    """Yield what counts of an order, not yet weighed: the ids of lines, shipping, fees."""
    tax = "tax" in basis.counted
    if "lines" in basis.counted:
        yield from ((one.id, one.total_minor + tax * one.tax_minor) for one in order.lines)
    yield from _charges(order, basis, tax=tax)


def _parts_back(refund: Refund, basis: Basis) -> Iterator[tuple[str, int]]:
    """Yield what a refund names of what counts, as :func:`parts`."""
    tax = "tax" in basis.counted
    if "lines" in basis.counted:
        yield from ((one.line_id, one.total_minor + tax * one.tax_minor) for one in refund.lines)
    yield from _charges(refund, basis, tax=tax)


def _charges(of: Order | Refund, basis: Basis, *, tax: bool) -> Iterator[tuple[str, int]]:
    for id_, charge in ((SHIPPING, of.shipping), (FEES, of.fees)):
        if id_ in basis.counted:
            yield id_, charge.total_minor + tax * charge.tax_minor


def _sum(of: Iterable[tuple[str, int]], weights: Weights) -> Fraction | int:
    return sum(weights.get(id_, 1) * minor for id_, minor in of)


def kept_minor(order: Order, refunds: Iterable[Refund], basis: Basis) -> Fraction:
    """Return what these refunds of the order leave of what counts, weighed, exactly, 0 or more.

    What a refund names comes off as it is. Money that nothing explains takes its share of what
    is then left of the whole order, so a fully refunded order keeps nothing. All refunds count
    together: what one gave back less than it named, another may give back later.
    """
    goods: Fraction | int
    if basis.is_plain:
        goods = sum(line.total_minor for line in order.lines)
    else:
        goods = _sum(parts(order, basis), basis.weights)
    left, unexplained = order.total_minor, 0
    for refund in refunds:
        explained = explained_minor(refund)
        goods -= _sum(_parts_back(refund, basis), basis.weights)
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


def kept_after(order: Order, basis: Basis) -> list[Left]:
    """Return what is left of an order after each refund, and its cancel, in the order of time.

    After a refund that is no less than what all of them leave: money that one paid out beyond what
    it names may turn out to be for what a later one names. After a cancel nothing is left.
    """
    end = order.cancelled_at
    refunds = [one for one in order.refunds if end is None or one.refunded_at <= end]
    refunds.sort(key=lambda refund: (refund.refunded_at, refund.id))
    kept = [kept_minor(order, refunds[:count], basis) for count in range(1, len(refunds) + 1)]
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
