"""The merchant's pages inside a platform's own admin: opened by its token, in its frame."""

import asyncio
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from connector.commerce.models import StoreRow
from connector.web.models import SessionRow
from platforms.conformance.stage import Basket
from platforms.shopify.fake.data import HOST
from tests import databases
from tests.market import APP, ID, SECRET, SITE, opened, tell
from tests.town import SERVICE

SCRIPT = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "frame-ancestors": f"{SITE} https://admin.shopify.com",
    "base-uri": "'none'",
    "form-action": "'self'",
    "script-src": "'self' https://cdn.shopify.com",
    "connect-src": "'self'",
}
RETRY = "x-shopify-retry-invalid-session-request"


def token(market, secret=SECRET, user="42", host=HOST, after=0, **changes):
    """Return what App Bridge gets from Shopify for somebody who is in the store's admin."""
    now = int(market.clock().timestamp()) + after
    claims = {
        "iss": f"https://{host}/admin",
        "dest": f"https://{host}",
        "aud": ID,
        "sub": user,
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
    } | changes
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, f"{secret:x<38}", "HS256")


async def open_page(market, path="/admin/", **query):
    """Open a page as Shopify's admin does: in a frame, with all that it says of it."""
    said = {"embedded": "1", "shop": HOST, "host": "YWRtaW4", "locale": "en"} | query
    headers = {"Accept": "text/html"}
    return await market.http.get(f"{SERVICE}{path}", params=said, headers=headers)


async def fetch(market, path, method="GET", signed=None, **more):
    """Ask for a page as the script in the frame does."""
    headers = {"Authorization": f"Bearer {signed or token(market)}", "Accept": "text/html"}
    return await market.http.request(method, f"{SERVICE}{path}", headers=headers, **more)


def policy(answer):
    rules = answer.headers["content-security-policy"].split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


def csrf(answer):
    (found,) = {*re.findall(r'name="csrf" value="([0-9a-f]+)"', answer.text)}
    return found


async def installed(market):
    """Have the store's admin open the app for the first time."""
    market.shop.now = market.clock()
    answer = await open_page(market, id_token=token(market))
    assert answer.status_code == 200, answer.text
    row = await StoreRow.get()
    market.store = row.id
    return answer


async def test_opening_the_app_for_the_first_time_connects_the_store(market):
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test")
    await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))

    answer = await installed(market)

    assert "set-cookie" not in answer.headers
    assert policy(answer) == POLICY
    assert f'<script src="{SCRIPT}" data-api-key="{ID}"></script>' in answer.text
    assert "Sign out" not in answer.text
    await market.publish()
    await market.settle()
    assert await market.points(maya) == 100
    row = await market.row()
    kept = market.system.stores._accesses.open(row.id, row.access)
    assert {*kept} == {"url", "token", "token_until", "refresh_token"}


async def test_each_page_is_asked_for_with_a_token(market):
    await installed(market)

    page = await fetch(market, "/admin/customers/")

    assert page.status_code == 200
    assert "Shopify 42, owner" in page.text
    assert "set-cookie" not in page.headers
    assert policy(page) == POLICY
    await fetch(market, "/admin/", signed=token(market, user="43"))
    assert sorted([one.who for one in await SessionRow.all()]) == ["Shopify 42", "Shopify 43"]
    market.clock.forward(hours=9)
    await fetch(market, "/admin/")
    assert await SessionRow.filter(who="Shopify 42").count() == 2


async def test_who_opens_it_in_many_tabs_at_once_is_in_all_of_them(market):
    opening = [open_page(market, id_token=token(market)) for _ in range(8)]
    assert [one.status_code for one in await asyncio.gather(*opening)] == [200] * 8
    row = await StoreRow.get()
    market.store = row.id

    asking = [fetch(market, "/admin/", signed=token(market, user="43")) for _ in range(8)]
    assert [one.status_code for one in await asyncio.gather(*asking)] == [200] * 8
    assert (await fetch(market, "/admin/", signed=token(market, user="43"))).status_code == 200
    await market.settle()
    assert await market.findings() == []


async def test_a_page_without_a_token_gets_one(market):
    await installed(market)

    for signed in ("", token(market, after=-120), token(market, secret="guessed")):
        query = {"id_token": signed} if signed else {}
        answer = await open_page(market, "/admin/customers/", q="maya", **query)
        assert answer.status_code == 302
        there = urlsplit(answer.headers["location"])
        asked = {name: text[0] for name, text in parse_qs(there.query).items()}
        assert there.path == "/admin/reload"
        back = urlsplit(asked.pop("shopify-reload"))
        assert asked == {"embedded": "1", "shop": HOST, "host": "YWRtaW4", "locale": "en"}
        assert back.path == "/admin/customers/"
        assert parse_qs(back.query)["q"] == ["maya"]
        assert "id_token" not in back.query

    reload = f"/admin/reload?shop={HOST}&shopify-reload=%2Fadmin%2F"
    page = await market.http.get(f"{SERVICE}{reload}")
    assert page.status_code == 200
    assert re.findall(r"<script.*", page.text) == [
        f'<script src="{SCRIPT}" data-api-key="{ID}"></script>'
    ]
    assert policy(page)["frame-ancestors"] == POLICY["frame-ancestors"]


async def test_a_store_that_is_none_is_not_let_into_the_policy(market):
    for shop in ("evil.test", f"{HOST}.evil.test", f"{HOST}; script-src *", ""):
        asked = {"shop": shop, "shopify-reload": "/admin/"}
        page = await market.http.get(f"{SERVICE}/admin/reload", params=asked)
        assert page.status_code == 401
        assert "evil" not in page.headers.get("content-security-policy", "")


async def test_a_token_that_is_no_better_the_second_time_is_told(market):
    await installed(market)

    answer = await open_page(market, id_token=token(market, secret="another"), tried="1")

    assert answer.status_code == 401
    assert "is this its app?" in unescape(answer.text)
    assert policy(answer)["frame-ancestors"] == POLICY["frame-ancestors"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "guessed"},
        {"after": -120},
        {"after": 120},
        {"aud": "another-app"},
        {"iss": "https://another.myshopify.com/admin"},
        {"dest": "https://another.myshopify.com"},
        {"host": "shop.evil.test"},
        {"exp": None},
    ],
)
async def test_a_fetch_that_is_not_signed_well_is_sent_again(market, wrong):
    await installed(market)
    sessions = await SessionRow.all().count()

    answer = await fetch(market, "/admin/customers/", signed=token(market, **wrong))

    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")
    assert "customers" not in answer.text
    assert await SessionRow.all().count() == sessions


async def test_the_page_of_one_store_is_not_asked_for_in_the_name_of_another(market):
    await installed(market)

    page = await open_page(market, id_token=token(market), shop="another.myshopify.com")

    assert page.status_code == 401
    assert "another store" in page.text


async def test_a_form_is_sent_and_what_was_done_is_said_without_a_cookie(market):
    await installed(market)
    await market.publish()
    page = await fetch(market, "/admin/look/")
    form = {"csrf": csrf(page), "accent": "#1a7f5a", "scheme": "dark", "position": ""}

    refused = await fetch(market, "/admin/look/", "POST", data=form | {"csrf": "0" * 64})
    done = await fetch(market, "/admin/look/", "POST", data=form)

    assert refused.status_code == 403
    assert done.status_code == 303
    assert "set-cookie" not in done.headers
    there = done.headers["location"]
    assert there.startswith("/admin/look/?perennial_toast=")
    said = await fetch(market, there)
    assert 'class="ad-toast" role="status"' in said.text
    assert 'class="ad-toast" role="status"' not in (await fetch(market, "/admin/look/")).text
    assert "<iframe" not in said.text


async def test_the_secret_before_signs_too_while_it_is_set(market):
    await installed(market)
    signed = token(market, secret=APP["shopify_old_client_secret"])
    page = await fetch(market, "/admin/", signed=signed)
    assert "Shopify 42, owner" in page.text
    assert f"<h1>{market.shop.name}</h1>" in page.text


async def test_nobody_reads_another_stores_pages(market):
    await installed(market)
    maya = await market.stage.add_customer("maya@example.test", "Maya", "Lindner")
    await market.settle()
    other = await market.row()
    other.id, other.url, other.name = "another", "https://another.myshopify.com", "Another"
    await other.save(force_create=True)
    theirs = token(market, host="another.myshopify.com")

    mine = await fetch(market, f"/admin/customers/customer:{maya}")
    answer = await fetch(market, f"/admin/customers/customer:{maya}", signed=theirs)

    assert "Lindner" in mine.text
    assert "Lindner" not in answer.text
    assert "Another" in (await fetch(market, "/admin/", signed=theirs)).text


async def test_a_session_of_the_frame_has_no_cookie_that_opens_it(market):
    await installed(market)
    row = await SessionRow.get()
    for secret in ("", row.digest, f"{market.store} Shopify 42", "Shopify 42"):
        cookies = {"Cookie": f"perennial_admin={row.id}.{secret}", "Accept": "text/html"}
        answer = await market.http.get(f"{SERVICE}/admin/", headers=cookies)
        assert answer.status_code == 401
        assert "open this page by a link" in answer.text.lower()
        assert market.shop.name not in answer.text


async def test_a_store_that_took_the_app_off_and_installs_it_again_goes_on(market):
    await installed(market)
    first, left_at = market.store, market.clock()
    await tell(market, "app/uninstalled", {}, at=left_at)
    await market.settle()
    assert (await market.row()).disconnected_at is not None

    market.clock.forward(minutes=5)
    await installed(market)

    assert market.store == first
    assert (await market.row()).disconnected_at is None


async def test_opening_the_app_mends_a_store_whose_tokens_have_ended(market):
    await installed(market)
    market.shop.tokens.clear()
    market.shop.refresh_tokens.clear()
    market.clock.forward(hours=2)
    await market.settle()
    assert (await market.row()).trouble_name == "needs-reopen"

    await installed(market)
    await market.settle()

    assert (await market.row()).trouble_name == ""
    assert await market.findings() == []


async def test_a_store_that_can_not_be_connected_is_told_in_the_frame(market):
    market.wire.answers["/admin/api/2026-10/graphql.json"] = httpx.Response(503)

    answer = await open_page(market, id_token=token(market))

    assert answer.status_code == 422
    assert "could not be connected" in answer.text
    assert policy(answer)["frame-ancestors"] == POLICY["frame-ancestors"]
    assert await StoreRow.all().count() == 0


async def test_without_an_app_a_token_opens_nothing(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url) as market:
            for secret in ("", "guessed"):
                signed = token(market, secret=secret)
                assert (await open_page(market, id_token=signed)).status_code == 401
                assert (await fetch(market, "/admin/", signed=signed)).status_code == 401
            assert await StoreRow.all().count() == 0


async def test_a_frame_is_for_the_one_store_and_other_pages_for_none(market):
    await installed(market)
    answer = await market.http.get(f"{SERVICE}/admin/", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "script" not in answer.text


async def test_whoever_has_no_plugin_is_told_of_the_script(market):
    await installed(market)
    market.wire.answers["/"] = httpx.Response(200, text="<p>Tea</p>")
    page = await fetch(market, "/admin/start/")

    answer = await fetch(market, "/admin/start/check", "POST", data={"csrf": csrf(page)})

    assert f"script to your theme, for store {market.store}:" in answer.text
