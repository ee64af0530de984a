"""What a customer chooses of a reward: how many points, which gift; and codes that end unused."""

import pytest

from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import CHECKOUT_GRACE
from platforms.woocommerce.fake import orders
from tests.flows.test_api import client
from tests.flows.test_rewards import rich
from tests.flows.test_tiers import TIERED
from tests.town import PROGRAM

PART = """
[[reward]]
id = "part"
kind = "part_of_cart"
cost = 50
value_minor = { EUR = 25 }
minimum_minor = { EUR = 100 }
minimum_points = 100
maximum_points = 400
"""
GIFT = """
[[reward]]
id = "gift"
kind = "free_product"
cost = 200
products = ["PRODUCTS"]
"""
ENDING = "code_expires_days = 30\n"


def coupons(town):
    return list(town.shop.records["coupon"].values())


@pytest.mark.parametrize(
    ("points", "amount", "least"), [(100, "0.50", "1.00"), (400, "2.00", "2.00")]
)
async def test_so_many_points_are_so_much_off_a_cart_that_is_worth_it(town, points, amount, least):
    maya = await rich(town, PROGRAM + PART)

    assert (await town.redeem(maya, "part", {"points": points})).status_code == 201
    await town.settle()

    (coupon,) = coupons(town)
    assert (coupon["discount_type"], coupon["amount"]) == ("fixed_cart", amount)
    assert coupon["minimum_amount"] == least
    assert (await town.visitor(maya))["available"] == 600 - points


@pytest.mark.parametrize("points", [None, 0, -100, 50, 130, 450, 10**30])
async def test_points_that_are_no_step_are_refused(town, points):
    maya = await rich(town, PROGRAM + PART)

    answer = await town.redeem(maya, "part", {"points": points} if points is not None else {})

    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert (await town.visitor(maya))["available"] == 600
    assert not await RedemptionRow.exists()


async def test_what_nobody_can_choose_is_refused(town):
    maya = await rich(town, PROGRAM + GIFT.replace("PRODUCTS", '77", "78'))

    for reward, choice in (
        ("5-off", {"points": 500}),
        ("5-off", {"product": "77"}),
        ("gift", {}),
        ("gift", {"product": "79"}),
        ("gift", {"product": "77", "points": 200}),
    ):
        answer = await town.redeem(maya, reward, choice)
        assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid"), choice
    assert not await RedemptionRow.exists()


async def test_a_gift_is_one_piece_of_what_was_chosen(town):
    await town.connect(None)
    tea, cup = town.product("20.00"), town.product("8.00")
    maya = await rich(town, PROGRAM + GIFT.replace("PRODUCTS", f'{tea}", "{cup}'))
    (gift,) = [one for one in (await town.state()).json()["program"]["rewards"] if one["gifts"]]
    assert [(one["id"], one["title"]) for one in gift["gifts"]] == [
        (str(tea), "Coffee"),
        (str(cup), "Coffee"),
    ]

    key = {"Idempotency_Key": "gift-key-1"}
    assert (await town.redeem(maya, "gift", {"product": str(cup)}, **key)).status_code == 201
    assert (await town.redeem(maya, "gift", {"product": str(tea)}, **key)).status_code == 422
    assert (await town.redeem(maya, "gift", {"product": str(cup)}, **key)).status_code == 201
    await town.settle()

    (coupon,) = coupons(town)
    assert (coupon["discount_type"], coupon["amount"]) == ("percent", "100")
    assert (coupon["product_ids"], coupon["limit_usage_to_x_items"]) == ([cup], 1)
    (told,) = (await town.visitor(maya))["redemptions"]
    assert (told["kind"], told["products"], told["gives_back"]) == (
        "free_product",
        [str(cup)],
        False,
    )
    lines = [{"product_id": tea, "quantity": 1}, {"product_id": cup, "quantity": 3}]
    code = [{"code": coupon["code"]}]
    order = town.order(tea, 1, maya, line_items=lines, coupon_lines=code)
    assert [line["total"] for line in order["line_items"]] == ["20.00", "16.00"]


async def test_a_tier_has_a_price_of_its_own(town):
    cheaper = TIERED.replace("cost = 500", "cost = 500\ncost_in = { Gold = 300 }")
    assert cheaper != TIERED
    maya = await rich(town, cheaper)
    bea = town.shopper("bea@example.test")
    town.order(town.product("10.00"), 70, bea)
    await town.settle()

    for customer in (maya, bea):
        assert (await town.redeem(customer)).status_code == 201
    tiers = [(await town.visitor(one))["standing"]["tier"] for one in (maya, bea)]
    assert sorted(zip(tiers, [row.cost for row in await RedemptionRow.all()], strict=True)) == [
        ("Gold", 300),
        ("Silver", 500),
    ]


@pytest.mark.parametrize(("more", "back"), [("gives_back = true\n", 500), ("", 0)])
async def test_points_come_back_for_a_code_that_ended_unused_if_so_published(town, more, back):
    maya = await rich(town, PROGRAM + ENDING + more)
    await town.redeem(maya)
    await town.settle()
    (told,) = (await town.visitor(maya))["redemptions"]
    assert (told["products"], told["gives_back"]) == ([], back > 0)

    town.clock.forward(days=30)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100 + back


async def test_no_points_come_back_for_a_code_that_was_used(town):
    maya = await rich(town, PROGRAM + ENDING + "gives_back = true\n")
    await town.redeem(maya)
    await town.settle()
    (coupon,) = coupons(town)
    town.order(town.product("10.00"), 2, maya, coupon_lines=[{"code": coupon["code"]}])
    await town.settle()
    available = (await town.visitor(maya))["available"]

    town.clock.forward(days=31)
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["available"] == available
    assert (await RedemptionRow.get()).state == "used"


async def test_a_till_chooses_too(town):
    maya = await rich(town, PROGRAM + PART)
    api = await client(town)
    path = f"/members/customer:{maya}/redemptions"

    made = await api.post(path, {"reward": "part", "points": 250})
    assert (made.status_code, made.json()["cost"], made.json()["value_minor"]) == (201, 250, 125)
    assert (await api.post(path, {"reward": "part", "points": 0})).status_code == 400


async def test_a_code_that_lapsed_while_used_gives_back_once_the_use_is(town):
    program = PROGRAM.replace("cost = 500", f"cost = 500\ngives_back = true\n{ENDING}")
    maya = await rich(town, program)
    before = (await town.visitor(maya))["available"]
    assert (await town.redeem(maya)).status_code == 201
    await town.settle()
    row = await RedemptionRow.get()
    coffee = town.product("10.00")
    order = town.order(coffee, 3, maya, set_paid=False, coupon_lines=[{"code": row.code}])
    await town.settle()
    assert (await RedemptionRow.get()).state == "used"
    town.clock.forward(days=31)
    await town.settle()
    orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    row = await RedemptionRow.get()
    assert (row.state, (await town.visitor(maya))["available"]) == ("returned", before)
