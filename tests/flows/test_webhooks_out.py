"""What a merchant's own systems are told: signed, once by its id, again until it is taken."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from connector import worker
from connector.features.loyalty.service import Loyalty
from connector.sync import retention
from connector.sync.listeners import LISTENERS_MAX
from connector.sync.models import ListenerRow, MessageRow
from tests.flows.histories import opened
from tests.flows.test_api import Client, client, code
from tests.flows.test_perks import PERKS
from tests.flows.test_tiers import TIERED
from tests.town import NOW, PROGRAM

ALL = [
    "points.changed",
    "points.expiring",
    "tier.changed",
    "redemption.changed",
    "entitlement.used",
]


class System(httpx.AsyncBaseTransport):
    """A merchant's system: keeps what it is sent, and answers as it is told to."""

    asks: Client

    def __init__(self):
        self.got: list[httpx.Request] = []
        self.status = 204

    async def handle_async_request(self, request):
        self.got.append(request)
        return httpx.Response(self.status)

    def told(self, secret):
        """Return what it was told, each verified by somebody else's code."""
        return [verified(secret, one) for one in self.got]


def verified(secret, request):
    return Webhook(secret).verify(request.content, dict(request.headers))


@pytest.fixture
async def erp(town):
    """A system that is told all of a store at which maya has 1,000 points."""
    await town.connect(PROGRAM.replace("points = 5", "points = 50"))
    town.maya = town.shopper()
    town.order(town.product("10.00"), 2, town.maya)
    await town.settle()
    town.wire.apps["erp.example.test"] = one = System()
    one.asks = await client(town)
    return one


@pytest.fixture(autouse=True)
def real_time(town):
    """Let signatures be made now: who verifies them looks at the real clock."""
    now = NOW.now(NOW.tzinfo)
    town.clock.at = now.replace(microsecond=0)


async def added(erp, events=ALL, key=None):
    body = {"url": "https://erp.example.test/hook", "events": events}
    answer = await erp.asks.post("/webhooks", body, key)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def give(town, erp, points=50):
    body = {"points": points, "reason": "late"}
    answer = await erp.asks.post(f"/members/customer:{town.maya}/adjustments", body)
    assert answer.status_code == 201


async def test_a_change_of_points_is_told_with_its_entries(town, erp):
    hook = await added(erp)

    await give(town, erp)
    await worker.drain(town.system)

    (told,) = erp.told(hook["secret"])
    at = town.clock().isoformat().replace("+00:00", "Z")
    assert told == {
        "type": "points.changed",
        "timestamp": at,
        "data": {
            "member": f"customer:{town.maya}",
            "customer_id": str(town.maya),
            "available": 1050,
            "entries": [
                {
                    "cause": told["data"]["entries"][0]["cause"],
                    "kind": "adjust",
                    "effective_at": at,
                    "points": 50,
                    "why": "by the merchant: late",
                }
            ],
            "has_more": False,
        },
    }
    (request,) = erp.got
    assert request.headers["content-type"] == "application/json"
    wrong = "whsec_" + hook["secret"].removeprefix("whsec_")[::-1].strip("=") + "="
    with pytest.raises(WebhookVerificationError):
        verified(wrong, request)


async def test_a_benefit_that_was_used_is_told(town, erp):
    await Loyalty(town.system.tools).programs.publish(await town.row(), PERKS)
    hook = await added(erp, ["entitlement.used"])
    coffee = town.product("10.00")
    town.order(coffee, 10, town.maya)
    await town.settle()
    (perk,) = (await town.visitor(town.maya))["perks"]

    used = town.order(coffee, 1, town.maya, coupon_lines=[{"code": perk["code"]}])
    placed_at = town.clock()
    await town.settle()

    (told,) = erp.told(hook["secret"])
    assert told["data"] == {
        "member": f"customer:{town.maya}",
        "customer_id": str(town.maya),
        "benefit": "free_shipping",
        "kind": "free_shipping",
        "used_on": f"order:{used['id']}",
        "used_at": f"{placed_at:%FT%TZ}",
    }


async def test_redemptions_are_told_as_they_come_to_be(town, erp):
    hook = await added(erp, ["redemption.changed"])

    path = f"/members/customer:{town.maya}/redemptions"
    made = (await erp.asks.post(path, {"reward": "5-off"})).json()
    await town.settle()

    (told,) = erp.told(hook["secret"])
    assert told["data"] == {
        "id": made["id"],
        "member": f"customer:{town.maya}",
        "customer_id": str(town.maya),
        "reward_id": "5-off",
        "cost": 500,
        "state": "issued",
        "was": "reserved",
    }


async def test_tiers_are_told_as_they_change(town):
    await town.connect(TIERED)
    maya = town.shopper()
    await town.settle()
    town.wire.apps["erp.example.test"] = erp = System()
    erp.asks = await client(town)
    hook = await added(erp, ["tier.changed"])

    for tier in ("Gold", "Silver", "Silver"):
        town.clock.forward(seconds=1)
        body = {"tier": tier, "reason": "as promised"}
        await erp.asks.post(f"/members/customer:{maya}/placements", body)
    await worker.drain(town.system)

    changes = [(one["data"]["was"], one["data"]["tier"]) for one in erp.told(hook["secret"])]
    assert changes == [(None, "Gold"), ("Gold", "Silver")]


async def test_what_is_not_taken_is_sent_again_under_its_id(town, erp):
    hook = await added(erp, ["points.changed"])
    erp.status = 500
    await give(town, erp)
    await worker.drain(town.system)

    shown = (await erp.asks.get(f"/webhooks/{hook['id']}")).json()
    assert (shown["failures"], shown["trouble"], shown["secret"]) == (1, "answered 500", None)
    town.clock.forward(seconds=1)
    await worker.drain(town.system)
    assert len(erp.got) == 1

    erp.status = 200
    town.clock.forward(seconds=1)
    await worker.drain(town.system)
    assert len({one.headers["webhook-id"] for one in erp.got}) == 1
    assert len({one.content for one in erp.got}) == 1
    assert len(erp.told(hook["secret"])) == 2
    (message,) = (await erp.asks.get(f"/webhooks/{hook['id']}/messages")).json()["data"]
    assert (message["attempts"], message["status"], message["due_at"]) == (2, 200, None)
    assert message["delivered_at"] is not None
    assert (await erp.asks.get(f"/webhooks/{hook['id']}")).json()["failures"] == 0


async def test_what_nobody_takes_is_given_up_and_can_be_sent_again(town, erp):
    hook = await added(erp, ["points.changed"])
    await give(town, erp)
    erp.status = 404
    await worker.drain(town.system)
    town.clock.forward(days=3, seconds=1)
    await worker.drain(town.system)
    assert len(erp.got) == 1
    (message,) = (await erp.asks.get(f"/webhooks/{hook['id']}/messages")).json()["data"]
    assert (message["due_at"], message["delivered_at"]) == (None, None)
    assert message["trouble"] == "answered 404"

    erp.status = 200
    again = await erp.asks.post(f"/messages/{message['id']}/send", {}, "once-more-1")
    await worker.drain(town.system)
    await erp.asks.post(f"/messages/{message['id']}/send", {}, "once-more-1")
    await worker.drain(town.system)

    assert again.status_code == 201
    assert len({one.headers["webhook-id"] for one in erp.got}) == 1
    assert len(erp.got) == 2


async def test_one_that_hears_nothing_delays_nobody(town, erp):
    town.wire.apps["deaf.example.test"] = deaf = System()
    deaf.status = 503
    body = {"url": "https://deaf.example.test/", "events": ["points.changed"]}
    assert (await erp.asks.post("/webhooks", body)).status_code == 201
    await added(erp, ["points.changed"])

    for _ in range(25):
        await give(town, erp)
    await worker.drain(town.system)

    assert (len(erp.got), len(deaf.got)) == (25, 10)


async def test_an_ended_webhook_is_told_nothing_more(town, erp):
    hook = await added(erp)
    await give(town, erp)
    ended = (await erp.asks.post(f"/webhooks/{hook['id']}/end", {})).json()
    await give(town, erp)
    await worker.drain(town.system)

    assert ended["ended_at"] is not None
    assert erp.got == []
    (message,) = (await erp.asks.get(f"/webhooks/{hook['id']}/messages")).json()["data"]
    refused = await erp.asks.post(f"/messages/{message['id']}/send", {})
    assert code(refused) == (400, "request-invalid")


async def test_a_webhook_is_added_once_by_its_key(town, erp):
    one, same = await added(erp, ALL, "the-erp-1"), await added(erp, ALL, "the-erp-1")
    body = {"url": "https://erp.example.test/other", "events": ALL}

    assert one == same
    assert code(await erp.asks.post("/webhooks", body, "the-erp-1")) == (422, "key-reused")
    listed = (await erp.asks.get("/webhooks")).json()["data"]
    assert listed == [one | {"secret": None}]
    (row,) = await ListenerRow.all()
    assert one["secret"].encode() not in bytes(row.secret)


@pytest.mark.parametrize(
    "body",
    [
        {"url": "erp.example.test", "events": ALL},
        {"url": "ftp://erp.example.test/", "events": ALL},
        {"url": "https://me:pw@erp.example.test/", "events": ALL},
        {"url": "https://erp.example.test:99999/", "events": ALL},
        {"url": "https://[::1", "events": ALL},
        {"url": "https://999.1.1.1/h", "events": ALL},
        {"url": "https://xn--a/", "events": ALL},
        {"url": "https://erp.example.test/", "events": []},
        {"url": "https://erp.example.test/", "events": ["everything"]},
        {"url": "https://erp.example.test/" + "x" * 500, "events": ALL},
    ],
)
async def test_what_cannot_be_told_is_refused(erp, body):
    assert code(await erp.asks.post("/webhooks", body)) == (400, "request-invalid")


async def test_a_store_has_so_many_webhooks_and_no_more(erp):
    for _ in range(LISTENERS_MAX):
        await added(erp)
    body = {"url": "https://erp.example.test/hook", "events": ALL}

    refused = await erp.asks.post("/webhooks", body)

    assert "end one first" in refused.json()["detail"]


async def test_nothing_of_another_store_is_told_or_shown(town, erp):
    hook = await added(erp)
    await give(town, erp)
    await worker.drain(town.system)
    (message,) = (await erp.asks.get(f"/webhooks/{hook['id']}/messages")).json()["data"]

    async with opened(town) as shop:
        theirs = await client(town, store=await shop.row())
        for path in (f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/messages"):
            assert code(await theirs.get(path)) == (404, "record-unknown")
        for path in (f"/webhooks/{hook['id']}/end", f"/messages/{message['id']}/send"):
            assert code(await theirs.post(path, {})) == (404, "record-unknown")
        await worker.drain(town.system)
    assert len(erp.got) == 1


async def test_history_from_before_the_first_program_is_not_told(town):
    await town.connect(program=None)
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    town.wire.apps["erp.example.test"] = erp = System()
    erp.asks = await client(town)
    await added(erp)

    town.clock.forward(days=1)
    await erp.asks.post("/programs", {"document": PROGRAM})
    await worker.drain(town.system)

    member = (await erp.asks.get(f"/members/customer:{maya}")).json()
    assert (member["available"], erp.got) == (100, [])


async def test_messages_are_kept_for_a_month(town, erp):
    await added(erp)
    await give(town, erp)
    await worker.drain(town.system)
    await give(town, erp)
    now = town.clock()

    await retention.forget(now + timedelta(days=30))
    assert await MessageRow.all().count() == 2
    await retention.forget(now + timedelta(days=30, seconds=1))
    assert await MessageRow.all().count() == 0


async def test_imports_are_no_news_and_points_that_come_are(town):
    pending = PROGRAM.replace("points = 5", "points = 5\npending_days = 3")
    await town.connect(pending)
    maya = town.shopper()
    town.wire.apps["erp.example.test"] = erp = System()
    erp.asks = await client(town)
    await added(erp, ["points.changed"])
    town.order(town.product("10.00"), 2, maya)
    await town.settle()

    town.clock.forward(days=4)
    await worker.drain(town.system)

    told = [json.loads(one.content)["data"] for one in erp.got]
    assert [(one["available"], len(one["entries"])) for one in told] == [(0, 1), (100, 0)]


async def test_ending_a_webhook_while_it_is_told_is_no_deadlock(town, erp):
    listeners, row = town.system.tools.listeners, await town.row()
    for _ in range(15):
        hook = await added(erp, ["points.changed"])
        await give(town, erp)
        listener = await ListenerRow.get(id=hook["id"])
        await asyncio.gather(listeners.send_some(row), listeners.end(listener))
        assert await MessageRow.filter(listener=hook["id"], due_at__not_isnull=True).count() == 0
