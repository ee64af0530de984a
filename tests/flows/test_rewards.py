"""Rewards of every kind: from a published program to the coupon that the store holds."""

from connector.features.loyalty.service import Loyalty
from connector.rewards.models import RedemptionRow
from tests.town import PROGRAM

FREE_SHIPPING = """
[[reward]]
id = "free-shipping"
kind = "free_shipping"
cost = 100
"""
TENTH = """
[[reward]]
id = "tenth"
kind = "percent_off"
percent = 10
cost = 100
minimum_minor = { EUR = 2000 }
"""


async def rich(town, program):
    """Connect, and let Maya have 600 points."""
    await town.connect(program)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 12, maya)
    await town.settle()
    return maya


async def coupon_of(town, maya, reward):
    """Redeem, and return what the store then holds."""
    answer = await town.redeem(maya, reward)
    assert answer.status_code == 201, answer.text
    await town.settle()
    (mine,) = (await town.visitor(maya))["redemptions"]
    assert mine["state"] == "issued"
    return mine, next(
        one for one in town.shop.records["coupon"].values() if one["code"] == mine["code"].lower()
    )


async def test_free_shipping_is_a_coupon_for_shipping_alone(town):
    maya = await rich(town, PROGRAM + FREE_SHIPPING)

    mine, coupon = await coupon_of(town, maya, "free-shipping")

    assert (mine["kind"], mine["value_minor"], mine["percent"]) == ("free_shipping", 0, 0)
    assert (coupon["free_shipping"], coupon["amount"]) == (True, "0")
    assert coupon["usage_limit"] == 1
    assert coupon["email_restrictions"] == ["maya@example.test"]


async def test_a_part_of_the_goods_is_a_coupon_by_percent(town):
    maya = await rich(town, PROGRAM + TENTH)

    mine, coupon = await coupon_of(town, maya, "tenth")

    assert (mine["kind"], mine["value_minor"], mine["percent"]) == ("percent_off", 0, 10)
    assert (coupon["discount_type"], coupon["amount"]) == ("percent", "10")
    assert coupon["minimum_amount"] == "20.00"


async def test_an_amount_off_products_is_a_coupon_for_them(town):
    await town.connect(None)
    tea = town.product("20.00")
    reward = f"""
[[reward]]
id = "tea"
kind = "product_off"
products = ["{tea}"]
value_minor = {{ EUR = 700 }}
cost = 100
"""
    await Loyalty(town.system.tools).programs.publish(await town.row(), PROGRAM + reward)
    maya = town.shopper()
    town.order(tea, 6, maya)
    await town.settle()

    mine, coupon = await coupon_of(town, maya, "tea")

    assert (mine["kind"], mine["value_minor"]) == ("product_off", 700)
    assert (coupon["discount_type"], coupon["amount"]) == ("fixed_product", "7.00")
    assert coupon["product_ids"] == [tea]


async def test_nobody_has_more_of_a_reward_than_one_may(town):
    maya = await rich(town, PROGRAM + FREE_SHIPPING + "limit_per_customer = 1\n")
    assert (await town.redeem(maya, "free-shipping")).status_code == 201

    refused = await town.redeem(maya, "free-shipping")

    assert (refused.status_code, refused.json()["code"]) == (404, "reward-unavailable")
    assert refused.json()["detail"] == "everybody can have this once"
    assert (await town.visitor(maya))["available"] == 500
    assert await RedemptionRow.all().count() == 1


async def test_the_limit_is_each_customers_own_and_what_is_given_back_is_had_by_nobody(town):
    maya = await rich(town, PROGRAM + FREE_SHIPPING + "limit_per_customer = 1\n")
    tomas = town.shopper("tomas@example.test")
    town.order(town.product("10.00"), 12, tomas, email="tomas@example.test")
    await town.settle()
    assert (await town.redeem(maya, "free-shipping")).status_code == 201
    assert (await town.redeem(tomas, "free-shipping")).status_code == 201
    await town.settle()
    assert (await town.visitor(maya))["used_up"] == ["free-shipping"]

    await RedemptionRow.filter(customer_id=str(maya)).update(state="returned")
    assert (await town.redeem(maya, "free-shipping")).status_code == 201


async def test_a_product_that_has_no_number_gives_the_points_back(town):
    reward = """
[[reward]]
id = "tea"
kind = "product_off"
products = ["TEA-1"]
value_minor = { EUR = 700 }
cost = 100
"""
    maya = await rich(town, PROGRAM + reward)
    assert (await town.redeem(maya, "tea")).status_code == 201
    await town.settle()
    town.clock.forward(hours=2)
    await town.settle()

    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["redemptions"][0]["state"]) == (600, "returned")


async def test_a_reward_is_offered_between_its_instants(town):
    window = "from = 2026-11-21T13:00:00Z\nuntil = 2026-11-21T14:00:00Z\n"
    maya = await rich(town, PROGRAM + FREE_SHIPPING + window)

    early = await town.redeem(maya, "free-shipping")
    town.clock.forward(hours=1)
    now = await town.redeem(maya, "free-shipping")
    town.clock.forward(hours=1)
    late = await town.redeem(maya, "free-shipping")

    assert [early.json()["code"], late.json()["code"]] == ["reward-unavailable"] * 2
    assert now.json()["visitor"]["redemptions"][0]["reward_id"] == "free-shipping"
    assert (await town.visitor(maya))["available"] == 500, "one of three was had"


async def test_a_minimum_without_the_stores_currency_is_no_reward_there(town):
    maya = await rich(town, PROGRAM + TENTH.replace("EUR", "USD"))

    refused = await town.redeem(maya, "tenth")

    assert refused.json()["detail"] == "there is no reward 'tenth' now"
    assert (await town.visitor(maya))["available"] == 600
    assert await RedemptionRow.all().count() == 0
