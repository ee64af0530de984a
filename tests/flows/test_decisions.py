"""What a merchant decides by hand: points and tiers, from the command line to the shopper."""

import asyncio

import pytest

from connector.errors import KeyReused, RequestInvalid
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from tests.flows.test_tiers import TIERED, shown
from tests.town import PROGRAM


def decision(key="k1", reason="a late parcel", **more):
    return Decision(key=key, reason=reason, **more)


async def decide(town, customer, one):
    return await Loyalty(town.system.tools).decide(await town.row(), f"customer:{customer}", one)


async def test_points_given_and_taken_stand_in_the_ledger_with_their_reason(town):
    await town.connect()
    maya = town.shopper()

    assert (await decide(town, maya, decision(points=120))).purse.available() == 120
    town.clock.forward(hours=1)
    taken = decision("k2", "given twice", points=-150)
    assert (await decide(town, maya, taken)).purse.available() == -30

    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [(one.kind, one.points, one.why) for one in told.lines] == [
        ("adjust", 120, "by the merchant: a late parcel"),
        ("adjust", -150, "by the merchant: given twice"),
    ]
    visitor = await town.visitor(maya)
    assert [(one["about"], one["points"]) for one in visitor["history"]] == [
        ("adjustment", -150),
        ("adjustment", 120),
    ]
    town.order(town.product("10.00"), 2, maya)  # 100 points pay the 30 that are owed
    await town.settle()
    assert (await town.visitor(maya))["available"] == 70


async def test_points_given_expire_as_others_do(town):
    await town.connect(PROGRAM + '[expiry]\nkind = "lot"\nmonths = 1\n')
    maya = town.shopper()
    await decide(town, maya, decision(points=120))

    town.clock.forward(days=31)
    assert (await town.visitor(maya))["available"] == 0


async def test_a_decision_is_made_once_by_its_key(town):
    await town.connect()
    maya = town.shopper()
    for _ in range(2):
        await decide(town, maya, decision(points=120))
    with pytest.raises(KeyReused):
        await decide(town, maya, decision(points=121))

    assert await DecisionRow.all().count() == 1
    assert [one.points for one in await EntryRow.all()] == [120]


async def test_decisions_at_once_are_all_kept(town):
    await town.connect()
    maya = town.shopper()
    await asyncio.gather(
        *(decide(town, maya, decision(f"k{n % 10}", points=n % 10 + 1)) for n in range(20))
    )
    assert (await town.visitor(maya))["available"] == 55  # 1 + 2 + ... + 10, each key once


async def test_a_tier_by_hand_counts_and_is_told(town):
    await town.connect(TIERED)
    maya, coffee = town.shopper(), town.product("10.00")
    await decide(town, maya, decision(tier="Gold", is_locked=True))
    town.clock.forward(seconds=1)  # it counts for what comes after it
    town.order(coffee, 1, maya)
    await town.settle()

    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["standing"]["tier"]) == (100, "Gold")
    assert visitor["standing"]["keep"] is None
    assert shown(town, maya) == ["Gold"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tier": "Platinum"}, "there is no tier 'Platinum': write one of Silver, Gold"),
        ({"points": 5, "reason": "  "}, "give a reason, of 500 characters at most"),
        ({"points": 5, "reason": "x" * 501}, "give a reason"),
        ({"points": 1_000_000_001}, "no more than 1,000,000,000 points at once"),
    ],
)
async def test_what_cannot_be_decided_is_refused_and_nothing_is_kept(town, wrong, said):
    await town.connect(TIERED)
    maya = town.shopper()
    with pytest.raises(RequestInvalid) as caught:
        await decide(town, maya, decision(**wrong))
    assert said in str(caught.value)
    assert await DecisionRow.all().count() == 0


async def test_without_a_program_nothing_is_decided(town):
    await town.connect(None)
    with pytest.raises(RequestInvalid, match="publish a program first"):
        await decide(town, town.shopper(), decision(points=5))
