"""Checkpoints of accounts over years, in zones that change their clocks at odd hours."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from connector.features.loyalty.rules.facts import Facts, Redemption
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.program import (
    Cap,
    Multiplier,
    Tier,
    Tiers,
    When,
    publications,
)
from platforms.model import Order, OrderLine, Refund
from tests.connector.features.loyalty.histories import program

BEGINNING, END = datetime(2024, 11, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
DAYS = 800
NEW_YEARS = [datetime(year, 12, 31, 12, tzinfo=UTC) for year in (2024, 2025, 2026)]
CLOCKS_BACK = datetime(2025, 10, 26, tzinfo=UTC)
ZONES = [
    "Europe/Warsaw",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "America/Havana",
    "Asia/Beirut",
    "America/Santiago",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
]
PERS = ["calendar_day", "calendar_week", "calendar_month", "calendar_year", "lifetime"]


def tiers(rng):
    by = rng.choice(["spend", "points", "orders"])
    step = rng.choice([1, 2, 3])
    of = {
        "spend": lambda n: {"from_minor": {"EUR": 10_000 * n * step}},
        "points": lambda n: {"from_points": 100 * n * step},
        "orders": lambda n: {"from_orders": n * step},
    }
    return Tiers(
        by=by,
        window=rng.choice(["lifetime", "calendar_year", "rolling_months:1", "rolling_months:3"]),
        downgrade_step=rng.choice(["whole", "one"]),
        grace_days=rng.choice([0, 5, 40]),
        tier=[Tier(name=name, **of[by](n)) for n, name in enumerate(["Silver", "Gold"], start=1)],
    )


def version(rng):
    caps = [
        Cap(
            points=rng.randint(20, 3000),
            per=rng.choice(PERS),
            all_or_nothing=rng.random() < 0.3,
        )
        for _ in range(rng.randint(0, 2))
    ]
    one = program(
        points=rng.randint(1, 3),
        pending_days=rng.choice([0, 3]),
        months=rng.choice([None, 2]),
        expiry=rng.choice(["lot", "inactivity"]),
        caps=caps,
        tiers=rng.choice([None, tiers(rng), tiers(rng)]),
        multiplier=[Multiplier(when=When(tier="Gold"), factor="1.5")],
        negative_balance=rng.choice(["allow", "clamp"]),
    )
    return msgspec.structs.replace(one, timezone=rng.choice(ZONES))


def order(rng, number):
    if rng.random() < 0.5:
        at = BEGINNING + timedelta(minutes=15 * rng.randint(0, DAYS * 96))
    else:  # where windows begin and end
        at = rng.choice([*NEW_YEARS, CLOCKS_BACK]) + timedelta(minutes=5 * rng.randint(-300, 500))
    refunded_at = at + timedelta(hours=rng.randint(0, 900))
    refund = Refund(id="r", amount_minor=rng.randint(1, 13_000), refunded_at=refunded_at)
    return Order(
        id=str(number),
        number=str(number),
        customer_id="c1",
        email=None,
        status="processing",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=13_000,
        placed_at=at,
        paid_at=at,
        updated_at=at,
        lines=(OrderLine(id="a", product_id="p", quantity=1, total_minor=10_000, tax_minor=0),),
        refunds=(refund,) if rng.random() < 0.3 else (),
    )


def redemption(rng, number):
    at = BEGINNING + timedelta(hours=rng.randint(0, DAYS * 24))
    return Redemption(
        id=f"x{number}",
        cost=rng.randint(1, 400),
        code=f"X{number}",
        redeemed_at=at,
        released_at=rng.choice([None, at + timedelta(days=3)]),
    )


@pytest.mark.parametrize("seed", range(30))
def test_folding_from_checkpoints_equals_folding_from_empty(seed):
    rng = random.Random(seed)
    ends = sorted(rng.sample(range(1, 700), 2))
    begins = [BEGINNING, *(BEGINNING + timedelta(days=days) for days in ends)]
    facts = Facts(
        orders=[order(rng, number) for number in range(60)],
        redemptions=[redemption(rng, number) for number in range(5)],
        versions=publications([(at, version(rng)) for at in begins]),
    )

    def since(taken):
        return replace(
            facts,
            orders=[one for one in facts.orders if one.placed_at >= taken.at],
            redemptions=[one for one in facts.redemptions if one.redeemed_at >= taken.at],
        )

    instants = [*(one.placed_at for one in facts.orders), *NEW_YEARS]
    first, *cuts = sorted(rng.choice(instants) for _ in range(3))
    taken = checkpoint(facts, first)
    for cut in cuts:
        taken = checkpoint(since(taken), cut, taken)

    whole, late = fold(facts, END), fold(since(taken), END, taken)
    wanted = {one.key: one.points for one in whole.postings if one.effective_at >= taken.at}
    assert {one.key: one.points for one in late.postings} == wanted
    assert late.purse.available() == whole.purse.available()
    assert late.stand == whole.stand
