"""Tiers, from a published program to what shoppers, the store and the ledger are told."""

import pytest

from connector.errors import InvalidProgram
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow
from platforms.woocommerce.wire import TIER_META
from tests.town import PROGRAM

TIERS = """[[multiplier]]
when = { tier = "Gold" }
factor = "2"

[tiers]
by = "spend"
window = "rolling_months:12"
grace_days = 30

[[tiers.tier]]
name = "Silver"
from_minor = { EUR = 10000, USD = 10000 }

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 20000, USD = 30000 }

[[reward]]
id = "gold-50"
kind = "amount_off"
cost = 100
value_minor = { EUR = 5000 }
tiers = ["Gold"]

"""
TIERED = PROGRAM.replace("[[reward]]", TIERS + "[[reward]]")


def shown(town, customer):
    """The tier that the store's own pages may show."""
    meta = town.shop.records["customer"][customer]["meta_data"]
    return [one["value"] for one in meta if one["key"] == TIER_META]


async def standing(town, customer):
    return (await town.visitor(customer))["standing"]


async def test_a_tier_is_reached_with_an_order_and_counts_for_the_next(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 20, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 1000  # 200.00 x 5: no tier yet
    town.order(coffee, 1, maya)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 1100  # 10.00 x 5, twice
    assert await standing(town, maya) == {
        "tier": "Gold",
        "since": "2026-11-21T12:00:01Z",
        "reach": None,
        "keep": {
            "tier": "Gold",
            "measure": "EUR",
            "counted": 0,
            "needed": 20000,
            "until": "2027-12-21T12:00:01Z",
        },
    }
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert told.lines[-1].why.partition(": ")[2] == (
        "goods 10.00 EUR x 2 x 5 per 1.00, floor, in tier Gold, program version 1"
    )
    assert told.standing.counted == {"EUR": 21000}
    assert shown(town, maya) == ["Gold"]


async def test_who_is_on_the_way_is_told_how_far_it_is(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    assert await standing(town, maya) == {
        "tier": None,
        "since": None,
        "reach": {
            "tier": "Silver",
            "measure": "EUR",
            "counted": 0,
            "needed": 10000,
            "until": None,
        },
        "keep": None,
    }
    before = await town.state(maya)

    town.order(coffee, 5, maya, currency="USD")
    town.order(coffee, 15, maya)
    await town.settle()

    now = await standing(town, maya)
    assert now["tier"] == "Silver"
    assert now["reach"] == {
        "tier": "Gold",
        "measure": "EUR",
        "counted": 15000,
        "needed": 20000,
        "until": None,
    }
    after = await town.state(maya, If_None_Match=before.headers["etag"])
    assert after.status_code == 200


async def test_orders_that_earn_nothing_may_count_and_are_news(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    before = await town.state(maya)

    town.order(coffee, 12, maya, currency="USD")
    await town.settle()

    after = await town.state(maya, If_None_Match=before.headers["etag"])
    visitor = after.json()["visitor"]
    assert (visitor["available"], visitor["standing"]["tier"]) == (0, "Silver")
    assert visitor["standing"]["reach"] == {
        "tier": "Gold",
        "measure": "USD",
        "counted": 12000,
        "needed": 30000,
        "until": None,
    }
    assert shown(town, maya) == ["Silver"]


async def test_a_tier_goes_with_time_alone(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 20, maya)
    await town.settle()

    town.clock.forward(days=365)
    await town.settle()
    held = await standing(town, maya)
    assert (held["tier"], held["keep"]["until"]) == ("Gold", "2027-12-21T12:00:01Z")
    assert held["keep"]["counted"] == 0

    town.clock.forward(days=30)
    assert (await standing(town, maya))["tier"] is None, "who asks need not wait for the sweep"
    await town.settle()
    assert shown(town, maya) == [""]
    assert (await AccountRow.get(key=f"customer:{maya}")).next_due_at is None


async def test_a_reward_for_a_tier_is_for_nobody_else(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 19, maya)
    await town.settle()

    refused = await town.redeem(maya, "gold-50")
    assert (refused.status_code, refused.json()["code"]) == (404, "reward-unavailable")
    assert refused.json()["detail"] == "this is for Gold alone"
    assert (await town.visitor(maya))["available"] == 950

    town.order(coffee, 1, maya)
    await town.settle()
    assert (await town.redeem(maya, "gold-50")).status_code == 201


async def test_tiers_that_are_published_later_count_what_was_bought_before(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 20, maya)
    await town.settle()
    assert await standing(town, maya) is None

    town.clock.forward(hours=1)
    await Loyalty(town.system.tools).programs.publish(await town.row(), TIERED)
    await town.settle()

    held = await standing(town, maya)
    assert (held["tier"], held["since"]) == ("Gold", "2026-11-21T13:00:02Z")
    assert (await town.visitor(maya))["available"] == 1000, "the past is not rated again"


async def test_shoppers_are_told_what_each_tier_takes(town):
    await town.connect(TIERED)

    program = (await town.state()).json()["program"]
    nothing: dict[str, object] = {"entry_points": None, "benefits": []}
    assert program["tiers"] == {
        "window": "months",
        "months": 12,
        "tiers": [
            {"name": "Silver", "needs": {"EUR": 10000, "USD": 10000}, **nothing},
            {"name": "Gold", "needs": {"EUR": 20000, "USD": 30000}, **nothing},
        ],
    }
    assert [one["tier"] for one in program["multipliers"]] == ["Gold"]
    assert [one["tiers"] for one in program["rewards"]] == [["Gold"], []]


async def test_a_store_whose_clock_is_ahead_gives_the_tier_when_its_time_comes(town):
    await town.connect(TIERED.replace("points = 5\n", "points = 5\npending_days = 14\n"))
    maya, coffee = town.shopper(), town.product("10.00")
    await town.settle()
    now = town.clock.at
    town.clock.forward(seconds=20)
    town.order(coffee, 20, maya)
    town.clock.at = now
    await town.settle()
    assert (await standing(town, maya))["tier"] is None

    town.clock.forward(seconds=60)
    await town.settle()
    assert shown(town, maya) == ["Gold"]


async def test_the_store_hears_of_nothing_that_its_pages_do_not_show(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 5, maya, currency="USD")  # earns nothing, and is not enough for a tier
    await town.settle()
    assert shown(town, maya) == []
    assert (await standing(town, maya))["reach"]["counted"] == 5000

    town.clock.forward(days=366)  # nor is it when it leaves the window
    await town.settle()
    assert (await standing(town, maya))["reach"]["counted"] == 0
    assert shown(town, maya) == []


async def test_documents_that_were_right_when_they_were_published_still_hold(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")
    odd = PROGRAM.replace("value_minor = { EUR = 500 }", "value_minor = {}")
    with pytest.raises(InvalidProgram):
        await Loyalty(town.system.tools).programs.publish(await town.row(), odd)
    await PublicationRow.filter(version=1).update(document=odd)

    town.order(coffee, 12, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600
    assert (await town.redeem(maya)).status_code == 404
