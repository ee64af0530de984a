"""A store that answers badly: the named line in doctor, nothing lost, recovery without help."""

import httpx
import pytest

from connector.commerce.models import StoreRow
from connector.sync.models import InboxRow
from connector.web import status
from platforms.pace import TIMEOUT_S

PAGE = b"<!doctype html><title>Just a moment...</title><p>Checking your browser"
FOREIGN = b'{"shops":[{"name":"Somebody else","plan":"basic"}]}'
JSON = {"Content-Type": "application/json"}


def says(code, body=b"{}", **headers):
    return lambda _: httpx.Response(code, content=body, headers=JSON | headers)


def half(answer):
    body = answer.content
    return httpx.Response(answer.status_code, content=body[: len(body) // 2], headers=JSON)


def silence(answer):
    raise httpx.ReadTimeout("nothing came")


def of_another_store(answer):
    body = answer.content.replace(b"store.example.test", b"else.example.test")
    is_index = b'"namespaces"' in body
    return answer if is_index else httpx.Response(answer.status_code, content=body, headers=JSON)


FAULTS = {
    "a firewall's page": (says(200, PAGE), "answer-is-a-page"),
    "a firewall's refusal": (says(403, PAGE), "answer-is-a-page"),
    "a redirect": (says(301, Location="https://new.example/wp-json/"), "store-moved"),
    "401": (says(401, b'{"code":"woocommerce_rest_cannot_view"}'), "access-revoked"),
    "404": (says(404), "api-missing"),
    "404 in WordPress's words": (says(404, b'{"code":"rest_no_route"}'), "woocommerce-missing"),
    "429 with Retry-After": (says(429, **{"Retry-After": "120"}), "store-busy"),
    "429 without": (says(429), "store-busy"),
    "500": (says(500), "store-failing"),
    "503 with a page": (says(503, PAGE), "store-failing"),
    "half a page": (half, "answer-cut"),
    f"{TIMEOUT_S:.0f} s of silence": (silence, "store-silent"),
    "another platform's JSON": (says(200, FOREIGN), "answer-of-another-store"),
    "another store's records": (of_another_store, "answer-of-another-store"),
}


async def findings(town):
    return await status.findings(
        await StoreRow.get(id=town.store), town.system.stores, town.clock()
    )


@pytest.mark.parametrize("what", FAULTS)
async def test_a_store_that_answers_badly(town, what):
    fault, name = FAULTS[what]
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    town.order(coffee, 1, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 50

    town.wire.fault = fault
    for hook in town.shop.all("webhook"):
        hook["status"] = "paused"  # what happens now, only the listings will tell
    town.order(coffee, 3, maya)
    town.clock.forward(minutes=11)
    await town.settle()

    told = {one.name: one for one in await findings(town) if not one.is_ok}
    assert name in told
    assert told[name].advice
    assert "ck_" not in f"{told[name].what}{told[name].advice}"
    assert (await town.visitor(maya))["available"] == 50  # nothing lost, nothing made up

    town.wire.fault = None
    for hook in town.shop.all("webhook"):
        hook["status"] = "active"
    for _ in range(10):  # by itself, within ten minutes
        town.clock.forward(minutes=1)
        await town.settle()

    assert (await town.visitor(maya))["available"] == 200
    assert [one.name for one in await findings(town)] == ["webhooks-active", "in-step"]
    assert await InboxRow.filter(state="parked").count() == 0


async def test_the_patience_asked_for_is_given(town):
    await town.connect()
    town.wire.fault = says(429, **{"Retry-After": "120"})
    town.clock.forward(minutes=11)
    await town.settle()
    town.wire.calls.clear()

    town.clock.forward(seconds=100)
    await town.settle()
    assert [path for _, path in town.wire.calls if "wc/v3" in path] == []

    town.clock.forward(seconds=21)
    await town.settle()
    assert any("wc/v3" in path or path == "/wp-json/" for _, path in town.wire.calls)


async def test_a_discount_wanted_meanwhile_is_issued_when_the_store_is_back(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 20, maya)
    await town.settle()
    town.wire.fault = says(401, b'{"code":"woocommerce_rest_cannot_view"}')
    answer = await town.redeem(maya)
    assert answer.status_code == 201
    town.clock.forward(minutes=11)
    await town.settle()

    town.wire.fault = None
    for _ in range(12):
        town.clock.forward(minutes=1)
        await town.settle()

    (redemption,) = (await town.visitor(maya))["redemptions"]
    assert redemption["state"] == "issued"
