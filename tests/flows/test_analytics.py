"""The merchant's page about analytics: when figures are computed, what it says, what it gives."""

import asyncio
import csv
import io
import json
import threading
from datetime import timedelta
from random import Random

import pytest

from connector.commerce.models import OrderRow
from connector.features.analytics import service, tables
from connector.features.analytics.models import FiguresRow
from connector.web.models import DeedRow
from platforms.woocommerce.fake import refunds
from tests.flows.analytics import of_drawn
from tests.flows.merchant import merchant
from tests.town import PROGRAM

WAITING = "Your figures are being computed"


@pytest.fixture
async def sold(town):
    """Maya bought for 20 EUR twenty days ago and for 30 EUR today, a guest for 10 EUR today."""
    await town.connect()
    town.maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 2, town.maya)
    await town.settle()
    town.clock.forward(days=20)
    town.order(coffee, 3, town.maya)
    town.order(coffee, 1, email="guest@example.test")
    await town.settle()
    return town


async def looked(town, **query):
    """Return the page, with figures of now."""
    ada = await merchant(town, "analyst")
    await ada.get("/analytics/")
    await town.settle()
    return await ada.get("/analytics/", **query)


async def test_figures_are_computed_once_somebody_looks(sold):
    ada = await merchant(sold, "analyst")
    assert await FiguresRow.all().count() == 0
    assert WAITING in (await ada.get("/analytics/")).words

    await sold.settle()
    page = await ada.get("/analytics/")
    assert WAITING not in page.words
    assert "computed just now" in page.words
    assert "From 12 September 2026 to 11 December 2026" in page.words
    assert "Bought again" in page.words
    # Of the two who bought, Maya did twice.
    assert "50.0% too few to tell: 2 customers" in page.words
    # 60 EUR of two customers; 50 and 10 in the middle.
    assert "€30.00 median €30.00 · too few to tell: 2 customers" in page.words
    # 5 points a euro: 300, which at 500 points for 5 EUR would cost 3 EUR.
    assert "€3.00 0 points before · 300 points" in page.words
    assert "once they have come back 30 times; so far it was 1." in page.words
    assert "First order Customers 1 Nov 2026 1 100.0% Dec 2026 1" in page.words


async def test_each_period_has_its_own_figures(sold):
    month = await looked(sold, period="30d")
    year = await looked(sold, period="12m")
    other = await looked(sold, period="1' OR 1=1")

    assert "From 11 November 2026 to 11 December 2026" in month.words
    assert "From 11 December 2025 to 11 December 2026" in year.words
    assert "From 12 September 2026 to 11 December 2026" in other.words


async def test_figures_of_an_hour_ago_are_shown_with_their_age_and_computed_anew(sold):
    await looked(sold)
    ada = await merchant(sold, "analyst")
    sold.clock.forward(minutes=59)
    assert "computed 59 minutes ago" in (await ada.get("/analytics/")).words
    await sold.settle()
    assert "computed 59 minutes ago" in (await ada.get("/analytics/")).words

    sold.clock.forward(minutes=61)
    page = await ada.get("/analytics/")
    assert "being computed anew" in page.words
    assert "€30.00" in page.words
    await sold.settle()
    assert "computed just now" in (await ada.get("/analytics/")).words


async def test_once_a_day_they_are_computed_though_nobody_looks(sold):
    await looked(sold)
    first = (await FiguresRow.get()).computed_at
    sold.clock.forward(hours=23)
    await sold.settle()
    assert (await FiguresRow.get()).computed_at == first

    sold.clock.forward(hours=1)
    await sold.settle()
    second = (await FiguresRow.get()).computed_at
    assert (first, second) == (sold.clock() - timedelta(days=1, seconds=2), sold.clock())


async def test_whoever_asks_gets_them_anew_a_minute_later_at_the_earliest(sold):
    page = await looked(sold)
    (first,) = await FiguresRow.all()
    ada = await merchant(sold, "analyst")
    said = await ada.send("/analytics/refresh", page.form("refresh") | (await csrf(ada)))
    assert "The figures are being computed" in said.words
    assert "being computed anew" in said.words
    await sold.settle()
    assert (await FiguresRow.get()).computed_at == first.computed_at

    sold.clock.forward(minutes=1)
    await sold.settle()
    assert (await FiguresRow.get()).computed_at == sold.clock()
    assert [(row.who, row.what) for row in await DeedRow.all()] == [("Ada", "figures asked for")]


async def csrf(browser):
    return {"csrf": (await browser.get("/analytics/")).form("refresh")["csrf"]}


async def test_who_asks_while_they_are_computed_gets_these(sold):
    analytics, row = service.Analytics(sold.system.tools), await sold.row()
    await analytics.ask(sold.store)
    began, turn = sold.clock(), asyncio.create_task(analytics.refresh(row))
    await asyncio.sleep(0)
    sold.clock.forward(seconds=5)
    await analytics.ask(sold.store)

    assert await turn == 1
    assert (await FiguresRow.get()).due_at == began + service.DAILY
    assert await analytics.refresh(row) == 0


async def test_a_worker_that_is_told_to_stop_leaves_it_to_the_next(sold):
    analytics, row = service.Analytics(sold.system.tools), await sold.row()
    await analytics.ask(sold.store)
    turn = asyncio.create_task(analytics.refresh(row))
    for _ in range(10_000):  # turns of the loop, until the thread is at it
        if any(one.name.startswith("analytics") for one in threading.enumerate()):
            break
        await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn

    before = await FiguresRow.get()
    assert (before.computed_at, before.failed_at) == (None, None)
    assert before.due_at <= sold.clock()
    assert await analytics.refresh(row) == 1


async def test_what_cannot_be_computed_is_said_and_tried_again_later(sold):
    await OrderRow.all().update(body=b"{}")
    ada = await merchant(sold, "analyst")
    await ada.get("/analytics/")
    row = await sold.row()
    analytics = service.Analytics(sold.system.tools)
    with pytest.raises(ValueError, match="placed_at"):
        await analytics.refresh(row)

    page = await ada.get("/analytics/")
    assert "The figures could not be computed" in page.words
    assert "No figures yet" in page.words
    assert await analytics.refresh(row) == 0
    assert (await FiguresRow.get()).due_at == sold.clock() + service.RETRY_AFTER


async def test_figures_of_another_release_are_computed_anew(sold):
    await looked(sold)
    await FiguresRow.all().update(body='{"other": 1}')
    ada = await merchant(sold, "analyst")

    assert WAITING in (await ada.get("/analytics/")).words
    await sold.settle()
    assert "Bought again" in (await ada.get("/analytics/")).words


async def test_a_store_without_orders_is_told_so(town):
    await town.connect()
    page = await looked(town)

    assert "No orders yet" in page.words
    ada = await merchant(town)
    assert (await ada.get("/analytics/cohorts.csv")).status == 200


async def taken(town, name):
    ada = await merchant(town, "analyst")
    answer = await ada.http.get(f"/admin/analytics/{name}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}-')
    assert answer.text.count("\r\n") == answer.text.count("\n")
    return list(csv.reader(io.StringIO(answer.text)))


async def test_every_table_can_be_taken_away(sold):
    await looked(sold)

    assert await taken(sold, "customers") == [
        ["month", "customers", "new customers", "orders", "net sales in EUR"],
        ["2026-11", "1", "1", "1", "20.00"],
        ["2026-12", "2", "1", "2", "40.00"],
    ]
    assert await taken(sold, "points") == [
        ["month", "issued", "spent", "expired", "taken back", "owed at the end"],
        ["2026-11", "100", "0", "0", "0", "100"],
        ["2026-12", "200", "0", "0", "0", "300"],
    ]
    assert await taken(sold, "cohorts") == [
        ["first order in", "customers", "month 1"],
        ["2026-11", "1", "1"],
        ["2026-12", "1", ""],
    ]
    head, *rows = await taken(sold, "figures")
    assert head == ["period", "after", "until", "figure", "value", "unit", "n"]
    assert len(rows) == 4 * 2 * 15
    days = ["2026-11-11T13:00:04+01:00", "2026-12-11T13:00:04+01:00"]
    assert ["30d", *days, "repeat-purchase rate", "0.500000", "share", "2"] in rows
    assert ["30d", *days, "value per customer to date, mean", "30.00", "EUR", "2"] in rows
    assert ["30d", *days, "customer retention rate", "", "share", "0"] in rows


async def test_before_there_are_figures_a_table_leads_to_the_page(sold):
    ada = await merchant(sold, "analyst")
    answer = await ada.http.get("/admin/analytics/points.csv")

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/analytics/")


async def test_a_cell_is_never_a_formula(sold):
    await looked(sold)
    row = await FiguresRow.get()
    assert row.body
    kept = json.loads(row.body) | {"currency": "=1+1"}
    await FiguresRow.all().update(body=json.dumps(kept))

    (units,) = {row[5] for row in await taken(sold, "figures") if row[3] == "net sales"}
    assert units == "'=1+1"
    assert set(tables.NAMES) == {"figures", "customers", "points", "cohorts"}


async def test_key_figures_are_told_to_other_pages(sold):
    figures, row = sold.system.tools.key_figures, await sold.row()
    assert await figures.of(row) == []  # and now they are asked for
    await sold.settle()

    found = {one.id: one for one in await figures.of(row)}
    assert [*found] == ["owed", "active", "redemption", "repeat"]
    assert (found["owed"].value, found["owed"].detail) == ("€3.00", "0 points before · 300 points")
    assert found["active"].detail == "0 before · too few to tell: 2 members"
    assert (found["redemption"].value, found["repeat"].value) == ("0.0%", "50.0%")


async def test_points_that_buy_nothing_of_a_known_value_are_told_as_points(town):
    await town.connect(PROGRAM.partition("[[reward]]")[0])
    town.order(town.product("10.00"), 1, town.shopper())
    await town.settle()
    page = await looked(town)

    assert await town.system.tools.key_figures.cost_minor(await town.row(), 50) is None
    assert "50 points 0 points before" in page.words


async def test_a_refund_is_in_all_figures_once_they_are_computed_anew(sold):
    await looked(sold)
    order = next(one for one in sold.shop.all("order") if one["total"] == "10.00")
    refunds.create(sold.shop, order, {"amount": "10.00"})
    sold.clock.forward(hours=1)
    page = await looked(sold)

    assert "100.0% too few to tell: 1 customer" in page.words
    assert "€50.00 median €50.00" in page.words


async def test_drawn_stores_come_out_as_reckoned(town):
    found = await of_drawn(town, Random(5), 300)

    assert found.differ == []
    assert found.compared > 4000


async def test_nothing_of_another_store_is_counted(sold):
    await OrderRow.all().update(store="other")
    page = await looked(sold)
    assert "Customers who ordered" in page.words
    assert "0 0 before · 0 of them for the first time" in page.words
