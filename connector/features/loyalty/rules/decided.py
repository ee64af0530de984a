"""What everything but orders gives and takes: signing up, acts, redemptions, the merchant."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from connector.features.loyalty.rules.budget import (
    SIGN_UP,
    Claims,
    cause_of_tier,
)
from connector.features.loyalty.rules.facts import Adjustment, Facts, Redemption
from connector.features.loyalty.rules.holding import Awaited, HeldLot
from connector.features.loyalty.rules.lots import Lot
from connector.features.loyalty.rules.movements import Grant, Movement, Rank
from connector.features.loyalty.rules.pricing import (
    Past,
    available_at,
    grant,
    within,
)
from connector.features.loyalty.rules.program import (
    Program,
    in_force,
)
from connector.kernel.admission import Claim, Worth
from connector.kernel.clock import AWAITED, add_days, awaited, ends_at
from connector.kernel.posting import Posting
from platforms.model import Order

UTC_ZONE = ZoneInfo("UTC")
BY_HAND = "by the merchant: "
"""What the words of an entry begin with that end in a merchant's own."""


def welcomed(facts: Facts, claims: Claims | None) -> Iterator[Grant]:
    """Yield what signing up grants by the version in force then: once for each of its rules."""
    at = facts.signed_up_at
    version = in_force(facts.versions, at) if at else None
    if at is None or version is None:
        return
    for rule in version.program.sign_up_rules:
        begins_at = add_days(at, rule.pending_days, version.program.zone)
        why = f"signed up, program version {version.version}"
        earned = Posting(f"{SIGN_UP}{rule.id}", "earn", begins_at, rule.points, why)
        yield from _for_good(earned, at, claims, version.program)


def acted(past: "Past") -> Iterator[Grant]:
    """Yield what customers were granted for what they did besides buying."""
    for one in past.acts.paid():
        earned = Posting(one.cause, "earn", one.available_at, one.points, one.why)
        yield from _for_good(earned, one.at, past.claims, one.version.program)


def reached(past: Past, name: str) -> Iterator[Grant]:
    """Yield what reaching tiers for the first time grants; ``name`` is whose, of who joined.

    All orders were priced.
    """
    for one in past.standing.entries():
        why = f"reached {one.tier}, program version {one.version.version}"
        earned = Posting(cause_of_tier(one.tier, name), "earn", one.at, one.points, why)
        yield from _for_good(earned, one.at, past.claims, one.version.program)


def _for_good(
    earned: Posting, at: datetime, claims: Claims | None, program: Program
) -> Iterator[Grant]:
    """Yield what is granted at an instant and never refunded, as far as the budget goes."""
    if claims and program.budget:
        claim = Claim(earned.cause, at, earned.points, (Worth(at, earned.points),))
        claims.add(claim)
        earned = within(earned, claims.admitted(claim).held)
    if earned.points:
        yield grant(earned, (), program)


def given_by_hand(facts: Facts) -> Iterator[Grant]:
    """Yield what the merchant gave: a lot that expires as any other of that day."""
    for one in facts.adjustments:
        version = in_force(facts.versions, one.adjusted_at)
        if one.points > 0 and version is not None:
            yield grant(_adjusted(one), (), version.program, Rank.CREDIT)


def brought(facts: Facts) -> Iterator[Grant]:
    """Yield what was taken over from elsewhere: lots that end as they would have there."""
    for one in facts.imports:
        version = in_force(facts.versions, one.imported_at)
        if version is not None:
            why = f"taken over: {one.batch}"
            posting = Posting(f"import:{one.id}", "import", one.imported_at, one.points, why)
            given = grant(posting, (), version.program, Rank.CREDIT)
            given.lot.expires_at = one.expires_at
            if one.expires_at is not None:
                given.lot.idle_months = 0
            yield given


def moved_in(facts: Facts) -> Iterator[Grant]:
    """Yield what came along from another installation: the lots that were left there."""
    for one in facts.takeovers:
        for number, held in enumerate(one.holding.lots):
            cause = (
                f"import:{one.id}/{number:05}"  # of lots that end at once, the order of spending
            )
            at, lot = max(held.available_at, one.holding.at), _brought(cause, held)
            if held.awaits:
                at = _wait(lot, held.awaits, facts, one.holding.at)
            posting = Posting(cause, "import", at, held.points, f"taken over: {one.batch}")
            steps = [Movement(at=one.holding.at, rank=Rank.BROUGHT, id=cause, cause=cause)]
            if at > one.holding.at:
                steps.append(Movement(at=at, rank=Rank.MATURITY, id=cause, cause=cause))
            yield Grant(postings=(posting,), lot=lot, movements=steps)


def _brought(cause: str, held: HeldLot) -> Lot:
    return Lot(
        cause=cause,
        points=held.points,
        available_at=held.available_at,
        expires_at=held.expires_at,
        idle_months=held.idle_months,
    )


def _wait(lot: Lot, awaits: Awaited, facts: Facts, since: datetime) -> datetime:
    """Let a lot come once its order allows, if it does, and end as it would have; return when.

    Not before it was brought.
    """
    order = next((one for one in facts.awaited_orders if one.id == awaits.order), None)
    zone = facts.versions[0].program.zone if facts.versions else UTC_ZONE
    at = available_at(order, awaits.until, awaits.days, zone) if order else AWAITED[awaits.until]
    lot.available_at = at = max(at, since)
    if awaited(at):
        lot.awaits = awaits
    elif awaits.months and not lot.idle_months:
        lot.expires_at = ends_at(at, awaits.months, zone, to_the_end=awaits.end_of_month)
    return at


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
    why = f"{BY_HAND}{one.reason}"
    return Posting(f"adjustment:{one.id}", "adjust", one.adjusted_at, one.points, why)


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
