"""The laws of points, on the pure fold: order, ticks, conservation, spending, publishing.

``tests/evidence/plant.py`` breaks the fold in one place at a time and shows that these go red.
"""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from connector.commerce.snapshots import Verdict, judge
from connector.features.loyalty.rules.facts import Redemption
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import in_force, publications
from connector.features.loyalty.rules.stamps import BLANK
from connector.kernel.clock import AWAITED
from connector.kernel.posting import Key, difference
from tests.connector.features.loyalty.histories import (
    DAY,
    END,
    HOUR,
    STAMPS,
    START,
    facts,
    histories,
    lives,
    program,
    programs,
)
from tests.connector.features.loyalty.naive_tiers import tier_on, tiers_met

Ledger = Counter[Key]
WARSAW = ZoneInfo("Europe/Warsaw")


def keep(known, snapshot):
    """What is held after a delivery, as the observation rules say."""
    held = known.get(snapshot.id)
    verdict = judge(held, snapshot, is_complete=True)
    return {**known, snapshot.id: snapshot} if verdict is Verdict.STORE else known


def post(ledger, wanted):
    """Append to a ledger what it lacks, as settling does."""
    for change in difference(wanted, ledger):
        ledger[change.key] += change.points


def net(ledger):
    return {key: points for key, points in ledger.items() if points}


@given(history=histories(), data=st.data())
def test_arrival_order_and_repeats_change_no_key(history, data):
    orders, redeemed, versions = history
    snapshots = [snapshot for life in orders for snapshot in life]
    repeats = data.draw(st.lists(st.sampled_from(snapshots), max_size=6))
    deliveries = data.draw(st.permutations(snapshots + repeats))

    known: dict[str, Any] = {}
    ledger: Ledger = Counter()
    for snapshot in deliveries:
        known = keep(known, snapshot)
        post(ledger, fold(facts(known.values(), redeemed, versions), END).postings)

    newest = [life[-1] for life in orders]
    clean: Ledger = Counter()
    post(clean, fold(facts(newest, redeemed, versions), END).postings)
    assert net(ledger) == net(clean)


@given(history=histories(), ticks=st.lists(st.integers(0, 400 * 24), max_size=8))
def test_when_an_account_is_settled_changes_nothing(history, ticks):
    orders, redeemed, versions = history
    known = facts([life[-1] for life in orders], redeemed, versions)

    often: Ledger = Counter()
    for tick in sorted(ticks):
        post(often, fold(known, START + tick * HOUR).postings)
    post(often, fold(known, END).postings)

    once: Ledger = Counter()
    post(once, fold(known, END).postings)
    assert net(often) == net(once)


@given(history=histories())
def test_entries_sum_to_open_lots_less_the_deficit(history):
    orders, redeemed, versions = history
    known = facts([life[-1] for life in orders], redeemed, versions)

    instants = {one.effective_at for one in fold(known, END).postings}
    for at in instants - {*AWAITED.values()}:
        folded = fold(known, at)
        effective = sum(one.points for one in folded.postings if one.effective_at <= at)
        open_lots = sum(lot.points for lot in folded.purse.lots.values() if lot.is_open)
        assert effective == open_lots - folded.purse.deficit
        assert folded.purse.deficit >= 0
        assert all(lot.points >= 0 for lot in folded.purse.lots.values())
        assert all(one.cause and one.points for one in folded.postings)


def priced(order, version, rule, refunds, tier):
    """The points of what refunds leave of an order, before any cap, from the rule's words."""
    if not order.is_paid:
        return 0
    named = [line for refund in refunds for line in refund.lines]
    explained = sum(one.total_minor + one.tax_minor for one in named)
    explained += sum(refund.other_minor for refund in refunds)
    paid_out = sum(refund.amount_minor for refund in refunds)
    left = order.total_minor - explained
    share = 1 - Fraction(max(paid_out - explained, 0), left) if left > 0 else Fraction(0)

    def minor(one):
        return one.total_minor + (one.tax_minor if "tax" in rule.count else 0)

    stamp = STAMPS.get(order.id, BLANK)

    def times(product):
        factor = Fraction(1)
        for one in version.program.multiplier:
            when = one.when
            is_now = when.begins_at is None or when.begins_at <= order.placed_at < when.ends_at
            segments = stamp.segments or ()
            is_theirs = when.tier in (None, tier) and when.segment in (None, *segments)
            is_it = when.product in (None, product) and when.collection in (
                None,
                *stamp.collections.get(product, ()),
            )
            factor *= Fraction(one.factor) if is_now and is_theirs and is_it else 1
        return factor

    kept = Fraction(0)
    for line in order.lines:
        part = minor(line) - sum(minor(one) for one in named if one.line_id == line.id)
        shelves = stamp.collections.get(line.product_id, ())
        excluded = line.product_id in rule.exclude.products
        excluded = excluded or any(one in rule.exclude.collections for one in shelves)
        kept += 0 if excluded else part * times(line.product_id)
    gone = [one for one in named if one.line_id not in {line.id for line in order.lines}]
    kept -= sum(minor(one) for one in gone)
    if "shipping" in rule.count:
        part = minor(order.shipping) - sum(minor(one.shipping) for one in refunds)
        kept += part * times(None)
    return floor(max(kept * max(share, 0), 0) * rule.points / rule.per_minor["EUR"])


WINDOWS = {
    "calendar_day": lambda day: day,
    "calendar_week": lambda day: day.isocalendar()[:2],
    "calendar_month": lambda day: (day.year, day.month),
    "calendar_year": lambda day: day.year,
    "lifetime": lambda _: None,
}


def owed(orders, versions, admissions=None):
    """What each order's earn and clawback entries must sum to; of a budget, what was admitted."""
    granted: dict[str, list[tuple[Any, int]]] = {}
    sums: dict[str, int] = {}
    tiers = tiers_met(orders, versions)
    for order in sorted(orders, key=lambda one: (one.placed_at, one.id)):
        tier, version = tiers.get(order.id), in_force(versions, order.placed_at)
        day = order.placed_at.astimezone(WARSAW).date()
        sums[order.id] = 0
        rules = [rule for rule in version.program.earn if rule.kind == "order"] if version else []
        for number, rule in enumerate(rules, start=1):
            before = granted.setdefault(rule.id, [])
            gross = value = priced(order, version, rule, (), tier)
            for cap in rule.caps:
                window = WINDOWS[cap.per]
                room = cap.points - sum(had for when, had in before if window(when) == window(day))
                within = 0 if cap.all_or_nothing and value > room else max(min(value, room), 0)
                gross = min(gross, within)
            left = priced(order, version, rule, order.refunds, tier)
            left = 0 if order.cancelled_at else left
            if version.program.budget:
                cause = f"order:{order.id}" if number == 1 else f"order:{order.id}/rule:{number}"
                one = (admissions or {}).get(cause)
                gross = min(gross, one.admitted if one else 0)
                gross = min(gross, one.held) if one and min(left, gross) > one.held else gross
            before.append((day, gross))
            sums[order.id] += min(left, gross)
    return sums


@given(history=histories())
def test_an_orders_entries_sum_to_what_is_kept_of_it(history):
    orders, redeemed, versions = history
    newest = [life[-1] for life in orders]
    folded = fold(facts(newest, redeemed, versions, by_hand={}), END)

    sums = dict.fromkeys((order.id for order in newest), 0)
    for one in folded.postings:
        if one.kind in {"earn", "clawback"} and one.cause.startswith("order:"):
            sums[one.cause.split("/")[0].removeprefix("order:")] += one.points
    assert sums == owed(newest, versions)


@given(history=histories(), hours=st.lists(st.integers(0, 500 * 24), min_size=1, max_size=5))
def test_the_tier_at_any_instant_is_that_of_a_second_author(history, hours):
    orders, _, versions = history
    newest = [life[-1] for life in orders]
    for hour in hours:
        at = START + hour * HOUR
        known = [order for order in newest if order.placed_at <= at]
        stand = fold(facts(known, [], versions, by_hand={}), at).stand
        assert (stand.tier if stand else None) == tier_on(known, versions, at)


@given(orders=st.tuples(lives("o1"), lives("o2")), versions=programs(), data=st.data())
def test_whoever_had_the_points_may_spend_them_and_later_facts_void_nothing(orders, versions, data):
    known = facts([life[-1] for life in orders], [], versions)
    redeemed: list[Redemption] = []
    for number in range(data.draw(st.integers(1, 4))):
        at = START + data.draw(st.integers(0, 90 * 24)) * HOUR + number * DAY
        cost = data.draw(st.integers(1, 200))
        before = [one for one in redeemed if one.redeemed_at <= at]
        folded = fold(facts(known.orders, before, versions), at)
        if redeemed == before and folded.purse.available() >= cost:
            redeemed.append(Redemption(id=f"s{number}", cost=cost, code="X", redeemed_at=at))

    folded = fold(facts(known.orders, redeemed, versions), END)
    debits = {one.cause: one.points for one in folded.postings if one.kind == "redeem"}
    assert debits == {f"redemption:{one.id}": -one.cost for one in redeemed}
    for one in redeemed:
        until = [other for other in redeemed if other.redeemed_at <= one.redeemed_at]
        assert fold(facts(known.orders, until, versions), one.redeemed_at).purse.available() >= 0


@given(history=histories(), hours=st.integers(0, 30 * 24), points=st.integers(1, 9))
def test_publishing_changes_no_key_of_an_earlier_cause(history, hours, points):
    orders, _, versions = history
    newest = [life[-1] for life in orders]
    at = max(START + hours * HOUR, versions[-1].begins_at)
    known = [(one.begins_at, one.program) for one in versions]
    more = publications([*known, (at, program(points=points, pending_days=3, months=3))])

    early = {f"order:{order.id}" for order in newest if order.placed_at < at}

    def is_early(one):
        # What an expiry finds left is caused by all that happened until then, later orders too;
        # so is what a later refund takes more than there is.
        is_by_its_order = one.kind not in {"expire", "forgive"}
        if one.cause.startswith("tier:"):
            return one.effective_at < at
        return one.cause.split("/")[0] in early and (is_by_its_order or one.effective_at < at)

    def of_early(chosen):
        folded = fold(facts(newest, [], chosen), END)
        return {one.key: one.points for one in folded.postings if is_early(one)}

    assert of_early(more) == of_early(versions)


@given(history=histories(), hours=st.integers(0, 30 * 24), points=st.integers(1, 9))
def test_a_re_rate_is_as_if_it_had_been_published_then(history, hours, points):
    orders, redeemed, versions = history
    newest = [life[-1] for life in orders]
    (first, *later), new = versions, program(points=points, pending_days=3, months=3)
    since, now = START + hours * HOUR, max(versions[-1].begins_at, START + 31 * DAY)

    known = [(one.begins_at, one.program) for one in (first, *later)]
    kept = [(at, one) for at, one in known if at < since] or known[:1]
    rated = publications([*known, (now, new, since)])
    told = [(one.key, one.points) for one in fold(facts(newest, redeemed, rated), END).postings]
    then = publications([*kept, (since, new)])

    expected = fold(facts(newest, redeemed, then), END).postings
    assert told == [(one.key, one.points) for one in expected]


@given(
    history=histories(),
    cuts=st.lists(st.integers(0, 90 * 24), min_size=1, max_size=4),
    end=st.integers(0, 400 * 24),
)
def test_folding_from_checkpoints_equals_folding_from_empty(history, cuts, end):
    orders, redeemed, versions = history
    known = facts([life[-1] for life in orders], redeemed, versions)
    end_at = START + max(end, *cuts) * HOUR

    whole: Ledger = Counter()
    post(whole, fold(known, end_at).postings)
    before: Checkpoint | None = None
    for cut in sorted(cuts):
        at = START + cut * HOUR
        taken = checkpoint(begun_since(known, before), at, before)
        before = msgspec.json.decode(msgspec.json.encode(taken), type=Checkpoint)
    assert before is not None
    late = fold(begun_since(known, before), end_at, before)

    later: Ledger = Counter()
    post(later, late.postings)
    assert net(later) == {k: v for k, v in net(whole).items() if k[2] >= before.at}
    assert late.purse.available() == fold(known, end_at).purse.available()
    assert late.next_expiry == fold(known, end_at).next_expiry
    assert late.stand == fold(known, end_at).stand


def begun_since(known, taken):
    """Return the facts that begin at a checkpoint or later; an order that uses a code is one."""
    if taken is None:
        return known
    return replace(
        known,
        orders=[order for order in known.orders if order.placed_at >= taken.at],
        redemptions=[one for one in known.redemptions if one.redeemed_at >= taken.at],
        signed_up_at=known.signed_up_at if known.signed_up_at >= taken.at else None,
        adjustments=[one for one in known.adjustments if one.adjusted_at >= taken.at],
        imports=[one for one in known.imports if one.imported_at >= taken.at],
        placements=[one for one in known.placements if one.placed_at >= taken.at],
        acts=[one for one in known.acts if one.at >= taken.at],
    )
