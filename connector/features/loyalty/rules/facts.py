"""What an account's points follow from: snapshots, decisions, and accounts that joined it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.features.loyalty.rules.holding import Holding
from connector.features.loyalty.rules.program import Publication
from connector.features.loyalty.rules.stamps import Stamp
from connector.features.loyalty.rules.tiers import Placement
from connector.kernel.admission import Admission
from platforms.model import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """The decision to spend points, and the later one to give them back, if there was one.

    On a reward, for a ``code`` at the store, or None: elsewhere, such as at a till.
    """

    id: str
    cost: int
    code: str | None
    redeemed_at: datetime
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """The decision to give an account points, or to take some where they are negative."""

    id: str
    points: int
    adjusted_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """The decision to take over points from elsewhere, as a lot with the end that it had there.

    Without one the lot never ends, or with all others where a program lets them end together.
    """

    id: str
    points: int
    imported_at: datetime
    expires_at: datetime | None
    batch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a customer did besides buying, by its ``kind``.

    ``name`` is an event's; of ``newsletter`` it is "yes" or "no", of ``birthday`` a day such as
    "02-29", which was said at that instant.
    """

    id: str
    kind: str
    at: datetime
    name: str = ""

    @property
    def said(self) -> str:
        """What it was, in words."""
        match self.kind:
            case "event":
                return f"event {self.name}"
            case "birthday":
                return f"birthday, {self.id}"
            case "social_share":
                return "shared, as they said themselves"
        return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """The decision to go on from what an account held in another installation, at that instant."""

    id: str
    holding: Holding
    batch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that an account's points follow from.

    ``coded_orders`` are the store's orders, anybody's, that carry a code of the redemptions.
    ``signed_up_at`` is when a customer became one, None for a guest. Unless the fold ``explains``,
    what orders earned comes without its arithmetic in words, which takes as long as the sums.
    ``joined`` are other accounts that became this one's; what they did since is among its own.
    ``admissions``, by cause, are theirs too: what of a budget is decided. So are ``stamps``, by
    order: what was written down when it was first settled. ``awaited_orders`` are those that lots
    wait for that were taken over. An account that ``is_anothers`` by now has none of its own.
    """

    orders: Sequence[Order] = ()
    signed_up_at: datetime | None = None
    coded_orders: Sequence[Order] = ()
    redemptions: Sequence[Redemption] = ()
    adjustments: Sequence[Adjustment] = ()
    imports: Sequence[Import] = ()
    takeovers: Sequence[Takeover] = ()
    placements: Sequence[Placement] = ()
    acts: Sequence[Act] = ()
    versions: Sequence[Publication] = ()
    cancel_restores_use: bool = True
    explains: bool = True
    joined: Sequence["Joined"] = ()
    admissions: Mapping[str, Admission] = field(default_factory=dict)
    is_anothers: bool = False
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    awaited_orders: Sequence[Order] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Another account, joined to this one at an instant: its facts of before that.

    What it was granted then, by the caps and the tier that it had, stays as it was. From that
    instant on there is one purse, one cap and one tier.
    """

    account: str
    joined_at: datetime
    facts: Facts


def united(facts: Facts, joined: Joined, brought: Collection[str] = ()) -> Facts:
    """Return an account's facts with all of one that joined it: of before it did, and of since.

    The orders that it ``brought``, by their ids, stay its own if the store moves them to its owner.
    """
    at, theirs = joined.joined_at, joined.facts
    moved = [one for one in facts.orders if one.id in brought]
    facts = replace(facts, orders=[one for one in facts.orders if one.id not in brought])
    stamps = {**theirs.stamps, **facts.stamps}
    awaited = [*facts.awaited_orders, *theirs.awaited_orders]
    theirs = replace(theirs, orders=[*theirs.orders, *moved], stamps=stamps)
    before = replace(
        theirs,
        orders=[one for one in theirs.orders if one.placed_at < at],
        adjustments=[one for one in theirs.adjustments if one.adjusted_at < at],
        imports=[one for one in theirs.imports if one.imported_at < at],
        takeovers=[one for one in theirs.takeovers if one.holding.at < at],
        acts=[one for one in theirs.acts if one.at < at],
    )
    return replace(
        facts,
        orders=[*facts.orders, *(one for one in theirs.orders if one.placed_at >= at)],
        adjustments=[
            *facts.adjustments,
            *(one for one in theirs.adjustments if one.adjusted_at >= at),
        ],
        imports=[*facts.imports, *(one for one in theirs.imports if one.imported_at >= at)],
        takeovers=[
            *facts.takeovers,
            *(one for one in theirs.takeovers if one.holding.at >= at),
        ],
        stamps=stamps,
        awaited_orders=awaited,
        acts=[*facts.acts, *(one for one in theirs.acts if one.at >= at)],
        joined=[*facts.joined, replace(joined, facts=before)],
    )


def under(facts: Facts, versions: Sequence[Publication]) -> Facts:
    """Return facts, with those of accounts that joined, under other versions of the program."""
    joined = [replace(one, facts=under(one.facts, versions)) for one in facts.joined]
    return replace(facts, versions=versions, joined=joined)


def with_stamps(facts: Facts, stamps: Mapping[str, Stamp], without: Collection[str]) -> Facts:
    """Return facts, with those of accounts that joined, with more stamps.

    And ``without`` some orders, by their ids, that cannot be settled yet.
    """
    joined = [replace(one, facts=with_stamps(one.facts, stamps, without)) for one in facts.joined]
    orders = [one for one in facts.orders if one.id not in without] if without else facts.orders
    return replace(facts, orders=orders, joined=joined, stamps={**facts.stamps, **stamps})


def orders_in(facts: Facts) -> Iterator[Order]:
    """Yield the orders of facts, and of accounts that joined."""
    yield from facts.orders
    for one in facts.joined:
        yield from orders_in(one.facts)


def until(facts: Facts, at: datetime) -> list[Facts]:
    """Return the facts that began until an instant; accounts that joined later are apart."""
    later = [one for one in facts.joined if one.joined_at > at]
    apart = [part for one in later for part in until(one.facts, at)]
    then = replace(
        facts,
        orders=[order for order in facts.orders if order.placed_at <= at],
        coded_orders=[order for order in facts.coded_orders if order.placed_at <= at],
        signed_up_at=_unless_later(facts.signed_up_at, at),
        redemptions=[
            replace(one, released_at=_unless_later(one.released_at, at))
            for one in facts.redemptions
            if one.redeemed_at <= at
        ],
        adjustments=[one for one in facts.adjustments if one.adjusted_at <= at],
        imports=[one for one in facts.imports if one.imported_at <= at],
        takeovers=[one for one in facts.takeovers if one.holding.at <= at],
        placements=[one for one in facts.placements if one.placed_at <= at],
        acts=[one for one in facts.acts if one.at <= at],
        versions=tuple(one for one in facts.versions if one.begins_at <= at),
        joined=[
            replace(one, facts=part)
            for one in facts.joined
            if one.joined_at <= at
            for part in until(one.facts, at)
        ],
    )
    return [then, *apart]


def as_it_was(facts: Facts, at: datetime) -> Facts:
    """Return facts with their orders as they were at an instant: paid or not, and refunded so far.

    What a later refund says of an earlier one is not known then, nor what others had of a budget
    because of it.
    """
    orders = [_as_it_was(one, at) for one in facts.orders if not _is_later(one.paid_at, at)]
    joined = [replace(one, facts=as_it_was(one.facts, at)) for one in facts.joined]
    then = {cause: replace(one, ceded=0) for cause, one in facts.admissions.items()}
    return replace(facts, orders=orders, joined=joined, admissions=then)


def changes_after(facts: Facts, at: datetime) -> bool:
    """Return whether any order was paid, refunded or cancelled later."""
    return any(
        _is_later(order.paid_at, at)
        or _is_later(order.cancelled_at, at)
        or any(one.refunded_at > at for one in order.refunds)
        for order in facts.orders
    ) or any(changes_after(one.facts, at) for one in facts.joined)


def _as_it_was(order: Order, at: datetime) -> Order:
    if _is_later(order.cancelled_at, at):
        order = replace(order, is_cancelled=False, cancelled_at=None)
    refunds = tuple(one for one in order.refunds if one.refunded_at <= at)
    return order if len(refunds) == len(order.refunds) else replace(order, refunds=refunds)


def _is_later(value: datetime | None, at: datetime) -> bool:
    return value is not None and value > at


def _unless_later(value: datetime | None, at: datetime) -> datetime | None:
    return value if value is not None and value <= at else None
