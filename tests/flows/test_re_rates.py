"""Publishing changes nothing of the past, unless it is published to rate the past anew."""

from datetime import timedelta

import pytest

from connector import worker
from connector.errors import RequestInvalid
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from tests.flows.test_api import client, code
from tests.town import PROGRAM

RICHER = PROGRAM.replace("points = 5", "points = 8")


@pytest.fixture
async def maya(town):
    """A shopper with two orders, of 10 and 20 euros, a day apart."""
    await town.connect()
    found, coffee = town.shopper(), town.product("10.00")
    for count in (1, 2):
        town.order(coffee, count, found)
        await town.settle()
        town.clock.forward(days=1)
    return found


async def test_a_re_rate_changes_what_happened_since_and_says_what_it_was(town, maya):
    asks = await client(town)
    since = (town.clock() - timedelta(hours=30)).isoformat()
    body = {"document": RICHER, "re_rate_from": since}

    made = await asks.post("/programs", body, "re-rate-1")
    again = await asks.post("/programs", body, "re-rate-1")
    other = await asks.post("/programs", {"document": RICHER}, "re-rate-1")
    await worker.drain(town.system)

    assert (made.json()["version"], again.json()["version"]) == (2, 2)
    assert made.json()["re_rate_from"] is not None
    assert code(other) == (422, "key-reused")
    assert (await town.visitor(maya))["available"] == 50 + 160
    last = (await EntryRow.all().order_by("-id"))[0]
    assert (last.kind, last.points) == ("earn", 60)
    assert last.why.endswith("20.00 EUR x 8 per 1.00, floor, program version 2 (was +100)")


async def test_without_one_the_past_stays(town, maya):
    await Loyalty(town.system.tools).programs.publish(await town.row(), RICHER)
    await worker.drain(town.system)
    assert (await town.visitor(maya))["available"] == 150

    town.order(town.product("10.00"), 1, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150 + 80


async def test_the_same_again_is_no_new_version_but_may_rate_the_past_anew(town, maya):
    loyalty, row = Loyalty(town.system.tools), await town.row()
    since = town.clock() - timedelta(hours=30)

    assert await loyalty.programs.publish(row, RICHER) == 2
    assert await loyalty.programs.publish(row, RICHER) == 2
    assert await loyalty.programs.publish(row, RICHER, re_rate_from=since) == 3
    assert await loyalty.programs.publish(row, RICHER, re_rate_from=since) == 3
    await worker.drain(town.system)
    assert (await town.visitor(maya))["available"] == 50 + 160


@pytest.mark.parametrize("days", [-9999, 1])
async def test_only_a_past_with_a_program_can_be_rated_anew(town, maya, days):
    since = town.clock() + timedelta(days=days)

    with pytest.raises(RequestInvalid, match="the first program holds from 2025-01-01T00:00:00Z"):
        await Loyalty(town.system.tools).programs.publish(
            await town.row(), RICHER, re_rate_from=since
        )


async def test_there_is_no_past_before_the_first_program(town):
    await town.connect(program=None)

    with pytest.raises(RequestInvalid, match="no program was published yet"):
        await Loyalty(town.system.tools).programs.publish(
            await town.row(), RICHER, re_rate_from=town.clock()
        )


async def test_a_re_rate_welcomes_whoever_has_no_account_too(town):
    await town.connect()
    bea = town.shopper("bea@example.test")
    await town.settle()
    since = town.clock()
    town.clock.forward(days=1)
    welcome = f'{PROGRAM}\n[[earn]]\nid = "welcome"\nkind = "sign_up"\npoints = 40\n'

    long_ago = since.replace(year=2025, month=1, day=2)
    await Loyalty(town.system.tools).programs.publish(
        await town.row(), welcome, re_rate_from=long_ago
    )
    await worker.drain(town.system)

    assert (await town.visitor(bea))["available"] == 40
