"""Points for signing up: once, by the rule in force then, and for guests never."""

from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow, EntryRow
from platforms.woocommerce.fake import people, refunds
from tests.town import PROGRAM

WELCOME = """
[[earn]]
id = "welcome"
kind = "sign_up"
points = 50
"""
WELCOMING = PROGRAM + WELCOME


async def entries():
    return [(one.cause, one.kind, one.points) for one in await EntryRow.all().order_by("id")]


async def test_whoever_signs_up_has_points_at_once_and_once(town):
    await town.connect(WELCOMING)
    maya = town.shopper()
    await town.settle()

    visitor = await town.visitor(maya)
    assert visitor["available"] == 50
    assert [(one["kind"], one["about"], one["points"]) for one in visitor["history"]] == [
        ("earn", "sign_up", 50)
    ]
    assert await entries() == [("sign_up:welcome", "earn", 50)]

    people.update(town.shop, town.shop.records["customer"][maya], {"first_name": "Maya-Lena"})
    town.order(town.product(), 1, maya)
    await town.settle()
    assert await entries() == [
        ("sign_up:welcome", "earn", 50),
        (f"order:{max(town.shop.records['order'])}", "earn", 50),
    ]


async def test_our_own_write_coming_back_settles_nobody(town):
    await town.connect(WELCOMING)
    maya = town.shopper()
    await town.settle()
    await town.settle()  # the profile that we wrote is a customer who changed
    row = await AccountRow.get(key=f"customer:{maya}")

    people.update(town.shop, town.shop.records["customer"][maya], {"last_name": "Lind"})
    await town.settle()

    assert (await AccountRow.get(id=row.id)).dirty_gen == row.dirty_gen


async def test_a_later_version_opens_no_accounts_for_those_it_reaches_not(town):
    await town.connect()
    town.shopper()
    await town.settle()
    await Loyalty(town.system.tools).programs.publish(await town.row(), WELCOMING)
    assert await AccountRow.all().count() == 0


async def test_a_guest_signs_nothing(town):
    await town.connect(WELCOMING)
    town.order(town.product(), 1, email="guest@example.test")
    await town.settle()
    assert [points for _, _, points in await entries()] == [50]  # of the order


async def test_who_signed_up_before_the_rule_has_nothing_of_it(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    town.clock.forward(hours=1)
    await Loyalty(town.system.tools).programs.publish(await town.row(), WELCOMING)
    tomas = town.shopper("tomas@example.test")
    await town.settle()

    assert (await town.visitor(maya))["available"] == 0
    assert (await town.visitor(tomas))["available"] == 50


async def test_a_first_program_welcomes_those_who_came_since_it_holds(town):
    maya = town.shopper()  # a year after ``earn_from``
    await town.connect(None)
    await town.settle()
    assert await entries() == []

    await Loyalty(town.system.tools).programs.publish(await town.row(), WELCOMING)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 50


async def test_two_rules_for_orders_are_two_entries_and_a_refund_takes_of_both(town):
    extra = WELCOME.replace("sign_up", "order").replace("welcome", "extra")
    await town.connect(PROGRAM + extra + "per_minor = { EUR = 2000 }\n")
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 4, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 300  # 40.00 x 5, and 50 for each 20.00

    refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()

    assert await entries() == [
        (f"order:{order['id']}", "earn", 200),
        (f"order:{order['id']}/rule:2", "earn", 100),
        (f"order:{order['id']}/refund:{order['id'] + 1}", "clawback", -50),
        (f"order:{order['id']}/rule:2/refund:{order['id'] + 1}", "clawback", -25),
    ]
