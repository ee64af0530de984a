"""The store makes two people one: all orders move, and what no order carries goes along."""

from datetime import timedelta

import pytest

from connector import worker
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.service import Loyalty
from connector.ledger.merges import Homes
from connector.ledger.models import MergeRow
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import CHECKOUT_GRACE, PUSH
from connector.sync.outbox import want
from platforms.woocommerce.fake import orders, people
from tests.flows.test_api import client
from tests.flows.test_joining import ADA, balances, guest_of, join
from tests.town import NOW, PROGRAM, Clock

HOUR = timedelta(hours=1)


@pytest.fixture
async def two(town):
    """Two customers: bea with 1,500 points of one order, of which she spent 500, and maya."""
    await town.connect()
    town.coffee = town.product("10.00")
    town.maya, town.bea = town.shopper(), town.shopper("bea@example.test")
    town.first = town.order(town.coffee, 30, town.bea)
    town.own = town.order(town.coffee, 1, town.maya)
    await town.settle()
    town.clock.forward(minutes=1)
    assert (await town.redeem(town.bea)).status_code == 201
    await town.settle()
    return town


async def move(town, order, customer):
    orders.update(town.shop, order, {"customer_id": customer})
    await town.settle()


async def merge(town, order, customer, gone):
    """Move an order, and delete the customer whose it was."""
    await move(town, order, customer)
    people.delete(town.shop, town.shop.get("customer", gone))
    await town.settle()


async def give(town, account, points, key):
    decision = Decision(key=key, reason="-", points=points)
    await Loyalty(town.system.tools).decide(await town.row(), account, decision)


async def test_who_is_merged_brings_what_was_spent_and_given(two):
    await give(two, f"customer:{two.bea}", 30, "k1")
    assert await balances(two) == {str(two.maya): 50, str(two.bea): 1030}

    await merge(two, two.first, two.maya, two.bea)
    assert await balances(two) == {str(two.maya): 1080, str(two.bea): 0}
    (code,) = (await two.visitor(two.maya))["redemptions"]
    assert code["cost"] == 500
    assert (await two.visitor(two.maya))["available"] == 1080


async def test_an_order_alone_takes_nothing_along(two):
    other = two.order(two.coffee, 20, two.bea)
    await two.settle()

    await merge(two, two.first, two.maya, two.bea)
    assert await balances(two) == {str(two.maya): 1550, str(two.bea): 500}
    await move(two, other, two.maya)
    assert await balances(two) == {str(two.maya): 2050, str(two.bea): 0}


async def test_an_order_given_back_takes_its_part_back(two):
    before = await balances(two)
    await merge(two, two.first, two.maya, two.bea)

    await move(two, two.first, two.bea)
    assert await balances(two) == before
    assert not await MergeRow.exists()


async def test_what_comes_later_is_that_accounts_own(two):
    await merge(two, two.first, two.maya, two.bea)

    two.order(two.coffee, 2, two.bea)
    await two.settle()
    await give(two, f"customer:{two.bea}", 7, "k2")
    assert await balances(two) == {str(two.maya): 1050, str(two.bea): 107}


async def test_a_code_that_is_not_used_gives_back_to_whom_it_became(two):
    await merge(two, two.first, two.maya, two.bea)

    await RedemptionRow.all().update(return_at=two.clock())
    await want(two.store, PUSH, [(await RedemptionRow.get()).id], two.clock())
    await two.settle()
    two.clock.at += CHECKOUT_GRACE
    await two.settle()
    assert await balances(two) == {str(two.maya): 1550, str(two.bea): 0}


async def test_a_till_that_gives_back_gives_to_whom_it_became(two):
    till = await client(two)
    made = await till.post(f"/members/customer:{two.bea}/reservations", {"points": 300})
    await merge(two, two.first, two.maya, two.bea)
    assert await balances(two) == {str(two.maya): 750, str(two.bea): 0}

    await till.post(f"/reservations/{made.json()['id']}/release", {})
    await worker.drain(two.system)
    assert await balances(two) == {str(two.maya): 1050, str(two.bea): 0}


async def test_one_person_is_welcomed_once(town):
    await town.connect(f'{PROGRAM}\n[[earn]]\nid = "hello"\nkind = "sign_up"\npoints = 40\n')
    maya, bea = town.shopper(), town.shopper("bea@example.test")
    first = town.order(town.product("10.00"), 1, bea)
    await town.settle()
    assert await balances(town) == {str(maya): 40, str(bea): 90}

    await merge(town, first, maya, bea)
    assert await balances(town) == {str(maya): 90, str(bea): 0}


async def test_a_guest_who_signs_up_at_the_store_brings_what_they_were_given(town):
    await town.connect()
    maya = town.shopper()
    first = town.order(town.product("10.00"), 2, email=ADA)
    await town.settle()
    await give(town, await guest_of(town), 11, "k1")

    await move(town, first, maya)
    assert await balances(town) == {str(maya): 111, "guest": 0}


async def test_from_one_to_the_next(two):
    ada = two.shopper("ada@example.test")
    await merge(two, two.first, two.maya, two.bea)
    await move(two, two.first, ada)
    await merge(two, two.own, ada, two.maya)
    assert await balances(two) == {str(ada): 1050, str(two.maya): 0, str(two.bea): 0}

    await move(two, two.first, two.bea)
    assert await balances(two) == {str(ada): 50, str(two.maya): 0, str(two.bea): 1000}


async def test_a_guest_who_was_claimed_by_who_was_merged_goes_along(two):
    two.order(two.coffee, 4, email=ADA)
    await two.settle()
    await join(two, await guest_of(two), two.bea)

    await merge(two, two.first, two.maya, two.bea)
    assert await balances(two) == {str(two.maya): 1250, str(two.bea): 0, "guest": 0}


def test_whose_is_what_began_before_and_after():
    clock = Clock()
    early, late = clock(), clock()
    clock.forward(days=1)
    late = clock()
    homes = Homes({"a": ("b", late), "b": ("c", early)})

    assert [homes.of("a", at) for at in (NOW, late)] == ["b", "a"]
    assert Homes({"a": ("b", late), "b": ("c", NOW + HOUR)}).of("a", NOW) == "b"
    assert Homes({"a": ("b", NOW + HOUR), "b": ("c", late)}).of("a", NOW) == "c"
    assert homes.read(["c"]) == ["c", "b", "a"]
    assert homes.owners(["a"]) == {"b", "c"}


async def test_who_corrects_a_wrong_customer_merges_nobody(two):
    await move(two, two.first, two.maya)
    assert await balances(two) == {str(two.maya): 1550, str(two.bea): -500}


async def test_an_account_that_is_emptied_again_brings_what_it_was_given_since(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product("10.00")
    for points, key in ((11, "k1"), (7, "k2")):
        order = town.order(coffee, 1, email=ADA)
        await town.settle()
        await give(town, await guest_of(town), points, key)
        await move(town, order, maya)
    assert await balances(town) == {str(maya): 118, "guest": 0}


async def test_what_came_along_counts_for_limits_and_is_listed(town):
    await town.connect(f"{PROGRAM}limit_per_customer = 1\n")
    maya, bea = town.shopper(), town.shopper("bea@example.test")
    first = town.order(town.product("10.00"), 30, bea)
    await town.settle()
    assert (await town.redeem(bea)).status_code == 201
    town.clock.forward(minutes=1)
    await merge(town, first, maya, bea)

    assert (await town.redeem(maya)).json()["code"] == "reward-unavailable"
    listed = await (await client(town)).get(f"/members/customer:{maya}/redemptions")
    assert [one["cost"] for one in listed.json()["data"]] == [500]


async def test_what_was_done_after_a_claim_goes_along_through_the_mailbox(town):
    quiz = '[[earn]]\nid = "quiz"\nkind = "event"\nevent = "quiz"\npoints = 10\n'
    await town.connect(f"{PROGRAM}\n{quiz}")
    coffee = town.product("10.00")
    maya, bea = town.shopper(), town.shopper("bea@example.test")
    town.order(coffee, 1, email="bea@example.test")
    await town.settle()
    await join(town, await guest_of(town), maya)
    town.clock.forward(days=1)
    own = town.order(coffee, 1, bea, email="bea@example.test")
    await town.settle()
    api = await client(town)
    town.clock.forward(days=1)
    path = f"/members/customer:{bea}/events"
    assert (await api.post(path, {"kind": "event", "event": "quiz"})).status_code == 201
    assert await balances(town) == {str(maya): 50, str(bea): 60, "guest": 0}

    town.clock.forward(days=1)
    people.delete(town.shop, town.shop.get("customer", bea))  # her orders are that guest's then
    await town.settle()
    assert own["customer_id"] == 0
    assert await balances(town) == {str(maya): 110, str(bea): 0, "guest": 0}
