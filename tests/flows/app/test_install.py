"""The operator's app installed from here: approved at the store, brought back by the browser."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from connector.commerce.models import StoreRow
from platforms.shopify.fake.data import HOST
from platforms.shopify.oauth import digest
from tests.market import ID, SECRET, SITE
from tests.town import SERVICE


async def begun(market, url=HOST):
    """Begin to install; return what the store is asked."""
    answer = await market.http.get(f"{SERVICE}/install/shopify", params={"url": url})
    assert answer.status_code == 303
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{SITE}/admin/oauth/authorize"
    return {name: text[0] for name, text in parse_qs(where.query).items()}


async def came_back(market, asked, *, secret=SECRET, **wrong):
    """Approve, and follow the store's word back."""
    said = {
        "code": market.shop.approve(),
        "shop": HOST,
        "state": asked["state"],
        "timestamp": str(int(market.clock().timestamp())),
    } | wrong
    signed = said | {"hmac": digest({name: [text] for name, text in said.items()}, secret)}
    return await market.http.get(f"{asked['redirect_uri']}?{urlencode(signed)}")


async def test_a_store_is_connected_by_the_code_that_comes_back(market):
    asked = await begun(market)
    assert asked["client_id"] == ID
    assert asked["redirect_uri"] == f"{SERVICE}/install/shopify/return"

    answer = await came_back(market, asked)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SITE}/admin/apps/{ID}"
    row = await StoreRow.get()
    kept = market.system.stores._accesses.open(row.id, row.access)
    assert {*kept} == {"url", "token", "token_until", "refresh_token"}
    assert market.shop.approvals == set()
    again = await market.http.get(f"{SERVICE}/install/shopify/return?{urlencode(asked)}")
    assert again.status_code in {404, 422}


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "guessed"},
        {"timestamp": "1337178173"},
        {"shop": "another.myshopify.com"},
        {"state": "another"},
    ],
)
async def test_what_was_not_signed_now_for_this_store_connects_none(market, wrong):
    answer = await came_back(market, await begun(market), **wrong)
    assert answer.status_code == 404
    assert "begin again" in answer.text
    assert await StoreRow.all().count() == 0


async def test_another_browser_does_not_end_what_this_one_began(market):
    asked = await begun(market)
    market.http.cookies.clear()
    answer = await came_back(market, asked)
    assert answer.status_code == 404
    assert await StoreRow.all().count() == 0


async def test_who_does_not_approve_is_told(market):
    asked = await begun(market)
    query = urlencode({"state": asked["state"], "error": "access_denied"})
    answer = await market.http.get(f"{asked['redirect_uri']}?{query}")
    assert answer.status_code == 422
    assert "not approved" in answer.text


async def test_a_code_that_was_used_is_told(market):
    asked = await begun(market)
    answer = await came_back(market, asked, code="used-before")
    assert answer.status_code == 422
    assert "could not be connected" in answer.text
    assert await StoreRow.all().count() == 0
