"""What the store is told of points: each customer's profile, and notes on orders."""

import pytest

from connector.sync.models import OutboxRow
from platforms.woocommerce.fake import people, refunds
from tests.town import PROGRAM

NOTES = PROGRAM.replace('currency = "EUR"', 'currency = "EUR"\norder_notes = true')
PENDING = PROGRAM.replace("points = 5", "points = 5\npending_days = 2")


def profile(town, customer):
    meta = town.shop.records["customer"][customer]["meta_data"]
    return {one["key"]: one["value"] for one in meta if one["key"].startswith("_perennial")}


async def notes(town, order):
    client = town.system.stores.client(await town.row())
    return [one for one in await client.read_notes(str(order["id"])) if "Perennial" in one]


async def test_a_customers_points_stand_on_their_profile_and_follow(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    order = town.order(coffee, 20, maya)
    await town.settle()
    assert profile(town, maya) == {"_perennial_points": "1000", "_perennial_tier": ""}

    await town.redeem(maya)
    await town.settle()
    assert profile(town, maya)["_perennial_points"] == "500"

    refunds.create(town.shop, order, {"amount": "100.00"})
    await town.settle()
    assert profile(town, maya)["_perennial_points"] == "0"


async def test_points_on_their_way_stand_there_once_they_have_arrived(town):
    await town.connect(PENDING)
    maya = town.shopper()
    town.order(town.product(), 2, maya)
    await town.settle()
    assert profile(town, maya)["_perennial_points"] == "0"

    town.clock.forward(days=2)
    await town.settle()
    assert profile(town, maya)["_perennial_points"] == "100"


async def test_nobody_is_told_of_a_guests_points_or_of_a_customer_who_left(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    town.order(coffee, 2, email="guest@example.test")
    await town.settle()
    assert await OutboxRow.all().count() == 0

    town.order(coffee, 2, maya)
    people.delete(town.shop, town.shop.records["customer"][maya])
    await town.settle()
    assert await OutboxRow.filter(is_parked=True).count() == 0


async def test_writing_a_profile_makes_no_profile_to_be_written(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 2, maya)
    await town.settle()
    write = ("PUT", f"/wp-json/wc/v3/customers/{maya}")
    assert town.wire.calls.count(write) == 1
    await town.settle()
    assert town.wire.calls.count(write) == 1


async def test_a_note_says_what_an_order_earned_once_and_only_where_wanted(town):
    coffee, maya = town.product(), town.shopper()
    before = town.order(coffee, 1, maya)
    town.clock.forward(minutes=1)
    await town.connect(NOTES)
    order = town.order(coffee, 3, maya)
    await town.settle()
    await town.settle()

    assert await notes(town, order) == ["Perennial: 150 points for this order."]
    assert await notes(town, before) == []  # placed before the program was there


@pytest.mark.parametrize(("first", "points"), [("EUR", 180), ("USD", 30)])
async def test_a_note_says_what_all_rules_came_to_or_a_later_one_alone(town, first, points):
    extra = '[[earn]]\nid = "extra"\nkind = "order"\npoints = 1\nper_minor = { EUR = 100 }\n'
    await town.connect(NOTES.replace("{ EUR = 100 }", f"{{ {first} = 100 }}", 1) + extra)
    order = town.order(town.product("10.00"), 3, town.shopper())
    await town.settle()
    assert await notes(town, order) == [f"Perennial: {points} points for this order."]


async def test_without_the_setting_there_are_no_notes(town):
    await town.connect()
    order = town.order(town.product(), 3, town.shopper())
    await town.settle()
    assert await notes(town, order) == []
