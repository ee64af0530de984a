"""What Shopify says with status 200 is not always data."""

import httpx
import orjson
import pytest

from platforms.errors import AccessRevoked, Malformed, RateLimited, Rejected, TransientError
from platforms.keeping import opened_by
from platforms.shopify.adapter import PLATFORM
from platforms.shopify.fake import create_api
from platforms.shopify.fake.app import COST_MAX
from platforms.shopify.fake.data import HOST, Bucket, Shop
from platforms.shopify.operations import operation


def client_of(transport, shop):
    access = {
        "url": f"https://{HOST}",
        "client_id": shop.client_id,
        "client_secret": shop.client_secret,
    }
    return opened_by(PLATFORM, access, httpx.AsyncClient(transport=transport))


def answering(said):
    """Return a store that grants a token and answers everything with ``said``."""

    def answer(request):
        if request.url.path.endswith("access_token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 86_399})
        return httpx.Response(200, content=said if isinstance(said, bytes) else orjson.dumps(said))

    return client_of(httpx.MockTransport(answer), Shop())


def refusal(code, **more):
    return {"errors": [{"message": "No.", "extensions": {"code": code}}], **more}


def throttled(requested, available, rate):
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": rate}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return refusal("THROTTLED", extensions={"cost": cost})


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (throttled(900, 100, 100), 8.0),
        (throttled(900, 890, 1000), 0.1),
        (throttled(40, 2, 2), 19.0),
        (throttled(900, 100, 0), 1.0),
        (throttled(900, 0, 0.001), 60.0),
        (refusal("THROTTLED"), 1.0),
    ],
)
async def test_throttled_is_no_data_and_says_how_long_to_wait(said, wait):
    with pytest.raises(RateLimited) as refused:
        await answering(said).count("order")
    assert refused.value.retry_after_s == pytest.approx(wait)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (refusal("ACCESS_DENIED", data={"ordersCount": None}), AccessRevoked),
        (refusal("INTERNAL_SERVER_ERROR"), TransientError),
        (refusal("MAX_COST_EXCEEDED"), Rejected),
        ({"errors": [{"message": "Field 'x' doesn't exist"}]}, Rejected),
        ({"errors": "Not Found"}, Malformed),
        ({"data": None}, Malformed),
        ({}, Malformed),
        ({"data": {"ordersCount": {"count": "many"}}}, Malformed),
        (b'{"data": {"ordersCount": {"cou', TransientError),
        (b"", TransientError),
    ],
)
async def test_what_else_is_no_data(said, error):
    with pytest.raises(error):
        await answering(said).count("order")


async def test_data_beside_errors_is_not_taken():
    said = {"data": {"ordersCount": {"count": 3}, "customersCount": None, "productsCount": None}}
    assert await answering(said).count("order") == 3
    with pytest.raises(RateLimited):
        await answering(said | throttled(900, 100, 100)).count("order")


async def asked(shop, text, clock=lambda: 0.0, **variables):
    """Return what the fake answers to an operation."""
    transport = httpx.ASGITransport(create_api(shop, clock))
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
        answer = await http.post(
            "/admin/api/2026-10/graphql.json",
            json={"query": text, "variables": variables},
            headers={"X-Shopify-Access-Token": shop.grant()},
        )
    assert answer.status_code == 200
    return answer.json()


def codes(answer):
    return [one.get("extensions", {}).get("code") for one in answer["errors"]]


async def test_the_fake_refuses_what_the_schema_does_not_have():
    answer = await asked(Shop(), "{ shop { name cash } }")
    assert "data" not in answer
    assert answer["errors"][0]["message"].startswith("Cannot query field 'cash' on type 'Shop'")


async def test_the_fake_refuses_what_costs_too_much():
    answer = await asked(Shop(), operation("orders"), first=250)
    assert codes(answer) == ["MAX_COST_EXCEEDED"]
    assert answer["extensions"]["cost"]["requestedQueryCost"] > COST_MAX


async def test_the_fakes_bucket_empties_and_fills():
    shop = Shop(bucket=Bucket(size=5, rate=1, level=5))
    now = [0.0]
    transport = httpx.ASGITransport(create_api(shop, lambda: now[0]))
    headers = {"X-Shopify-Access-Token": shop.grant()}
    said = []
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
        for at in (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0):
            now[0] = at
            answer = await http.post(
                "/admin/api/2026-10/graphql.json",
                json={"query": "{ shop { name } }"},
                headers=headers,
            )
            said.append("data" in answer.json())
    assert said == [True, True, True, True, True, False, False, True]


async def test_a_listing_that_is_throttled_says_so_through_the_client():
    shop = Shop(bucket=Bucket(size=100, rate=50, level=100))
    transport = httpx.ASGITransport(create_api(shop, lambda: 0.0))
    with pytest.raises(RateLimited, match="orders: the store asks us to wait") as refused:
        await client_of(transport, shop).page("order", None, None)
    assert refused.value.retry_after_s > 1


async def test_a_version_that_is_no_longer_served_is_not_read():
    shop = Shop(bucket=Bucket.endless(), version="2027-10")
    client = client_of(httpx.ASGITransport(create_api(shop)), shop)
    with pytest.raises(TransientError, match="as of 2027-10, and not of 2026-10") as refused:
        await client.info()
    assert (refused.value.name, refused.value.advice.partition(":")[0]) == (
        "api-version",
        "update Perennial",
    )
