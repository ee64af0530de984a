"""What is owed at any instant: from the lots, from the ledger, and the same."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.liability import Breakage, statement
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.fold import fold
from connector.features.loyalty.rules.liability import Liability
from connector.features.loyalty.rules.program import publications
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from platforms.model import Order, OrderLine, Refund
from platforms.woocommerce.fake import orders, refunds
from tests.flows.books import compared
from tests.town import NOW, PROGRAM

MONTHLY = PROGRAM + '[expiry]\nkind = "lot"\nmonths = 2\nend_of_month = true\n'


async def owed(town, at=None):
    loyalty = Loyalty(town.system.tools)
    return await statement(loyalty, await town.row(), at or town.clock(), lambda done: None)


async def test_every_point_is_owed_or_told_where_it_went(town):
    await town.connect(MONTHLY)
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 14, maya)  # 700 points
    town.order(coffee, 2, email="guest@example.test")  # 100
    await town.settle()
    first = town.clock()
    town.clock.forward(minutes=1)
    assert (await town.redeem(maya)).status_code == 201  # 500
    await town.settle()
    town.clock.forward(days=30)  # in December
    refunds.create(town.shop, order, {"amount": "100.00"})  # takes 500, of which 300 are gone
    await town.settle()
    decision = Decision(key="k", reason="sorry", points=20)
    await Loyalty(town.system.tools).decide(await town.row(), f"customer:{maya}", decision)

    found = await owed(town)
    assert (found.owed.available, found.owed.deficits, found.owed.pending) == (-180, 280, 0)
    assert (found.owed.accounts, found.owed.guest_points, found.differs) == (2, 100, 0)
    assert found.owed.ends == {"2027-01": 100}  # at its very end
    assert found.owed.worth.of(1000) == 1000
    *_, november, december = found.months
    assert (november.month, november.opening, november.closing) == ("2026-11", 0, 300)
    assert november.kinds == {"earn": 800, "redeem": -500}
    assert (december.month, december.opening, december.closing) == ("2026-12", 300, -180)
    assert december.kinds == {"clawback": -500, "adjust": 20}
    assert found.learned_later == 0

    then = await owed(town, first)
    assert (then.owed.available, then.owed.deficits, then.differs) == (800, 0, 0)
    assert then.owed.ends == {"2027-01": 800}


async def test_what_was_learned_later_is_told_apart(town):
    await town.connect(MONTHLY)
    before = town.clock()
    town.clock.forward(minutes=1)
    order = town.order(town.product("10.00"), 4, town.shopper())
    await town.settle()
    then = town.clock()
    assert (await owed(town, before)).owed.available == 0
    assert (await owed(town)).owed.available == 200

    town.clock.forward(days=3)
    orders.update(town.shop, order, {"status": "cancelled"})  # which WooCommerce does not date
    await town.settle()
    found = await owed(town, then)
    assert (found.owed.available, found.learned_later, found.differs) == (0, -200, 0)


async def test_what_is_on_its_way_is_owed_too(town):
    await town.connect(MONTHLY.replace("per_minor", "pending_days = 10\nper_minor"))
    order = town.order(town.product("10.00"), 4, town.shopper())
    await town.settle()
    then = town.clock()
    assert ((await owed(town)).owed.available, (await owed(town)).owed.pending) == (0, 200)

    town.clock.forward(days=3)
    refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()
    assert (await owed(town)).owed.pending == 150
    assert (await owed(town, then)).owed.pending == 200  # nobody had refunded anything yet


async def test_breakage_is_the_part_of_what_went_that_expired(town):
    await town.connect(MONTHLY)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 13, maya)  # 650
    await town.settle()
    assert (await town.redeem(maya)).status_code == 201  # 500, and 150 will expire
    town.clock.forward(days=90)
    town.order(coffee, 26, maya)  # 1,300
    await town.settle()

    assert (await owed(town)).breakage is None  # for want of a year
    rows = PublicationRow.filter(store=town.store)
    await rows.update(published_at=town.clock() - timedelta(days=500))
    found = await owed(town)
    assert found.breakage == Breakage(spent=500, expired=150, rate=150 / 650, unused=300)
    assert (found.owed.available, found.differs) == (1300, 0)


async def test_a_young_program_has_no_breakage(town):
    await town.connect(MONTHLY)
    maya = town.shopper()
    town.order(town.product("10.00"), 10, maya)
    await town.settle()
    assert (await town.redeem(maya)).status_code == 201

    assert (await owed(town)).breakage is None


async def test_what_is_not_settled_is_a_difference(town):
    await town.connect(MONTHLY)
    maya = town.shopper()
    town.order(town.product("10.00"), 10, maya)
    await town.settle()
    await EntryRow.create(
        store=town.store,
        account=f"customer:{maya}",
        cause="by nobody",
        kind="earn",
        effective_at=town.clock(),
        n=0,
        points=7,
        posted_at=town.clock(),
        why="",
    )
    assert (await owed(town)).differs == 7


async def test_before_any_program_nothing_could_be_owed(town):
    await town.connect(MONTHLY)
    with pytest.raises(RequestInvalid, match="no program was in force on 2024-01-01"):
        await owed(town, datetime(2024, 1, 1, tzinfo=UTC))


async def test_drawn_books_agree_at_any_instant(town):
    found = await compared(town, Random(3), 500)
    assert (found.accounts_differ, found.points_differ) == (0, 0)
    assert found.kinds == {"earn", "clawback", "expire", "redeem", "adjust", "forgive"}


async def test_what_was_paid_later_was_not_on_its_way(town):
    await town.connect(MONTHLY)
    order = town.order(town.product("10.00"), 4, town.shopper(), set_paid=False)
    await town.settle()
    then = town.clock()
    town.clock.forward(days=5)
    orders.update(town.shop, order, {"status": "completed"})
    await town.settle()

    assert ((await owed(town)).owed.available, (await owed(town, then)).owed.pending) == (200, 0)


async def test_points_that_ended_are_not_called_a_correction(town):
    await town.connect(MONTHLY)
    town.order(town.product("10.00"), 4, town.shopper())
    await town.settle()
    town.clock.forward(days=90)
    end = datetime(2027, 1, 31, 23, tzinfo=UTC)
    await town.settle()
    found = await owed(town, end)
    assert (found.owed.available, found.learned_later, found.differs) == (0, 0, 0)


def test_a_later_refund_that_explains_an_earlier_one_makes_no_difference():
    """Of 120.00 two refunds: 20.00 without a word, then that the shipping was meant."""
    program = parse(MONTHLY)
    versions = publications([(NOW, program)])
    order = Order(
        id="1",
        number="1",
        customer_id="1",
        email=None,
        status="completed",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=12_000,
        placed_at=NOW,
        paid_at=NOW,
        updated_at=NOW,
        lines=(OrderLine(id="l", product_id="p", quantity=1, total_minor=10_000, tax_minor=0),),
        refunds=(
            Refund(id="a", amount_minor=2000, refunded_at=NOW + timedelta(days=2)),
            Refund(id="b", amount_minor=0, refunded_at=NOW + timedelta(days=5), other_minor=2000),
        ),
    )
    facts, at = Facts(orders=[order], versions=versions), NOW + timedelta(days=3)
    live = sum(one.points for one in fold(facts, NOW + timedelta(days=9)).postings)
    assert Liability(program, "EUR", at).add(facts, is_guest=False) == live == 500
