"""Points that wait until their order is fulfilled: pending, for nobody knows how long."""

import json
from datetime import timedelta

import pytest

from connector import worker
from connector.errors import InvalidProgram
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.liability import statement
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import simulate
from connector.ledger.models import AccountRow, EntryRow
from platforms.woocommerce.fake import orders, refunds
from tests.flows.test_api import client
from tests.flows.test_moving import AS_OF, CLUB, examine, lot, members_of, move_in, write
from tests.flows.test_webhooks_out import System, added
from tests.town import NOW, PROGRAM

WAITING = PROGRAM.replace("points = 5", 'points = 5\npending_until = "fulfilled"')
LASTING = f"""{WAITING}
[expiry]
kind = "lot"
months = 1
"""


async def test_points_wait_for_their_order_and_a_refund_leaves_the_rest(town):
    await town.connect(LASTING)
    maya = town.shopper()
    order = town.order(town.product("10.00"), 120, maya)
    await town.settle()

    state = await town.state(maya)
    seen, program = state.json()["visitor"], state.json()["program"]
    assert (seen["available"], seen["pending"], seen["pending_at"]) == (0, 6000, None)
    assert (seen["next_expiry"], program["pending_until"]) == (None, "fulfilled")
    (line,) = seen["history"]
    assert (line["points"], line["at"], line["is_pending"], line["awaits"]) == (
        *(6000, None, True),
        "fulfilled",
    )
    assert "9999" not in state.text
    assert (await town.redeem(maya)).status_code == 409
    assert (await AccountRow.get()).next_due_at is None

    town.clock.forward(days=400)  # far longer than points last
    refunds.create(town.shop, order, {"amount": "600.00"})
    await town.settle()
    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"]) == (0, 3000)

    orders.update(town.shop, order, {"status": "completed"})
    sent_at = town.clock()
    await town.settle()
    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"]) == (3000, 0)
    assert [(one["kind"], one["points"], one["at"], one["awaits"]) for one in seen["history"]] == [
        ("clawback", -3000, f"{sent_at:%FT%TZ}", None),
        ("earn", 6000, f"{sent_at:%FT%TZ}", None),
    ]
    assert seen["next_expiry"]["points"] == 3000
    assert (await town.redeem(maya)).status_code == 201


async def test_the_ledger_takes_back_what_waited_and_explain_says_what_is(town):
    await town.connect(WAITING)
    maya = town.shopper()
    order = town.order(town.product("10.00"), 2, maya)
    await town.settle()
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [(one.points, one.effective_at, one.awaits, one.is_pending) for one in told.lines] == [
        (100, None, "fulfilled", True)
    ]
    assert (told.available, told.pending) == (0, 100)

    orders.update(town.shop, order, {"status": "completed"})
    sent_at = town.clock()
    await town.settle()
    await town.settle()

    rows = await EntryRow.all().order_by("id")
    assert [row.points for row in rows] == [100, 100, -100]
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [(one.points, one.effective_at, one.awaits) for one in told.lines] == [
        (100, sent_at, None)
    ]
    assert (told.available, told.pending) == (100, 0)


async def test_days_count_from_when_it_was_fulfilled_and_paid(town):
    await town.connect(WAITING.replace("per_minor", "pending_days = 3\nper_minor"))
    maya = town.shopper()
    order = town.order(town.product("10.00"), 2, maya)
    town.clock.forward(days=5)
    orders.update(town.shop, order, {"status": "completed"})
    at = town.clock() + timedelta(days=3)
    await town.settle()

    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"], seen["pending_at"]) == (0, 100, f"{at:%FT%TZ}")
    town.clock.forward(days=3)
    assert (await town.visitor(maya))["available"] == 100


async def test_an_order_that_is_cancelled_before_loses_its_points(town):
    await town.connect(WAITING)
    maya = town.shopper()
    order = town.order(town.product("10.00"), 2, maya)
    await town.settle()
    orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()

    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"], seen["history"]) == (0, 0, [])


async def test_a_store_owes_what_waits_and_a_trial_has_it_in_no_month(town):
    await town.connect(WAITING)
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()

    loyalty, row = Loyalty(town.system.tools), await town.row()
    owed = await statement(loyalty, row, town.clock(), lambda done: None)
    assert (owed.owed.available, owed.owed.pending, owed.differs) == (0, 100, 0)
    trial = Simulation(parse(WAITING), "EUR", NOW - timedelta(days=1), town.clock())
    async for _ in simulate(row.id, trial):
        pass
    assert (trial.report.pending, trial.report.total.issued, trial.report.months) == (100, 100, {})


async def test_other_systems_are_told_no_instant_that_nobody_knows(town):
    await town.connect(WAITING)
    maya = town.shopper()
    town.wire.apps["erp.example.test"] = erp = System()
    erp.asks = await client(town)
    await added(erp, ["points.changed"])
    order = town.order(town.product("10.00"), 2, maya)
    await town.settle()
    orders.update(town.shop, order, {"status": "completed"})
    sent_at = town.clock()
    await town.settle()
    await worker.drain(town.system)

    told = [json.loads(one.content)["data"] for one in erp.got]
    told.sort(key=lambda one: one["available"])
    assert [[(one["points"], one["effective_at"]) for one in data["entries"]] for data in told] == [
        [(100, None)],
        [(100, f"{sent_at:%FT%TZ}"), (-100, None)],
    ]
    answer = await erp.asks.get(f"/members/customer:{maya}/entries")
    assert [(one["points"], one["awaits"]) for one in answer.json()["data"]] == [
        (100, "fulfilled"),
        (100, None),
        (-100, "fulfilled"),
    ]
    assert "9999" not in answer.text


async def test_what_waits_moves_along_and_comes_when_it_would_have(town, tmp_path):
    await town.connect(LASTING)
    maya = town.shopper()
    order = town.order(town.product("10.00"), 2, maya)
    await town.settle()
    await town.export(tmp_path)

    (member,) = members_of(tmp_path)
    (waits,) = member["lots"]
    awaits = {"order": str(order["id"]), "until": "fulfilled", "months": 1}
    assert waits == {
        "points": 100,
        "available_at": f"{town.clock():%FT%TZ}",
        "awaits": awaits,
    }
    assert all("9999" not in file.read_text(encoding="utf-8") for file in tmp_path.glob("*.jsonl"))


async def test_what_waited_elsewhere_comes_once_its_order_is_fulfilled_here(town, tmp_path):
    maya = town.shopper()
    order = town.order(town.product("10.00"), 2, maya)
    town.clock.forward(hours=3)
    await town.connect(CLUB)
    awaits = {"order": str(order["id"]), "until": "fulfilled", "months": 1}
    lots = [{**lot(100), "awaits": awaits}]
    member = {"customer_id": str(maya), "email": "maya@example.test", "lots": lots}
    file = write(tmp_path, member)
    moved = await examine(town, file)
    assert (moved.available, moved.pending) == (0, 100)
    await move_in(town, file)
    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"], seen["pending_at"]) == (0, 100, None)

    orders.update(town.shop, order, {"status": "completed"})
    sent_at = town.clock()
    await town.settle()
    seen = await town.visitor(maya)
    assert (seen["available"], seen["pending"]) == (100, 0)
    ends_at = sent_at.replace(year=sent_at.year, month=12)
    assert seen["next_expiry"] == {"points": 100, "at": f"{ends_at:%FT%TZ}"}


async def test_what_waits_cannot_end_before_it_comes(town, tmp_path):
    town.clock.forward(hours=3)
    await town.connect(CLUB)
    ends = (AS_OF + timedelta(days=9)).isoformat()
    lots = [{**lot(7, expires=ends), "awaits": {"order": "12", "until": "delivered"}}]
    file = write(tmp_path, {"customer_id": "1", "email": "a@example.test", "lots": lots})
    assert (await examine(town, file)).troubles == [
        "members.jsonl, line 2: 7 points wait for order 12 to be delivered and end already: leave"
        " expires_at out, it counts from then"
    ]


async def test_a_program_cannot_wait_for_what_the_platform_does_not_date(town):
    with pytest.raises(InvalidProgram) as refused:
        await town.connect(WAITING.replace('"fulfilled"', '"delivered"'))
    assert str(refused.value) == (
        "earn[0].pending_until: woocommerce does not say when orders are delivered; write"
        " pending_until = 'fulfilled'"
    )
