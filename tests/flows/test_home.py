"""The first page: what needs somebody, what the week came to, and key figures."""

from datetime import timedelta

from connector.worker import drain
from tests.flows.merchant import merchant
from tests.town import PROGRAM

BUDGET = f"{PROGRAM}\n[budget]\npoints = 100\n"


async def home(town):
    return (await (await merchant(town)).get("/")).words


async def test_a_new_store_is_led_to_a_program(town):
    await town.connect(program=None)

    words = await home(town)
    assert "Needs you There is no program yet" in words
    assert "Your first figures are on their way" in words
    assert "Set up" in (await (await merchant(town)).get("/")).links


async def test_a_week_is_beside_the_one_before(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 3, maya)
    await town.settle()
    town.clock.forward(days=8)
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    await home(town)
    await drain(town.system, ["analytics"])

    words = await home(town)
    assert "Nothing needs you" in words
    assert "Last 7 days 7 days before Orders 1 1 Net sales €20.00 €30.00" in words
    assert "Customers who ordered 1 1 Of them for the first time 0 1" in words
    assert "Points issued 100 150 Points spent 0 0 Points ended unused 0 0" in words
    # 250 points, of which 500 are 5.00 EUR
    assert "Points owed" in words
    assert "€2.50" in words


async def test_what_waits_is_told_with_where_it_is_decided(town):
    await town.connect(program=BUDGET)
    ada = await merchant(town)
    assert "budget" not in (await ada.get("/")).words
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()
    form = (await ada.get("/program/")).form("/program/save")
    await ada.send("/program/save", form | {"act": "save", "earn[0].points": "7"})

    page = await ada.get("/")
    assert "100 of the budget of 100 points are given out" in page.words
    assert "Your draft of the program is not published" in page.words
    assert page.links["Look at it"] == "/admin/program/"


async def test_troubles_are_told_without_asking_the_store(town):
    await town.connect()
    row = await town.row()
    row.trouble, row.trouble_name = "the store does not answer", "store-silent"
    row.trouble_advice = "see whether it is up"
    row.reconcile_at = town.clock() + timedelta(minutes=5)
    await row.save()
    calls = len(town.wire.calls)

    words = await home(town)
    assert "The last sync broke off: the store does not answer" in words
    to_store = [path for _, path in town.wire.calls[calls:] if path.startswith("/wp-json")]
    assert to_store == []
