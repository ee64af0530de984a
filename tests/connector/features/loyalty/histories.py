"""Histories for the laws: orders that are edited, paid late, cancelled and refunded; decisions.

Written from the design's words (3b, 3d), with a clock of whole hours so that instants collide.
"""

import dataclasses
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from connector.features.loyalty.rules.facts import Act, Adjustment, Facts, Import, Redemption
from connector.features.loyalty.rules.program import (
    Cap,
    EarnRule,
    Exclude,
    Expiry,
    Multiplier,
    Program,
    Tier,
    Tiers,
    When,
    publications,
)
from connector.features.loyalty.rules.stamps import Stamp
from connector.features.loyalty.rules.tiers import Placement
from platforms.model import Charge, Order, OrderLine, Refund, RefundLine

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
END = START + 400 * DAY
PLACED_DAYS_MAX = 20


ACTED = (
    EarnRule(id="quiz", kind="event", event="quiz", points=10, cooldown_days=3),
    EarnRule(id="review", kind="review", points=20, caps=[Cap(points=30, per="calendar_week")]),
    EarnRule(id="news", kind="newsletter", points=15, pending_days=2),
    EarnRule(id="birthday", kind="birthday", points=50),
)
EXCLUDED = [Exclude(), Exclude(), Exclude(products=["q"]), Exclude(collections=["sale"])]
STAMPS = {
    "o1": Stamp(collections={"p": ("summer",), "q": ("sale", "summer")}, segments=("vip",)),
    "o2": Stamp(collections={"p": ("sale",)}, segments=()),
}
"""What was written down of the orders when they were first settled; of the third, nothing."""
WELCOME = EarnRule(id="welcome", kind="sign_up", points=40)
THIRDS = EarnRule(id="thirds", kind="order", points=1, per_minor={"EUR": 300}, pending_days=2)


OWN = ("exclude", "count", "pending_until")


def program(points=1, pending_days=0, months=None, more=(), caps=(), expiry="lot", **changes):
    """A program of one rule and perhaps more, in Warsaw's zone, which changes its clocks."""
    own = {name: changes.pop(name) for name in OWN if name in changes}
    return Program(
        name="Laws",
        engine=1,
        timezone="Europe/Warsaw",
        currency="EUR",
        earn=[
            EarnRule(
                id="orders",
                kind="order",
                points=points,
                per_minor={"EUR": 100},
                pending_days=pending_days,
                caps=list(caps),
                **own,
            ),
            *more,
            *ACTED,
        ],
        expiry=Expiry(kind=expiry, months=months) if months else Expiry(),
        **changes,
    )


NAMES = ["Bronze", "Silver", "Gold"]
THRESHOLDS = {
    "spend": lambda least: {"from_minor": {"EUR": least * 100}},
    "points": lambda least: {"from_points": least},
    "orders": lambda least: {"from_orders": max(least // 50, 1)},
}


@st.composite
def tiers(draw):
    """No tiers, or some of three names, by what and for how long ever."""
    names = draw(st.sampled_from([[], NAMES[1:], NAMES[::2], NAMES]))
    if not names:
        return None
    by = draw(st.sampled_from(["spend", "points", "orders"]))
    first, step = draw(st.integers(1, 150)), draw(st.integers(50, 100))
    return Tiers(
        by=by,
        window=draw(st.sampled_from(["lifetime", "calendar_year", *["rolling_months:1"] * 3])),
        downgrade_step=draw(st.sampled_from(["whole", "one"])),
        grace_days=draw(st.sampled_from([0, 0, 1, 10])),
        tier=[
            Tier(
                name=name,
                entry_points=draw(st.sampled_from([None, 30 + place, 7])),
                **THRESHOLDS[by](first + step * place),
            )
            for place, name in enumerate(names)
        ],
    )


@st.composite
def extras(draw):
    """What a version may have besides: tiers, caps, multipliers, what becomes of a shortfall."""
    per = st.sampled_from(
        ["calendar_day", "calendar_week", "calendar_month", "calendar_year", "lifetime"]
    )
    caps = st.builds(Cap, points=st.integers(1, 150), per=per, all_or_nothing=st.booleans())
    begin = st.integers(0, PLACED_DAYS_MAX).map(lambda days: START + days * DAY)
    windows = st.builds(
        lambda at, hours, which: When(begins_at=at, ends_at=at + hours * HOUR, **which),
        begin,
        st.integers(1, 200),
        st.sampled_from([{}, {"product": "p"}, {"product": "q"}, {"collection": "summer"}]),
    )
    windows |= st.builds(When, collection=st.sampled_from(["sale", "summer", "gone"]))
    windows |= st.builds(When, segment=st.sampled_from(["vip", "new"]))
    levels = draw(tiers())
    if levels:
        windows |= st.builds(When, tier=st.sampled_from(levels.names))
    factors = st.sampled_from(["2", "1.5", "0.3333", "10"])
    multipliers = st.builds(Multiplier, when=windows, factor=factors)
    return {
        "expiry": draw(st.sampled_from(["lot", "lot", "inactivity"])),
        "count": draw(st.sampled_from([["lines"], ["lines"], ["lines", "tax", "shipping"]])),
        "exclude": draw(st.sampled_from(EXCLUDED)),
        "pending_until": draw(st.sampled_from([None, None, "fulfilled", "delivered"])),
        "caps": draw(st.lists(caps, max_size=2)),
        "tiers": levels,
        "more": draw(st.lists(st.sampled_from([WELCOME, THIRDS]), max_size=2, unique_by=id)),
        "multiplier": draw(st.lists(multipliers, max_size=2)),
        "negative_balance": draw(st.sampled_from(["allow", "clamp"])),
    }


@st.composite
def programs(draw):
    """Two versions, the second from a day within the orders' days."""
    first = program(
        points=draw(st.integers(1, 5)),
        pending_days=draw(st.integers(0, 10)),
        months=draw(st.sampled_from([None, 1, 2])),
        **draw(extras()),
    )
    second = program(
        points=draw(st.integers(1, 5)),
        pending_days=draw(st.integers(0, 10)),
        months=draw(st.sampled_from([None, 1, 6])),
        **draw(extras()),
    )
    later = START + draw(st.integers(1, PLACED_DAYS_MAX)) * DAY
    return publications([(START, first), (later, second)])


@st.composite
def refunds(draw, order_id, lines, at):
    """A refund by lines, by amount alone, or both; never dated before ``at``."""
    named = [
        RefundLine(
            line_id=line.id,
            quantity=1,
            total_minor=draw(st.integers(0, line.total_minor)),
            tax_minor=draw(st.integers(0, line.tax_minor)),
        )
        for line in draw(st.lists(st.sampled_from(lines), max_size=2, unique=True))
    ]
    other = draw(st.sampled_from([0, 0, 490]))
    explained = other + sum(line.total_minor + line.tax_minor for line in named)
    # a fee may be kept from it, or money be paid that nothing names
    more = draw(st.sampled_from([0, 0, draw(st.integers(-explained, 3000))]))
    when = at + draw(st.integers(0, 60 * 24)) * HOUR
    return Refund(
        id=f"{order_id}-{when:%m%d%H}-{draw(st.integers(0, 9))}",
        amount_minor=max(explained + more, 1),
        refunded_at=when,
        lines=tuple(named),
        other_minor=other,
        shipping=Charge(total_minor=min(other, 400), tax_minor=max(other - 400, 0)),
    )


@st.composite
def lives(draw, order_id):
    """One order's snapshots, oldest first: edited, paid late, cancelled, refunded, unrefunded."""
    placed_at = START + draw(st.integers(0, PLACED_DAYS_MAX * 24)) * HOUR
    lines = tuple(
        OrderLine(
            id=f"{order_id}.{number}",
            product_id=draw(st.sampled_from("pq")),
            quantity=1,
            total_minor=draw(st.integers(0, 9000)),
            tax_minor=draw(st.integers(0, 900)),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    total = sum(line.total_minor + line.tax_minor for line in lines) + 490
    is_paid = draw(st.booleans())
    order = Order(
        id=order_id,
        number=order_id,
        customer_id="c1",
        email=None,
        status="processing" if is_paid else "pending",
        is_paid=is_paid,
        is_cancelled=False,
        currency="EUR",
        total_minor=total,
        placed_at=placed_at,
        paid_at=placed_at if is_paid else None,
        updated_at=placed_at,
        lines=lines,
        shipping=Charge(total_minor=400, tax_minor=90),
        codes=draw(st.sampled_from([(), (), ("r1code",)])),
    )
    life = [order]
    for _ in range(draw(st.integers(0, 4))):
        order = draw(changed(order))
        life.append(order)
    return life


@st.composite
def changed(draw, order):
    """The order after one more thing happened to it."""
    at = order.updated_at + draw(st.integers(1, 100)) * HOUR
    whats = ["pay", "cancel", "refund", "refund", "full", "unrefund", "edit", "trash"]
    whats += ["fulfilled_at", "delivered_at"]
    what = draw(st.sampled_from(whats))
    match what:
        case "pay":
            changes = {"is_paid": True, "paid_at": order.paid_at or at, "status": "completed"}
        case "cancel":
            changes = {"is_cancelled": True, "status": "cancelled"}
            is_dated = draw(st.booleans())  # by the platform
            changes |= {"cancelled_at": at} if is_dated else {"is_paid": False}
        case "refund":
            refund = draw(refunds(order.id, list(order.lines), at))
            kept = {one.id: one for one in (*order.refunds, refund)}
            changes = {"refunds": tuple(kept.values())}
        case "full":
            changes = in_full(order, at)
        case "unrefund":
            changes = {"refunds": order.refunds[1:]}
        case "fulfilled_at" | "delivered_at":
            changes = {what: getattr(order, what) or at}
        case "edit":
            changes = {"lines": order.lines[:1]}
        case _:
            changes = {"is_deleted": not order.is_deleted}
    return dataclasses.replace(order, updated_at=at, **changes)


def in_full(order, at):
    """A refund by amount, as a store's own "refund all" is."""
    all_of_it = Refund(id=f"{order.id}-full", amount_minor=order.total_minor, refunded_at=at)
    kept = {one.id: one for one in (*order.refunds, all_of_it)}
    return {"refunds": tuple(kept.values()), "status": "refunded"}


@st.composite
def decisions(draw):
    """A redemption, perhaps given back again."""
    redeemed_at = START + draw(st.integers(1, 60)) * DAY
    released_at = draw(st.sampled_from([None, redeemed_at + 3 * DAY]))
    return Redemption(
        id="r1",
        cost=draw(st.integers(1, 300)),
        code=draw(st.sampled_from(["R1CODE", None])),
        redeemed_at=redeemed_at,
        released_at=released_at,
    )


@st.composite
def histories(draw):
    """The lives of three orders, decisions, and published versions."""
    return (
        [draw(lives(name)) for name in ("o1", "o2", "o3")],
        draw(st.lists(decisions(), max_size=1)),
        draw(programs()),
    )


BY_HAND = {
    "adjustments": [
        Adjustment(id="a1", points=30, adjusted_at=START + 4 * DAY, reason="sorry"),
        Adjustment(id="a2", points=-50, adjusted_at=START + 9 * DAY, reason="a mistake"),
    ],
    "imports": [
        Import(
            id="i1",
            points=40,
            imported_at=START + 2 * DAY,
            expires_at=START + 25 * DAY,
            batch="b",
        ),
        Import(id="i2", points=15, imported_at=START + 6 * DAY, expires_at=None, batch="b"),
    ],
    "acts": [
        Act(id="v1", kind="review", at=START + 3 * DAY),
        Act(id="v2", kind="review", at=START + 4 * DAY),
        Act(id="q1", kind="event", at=START + 2 * DAY, name="quiz"),
        Act(id="q2", kind="event", at=START + 6 * DAY, name="quiz"),
        Act(id="n1", kind="newsletter", at=START + 8 * DAY, name="yes"),
        Act(id="n2", kind="newsletter", at=START + 20 * DAY, name="yes"),
        Act(id="b1", kind="birthday", at=START + 5 * DAY, name="02-14"),
    ],
    "placements": [
        Placement(id="t1", tier="Silver", is_locked=False, placed_at=START + 3 * DAY),
        Placement(id="t2", tier="Gold", is_locked=True, placed_at=START + 8 * DAY),
        Placement(id="t3", tier=None, is_locked=False, placed_at=START + 30 * DAY),
    ],
}
"""What a merchant decided: points, and tiers held for a while, locked, and let go again."""


def facts(orders, redemptions, versions, by_hand=None):
    """The facts that the newest snapshots and the decisions are."""
    coded = [order for order in orders if "r1code" in order.codes]
    return Facts(
        orders=list(orders),
        coded_orders=coded,
        redemptions=redemptions,
        versions=versions,
        signed_up_at=START + DAY,
        stamps=STAMPS,
        **(BY_HAND if by_hand is None else by_hand),
    )
