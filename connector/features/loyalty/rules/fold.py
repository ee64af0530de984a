"""The loyalty fold: what an account's ledger should hold, from snapshots, decisions and the time.

``fold(facts, at)`` is pure and total. It prices every order first (what it grants, and what each
refund takes back), then walks all movements up to ``at`` in canonical order to find what is left
of each lot, and so what expires. Points on their way are wanted at once, with the instant at
which they can be spent; an expiry is wanted only once it is due.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from connector.features.loyalty.rules.decided import (
    acted,
    brought,
    given_by_hand,
    moved_in,
    owed_before,
    reached,
    spending,
    taken_by_hand,
    welcomed,
)
from connector.features.loyalty.rules.earn import (
    counts,
)
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.holding import HeldLot, Holding
from connector.features.loyalty.rules.lots import NEVER, Purse
from connector.features.loyalty.rules.movements import (
    Checkpoint,
    Movement,
    Rank,
    moved,
)
from connector.features.loyalty.rules.pricing import Past, granted
from connector.features.loyalty.rules.program import (
    in_force,
)
from connector.features.loyalty.rules.tiers import Stand
from connector.features.loyalty.rules.walk import Walk
from connector.kernel.admission import Claim
from connector.kernel.clock import awaited
from connector.kernel.posting import Posting


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


def fold(facts: Facts, at: datetime, since: Checkpoint | None = None) -> Folded:
    """Return what the account's ledger should hold at an instant, and what follows from it.

    From a checkpoint on, the facts are those that begin at its instant or later, and the postings
    those that take effect then or later.
    """
    begun = _begun(facts, since, at)
    postings = [*begun.postings, *begun.walk.until(at)]
    purse, stand = begun.walk.purse, begun.past.standing.stand()
    next_expiry = purse.next_expiry(at)
    coming = (one.effective_at for one in postings if one.effective_at > at)
    ahead = [one for one in coming if not awaited(one)]
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
        is_refused=begun.past.is_refused,
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
    tier, counted, entered = begun.past.standing.held()
    return Holding(
        at=at,
        lots=tuple(
            HeldLot(
                points=lot.points - falls[lot.cause],
                available_at=at if lot.awaits else lot.available_at,
                expires_at=end if at < (end := purse.end_of(lot)) < NEVER else None,
                idle_months=lot.idle_months,
                awaits=lot.awaits,
            )
            for lot in left
        ),
        owed=purse.deficit,
        tier=tier,
        counted=counted,
        entered=entered,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """All orders priced: a walk that has taken no step yet, and the postings that need none."""

    walk: "Walk"
    postings: Sequence[Posting]
    past: "Past"


def _begun(facts: Facts, since: Checkpoint | None, at: datetime, name: str = "") -> Begun:
    """Price all that is; ``name`` is that of an account that joined another."""
    past = Past.of(facts, since, at)
    grants = [*welcomed(facts, past.claims), *acted(past), *given_by_hand(facts), *brought(facts)]
    grants += moved_in(facts)
    in_order = sorted(facts.orders, key=attrgetter("placed_at", "id"))
    parts = []
    for one in sorted(facts.joined, key=lambda one: (one.joined_at, one.account)):
        first = bisect_left(in_order, one.joined_at, key=lambda order: order.placed_at)
        for order in in_order[:first]:
            grants += granted(order, facts, past)
        in_order = in_order[first:]
        part = _begun(one.facts, None, one.joined_at, one.account)
        past.absorb(part.past, one.joined_at)
        parts.append((one, part))
    for order in in_order:
        grants += granted(order, facts, past)
    grants += reached(past, name)
    postings = [*since.tail] if since else []
    postings += [posting for _, part in parts for posting in part.postings]
    postings += [posting for grant in grants for posting in grant.postings]
    movements = [movement for grant in grants for movement in grant.movements]
    idle = idle_months(facts, since)
    movements += bought(facts) if idle else ()
    for redemption in facts.redemptions:
        for posting, rank in spending(redemption, facts):
            postings.append(posting)
            movements.append(moved(posting, rank, posting.cause))
    for posting in taken_by_hand(facts):
        postings.append(posting)
        movements.append(moved(posting, Rank.DEBIT, posting.cause))
    for posting in owed_before(facts):
        postings.append(posting)
        movements.append(moved(posting, Rank.OWED, posting.cause))
    movements += [
        Movement(at=one.joined_at, rank=Rank.JOINING, id=one.account, cause=one.account)
        for one, _ in parts
    ]
    walk = Walk([grant.lot for grant in grants], movements, facts.versions, since, idle)
    walk.others = {one.account: part.walk for one, part in parts}
    return Begun(walk=walk, postings=postings, past=past)


def idle_months(facts: Facts, since: Checkpoint | None) -> list[int]:
    """Return for how many months nothing may happen, of any points that end by inactivity."""
    months = {one.program.expiry.idle_months for one in facts.versions}
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


def _is_before(at: datetime | None, end: datetime) -> bool:
    return at is not None and at < end
