"""The fold by hand: each figure here was worked out on paper from design 3b."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.features.loyalty.rules.earn import LINES, Basis, kept_minor, worth
from connector.features.loyalty.rules.facts import Adjustment, Facts, Redemption
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.program import (
    Cap,
    EarnRule,
    Exclude,
    Expiry,
    Multiplier,
    When,
    publications,
)
from platforms.model import Order, OrderLine, Refund, RefundLine
from tests.connector.features.loyalty.histories import DAY, START, program

GOODS = Basis({}, LINES)
PAID = Order(
    id="1", number="1001", customer_id="c1", email=None, status="processing", is_paid=True,
    is_cancelled=False, currency="EUR", total_minor=10_000 + 1_900 + 490, placed_at=START,
    paid_at=START, updated_at=START,
    lines=(
        OrderLine(id="a", product_id="p", quantity=1, total_minor=6_000, tax_minor=1_140),
        OrderLine(id="b", product_id="p", quantity=2, total_minor=4_000, tax_minor=760),
    ),
)  # fmt: skip
LINE = RefundLine(line_id="b", quantity=1, total_minor=2_000, tax_minor=380)


def refund(id_="r", days=1, amount=0, lines=(), other=0):
    return Refund(
        id=id_, amount_minor=amount, refunded_at=START + days * DAY, lines=lines, other_minor=other
    )  # fmt: skip


def folded(orders, *, days=0, redemptions=(), coded=(), **changes):
    versions = publications([(START, program(**changes))])
    facts = Facts(
        orders=orders, coded_orders=coded, redemptions=redemptions, versions=versions
    )  # fmt: skip
    return fold(facts, START + days * DAY)


def told(result):
    return [
        (one.kind, one.points, (one.effective_at - START) / DAY)
        for one in sorted(result.postings, key=lambda one: (one.effective_at, one.kind))
    ]


@pytest.mark.parametrize(
    ("refunds", "kept"),
    [
        ((), 10_000),
        ((refund(amount=2_380, lines=(LINE,)),), 8_000),
        # 12.39 of the 123.90 that nothing explains: a tenth of everything, so a tenth of the goods
        ((refund(amount=1_239),), 9_000),
        # shipping alone takes no goods
        ((refund(amount=490, other=490),), 10_000),
        # a line, then half of what is left: 8000 x 1/2
        ((refund(amount=2_380, lines=(LINE,)), refund("s", amount=5_005)), 4_000),
        ((refund(amount=12_390),), 0),
        ((refund(amount=99_999),), 0),
    ],
)
def test_what_a_refund_leaves(refunds, kept):
    assert kept_minor(PAID, refunds, GOODS) == kept


@pytest.mark.parametrize(
    ("rounding", "points"), [("floor", 1), ("half_up", 2), ("ceil", 2)]
)  # fmt: skip
def test_points_are_rounded_once_as_the_rule_says(rounding, points):
    rule = EarnRule(id="o", kind="order", points=1, per_minor={"EUR": 100}, rounding=rounding)
    order = replace(PAID, lines=(replace(PAID.lines[0], total_minor=150),))
    assert worth(kept_minor(order, (), GOODS), "EUR", rule) == points
    assert worth(kept_minor(order, (), GOODS), "USD", rule) == 0


def test_less_than_a_cent_counts_until_points_are_rounded():
    line = replace(PAID.lines[0], total_minor=67, tax_minor=0)
    order = replace(PAID, lines=(line,), total_minor=67)
    half = [Multiplier(when=When(), factor="0.5")]

    # 0.335 x 3 = 1.005; of 0.33, in whole cents, it would be 0.99
    assert told(folded([order], points=3, multiplier=half)) == [("earn", 1, 0)]


def test_a_paid_order_earns_when_it_is_both_placed_and_paid():
    late = replace(PAID, paid_at=START + 2 * DAY)

    assert told(folded([PAID])) == [("earn", 100, 0)]
    assert told(folded([late], pending_days=14)) == [("earn", 100, 16)]
    assert folded([late], pending_days=14, days=15).purse.available() == 0
    assert folded([late], pending_days=14, days=16).purse.available() == 100


def test_unpaid_earns_nothing_and_the_merchants_own_statuses_decide():
    pending = replace(PAID, status="layaway", is_paid=False)

    assert told(folded([pending])) == []
    assert told(folded([pending], paid_statuses=["layaway"])) == [("earn", 100, 0)]
    assert told(folded([PAID], paid_statuses=["layaway"])) == []


def test_a_refund_before_points_can_be_spent_takes_effect_with_them():
    order = replace(PAID, refunds=(refund(days=3, amount=2_380, lines=(LINE,)),))

    result = folded([order], pending_days=14, days=14)

    assert told(result) == [("clawback", -20, 14), ("earn", 100, 14)]
    assert result.purse.available() == 80


def test_spent_points_that_are_refunded_are_owed_and_the_next_points_pay():
    spent = Redemption(id="x", cost=90, code="X", redeemed_at=START + DAY)
    order = replace(PAID, refunds=(refund(days=2, amount=12_390),))
    later = replace(PAID, id="2", placed_at=START + 3 * DAY, paid_at=START + 3 * DAY)

    owed = folded([order], redemptions=[spent], days=2)
    assert (owed.purse.available(), owed.purse.deficit) == (-90, 90)

    paid = folded([order, later], redemptions=[spent], days=3)
    assert (paid.purse.available(), paid.purse.deficit) == (10, 0)


def test_what_is_more_than_a_cap_leaves_is_cut_off_and_explained():
    caps = [Cap(points=150, per="calendar_month"), Cap(points=999, per="calendar_day")]
    second = replace(PAID, id="2", number="1002", placed_at=START + DAY)

    earned = [one for one in folded([second, PAID], caps=caps).postings if one.kind == "earn"]

    assert [(one.points, one.why) for one in earned] == [
        (100, "order 1001: goods 100.00 EUR x 1 per 1.00, floor, program version 1"),
        (
            50,
            "order 1002: goods 100.00 EUR x 1 per 1.00, floor = 100, of which 50 within the cap of"
            " 150 a month, program version 1",
        ),
    ]


def test_a_refund_makes_no_room_and_takes_back_no_more_than_was_granted():
    caps = [Cap(points=150, per="lifetime")]
    order = replace(PAID, refunds=(refund(days=1, amount=12_390),))
    second = replace(PAID, id="2", placed_at=START + 2 * DAY, paid_at=START + 2 * DAY)
    second = replace(second, refunds=(refund("s", days=3, amount=2_380, lines=(LINE,)),))
    third = replace(second, id="3", placed_at=START + 4 * DAY, paid_at=START + 4 * DAY)

    # 50 were granted of the second, worth 80 after its refund; nothing is left for the third
    found = told(folded([order, second, third], caps=caps))
    assert found == [("earn", 100, 0), ("clawback", -100, 1), ("earn", 50, 2)]


@pytest.mark.parametrize(
    ("per", "before", "last"),
    [
        ("lifetime", [0], 800),
        # 30 December and Sunday, 3 January, are of one week; 1 November is not
        ("calendar_week", [304, 363], 367),
    ],
)
def test_a_checkpoint_knows_what_was_granted_before_its_year(per, before, last):
    versions = publications([(START, program(caps=[Cap(points=150, per=per)]))])
    *early, late = (
        replace(PAID, id=str(day), placed_at=START + day * DAY) for day in (*before, last)
    )

    taken = checkpoint(Facts(orders=early, versions=versions), START + (last - 1) * DAY)
    result = fold(Facts(orders=[late], versions=versions), START + last * DAY, taken)

    assert told(result) == [("earn", 50, last)]  # 100 of the 150 were granted


def test_multipliers_that_hold_when_it_was_placed_are_multiplied_and_rounded_once():
    week = When(begins_at=START - DAY, ends_at=START + DAY)
    multiplier = [Multiplier(when=week, factor="1.5"), Multiplier(when=When(), factor="0.333")]
    late = replace(PAID, id="2", placed_at=START + DAY)

    first, second = folded([PAID, late], multiplier=multiplier).postings

    assert (first.points, second.points) == (49, 33)  # 100 x 0.4995, 100 x 0.333
    assert first.why == (
        "order 1001: goods 100.00 EUR x 0.4995 x 1 per 1.00, floor, program version 1"
    )


def test_products_may_be_excluded_or_count_more_with_their_refunds():
    lines = (
        replace(PAID.lines[0], product_id="coffee"),
        replace(PAID.lines[1], product_id="mug"),
        OrderLine(id="c", product_id="card", quantity=1, total_minor=2_500, tax_minor=0),
    )
    order = replace(PAID, lines=lines, total_minor=PAID.total_minor + 2_500)
    order = replace(order, refunds=(refund(days=1, amount=2_380, lines=(LINE,)),))
    versions = {
        "exclude": Exclude(products=["card"]),
        "multiplier": [Multiplier(when=When(product="mug"), factor="3")],
    }

    first, second = folded([order], days=1, **versions).postings

    # 60.00 + 40.00 x 3; then 20.00 of the mugs are gone
    assert (first.points, second.points) == (180, -60)
    assert first.why == (
        "order 1001: goods (40.00 EUR x 3 + 60.00 EUR) x 1 per 1.00, floor, program version 1"
    )
    assert second.why == (
        "order 1001: refund of 23.80 EUR leaves goods of 80.00 EUR, worth 120 points"
    )


def test_what_one_refund_paid_out_may_be_named_by_a_later_one():
    # 30.00 of goodwill; then 10.00 of goods and 30.00 of shipping are named, and 10.00 more is paid
    order = replace(PAID, total_minor=13_000, lines=(replace(PAID.lines[0], total_minor=10_000),))
    named = RefundLine(line_id="a", quantity=1, total_minor=1_000, tax_minor=0)
    goodwill = refund("g", days=1, amount=3_000)
    later = refund("n", days=2, amount=1_000, lines=(named,), other=3_000)

    early = folded([replace(order, refunds=(goodwill,))], days=3)
    both = folded([replace(order, refunds=(goodwill, later))], days=3)
    swapped = (replace(goodwill, refunded_at=START + 5 * DAY), later)

    assert early.purse.available() == 76  # 100 x (1 - 30 / 130)
    assert both.purse.available() == 90  # 40.00 paid out, 40.00 named
    assert folded([replace(order, refunds=swapped)], days=9).purse.available() == 90


def test_a_shortfall_may_be_forgiven_at_once():
    spent = Redemption(id="x", cost=90, code="X", redeemed_at=START + DAY)
    order = replace(PAID, refunds=(refund(days=2, amount=12_390),))

    result = folded([order], redemptions=[spent], days=2, negative_balance="clamp")

    assert told(result)[2:] == [("clawback", -100, 2), ("forgive", 90, 2)]
    assert result.postings[-1].cause == "order:1/refund:r"
    assert result.postings[-1].why == "90 points more than there were are forgiven"
    assert (result.purse.available(), result.purse.deficit) == (0, 0)


def test_what_was_owed_before_a_shortfall_is_not_forgiven_with_it():
    spent = Redemption(id="x", cost=90, code="X", redeemed_at=START + DAY)
    order = replace(PAID, refunds=(refund(days=2, amount=12_390),))
    mistake = Adjustment(id="a", points=-30, adjusted_at=START + 4 * DAY, reason="a mistake")
    clamp = program(negative_balance="clamp")
    versions = publications([(START, program()), (START + 3 * DAY, clamp)])

    result = fold(
        Facts(orders=[order], redemptions=[spent], adjustments=[mistake], versions=versions),
        START + 4 * DAY,
    )

    assert told(result)[3:] == [("adjust", -30, 4), ("forgive", 30, 4)]
    assert result.purse.deficit == 90  # 100 - 90 - 100, of when nothing was forgiven


def test_the_lot_that_ends_first_is_spent_first_and_what_is_left_expires():
    second = replace(PAID, id="2", placed_at=START + 20 * DAY, paid_at=START + 20 * DAY)
    spent = Redemption(id="x", cost=130, code="X", redeemed_at=START + 25 * DAY)

    result = folded([second, PAID], redemptions=[spent], days=60, months=1)

    # 100 of the first and 30 of the second went; the second's 70 end a month after day 20
    assert [row for row in told(result) if row[0] == "expire"] == [("expire", -70, 51)]
    assert folded([second, PAID], redemptions=[spent], days=50, months=1).next_expiry == (
        START + 51 * DAY,
        70,
    )


def test_a_lot_may_last_to_the_end_of_its_month():
    expiry = Expiry(kind="lot", months=1, end_of_month=True)
    chosen = program()
    versions = publications([(START, type(chosen)(**{**_fields(chosen), "expiry": expiry}))])

    result = fold(Facts(orders=[PAID], versions=versions), START)

    # 1 January 1:00 in Warsaw; a month on, the end of February there
    assert result.next_expiry == (datetime(2026, 2, 28, 23, 0, tzinfo=UTC), 100)


def test_an_order_that_earns_nothing_keeps_points_that_end_by_inactivity():
    gift = Adjustment(id="g", points=30, adjusted_at=START, reason="a gift")
    order = replace(PAID, currency="USD", placed_at=START + 20 * DAY)
    versions = publications([(START, program(expiry="inactivity", months=1))])

    def ended(*orders):
        known = Facts(orders=orders, adjustments=[gift], versions=versions)
        return told(fold(known, START + 99 * DAY))[1:]

    assert ended() == [("expire", -30, 31)]  # from 1 January to 1 February
    assert ended(order) == [("expire", -30, 51)]  # from 21 January to 21 February


def test_points_that_were_taken_back_before_they_came_keep_nothing_alive():
    gift = Adjustment(id="g", points=30, adjusted_at=START, reason="a gift")
    placed_at = START + 5 * DAY
    order = replace(PAID, placed_at=placed_at, paid_at=placed_at)
    versions = publications([(START, program(expiry="inactivity", months=1, pending_days=15))])

    def ended(order):
        known = Facts(orders=[order], adjustments=[gift], versions=versions)
        return [row for row in told(fold(known, START + 99 * DAY)) if row[0] == "expire"]

    # placed on 6 January, the points come on 21 January: all end on 21 February
    assert sorted(ended(order)) == [("expire", -100, 51), ("expire", -30, 51)]
    # nothing comes: the order itself keeps the gift until 6 February
    assert ended(replace(order, refunds=(refund(days=6, amount=12_390),))) == [("expire", -30, 36)]


def _fields(one):
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_points_given_back_outlast_a_grace_and_what_they_were():
    back = Redemption(
        id="x", cost=60, code="X", redeemed_at=START + DAY, released_at=START + 25 * DAY
    )

    result = folded([PAID], redemptions=[back], days=30, months=1)

    # the lot would have ended on day 31; given back on day 25, they last 30 days more
    assert told(result) == [("earn", 100, 0), ("redeem", -60, 1), ("release", 60, 25)]
    assert result.purse.lots["redemption:x"].expires_at == START + 55 * DAY
    late = folded([PAID], redemptions=[back], days=60, months=1)
    assert [row for row in told(late) if row[0] == "expire"] == [
        ("expire", -40, 31),
        ("expire", -60, 55),
    ]


def test_a_code_used_after_its_points_went_back_is_paid_for_unless_cancelled():
    back = Redemption(
        id="x", cost=60, code="XCODE", redeemed_at=START + DAY, released_at=START + 2 * DAY
    )
    use = replace(PAID, id="9", placed_at=START + 3 * DAY, codes=("xcode",), is_paid=False)
    gone = replace(use, is_cancelled=True)

    used = folded([PAID], redemptions=[back], coded=[use], days=4)
    assert told(used)[-1] == ("redeem", -60, 3)
    assert used.purse.available() == 40
    assert folded([PAID], redemptions=[back], coded=[gone], days=4).purse.available() == 100


def test_each_posting_says_its_arithmetic():
    order = replace(PAID, refunds=(refund(amount=1_239),))
    earned, taken = folded([order], days=1).postings

    assert earned.why == (
        "order 1001: goods 100.00 EUR x 1 per 1.00, floor, program version 1"
    )  # fmt: skip
    assert taken.why == (
        "order 1001: refund of 12.39 EUR leaves goods of 90.00 EUR, worth 90 points"
    )  # fmt: skip
    assert (earned.cause, taken.cause) == ("order:1", "order:1/refund:r")


def test_before_the_program_began_nothing_is_earned():
    assert told(folded([replace(PAID, placed_at=START - timedelta(seconds=1))])) == []
