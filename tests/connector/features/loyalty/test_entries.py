"""What reaching a tier pays: once, when what is kept of orders suffices for the first time."""

from dataclasses import replace

from msgspec import structs
from msgspec.json import decode, encode

from connector.features.loyalty.rules.budget import Book
from connector.features.loyalty.rules.facts import Facts, Joined, Takeover, united
from connector.features.loyalty.rules.fold import checkpoint, fold, held
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import Budget, Tier, Tiers, publications
from connector.features.loyalty.rules.tiers import Placement
from platforms.model import Order, OrderLine, Refund
from tests.connector.features.loyalty.histories import DAY, END, START, program

SILVER = Tier(name="Silver", from_minor={"EUR": 10_000}, entry_points=100)
GOLD = Tier(name="Gold", from_minor={"EUR": 20_000}, entry_points=300)


def club(*tiers, window="rolling_months:1", **more):
    return program(
        tiers=Tiers(by="spend", window=window, tier=list(tiers or (SILVER, GOLD))), **more
    )


VERSIONS = publications([(START, club())])


def order(id_, day, euros, *refunds):
    """An order of so many euros, of which so many are paid back on so many days."""
    line = OrderLine(id="1", product_id="p", quantity=1, total_minor=euros * 100, tax_minor=0)
    return Order(
        id=id_, number=id_, customer_id="c1", email=None, status="completed", is_paid=True,
        is_cancelled=False, currency="EUR", total_minor=euros * 100, placed_at=START + day * DAY,
        paid_at=None, updated_at=START + day * DAY, lines=(line,),
        refunds=tuple(
            Refund(id=f"{id_}.{on}", amount_minor=back * 100, refunded_at=START + on * DAY)
            for on, back in refunds
        ),
    )  # fmt: skip


def paid(facts, at=END):
    """What reaching tiers paid: the day, the cause, and the points."""
    return [
        ((one.effective_at - START).days, one.cause, one.points)
        for one in fold(facts, at).postings
        if "tier:" in one.cause and one.kind == "earn"
    ]


def of(*orders, versions=VERSIONS, **more):
    return Facts(orders=orders, versions=versions, **more)


def test_each_tier_pays_when_it_is_reached_also_one_that_is_skipped():
    assert paid(of(order("a", 1, 120), order("b", 3, 80))) == [
        (1, "tier:Silver", 100),
        (3, "tier:Gold", 300),
    ]
    assert paid(of(order("a", 2, 200))) == [(2, "tier:Silver", 100), (2, "tier:Gold", 300)]
    (first,) = (one for one in fold(of(order("a", 2, 199)), END).postings if "tier" in one.cause)
    assert first.why == "reached Silver, program version 1"


def test_nothing_is_paid_before_it_is_reached():
    bought = of(order("a", 1, 60), order("b", 3, 40))
    assert paid(bought, START + 3 * DAY - DAY / 24) == []
    assert fold(bought, START + 2 * DAY).next_change == START + 3 * DAY
    assert paid(bought, START + 3 * DAY) == [(3, "tier:Silver", 100)]


def test_a_refund_that_undoes_it_takes_it_back_and_what_reaches_it_then_pays():
    assert paid(of(order("a", 1, 120, (5, 20)))) == [(1, "tier:Silver", 100)]
    assert paid(of(order("a", 1, 120, (5, 21)))) == []
    late = of(order("a", 1, 120, (5, 21)), order("b", 9, 10))
    assert paid(late) == [(9, "tier:Silver", 100)]
    assert fold(late, START + 2 * DAY).stand.tier == "Silver", "the tier itself was held till then"


def test_falling_and_rising_again_pays_nothing_more():
    again = of(order("a", 1, 120), order("b", 60, 120))
    assert fold(again, START + 50 * DAY).stand.tier is None
    assert fold(again, START + 60 * DAY).stand.tier == "Silver"
    assert paid(again) == [(1, "tier:Silver", 100)]


def test_a_placement_pays_nothing_and_what_counts_pays_then():
    placed = Placement(id="p", tier="Gold", is_locked=True, placed_at=START + DAY)
    assert paid(of(placements=[placed])) == []
    reached = of(order("a", 3, 120), placements=[placed])
    assert paid(reached) == [(3, "tier:Silver", 100)]


def test_it_is_a_lot_like_any_other_of_that_day():
    versions = publications([(START, club(months=1))])
    folded = fold(of(order("a", 1, 120), versions=versions), START + 40 * DAY)
    ended = {one.cause: one.points for one in folded.postings if one.kind == "expire"}
    assert ended == {"order:a": -120, "tier:Silver": -100}


def test_what_was_reached_before_there_was_a_program_pays_nothing():
    early = structs.replace(club(window="lifetime"), earn_from=START)
    versions = publications([(START + 5 * DAY, early)])
    bought = of(order("a", 1, 120), order("b", 6, 80), versions=versions)
    assert paid(bought) == [(6, "tier:Gold", 300)]


def test_what_a_version_brings_pays_nothing():
    unpaid = club(structs.replace(SILVER, entry_points=None), window="lifetime")
    later = club(SILVER, structs.replace(GOLD, from_minor={"EUR": 11_000}), window="lifetime")
    versions = publications([(START, unpaid), (START + 5 * DAY, later)])
    assert paid(of(order("a", 1, 120), order("b", 6, 80), versions=versions)) == []


def test_whoever_moves_is_not_paid_again():
    stays = of(order("a", 1, 120), versions=publications([(START, club(window="lifetime"))]))
    moved_at = START + 9 * DAY
    holding = held(stays, moved_at)
    assert holding.entered == ("Silver",)
    versions = publications([(moved_at, club(window="lifetime"))])
    took = Takeover(id="t", holding=holding, batch="b")
    moves = of(order("b", 10, 5), order("c", 11, 75), versions=versions, takeovers=[took])
    assert paid(moves) == [(11, "tier:Gold", 300)]


def test_whoever_moves_is_not_paid_again_for_a_tier_that_is_long_gone():
    moved_at = START + 50 * DAY
    holding = held(of(order("a", 1, 120)), moved_at)
    assert (holding.entered, fold(of(order("a", 1, 120)), moved_at).stand.tier) == (
        ("Silver",),
        None,
    )
    took = Takeover(id="t", holding=holding, batch="b")
    versions = publications([(moved_at, club())])
    moves = of(order("b", 60, 120), versions=versions, takeovers=[took])
    assert paid(moves) == []
    assert fold(moves, START + 61 * DAY).stand.tier == "Silver"


def test_accounts_that_become_one_are_paid_once_since_then():
    versions = publications([(START, club(window="lifetime"))])
    guest = of(order("g", 2, 120), versions=versions)
    joined = Joined(account="guest:x", joined_at=START + 4 * DAY, facts=guest)
    whole = united(of(order("a", 5, 30), order("b", 6, 60), versions=versions), joined)
    assert paid(whole) == [(2, "guest:x/tier:Silver", 100), (6, "tier:Gold", 300)]
    both = united(of(order("a", 1, 100), versions=versions), joined)
    assert paid(both) == [
        (2, "guest:x/tier:Silver", 100),
        (1, "tier:Silver", 100),  # each had it before, and keeps it
        (4, "tier:Gold", 300),
    ]


def test_a_checkpoint_knows_what_was_paid():
    known = of(order("a", 1, 120), order("b", 60, 120))
    taken = decode(encode(checkpoint(known, START + 50 * DAY)), type=Checkpoint)
    rest = fold(replace(known, orders=known.orders[1:]), END, taken)
    assert [one.cause for one in rest.postings] == ["order:b"]
    assert rest.purse.available() == fold(known, END).purse.available() == 340


def test_a_budget_gives_what_it_has_and_gets_back_what_is_undone():
    versions = publications([(START, club(budget=Budget(points=150)))])
    book, bought = Book(versions), of(order("a", 1, 120), versions=versions)
    book.note("c", fold(book.of("c", bought), END).claims)
    book.admit()
    folded = fold(book.of("c", bought), END)
    given = {one.cause: one.points for one in folded.postings}
    assert given == {"order:a": 50, "tier:Silver": 100}, "of one instant, by their names"
    assert (book.given_out(END).used, book.given_out(END).refused) == (150, 70)

    undone = of(order("a", 1, 120, (5, 30)), versions=versions)
    book.note("c", fold(book.of("c", undone), END).claims)
    assert book.given_out(END).used == 50


def test_an_account_that_became_anothers_gives_nothing_of_its_budget_back():
    versions = publications([(START, club(budget=Budget(points=500)))])
    book, guest = Book(versions), of(order("g", 2, 120), versions=versions)
    joined = Joined(account="guest:x", joined_at=START + 4 * DAY, facts=guest)
    whole = united(of(versions=versions), joined)
    gone = of(versions=versions, is_anothers=True)

    book.note("guest:x", fold(book.of("guest:x", guest), END).claims)
    book.admit()
    for account, facts in (("customer:1", whole), ("guest:x", gone)) * 2:
        book.note(account, fold(book.of(account, facts), END).claims)
        book.admit()

    folded = fold(book.of("customer:1", whole), END)
    assert sum(one.points for one in folded.postings) == 220
    assert (book.given_out(END).used, book.given_out(END).refused) == (220, 0)
