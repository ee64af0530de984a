"""Rewards of which there are only so many: who gets one, who is told, and who gets the next."""

from connector.features.loyalty.service import Loyalty
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import CHECKOUT_GRACE, left
from platforms.woocommerce.fake import coupons, orders
from tests.town import PROGRAM

TWO = PROGRAM + "stock = 2\n"


async def members(town, program=TWO):
    """Connect, and let three shoppers earn 600 points each."""
    await town.connect(program)
    coffee = town.product("10.00")
    emails = [f"{name}@example.test" for name in ("maya", "tomas", "yui")]
    people = [town.shopper(email) for email in emails]
    for who, email in zip(people, emails, strict=True):
        town.order(coffee, 12, who, email=email)
    await town.settle()
    return people


async def told_left(town, customer=None):
    (reward,) = (await town.state(customer)).json()["program"]["rewards"]
    town.clock.forward(seconds=1)  # for so long everybody is told the same
    return reward["left"]


async def test_the_third_of_two_is_told_and_keeps_the_points(town):
    maya, tomas, yui = await members(town)
    assert await told_left(town) == 2
    before = await town.state(yui)

    first = await town.redeem(maya)
    assert (first.status_code, first.json()["program"]["rewards"][0]["left"]) == (201, 1)
    assert (await town.redeem(tomas)).status_code == 201
    refused = await town.redeem(yui)

    assert (refused.status_code, refused.json()["code"]) == (409, "reward-sold-out")
    assert refused.json()["detail"] == "all 2 of this reward are taken"
    assert (await town.visitor(yui))["available"] == 600
    assert await RedemptionRow.all().count() == 2
    after = await town.state(yui, If_None_Match=before.headers["etag"])
    assert after.status_code == 200, "what others took is news"
    assert (await told_left(town), await told_left(town, yui)) == (0, 0)


async def test_the_same_key_has_its_redemption_though_none_is_left(town):
    maya, tomas, _ = await members(town)
    first = await town.redeem(maya, Idempotency_Key="maya-asks-for-one")
    await town.redeem(tomas)

    again = await town.redeem(maya, Idempotency_Key="maya-asks-for-one")

    assert again.status_code == 201
    (mine,) = again.json()["visitor"]["redemptions"]
    assert mine["id"] == first.json()["visitor"]["redemptions"][0]["id"]


async def test_a_place_is_free_once_the_points_are_back_and_not_before(town):
    maya, tomas, yui = await members(town)
    await town.redeem(maya)
    row = await RedemptionRow.get()
    coupons.create(town.shop, {"code": row.code, "amount": "1.00"})  # so that hers can't be
    await town.redeem(tomas)
    await town.settle()
    assert (await town.redeem(yui)).json()["code"] == "reward-sold-out"

    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "returned"
    assert await told_left(town) == 1

    assert (await town.redeem(yui)).status_code == 201
    assert (await town.redeem(maya)).json()["code"] == "reward-sold-out"


async def test_a_later_version_counts_what_was_had_under_the_earlier(town):
    maya, tomas, yui = await members(town, PROGRAM)
    assert await told_left(town) is None
    for who in (maya, tomas):
        await town.redeem(who)

    for stock, there_are in ((1, 0), (3, 1)):
        program = PROGRAM + f"stock = {stock}\n"
        await Loyalty(town.system.tools).programs.publish(await town.row(), program)
        assert await told_left(town) == there_are

    assert (await town.redeem(yui)).status_code == 201
    assert await told_left(town) == 0


async def test_each_store_and_reward_has_a_stock_of_its_own(town):
    maya, _, _ = await members(town)
    await town.redeem(maya)

    stocks = {"5-off": 2, "10-off": 2}
    assert await left(town.store, stocks) == {"5-off": 1, "10-off": 2}
    assert await left("another-store", stocks) == {"5-off": 2, "10-off": 2}


async def used_after_all(town):
    """Let a redemption be given back, and its code turn up on an order; return who asks next."""
    maya, tomas, _ = await members(town, PROGRAM + "stock = 1\n")
    await town.redeem(maya)
    row = await RedemptionRow.get()
    coupons.create(town.shop, {"code": row.code, "amount": "1.00"})
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert await told_left(town) == 1
    late = town.order(town.product(), 1, coupon_lines=[{"code": row.code}], set_paid=False)
    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "used"
    return tomas, late


async def test_what_was_used_after_all_holds_its_place_again(town):
    tomas, late = await used_after_all(town)
    assert await told_left(town) == 0
    assert (await town.redeem(tomas)).json()["code"] == "reward-sold-out"

    orders.update(town.shop, late, {"status": "cancelled"})
    await town.settle()
    assert await told_left(town) == 1
    assert (await town.redeem(tomas)).status_code == 201
