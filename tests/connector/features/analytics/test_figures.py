"""What figures come to, by examples that can be worked out on paper, and by laws."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.commerce.models import StoreRow
from connector.commerce.snapshots import pack
from connector.features.analytics.columns import Columns
from connector.features.analytics.figures import churn_days, nearest
from platforms.model import Order, Refund

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLAIN = Order(
    id="1", number="1", customer_id="1", email=None, status="completed", is_paid=True,
    is_cancelled=False, currency="EUR", total_minor=1000, placed_at=NOW, paid_at=NOW,
    updated_at=NOW,
)  # fmt: skip


def order(who, days_ago=0.0, total_minor=1000, back=(), **more):
    """Return the row of an order, of which so much was refunded again and again."""
    placed_at = more.pop("placed_at", NOW - days_ago * DAY)
    refunds = tuple(
        Refund(id=str(n), amount_minor=minor, refunded_at=NOW) for n, minor in enumerate(back)
    )
    known = {"total_minor": total_minor, "placed_at": placed_at, "refunds": refunds}
    return {"account": who, "body": pack(replace(PLAIN, **known, **more))}


def move(who, kind, points, days_ago=1.0):
    at = NOW - days_ago * DAY
    return {"account": who, "kind": kind, "effective_at": at, "points": points}


def figures(orders=(), moves=(), zone="UTC", owners=None, pages=1):
    store = StoreRow(currency="EUR", timezone=zone)
    with closing(Columns(store, NOW, owners or {}).open()) as columns:
        for page in range(pages):
            columns.add_orders(orders[page::pages])
            columns.add_entries(moves[page::pages])
        return columns.figures()


def test_retention_churn_and_repeat_purchases_by_hand():
    found = figures(
        [
            order("ann", 200),
            order("bea", 100),
            order("cem", 10),
            order("dan", 400), order("dan", 5),
            order("eve", 190), order("eve", 20),
        ]
    )  # fmt: skip
    # With 2 gaps there is nothing to learn from: a customer is who ordered within 180 days.
    assert (found.churn_days, found.gaps, found.is_learned) == (180, 2, False)
    # 30 days ago Ann, Bea and Eve were customers (ordered 30 to 210 days ago): S = 3. Now Bea, Cem,
    # Dan and Eve are (0 to 180): E = 4. Of these Cem and Dan were none then: N = 2.
    now = found.spans["30d"].now
    assert (now.active_before, now.active_after, now.newly_active) == (3, 4, 2)
    assert now.retention == Fraction(4 - 2, 3)
    # Ann is lost: 1 of 3.
    assert now.churn == Fraction(1, 3)
    # In the last 30 days Cem, Dan and Eve ordered; Dan and Eve had before, at whatever time.
    assert (now.bought, now.bought_again, now.repeat) == (3, 2, Fraction(2, 3))
    assert (now.newcomers, now.orders) == (1, 3)
    # From 60 to 30 days ago nobody ordered; Ann, Bea, Eve were customers all the time.
    before = found.spans["30d"].before
    assert (before.active_before, before.retention, before.repeat) == (3, 1, None)


@pytest.mark.parametrize(
    ("gaps", "days"),
    [
        ({10: 29}, 180),  # too few
        ({7: 27, 40: 2, 50: 1}, 30),  # the 27th of 30 is 7
        ({7: 26, 40: 3, 50: 1}, 40),  # the 27th is 40
        ({31: 27, 99: 4}, 99),  # nine tenths of 31 are 27.9: the 28th
        ({400: 30}, 365),
    ],
)
def test_a_customer_is_lost_once_nine_in_ten_would_have_been_back(gaps, days):
    assert churn_days(gaps) == days


def test_days_between_orders_are_rounded_up():
    found = figures([order("ann", 39.5 * n) for n in range(31)])

    assert (found.gaps, found.churn_days, found.is_learned) == (30, 40, True)


def test_what_counts_is_paid_not_cancelled_and_not_all_refunded():
    found = figures(
        [
            order("a", 1, 1000),
            order("b", 1, 1000, [300, 200]),  # 5.00 are left
            order("c", 1, 0),  # all of it paid by a coupon
            order("d", 1, 1000, is_deleted=True),
            order("e", 1, 1000, [1000]),
            order("f", 1, 1000, is_paid=False),
            order("g", 1, 1000, is_cancelled=True, cancelled_at=NOW),
            order("h", -1, 1000),  # tomorrow
            order("i", 1, 700, currency="USD"),
            order("i", 2, 700, currency="USD"),
            order("j", 1, 700, currency="JPY"),
        ]
    )

    now = found.spans["30d"].now
    assert (now.bought, now.orders, now.sales_minor) == (6, 7, 1000 + 500 + 0 + 1000)
    assert found.other_orders == {"JPY": 1, "USD": 2}


def test_value_to_date_is_of_who_bought_in_the_stores_currency():
    found = figures(
        [
            order("a", 300, 1000), order("a", 100, 2000),
            order("b", 100, 501),
            order("c", 95, 100), order("c", 1, 900),
            order("d", 1, 700, currency="USD"),
        ]
    )  # fmt: skip

    now, before = found.spans["90d"].now, found.spans["90d"].before
    # 30.00, 5.01 and 10.00: 45.01 of three is 15.0033, in the middle 10.00.
    assert (now.spenders, now.spent_minor, now.mean_minor, now.median_minor) == (
        3,
        4501,
        1500,
        1000,
    )
    # 90 days ago 30.00, 5.01 and 1.00: 36.01 of three is 12.0033.
    assert (before.spent_minor, before.mean_minor, before.median_minor) == (3601, 1200, 501)
    # 180 days ago only a had bought.
    assert found.spans["12m"].before.mean_minor is None


def test_a_median_of_two_is_half_way_and_half_a_cent_is_one():
    found = figures([order("a", 1, 100), order("b", 1, 101)])

    now = found.spans["30d"].now
    assert (now.median_minor, now.mean_minor) == (101, 101)
    assert [nearest(total, 2) for total in (1, 2, 3)] == [1, 1, 2]


def test_a_month_is_the_stores_own_and_a_cohort_begins_with_the_first_order():
    def at(text):
        return datetime.fromisoformat(f"{text}+00:00")

    found = figures(
        [
            order("a", placed_at=at("2026-09-30 21:59")),  # 23:59 in Berlin
            order("a", placed_at=at("2026-11-02 12:00")),
            order("a", placed_at=at("2026-11-03 12:00")),
            order("b", placed_at=at("2026-09-30 22:00")),  # 0:00 on 1 October
            order("b", placed_at=at("2026-10-31 22:59")),  # still October, in winter time
            order("c", placed_at=at("2026-10-31 23:00")),  # 0:00 on 1 November
        ],
        zone="Europe/Berlin",
    )

    assert [one.begins_at.isoformat() for one in found.months] == [
        "2026-08-31T22:00:00+00:00", "2026-09-30T22:00:00+00:00", "2026-10-31T23:00:00+00:00",
    ]  # fmt: skip
    assert [list(one.bought) for one in found.cohorts] == [[1, 0, 1], [1, 0], [1]]
    assert [(one.bought, one.newcomers, one.orders) for one in found.months] == [
        (1, 1, 1), (1, 1, 2), (2, 1, 3),
    ]  # fmt: skip


def test_who_came_before_three_years_is_in_no_cohort_and_new_in_no_month():
    found = figures([order("old", 365 * 4), order("old", 1), order("new", 1)])

    assert [(one.bought, one.newcomers) for one in found.months] == [(2, 1)]
    assert [list(one.bought) for one in found.cohorts] == [[1]]


def test_points_by_kind():
    found = figures(
        moves=[
            move("a", "earn", 1000, 100),
            move("a", "earn", 100), move("b", "import", 40), move("a", "adjust", -10),
            move("a", "redeem", -50), move("a", "release", 20),
            move("b", "expire", -7), move("b", "clawback", -5), move("b", "forgive", 2),
            move("c", "earn", 500, -3),
        ]
    )  # fmt: skip

    now, before = found.spans["30d"].now, found.spans["30d"].before
    assert (now.issued, now.spent, now.expired, now.taken_back) == (130, 30, 7, 3)
    assert (before.owed, now.owed, found.pending) == (1000, 1000 + 130 - 30 - 7 - 3, 500)
    assert now.redemption == Fraction(30, 130)
    # a earned, and redeemed; b was only given and taken from; c's points are on their way.
    assert (now.active_members, now.members, before.active_members) == (1, 2, 0)
    assert [(one.issued, one.spent, one.owed) for one in found.months] == [
        (1000, 0, 1000), (0, 0, 1000), (0, 0, 1000), (130, 30, 1090),
    ]  # fmt: skip


def test_a_guest_who_proved_to_be_a_customer_is_one_with_them():
    orders = [order("guest:x", 9), order("customer:1", 1), order("guest:y", 1)]
    moves = [move("guest:x", "earn", 5), move("customer:1", "earn", 5)]

    apart, one = figures(orders, moves), figures(orders, moves, owners={"guest:x": "customer:1"})
    assert (apart.spans["30d"].now.bought, apart.spans["30d"].now.bought_again) == (3, 0)
    assert (one.spans["30d"].now.bought, one.spans["30d"].now.bought_again) == (2, 1)
    assert (apart.spans["30d"].now.members, one.spans["30d"].now.members) == (2, 1)


def test_of_nothing_nothing_is_said():
    found = figures()

    assert (found.months, found.cohorts, found.other_orders, found.pending) == ([], [], {}, 0)
    now = found.spans["12m"].now
    assert (now.retention, now.churn, now.repeat, now.mean_minor, now.redemption) == (None,) * 5


def test_an_order_of_another_release_is_read_by_what_it_has():
    row = order("a", 1)
    row["body"] = json.dumps(json.loads(row["body"]) | {"later": {"field": 1}}).encode()

    assert figures([row]).spans["30d"].now.bought == 1


FEWER = settings(max_examples=settings().max_examples // 5)  # each asks DuckDB forty times
KINDS = ("earn", "adjust", "import", "redeem", "release", "expire", "clawback", "forgive")
ORDERS = st.lists(
    st.builds(
        order,
        st.sampled_from("abcdef"),
        st.integers(-2, 1200),
        st.integers(0, 5000),
        st.lists(st.integers(1, 900), max_size=2),
        currency=st.sampled_from(("EUR", "USD")),
        is_paid=st.booleans(),
    ),
    max_size=60,
)
MOVES = st.lists(
    st.builds(
        move,
        st.sampled_from("abcdef"),
        st.sampled_from(KINDS),
        st.integers(-500, 500),
        st.integers(-2, 1200),
    ),
    max_size=40,
)


@FEWER
@given(orders=ORDERS, moves=MOVES, pages=st.integers(1, 7))
def test_how_rows_came_makes_no_difference(orders, moves, pages):
    assert figures(orders, moves, pages=pages) == figures(orders[::-1], moves[::-1])


@FEWER
@given(orders=ORDERS, moves=MOVES)
def test_parts_are_never_more_than_the_whole_and_sums_agree(orders, moves):
    found = figures(orders, moves)

    for span in found.spans.values():
        for one in (span.before, span.now):
            assert 0 <= one.retained <= min(one.active_before, one.active_after)
            assert one.retention is None or one.retention + one.churn == 1
            assert one.bought_again <= one.bought <= one.orders
            assert one.active_members <= one.members
        moved = span.now.issued - span.now.spent - span.now.expired - span.now.taken_back
        assert span.now.owed - span.before.owed == moved
    last = span.now.owed
    assert found.months[-1].owed == last if found.months else last == 0
    assert [one.customers for one in found.cohorts] == [one.newcomers for one in found.months]
    for place, month in enumerate(found.months):
        bought = sum(one.bought[place - n] for n, one in enumerate(found.cohorts[: place + 1]))
        assert bought <= month.bought
