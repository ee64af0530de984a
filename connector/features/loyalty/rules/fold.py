"""The loyalty fold: what an account's ledger should hold, from snapshots, decisions and the time.

``fold(facts, at)`` is pure and total. It prices every order first (what it grants, and what each
refund takes back), then walks all movements up to ``at`` in canonical order to find what is left
of each lot, and so what expires. Points on their way are wanted at once, with the instant at
which they can be spent; an expiry is wanted only once it is due.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from heapq import heapify, heappop, heappush
from math import floor
from typing import NamedTuple

from connector.features.loyalty.rules.acts import Acts, Done
from connector.features.loyalty.rules.budget import (
    SIGN_UP,
    Claims,
    cause_of,
    has_budget,
    has_refused,
)
from connector.features.loyalty.rules.caps import Given, Quarters
from connector.features.loyalty.rules.earn import (
    Basis,
    Exact,
    counts,
    kept_after,
    kept_minor,
    parts,
    weighed,
    worth,
)
from connector.features.loyalty.rules.facts import Adjustment, Facts, Redemption
from connector.features.loyalty.rules.holding import HeldLot, Holding
from connector.features.loyalty.rules.lots import NEVER, Lot, Purse
from connector.features.loyalty.rules.program import (
    EarnRule,
    Program,
    Publication,
    in_force,
)
from connector.features.loyalty.rules.tiers import Kept, Stand, Standing
from connector.kernel.admission import Claim, Worth
from connector.kernel.clock import add_days, add_months, end_of_month
from connector.kernel.posting import Posting
from platforms.model import Order, Refund
from platforms.money import to_text

PER = {
    "calendar_day": "a day",
    "calendar_week": "a week",
    "calendar_month": "a month",
    "calendar_year": "a year",
    "lifetime": "in all",
}
WHAT = {"lines": "goods", "shipping": "shipping", "fees": "fees", "tax": "tax"}
INACTIVITY = "inactivity"
RELEASE_GRACE = timedelta(days=30)  # what was given back lasts at least so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the fold finds: wanted postings, and the purse at the instant.

    ``next_expiry`` is when points expire next, and how many; ``next_change`` when the balance or
    the tier next changes by itself. ``stand`` is None where no version has tiers.
    ``claims`` are what is asked of the program's budget, and given back.
    """

    postings: tuple[Posting, ...]
    purse: Purse
    stand: Stand | None
    next_expiry: tuple[datetime, int] | None
    next_change: datetime | None
    claims: tuple[Claim, ...]


class Rank(IntEnum):
    """The order of movements at one instant, and what each does."""

    EXPIRY = 0
    JOINING = 1
    ORDER = 2
    REFUND = 3
    MATURITY = 4
    REDEMPTION = 5
    RELEASE = 6
    LATE_USE = 7
    CREDIT = 8
    DEBIT = 9
    BROUGHT = 10
    OWED = 11


ALIVE = {Rank.ORDER, Rank.MATURITY, Rank.CREDIT, Rank.REDEMPTION}
"""What keeps points alive that end by inactivity."""


class Movement(NamedTuple):
    """One step of the walk: what happens to the lot of ``cause``, or because of it."""

    at: datetime
    rank: Rank
    id: str
    cause: str
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that facts of before an instant still mean: fold from here, with the later facts alone.

    ``given`` is what caps have to know of what was granted, ``acts`` what later acts have to, and
    ``standing`` what tiers have to of
    what counts. ``used`` says when the points that a
    redemption took would have expired, ``ahead`` what is yet to happen, and ``tail`` what earlier
    facts want to be posted at the instant or after it.
    """

    at: datetime
    given: Quarters
    acts: Done
    standing: Kept
    lots: tuple[Lot, ...]
    ends: dict[int, datetime]
    deficit: int
    used: dict[str, datetime]
    ahead: tuple[Movement, ...]
    tail: tuple[Posting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one order grants: its postings, its lot as first credited, and that lot's life."""

    postings: tuple[Posting, ...]
    lot: Lot
    movements: tuple[Movement, ...]


def fold(facts: Facts, at: datetime, since: Checkpoint | None = None) -> Folded:
    """Return what the account's ledger should hold at an instant, and what follows from it.

    From a checkpoint on, the facts are those that begin at its instant or later, and the postings
    those that take effect then or later.
    """
    begun = _begun(facts, since, at)
    postings = [*begun.postings, *begun.walk.until(at)]
    purse, stand = begun.walk.purse, begun.past.standing.stand()
    next_expiry = purse.next_expiry(at)
    ahead = [posting.effective_at for posting in postings if posting.effective_at > at]
    if next_expiry:
        ahead.append(next_expiry[0])
    if begun.past.acts.next_at:
        ahead.append(begun.past.acts.next_at)
    if stand:
        ahead += [stand.falls_at] if stand.falls_at else []
        ahead += [one.placed_at for one in facts.orders if one.placed_at > at]
    return Folded(
        postings=tuple(postings),
        purse=purse,
        stand=stand,
        next_expiry=next_expiry,
        next_change=min(ahead, default=None),
        claims=tuple(begun.past.claims.all()) if begun.past.claims else (),
    )


def checkpoint(facts: Facts, at: datetime, since: Checkpoint | None = None) -> Checkpoint:
    """Return what is left to know of the facts that begin before an instant.

    Those that begin later are left out; ``since`` as for :func:`fold`.
    """
    earlier = replace(
        facts,
        orders=[order for order in facts.orders if order.placed_at < at],
        redemptions=[one for one in facts.redemptions if one.redeemed_at < at],
        signed_up_at=facts.signed_up_at if _is_before(facts.signed_up_at, at) else None,
        adjustments=[one for one in facts.adjustments if one.adjusted_at < at],
        imports=[one for one in facts.imports if one.imported_at < at],
        takeovers=[one for one in facts.takeovers if one.holding.at < at],
        placements=[one for one in facts.placements if one.placed_at < at],
        acts=[one for one in facts.acts if one.at < at],
        joined=[one for one in facts.joined if one.joined_at < at],
    )
    begun = _begun(earlier, since, at)
    walk = begun.walk
    postings = [*begun.postings, *walk.until_before(at)]
    return Checkpoint(
        at=at,
        given=begun.past.given.kept(at),
        acts=begun.past.acts.kept(at),
        standing=begun.past.standing.kept(at),
        lots=tuple(lot for lot in walk.purse.lots.values() if lot.points or not lot.is_open),
        ends=walk.purse.ends,
        deficit=walk.purse.deficit,
        used=walk.used,
        ahead=tuple(walk.ahead),
        tail=tuple(posting for posting in postings if posting.effective_at >= at),
    )


def held(facts: Facts, at: datetime) -> Holding:
    """Return what an account holds at an instant, for whoever goes on from there elsewhere.

    The facts are those that began until then. What refunds will take of points on their way, is
    off them already.
    """
    begun = _begun(facts, None, at)
    deque(begun.walk.until(at), maxlen=0)
    purse = begun.walk.purse
    falls: Counter[str] = Counter()
    for step in begun.walk.ahead:
        if step.rank is Rank.REFUND:
            falls[step.cause] += step.points
    left = [lot for lot in purse.lots.values() if lot.points > falls[lot.cause]]
    left.sort(key=lambda lot: (lot.available_at, lot.cause))
    tier, counted = begun.past.standing.held()
    return Holding(
        at=at,
        lots=tuple(
            HeldLot(
                points=lot.points - falls[lot.cause],
                available_at=lot.available_at,
                expires_at=end if at < (end := purse.end_of(lot)) < NEVER else None,
                idle_months=lot.idle_months,
            )
            for lot in left
        ),
        owed=purse.deficit,
        tier=tier,
        counted=counted,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """All orders priced: a walk that has taken no step yet, and the postings that need none."""

    walk: "Walk"
    postings: Sequence[Posting]
    past: "Past"


def _begun(facts: Facts, since: Checkpoint | None, at: datetime) -> Begun:
    past = Past.of(facts, since, at)
    grants = [*welcomed(facts, past.claims), *acted(past), *given_by_hand(facts), *brought(facts)]
    grants += moved_in(facts)
    in_order = sorted(facts.orders, key=lambda order: (order.placed_at, order.id))
    parts = []
    for one in sorted(facts.joined, key=lambda one: (one.joined_at, one.account)):
        first = bisect_left(in_order, one.joined_at, key=lambda order: order.placed_at)
        for order in in_order[:first]:
            grants += granted(order, facts, past)
        in_order = in_order[first:]
        part = _begun(one.facts, None, one.joined_at)
        past.absorb(part.past, one.joined_at)
        parts.append((one, part))
    for order in in_order:
        grants += granted(order, facts, past)
    postings = [*since.tail] if since else []
    postings += [posting for _, part in parts for posting in part.postings]
    postings += [posting for grant in grants for posting in grant.postings]
    movements = [movement for grant in grants for movement in grant.movements]
    idle = idle_months(facts, since)
    movements += bought(facts) if idle else ()
    for redemption in facts.redemptions:
        for posting, rank in spending(redemption, facts):
            postings.append(posting)
            movements.append(_moved(posting, rank, posting.cause))
    for posting in taken_by_hand(facts):
        postings.append(posting)
        movements.append(_moved(posting, Rank.DEBIT, posting.cause))
    for posting in owed_before(facts):
        postings.append(posting)
        movements.append(_moved(posting, Rank.OWED, posting.cause))
    movements += [
        Movement(at=one.joined_at, rank=Rank.JOINING, id=one.account, cause=one.account)
        for one, _ in parts
    ]
    walk = Walk([grant.lot for grant in grants], movements, facts.versions, since, idle)
    walk.others = {one.account: part.walk for one, part in parts}
    return Begun(walk=walk, postings=postings, past=past)


def idle_months(facts: Facts, since: Checkpoint | None) -> list[int]:
    """Return for how many months nothing may happen, of any points that end by inactivity."""
    expiries = (one.program.expiry for one in facts.versions)
    months = {one.months for one in expiries if one.kind == INACTIVITY}
    months |= {lot.idle_months for one in facts.takeovers for lot in one.holding.lots}
    months |= {lot.idle_months for lot in since.lots} if since else set()
    for one in facts.joined:
        months.update(idle_months(one.facts, None))
    return sorted(months - {0})


def bought(facts: Facts) -> Iterator[Movement]:
    """Yield the orders that keep points alive, of those that end by inactivity."""
    for order in facts.orders:
        version = in_force(facts.versions, order.placed_at)
        if version is not None and counts(order, version.program):
            cause = f"order:{order.id}"
            yield Movement(at=order.placed_at, rank=Rank.ORDER, id=cause, cause=cause)


def _moved(posting: Posting, rank: Rank, cause: str) -> Movement:
    """Return the step that a posting takes, on the lot of ``cause``."""
    return Movement(
        at=posting.effective_at,
        rank=rank,
        id=posting.cause,
        cause=cause,
        points=abs(posting.points),
    )


def _is_before(at: datetime | None, end: datetime) -> bool:
    return at is not None and at < end


def welcomed(facts: Facts, claims: Claims | None) -> Iterator[Grant]:
    """Yield what signing up grants by the version in force then: once for each of its rules."""
    at = facts.signed_up_at
    version = in_force(facts.versions, at) if at else None
    if at is None or version is None:
        return
    for rule in version.program.sign_up_rules:
        available_at = add_days(at, rule.pending_days, version.program.zone)
        why = f"signed up, program version {version.version}"
        earned = Posting(f"{SIGN_UP}{rule.id}", "earn", available_at, rule.points, why)
        yield from _for_good(earned, at, claims, version.program)


def acted(past: "Past") -> Iterator[Grant]:
    """Yield what customers were granted for what they did besides buying."""
    for one in past.acts.paid():
        earned = Posting(one.cause, "earn", one.available_at, one.points, one.why)
        yield from _for_good(earned, one.at, past.claims, one.version.program)


def _for_good(
    earned: Posting, at: datetime, claims: Claims | None, program: Program
) -> Iterator[Grant]:
    """Yield what is granted at an instant and never refunded, as far as the budget goes."""
    if claims and program.budget:
        claim = Claim(earned.cause, at, earned.points, (Worth(at, earned.points),))
        claims.add(claim)
        earned = _within(earned, claims.admitted(claim).held)
    if earned.points:
        yield _grant(earned, (), program)


def given_by_hand(facts: Facts) -> Iterator[Grant]:
    """Yield what the merchant gave: a lot that expires as any other of that day."""
    for one in facts.adjustments:
        version = in_force(facts.versions, one.adjusted_at)
        if one.points > 0 and version is not None:
            yield _grant(_adjusted(one), (), version.program, Rank.CREDIT)


def brought(facts: Facts) -> Iterator[Grant]:
    """Yield what was taken over from elsewhere: lots that end as they would have there."""
    for one in facts.imports:
        version = in_force(facts.versions, one.imported_at)
        if version is not None:
            why = f"taken over: {one.batch}"
            posting = Posting(f"import:{one.id}", "import", one.imported_at, one.points, why)
            grant = _grant(posting, (), version.program, Rank.CREDIT)
            grant.lot.expires_at = one.expires_at
            if one.expires_at is not None:
                grant.lot.idle_months = 0
            yield grant


def moved_in(facts: Facts) -> Iterator[Grant]:
    """Yield what came along from another installation: the lots that were left there."""
    for one in facts.takeovers:
        for number, held in enumerate(one.holding.lots):
            cause = (
                f"import:{one.id}/{number:05}"  # of lots that end at once, the order of spending
            )
            at = max(held.available_at, one.holding.at)
            posting = Posting(cause, "import", at, held.points, f"taken over: {one.batch}")
            lot = Lot(
                cause=cause,
                points=held.points,
                available_at=held.available_at,
                expires_at=held.expires_at,
                idle_months=held.idle_months,
            )
            steps = [Movement(at=one.holding.at, rank=Rank.BROUGHT, id=cause, cause=cause)]
            if at > one.holding.at:
                steps.append(Movement(at=at, rank=Rank.MATURITY, id=cause, cause=cause))
            yield Grant(postings=(posting,), lot=lot, movements=tuple(steps))


def owed_before(facts: Facts) -> Iterator[Posting]:
    """Yield what was owed in another installation, which nobody forgives here."""
    for one in facts.takeovers:
        if one.holding.owed:
            why = f"owed before: taken over: {one.batch}"
            cause = f"import:{one.id}/owed"
            yield Posting(cause, "import", one.holding.at, -one.holding.owed, why)


def taken_by_hand(facts: Facts) -> Iterator[Posting]:
    """Yield what the merchant took."""
    return (_adjusted(one) for one in facts.adjustments if one.points < 0)


def _adjusted(one: Adjustment) -> Posting:
    why = f"by the merchant: {one.reason}"
    return Posting(f"adjustment:{one.id}", "adjust", one.adjusted_at, one.points, why)


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
        if claims and not has_refused(facts.admissions):
            hoped = Given(facts.versions, since.given if since else {})
        known = (since.at, since.standing) if since else None
        taken_over = {one.id: one.holding for one in facts.takeovers}
        standing = Standing(facts.versions, at, known, facts.placements, taken_over)
        acts = Acts(facts.acts, facts.versions, at, (since.at, since.acts) if since else None)
        return cls(given, hoped, acts, standing, claims)

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


def granted(order: Order, facts: Facts, past: Past) -> Iterator[Grant]:
    """Yield what an order grants by each rule of the version in force when it was placed.

    ``past`` is of the orders before it, and then its own too.
    """
    version = in_force(facts.versions, order.placed_at)
    if version is None or not counts(order, version.program):
        return
    met = Met(version, past.standing.tier_at(order.placed_at), past, facts.explains)
    past.standing.add(order, version.program)
    for number, rule in enumerate(version.program.order_rules, start=1):
        if order.currency in rule.per_minor:
            grant = _granted_by(rule, order, cause_of(order.id, number), met)
            if grant is not None:
                yield grant


class Met(NamedTuple):
    """What an order meets: the version, its tier, and all that was before."""

    version: Publication
    tier: str | None
    past: Past
    explains: bool


def _granted_by(rule: EarnRule, order: Order, cause: str, met: Met) -> Grant | None:
    program, past = met.version.program, met.past
    basis = weighed(order, rule, program, met.tier)
    value = worth(kept_minor(order, (), basis), order.currency, rule)
    gross, cap = past.given.cut(rule, value, order.placed_at, program.zone)
    if gross == 0:
        return None
    begun = max(order.placed_at, order.paid_at or order.placed_at)
    available_at = add_days(begun, rule.pending_days, program.zone)
    why = ""
    if met.explains:
        why = _priced(order, rule, basis)
        if cap is not None:
            why += f" = {value}, of which {gross} within the cap of {cap.points} {PER[cap.per]}"
        if any(one.when.tier == met.tier for one in program.multiplier if met.tier):
            why += f", in tier {met.tier}"
        why += f", program version {met.version.version}"
    earned = Posting(cause, "earn", available_at, gross, why)
    taken, waiting = [*_taken(order, rule, basis, earned)], 0
    if past.claims and program.budget:
        hoped, _ = past.hoped.cut(rule, value, order.placed_at, program.zone)
        claim = Claim(cause, order.placed_at, hoped, _worths(order, gross, taken))
        past.claims.add(claim)
        admission = past.claims.admitted(claim)
        left = min(claim.worths[-1].points, admission.admitted)
        # what it gave back and others got is theirs, also if it was not given back after all
        granted = admission.admitted if left <= admission.held else admission.held
        earned = _within(earned, granted)
        taken = [*_taken(order, rule, basis, earned)]
        waiting = admission.waiting
    past.add(rule, order.placed_at, earned.points, waiting)
    if earned.points == 0:
        return None
    return _grant(earned, tuple(one.posting for one in taken), program)


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


def _within(earned: Posting, admitted: int) -> Posting:
    """Return what is granted of what a cause earns, where no more of the budget is for it."""
    if earned.points <= admitted:
        return earned
    why = f"{earned.why}; {admitted} of {earned.points} within the program's budget"
    return replace(earned, points=admitted, why=why if earned.why else "")


def _grant(
    earned: Posting, taken: tuple[Posting, ...], program: Program, rank: Rank = Rank.MATURITY
) -> Grant:
    """Return a grant with its lot, and with what was taken of it again."""
    at, cause = earned.effective_at, earned.cause
    lot = Lot(
        cause=cause,
        points=earned.points,
        available_at=at,
        expires_at=expires_at(at, program),
        idle_months=program.expiry.months if program.expiry.kind == INACTIVITY else 0,
    )
    opening = Movement(at=at, rank=rank, id=cause, cause=cause)
    refunds = [_moved(posting, Rank.REFUND, cause) for posting in taken]
    return Grant(postings=(earned, *taken), lot=lot, movements=(opening, *refunds))


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


def _taken(order: Order, rule: EarnRule, basis: Basis, earned: Posting) -> Iterator[Taken]:
    """Yield what refunds and a cancel take back, in the order of time, never more than granted."""
    if not order.refunds and order.cancelled_at is None:
        return
    before = earned.points
    shown = kept_after(order, basis.unweighed)
    for left, goods in zip(kept_after(order, basis), shown, strict=True):
        now = min(worth(left.kept, order.currency, rule), earned.points)
        if now < before:
            cause = f"{earned.cause}/{left.what}"
            effective_at = max(left.at, earned.effective_at)
            rest = f"{_what(basis)} of {to_text(floor(goods.kept), order.currency)}"
            why = _left_over(order, left.refund, rest, now)
            posting = Posting(cause, "clawback", effective_at, now - before, why)
            yield Taken(left.at, posting)
        before = now


def _left_over(order: Order, refund: Refund | None, rest: str, points: int) -> str:
    if refund is None:
        return f"order {order.number}: cancelled"
    amount = to_text(refund.amount_minor, order.currency)
    return (
        f"order {order.number}: refund of {amount} {order.currency} leaves {rest}"
        f" {order.currency}, worth {points} points"
    )


def expires_at(available_at: datetime, program: Program) -> datetime | None:
    """Return when a lot of this program version ends by itself, None if never."""
    if program.expiry.kind != "lot":
        return None
    end = add_months(available_at, program.expiry.months, program.zone)
    return end_of_month(end, program.zone) if program.expiry.end_of_month else end


def spending(one: Redemption, facts: Facts) -> Iterator[tuple[Posting, Rank]]:
    """Yield a redemption's debit, its release, and the debit of a code that was used after all."""
    is_coded = one.code is not None
    cause = f"redemption:{one.id}" if is_coded else f"reservation:{one.id}"
    why = f"redeemed for the code {one.code}" if is_coded else "reserved by another system"
    yield Posting(cause, "redeem", one.redeemed_at, -one.cost, why), Rank.REDEMPTION
    if one.released_at is None:
        return
    why = f"given back: the code {one.code} was never used" if is_coded else "not taken: given back"
    yield Posting(cause, "release", one.released_at, one.cost, why), Rank.RELEASE
    uses = [order for order in facts.coded_orders if is_use(order, one, facts)]
    if uses:
        first = min(uses, key=lambda order: (order.placed_at, order.id))
        when = max(first.placed_at, one.released_at)
        why = f"the code {one.code} was used after all, on order {first.number}"
        yield Posting(cause, "redeem", when, -one.cost, why), Rank.LATE_USE


def is_use(order: Order, redemption: Redemption, facts: Facts) -> bool:
    """Return whether the order uses the redemption's code up."""
    given_back = order.is_cancelled and facts.cancel_restores_use
    is_on_it = redemption.code is not None and redemption.code.lower() in order.codes
    return is_on_it and not given_back


class Walk:
    """Takes movements in canonical order and keeps the purse.

    ``used`` says of each redemption when the first of the points that it took would have expired.
    ``others`` are the walks of accounts that join, by their names.
    """

    def __init__(
        self,
        lots: Iterable[Lot],
        movements: Iterable[Movement],
        versions: Sequence[Publication],
        since: Checkpoint | None = None,
        idle: Sequence[int] = (),
    ) -> None:
        self._versions = versions
        self._idle = idle
        self.purse = Purse()
        self.ahead = list(movements)
        self.used: dict[str, datetime] = {}
        self.others: dict[str, Walk] = {}
        if since:
            self.purse.lots = {lot.cause: replace(lot) for lot in since.lots}
            self.purse.deficit = since.deficit
            self.purse.ends |= since.ends
            self.ahead += since.ahead
            self.used |= since.used
        heapify(self.ahead)
        for lot in lots:
            self._announce(lot)

    def _announce(self, lot: Lot) -> None:
        self.purse.lots[lot.cause] = lot
        if lot.expires_at is not None and not lot.idle_months:
            end = Movement(at=lot.expires_at, rank=Rank.EXPIRY, id=lot.cause, cause=lot.cause)
            heappush(self.ahead, end)

    def until(self, at: datetime) -> Iterator[Posting]:
        """Take every step due by an instant; yield what expires on the way."""
        while self.ahead and self.ahead[0].at <= at:
            yield from self._step()

    def until_before(self, at: datetime) -> Iterator[Posting]:
        """Take every step due before an instant; yield what expires on the way."""
        while self.ahead and self.ahead[0].at < at:
            yield from self._step()

    def _step(self) -> Iterator[Posting]:
        step = heappop(self.ahead)
        if step.rank is Rank.EXPIRY:
            yield from self._expire(step)
            return
        if step.rank is Rank.JOINING:
            yield from self._join(step)
            return
        before = self.purse.deficit
        self._take(step)
        if self.purse.deficit > before and step.rank is not Rank.OWED:
            yield from self._forgive(step, self.purse.deficit - before)

    def _join(self, step: Movement) -> Iterator[Posting]:
        """Let another account's walk come to this instant, and go on as one with it."""
        other = self.others.pop(step.cause)
        yield from other.until_before(step.at)
        self.purse.absorb(other.purse)
        self.used |= other.used
        for movement in other.ahead:
            heappush(self.ahead, movement)

    def _expire(self, step: Movement) -> Iterator[Posting]:
        if step.points:
            yield from self._end_of_idleness(step)
            return
        left = self.purse.expire(step.cause)
        if left:
            yield Posting(step.cause, "expire", step.at, -left, f"{left} points were left unspent")

    def _end_of_idleness(self, step: Movement) -> Iterator[Posting]:
        """Let end what nothing has kept alive since this was foreseen."""
        if self.purse.ends.get(step.points) == step.at:
            for cause, left in self.purse.ended(step.points):
                why = f"{left} points were left, and nothing happened for {step.points} months"
                yield Posting(cause, "expire", step.at, -left, why)

    def _keep_alive(self, at: datetime) -> None:
        """Let points that end by inactivity live for as long again."""
        program = (in_force(self._versions, at) or self._versions[0]).program
        for months in self._idle:
            end = add_months(at, months, program.zone)
            end = end_of_month(end, program.zone) if program.expiry.end_of_month else end
            self._live_until(end, at, months)

    def _live_until(self, end: datetime, at: datetime, months: int) -> None:
        """Let points that end by inactivity live until then, if they would end before."""
        if end > self.purse.ends.get(months, at):
            self.purse.ends[months] = end
            id_ = f"idle:{months}"
            ending = Movement(at=end, rank=Rank.EXPIRY, id=id_, cause=id_, points=months)
            heappush(self.ahead, ending)

    def _forgive(self, step: Movement, points: int) -> Iterator[Posting]:
        """Give back at once what a step took more than there was, where the program says so."""
        version = in_force(self._versions, step.at)
        if version is not None and version.program.negative_balance == "clamp":
            self.purse.deficit -= points
            why = f"{points} points more than there were are forgiven"
            yield Posting(step.id, "forgive", step.at, points, why)

    def _take(self, step: Movement) -> None:
        if self._idle and step.rank in ALIVE:
            self._keep_alive(step.at)
        match step.rank:
            case Rank.MATURITY | Rank.CREDIT:
                self.purse.open(step.cause)
            case Rank.BROUGHT:
                self._bring(step)
            case Rank.REDEMPTION:
                taken = self.purse.take(step.points)
                ends = (self.purse.end_of(lot) for lot in taken)
                self.used[step.cause] = min(ends, default=step.at)
            case Rank.RELEASE:
                self._release(step)
            case Rank.REFUND | Rank.LATE_USE | Rank.DEBIT | Rank.OWED:
                self.purse.take(step.points, first=step.cause)

    def _bring(self, step: Movement) -> None:
        """Take a lot over, with the end that inactivity gives it as things are."""
        lot = self.purse.lots[step.cause]
        if lot.idle_months and lot.expires_at:
            self._live_until(lot.expires_at, step.at, lot.idle_months)
        if lot.available_at <= step.at:
            self.purse.open(step.cause)

    def _release(self, step: Movement) -> None:
        """Give points back as a lot that outlasts what was spent, and a grace from now."""
        end = max(self.used.get(step.cause, step.at), step.at + RELEASE_GRACE)
        self._announce(
            Lot(
                cause=step.cause,
                points=step.points,
                available_at=step.at,
                expires_at=None if end == NEVER else end,
            )
        )
        self.purse.open(step.cause)
