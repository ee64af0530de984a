"""What waits for a delivery, and what is stamped, on the pure rules."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.features.loyalty.rules.facts import Facts, Takeover
from connector.features.loyalty.rules.fold import fold, held
from connector.features.loyalty.rules.holding import Awaited, HeldLot, Holding
from connector.features.loyalty.rules.program import (
    Exclude,
    Multiplier,
    Tier,
    Tiers,
    When,
    publications,
)
from connector.features.loyalty.rules.stamps import BLANK, Stamp
from connector.kernel.clock import AWAITED, awaited, unless_awaited
from platforms.model import Order, OrderLine, Refund
from tests.connector.features.loyalty.histories import DAY, START, program

ORDER = Order(
    id="o",
    number="7",
    customer_id="c1",
    email=None,
    status="processing",
    is_paid=True,
    is_cancelled=False,
    currency="EUR",
    total_minor=10_000,
    placed_at=START,
    paid_at=START + 5 * DAY,
    updated_at=START,
    lines=(
        OrderLine(id="1", product_id="p", quantity=1, total_minor=6_000, tax_minor=0),
        OrderLine(id="2", product_id="q", quantity=1, total_minor=4_000, tax_minor=0),
    ),
)
STAMP = Stamp(collections={"p": ("new", "summer"), "q": ("sale",)}, segments=("vip",))


def facts(order, stamp=BLANK, **changes):
    versions = publications([(START, program(**changes))])
    return Facts(orders=[order], versions=versions, stamps={"o": stamp})


def happened_at(what, at):
    if what == "fulfilled":
        return replace(ORDER, fulfilled_at=at)
    return replace(ORDER, delivered_at=at)


def told(order, days, **changes):
    """Return what is posted, by kind, points and instant, where it is known."""
    folded = fold(facts(order, **changes), START + days * DAY)
    return [(one.kind, one.points, unless_awaited(one.effective_at)) for one in folded.postings]


def points(stamp, *when, **changes):
    """Return what the order comes to where multipliers by two hold."""
    multiplier = [Multiplier(when=one, factor="2") for one in when]
    folded = fold(facts(ORDER, stamp, multiplier=multiplier, **changes), START + 9 * DAY)
    return folded.purse.available()


def test_only_two_instants_are_not_known():
    assert [awaited(at) for at in AWAITED.values()] == ["fulfilled", "delivered"]
    assert awaited(datetime(9999, 1, 1, 1, tzinfo=UTC)) is None
    assert unless_awaited(START) == START


@pytest.mark.parametrize("until", ["fulfilled", "delivered"])
def test_it_comes_once_all_has_happened_and_so_many_days_later(until):
    waiting = {"pending_until": until, "pending_days": 2}
    assert told(ORDER, 300, **waiting) == [("earn", 100, None)]
    for happened, comes in ((1, 7), (5, 7), (9, 11)):  # it was paid on the fifth day
        order = happened_at(until, START + happened * DAY)
        assert told(order, 300, **waiting) == [("earn", 100, START + comes * DAY)]
    other = {"fulfilled": "delivered", "delivered": "fulfilled"}[until]
    assert told(happened_at(other, START), 300, **waiting) == [("earn", 100, None)]


def test_while_it_waits_it_is_not_spent_and_does_not_end():
    folded = fold(facts(ORDER, pending_until="delivered", months=1), START + 3000 * DAY)
    assert (folded.purse.available(), folded.next_expiry, folded.next_change) == (0, None, None)


def test_a_refund_before_the_delivery_leaves_the_rest():
    refund = Refund(id="r", amount_minor=3_000, refunded_at=START + DAY)
    order = replace(ORDER, refunds=(refund,))
    for delivered_at, comes in ((None, None), (START + DAY, START + 5 * DAY)):
        known = replace(order, delivered_at=delivered_at)
        assert told(known, 9, pending_until="delivered") == [
            ("earn", 100, comes),
            ("clawback", -30, comes),
        ]


def test_it_lasts_from_when_it_came():
    order = replace(ORDER, delivered_at=START + 31 * DAY)  # 1 February, for a month
    earned, ended = told(order, 100, pending_until="delivered", months=1)
    assert earned == ("earn", 100, START + 31 * DAY)
    assert ended == ("expire", -100, START + 59 * DAY)


def test_what_waits_is_taken_along_with_what_it_waits_for():
    waiting = facts(ORDER, pending_until="delivered", pending_days=3, months=2)
    awaits = Awaited(order="o", until="delivered", days=3, months=2)
    at = START + 8 * DAY
    assert held(waiting, at).lots == (HeldLot(points=100, available_at=at, awaits=awaits),)


def test_what_waited_elsewhere_comes_here_once_it_is_delivered():
    awaits = Awaited(order="o", until="delivered", days=3, months=2)
    lot = HeldLot(points=100, available_at=START + 8 * DAY, awaits=awaits)
    took = Takeover(id="t", holding=Holding(at=START + 8 * DAY, lots=(lot,)), batch="b")
    versions = publications([(START + 8 * DAY, program())])

    def come(order):
        known = Facts(takeovers=[took], awaited_orders=[order], versions=versions)
        postings = fold(known, START + 100 * DAY).postings
        return [(one.kind, one.points, unless_awaited(one.effective_at)) for one in postings]

    assert come(ORDER) == [("import", 100, None)]
    assert come(replace(ORDER, delivered_at=START + 20 * DAY)) == [
        ("import", 100, START + 23 * DAY),  # 24 January
        ("expire", -100, START + 82 * DAY),  # 24 March
    ]


def test_all_conditions_hold_together_and_factors_are_multiplied():
    assert points(STAMP) == 100
    assert points(STAMP, When(collection="summer")) == 160
    assert points(STAMP, When(collection="summer"), When(collection="new")) == 280
    assert points(STAMP, When(collection="summer", product="q")) == 100
    assert points(STAMP, When(collection="summer", segment="vip")) == 160
    assert points(STAMP, When(collection="summer", segment="new")) == 100
    assert points(STAMP, When(segment="vip")) == 200
    assert points(BLANK, When(segment="vip"), When(collection="summer")) == 100


def test_what_a_collection_excludes_earns_nothing_and_counts_for_no_tier():
    silver = Tier(name="Silver", from_minor={"EUR": 6_001})
    tiers = Tiers(by="spend", tier=[silver])
    sale = Exclude(collections=["sale"])
    assert points(STAMP, exclude=sale) == 60
    stands = [
        fold(facts(ORDER, one, exclude=sale, tiers=tiers), START + DAY).stand
        for one in (STAMP, BLANK)
    ]
    assert [one and one.tier for one in stands] == [None, "Silver"]


def test_a_stamp_says_what_it_lacks():
    asks = program(exclude=Exclude(collections=["x"]), multiplier=[])
    vip = program(multiplier=[Multiplier(when=When(segment="vip"), factor="2")])
    assert (BLANK.lacks_products(ORDER, asks), STAMP.lacks_products(ORDER, asks)) == (
        {"p", "q"},
        set(),
    )
    assert (BLANK.lacks_products(ORDER, vip), BLANK.lacks_segments(asks)) == (set(), False)
    assert (BLANK.lacks_segments(vip), STAMP.lacks_segments(vip)) == (True, False)
    gone = replace(ORDER, lines=(replace(ORDER.lines[0], product_id="0"),))
    assert BLANK.lacks_products(gone, asks) == set()


def test_what_was_stamped_is_never_stamped_again():
    more = STAMP.more({"p": ("other",), "r": ("late",)}, ("new",))
    assert more.collections == {**STAMP.collections, "r": ("late",)}
    assert more.segments == ("vip",)
