"""Points held back for a sale elsewhere: captured, released, or given back when time runs out."""

import asyncio
from datetime import timedelta

import pytest

from connector import worker
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from connector.rewards.models import ReservationRow
from connector.rewards.reservations import Hold
from tests.flows.test_api import client, code
from tests.town import PROGRAM


@pytest.fixture
async def till(town):
    """A till of a store at which maya has 1,000 points."""
    await town.connect(PROGRAM.replace("points = 5", "points = 50"))
    town.maya = town.shopper()
    town.order(town.product("10.00"), 2, town.maya)
    await town.settle()
    return await client(town)


def path(town):
    return f"/members/customer:{town.maya}"


async def available(town, till):
    return (await till.get(path(town))).json()["available"]


async def reserved(town, till, points=600, **more):
    answer = await till.post(f"{path(town)}/reservations", {"points": points, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_captured_points_are_spent_for_good(town, till):
    made = await reserved(town, till, note="till 2")
    assert await available(town, till) == 400
    assert (made["state"], made["note"], made["member"]) == (
        "held",
        "till 2",
        f"customer:{town.maya}",
    )

    captured = (await till.post(f"/reservations/{made['id']}/capture", {})).json()
    again = await till.post(f"/reservations/{made['id']}/capture", {})
    town.clock.forward(days=2)
    await worker.drain(town.system)

    assert captured["state"] == "captured"
    assert (again.status_code, again.json()) == (201, captured)
    assert await available(town, till) == 400
    late = await till.post(f"/reservations/{made['id']}/release", {})
    assert code(late) == (409, "reservation-ended")
    whys = [(one.kind, one.points, one.why) for one in await EntryRow.filter(kind="redeem")]
    assert whys == [("redeem", -600, "reserved by another system")]
    (line,) = [one for one in (await town.visitor(town.maya))["history"] if one["kind"] == "redeem"]
    assert (line["about"], line["points"], line["reward_id"]) == ("reservation", -600, None)


async def test_released_points_come_back_once(town, till):
    made = await reserved(town, till)

    released = (await till.post(f"/reservations/{made['id']}/release", {})).json()
    again = (await till.post(f"/reservations/{made['id']}/release", {})).json()

    assert (released["state"], again) == ("released", released)
    assert await available(town, till) == 1000
    captured = await till.post(f"/reservations/{made['id']}/capture", {})
    assert code(captured) == (409, "reservation-ended")
    assert (await till.get(f"/reservations/{made['id']}")).json() == released


async def test_what_nobody_captures_in_time_comes_back_by_itself(town, till):
    made = await reserved(town, till, minutes=5)
    town.clock.forward(minutes=5)

    late = await till.post(f"/reservations/{made['id']}/capture", {})
    assert code(late) == (409, "reservation-ended")
    town.clock.forward(minutes=3)
    await worker.drain(town.system)

    assert await available(town, till) == 1000
    ended = (await till.get(f"/reservations/{made['id']}")).json()
    assert (ended["state"], ended["ended_at"]) == ("released", made["ends_at"])


async def test_no_more_is_held_back_than_there_is(town, till):
    await reserved(town, till, 600)

    refused = await till.post(f"{path(town)}/reservations", {"points": 401})
    assert code(refused) == (409, "insufficient-points")
    assert "400 can be spent" in refused.json()["detail"]
    await reserved(town, till, 400)
    assert await available(town, till) == 0


async def test_the_same_key_holds_back_once(town, till):
    body = {"points": 600, "minutes": 10}
    both = [await till.post(f"{path(town)}/reservations", body, "sale-00042") for _ in "ab"]
    other = await till.post(f"{path(town)}/reservations", {"points": 5}, "sale-00042")

    assert both[0].json() == both[1].json()
    assert await available(town, till) == 400
    assert code(other) == (422, "key-reused")


@pytest.mark.parametrize(
    "body", [{"points": 0}, {"points": 5, "minutes": 0}, {"points": 5, "minutes": 1441}]
)
async def test_what_cannot_be_held_back_is_refused(town, till, body):
    assert code(await till.post(f"{path(town)}/reservations", body)) == (400, "request-invalid")
    assert code(await till.post("/reservations/nothing/capture", {})) == (404, "record-unknown")


async def test_fifty_tills_at_once_hold_back_what_there_is(town, till):
    loyalty, row = Loyalty(town.system.tools), await town.row()

    def one(n):
        hold = Hold(key=f"till-{n:05}", points=30, lasts=timedelta(minutes=5), note="")
        return loyalty.reserve(row, f"customer:{town.maya}", hold)

    outcomes = await asyncio.gather(*map(one, range(50)), return_exceptions=True)

    made = [one for one in outcomes if isinstance(one, ReservationRow)]
    assert len(made) == 33  # of 1,000 points
    assert {type(one).__name__ for one in outcomes} == {"ReservationRow", "InsufficientPoints"}
    assert await available(town, till) == 10
    ends = [loyalty.end_reservation(one, row, "released") for one in (*made, *made)]
    await asyncio.gather(*ends)
    assert await available(town, till) == 1000


async def test_a_guest_s_held_points_go_along_when_they_join(town, till):
    town.order(town.product("10.00"), 2, 0, billing={"email": "ann@example.test"})
    await town.settle()
    guest = next(
        one["id"] for one in (await till.get("/members")).json()["data"] if not one["customer_id"]
    )
    made = (await till.post(f"/members/{guest}/reservations", {"points": 300})).json()

    await Loyalty(town.system.tools).join(await town.row(), guest, str(town.maya))
    assert await available(town, till) == 1700
    await till.post(f"/reservations/{made['id']}/release", {})

    assert await available(town, till) == 2000
