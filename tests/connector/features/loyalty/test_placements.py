"""Tiers by hand: held for a window, or until the next decision."""

from datetime import UTC, datetime

import pytest

from connector.features.loyalty.rules.fold import Facts, fold
from connector.features.loyalty.rules.program import Tier, Tiers, publications
from connector.features.loyalty.rules.tiers import Placement
from platforms.model import Order, OrderLine
from tests.connector.features.loyalty.histories import program


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def tiers(window):
    return Tiers(
        by="spend",
        window=window,
        grace_days=30,
        tier=[
            Tier(name="Silver", from_minor={"EUR": 10_000}),
            Tier(name="Gold", from_minor={"EUR": 20_000}),
        ],
    )


def placed(day, tier, *, lock=False):
    return Placement(id=day, tier=tier, is_locked=lock, placed_at=at(day))


def order(day, minor):
    return Order(
        id=day,
        number=day,
        customer_id="c1",
        email=None,
        status="processing",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=minor,
        placed_at=at(day),
        paid_at=at(day),
        updated_at=at(day),
        lines=(OrderLine(id="a", product_id="p", quantity=1, total_minor=minor, tax_minor=0),),
    )


def held(window, day, *, placements, orders=()):
    versions = publications([(at("2024-01-01"), program(tiers=tiers(window)))])
    known = Facts(versions=versions, placements=placements, orders=orders)
    return fold(known, at(day)).stand.tier


@pytest.mark.parametrize(
    ("window", "last", "gone"),
    [
        # a window from that day, then the grace; Warsaw's clocks are an hour or two ahead
        ("rolling_months:12", "2025-03-31T22:59", "2025-03-31T23:00"),
        # what was given in 2024 holds through 2025, as what was reached in it would
        ("calendar_year", "2026-01-30T22:59", "2026-01-30T23:00"),
    ],
)
def test_a_tier_that_was_given_is_held_for_a_window_and_the_grace(window, last, gone):
    given = [placed("2024-03-02", "Gold")]
    assert held(window, "2024-03-01T23:59", placements=given) is None
    assert held(window, last, placements=given) == "Gold"
    assert held(window, gone, placements=given) is None


def test_a_tier_that_was_given_for_a_lifetime_stays():
    assert held("lifetime", "2034-01-01", placements=[placed("2024-03-02", "Gold")]) == "Gold"


def test_what_counts_may_lift_it_and_keep_it():
    given = [placed("2024-03-02", "Silver")]
    orders = [order("2024-06-01", 20_000)]
    assert held("rolling_months:12", "2024-06-02", placements=given, orders=orders) == "Gold"
    # Gold by what counts: from June, not from the decision
    assert held("rolling_months:12", "2025-06-30", placements=given, orders=orders) == "Gold"
    assert held("rolling_months:12", "2025-07-02", placements=given, orders=orders) is None


def test_nobody_is_given_less_than_what_counts():
    orders = [order("2024-02-01", 20_000)]
    given = [placed("2024-03-02", "Silver")]
    assert held("lifetime", "2024-03-03", placements=given, orders=orders) == "Gold"


def test_a_lock_holds_whatever_counts_until_it_is_let_go():
    orders = [order("2024-02-01", 10_000), order("2024-04-01", 30_000)]
    locked = [placed("2024-03-02", "Silver", lock=True)]
    free = [*locked, placed("2024-05-01", None)]
    assert held("lifetime", "2024-04-02", placements=locked, orders=orders) == "Silver"
    assert held("lifetime", "2024-05-02", placements=free, orders=orders) == "Gold"
    assert held("lifetime", "2024-05-02", placements=free) is None


def test_somebody_may_be_kept_out_of_all_tiers():
    orders = [order("2024-04-01", 30_000)]
    out = [placed("2024-03-02", None, lock=True)]
    assert held("lifetime", "2024-04-02", placements=out, orders=orders) is None
