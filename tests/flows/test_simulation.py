"""A program tried on what a store sold, before anybody publishes it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.cli.reports import _summary
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation, Sums
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import simulate, trial
from connector.ledger import ledger
from connector.ledger.models import AccountRow, EntryRow
from platforms.woocommerce.fake import refunds

TRIED = """
name = "Tried"
engine = 1
timezone = "UTC"
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 2
per_minor = { EUR = 100 }
pending_days = 3

[[earn]]
id = "welcome"
kind = "sign_up"
points = 50

[[multiplier]]
when = { tier = "Gold" }
factor = "2"

[expiry]
kind = "lot"
months = 1

[[reward]]
id = "5-off"
kind = "amount_off"
cost = 100
value_minor = { EUR = 500 }

[[reward]]
id = "gold-off"
kind = "percent_off"
cost = 100
percent = 10
tiers = ["Gold"]

[tiers]
by = "spend"

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 10000 }
"""


async def tried(town, document=TRIED, months=12):
    row, now = await town.row(), town.clock()
    begins_at = now - timedelta(days=30 * months)
    simulation = Simulation(parse(document), row.currency, begins_at, now)
    found: dict[str, Any] = {}
    async for some in simulate(row.id, simulation):
        found |= some
    return simulation.report, found


async def test_what_a_program_would_have_issued_and_owes(town):
    await town.connect(program=None)
    maya = town.shopper()
    town.shopper("noor@example.test")
    coffee = town.product("10.00")
    town.order(coffee, 12, maya)  # 120.00: 240 points, and Gold from the next order on
    town.order(coffee, 3, email="guest@example.test")  # 60 points
    await town.settle()
    town.clock.forward(days=20)
    second = town.order(coffee, 4, maya)  # 40.00, twice: 160 points
    await town.settle()
    town.clock.forward(days=5)
    refunds.create(town.shop, second, {"amount": "10.00"})  # 40 of them
    await town.settle()

    report, _ = await tried(town)
    assert (report.accounts, report.orders) == (3, 3)
    assert report.sales == {"EUR": 12000 + 3000 + 4000 - 1000}
    assert report.total == Sums(issued=240 + 60 + 160 + 2 * 50, taken_back=40)
    assert (report.available, report.pending, report.guest_points) == (520, 0, 60)
    assert report.tiers == {"Gold": 1}
    assert report.can_redeem == {"5-off": 1, "gold-off": 1}
    assert (report.worth.reward, report.worth.of(520)) == ("5-off", 2600)
    assert await EntryRow.all().count() == 0  # nothing was published, nothing was posted

    town.clock.forward(days=12)  # all but the second order's is a month old
    later, _ = await tried(town)
    assert later.total == Sums(issued=560, taken_back=40, expired=240 + 60 + 100)
    assert (later.available, later.pending) == (120, 0)
    assert {month: sums.expired for month, sums in later.months.items() if sums.expired} == {
        "2026-12": 400
    }
    assert later.can_redeem == {"5-off": 1, "gold-off": 1}


async def test_it_begins_when_it_is_told_to(town):
    await town.connect(program=None)
    maya = town.shopper()
    town.order(town.product("10.00"), 12, maya)
    await town.settle()
    town.clock.forward(days=70)
    town.order(town.product("10.00"), 1, maya)
    await town.settle()

    report, _ = await tried(town, months=2)
    assert (report.total, report.orders, report.pending) == (Sums(issued=20), 1, 20)


async def test_a_store_that_sold_nothing_has_nothing_to_show(town):
    await town.connect(program=None)
    report, found = await tried(town)
    assert (report.accounts, report.total, found) == (0, Sums(), {})
    assert report.worth.of(0) == 0


async def test_it_comes_to_what_is_live(town):
    """The same program, published before the same orders, without decisions."""
    earlier = town.clock() - timedelta(days=300)
    live = TRIED.replace('currency = "EUR"', f'currency = "EUR"\nearn_from = {earlier.isoformat()}')
    await town.connect(live)
    coffee = town.product("10.00")
    people = [town.shopper(f"{n}@example.test") for n in range(4)]
    for n in range(30):
        customer = people[n % 4]
        order = town.order(coffee, 1 + n % 7, customer if n % 5 else 0, email=f"g{n % 3}@e.test")
        if n % 6 == 0:
            refunds.create(town.shop, order, {"amount": "5.00"})
        town.clock.forward(days=3)
        await town.settle()

    report, found = await tried(town)
    rows = {row.key: row for row in await AccountRow.all()}
    assert set(found) == set(rows)
    now = town.clock()
    for account, folded in found.items():
        balance = await ledger.balance(town.store, account, now)
        assert folded.purse.available() == balance.available
        assert (folded.stand.tier) == rows[account].tier
    assert report.available == sum((await ledger.sums(town.store, list(rows), now)).values())


SPLIT = TRIED + '[[tiers.tier]]\nname = "Platinum"\nfrom_minor = { EUR = 20000 }\n'


async def moved(town, document):
    row, now = await town.row(), town.clock()
    loyalty = Loyalty(town.system.tools)
    found = await trial(loyalty, row, parse(document), now - timedelta(days=30), now, print)
    return found, [(one.before, one.after, one.accounts) for one in found.moves]


async def test_whom_publishing_moves_is_told_and_nobody_is_moved(town):
    await town.connect(TRIED)
    coffee = town.product("10.00")
    for n, quantity in enumerate([25, 12, 5]):
        town.order(coffee, quantity, town.shopper(f"{n}@example.test"))
    await town.settle()

    found, moves = await moved(town, SPLIT)
    assert moves == [("Gold", "Platinum", 1)]
    assert found.new.tiers == {"Gold": 1, "Platinum": 1}
    assert found.now.tiers == {"Gold": 2}
    assert (found.new.total, found.sooner) == (found.now.total, [])
    assert len(await PublicationRow.all()) == 1

    await Loyalty(town.system.tools).programs.publish(await town.row(), SPLIT)
    await town.settle()
    tiers = [row.tier for row in await AccountRow.all().order_by("key")]
    assert tiers == ["Platinum", "Gold", None]


async def test_who_keeps_a_tier_for_less_long_is_told(town):
    rolling = TRIED.replace('by = "spend"', 'by = "spend"\nwindow = "rolling_months:12"')
    await town.connect(rolling)
    town.order(town.product("10.00"), 12, town.shopper())
    await town.settle()

    found, moves = await moved(town, rolling.replace("rolling_months:12", "rolling_months:6"))
    (one,) = found.sooner
    assert (moves, one.tier, one.accounts) == ([], "Gold", 1)
    assert f"{one.first_at:%Y-%m-%d}" == "2027-05-21"
    found, moves = await moved(town, rolling.replace("rolling_months:12", "rolling_months:24"))
    assert (moves, found.sooner) == ([], [])


async def test_a_first_program_moves_whom_its_past_suffices_for(town):
    await town.connect(program=None)
    town.order(town.product("10.00"), 12, town.shopper())
    await town.settle()
    town.clock.forward(days=1)

    found, moves = await moved(town, TRIED)
    assert (found.now, moves, found.new.tiers) == (None, [], {"Gold": 1})
    from_then = TRIED.replace(
        'currency = "EUR"', 'currency = "EUR"\nearn_from = 2026-01-01T00:00:00Z'
    )
    assert (await moved(town, from_then))[1] == [(None, "Gold", 1)]


async def test_who_joined_is_one_as_they_are_live(town):
    plain = TRIED.split("[tiers]", maxsplit=1)[0].replace('tiers = ["Gold"]', "")
    plain = plain.replace('[[multiplier]]\nwhen = { tier = "Gold" }\nfactor = "2"\n', "")
    await town.connect(plain)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 6, maya)
    town.order(coffee, 6, email="ada@example.test")
    await town.settle()
    town.clock.forward(days=5)
    guest = (await AccountRow.get(key__startswith="guest:")).key
    await Loyalty(town.system.tools).join(await town.row(), guest, str(maya))

    found, moves = await moved(town, TRIED)
    assert moves == [(None, "Gold", 1)]  # by both orders together
    live = await ledger.balance(town.store, f"customer:{maya}", town.clock())
    report, accounts = await tried(town, plain)
    assert (report.guest_points, report.sales) == (0, {"EUR": 12000})
    assert accounts[f"customer:{maya}"].purse.available() == live.available == 290
    assert accounts[guest].postings == ()
    assert found.now.orders == 2


def test_where_nothing_is_left_of_sales_no_part_of_them_is_told():
    now = datetime(2026, 11, 21, tzinfo=UTC)
    report = Simulation(parse(TRIED), "EUR", now - timedelta(days=30), now).report
    for sales in ({}, {"EUR": 0}, {"USD": 100}):
        report.sales.clear()
        report.sales.update(sales)
        assert "of sales" not in " ".join(_summary(report))
