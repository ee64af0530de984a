"""The sandbox: what shoppers and the merchant do on its pages, and the plugin's part."""

import base64
import re
import shutil

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platforms.woocommerce.fake import World, coupons, delivering, orders, webhooks
from platforms.woocommerce.sandbox import create_sandbox
from tests.platforms.woocommerce.conftest import KEY, SECRET
from tests.platforms.woocommerce.test_fake_listing import RECORDED

URL = "http://127.0.0.1:8123"
PLUGIN = "/wp-admin/admin.php?page=perennial"
SIGNING_KEY = bytes(range(32))
ADMIN_KEY = bytes(range(32, 64))
ANSWER = {
    "store": "s1",
    "service": "https://rewards.example.test",
    "key_id": "k1",
    "key": base64.urlsafe_b64encode(SIGNING_KEY).decode().rstrip("="),
    "admin_key": base64.urlsafe_b64encode(ADMIN_KEY).decode().rstrip("="),
}


class Service:
    """A Perennial that answers pairing codes."""

    def __init__(self):
        self.answer = Response(status_code=404)
        self.codes: list[object] = []
        route = Route("/install/woocommerce/pair", self._pair, methods=["POST"])
        self.transport = httpx.ASGITransport(Starlette(routes=[route]))

    async def _pair(self, request):
        self.codes.append(await request.json())
        return self.answer


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def app(world, service):
    there = World(clock=world.clock, rng=world.rng, transport=service.transport, delay_s=0)
    return create_sandbox(url=URL, folder=None, key=KEY, secret=SECRET, world=there)


@pytest.fixture
def store(app):
    return app.state.store


@pytest.fixture
def browser(app):
    def client():
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url=URL, follow_redirects=True)

    return client


@pytest.fixture
async def maya(browser):
    client = browser()
    body = {"login": "maya@example.test", "password": "shopper"}
    assert "Hello, Maya" in (await client.post("/my-account/login", data=body)).text
    return client


@pytest.fixture
async def admin(browser):
    client = browser()
    body = {"login": "admin", "password": "admin", "redirect_to": "/wp-admin/"}
    answer = await client.post("/wp-login.php", data=body)
    assert answer.url.path == "/wp-admin/"
    return client


@pytest.fixture
def espresso(store):
    return next(one["id"] for one in store.all("product") if one["price"] == "12.50")


async def test_products_lead_to_the_bag_and_the_checkout(browser, store, espresso):
    guest = browser()
    home = await guest.get("/")
    product = await guest.get("/product/sunday-espresso/")
    bag = await guest.post("/cart/add", data={"product_id": espresso, "quantity": 2})

    assert len(re.findall(r'class="tile"', home.text)) == 8
    assert "€12.50" in product.text
    assert (bag.url.path, "€29.90" in bag.text, "Bag (2)" in bag.text) == ("/cart/", True, True)
    address = {
        "email": "new@example.test",
        "first_name": "Nia",
        "last_name": "Brandt",
        "address_1": "Hof 1",
        "postcode": "10115",
        "city": "Berlin",
        "country": "DE",
    }
    assert (await guest.get("/checkout/")).status_code == 200
    thanks = await guest.post("/checkout/", data=address | {"payment_method": "card"})
    order = list(store.all("order"))[-1]
    assert thanks.url.path == f"/checkout/order-received/{order['id']}/"
    assert (order["status"], order["date_paid_gmt"]) == ("processing", "2026-11-21T12:00:00")
    assert (order["billing"]["email"], order["customer_id"]) == ("new@example.test", 0)
    assert "€29.90" in thanks.text
    assert "Bag (0)" in thanks.text
    assert (await browser().get(thanks.url.path)).status_code == 404  # the key is not known


async def test_pages_with_sums_carry_woocommerces_own_classes(maya, espresso):
    bag = await maya.post("/cart/add", data={"product_id": espresso, "quantity": 1})
    checkout = await maya.get("/checkout/")
    thanks = await maya.post("/checkout/", data={"payment_method": "cod"})

    found = [re.search(r'<body class="([^"]*)"', page.text) for page in (bag, checkout, thanks)]
    assert [classes and classes[1] for classes in found] == [
        "shop woocommerce-cart",
        "shop woocommerce-checkout",
        "shop woocommerce-checkout woocommerce-order-received",
    ]


async def test_an_address_that_nothing_has_leads_back(browser):
    client = browser()
    page = await client.get("/no-such-page/")
    route = await client.get("/wp-json/wc/v3/no-such-route")

    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert route.json()["code"] == "rest_no_route"


async def test_the_bag_is_the_store_apis_cart_and_shows_its_coupons(maya, store, espresso):
    made = {"code": "five", "amount": "5.00", "email_restrictions": ["maya@example.test"]}
    coupons.create(store, made)
    await maya.post("/cart/add", data={"product_id": espresso, "quantity": 2})
    seen = await maya.get("/wp-json/wc/store/v1/cart")
    await maya.post(
        "/wp-json/wc/store/v1/cart/apply-coupon",
        json={"code": "FIVE"},
        headers={"Nonce": seen.headers["nonce"]},
    )
    bag = await maya.get("/cart/")
    prefilled = await maya.get("/checkout/")
    thanks = await maya.post("/checkout/", data={"payment_method": "cod"})
    order = list(store.all("order"))[-1]

    assert seen.json()["items_count"] == 2
    assert "Coupon five" in bag.text
    assert "\N{MINUS SIGN}€5.00" in bag.text
    assert 'value="maya@example.test"' in prefilled.text
    assert "Coupon five" in thanks.text
    assert "€24.90" in thanks.text
    assert (order["total"], order["status"], order["date_paid"]) == ("24.90", "processing", None)
    assert order["customer_id"] == 2


async def test_what_an_order_shows_adds_up(admin, maya, store, espresso):
    coupons.create(store, {"code": "five", "amount": "5.00"})
    await maya.post("/cart/add", data={"product_id": espresso, "quantity": 2})
    bag = await maya.post("/cart/coupon", data={"code": "five"})
    thanks = await maya.post("/checkout/", data={"payment_method": "cod"})
    order = list(store.all("order"))[-1]
    office = await admin.get(f"/wp-admin/orders/{order['id']}")

    for page in (bag, thanks, office):
        sums = re.findall(r"(\N{MINUS SIGN}?€[\d.]+)", page.text)
        assert "€25.00" in sums
        assert "\N{MINUS SIGN}€5.00" in sums
        assert "€24.90" in sums
        assert "€20.00" not in sums


async def test_the_coupon_field_says_why_not(browser, espresso):
    guest = browser()
    await guest.post("/cart/add", data={"product_id": espresso})
    refused = await guest.post("/cart/coupon", data={"code": "<nope>"})

    assert 'role="alert"' in refused.text
    assert "Coupon &#34;&lt;nope&gt;&#34; cannot be applied because it does not exist." in (
        refused.text
    )


async def test_logging_in_keeps_the_bag_and_shows_the_orders(browser, espresso):
    client = browser()
    wrong = {"login": "maya@example.test", "password": "admin"}
    assert "fit together" in (await client.post("/my-account/login", data=wrong)).text
    await client.post("/cart/add", data={"product_id": espresso, "quantity": 3})
    right = wrong | {"password": "shopper"}
    for evil in ("//evil.example.test/", "/\\evil.example.test/", "https://evil.example.test/"):
        away = await browser().post("/my-account/login", data=right | {"redirect_to": evil})
        assert away.url == f"{URL}/my-account/"
    account = await client.post("/my-account/login", data=right)

    assert account.url == f"{URL}/my-account/"
    assert "Hello, Maya" in account.text
    assert account.text.count('<th scope="row">') == 5
    assert "Bag (3)" in account.text
    out = await client.post("/my-account/logout")
    assert "Log in" in out.text
    assert "Bag (0)" in out.text


async def test_opening_an_account(browser, store):
    client = browser()
    body = {"email": "new@example.test", "password": "secret", "first_name": "Nia"}
    assert "Hello, Nia" in (await client.post("/my-account/register", data=body)).text
    again = await browser().post("/my-account/register", data=body)

    assert "already registered" in again.text
    assert [one["role"] for one in store.all("customer")] == ["administrator"] + ["customer"] * 4


async def test_the_back_office_is_for_the_admin(browser, maya, store):
    before = {number: dict(one) for number, one in store.records["order"].items()}
    order = next(iter(before))
    for client in (browser(), maya):
        for path in ("/wp-admin/", "/wp-admin/deliveries.json", PLUGIN):
            assert (await client.get(path)).url.path == "/wp-login.php"
        await client.post(f"/wp-admin/orders/{order}/delete")
    assert store.records["order"] == before


async def test_what_the_merchant_does_to_orders(admin, store):
    order = next(one for one in store.all("order") if one["status"] == "on-hold")
    path = f"/wp-admin/orders/{order['id']}"

    async def after(action, **form):
        assert (await admin.post(f"{path}/{action}", data=form)).status_code == 200
        return order["status"]

    assert "Tomás" in (await admin.get("/wp-admin/")).text
    assert await after("paid") == "processing"
    assert order["date_paid_gmt"] == "2026-11-21T12:00:00"
    assert await after("complete") == "completed"
    line = order["line_items"][0]["id"]
    assert await after("refund", **{f"line_{line}": "1", "reason": "Torn"}) == "completed"
    assert await after("refund", amount="2.40") == "completed"
    assert [one["total"] for one in order["refunds"]] == ["-2.40", "-12.50"]
    refused = await admin.post(f"{path}/refund", data={"amount": "500"})
    assert "Invalid refund amount." in refused.text
    unread = await admin.post(f"{path}/refund", data={"amount": "x"})
    assert "Type an amount" in unread.text
    assert len(order["refunds"]) == 2
    assert await after("refund", amount="") == "refunded"
    assert await after("trash") == "trash"
    assert f"/orders/{order['id']}/restore" in (await admin.get("/wp-admin/?status=trash")).text
    assert await after("restore") == "refunded"
    assert await after("cancel") == "cancelled"
    await after("delete")
    assert order["id"] not in store.records["order"]
    assert (await admin.get(path)).status_code == 404


async def test_deliveries_can_be_read_back(admin, store, app):
    body = {"topic": "order.updated", "delivery_url": "http://127.0.0.1:7777/x", "secret": "s"}
    async with delivering(store):
        hook = await webhooks.create(store, body)
        order = next(store.all("order"))
        orders.update(store, order, {"status": "cancelled"})
        await store.deliveries_done()
        page = await admin.get("/wp-admin/webhooks")
        made = (await admin.get("/wp-admin/deliveries.json")).json()

    assert [one["status"] for one in made] == [404, 404]
    assert made[0]["headers"]["X-WC-Webhook-ID"] == str(hook["id"])
    raw = base64.b64decode(made[0]["body"])
    assert webhooks.sign("s", raw) == made[0]["headers"]["X-WC-Webhook-Signature"]
    assert base64.b64decode(made[1]["body"]) == b"webhook_id=1"
    assert "order.updated" in page.text
    assert app.state.store.site.relaxed


async def paired(admin, service, **more):
    service.answer = JSONResponse(ANSWER | more)
    query = {"pairing": "code-1", "service": "https://rewards.example.test/"}
    return await admin.get(PLUGIN, params={"page": "perennial", **query})


async def test_connecting_sends_the_merchant_to_the_service(admin):
    admin.follow_redirects = False
    sent = await admin.post(PLUGIN, data={"service": "https://rewards.example.test/"})
    wrong = await admin.post(PLUGIN, data={"service": "javascript:alert(1)"})

    assert sent.headers["location"] == (
        "https://rewards.example.test/install/woocommerce?url=http%3A%2F%2F127.0.0.1%3A8123"
    )
    assert "Type the service" in wrong.text


async def test_pairing_puts_the_loader_on_every_page(admin, browser, service):
    before = await browser().get("/")
    done = await paired(admin, service)
    pages = [await browser().get(path) for path in ("/", "/cart/", "/my-account/")]

    assert service.codes == [{"code": "code-1"}]
    assert ("pairing" in str(done.url), "Connected" in done.text) == (False, True)
    tag = (
        '<script src="https://rewards.example.test/widgets/loader.js" data-store="s1" '
        'data-platform="woocommerce" data-visitor="/wp-json/perennial/v1/visitor" '
        'data-login="/my-account/" data-accent="#2746d8" defer></script>'
    )
    assert tag not in before.text
    assert [page.text.count(tag) for page in pages] == [1, 1, 1]
    assert tag not in (await admin.get("/wp-admin/")).text
    await admin.post(PLUGIN, data={"disconnect": "1"})
    assert tag not in (await browser().get("/")).text


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=410),
        Response("hello"),
        JSONResponse({"store": "s1"}),
        JSONResponse(ANSWER | {"service": "javascript:alert(1)"}),
        JSONResponse(ANSWER | {"key": "é"}),
    ],
)
async def test_nothing_is_kept_when_pairing_fails(admin, service, app, answer):
    service.answer = answer
    query = {"page": "perennial", "pairing": "x", "service": "https://rewards.example.test"}
    page = await admin.get(PLUGIN, params=query)

    assert "Not connected" in page.text
    assert app.state.plugin.pairing is None


async def visitor(client, **headers):
    return await client.post("/wp-json/perennial/v1/visitor", headers=headers)


async def test_who_manages_the_store_is_sent_on_by_its_word(admin, maya, service):
    admin.follow_redirects = maya.follow_redirects = False
    unpaired = await admin.post(PLUGIN, data={"open": "1"})
    assert "Connect first." in unpaired.text
    await paired(admin, service)
    opened = await admin.post(PLUGIN, data={"open": "1"})
    service_page, _, token = opened.headers["location"].partition("?handed=")
    claims = jwt.decode(
        token,
        ADMIN_KEY,
        ["HS256"],
        audience="perennial-admin",
        options={"verify_exp": False, "verify_iat": False},
    )

    assert service_page == "https://rewards.example.test/admin/enter"
    assert claims.pop("jti") != ""
    assert claims == {
        "iss": "s1",
        "sub": "admin",
        "role": "owner",
        "aud": "perennial-admin",
        "iat": 1795262400,
        "exp": 1795262460,
    }
    refused = await maya.post(PLUGIN, data={"open": "1"})
    assert refused.headers["location"].startswith("/wp-login.php")


async def test_a_shopper_gets_a_token_that_the_key_signed(admin, maya, browser, service):
    assert (await visitor(maya)).status_code == 404
    await paired(admin, service)
    answer = await visitor(maya, **{"Origin": URL, "Sec-Fetch-Site": "same-origin"})
    token = answer.json()["token"]
    claims = jwt.decode(
        token,
        SIGNING_KEY,
        ["HS256"],
        audience="perennial-storefront",
        options={"verify_exp": False, "verify_iat": False},
    )

    assert (answer.json()["expires_in"], answer.headers["cache-control"]) == (600, "no-store")
    assert jwt.get_unverified_header(token)["kid"] == "k1"
    assert claims.pop("jti") != ""
    assert claims == {
        "iss": "s1",
        "sub": "2",
        "aud": "perennial-storefront",
        "iat": 1795262400,
        "exp": 1795263000,
    }
    nobody = await visitor(browser())
    assert (nobody.status_code, nobody.content) == (204, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": URL},
    ],
)
async def test_no_token_for_other_origins(admin, maya, service, headers):
    await paired(admin, service)
    assert (await visitor(maya, **headers)).status_code == 403


async def test_a_cart_token_is_no_log_in(admin, maya, browser, service):
    await paired(admin, service)
    token = (await maya.get("/wp-json/wc/store/v1/cart")).headers["cart-token"]

    assert (await visitor(browser(), **{"Cart-Token": token})).status_code == 204


async def test_a_checkout_link_fills_the_bag(browser, espresso):
    client = browser()
    link = {"products": f"{espresso}:2,999:1", "coupon": "nope"}
    page = await client.get("/checkout-link/", params=link)

    assert page.url.path == "/checkout/"
    assert "2 \N{MULTIPLICATION SIGN} Sunday Espresso" in page.text
    assert "€29.90" in page.text


async def test_a_recorded_store_has_pages_too(world):
    app = create_sandbox(url=URL, folder=RECORDED, key=KEY, secret=SECRET, world=world)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=URL, follow_redirects=True
    )
    home = await client.get("/")
    await client.post("/wp-login.php", data={"login": "admin", "password": "admin"})
    office = await client.get("/wp-admin/")
    index = (await client.get("/wp-json/")).json()

    assert home.text.count('class="tile"') == 30
    assert "850 orders" in office.text
    assert (index["timezone_string"], "$" in home.text) == ("America/New_York", True)


async def test_pages_load_nothing_from_elsewhere(browser, admin):
    for path in ("/", "/cart/", "/my-account/", "/wp-admin/", PLUGIN, "/wp-login.php"):
        page = await admin.get(path)
        assert page.status_code == 200
        loads = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', page.text)
        assert set(loads) == {"/favicon.svg", "/assets/store.css"}
    for path in ("/favicon.ico", "/favicon.svg", "/assets/store.css"):
        assert (await browser().get(path)).status_code == 200
    assert "url(" not in (await browser().get("/assets/store.css")).text


def test_a_recorded_folder_that_says_nothing_of_its_site_has_its_orders_currency(tmp_path):
    for file in RECORDED.glob("*.jsonl.gz"):
        shutil.copy(file, tmp_path)

    app = create_sandbox(url=URL, folder=tmp_path, key=KEY, secret=SECRET)

    site = app.state.store.site
    assert (site.currency, site.timezone, site.name) == ("USD", "UTC", tmp_path.name)
