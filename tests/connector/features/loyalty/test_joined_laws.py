"""The laws of accounts that become another's, on the pure fold."""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.features.loyalty.rules.facts import Adjustment, Facts, Import, Joined, united, until
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import Tier, Tiers, publications
from connector.kernel.clock import AWAITED
from platforms.model import Order, OrderLine
from tests.connector.features.loyalty.histories import (
    DAY,
    END,
    HOUR,
    STAMPS,
    START,
    facts,
    histories,
    program,
)
from tests.connector.features.loyalty.test_laws import begun_since, net, post

GIVEN = [
    Adjustment(id="g1", points=25, adjusted_at=START + 5 * DAY, reason="sorry"),
    Adjustment(id="g2", points=-60, adjusted_at=START + 12 * DAY, reason="a mistake"),
]
BROUGHT = [
    Import(
        id="g3",
        points=20,
        imported_at=START + 3 * DAY,
        expires_at=START + 30 * DAY,
        batch="b",
    )
]
FEWER = settings(max_examples=settings().max_examples // 4)  # each is two histories
JOINED_HOURS = st.integers(0, 40 * 24)


@st.composite
def pairs(draw):
    """A customer's facts and those of a guest, of one store."""
    lives, redeemed, versions = draw(histories())
    newest = [life[-1] for life in lives]
    theirs = draw(st.lists(st.sampled_from(newest), min_size=1, max_size=2, unique_by=id))
    mine = [order for order in newest if order not in theirs]
    guest = Facts(
        orders=theirs, adjustments=GIVEN, imports=BROUGHT, versions=versions, stamps=STAMPS
    )
    return replace(facts(mine, redeemed, versions), coded_orders=newest), guest


def joined(mine, guest, at):
    return united(mine, Joined(account="guest", joined_at=at, facts=guest))


def ledger_of(*postings):
    found: Counter[Any] = Counter()
    for one in postings:
        post(found, one)
    return net(found)


def before(wanted, at):
    return {one.key: one.points for one in wanted if one.effective_at < at}


@FEWER
@given(pair=pairs(), hours=JOINED_HOURS)
def test_what_either_had_before_stays_as_it_was(pair, hours):
    mine, guest = pair
    at = START + hours * HOUR
    together = fold(joined(mine, guest, at), END)
    theirs = [
        one._replace(cause=f"guest/{one.cause}") if one.cause.startswith("tier:") else one
        for one in fold(guest, END).postings
    ]
    alone = before(fold(mine, END).postings, at) | before(theirs, at)
    assert before(together.postings, at) == alone


@FEWER
@given(pair=pairs(), hours=JOINED_HOURS)
def test_entries_sum_to_what_one_purse_holds(pair, hours):
    mine, guest = pair
    at = START + hours * HOUR
    whole = joined(mine, guest, at)
    instants = {at, *(one.effective_at for one in fold(whole, END).postings)}
    for then in instants - {*AWAITED.values()}:
        effective = sum(one.points for one in fold(whole, END).postings if one.effective_at <= then)
        parts = [fold(one, then) for one in until(whole, then)]
        assert effective == sum(one.purse.available() for one in parts)
        assert all(lot.points >= 0 for one in parts for lot in one.purse.lots.values())


@FEWER
@given(pair=pairs())
def test_who_joins_before_anything_happened_was_always_one(pair):
    mine, guest = pair
    whole = fold(joined(mine, guest, START), END)
    orders, adjustments = [*mine.orders, *guest.orders], [*mine.adjustments, *guest.adjustments]
    imports = [*mine.imports, *guest.imports]
    single = fold(replace(mine, orders=orders, adjustments=adjustments, imports=imports), END)
    assert ledger_of(whole.postings) == ledger_of(single.postings)
    assert (whole.stand, whole.purse.available()) == (single.stand, single.purse.available())


@FEWER
@given(pair=pairs(), hours=JOINED_HOURS)
def test_who_brings_nothing_changes_nothing(pair, hours):
    mine, guest = pair
    whole = fold(joined(mine, Facts(versions=guest.versions), START + hours * HOUR), END)
    assert ledger_of(whole.postings) == ledger_of(fold(mine, END).postings)
    assert whole.stand == fold(mine, END).stand


@FEWER
@given(pair=pairs(), hours=JOINED_HOURS, ticks=st.lists(st.integers(0, 400 * 24), max_size=6))
def test_when_a_joined_account_is_settled_changes_nothing(pair, hours, ticks):
    mine, guest = pair
    whole = joined(mine, guest, START + hours * HOUR)
    often = [fold(whole, START + max(tick, hours) * HOUR).postings for tick in sorted(ticks)]
    assert ledger_of(*often, fold(whole, END).postings) == ledger_of(fold(whole, END).postings)


@FEWER
@given(pair=pairs(), hours=JOINED_HOURS, cuts=st.lists(st.integers(1, 60 * 24), max_size=3))
def test_folding_from_a_checkpoint_after_a_joining_equals_folding_from_empty(pair, hours, cuts):
    mine, guest = pair
    whole = joined(mine, guest, START + hours * HOUR)
    known, taken = whole, None
    for cut in [hours + 1, *sorted(hours + 1 + cut for cut in cuts)]:
        new = checkpoint(known, START + cut * HOUR, taken)
        taken = msgspec.json.decode(msgspec.json.encode(new), type=Checkpoint)
        known = replace(begun_since(whole, taken), joined=[])
    assert taken is not None
    late, all_of_it = fold(known, END, taken), fold(whole, END)
    since = {k: v for k, v in ledger_of(all_of_it.postings).items() if k[2] >= taken.at}
    assert ledger_of(late.postings) == since
    assert late.purse.available() == all_of_it.purse.available()
    assert late.stand == all_of_it.stand


def test_a_tier_that_a_joining_brings_is_held_since_then():
    tiers = Tiers(by="spend", tier=[Tier(name="Gold", from_minor={"EUR": 10_000})])
    versions = publications([(START, program(tiers=tiers))])
    bought = Order(
        id="o1",
        number="1",
        customer_id=None,
        email="ada@example.test",
        status="completed",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=15_000,
        placed_at=START + DAY,
        paid_at=START + DAY,
        updated_at=START + DAY,
        lines=(OrderLine(id="l", product_id="p", quantity=1, total_minor=15_000, tax_minor=0),),
    )
    whole = joined(
        Facts(versions=versions), Facts(orders=[bought], versions=versions), START + 9 * DAY
    )
    stand = fold(whole, END).stand
    assert stand is not None
    assert (stand.tier, stand.since, stand.counted) == ("Gold", START + 9 * DAY, {"EUR": 15_000})
