"""From connected to running: what was read, a program proposed from it, published and tested."""

from fractions import Fraction

import httpx
import pytest

from connector.features.loyalty.editor.proposal import Typical, rounded, summed
from connector.features.loyalty.models import DraftRow, PublicationRow
from connector.features.loyalty.onboarding import Part, Reading
from connector.features.loyalty.rules.document import parse, read
from connector.sync.models import PassRow
from connector.web.models import DeedRow
from connector.worker import drain
from platforms.woocommerce.fake import people
from tests.flows.merchant import merchant


def shoppers(town, count):
    """Have so many shoppers; the n-th buys twice for n times 5 EUR."""
    product = town.product("5.00")
    for n in range(1, count + 1):
        body = {"email": f"s{n}@example.test", "first_name": f"S{n}", "password": "shopper"}
        who = int(people.create(town.shop, body)["id"])
        for _ in range(2):
            town.order(product, n, who)


async def test_a_store_without_orders_is_led_to_a_template(town):
    await town.connect(program=None)
    ada = await merchant(town)

    page = await ada.get("/start/")
    assert "2. Customers and orders are read Done All that was there is read" in page.words
    begun = await ada.send("/start/propose", page.form("/start/propose"))
    assert "Too little was sold to propose from" in begun.words
    assert read((await DraftRow.get(store=town.store)).document).name == "Coffee club"
    again = await ada.send("/start/propose", page.form("/start/propose"))
    assert again.status == 400
    assert "The draft was changed meanwhile" in again.words


async def test_a_program_is_proposed_from_what_was_sold_and_goes_live(town):
    await town.connect(program=None)
    shoppers(town, 12)
    await town.settle()
    ada = await merchant(town)

    page = await ada.get("/start/")
    begun = await ada.send("/start/propose", page.form("/start/propose"))
    assert "Proposed from 24 orders of 12 customers" in begun.words
    program = parse((await DraftRow.get(store=town.store)).document)
    # the median order is 32.50 EUR: three of them at 4 % are 3.90, near 3 EUR as nearest to say,
    # which are 4 % of 75 EUR, and those 375 points at 5 each: 400 in steps of 50
    assert [(one.value_minor["EUR"], one.cost) for one in program.reward] == [
        (300, 400),
        (600, 800),
    ]

    await drain(town.system, ["drafts"])
    tried = await ada.get("/start/")
    # 2 * 5 EUR * (1 + ... + 12) = 780 EUR at 5 points, and more in tiers; 400 points are 3 EUR
    assert "In the last 12 months it would have given" in tried.words
    done = await ada.send("/program/save", tried.form("/program/save"))
    assert "Version 1 is live" in done.words
    assert "5. Published Done Shoppers collect points." in done.words
    assert await PublicationRow.filter(store=town.store).count() == 1
    deeds = await DeedRow.all().order_by("id")
    assert [one.what for one in deeds] == ["draft begun", "program published"]

    town.clock.forward(minutes=1)
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()
    assert "100 points." in (await ada.get("/start/")).words


async def test_the_first_page_is_looked_at_as_a_stranger_sees_it(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/start/")).form("/start/check")

    for html, said in (
        (f'<script src="/widgets/loader.js" data-store="{town.store}"></script>', "It is there"),
        ('<script src="/widgets/loader.js" data-store="another"></script>', "It is not there yet"),
        ("<h1>Under construction</h1>", "Switch the Perennial plugin on"),
    ):
        town.wire.answers["/"] = httpx.Response(200, text=html)
        assert said in (await ada.send("/start/check", form)).words
    town.wire.answers["/"] = httpx.Response(500, text="broken")
    assert "It is not there yet" in (await ada.send("/start/check", form)).words


async def test_reading_says_how_fast_it_goes(town):
    await town.connect(program=None)
    row = await town.row()
    shoppers(town, 3)
    await town.system.stores.disconnect(row, town.clock())
    row.watermark, row.disconnected_at = None, None
    await row.save()
    await town.system.passes.run(row, "sync", pages_max=2)
    town.clock.forward(minutes=2)

    words = (await (await merchant(town)).get("/start/")).words
    # a page of one product and a page of six orders in two minutes: 3.5 a minute, and 3 are left
    assert "70.0% Products 1 of about 1 Orders 6 of about 6 Customers 0 of about 3" in words
    assert "About 4 records a minute. About 1 minute is left." in words
    assert "it goes on by itself, also after a break" in words


async def test_reading_tells_what_it_knows_where_the_store_does_not_count(town):
    await town.connect(program=None)
    row = await town.row()
    shoppers(town, 3)
    row.watermark = None
    await row.save()
    await PassRow.create(
        store=row.id, aim="sync", began_at=town.clock(), listing="customer",
        seen={"product": 1, "order": 6},
    )  # fmt: skip
    town.clock.forward(minutes=1)
    town.wire.answers["/wp-json/wc/v3/orders"] = httpx.Response(500, text="broken")

    words = (await (await merchant(town)).get("/start/")).words
    assert "Products 1 Orders 6 Customers 0 About 7 records a minute. You need not" in words


@pytest.mark.parametrize(
    ("seen", "of", "a_minute", "share", "left"),
    [
        (0, 100, 0, 0, None),
        (25, 100, 10, Fraction(1, 4), 8),
        (130, 100, 10, 1, 0),  # more came than there were
        (0, 0, 0, None, None),
        (5, None, 10, None, None),
    ],
)
def test_time_left_follows_from_what_is_left_and_how_fast_it_goes(seen, of, a_minute, share, left):
    parts = [Part(title="Orders", seen=seen, of=of)]
    reading = Reading(is_done=False, parts=parts, a_minute=Fraction(a_minute))
    assert (reading.share, reading.minutes_left) == (share, left)


@pytest.mark.parametrize(
    ("minor", "unit", "near"),
    [
        (390, 100, 300),
        (401, 100, 500),
        (1, 100, 100),
        (12_700, 100, 10_000),
        (95_000, 100, 100_000),
    ],
)
def test_amounts_are_rounded_to_what_is_easily_said(minor, unit, near):
    assert rounded(minor, unit) == near


def test_what_is_typical_is_counted_from_enough_orders_only():
    assert summed([[100] * 2] * 9) is None
    found = summed([[n * 100, n * 100] for n in range(1, 11)])
    # 20 orders; the middle one is between 5.00 and 6.00; sums are 2, 4 ... 20 EUR
    assert found == Typical(
        orders=20, customers=10, order_minor=550, quarter_minor=1550, twentieth_minor=1910
    )
