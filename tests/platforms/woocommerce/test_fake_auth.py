"""Keys of the fake: Basic over https, OAuth 1.0a over http, and wc-auth's handing over."""

import base64
import hmac
import re
import threading
import time
from contextlib import contextmanager
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp
from woocommerce import API

from platforms.woocommerce.fake import FakeStore, Site, World, create_fake, fill
from platforms.woocommerce.fake.auth import signature_base
from tests.platforms.woocommerce.conftest import KEY, SECRET, sample

ORDERS = "/wp-json/wc/v3/orders"


async def test_nobody_is_let_in_without_a_key(browse, store):
    unknown = await browse(auth=("ck_other", SECRET)).get(ORDERS)
    bare = await browse().get(ORDERS)
    wrong = await browse(auth=(KEY, "cs_other")).get(ORDERS)

    assert (bare.status_code, bare.json()) == (401, sample("error-401-no-auth"))
    assert (unknown.status_code, unknown.json()) == (401, sample("error-401-no-auth"))
    assert (wrong.status_code, wrong.json()) == (401, sample("error-401-bad-secret-basic"))
    del store.keys[KEY]
    assert (await browse(auth=(KEY, SECRET)).get(ORDERS)).json() == sample("error-401-no-auth")


async def test_a_reading_key_may_not_write(browse, store):
    store.add_key("read", key="ck_read", secret="cs_read")
    client = browse(auth=("ck_read", "cs_read"))
    answer = await client.post("/wp-json/wc/v3/coupons", json={"code": "x1", "amount": "1"})

    assert (answer.status_code, answer.json()) == (401, sample("error-401-readonly-key-post"))
    assert list(store.all("coupon")) == []
    assert (await client.get(ORDERS)).status_code == 200


async def test_basic_does_not_count_over_plain_http(world):
    store = FakeStore(Site(url="http://store.example.test"), world)
    store.add_key("read_write", key=KEY, secret=SECRET)
    transport = httpx.ASGITransport(create_fake(store))
    client = httpx.AsyncClient(transport=transport, base_url=store.site.url, auth=(KEY, SECRET))

    assert (await client.get(ORDERS)).json() == sample("error-401-no-auth")


def signed(url, clock, *, nonce="n1", ago=0, secret=SECRET, **query):
    given = {
        "oauth_consumer_key": KEY,
        "oauth_timestamp": str(int(clock().timestamp()) - ago),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        **query,
    }
    base = signature_base("GET", url + ORDERS, list(given.items()))
    digest = hmac.digest(f"{secret}&".encode(), base.encode(), "sha256")
    return given | {"oauth_signature": base64.b64encode(digest).decode()}


async def test_oauth_signatures_nonces_and_times(world, clock):
    url = "http://store.example.test"
    store = FakeStore(Site(url=url), world)
    store.add_key("read_write", key=KEY, secret=SECRET)
    transport = httpx.ASGITransport(create_fake(store))
    client = httpx.AsyncClient(transport=transport, base_url=url)

    async def ask(params):
        answer = await client.get(ORDERS, params=params)
        body = answer.json()
        return answer.status_code, body["message"] if isinstance(body, dict) else body

    first = signed(url, clock, search="a b&c,é")
    assert await ask(first) == (200, [])
    assert await ask(first) == (401, "Invalid nonce - nonce has already been used.")
    assert await ask(signed(url, clock, nonce="n2", ago=600)) == (200, [])
    assert await ask(signed(url, clock, nonce="n3", ago=1000)) == (401, "Invalid timestamp.")
    refused = (401, "Invalid signature - provided signature does not match.")
    assert await ask(signed(url, clock, nonce="n4") | {"search": "added"}) == refused
    assert await ask(signed(url, clock, nonce="n5", secret="cs_other")) == refused
    missing = {"oauth_consumer_key": KEY, "oauth_nonce": "n6"}
    assert (await ask(missing))[1].startswith("Missing OAuth parameters oauth_timestamp")


@contextmanager
def served(app):
    """Serve an application on a loopback port, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Later:
    """A whole application that is known only when its port is."""

    app: ASGIApp

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


def test_the_vendors_own_client_is_understood_over_http():
    later = Later()
    with served(later) as port:
        store = FakeStore(Site(url=f"http://127.0.0.1:{port}"), World())
        store.add_key("read_write", key=KEY, secret=SECRET)
        fill(store)
        later.app = create_fake(store)
        api = API(url=store.site.url, consumer_key=KEY, consumer_secret=SECRET, version="wc/v3")
        listed = api.get("orders", params={"per_page": 5, "status": "completed,processing"})
        made = api.post("coupons", {"code": "BY-OAUTH", "amount": "3"})
        other = API(url=store.site.url, consumer_key=KEY, consumer_secret="cs_other")
        refused = other.get("orders")

    assert (listed.status_code, len(listed.json())) == (200, 5)
    assert (made.status_code, made.json()["code"]) == (201, "by-oauth")
    assert refused.status_code == 401


ASK = {
    "app_name": "Perennial",
    "scope": "read_write",
    "user_id": "token-1",
    "return_url": "https://service.example.test/back?x=1",
    "callback_url": "https://service.example.test/callback",
}


async def approve(client):
    page = await client.get("/wc-auth/v1/authorize", params=ASK)
    link = re.search(r'href="(/wc-auth/v1/access_granted[^"]+)"', page.text)
    assert link is not None
    return await client.get(link[1].replace("&amp;", "&"))


@pytest.fixture
def merchant(browse):
    """Return a browser in which the admin is logged in."""
    client = browse()
    sessions = client._transport.app.state.sessions
    client.cookies.set("wordpress_logged_in", sessions.start(1))
    return client


async def test_approving_posts_a_working_key_and_goes_back(merchant, receiver, browse):
    answer = await approve(merchant)

    assert answer.headers["location"] == (
        "https://service.example.test/back?x=1&success=1&user_id=token-1"
    )
    path, headers, body = receiver.got[0]
    handed = httpx.Response(200, content=body).json()
    assert path == "/callback"
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert handed.keys() == {
        "key_id", "user_id", "consumer_key", "consumer_secret", "key_permissions",
    }  # fmt: skip
    assert (handed["user_id"], handed["key_permissions"]) == ("token-1", "read_write")
    own = browse(auth=(handed["consumer_key"], handed["consumer_secret"]))
    assert (await own.get(ORDERS)).status_code == 200


@pytest.mark.parametrize("status", [201, 302, 500])
async def test_any_answer_but_200_leaves_no_key(merchant, store, receiver, status):
    receiver.status = status
    answer = await approve(merchant)

    assert answer.status_code == 401
    assert list(store.keys) == [KEY]


async def test_a_forged_approval_makes_no_key(merchant, store, receiver):
    answer = await merchant.get("/wc-auth/v1/access_granted", params=ASK | {"wc_auth_nonce": "x"})

    assert answer.status_code == 401
    assert list(store.keys) == [KEY]
    assert receiver.got == []


async def test_who_may_approve_and_where_keys_may_go(merchant, browse):
    guest = await browse().get("/wc-auth/v1/authorize", params=ASK)
    plain = ASK | {"callback_url": "http://service.example.test/callback"}
    unsafe = await merchant.get("/wc-auth/v1/authorize", params=plain)
    denied = await merchant.get("/wc-auth/v1/authorize", params=ASK)
    sessions = merchant._transport.app.state.sessions
    shopper = browse(cookies={"wordpress_logged_in": sessions.start(2)})

    assert guest.headers["location"].startswith("/wp-login.php?redirect_to=")
    assert quote("token-1") in guest.headers["location"]
    assert (unsafe.status_code, "needs to be over SSL" in unsafe.text) == (401, True)
    assert "success=0&amp;user_id=token-1" in denied.text
    assert (await shopper.get("/wc-auth/v1/authorize", params=ASK)).status_code in (302, 401)
