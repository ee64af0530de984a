"""From a checkout to points to a discount and back, through every layer, over HTTP."""

from datetime import timedelta

from connector.ledger.models import EntryRow
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import CHECKOUT_GRACE, PUSH
from connector.sync.outbox import unpark, want
from platforms.woocommerce.fake import coupons, orders, people, refunds
from tests.town import PROGRAM


async def member(town, program=PROGRAM):
    """Connect, and let a shopper earn 600 points; return them and what they bought."""
    await town.connect(program)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 12, maya)
    await town.settle()
    return maya, coffee


async def test_an_order_earns_and_its_refund_takes_back(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")

    order = town.order(coffee, 3, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150

    refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()
    visitor = await town.visitor(maya)
    assert visitor["available"] == 100
    assert [(line["kind"], line["points"]) for line in visitor["history"]] == [
        ("clawback", -50),
        ("earn", 150),
    ]


async def test_a_cancelled_order_earns_nothing_and_the_ledger_says_so(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()

    orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()

    assert (await town.visitor(maya))["available"] == 0
    entries = await EntryRow.all().order_by("id")
    assert [(entry.points, entry.n) for entry in entries] == [(150, 0), (-150, 1)]
    assert entries[1].why == "no longer so (was +150)"


async def test_a_redemption_becomes_a_code_for_one_shopper(town):
    maya, _ = await member(town)

    answer = await town.redeem(maya)
    assert answer.status_code == 201
    assert answer.json()["visitor"]["redemptions"][0]["state"] == "reserved"
    assert answer.json()["visitor"]["available"] == 100
    await town.settle()

    redemption = (await town.visitor(maya))["redemptions"][0]
    assert redemption["state"] == "issued"
    coupon = next(town.shop.all("coupon"))
    assert coupon["code"] == redemption["code"].lower()
    assert (coupon["amount"], coupon["discount_type"]) == ("5.00", "fixed_cart")
    assert coupon["minimum_amount"] == "10.00"
    assert coupon["usage_limit"] == 1
    assert coupon["email_restrictions"] == ["maya@example.test"]


async def test_a_used_code_is_used_and_free_again_when_the_order_is_cancelled(town):
    maya, coffee = await member(town)
    await town.redeem(maya)
    await town.settle()
    code = (await town.visitor(maya))["redemptions"][0]["code"]

    order = town.order(coffee, 2, maya, coupon_lines=[{"code": code}])
    await town.settle()
    visitor = await town.visitor(maya)
    assert visitor["redemptions"][0]["state"] == "used"
    assert visitor["available"] == 100 + 75  # 20.00 less 5.00, five points each

    orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    visitor = await town.visitor(maya)
    assert visitor["redemptions"][0]["state"] == "issued"
    assert visitor["available"] == 100


async def test_a_lost_answer_makes_no_second_coupon(town):
    maya, _ = await member(town)
    town.wire.cut = [("POST", "/wp-json/wc/v3/coupons/batch")]

    await town.redeem(maya)
    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "unknown"
    assert len(list(town.shop.all("coupon"))) == 1

    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "issued"
    assert len(list(town.shop.all("coupon"))) == 1


async def test_a_code_of_somebody_elses_gives_the_points_back_after_the_grace(town):
    maya, _ = await member(town)
    await town.redeem(maya)
    row = await RedemptionRow.get()
    coupons.create(town.shop, {"code": row.code, "amount": "1.00"})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 100

    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    visitor = await town.visitor(maya)
    assert visitor["available"] == 600
    assert visitor["redemptions"][0]["state"] == "returned"
    assert [coupon["amount"] for coupon in town.shop.all("coupon")] == ["1.00"]


async def test_a_code_too_late_to_be_of_use_is_not_issued_and_the_points_come_back(town):
    maya, _ = await member(town, PROGRAM + "code_expires_days = 1\n")
    keys = dict(town.shop.keys)
    town.shop.keys.clear()
    await town.redeem(maya)
    await town.settle()

    town.clock.forward(days=3)
    town.shop.keys.update(keys)
    await unpark(town.store, town.clock())
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()

    assert list(town.shop.all("coupon")) == []
    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["redemptions"][0]["state"]) == (600, "returned")


async def test_a_coupon_of_ours_that_the_store_bent_is_revoked_before_points_come_back(town):
    maya, _ = await member(town)
    town.wire.cut = [("POST", "/wp-json/wc/v3/coupons/batch")]
    await town.redeem(maya)
    await town.settle()
    (coupon,) = town.shop.all("coupon")
    coupon["usage_limit"] = None

    await town.settle()
    assert list(town.shop.all("coupon")) == []
    assert (await town.visitor(maya))["available"] == 100

    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600


async def test_used_before_we_knew_it_was_there_and_cancelled_it_is_there(town):
    maya, coffee = await member(town)
    town.wire.cut = [("POST", "/wp-json/wc/v3/coupons/batch")]
    await town.redeem(maya)
    await town.settle()
    (coupon,) = town.shop.all("coupon")
    order = town.order(coffee, 2, maya, coupon_lines=[{"code": coupon["code"]}])
    await town.settle()
    assert (await town.visitor(maya))["redemptions"][0]["state"] == "used"

    orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()

    assert (await town.visitor(maya))["redemptions"][0]["state"] == "issued"


async def test_an_order_with_a_returned_code_pays_again_and_cancelled_it_does_not(town):
    maya, coffee = await member(town)
    await town.redeem(maya)
    row = await RedemptionRow.get()
    coupons.create(town.shop, {"code": row.code, "amount": "1.00"})
    await town.settle()
    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600

    late = town.order(coffee, 1, coupon_lines=[{"code": row.code}], set_paid=False)
    await town.settle()
    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["redemptions"][0]["state"]) == (100, "used")

    orders.update(town.shop, late, {"status": "cancelled"})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600


async def test_the_grace_begins_when_the_code_is_dead_not_when_it_was_decided(town):
    maya, _ = await member(town)
    await town.redeem(maya)
    await town.settle()
    decided_at = town.clock() - 2 * CHECKOUT_GRACE  # and the store was away ever since
    await RedemptionRow.all().update(return_at=decided_at)
    await want(town.store, PUSH, [(await RedemptionRow.get()).id], town.clock())

    await town.settle()
    assert list(town.shop.all("coupon")) == []
    assert (await town.visitor(maya))["available"] == 100

    town.clock.at += CHECKOUT_GRACE
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600


async def test_a_guests_points_follow_the_order_to_their_account(town):
    await town.connect()
    order = town.order(town.product(), 2, email="new@example.test")
    await town.settle()
    assert (await EntryRow.get()).account.startswith("guest:")

    new = town.shopper("new@example.test")
    orders.update(town.shop, order, {"customer_id": new})
    town.shop.emit("order.updated", order["id"])
    await town.settle()

    assert (await town.visitor(new))["available"] == 100
    nets: dict[str, int] = {}
    for entry in await EntryRow.all():
        nets[entry.account] = nets.get(entry.account, 0) + entry.points
    assert sorted(nets.values()) == [0, 100]


async def test_an_account_with_a_guests_address_has_no_points_by_that_alone(town):
    await town.connect()
    town.order(town.product(), 2, email="new@example.test")
    new = town.shopper("new@example.test")  # the store does not give it the order either
    await town.settle()

    assert (await town.visitor(new))["available"] == 0


async def test_a_customer_who_moved_keeps_their_points_and_gets_codes_for_the_new_address(town):
    maya, _ = await member(town)
    people.update(town.shop, town.shop.records["customer"][maya], {"email": "moved@example.test"})
    await town.settle()
    assert (await town.visitor(maya))["available"] == 600

    await town.redeem(maya)
    await town.settle()

    (coupon,) = town.shop.all("coupon")
    assert coupon["email_restrictions"] == ["moved@example.test"]


async def test_expiry_is_settled_when_somebody_looks(town):
    program = """
name = "Short"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"
[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = { EUR = 100 }
pending_days = 14
[expiry]
kind = "lot"
months = 1
"""
    await town.connect(program)
    maya = town.shopper()
    town.order(town.product(), 3, maya)
    await town.settle()
    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["pending"]) == (0, 30)
    assert visitor["history"][0]["is_pending"] is True

    town.clock.at += timedelta(days=14)
    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["pending"]) == (30, 0)
    assert visitor["next_expiry"]["points"] == 30

    town.clock.at += timedelta(days=32)
    visitor = await town.visitor(maya)
    assert visitor["available"] == 0
    assert visitor["history"][0]["kind"] == "expire"


async def test_a_trashed_order_keeps_its_points(town):
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 2, maya)
    await town.settle()

    orders.delete(town.shop, order, force=False)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 100


async def test_a_trashed_order_is_void_where_the_program_says_so(town):
    head, rest = PROGRAM.split("\n\n", 1)
    await town.connect(f'{head}\ndeleted_orders = "void"\n\n{rest}')
    maya = town.shopper()
    order = town.order(town.product(), 2, maya)
    await town.settle()

    orders.delete(town.shop, order, force=False)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 0
