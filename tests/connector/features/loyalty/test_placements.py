"""Tiers by hand, held for a window or until the next decision; and what keeps a tier."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.program import Tier, Tiers, publications
from connector.features.loyalty.rules.tiers import Placement
from platforms.model import Order, OrderLine, Refund
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


def stand(versions, day, orders):
    return fold(Facts(versions=versions, orders=orders), at(day)).stand


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


@pytest.mark.parametrize("grace_days", [0, 30])
def test_what_keeps_a_years_tier_is_what_the_year_lacks(grace_days):
    yearly = msgspec.structs.replace(tiers("calendar_year"), grace_days=grace_days)
    versions = publications([(at("2024-01-01"), program(tiers=yearly))])
    orders = [order("2024-05-01", 21_000), order("2025-03-01", 12_000)]

    asked = stand(versions, "2025-12-15", orders)
    assert (asked.tier, asked.short) == ("Gold", {"EUR": 8_000})
    assert asked.keep_by == at("2025-12-31T23:00")  # Warsaw's midnight

    kept = stand(versions, "2026-02-15", [*orders, order("2025-12-20", 8_000)])
    assert (kept.tier, kept.short) == ("Gold", {"EUR": 20_000})


def test_in_the_grace_it_is_what_the_new_year_lacks():
    versions = publications([(at("2024-01-01"), program(tiers=tiers("calendar_year")))])
    asked = stand(versions, "2026-01-15", [order("2024-05-01", 21_000), order("2026-01-10", 500)])
    assert (asked.tier, asked.short) == ("Gold", {"EUR": 19_500})
    assert asked.keep_by == asked.falls_at == at("2026-01-30T23:00")


@pytest.mark.parametrize(
    ("day", "tier"),
    [
        # the Gold of 2024 is held through 2025, whose Silver is held through 2026
        ("2026-01-30T22:59", "Gold"),
        ("2026-01-30T23:00", "Silver"),
        ("2027-01-30T22:59", "Silver"),
        ("2027-01-30T23:00", None),
    ],
)
def test_who_has_not_enough_for_a_year_falls_to_what_it_brought(day, tier):
    versions = publications([(at("2024-01-01"), program(tiers=tiers("calendar_year")))])
    orders = [order("2024-05-01", 21_000), order("2025-03-01", 12_000)]
    assert stand(versions, day, orders).tier == tier


def test_a_refund_takes_nothing_of_a_year_that_its_order_was_not_of():
    versions = publications([(at("2024-01-01"), program(tiers=tiers("calendar_year")))])
    refund = Refund(id="r", amount_minor=100, refunded_at=at("2025-02-01"))
    orders = [replace(order("2024-05-01", 10_000), refunds=(refund,))]
    # reached in 2024, held through 2025, and then for the grace
    assert stand(versions, "2026-01-30T22:59", orders).tier == "Silver"
    assert stand(versions, "2026-01-30T23:00", orders).tier is None


BY_ONE = program(tiers=msgspec.structs.replace(tiers("rolling_months:1"), downgrade_step="one"))
STEPWISE = publications([(at("2024-01-01"), BY_ONE)])


def test_what_is_regained_in_the_grace_is_held_on():
    # Gold till 15 February and for 30 days more; regained until 1 April, and for 30 days more
    orders = [order("2025-01-15", 20_000), order("2025-03-01", 20_000)]
    for day in ("2025-03-18", "2025-04-30T22:59"):
        asked = stand(STEPWISE, day, orders)
        assert (asked.tier, asked.since) == ("Gold", at("2025-01-15"))
    assert stand(STEPWISE, "2025-04-30T23:00", orders).tier == "Silver"


def test_who_fell_by_one_tier_is_judged_a_window_later_whatever_they_buy():
    # Gold till 17 March as above; Silver till 17 April, when it is too little, and 30 days more
    orders = [order("2025-01-15", 20_000), order("2025-03-20", 100)]
    for day, tier in (
        ("2025-03-16T23:59", "Gold"),
        ("2025-03-17", "Silver"),
        ("2025-05-16T22:59", "Silver"),
        ("2025-05-16T23:00", None),
    ):
        assert stand(STEPWISE, day, orders).tier == tier


def test_an_order_of_tomorrow_is_no_part_of_today():
    versions = publications([(at("2024-01-01"), program(tiers=tiers("rolling_months:1")))])
    orders = [order("2025-01-15", 21_000), order("2025-04-01", 100)]
    asked = stand(versions, "2025-01-20", orders)
    assert (asked.falls_at, asked.counted) == (at("2025-03-17"), {"EUR": 21_000})


def test_who_is_held_by_a_new_kind_of_window_is_judged_at_its_end():
    rolling = program(tiers=tiers("rolling_months:12"))
    yearly = program(tiers=tiers("calendar_year"))
    versions = publications([(at("2023-01-01"), rolling), (at("2025-02-01"), yearly)])
    orders = [order("2024-03-01", 21_000)]
    assert stand(versions, "2026-01-30T22:59", orders).tier == "Gold"
    assert stand(versions, "2026-01-30T23:00", orders).tier is None


def test_a_checkpoint_knows_what_tiers_that_come_back_will_count():
    with_tiers = program(tiers=tiers("lifetime"))
    versions = publications(
        [
            (at("2024-01-01"), with_tiers),
            (at("2024-06-01"), program()),
            (at("2024-07-01"), with_tiers),
        ]
    )
    orders = [order("2024-02-01", 21_000), order("2024-03-01", 100)]
    known = Facts(versions=versions, orders=orders)
    taken = checkpoint(known, at("2024-02-15"))

    late = fold(replace(known, orders=orders[1:]), at("2024-08-01"), taken)
    assert late.stand == fold(known, at("2024-08-01")).stand
    assert late.stand.tier == "Gold"


def test_what_leaves_after_the_last_day_of_all_calendars_never_does():
    versions = publications([(at("2024-01-01"), program(tiers=tiers("rolling_months:60")))])
    assert stand(versions, "2025-01-01", [order("9998-01-01", 21_000)]).tier is None
