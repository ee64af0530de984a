"""What orders are worth: what each grants, and what its refunds and its cancel take back.

Every order is priced by the version in force when it was placed, after the orders before it, as
caps, tiers and the budget ask what was before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connector.features.loyalty.rules.acts import Acts
from connector.features.loyalty.rules.budget import (
    Claims,
    cause_of,
    has_budget,
    has_refused,
)
from connector.features.loyalty.rules.caps import Given
from connector.features.loyalty.rules.earn import (
    Basis,
    Exact,
    Goods,
    counts,
    goods_by,
    goods_of,
    parts,
    weighed,
    worth,
)
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.holding import Awaited
from connector.features.loyalty.rules.lots import Lot
from connector.features.loyalty.rules.movements import Checkpoint, Grant, Movement, Rank, moved
from connector.features.loyalty.rules.program import (
    EarnRule,
    Expiry,
    Program,
    Publication,
    in_force,
)
from connector.features.loyalty.rules.stamps import BLANK, Stamp
from connector.features.loyalty.rules.tiers import Standing
from connector.kernel.admission import Claim, Worth
from connector.kernel.clock import (
    AWAITED,
    Awaits,
    add_days,
    awaited,
    ends_at,
)
from connector.kernel.posting import Posting
from platforms.model import Order
from platforms.money import to_text

PER = {
    "calendar_day": "a day",
    "calendar_week": "a week",
    "calendar_month": "a month",
    "calendar_year": "a year",
    "lifetime": "in all",
}
WHAT = {"lines": "goods", "shipping": "shipping", "fees": "fees", "tax": "tax"}


class Past(NamedTuple):
    """All that orders priced so far leave to the next: what was granted, counts and is claimed.

    ``hoped`` is what will have been granted once all is admitted that waits; where something was
    refused it is ``given`` itself. So it is where no version has a budget, and nothing is claimed.
    """

    given: Given
    hoped: Given
    acts: Acts
    standing: Standing
    claims: Claims | None

    @classmethod
    def of(cls, facts: Facts, since: Checkpoint | None, at: datetime) -> "Past":
        """Return what a checkpoint leaves, nothing without one."""
        given = hoped = Given(facts.versions, since.given if since else {})
        claims = Claims(facts.admissions) if has_budget(facts.versions) else None
        is_refused = has_refused(facts.admissions) or (since is not None and since.is_refused)
        if claims and not is_refused:
            hoped = Given(facts.versions, since.given if since else {})
        known = (since.at, since.standing) if since else None
        taken_over = {one.id: one.holding for one in facts.takeovers}
        standing = Standing(facts.versions, at, known, facts.placements, taken_over)
        acts = Acts(facts.acts, facts.versions, at, (since.at, since.acts) if since else None)
        return cls(given, hoped, acts, standing, claims)

    @property
    def is_refused(self) -> bool:
        """Whether something was, of a budget."""
        return self.claims is not None and self.hoped is self.given

    def absorb(self, other: "Past", at: datetime) -> None:
        """Note what was before of an account that joins at an instant."""
        self.given.absorb(other.given)
        if self.hoped is not self.given:
            self.hoped.absorb(other.hoped)
        self.standing.absorb(other.standing, at)
        if self.claims and other.claims:
            self.claims.absorb(other.claims)

    def add(self, rule: EarnRule, at: datetime, points: int, waiting: int) -> None:
        """Note a grant, and what of it still waits to be admitted."""
        self.given.add(rule, at, points)
        if self.hoped is not self.given:
            self.hoped.add(rule, at, points + waiting)


def granted(order: Order, facts: Facts, past: Past) -> list[Grant]:
    """Return what an order grants by each rule of the version in force when it was placed.

    ``past`` is of the orders before it, and then its own too.
    """
    version = in_force(facts.versions, order.placed_at)
    if version is None or not counts(order, version.program):
        return []
    stamp = facts.stamps.get(order.id, BLANK)
    met = Met(version, past.standing.tier_at(order.placed_at), past, stamp, facts.explains)
    rules = version.program.order_rules
    first = goods_of(order, rules[0] if rules else None, stamp)
    past.standing.add(order, rules[0] if rules else None, first)
    grants = []
    for number, rule in enumerate(rules, start=1):
        if order.currency in rule.per_minor:
            goods = first if number == 1 else goods_of(order, rule, stamp)
            grant = _granted_by(rule, order, goods, cause_of(order.id, number), met)
            if grant is not None:
                grants.append(grant)
    return grants


class Met(NamedTuple):
    """What an order meets: the version, its tier, all that was before, and its stamp."""

    version: Publication
    tier: str | None
    past: Past
    stamp: Stamp
    explains: bool


def _granted_by(rule: EarnRule, order: Order, goods: Goods, cause: str, met: Met) -> Grant | None:
    program, past = met.version.program, met.past
    goods = weighed(order, goods, program, met.tier, met.stamp)
    value = worth(goods.whole, order.currency, rule)
    gross, cap = past.given.cut(rule, value, order.placed_at, program.zone)
    if gross == 0:
        return None
    begins_at = available_at(order, rule.pending_until, rule.pending_days, program.zone)
    why = ""
    if met.explains:
        of = (
            f" = {value}, of which {gross} within the cap of {cap.points} {PER[cap.per]}"
            if cap
            else ""
        )
        why = f"{_priced(order, rule, goods.basis)}{of}{_met(met)}"
    earned = Posting(cause, "earn", begins_at, gross, why)
    taken, waiting = _taken(order, rule, goods, earned), 0
    if past.claims and program.budget:
        hoped, _ = past.hoped.cut(rule, value, order.placed_at, program.zone)
        claim = Claim(cause, order.placed_at, hoped, _worths(order, gross, taken))
        past.claims.add(claim)
        admission = past.claims.admitted(claim)
        left = min(claim.worths[-1].points, admission.admitted)
        # what it gave back and others got is theirs, also if it was not given back after all
        granted = admission.admitted if left <= admission.held else admission.held
        earned = within(earned, granted)
        taken = _taken(order, rule, goods, earned)
        waiting = admission.waiting
    past.add(rule, order.placed_at, earned.points, waiting)
    if earned.points == 0:
        return None
    given = grant(earned, [one.posting for one in taken], program)
    given.lot.awaits = _awaits(order, rule, begins_at, program.expiry)
    return given


def _awaits(order: Order, rule: EarnRule, begins_at: datetime, expiry: Expiry) -> Awaited | None:
    until = awaited(begins_at)
    if until is None:
        return None
    return Awaited(
        order=order.id,
        until=until,
        days=rule.pending_days,
        months=expiry.months if expiry.kind == "lot" else 0,
        end_of_month=expiry.end_of_month,
    )


def _met(met: Met) -> str:
    """Return what else decided of an order's points, in words."""
    asked = [one.when for one in met.version.program.multiplier]
    why = f", in tier {met.tier}" if met.tier and any(one.tier == met.tier for one in asked) else ""
    theirs = [one for one in met.stamp.segments or () if any(when.segment == one for when in asked)]
    why += f", in segment {' and '.join(theirs)}" if theirs else ""
    return f"{why}, program version {met.version.version}"


def available_at(order: Order, until: Awaits | None, days: int, zone: ZoneInfo) -> datetime:
    """Return from when what an order earns can be spent, so many days after all has happened.

    What has to happen ``until`` then may not have: see :func:`awaited`.
    """
    begun = max(order.placed_at, order.paid_at or order.placed_at)
    if until is None:
        return add_days(begun, days, zone)
    happened_at = order.fulfilled_at if until == "fulfilled" else order.delivered_at
    if happened_at is None:
        return AWAITED[until]
    return add_days(max(begun, happened_at), days, zone)


class Taken(NamedTuple):
    """What a refund or a cancel of an instant takes back."""

    at: datetime
    posting: Posting


def _worths(order: Order, gross: int, taken: Iterable[Taken]) -> tuple[Worth, ...]:
    """Return what an order is worth from when it was placed, and from when something was taken."""
    found = [Worth(order.placed_at, gross)]
    for one in taken:
        left = found[-1].points + one.posting.points
        found.append(Worth(max(one.at, found[-1].at), left))
    return tuple(found)


def within(earned: Posting, admitted: int) -> Posting:
    """Return what is granted of what a cause earns, where no more of the budget is for it."""
    if earned.points <= admitted:
        return earned
    why = f"{earned.why}; {admitted} of {earned.points} within the program's budget"
    return earned._replace(points=admitted, why=why if earned.why else "")


def grant(
    earned: Posting, taken: Sequence[Posting], program: Program, rank: Rank = Rank.MATURITY
) -> Grant:
    """Return a grant with its lot, and with what was taken of it again."""
    at, cause = earned.effective_at, earned.cause
    lot = Lot(
        cause=cause,
        points=earned.points,
        available_at=at,
        expires_at=expires_at(at, program),
        idle_months=program.expiry.idle_months,
    )
    movements = [Movement(at, rank, cause, cause)]
    movements += [moved(posting, Rank.REFUND, cause) for posting in taken]
    return Grant((earned, *taken), lot, movements)


def _priced(order: Order, rule: EarnRule, basis: Basis) -> str:
    step = to_text(rule.per_minor[order.currency], order.currency)
    return (
        f"order {order.number}: {_what(basis)} {_goods(order, basis)} x {rule.points} per {step},"
        f" {rule.rounding}"
    )


def _what(basis: Basis) -> str:
    return " + ".join(word for part, word in WHAT.items() if part in basis.counted)


def _goods(order: Order, basis: Basis) -> str:
    """Return what counts, that of each weight together: ``(6.00 EUR x 2 + 4.00 EUR)``."""
    sums: Counter[Exact] = Counter()
    for id_, minor in parts(order, basis):
        sums[basis.weights.get(id_, 1)] += minor
    terms = []
    for weight, minor in sorted(sums.items(), reverse=True):
        times = "" if weight == 1 else f" x {_exact(weight)}"
        if weight:
            terms.append(f"{to_text(minor, order.currency)} {order.currency}{times}")
    return f"({' + '.join(terms)})" if len(terms) > 1 else terms[0]


def _exact(weight: Exact) -> str:
    """Return a product of decimals as a decimal."""
    return f"{(Decimal(weight.numerator) / weight.denominator).normalize():f}"


def _taken(order: Order, rule: EarnRule, goods: Goods, earned: Posting) -> list[Taken]:
    """Return what refunds and a cancel take back, in the order of time, never more than granted."""
    before, found = earned.points, []
    for number, left in enumerate(goods.lefts):
        now = min(worth(left.kept, order.currency, rule), earned.points)
        if now < before:
            cause = f"{earned.cause}/{left.what}"
            effective_at = max(left.at, earned.effective_at)
            why = _left_over(order, goods.basis, number, now) if earned.why else ""
            posting = Posting(cause, "clawback", effective_at, now - before, why)
            found.append(Taken(left.at, posting))
        before = now
    return found


def _left_over(order: Order, basis: Basis, number: int, points: int) -> str:
    """Return what is left after a refund or a cancel, by its number, and what that is worth."""
    left = goods_by(basis.unweighed, order).lefts[number]
    if left.refund is None:
        return f"order {order.number}: cancelled"
    amount = to_text(left.refund.amount_minor, order.currency)
    rest = f"{_what(basis)} of {to_text(floor(left.kept), order.currency)}"
    return (
        f"order {order.number}: refund of {amount} {order.currency} leaves {rest}"
        f" {order.currency}, worth {points} points"
    )


def expires_at(available_at: datetime, program: Program) -> datetime | None:
    """Return when a lot of this program version ends by itself, None if never or not known yet."""
    expiry = program.expiry
    if expiry.kind != "lot" or awaited(available_at):
        return None
    return ends_at(available_at, expiry.months, program.zone, to_the_end=expiry.end_of_month)
