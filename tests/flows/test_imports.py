"""Points from elsewhere: tried, taken over, taken back."""

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.imports import planned, take_over, undo
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow, EntryRow
from tests.flows.test_joining import ADA, balances, guest_of, join
from tests.flows.test_liability import owed
from tests.town import PROGRAM

RIVO = """\
Email,Points Balance,Birthdate,VIP Tier,Activation Date,Credits Balance
maya@example.test,"1,240",1990-01-01,Gold,2024-02-03,0
NOOR@example.test ,80,,,,
ada@example.test,300,,,,
zoe@example.test,0,,,,
"""


async def plan_of(town, text, **columns):
    await town.settle()  # so that we have heard of its customers
    data = text if isinstance(text, bytes) else text.encode()
    return await planned(await town.row(), town.system.tools.vault, data, columns)


async def imported(town, text, **columns):
    plan = await plan_of(town, text, **columns)
    assert plan.troubles == []
    loyalty, tools = Loyalty(town.system.tools), town.system.tools
    done = await take_over(
        loyalty, await town.row(), plan, tools.clock(), tools.ids, lambda n: None
    )
    await town.settle()
    return plan.batch, done


async def test_a_dry_run_says_what_it_would_do_and_writes_nothing(town):
    await town.connect()
    town.shopper()
    town.shopper("noor@example.test")
    await town.settle()
    plan = await plan_of(town, RIVO)

    assert (plan.customers, plan.guests, plan.points, plan.without_points) == (2, 1, 1620, 1)
    assert (await DecisionRow.all().count(), await EntryRow.all().count()) == (0, 0)


async def test_points_are_taken_over_and_back_to_what_was(town):
    await town.connect()
    maya, noor = town.shopper(), town.shopper("noor@example.test")
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    before = await balances(town)

    batch, done = await imported(town, RIVO)
    assert done == 3
    assert await balances(town) == {str(maya): 1340, str(noor): 80, "guest": 300}
    assert (await owed(town)).differs == 0
    told = await explain_account(await town.row(), str(noor), town.clock())
    assert [(one.kind, one.why) for one in told.lines] == [
        ("import", f"taken over: batch {batch}, line 3")
    ]
    assert (await imported(town, RIVO))[1] == 0  # the same file is the same batch
    assert (await balances(town))[str(maya)] == 1340

    assert await undo(await town.row(), batch, town.clock()) == 3
    await town.settle()
    assert {who: points for who, points in (await balances(town)).items() if points} == before
    assert await undo(await town.row(), batch, town.clock()) == 0
    with pytest.raises(RequestInvalid, match="imported and undone"):
        await imported(town, RIVO)


async def test_what_was_spent_meanwhile_is_owed_after_an_undo(town):
    await town.connect()
    maya = town.shopper()
    batch, _ = await imported(town, "Email,Points\nmaya@example.test,600\n")
    town.clock.forward(minutes=1)
    assert (await town.redeem(maya)).status_code == 201  # 500
    await undo(await town.row(), batch, town.clock())
    await town.settle()
    assert (await town.visitor(maya))["available"] == -500


async def test_lots_end_when_they_would_have_there_or_as_the_program_says(town):
    await town.connect(PROGRAM + '[expiry]\nkind = "lot"\nmonths = 2\n')
    maya, noor = town.shopper(), town.shopper("noor@example.test")
    text = "email;points;expires_at\nmaya@example.test;100;2026-12-01\nnoor@example.test;100;\n"
    await imported(town, text)
    town.clock.forward(days=20)
    assert [(await town.visitor(who))["available"] for who in (maya, noor)] == [0, 100]
    town.clock.forward(days=50)
    assert (await town.visitor(noor))["available"] == 0


async def test_whose_mailbox_it_is_may_claim_what_was_imported_for_it(town):
    await town.connect()
    maya = town.shopper()
    await imported(town, f"email,points\n{ADA},300\n")
    await join(town, await guest_of(town), maya)
    assert (await town.visitor(maya))["available"] == 300


async def test_our_own_export_and_other_names_are_read(town):
    await town.connect()
    maya = town.shopper()
    own = f"platform_customer_id,email,balance_available,balance_pending\n{maya},old@e.test,40,0\n"
    assert (await plan_of(town, own)).lines[0].account == f"customer:{maya}"
    other = "Kunde,Punkte\nmaya@example.test,40\n"
    plan = await plan_of(town, other, email="Kunde", points="Punkte")
    assert [(one.account, one.points) for one in plan.lines] == [(f"customer:{maya}", 40)]


TROUBLES = {
    "email,points\nmaya@example.test,-5\n": "line 2: '-5' are no points",
    "email,points\nmaya@example.test,1.5\n": "line 2: '1.5' are no points",
    "email,points\nmaya,5\n": "line 2: there is no customer and no e-mail address",
    "email,points\na@b.c,5\n A@B.C,5\n": "line 3: the same as line 2",
    "customer id,points\n999,5\n": "line 2: there is no customer 999",
    "email,points,expires_at\na@b.c,5,soon\n": "line 2: 'soon' is no date",
}


async def test_what_cannot_be_read_is_told(town):
    await town.connect()
    town.shopper()
    for text, trouble in TROUBLES.items():
        (told,) = (await plan_of(town, text)).troubles
        assert told.startswith(trouble)
    for text in ("", "email\na@b.c\n"):
        with pytest.raises(RequestInvalid, match="columns for points"):
            await plan_of(town, text)
    with pytest.raises(RequestInvalid, match="UTF-8"):
        await plan_of(town, "email,points\nä@b.c,1".encode("latin-1"))


async def test_without_a_program_nothing_can_be_imported(town):
    await town.connect(program=None)
    town.shopper()
    with pytest.raises(RequestInvalid, match="publish a program first"):
        await imported(town, "email,points\nmaya@example.test,5\n")
    assert await AccountRow.all().count() == 0
