"""Other systems are told ahead that points are going to expire."""

import json
from datetime import datetime, timedelta

import pytest

from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow
from connector.sync.models import MessageRow
from tests.flows.test_api import client
from tests.flows.test_webhooks_out import System
from tests.town import PROGRAM

ENDING = PROGRAM + '[expiry]\nkind = "lot"\nmonths = 2\nremind_days = [30, 7]\n'


@pytest.fixture
async def maya(town):
    """Somebody with 100 points that expire in two months, of a store that is asked to tell."""
    await town.connect(ENDING)
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    town.wire.apps["erp.example.test"] = System()
    api = await client(town)
    body = {"url": "https://erp.example.test/hook", "events": ["points.expiring"]}
    assert (await api.post("/webhooks", body)).status_code == 201
    return maya


async def told(town):
    """Return how many points it was told expire when, and to whom."""
    bodies = [json.loads(one.body)["data"] for one in await MessageRow.all().order_by("id")]
    return [(one["customer_id"], one["points"], one["at"]) for one in bodies]


async def on(town, *days):
    """Let so many days be left, again and again, and all be done that is due."""
    ends_at = (await AccountRow.get()).next_expiry_at
    assert ends_at is not None
    for left in days:
        town.clock.at = ends_at
        town.clock.forward(days=-left, seconds=1)
        await town.settle()
        await town.settle()
    return ends_at


def at(text):
    return datetime.fromisoformat(text)


async def test_it_is_told_once_for_each_of_the_days(town, maya):
    ends_at = await on(town, 31)
    assert await told(town) == []

    await on(town, 30, 8)
    (first,) = await told(town)
    assert first[:2] == (str(maya), 100)
    assert at(first[2]) == ends_at
    await on(town, 7, 1)
    assert await told(town) == [first, first]


async def test_what_is_spent_meanwhile_is_not_told_of(town, maya):
    await Loyalty(town.system.tools).decide(
        await town.row(), f"customer:{maya}", Decision(key="k1", reason="-", points=-40)
    )
    await on(town, 30)
    assert [points for _, points, _ in await told(town)] == [60]
    await Loyalty(town.system.tools).decide(
        await town.row(), f"customer:{maya}", Decision(key="k2", reason="-", points=-60)
    )
    town.clock.forward(days=25)
    await town.settle()
    assert len(await told(town)) == 1


async def test_a_worker_that_was_away_tells_only_what_is_still_to_come(town, maya):
    await on(town, 3)
    assert len(await told(town)) == 1
    await on(town, 1)
    assert len(await told(town)) == 1


async def test_points_that_end_while_nobody_works_are_not_told_of(town, maya):
    await on(town, -1)
    assert await told(town) == []
    assert (await town.visitor(maya))["available"] == 0


async def test_days_that_are_published_later_hold_for_points_of_before(town):
    await town.connect(ENDING.replace("remind_days = [30, 7]", ""))
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    assert (await AccountRow.get()).remind_at is None

    await Loyalty(town.system.tools).programs.publish(await town.row(), ENDING)
    await town.settle()
    row = await AccountRow.get()
    assert row.remind_at is not None
    assert row.next_expiry_at == row.remind_at + timedelta(days=30)
