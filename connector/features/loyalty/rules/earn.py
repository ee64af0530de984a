"""What an order earns and what its refunds leave: the arithmetic of the loyalty fold.

Pure. Money is in minor units, points are whole. Nothing here *awards*: ``fold`` walks an
account's facts and asks these functions what should be true; the ledger posts the difference.
Repeated, late and reordered webhooks, backfills, edits and refunds are therefore one code path.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from connector.features.loyalty.rules.program import EarnRule, Program, factor
from connector.features.loyalty.rules.stamps import BLANK, Stamp
from platforms.model import Order, Refund

Exact = int | Fraction
"""Whole where it can be: fractions of Python cost ten times as much."""
Weights = Mapping[str, Exact]
SHIPPING, FEES = "shipping", "fees"
LINES = frozenset({"lines"})
MOST = 10**12
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
    def unweighed(self) -> "Basis":
        """What counts at all."""
        return Basis({id_: int(bool(by)) for id_, by in self.weights.items()}, self.counted)


class Left(NamedTuple):
    """The weighed goods that are left after something took of an order; ``what`` did, by its id."""

    what: str
    at: datetime
    kept: Exact
    refund: Refund | None = None


class Goods(NamedTuple):
    """What counts of an order: what that comes to before any refund, and after each."""

    basis: Basis
    whole: Exact
    lefts: Sequence[Left]


def goods_of(order: Order, rule: EarnRule | None, stamp: Stamp = BLANK) -> Goods:
    """Return what counts of an order by a rule, not multiplied; without one, its goods."""
    return goods_by(unmultiplied(order, rule, stamp) if rule else Basis({}, LINES), order)


def weighed(
    order: Order, goods: Goods, program: Program, tier: str | None, stamp: Stamp = BLANK
) -> Goods:
    """Return what counts of an order: multiplied, and not at all where it is excluded.

    ``tier`` is the one that the account was in. Shipping and fees are of no product.
    """
    out = goods.basis
    holding = program.holding(order.placed_at, tier, stamp.segments or ())
    if not holding:
        return goods
    products = [*((line.id, line.product_id) for line in order.lines), (SHIPPING, ""), (FEES, "")]
    factors = {id_: factor(holding, one, stamp.of(one)) for id_, one in products}
    weights = {id_: out.weights.get(id_, 1) * by for id_, by in factors.items() if by != 1}
    if not weights:
        return goods
    return goods_by(Basis({**out.weights, **weights}, out.counted), order)


def unmultiplied(order: Order, rule: EarnRule, stamp: Stamp = BLANK) -> Basis:
    """Return what counts of an order at all."""
    if not rule.exclude:
        return Basis({}, rule.counted)
    has = rule.exclude.has
    out = [one.id for one in order.lines if has(one.product_id, stamp.of)]
    return Basis(dict.fromkeys(out, 0), rule.counted)


def parts(order: Order, basis: Basis) -> list[tuple[str, int]]:
    """Return what counts of an order, not yet weighed: the ids of lines, shipping, fees."""
    tax = "tax" in basis.counted
    if "lines" not in basis.counted:
        return _charges(order, basis, tax=tax)
    lines = [(one.id, one.total_minor + tax * one.tax_minor) for one in order.lines]
    return lines + _charges(order, basis, tax=tax)


def _parts_back(refund: Refund, basis: Basis) -> list[tuple[str, int]]:
    """Return what a refund names of what counts, as :func:`parts`."""
    tax = "tax" in basis.counted
    if "lines" not in basis.counted:
        return _charges(refund, basis, tax=tax)
    lines = [(one.line_id, one.total_minor + tax * one.tax_minor) for one in refund.lines]
    return lines + _charges(refund, basis, tax=tax)


def _charges(of: Order | Refund, basis: Basis, *, tax: bool) -> list[tuple[str, int]]:
    if basis.counted.isdisjoint((SHIPPING, FEES)):
        return []
    found = ((SHIPPING, of.shipping), (FEES, of.fees))
    return [(id_, c.total_minor + tax * c.tax_minor) for id_, c in found if id_ in basis.counted]


def _sum(of: Iterable[tuple[str, int]], weights: Weights) -> Exact:
    if not weights:
        return sum([minor for _, minor in of])
    return sum([weights.get(id_, 1) * minor for id_, minor in of])


def kept_minor(order: Order, refunds: Iterable[Refund], basis: Basis) -> Exact:
    """Return what these refunds of the order leave of what counts, weighed, exactly, 0 or more.

    What a refund names comes off as it is. Money that nothing explains takes its share of what
    is then left of the whole order, so a fully refunded order keeps nothing. All refunds count
    together: what one gave back less than it named, another may give back later.
    """
    return _kept(order, refunds, basis)[-1]


def _kept(order: Order, refunds: Iterable[Refund], basis: Basis) -> list[Exact]:
    """Return what is kept of what counts before any refund, and after each with those before."""
    goods = _sum(parts(order, basis), basis.weights)
    left, unexplained = order.total_minor, 0
    kept = [_share(goods, left, unexplained)]
    for refund in refunds:
        explained = explained_minor(refund)
        goods -= _sum(_parts_back(refund, basis), basis.weights)
        left -= explained
        unexplained += refund.amount_minor - explained
        kept.append(_share(goods, left, unexplained))
    return kept


def _share(goods: Exact, left: int, unexplained: int) -> Exact:
    """Return goods less their share of the unexplained money that went off what is left."""
    if left <= max(unexplained, 0):
        return 0
    share = Fraction(left - unexplained, left) if unexplained > 0 else 1
    return max(goods * share, 0)


def goods_by(basis: Basis, order: Order) -> Goods:
    """Return what counts of an order before anything took of it, and in the order of time after.

    After a refund that is no less than what all of them leave: money that one paid out beyond what
    it names may turn out to be for what a later one names. After a cancel nothing is left.
    """
    end = order.cancelled_at
    if end is None and not order.refunds:
        return Goods(basis, kept_minor(order, (), basis), ())
    refunds = [one for one in order.refunds if end is None or one.refunded_at <= end]
    refunds.sort(key=lambda refund: (refund.refunded_at, refund.id))
    whole, *kept = _kept(order, refunds, basis)
    least = [*accumulate(reversed(kept), max)][::-1]
    lefts = [
        Left(f"refund:{refund.id}", refund.refunded_at, value, refund)
        for refund, value in zip(refunds, least, strict=True)
    ]
    return Goods(basis, whole, lefts if end is None else [*lefts, Left("cancel", end, 0)])


def worth(kept: Exact, currency: str, rule: EarnRule) -> int:
    """Return the points of what is kept, rounded once, as the rule says; ``MOST`` at most."""
    step = rule.per_minor.get(currency)
    if step is None:
        return 0
    points, of = kept.numerator * rule.points, kept.denominator * step
    match rule.rounding:
        case "floor":
            return min(points // of, MOST)
        case "ceil":
            return min(-(-points // of), MOST)
        case "half_up":
            return min((2 * points + of) // (2 * of), MOST)
