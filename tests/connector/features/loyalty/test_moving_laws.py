"""What an account takes along to another installation, and that all goes on from it as it would.

Laws over drawn histories, and histories made by hand for what must not be missed by luck.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from connector.features.loyalty.rules.facts import (
    Facts,
    Takeover,
    as_it_was,
    orders_in,
    until,
)
from connector.features.loyalty.rules.fold import checkpoint, fold, held
from connector.features.loyalty.rules.holding import Counted, HeldLot, HeldTier, Holding
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import Tier, Tiers, publications
from platforms.model import Order, OrderLine, Refund
from tests.connector.features.loyalty.histories import (
    DAY,
    HOUR,
    PLACED_DAYS_MAX,
    START,
    facts,
    histories,
    program,
)
from tests.connector.features.loyalty.test_joined_laws import FEWER, JOINED_HOURS, joined, pairs

HOURS = st.integers(PLACED_DAYS_MAX * 24, 30 * 24) | st.integers(30 * 24, 120 * 24)
GAPS = st.sampled_from([0, 0, 1, 5 * 24, 40 * 24])


def known(history, at):
    """Return an account's facts as if nothing had happened to it after an instant.

    Without a birthday, which does not move.
    """
    lives, redemptions, versions = history
    (then,) = until(facts([life[-1] for life in lives], redemptions, versions), at)
    return as_it_was(ageless(then), at)


def ageless(one: Facts) -> Facts:
    return replace(one, acts=[act for act in one.acts if act.kind != "birthday"])


def gone_on(holding: Holding, versions, begins_at, orders=()) -> Facts:
    """Return the facts of an installation that begins with what another one knew.

    It reads the ``orders`` that lots wait for as well.
    """
    program = versions[-1].program
    return Facts(
        takeovers=[Takeover(id="t", holding=holding, batch="b")],
        versions=publications([(begins_at, program)]),
        awaited_orders=[*orders],
    )


@given(history=histories(), hours=HOURS, gap=GAPS, later=st.integers(0, 400 * 24))
def test_who_moves_has_at_any_later_instant_what_who_stays_has(history, hours, gap, later):
    moved_at = START + hours * HOUR
    begins_at = moved_at + gap * HOUR
    at = begins_at + later * HOUR
    stays = known(history, moved_at)

    moves = gone_on(held(stays, moved_at), stays.versions, begins_at, stays.orders)

    assert held(moves, at) == held(stays, at)
    assert fold(moves, at).purse.available() == fold(stays, at).purse.available()
    assert sum(one.points for one in fold(moves, at).postings) == sum(
        one.points for one in fold(stays, at).postings
    )


@FEWER
@given(pair=pairs(), joined_hours=JOINED_HOURS, hours=HOURS, later=st.integers(0, 400 * 24))
def test_who_was_joined_moves_as_one(pair, joined_hours, hours, later):
    moved_at = START + PLACED_DAYS_MAX * DAY + hours * HOUR
    mine, guest = pair
    (then,) = until(joined(ageless(mine), guest, START + joined_hours * HOUR), moved_at)
    stays, at = as_it_was(then, moved_at), moved_at + later * HOUR

    orders = [*orders_in(stays)]
    moves = gone_on(held(stays, moved_at), stays.versions, moved_at, orders)

    assert held(moves, at) == held(stays, at)
    assert fold(moves, at).purse.available() == fold(stays, at).purse.available()


@given(history=histories(), hours=HOURS, cut=st.integers(0, 200 * 24), gap=GAPS)
def test_a_checkpoint_forgets_nothing_of_what_was_brought(history, hours, cut, gap):
    moved_at = START + hours * HOUR
    stays = known(history, moved_at)
    begins_at = moved_at + gap * HOUR
    moves = gone_on(held(stays, moved_at), stays.versions, begins_at, stays.orders)
    cut_at, at = START + hours * HOUR + cut * HOUR, START + 500 * DAY

    since = decode(encode(checkpoint(moves, cut_at)), type=Checkpoint)
    later = replace(moves, takeovers=[one for one in moves.takeovers if one.holding.at >= cut_at])

    whole, rest = fold(moves, at), fold(later, at, since)
    assert (rest.stand, rest.purse.available()) == (whole.stand, whole.purse.available())
    assert {one.key: one.points for one in rest.postings} == {
        one.key: one.points for one in whole.postings if one.effective_at >= cut_at
    }


def test_nobody_forgives_what_was_owed_before():
    clamp = publications([(START, program(negative_balance="clamp"))])
    folded = fold(gone_on(Holding(at=START, owed=80), clamp, START), START + DAY)
    assert [(one.kind, one.points) for one in folded.postings] == [("import", -80)]
    assert folded.purse.deficit == 80


def test_moving_keeps_nothing_alive_that_ends_by_inactivity():
    idle = publications([(START, program(months=2, expiry="inactivity"))])
    lot = HeldLot(points=7, available_at=START, expires_at=START + 10 * DAY, idle_months=2)
    moves = gone_on(Holding(at=START, lots=(lot,)), idle, START)
    assert fold(moves, START + 10 * DAY - HOUR).purse.available() == 7
    assert [(one.kind, one.points) for one in fold(moves, START + 10 * DAY).postings] == [
        ("import", 7),
        ("expire", -7),
    ]


def test_who_moves_is_not_judged_before_their_time():
    silver = Tiers(
        by="points", window="rolling_months:1", tier=[Tier(name="Silver", from_points=9)]
    )
    tiered = publications([(START, program(tiers=silver))])
    tier = HeldTier(name="Silver", since=START, judged_at=START + 5 * DAY)
    old = Counted(placed_at=START - 20 * DAY, amounts={"points": 3})
    moves = gone_on(Holding(at=START, tier=tier, counted=(old,)), tiered, START + HOUR)
    (standing,) = {fold(moves, START + days * DAY).stand.tier for days in (1, 4)}
    assert standing == "Silver"  # though what counts is too little and leaves
    assert fold(moves, START + 4 * DAY).stand.counted == {"points": 3}
    assert fold(moves, START + 5 * DAY).stand.tier is None


def test_a_lock_comes_along_and_nothing_that_counts_moves_it():
    silver = Tiers(by="points", window="lifetime", tier=[Tier(name="Silver", from_points=9)])
    tiered = publications([(START, program(tiers=silver))])
    many = Counted(placed_at=START - DAY, amounts={"points": 90})
    holding = Holding(at=START, tier=HeldTier(is_locked=True), counted=(many,))
    stand = fold(gone_on(holding, tiered, START), START + DAY).stand
    assert (stand.tier, stand.counted) == (None, {"points": 90})


def test_a_checkpoint_keeps_what_waits_for_tiers():
    silver = Tiers(by="points", window="lifetime", tier=[Tier(name="Silver", from_points=9)])
    tiered = publications([(START, program(tiers=silver))])
    tier = HeldTier(name="Silver", since=START - DAY)
    moves = gone_on(Holding(at=START, tier=tier), tiered, START + 9 * DAY)
    since = decode(encode(checkpoint(moves, START + 5 * DAY)), type=Checkpoint)
    rest = replace(moves, takeovers=[])
    assert fold(rest, START + 10 * DAY, since).stand.tier == "Silver"


def test_what_a_refund_will_take_of_points_on_their_way_stays_behind():
    line = OrderLine(id="1", product_id="p", quantity=1, total_minor=10_000, tax_minor=0)
    refund = Refund(id="r", amount_minor=4_000, refunded_at=START + DAY)
    order = Order(
        id="o", number="o", customer_id="c1", email=None, status="completed", is_paid=True,
        is_cancelled=False, currency="EUR", total_minor=10_000, placed_at=START, paid_at=START,
        updated_at=START + DAY, lines=(line,), refunds=(refund,),
    )  # fmt: skip
    versions = publications([(START, program(pending_days=10))])
    holding = held(Facts(orders=[order], versions=versions), START + 2 * DAY)
    assert holding.lots == (HeldLot(points=60, available_at=START + 10 * DAY),)


def test_a_grace_goes_on_and_ends():
    silver = Tiers(
        by="points", window="rolling_months:1", tier=[Tier(name="Silver", from_points=9)]
    )
    tiered = publications([(START, program(tiers=silver))])
    tier = HeldTier(name="Silver", since=START - 40 * DAY, lapses_at=START + 3 * DAY)
    moves = gone_on(Holding(at=START, tier=tier), tiered, START)
    assert fold(moves, START + 3 * DAY - HOUR).stand.tier == "Silver"
    assert fold(moves, START + 3 * DAY).stand.tier is None


def test_what_left_its_window_before_the_new_program_began_was_held_as_long():
    silver = Tiers(
        by="points",
        window="rolling_months:1",
        grace_days=10,
        tier=[Tier(name="Silver", from_points=9)],
    )
    tiered = publications([(START, program(tiers=silver))])
    old = Counted(placed_at=START - 28 * DAY, amounts={"points": 9})  # of December: till day 3
    holding = Holding(at=START, tier=HeldTier(name="Silver", since=START), counted=(old,))
    moves = gone_on(holding, tiered, START + 5 * DAY)
    assert fold(moves, START + 13 * DAY - HOUR).stand.tier == "Silver"
    assert fold(moves, START + 13 * DAY).stand.tier is None
