"""The sandbox: what shoppers and the merchant do on its pages, and what the app proxy leads on."""

import base64
import hmac
import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platforms.keeping import opened_by
from platforms.shopify.adapter import Shopify
from platforms.shopify.fake.stage import SAMPLES
from platforms.shopify.oauth import OAuth
from platforms.shopify.proxy import AppProxy
from platforms.shopify.sandbox import create_sandbox

URL = "http://127.0.0.1:8123"
KEY, SECRET = "an-app", f"shpss_{'5' * 32}"
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
SERVICE = "https://rewards.example.test"
APP = {"service": SERVICE, "store": "s1"}


class Service:
    """What the store's app is asked."""

    def __init__(self):
        self.asked = []
        self.is_down = False
        every = ["GET", "POST"]
        self._app = Starlette(routes=[Route("/{path:path}", self._answer, methods=every)])
        self.transport = httpx.MockTransport(self._handle)

    async def _handle(self, request):
        if self.is_down:
            raise httpx.ConnectError("nobody is there", request=request)
        return await httpx.ASGITransport(self._app).handle_async_request(request)

    async def _answer(self, request):
        self.asked.append((request, await request.body()))
        if request.url.path.startswith("/proxy/"):
            return JSONResponse({"token": "t"}, headers={"set-cookie": "theirs=1"})
        return Response(status_code=200)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
async def app(service):
    app = create_sandbox(
        url=URL, key=KEY, secret=SECRET, clock=lambda: NOW, transport=service.transport
    )
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def browser(app):
    def client():
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url=URL, follow_redirects=True)

    return client


def login(email="maya@example.test", password="shopper"):  # noqa: S107 - of an invented shopper
    return {"customer[email]": email, "customer[password]": password}


@pytest.fixture
async def maya(browser):
    client = browser()
    assert "Hello, Maya" in (await client.post("/account/login", data=login())).text
    return client


@pytest.fixture
async def admin(browser):
    client = browser()
    answer = await client.post("/admin/login", data={"login": "admin", "password": "admin"})
    assert answer.url.path == "/admin"
    return client


def product(app, handle):
    return next(one for one in app.state.store.products() if one["handle"] == handle)


async def add(client, app, handle, many):
    id_ = product(app, handle)["id"].rpartition("/")[2]
    return await client.post("/cart/add", data={"id": id_, "quantity": many})


async def bought(client, app, **more):
    """Buy two house blends; return the order."""
    await add(client, app, "house-blend", 2)
    thanks = await client.post("/checkout", data={"payment_method": "card", **more})
    assert thanks.url.path.startswith("/checkout/thank-you/")
    number = thanks.url.path.rpartition("/")[2]
    return app.state.store.shop.records[f"gid://shopify/Order/{number}"], thanks


async def test_a_checkout_becomes_an_order_of_whoever_is_signed_in(maya, app):
    order, thanks = await bought(maya, app)

    who = app.state.store.with_email("maya@example.test")
    assert (order["customer"]["id"], order["email"]) == (who["id"], "maya@example.test")
    assert order["totalPriceSet"]["shopMoney"] == {"amount": "19.60", "currencyCode": "EUR"}
    assert order["displayFinancialStatus"] == "PAID"
    assert order["processedAt"] == "2026-11-21T12:00:30Z"
    assert order["name"] in thanks.text
    assert "€19.60" in thanks.text
    assert "Bag (0)" in thanks.text
    assert order["name"] in (await maya.get("/orders")).text


async def test_a_thank_you_page_needs_its_key(maya, browser, app):
    order, thanks = await bought(maya, app)

    assert order["name"] in thanks.text
    for path in (thanks.url.path, f"{thanks.url.path}?key=", f"{thanks.url.path}?key=x"):
        page = await browser().get(path)
        assert page.status_code == 404
        assert order["name"] not in page.text


async def test_a_guest_is_a_customer_without_an_account(browser, app):
    guest = browser()
    names = {"first_name": "Nia", "last_name": "Brandt"}
    order, _ = await bought(guest, app, email=" Nia@Example.test ", **names)

    who = app.state.store.shop.records[order["customer"]["id"]]
    assert (who["firstName"], who["lastName"]) == ("Nia", "Brandt")
    assert order["email"] == "nia@example.test"
    again, _ = await bought(guest, app, email="nia@example.test")
    assert again["customer"] == order["customer"]
    refused = await guest.post("/account/login", data=login("nia@example.test", ""))
    assert "Incorrect email or password." in refused.text


async def test_what_can_not_be_bought_says_why(browser, app):
    guest = browser()

    assert (await guest.get("/checkout")).url.path == "/cart"
    assert (await guest.post("/checkout", data={"payment_method": "card"})).url.path == "/cart"
    for many in ("0", "-1", "100", "x", ""):
        assert "Choose 1 to 99." in (await add(guest, app, "house-blend", many)).text
    assert "There is nothing in it yet." in (await guest.get("/cart")).text
    lost = await guest.post("/cart/add", data={"id": "7", "quantity": 1})
    assert lost.status_code == 404
    await add(guest, app, "house-blend", 1)
    before = len(app.state.store.shop.of("order"))
    for asked, said in (
        ({"payment_method": "card", "email": "nobody"}, "Type an email address"),
        ({"email": "a@example.test"}, "Choose how to pay."),
    ):
        assert said in (await guest.post("/checkout", data=asked)).text
    assert len(app.state.store.shop.of("order")) == before


async def test_a_bag_is_kept_over_the_log_in_and_changes(browser, app):
    client = browser()
    await add(client, app, "house-blend", 2)
    await add(client, app, "first-light", 1)
    await client.post("/account/login", data=login())
    id_ = product(app, "house-blend")["id"].rpartition("/")[2]

    assert "€30.50" in (await client.get("/cart")).text
    assert "€20.70" in (await client.post("/cart/change", data={"id": id_, "quantity": 1})).text
    gone = await client.post("/cart/change", data={"id": id_, "quantity": 0})
    assert "House Blend" not in gone.text
    assert "Log in" in (await client.post("/account/logout")).text


async def test_log_in_and_accounts_refuse_what_does_not_fit(browser):
    client = browser()

    assert "Incorrect" in (await client.post("/account/login", data=login(password="x"))).text
    assert "Incorrect" in (await client.post("/account/login", data=login("x@y.test"))).text
    elsewhere = login() | {"return_to": "//evil.example"}
    assert (await client.post("/account/login", data=elsewhere)).url.path == "/account"
    taken = await browser().post("/account", data=login(password="a long one"))
    assert "known already" in taken.text
    assert "5 characters" in (await browser().post("/account", data=login("r@x.test", "1"))).text
    new = login("robin@example.test", "a long one") | {"customer[first_name]": "Robin"}
    assert "Hello, Robin" in (await browser().post("/account", data=new)).text
    assert (await browser().get("/orders")).url.path == "/account/login"


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/webhooks", "/admin/deliveries.json", "/admin/access.json"]
)
async def test_the_admin_is_not_the_shopper(maya, path):
    assert (await maya.get(path)).url.path == "/admin/login"
    wrong = await maya.post("/admin/login", data={"login": "admin", "password": "shopper"})
    assert "Incorrect name or password." in wrong.text


async def act(admin, order, action, **asked):
    number = order["id"].rpartition("/")[2]
    return await admin.post(f"/admin/orders/{number}/{action}", data=asked)


async def test_the_admin_moves_an_order(admin, maya, app):
    await add(maya, app, "house-blend", 2)
    await maya.post("/checkout", data={"payment_method": "transfer"})
    order = app.state.store.shop.of("order")[-1]
    records = app.state.store.shop.records

    assert order["displayFinancialStatus"] == "PENDING"
    assert "nothing to be given back" in (await act(admin, order, "refund")).text
    await act(admin, order, "paid")
    assert records[order["id"]]["displayFinancialStatus"] == "PAID"
    assert "nothing to be paid" in (await act(admin, order, "paid")).text
    await act(admin, order, "fulfil")
    assert records[order["id"]]["displayFulfillmentStatus"] == "FULFILLED"
    await act(admin, order, "refund", line_0=1)
    assert records[order["id"]]["refunds"][0]["totalRefundedSet"]["shopMoney"]["amount"] == "9.80"
    assert "So many were not bought" in (await act(admin, order, "refund", line_0=2)).text
    for amount in ("0", "9.81", "-1", "x", "NaN"):
        assert "from 0.01 to 9.80" in (await act(admin, order, "refund", amount=amount)).text
    await act(admin, order, "refund")
    assert records[order["id"]]["displayFinancialStatus"] == "REFUNDED"
    await act(admin, order, "cancel")
    assert records[order["id"]]["cancelledAt"] == "2026-11-21T12:00:30Z"
    assert "cancelled already" in (await act(admin, order, "cancel")).text
    assert (await act(admin, order, "burn")).status_code == 404


async def test_changes_are_delivered_signed_and_logged(admin, maya, app, service):
    access = (await admin.get("/admin/access.json")).json()
    assert access == {"url": URL, "client_id": KEY, "client_secret": SECRET}
    api = httpx.AsyncClient(transport=httpx.ASGITransport(app))
    shopify = Shopify()
    shopify.topics = ("ORDERS_CREATE",)
    await opened_by(shopify, access, api).subscribe(f"{SERVICE}/hooks", "")
    order, _ = await bought(maya, app)
    await app.state.courier.catch_up()

    (made,) = (await admin.get("/admin/deliveries.json")).json()
    request, body = service.asked[-1]
    assert (str(request.url), made["url"]) == (f"{SERVICE}/hooks", f"{SERVICE}/hooks")
    assert (made["topic"], made["status"], made["message"]) == ("orders/create", 200, "")
    assert base64.b64decode(made["body"]) == body
    assert orjson.loads(body)["id"] == int(order["id"].rpartition("/")[2])
    digest = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    assert request.headers["x-shopify-hmac-sha256"] == digest

    service.is_down = True
    await bought(maya, app)
    await app.state.courier.catch_up()
    newest = (await admin.get("/admin/deliveries.json")).json()[0]
    assert (newest["status"], newest["message"]) == (0, "nobody is there")
    page = (await admin.get("/admin/webhooks")).text
    assert re.findall(r">([a-z]+/[a-z]+)<", page) == ["orders/create"] * 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (APP | {"service": "rewards"}, "An address is like"),
        (APP | {"service": "https://"}, "An address is like"),
        (APP | {"proxy": "https://x.test:99999"}, "An address is like"),
        ({}, "An address is like"),
    ],
)
async def test_settings_that_can_not_be_are_not_kept(admin, asked, said):
    assert said in (await admin.post("/admin/app", data=asked)).text
    assert "loader.js" not in (await admin.get("/")).text


async def test_the_theme_has_the_script_once_the_app_is_set(admin, browser):
    assert "loader.js" not in (await browser().get("/")).text
    await admin.post("/admin/app", data=APP)

    page = (await browser().get("/")).text
    assert f'src="{SERVICE}/widgets/loader.js" data-store="s1"' in page
    assert 'data-visitor="/apps/perennial/visitor"' in page


async def test_the_proxy_says_signed_who_is_there_and_strips_cookies(admin, maya, app, service):
    await admin.post("/admin/app", data=APP)
    answer = await maya.post("/apps/perennial/visitor?b=2&a=1&a=3&c=", content=b"{}")

    request, body = service.asked[-1]
    assert (answer.json(), body) == ({"token": "t"}, b"{}")
    assert "set-cookie" not in answer.headers
    assert "cookie" not in request.headers
    assert request.url.path == "/proxy/shopify/visitor"
    query = request.url.query
    who = app.state.store.with_email("maya@example.test")["id"].rpartition("/")[2]
    assert AppProxy().customer_of(query, SECRET, NOW) == who
    assert AppProxy().store_url(query) == URL
    fields = parse_qsl(query, keep_blank_values=True)
    assert fields[:4] == [("b", "2"), ("a", "1"), ("a", "3"), ("c", "")]
    assert ("path_prefix", "/apps/perennial") in fields


async def test_a_guest_at_the_proxy_is_blank(admin, browser, service):
    await admin.post("/admin/app", data=APP)
    await browser().post("/apps/perennial/visitor")

    query = service.asked[-1][0].url.query
    assert "logged_in_customer_id=&" in query
    assert AppProxy().customer_of(query, SECRET, NOW) is None


async def test_a_proxy_that_leads_nowhere_says_so(admin, maya, service):
    assert (await maya.post("/apps/perennial/visitor")).status_code == 404
    await admin.post("/admin/app", data=APP)
    assert (await maya.get("/apps/perennial/%2e%2e/memory/visitor")).status_code == 404
    assert service.asked == []
    service.is_down = True

    assert (await maya.post("/apps/perennial/visitor")).status_code == 502


async def test_the_invented_store_is_of_the_last_sixty_days(app):
    orders = app.state.store.shop.of("order")
    days = [(NOW - datetime.fromisoformat(one["processedAt"])).days for one in orders]

    assert len(orders) == 22
    assert 0 < min(days) <= max(days) < 52
    states = {one["displayFinancialStatus"] for one in orders}
    assert states == {"PAID", "PENDING", "REFUNDED", "PARTIALLY_REFUNDED"}


async def test_every_page_is_there_and_no_other(browser, app):
    guest = browser()
    pages = {
        "/": "House Blend is back for winter",
        "/collections/all": "All",
        "/collections/decaf": "Decaf",
        "/products/house-blend": "House Blend",
        "/cart": "Your bag",
    }
    for path, heading in pages.items():
        page = await guest.get(path)
        assert re.findall(r"<h1[^>]*>([^<]+)", page.text) == [heading]
        for asset in set(re.findall(r'(?:href|src)="(/(?:assets/|favicon)[^"]*)"', page.text)):
            assert (await guest.get(asset)).status_code == 200
    for path in ("/nothing", "/products/none", "/collections/none", "/checkout/thank-you/1"):
        lost = await guest.get(path)
        assert (lost.status_code, "There is nothing here" in lost.text) == (404, True)


async def test_the_app_is_told_at_the_address_of_its_settings(maya, admin, app, service):
    await admin.post("/admin/app", data=APP)
    order, _ = await bought(maya, app)
    number = order["id"].rpartition("/")[2]
    customer = int(order["customer"]["id"].rpartition("/")[2])
    app.state.store.shop.grant_pair()

    for path in (
        f"/admin/orders/{number}/data-request",
        f"/admin/orders/{number}/redact",
        "/admin/app/uninstall",
        "/admin/app/erase",
    ):
        assert (await admin.post(path)).status_code == 200
    await app.state.courier.catch_up()

    told = [(str(request.url), body) for request, body in service.asked if b"shop_id" in body]
    assert {url for url, _ in told} == {f"{SERVICE}/webhooks/shopify"}
    made = (await admin.get("/admin/deliveries.json")).json()[:4]
    assert [one["topic"] for one in reversed(made)] == [
        "customers/data_request", "customers/redact", "app/uninstalled", "shop/redact",
    ]  # fmt: skip
    bodies = [orjson.loads(body) for _, body in told]
    assert {body["shop_domain"] for body in bodies} == {URL}
    asked = {"id": customer, "email": "maya@example.test", "phone": None}
    assert [body.get("customer") for body in bodies] == [asked, asked, None, None]
    shop = app.state.store.shop
    theirs = [
        int(one["id"].rpartition("/")[2])
        for one in shop.of("order")
        if one["customer"] == order["customer"]
    ]
    assert int(number) in theirs
    assert bodies[0]["orders_requested"] == bodies[1]["orders_to_redact"] == theirs
    for name, body in (("data_request", bodies[0]), ("redact", bodies[1])):
        assert {*body} == {*orjson.loads((SAMPLES / f"customers_{name}.json").read_bytes())}
    assert (shop.tokens, shop.refresh_tokens, shop.hooks) == ({}, [], {})


async def test_the_frame_shows_the_app_with_a_token_for_it(admin, app):
    assert "No app is set up yet" in (await admin.get("/admin/apps/perennial")).text
    await admin.post("/admin/app", data={"service": SERVICE})

    page = await admin.get("/admin/apps/perennial/customers/?q=maya")

    (src,) = re.findall(r'<iframe class="app" title="Perennial" src="([^"]+)"', page.text)
    where = urlsplit(unescape(src))
    said = dict(parse_qsl(where.query))
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{SERVICE}/admin/customers/"
    assert (said["q"], said["shop"], said["embedded"]) == ("maya", URL, "1")
    visitor = Shopify(keys={"client_id": KEY, "client_secret": SECRET}).app
    assert visitor.visit(said["id_token"], NOW).url == URL
    given = (await admin.post("/admin/session-token")).json()["token"]
    assert visitor.visit(given, NOW).user == "1"


async def test_only_the_admin_gets_tokens(browser):
    client = browser()
    for path in ("/admin/session-token", "/admin/app/uninstall", "/admin/app/erase"):
        answer = await client.post(path)
        assert not answer.text.startswith("{")
        assert answer.url.path == "/admin/login"


async def test_an_installation_is_approved_and_goes_back_signed(admin, app):
    back = f"{SERVICE}/install/shopify/return"
    oauth = OAuth({"client_id": KEY, "client_secret": SECRET})
    asked = oauth.approval_url(URL, token="abc", callback="", back=back)
    page = await admin.get(asked)
    assert "read_orders" in page.text
    answer = await admin.post(asked, follow_redirects=False)
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == back
    assert oauth.returned_token(dict(parse_qsl(where.query))) == "abc"
    (code,) = app.state.store.shop.approvals
    assert oauth.returned_access(where.query, NOW) == {"url": URL, "code": code}
