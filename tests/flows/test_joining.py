"""A guest's account becomes a customer's."""

import asyncio

import pytest
from tortoise.transactions import in_transaction

from connector.database import sql
from connector.errors import MailboxTaken
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from platforms.woocommerce.fake import orders, refunds
from tests.flows.test_liability import owed
from tests.town import PROGRAM

ADA = "ada@example.test"


async def guest_of(town):
    """Return the account of the one guest."""
    return (await AccountRow.get(key__startswith="guest:")).key


async def join(town, guest, customer):
    return await Loyalty(town.system.tools).join(await town.row(), guest, str(customer))


async def balances(town):
    """Return what each account can spend: customers by id, guests together."""
    found: dict[str, int] = {}
    keys = [row.key for row in await AccountRow.filter(store=town.store)]
    for key, balance in (await ledger.balances(town.store, keys, town.clock())).items():
        name = key.removeprefix("customer:") if key.startswith("customer:") else "guest"
        found[name] = found.get(name, 0) + balance.available
    return found


async def test_a_guests_points_become_the_customers(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 8, email=ADA)  # 400 points
    town.order(coffee, 3, maya)  # 150
    await town.settle()
    assert await balances(town) == {"guest": 400, str(maya): 150}
    assert (await town.redeem(maya)).status_code == 409

    guest = await guest_of(town)
    assert (await join(town, guest, maya)).purse.available() == 550
    assert await balances(town) == {"guest": 0, str(maya): 550}
    assert (await town.visitor(maya))["available"] == 550
    town.clock.forward(minutes=1)
    assert (await town.redeem(maya)).status_code == 201

    refunds.create(town.shop, first, {"amount": "40.00"})  # of the guest's order: 200 points
    await town.settle()
    assert (await town.visitor(maya))["available"] == 550 - 500 - 200
    town.order(coffee, 5, email=f" {ADA.upper()}")  # the mailbox is theirs from now on
    await town.settle()
    assert (await town.visitor(maya))["available"] == -150 + 250
    assert (await balances(town))["guest"] == 0

    told = await explain_account(await town.row(), f"order:{first['id']}", town.clock())
    assert (told.account, told.available) == (f"customer:{maya}", 100)


async def test_points_given_to_a_guest_go_along_and_reach_the_customer_after(town):
    await town.connect()
    maya, loyalty = town.shopper(), Loyalty(town.system.tools)
    town.order(town.product("10.00"), 1, email=ADA)  # 50
    await town.settle()
    guest = await guest_of(town)
    await loyalty.decide(await town.row(), guest, Decision(key="k1", reason="-", points=-70))
    assert (await join(town, guest, maya)).purse.available() == -20

    town.clock.forward(minutes=1)
    decision = Decision(key="k2", reason="-", points=100)
    assert (await loyalty.decide(await town.row(), guest, decision)).purse.available() == 80
    assert await balances(town) == {"guest": 0, str(maya): 80}


async def test_a_mailbox_is_one_customers_for_good(town):
    await town.connect()
    maya, noor = town.shopper(), town.shopper("noor@example.test")
    town.order(town.product("10.00"), 2, email=ADA)
    await town.settle()
    guest = await guest_of(town)
    await join(town, guest, maya)
    with pytest.raises(MailboxTaken):
        await join(town, guest, noor)

    assert (await join(town, guest, maya)).purse.available() == 100
    assert (await balances(town)).get(str(noor), 0) == 0


async def test_what_was_owed_before_the_joining_is_told_to_the_point(town):
    await town.connect(PROGRAM + '[expiry]\nkind = "lot"\nmonths = 1\n')
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 8, email=ADA)
    await town.settle()
    then = town.clock()
    town.clock.forward(days=20)
    town.order(coffee, 2, maya)
    await town.settle()
    between = town.clock()
    town.clock.forward(days=20)  # the guest's have ended
    await town.settle()
    await join(town, await guest_of(town), maya)
    town.order(coffee, 1, email=ADA)
    await town.settle()

    for at, available in ((then, 400), (between, 500), (town.clock(), 150)):
        said = await owed(town, at)
        assert (said.owed.available, said.differs) == (available, 0)


async def test_settling_again_after_a_joining_changes_nothing(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 8, email=ADA)
    await town.settle()
    await join(town, await guest_of(town), maya)
    before = [
        (one.cause, one.points) for one in await ledger.entries(town.store, f"customer:{maya}")
    ]

    await ledger.mark_all_dirty(town.store, town.clock())
    await town.settle()
    after = [
        (one.cause, one.points) for one in await ledger.entries(town.store, f"customer:{maya}")
    ]
    assert after == before


async def test_a_claim_waits_for_orders_that_are_being_taken_in(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 8, email=ADA)
    await town.settle()
    guest, begun = await guest_of(town), asyncio.Event()

    async def claimed():
        await begun.wait()
        return await join(town, guest, maya)

    task = asyncio.create_task(claimed())
    async with in_transaction():
        await sql.lock(town.store)  # as whoever takes an order in
        begun.set()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), 0.3)
    assert (await task).purse.available() == 400


async def test_an_order_that_moves_and_comes_back_leaves_all_as_it_was(town):
    await town.connect()
    maya, noor = town.shopper(), town.shopper("noor@example.test")
    town.order(town.product("10.00"), 1, maya)  # 50
    order = town.order(town.product("10.00"), 12, noor)  # 600
    await town.settle()
    town.clock.forward(minutes=1)
    assert (await town.redeem(noor)).status_code == 201  # 500
    await town.settle()
    before = await balances(town)

    for customer, held in ((maya, {str(maya): 650, str(noor): -500}), (noor, before)):
        orders.update(town.shop, order, {"customer_id": customer})
        await town.settle()
        assert await balances(town) == held


async def test_an_order_that_was_claimed_stays_as_it_was_when_the_store_moves_it_too(town):
    capped = PROGRAM.replace(
        "per_minor = { EUR = 100 }",
        'per_minor = { EUR = 100 }\ncaps = [{ points = 400, per = "calendar_month" }]',
    )
    await town.connect(capped)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 8, maya)  # 400
    order = town.order(coffee, 8, email=ADA)  # 400
    await town.settle()
    town.clock.forward(minutes=1)
    assert (await join(town, await guest_of(town), maya)).purse.available() == 800

    orders.update(town.shop, order, {"customer_id": maya})
    await town.settle()
    assert await balances(town) == {str(maya): 800, "guest": 0}
    refunds.create(town.shop, order, {"amount": "40.00"})
    await town.settle()
    assert (await balances(town))[str(maya)] == 600
