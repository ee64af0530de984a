"""What shoppers' widgets are told: plain dataclasses, the contract with ``widgets/``.

``widgets/contract.schema.json`` is generated from these; a test holds the two together. Money is
in minor units, times are UTC.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from connector.commerce.models import StoreRow
from connector.features.loyalty.rules.budget import is_of_tier
from connector.features.loyalty.rules.program import (
    Benefit,
    EarnRule,
    Multiplier,
    Program,
    Publication,
    Reward,
    Tier,
    Tiers,
)
from connector.features.loyalty.rules.tiers import Stand
from connector.kernel.clock import Awaits, awaited, unless_awaited
from connector.ledger.ledger import Balance, Line
from connector.ledger.models import AccountRow
from connector.rewards.entitlements import Held
from connector.rewards.models import RedemptionRow
from connector.web.looks import Look
from platforms.model import Product

HISTORY_MAX = 50
REDEMPTIONS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """The store that the page belongs to."""

    id: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapView:
    """The most that a shopper gets by a rule ``per`` day, week, month, year or lifetime."""

    points: int
    per: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnRuleView:
    """A way to earn: so many ``points`` for every ``per_minor`` of a currency, or once.

    Of kinds there will be more; a widget draws those that it knows.
    """

    id: str
    kind: str
    points: int
    per_minor: dict[str, int]
    caps: list[CapView]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplierView:
    """By what the points of orders are multiplied that are placed from one instant to another.

    Of one ``product`` alone, by the store's id, of one ``collection``, by its handle, or of all;
    for one ``tier`` alone, or for all. Those for a segment are told to nobody.
    """

    factor: str
    tier: str | None
    product: str | None
    collection: str | None
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftView:
    """A product that can be had for nothing, by the store's id."""

    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardView:
    """What can be had for points; how many are ``left`` where there are only so many.

    Only those in one of ``tiers`` can have it, where there are any. Of a ``part_of_cart`` one says
    how many points, from ``minimum_points`` to ``maximum_points``, in steps of ``cost``; of several
    ``gifts`` which. In some tiers another cost holds. Where it ``gives_back``, points come back for
    a code that ended unused.
    """

    id: str
    kind: str
    cost: int
    cost_in: dict[str, int]
    minimum_points: int | None
    maximum_points: int | None
    gives_back: bool
    gifts: list[GiftView]
    value_minor: dict[str, int]
    percent: int | None
    minimum_minor: dict[str, int]
    begins_at: datetime | None
    ends_at: datetime | None
    limit_per_customer: int | None
    code_expires_days: int | None
    left: int | None
    tiers: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitView:
    """A perk of a tier; ``kind`` is free_shipping, member_price, early_access or free_returns.

    A member's price is ``percent`` off the goods, or ``value_minor`` off some of them. Of kinds
    there will be more; a widget draws those that it knows.
    """

    id: str
    kind: str
    percent: int | None
    value_minor: dict[str, int]
    minimum_minor: dict[str, int]
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierView:
    """A tier, and how much it takes of what: of a currency, of ``points`` or of ``orders``.

    Any one suffices. Who reaches it first has ``entry_points``, and whoever is in it the benefits.
    """

    name: str
    needs: dict[str, int]
    entry_points: int | None
    benefits: list[BenefitView]


@dataclass(frozen=True, slots=True, kw_only=True)
class TiersView:
    """The tiers, lowest first.

    What is bought counts for so many ``months``, in a ``calendar_year``, or for a ``lifetime``.
    """

    window: Literal["months", "calendar_year", "lifetime"]
    months: int | None
    tiers: list[TierView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramView:
    """The program in force. Points of orders that are ``pending_until`` something wait for it."""

    name: str
    version: int
    pending_days: int
    pending_until: Awaits | None
    expiry: Literal["lot", "inactivity", "none"]
    expiry_months: int
    earn: list[EarnRuleView]
    multipliers: list[MultiplierView]
    rewards: list[RewardView]
    tiers: TiersView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionView:
    """One of the visitor's redemptions. The code is told once the store has it.

    It takes off some ``products``, by the store's ids, or the whole order. Where it ``gives_back``,
    its points come back if it ends unused.
    """

    id: str
    reward_id: str
    kind: str
    cost: int
    state: Literal["reserved", "issued", "used", "returned", "unknown"]
    code: str | None
    value_minor: int
    percent: int
    minimum_minor: int
    currency: str
    products: list[str]
    expires_at: datetime | None
    gives_back: bool
    redeemed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One line of the visitor's history: what a cause came to at an instant.

    ``about`` is what it came of: an ``order``, a ``redemption``, a ``reservation`` of points at a
    till, a ``sign_up``, a ``tier`` that was reached, a ``review``, an ``event``, a ``newsletter``,
    a ``birthday``, a ``social_share``; there will be more. While nobody knows when it comes, it
    ``awaits`` that its order is ``fulfilled`` or ``delivered``.
    """

    kind: str
    about: str
    points: int
    at: datetime | None
    is_pending: bool
    awaits: Awaits | None
    order_number: str | None
    reward_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryView:
    """The next points to expire."""

    points: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AimView:
    """A tier to reach or to keep: how much there is, of how much it takes, of what.

    What is missing has to be bought before ``until``, if there is an end.
    """

    tier: str
    measure: str
    counted: int
    needed: int
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """The visitor's tier, the one to reach next, and what keeps the one that would be lost."""

    tier: str | None
    since: datetime | None
    reach: AimView | None
    keep: AimView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerkView:
    """A benefit that the visitor has, by its id in their tier, and when it was used last.

    One that ``has_code`` is a code, told once the store has it; after each use a new one comes.
    """

    benefit: str
    kind: str
    since: datetime
    has_code: bool
    code: str | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorView:
    """What only the signed-in shopper sees.

    Rewards in ``used_up`` they had as often as one may.
    """

    first_name: str | None
    available: int
    pending: int
    pending_at: datetime | None
    next_expiry: ExpiryView | None
    standing: StandingView | None
    perks: list[PerkView]
    redemptions: list[RedemptionView]
    used_up: list[str]
    history: list[EntryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """All that the storefront widgets need. No program: nothing is drawn.

    ``can_claim``: a shopper can have a code mailed, and claim what they bought without an account.
    What the ``look`` does not say is as the widgets' script tag says.
    """

    store: StoreView
    look: Look | None
    program: ProgramView | None
    visitor: VisitorView | None
    can_claim: bool


def view_store(store: StoreRow) -> StoreView:
    """Return the store as shoppers see it."""
    return StoreView(id=store.id, name=store.name, currency=store.currency)


def view_program(
    version: Publication, left: Mapping[str, int], products: Mapping[str, Product]
) -> ProgramView:
    """Return a program version as shoppers see it; ``left`` of limited rewards, by id."""
    program = version.program
    waiting = [one for one in program.order_rules if one.pending_until]
    return ProgramView(
        name=program.name,
        version=version.version,
        pending_days=max((rule.pending_days for rule in program.order_rules), default=0),
        pending_until=next((one.pending_until for one in waiting), None),
        expiry=program.expiry.kind,
        expiry_months=program.expiry.months,
        earn=[_earn(rule) for rule in program.earn],
        multipliers=[_multiplier(one) for one in program.multiplier if not one.when.segment],
        rewards=[
            _reward(one, left, products)
            for one in sorted(program.reward, key=lambda one: one.cost)
            if one.kind != "free_product" or any(id_ in products for id_ in one.products)
        ],
        tiers=_tiers(program, program.tiers) if program.tiers else None,
    )


def _earn(rule: EarnRule) -> EarnRuleView:
    return EarnRuleView(
        id=rule.id,
        kind=rule.kind,
        points=rule.points,
        per_minor=rule.per_minor,
        caps=[
            CapView(points=cap.points, per=cap.per.removeprefix("calendar_")) for cap in rule.caps
        ],
    )


def _multiplier(one: Multiplier) -> MultiplierView:
    when = one.when
    return MultiplierView(
        factor=one.factor,
        tier=when.tier,
        product=when.product,
        collection=when.collection,
        begins_at=when.begins_at and when.begins_at.astimezone(UTC),
        ends_at=when.ends_at and when.ends_at.astimezone(UTC),
    )


def _reward(reward: Reward, left: Mapping[str, int], products: Mapping[str, Product]) -> RewardView:
    there = [products[id_] for id_ in reward.products if id_ in products]
    is_gift = reward.kind == "free_product"
    return RewardView(
        id=reward.id,
        kind=reward.kind,
        cost=reward.cost,
        cost_in=reward.cost_in,
        minimum_points=(reward.minimum_points or reward.cost) if reward.maximum_points else None,
        maximum_points=reward.maximum_points,
        gives_back=reward.gives_back,
        gifts=[GiftView(id=one.id, title=one.title, url=one.url) for one in there if is_gift],
        value_minor=reward.value_minor,
        percent=reward.percent,
        minimum_minor=reward.minimum_minor,
        begins_at=reward.begins_at and reward.begins_at.astimezone(UTC),
        ends_at=reward.ends_at and reward.ends_at.astimezone(UTC),
        limit_per_customer=reward.limit_per_customer,
        code_expires_days=reward.code_expires_days,
        left=left.get(reward.id),
        tiers=reward.tiers,
    )


def _tiers(program: Program, tiers: Tiers) -> TiersView:
    return TiersView(
        window="months" if tiers.months else tiers.window,  # type: ignore[arg-type]  # its pattern
        months=tiers.months,
        tiers=[
            TierView(
                name=one.name,
                needs=one.needs,
                entry_points=one.entry_points,
                benefits=[_benefit(benefit) for benefit in program.benefits[one.name]],
            )
            for one in tiers.tier
        ],
    )


def _benefit(one: Benefit) -> BenefitView:
    return BenefitView(
        id=one.id,
        kind=one.kind,
        percent=one.percent,
        value_minor=one.value_minor,
        minimum_minor=one.minimum_minor,
        begins_at=one.begins_at and one.begins_at.astimezone(UTC),
        ends_at=one.ends_at and one.ends_at.astimezone(UTC),
    )


def view_perk(one: Held) -> PerkView:
    """Return a perk as its holder sees it."""
    return PerkView(
        benefit=one.benefit,
        kind=one.kind,
        since=one.since,
        has_code=one.has_code,
        code=one.code,
        used_at=one.used_at,
    )


def view_standing(stand: Stand, tiers: Tiers, currency: str) -> StandingView:
    """Return where a shopper stands among the tiers there are now; ``currency`` is the store's."""
    names = tiers.names
    place = names.index(stand.tier) + 1 if stand.tier in names else 0
    reach = keep = None
    if place < len(names):
        reach = _aim(tiers.tier[place], stand.counted, currency, None)
    if place and stand.keep_by:
        needs = tiers.tier[place - 1].needs
        left = {name: least - stand.short.get(name, least) for name, least in needs.items()}
        keep = _aim(tiers.tier[place - 1], left, currency, stand.keep_by)
    tier = names[place - 1] if place else None
    return StandingView(tier=tier, since=stand.since if tier else None, reach=reach, keep=keep)


def _aim(tier: Tier, counted: Mapping[str, int], currency: str, until: datetime | None) -> AimView:
    """Return how far it is by the measure that is nearest, else by the store's own currency."""

    def nearness(measure: str) -> tuple[float, bool, str]:
        return counted.get(measure, 0) / tier.needs[measure], measure == currency, measure

    measure = max(tier.needs, key=nearness)
    return AimView(
        tier=tier.name,
        measure=measure,
        counted=counted.get(measure, 0),
        needed=tier.needs[measure],
        until=until,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What an account holds, gathered to be shown.

    ``orders`` maps order ids to numbers, ``limits`` rewards to how often each may be had.
    """

    first_name: str | None
    balance: Balance
    next_expiry: ExpiryView | None
    standing: StandingView | None
    perks: Sequence[Held]
    redemptions: Sequence[RedemptionRow]
    limits: Mapping[str, int]
    lines: Sequence[Line]
    orders: dict[str, str]


def view_visitor(held: Holdings, now: datetime) -> VisitorView:
    """Return what a shopper sees of their own."""
    rewards = {f"redemption:{row.id}": row.reward_id for row in held.redemptions}
    had = Counter(row.reward_id for row in held.redemptions if row.state != "returned")
    return VisitorView(
        first_name=held.first_name,
        available=held.balance.available,
        pending=held.balance.pending,
        pending_at=held.balance.pending_at,
        next_expiry=held.next_expiry,
        standing=held.standing,
        perks=[view_perk(one) for one in held.perks],
        redemptions=[view_redemption(row) for row in held.redemptions[:REDEMPTIONS_MAX]],
        used_up=[one for one, most in held.limits.items() if had[one] >= most],
        history=_history(held, rewards, now),
    )


def view_redemption(row: RedemptionRow) -> RedemptionView:
    """Return a redemption as its owner sees it."""
    is_known = row.state in {"issued", "used"}
    return RedemptionView(
        id=row.id,
        reward_id=row.reward_id,
        kind=row.kind,
        cost=row.cost,
        state=row.state,  # type: ignore[arg-type]  # the column's own words
        code=row.code if is_known else None,
        value_minor=row.amount_minor,
        percent=row.basis_points // 100,
        minimum_minor=row.minimum_minor,
        currency=row.currency,
        products=row.product_ids or [],
        expires_at=row.expires_at,
        gives_back=row.lapses_at is not None,
        redeemed_at=row.redeemed_at,
    )


def next_expiry(row: AccountRow | None) -> ExpiryView | None:
    """Return the next points of an account to expire, if any will."""
    if row is None or row.next_expiry_at is None:
        return None
    return ExpiryView(points=row.next_due_points, at=row.next_expiry_at)


def order_of(cause: str) -> str:
    """Return the id of the order that a cause is about, empty where it is about none."""
    about = cause.partition("/")[0]
    return about.removeprefix("order:") if about.startswith("order:") else ""


def _history(held: Holdings, rewards: dict[str, str], now: datetime) -> list[EntryView]:
    """Return the newest lines, each ledger key netted: corrections are no news to a shopper."""
    return [
        EntryView(
            kind=line.kind,
            about="tier" if is_of_tier(line.cause) else line.cause.partition(":")[0],
            points=line.points,
            at=unless_awaited(line.effective_at),
            is_pending=line.effective_at > now,
            awaits=awaited(line.effective_at),
            order_number=held.orders.get(order_of(line.cause)),
            reward_id=rewards.get(line.cause),
        )
        for line in held.lines
    ]
