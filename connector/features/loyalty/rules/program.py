"""A program: what a merchant publishes, and its versions in time. Its shape is public.

``document`` reads it, and says what is wrong with it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from math import prod
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from connector.kernel.clock import Awaits, Period

ENGINE = 1
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
EVENT = "^[a-z0-9][a-z0-9_.-]{0,63}$"
ID = "^[a-z0-9][a-z0-9-]{0,63}$"
Id = Annotated[str, msgspec.Meta(pattern=ID)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]
WINDOW = "^(lifetime|calendar_year|rolling_months:([1-9]|[1-5][0-9]|60))$"
SPEND, POINTS, ORDERS = "spend", "points", "orders"
CALENDAR_YEAR = "calendar_year"
Counted = Literal["lines", "shipping", "tax", "fees"]
EarnKind = Literal["order", "sign_up", "review", "event", "birthday", "newsletter", "social_share"]
ACTS = frozenset(get_args(EarnKind)) - {"order", "sign_up"}
"""What customers do besides buying, over and over."""
BenefitKind = Literal["free_shipping", "member_price", "early_access", "free_returns"]
RewardKind = Literal[
    "amount_off", "percent_off", "product_off", "free_product", "free_shipping", "part_of_cart"
]
Stock = Annotated[int, msgspec.Meta(ge=1, le=100_000)]  # counted at each redemption


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most that a rule grants to one customer in a calendar period of the program's zone.

    What is more than is left is cut off, or all of it where the cap is ``all_or_nothing``.
    """

    points: Positive
    per: Period | Literal["lifetime"]
    all_or_nothing: bool = False


class Exclude(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Goods that a rule does not count: by the store's ids of products, or by collections."""

    products: list[str] = msgspec.field(default_factory=list)
    collections: list[Name] = msgspec.field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.products or self.collections)

    def has(self, product: str, collections: Callable[[str], Collection[str]]) -> bool:
        """Return whether a product is one of them; ``collections`` says which it is in."""
        if product in self.products:
            return True
        return bool(self.collections) and not {*self.collections}.isdisjoint(collections(product))


class EarnRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """So many ``points``: for every ``per_minor`` of an order, or for something else that is done.

    Once for a ``sign_up`` and for consent to a ``newsletter``; for each ``review``, each ``event``
    of a name, each ``social_share`` that a customer says they made, no sooner than
    ``cooldown_days`` after the last that was paid for; for each ``birthday``.

    Of an order ``count`` its goods (``lines``), shipping and fees, with the ``tax`` of what counts
    or without, after discounts. The step is by the order's currency; one without a step earns
    nothing. Points are rounded once per order and rule; they can be spent ``pending_days`` after
    the order was placed and paid, or the customer signed up. With ``pending_until``, so many days
    after the order was fulfilled or delivered too, which till then nobody knows.
    """

    id: Id
    kind: EarnKind
    count: list[Counted] = msgspec.field(default_factory=lambda: ["lines"])
    points: Positive
    per_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    rounding: Literal["floor", "half_up", "ceil"] = "floor"
    pending_days: Days = 0
    pending_until: Awaits | None = None
    caps: Annotated[list[Cap], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    exclude: Exclude = Exclude()
    event: Annotated[str, msgspec.Meta(pattern=EVENT)] | None = None
    cooldown_days: Days = 0

    def is_for(self, kind: str, name: str) -> bool:
        """Return whether an act of a kind is meant; of consent, when it is given."""
        needs = {"event": self.event, "newsletter": "yes"}.get(kind, name)
        return self.kind == kind and name == needs

    @cached_property
    def counted(self) -> frozenset[str]:
        """What of an order counts."""
        return frozenset(self.count)


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a multiplier is for: orders placed from an instant on and before another, one product.

    Or for the products of one ``collection``; and for those who are in a ``tier``, or a
    ``segment``. All that is said holds together. Without any of these it is for all.
    """

    tier: Name | None = None
    segment: Name | None = None
    product: str | None = None
    collection: Name | None = None
    begins_at: datetime | None = msgspec.field(default=None, name="from")
    ends_at: datetime | None = msgspec.field(default=None, name="until")

    def holds(self, at: datetime, tier: str | None, segments: Collection[str]) -> bool:
        """Return whether an order placed at an instant, in a tier or none, is meant."""
        if self.tier is not None and self.tier != tier:
            return False
        is_theirs = self.segment is None or self.segment in segments
        return is_theirs and _is_between(self.begins_at, self.ends_at, at)

    def covers(self, product: str, collections: Collection[str]) -> bool:
        """Return whether a product, in these collections, is meant."""
        if self.product is not None and self.product != product:
            return False
        return self.collection is None or self.collection in collections


def _is_between(begins_at: datetime | None, ends_at: datetime | None, at: datetime) -> bool:
    is_early = begins_at is not None and at < begins_at
    return not is_early and (ends_at is None or at < ends_at)


class Multiplier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """More (or fewer) points for some goods. Where several hold, their factors are multiplied."""

    when: When
    factor: str


class Expiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When points end: each ``lot`` so many months after it could first be spent.

    Or after so many months of ``inactivity``, all together: every order placed, and all points
    that come or are redeemed, keep them for as long again. So many days ahead (``remind_days``)
    other systems are told.
    """

    kind: Literal["lot", "inactivity", "none"] = "none"
    months: Annotated[int, msgspec.Meta(ge=1, le=120)] = 12
    end_of_month: bool = False
    remind_days: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=365)]], msgspec.Meta(max_length=10)
    ] = msgspec.field(default_factory=list)

    def next_reminder(self, ends_at: datetime, now: datetime) -> datetime | None:
        """Return when next to say that points end at an instant, None for no more."""
        days = (ends_at - timedelta(days=days) for days in self.remind_days)
        return min((at for at in days if at > now), default=None)

    @property
    def idle_months(self) -> int:
        """For how many months nothing may happen, 0 where points do not end by inactivity."""
        return self.months if self.kind == "inactivity" else 0


VALUED = frozenset({"amount_off", "product_off", "part_of_cart"})
"""Rewards that take an amount off."""


class Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something off one order, for ``cost`` points: on orders of ``minimum_minor`` and more.

    An amount off the order (``value_minor`` by currency) or off each of ``products``; ``percent``
    of the goods; one of ``products``, which the customer chooses; the shipping. As a
    ``part_of_cart`` the customer says how many points, from ``minimum_points`` to
    ``maximum_points``: each ``cost`` of them is ``value_minor`` off.

    Of ``stock`` there are so many in all, whoever has them and under
    whichever version, and for each customer ``limit_per_customer``. Only those in one of ``tiers``
    can have it, from an instant on and before another; without these, everybody. It can have
    another cost in a tier (``cost_in``). Where it ``gives_back``, a code that ended unused does.
    """

    id: Id
    kind: RewardKind
    cost: Positive
    value_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    cost_in: dict[Name, Positive] = msgspec.field(default_factory=dict)
    minimum_points: Positive | None = None
    maximum_points: Positive | None = None
    gives_back: bool = False
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    products: list[str] = msgspec.field(default_factory=list)
    minimum_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    code_expires_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    stock: Stock | None = None
    limit_per_customer: Stock | None = None
    tiers: list[Name] = msgspec.field(default_factory=list)
    begins_at: datetime | None = msgspec.field(default=None, name="from")
    ends_at: datetime | None = msgspec.field(default=None, name="until")

    def is_in(self, currency: str) -> bool:
        """Return whether a store of this currency can have it: all its amounts are given in it."""
        is_valued = currency in self.value_minor or self.kind not in VALUED
        return is_valued and (not self.minimum_minor or currency in self.minimum_minor)

    def price(self, tier: str | None) -> int:
        """Return what it costs in a tier, or in none."""
        return self.cost_in.get(tier, self.cost) if tier else self.cost

    def is_offered(self, at: datetime) -> bool:
        """Return whether it can be had at an instant."""
        return _is_between(self.begins_at, self.ends_at, at)


class Benefit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A perk of tiers: whoever is in one of these has it, as long as they are.

    Off each order of ``minimum_minor`` and more, once: its shipping, or as a member's price
    ``percent`` of its goods or ``value_minor`` off each of ``products``. Early access to
    ``products`` is from an instant on and before another. Free returns are as the store handles
    them.
    """

    id: Id
    kind: BenefitKind
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    value_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    products: Annotated[list[str], msgspec.Meta(max_length=100)] = msgspec.field(
        default_factory=list
    )
    minimum_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    begins_at: datetime | None = msgspec.field(default=None, name="from")
    ends_at: datetime | None = msgspec.field(default=None, name="until")

    def is_in(self, currency: str) -> bool:
        """Return whether a store of this currency can give it: all amounts are given in it."""
        return all(
            not amounts or currency in amounts for amounts in (self.value_minor, self.minimum_minor)
        )

    def is_open(self, at: datetime) -> bool:
        """Return whether early access is given at an instant."""
        return _is_between(self.begins_at, self.ends_at, at)


PLAIN: Mapping[str, Benefit] = {
    "free_shipping": Benefit(id="free_shipping", kind="free_shipping"),
    "free_returns": Benefit(id="free_returns", kind="free_returns"),
}
"""Benefits that mean themselves, by name: nothing else needs to be said of them."""


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A tier and what it takes: spend in any one currency, points, or orders.

    Who reaches it for the first time by what counts is given ``entry_points``. Whoever is in it
    has its ``benefits``, by their ids.
    """

    name: Name
    from_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    from_points: Positive | None = None
    from_orders: Positive | None = None
    entry_points: Positive | None = None
    benefits: list[str] = msgspec.field(default_factory=list)

    @cached_property
    def needs(self) -> dict[str, int]:
        """What has to be counted, by measure: a currency, ``points`` or ``orders``. Any does."""
        other = {POINTS: self.from_points, ORDERS: self.from_orders}
        return self.from_minor | {name: value for name, value in other.items() if value}


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """The tiers, lowest first, what is counted for them, and how long it counts.

    Who no longer has enough when the period ends loses the tier ``grace_days`` later, and then is
    in what the count allows (``whole``) or one tier lower (``one``).
    """

    by: Literal["spend", "points", "orders"]
    window: Annotated[str, msgspec.Meta(pattern=WINDOW)] = "lifetime"
    downgrade: Literal["period_end"] = "period_end"
    downgrade_step: Literal["whole", "one"] = "whole"
    grace_days: Days = 0
    tier: Annotated[list[Tier], msgspec.Meta(min_length=1, max_length=20)]

    @cached_property
    def months(self) -> int | None:
        """How long an order counts in a rolling window, None where it does not roll."""
        kind, _, months = self.window.partition(":")
        return int(months) if kind == "rolling_months" else None

    @cached_property
    def names(self) -> list[str]:
        """The tiers' names, lowest first."""
        return [one.name for one in self.tier]


def factor(
    holding: Sequence[Multiplier], product: str, collections: Collection[str]
) -> int | Fraction:
    """Return by what the points of a product, in these collections, are multiplied."""
    factors = (_exact(one.factor) for one in holding if one.when.covers(product, collections))
    return prod(factors, start=1)


@lru_cache(maxsize=1000)
def _exact(text: str) -> int | Fraction:
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value


Multipliers = Annotated[list[Multiplier], msgspec.Meta(max_length=100)]


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most ``points`` that the rules give to all accounts together, whatever the version."""

    points: Positive


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One version of a store's program, as published.

    A balance below zero is paid by the next points. With ``clamp`` it is forgiven at once instead.
    With ``block`` nothing is redeemed while it lasts; since every reward has a cost, that is so
    with ``allow`` too.
    """

    name: Name
    engine: Literal[1]
    timezone: str
    currency: str
    earn_from: datetime | None = None
    deleted_orders: Literal["keep", "void"] = "keep"
    negative_balance: Literal["allow", "clamp", "block"] = "allow"
    paid_statuses: list[str] = msgspec.field(default_factory=list)
    order_notes: bool = False
    earn: list[EarnRule] = msgspec.field(default_factory=list)
    budget: Budget | None = None
    multiplier: Multipliers = msgspec.field(default_factory=list)
    expiry: Expiry = Expiry()
    reward: list[Reward] = msgspec.field(default_factory=list)
    benefit: Annotated[list[Benefit], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    tiers: Tiers | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of all calendar sums."""
        return ZoneInfo(self.timezone)

    def holding(
        self, at: datetime, tier: str | None, segments: Collection[str]
    ) -> list[Multiplier]:
        """Return the multipliers that hold for an order placed at an instant, in a tier or none.

        By somebody in these ``segments``.
        """
        return [one for one in self.multiplier if one.when.holds(at, tier, segments)]

    @cached_property
    def reads_collections(self) -> bool:
        """Whether an order's points depend on the collections of its products."""
        is_excluding = any(rule.exclude.collections for rule in self.earn)
        return is_excluding or any(one.when.collection for one in self.multiplier)

    @cached_property
    def reads_segments(self) -> bool:
        """Whether an order's points depend on the segments of its customer."""
        return any(one.when.segment for one in self.multiplier)

    @cached_property
    def order_rules(self) -> list[EarnRule]:
        """The rules by which orders earn. The first also says what counts for tiers."""
        return [rule for rule in self.earn if rule.kind == "order"]

    @cached_property
    def sign_up_rules(self) -> list[EarnRule]:
        """The rules by which signing up earns."""
        return [rule for rule in self.earn if rule.kind == "sign_up"]

    @cached_property
    def pays_entries(self) -> bool:
        """Whether reaching a tier is paid for."""
        return self.tiers is not None and any(one.entry_points for one in self.tiers.tier)

    @cached_property
    def gives_benefits(self) -> bool:
        """Whether any tier has benefits."""
        return self.tiers is not None and any(one.benefits for one in self.tiers.tier)

    @cached_property
    def capped(self) -> frozenset[str]:
        """The ids of rules that have caps."""
        return frozenset(rule.id for rule in self.earn if rule.caps)

    @cached_property
    def pays_birthdays(self) -> bool:
        """Whether any rule does."""
        return any(rule.kind == "birthday" for rule in self.earn)

    @cached_property
    def act_rules(self) -> list[EarnRule]:
        """The rules by which customers earn otherwise, over and over."""
        return [rule for rule in self.earn if rule.kind in ACTS]

    @cached_property
    def benefits(self) -> dict[str, list[Benefit]]:
        """The benefits of each tier, by its name."""
        there = {**PLAIN, **{one.id: one for one in self.benefit}}
        return {
            tier.name: [there[name] for name in tier.benefits if name in there]
            for tier in (self.tiers.tier if self.tiers else ())
        }

    def find_reward(self, reward_id: str) -> Reward | None:
        """Return the reward of that id, if there is one."""
        return next((reward for reward in self.reward if reward.id == reward_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version in force from ``begins_at`` on, until a later one begins.

    ``live_at`` is when the store's first version was published, whichever that was.
    """

    version: int
    begins_at: datetime
    program: Program
    live_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Return whether a program was published by an instant."""
        return self.live_at is None or at >= self.live_at


def publications(
    published: Sequence[tuple[datetime, Program] | tuple[datetime, Program, datetime | None]],
) -> tuple[Publication, ...]:
    """Number versions in the order they were published, and say from when each holds.

    Only the first has ``earn_from``, which may lie in the past; without it, it holds from its
    publication, as every later one does. But one that was published to rate the past anew holds
    from the instant that was given with it, in place of all that were to begin then or later.
    """
    found: list[Publication] = []
    for number, (at, program, *given) in enumerate(published, start=1):
        begins_at = (program.earn_from or at).astimezone(UTC) if number == 1 else at
        if given and given[0] is not None:
            begins_at = given[0]
            found = [one for one in found if one.begins_at < begins_at]
        found.append(
            Publication(
                version=number, begins_at=begins_at, program=program, live_at=published[0][0]
            )
        )
    return tuple(found)


def in_force(versions: Sequence[Publication], at: datetime) -> Publication | None:
    """Return the last published version that had begun at an instant, if any.

    A fact's own instant decides, not today's.
    """
    for one in reversed(versions):
        if one.begins_at <= at:
            return one
    return None
