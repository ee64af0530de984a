"""What other systems say that customers did besides buying, from the API to the shopper."""

import pytest

from connector import worker
from connector.features.loyalty.explain import explain_account
from tests.flows.test_api import client, code
from tests.town import PROGRAM

PAID = f"""{PROGRAM}
[[earn]]
id = "review"
kind = "review"
points = 20
caps = [{{ points = 20, per = "calendar_day" }}]

[[earn]]
id = "quiz"
kind = "event"
event = "quiz"
points = 10

[[earn]]
id = "news"
kind = "newsletter"
points = 15

[[earn]]
id = "birthday"
kind = "birthday"
points = 100
"""


@pytest.fixture
async def crm(town):
    await town.connect(PAID)
    town.maya = town.shopper()
    await town.settle()
    return await client(town)


async def say(town, crm, key=None, **body):
    return await crm.post(f"/members/customer:{town.maya}/events", body, key)


async def test_what_is_done_earns_and_stands_in_the_history(town, crm):
    first = await say(town, crm, kind="review")
    town.clock.forward(seconds=1)
    again = await say(town, crm, kind="review")
    quiz = await say(town, crm, kind="event", event="quiz")

    assert [one.json()["earned"] for one in (first, again, quiz)] == [20, 0, 10]
    visitor = await town.visitor(town.maya)
    assert visitor["available"] == 30
    assert {(one["about"], one["points"]) for one in visitor["history"]} == {
        ("review", 20),
        ("event", 10),
    }


async def test_the_same_key_is_the_same_act(town, crm):
    first = await say(town, crm, "mail-0001", kind="newsletter", consent=True)
    again = await say(town, crm, "mail-0001", kind="newsletter", consent=True)
    other = await say(town, crm, "mail-0001", kind="newsletter", consent=False)

    assert first.json() == again.json()
    assert first.json()["earned"] == 15
    assert code(other) == (422, "key-reused")
    assert (await town.visitor(town.maya))["available"] == 15


async def test_a_birthday_is_paid_when_it_comes(town, crm):
    day = town.clock().replace(day=1).strftime("%m-01")
    said = await say(town, crm, kind="birthday", date=f"1992-{day}")
    assert said.json()["earned"] == 0

    town.clock.forward(days=366)
    await worker.drain(town.system)

    member = (await crm.get(f"/members/customer:{town.maya}")).json()
    assert member["available"] == 100


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "event"}, "event needs event"),
        ({"kind": "newsletter"}, "newsletter needs consent"),
        ({"kind": "birthday"}, "birthday needs date"),
        ({"kind": "birthday", "date": "1992-02-30"}, "is no day: write 1992-02-29"),
        ({"kind": "birthday", "date": "29.02.1992"}, "is no day"),
        ({"kind": "birthday", "date": "1991-02-29"}, "is no day"),
        ({"kind": "review", "event": "quiz"}, "review has no event"),
        ({"kind": "review", "at": "2999-01-01T00:00:00Z"}, "is to come"),
        ({"kind": "review", "at": "2026-01-01T00:00:00"}, "at `$.at`"),
        ({"kind": "jump"}, "at `$.kind`"),
    ],
)
async def test_what_cannot_be_is_refused(town, crm, body, says):
    answer = await say(town, crm, **body)

    assert code(answer) == (400, "request-invalid")
    assert says in answer.json()["detail"]


async def test_a_guest_does_nothing_but_buy(town, crm):
    town.order(town.product("10.00"), 1, 0, billing={"email": "guest@example.test"})
    await town.settle()
    members = (await crm.get("/members")).json()["data"]
    guest = next(one["id"] for one in members if one["customer_id"] is None)

    refused = await crm.post(f"/members/{guest}/events", {"kind": "review"})

    assert code(refused) == (400, "request-invalid")


async def test_a_budget_holds_for_what_is_done_too(town):
    await town.connect(PAID + "\n[budget]\npoints = 115\n")
    town.maya = town.shopper()
    await town.settle()
    crm = await client(town)
    day = town.clock().replace(day=1).strftime("%m-01")
    await say(town, crm, kind="birthday", date=day)

    waiting = await say(town, crm, kind="newsletter", consent=True)  # 15 points
    assert waiting.json()["earned"] == 0
    await worker.drain(town.system)
    assert (await town.visitor(town.maya))["available"] == 15

    town.clock.forward(days=366)
    await worker.drain(town.system)
    assert (await town.visitor(town.maya))["available"] == 115  # the birthday's 100
    await say(town, crm, kind="review")
    town.order(town.product("10.00"), 1, town.maya)
    await town.settle()
    assert (await town.visitor(town.maya))["available"] == 115
    told = await explain_account(await town.row(), str(town.maya), town.clock())
    assert [(one.asked, one.refused) for one in told.beyond] == [(20, 20), (50, 50)]
