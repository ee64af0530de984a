"""The laws of a budget that accounts share, on the pure fold: admission, conservation."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connector.features.loyalty.rules.budget import Book, is_of_tier, limit_at
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.program import Budget, publications
from connector.kernel.admission import GivenOut
from platforms.model import Order, OrderLine
from tests.connector.features.loyalty.histories import (
    BY_HAND,
    DAY,
    END,
    HOUR,
    START,
    facts,
    lives,
    program,
    programs,
)
from tests.connector.features.loyalty.test_laws import (
    Ledger,
    begun_since,
    keep,
    net,
    owed,
    post,
)

ORDERS = {"customer:1": ("o1", "o2"), "customer:2": ("o3",)}
GIVEN = {name: BY_HAND[name] for name in ("adjustments", "imports")}
PLENTY = 1_000_000
SOME = ((), (), ("customer:1",), ("customer:2",), ("customer:2", "customer:1"))
"""Who is settled after a delivery."""


@st.composite
def budgeted(draw, points):
    """Two versions, of which one or both have a budget."""
    first, second = draw(programs())
    which = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, True)]))
    return tuple(
        replace(one, program=structs.replace(one.program, budget=Budget(points=draw(points))))
        if has
        else one
        for one, has in zip((first, second), which, strict=True)
    )


@st.composite
def deliveries(draw):
    """What is heard of three orders of two accounts: as it happens to each, or in any order."""
    told = [draw(lives(id_)) for ids in ORDERS.values() for id_ in ids]
    turns = draw(st.permutations([number for number, life in enumerate(told) for _ in life]))
    if draw(st.booleans()):
        return draw(st.permutations([one for life in told for one in life]))
    left = [iter(life) for life in told]
    return [next(left[number]) for number in turns]


def known_of(account, known, versions):
    """The facts of an account; to the second points were given by hand."""
    mine = [one for id_, one in known.items() if id_ in ORDERS[account]]
    return facts(mine, [], versions, by_hand=GIVEN if account == "customer:2" else {})


def settled(book, known, versions, accounts):
    """Let accounts ask, and be given what there is, until they ask for no more."""
    again = True
    while again:
        for account in accounts:
            claims = fold(book.of(account, known_of(account, known, versions)), END).claims
            book.note(account, claims)
        again = book.admit()


def sums(folded):
    found: Counter[str] = Counter()
    for one in folded.postings:
        if one.kind in {"earn", "clawback"} and one.cause.startswith("order:"):
            found[one.cause.split("/")[0].removeprefix("order:")] += one.points
    return found


@given(sent=deliveries(), versions=budgeted(st.integers(1, 300)), data=st.data())
def test_no_more_is_given_out_than_there_is_and_orders_sum_to_what_is_kept(sent, versions, data):
    book, known = Book(versions), dict[str, Order]()
    limit = max(limit_at(versions, one.begins_at) for one in versions)
    for snapshot in sent:
        known = keep(known, snapshot)
        some = data.draw(st.sampled_from(SOME))
        if some:
            settled(book, known, versions, some)
            assert held(book, known, versions) <= limit
    settled(book, known, versions, sorted(ORDERS))
    assert held(book, known, versions) <= limit

    for account in ORDERS:
        mine = known_of(account, known, versions)
        mine = book.of(account, mine)
        expected = owed(mine.orders, versions, mine.admissions)
        assert sums(fold(mine, END)) == Counter(expected)


def held(book, known, versions):
    """What all causes of versions with a budget keep."""
    kept = 0
    for account in ORDERS:
        mine = book.of(account, known_of(account, known, versions))
        for one in fold(mine, END).postings:
            if one.kind in {"earn", "clawback"} and is_budgeted(one, mine, versions):
                kept += one.points
    return kept


def is_budgeted(one, mine, versions):
    if is_of_tier(one.cause):
        return limit_at(versions, one.effective_at) > 0
    name = one.cause.split("/")[0]
    placed = {f"order:{one.id}": one.placed_at for one in mine.orders}
    return limit_at(versions, placed.get(name, mine.signed_up_at)) > 0


@given(sent=deliveries(), versions=budgeted(st.just(PLENTY)), data=st.data())
def test_a_limit_that_is_never_reached_changes_no_posting(sent, versions, data):
    book, known = Book(versions), dict[str, Order]()
    without = [replace(one, program=structs.replace(one.program, budget=None)) for one in versions]
    for snapshot in sent:
        known = keep(known, snapshot)
        some = data.draw(st.sampled_from(SOME))
        settled(book, known, versions, some)
    settled(book, known, versions, sorted(ORDERS))

    assert book.given_out(END).refused == 0
    for account in ORDERS:
        mine = book.of(account, known_of(account, known, versions))
        assert fold(mine, END).postings == fold(known_of(account, known, without), END).postings


@given(told=st.tuples(*(lives(id_) for ids in ORDERS.values() for id_ in ids)), plain=programs())
def test_a_limit_that_is_just_enough_changes_no_posting(told, plain):
    known = {life[-1].id: life[-1] for life in told}
    without = {account: fold(known_of(account, known, plain), END) for account in ORDERS}
    earned = sum(
        one.points for each in without.values() for one in each.postings if one.kind == "earn"
    )
    versions = tuple(
        replace(one, program=structs.replace(one.program, budget=Budget(points=max(earned, 1))))
        for one in plain
    )
    book = Book(versions)
    settled(book, known, versions, sorted(ORDERS))

    assert book.given_out(END).refused == 0
    for account in ORDERS:
        mine = book.of(account, known_of(account, known, versions))
        assert fold(mine, END).postings == without[account].postings


@given(sent=deliveries(), versions=budgeted(st.integers(1, 300)), cut=st.integers(0, 90 * 24))
def test_folding_from_a_checkpoint_equals_folding_from_empty(sent, versions, cut):
    book, known = Book(versions), dict[str, Order]()
    for snapshot in sent:
        known = keep(known, snapshot)
    settled(book, known, versions, sorted(ORDERS))
    at = START + cut * HOUR
    for account in ORDERS:
        mine = book.of(account, known_of(account, known, versions))
        taken = checkpoint(mine, at)
        rest = book.of(account, begun_since(mine, taken))
        earlier = {
            name for name, one in rest.admissions.items() if is_of_tier(name) and one.claim.at < at
        }
        rest = replace(
            rest, admissions={k: v for k, v in rest.admissions.items() if k not in earlier}
        )
        late = fold(rest, END, taken)

        later: Ledger = Counter()
        post(later, late.postings)
        whole: Ledger = Counter()
        all_of_it = fold(mine, END)
        post(whole, all_of_it.postings)
        assert net(later) == {key: one for key, one in net(whole).items() if key[2] >= at}
        assert {*late.claims} <= {*all_of_it.claims}


def test_what_others_got_meanwhile_stays_theirs_when_a_cancel_is_undone():
    versions = publications([(START, structs.replace(program(), budget=Budget(points=100)))])
    first, last = (order(id_, day) for id_, day in (("o1", 1), ("o3", 2)))
    book, accounts = Book(versions), sorted(ORDERS)
    settled(book, {"o1": first}, versions, accounts)
    cancelled = replace(first, is_cancelled=True, is_paid=False)
    settled(book, {"o1": cancelled, "o3": last}, versions, accounts)

    settled(book, {"o1": first, "o3": last}, versions, accounts)

    found = [
        fold(book.of(account, known_of(account, {"o1": first, "o3": last}, versions)), END)
        for account in accounts
    ]
    assert [sums(one) for one in found] == [{"o1": 100 - 70}, {"o3": 70}]
    assert book.given_out(END) == GivenOut(limit=100, used=100, refused=0, waiting=0)


def order(id_, day):
    """An order of 100.00, or of 70.00 for the second account."""
    minor = 10000 if id_ == "o1" else 7000
    return Order(
        id=id_,
        number=id_,
        customer_id="c1",
        email=None,
        status="processing",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=minor,
        placed_at=START + day * DAY,
        paid_at=None,
        updated_at=START + day * DAY,
        lines=(OrderLine(id="1", product_id="p", quantity=1, total_minor=minor, tax_minor=0),),
    )
