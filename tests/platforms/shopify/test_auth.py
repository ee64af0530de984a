"""Tokens are asked for once, early enough, and anew where the store refuses one."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import orjson
import pytest

from platforms.errors import AccessRevoked, Malformed, PlatformError
from platforms.keeping import Held
from platforms.shopify.adapter import Shopify
from platforms.shopify.auth import access, store_url, system_clock
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import HOST, Shop

TOKEN_PATH = "/admin/oauth/access_token"


class Watched(httpx.AsyncBaseTransport):
    """Leads each host to its store, and remembers what was asked with which token."""

    def __init__(self, shops):
        self.apps = {host: httpx.ASGITransport(create_api(shop)) for host, shop in shops.items()}
        self.asked = []

    async def handle_async_request(self, request):
        token = request.headers.get("x-shopify-access-token")
        self.asked.append((request.url.host, request.url.path, token))
        return await self.apps[request.url.host].handle_async_request(request)

    def grants(self, host=HOST):
        return len([one for one in self.asked if one[:2] == (host, TOKEN_PATH)])


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    at = NOW

    def __call__(self):
        return self.at


def opened(shop, host=HOST, **more):
    keys = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    return {"url": f"https://{host}", **keys, **more}


def store(access, transport, clock=system_clock, keep=None):
    http = httpx.AsyncClient(transport=transport)
    return Shopify(clock).open(access, http, keep or Held(access))


async def test_many_who_want_a_token_at_once_ask_for_one():
    shop = Shop()
    wire = Watched({HOST: shop})
    client = store(opened(shop), wire)
    await asyncio.gather(*(client.info() for _ in range(20)))
    assert wire.grants() == 1
    assert len(wire.asked) == 21


async def test_each_store_is_asked_with_its_own_token():
    shops = {f"store-{n}.myshopify.com": Shop(client_id=f"id-{n}") for n in range(5)}
    wire = Watched(shops)
    clients = [store(opened(shop, host), wire) for host, shop in shops.items()]
    await asyncio.gather(*(client.info() for client in clients for _ in range(10)))
    for host, shop in shops.items():
        (own,) = shop.tokens
        used = {token for to, path, token in wire.asked if to == host and path != TOKEN_PATH}
        assert used == {own}
        assert wire.grants(host) == 1


@pytest.mark.parametrize(("after", "grants"), [(86_339.0, 1), (86_339.1, 2)])
async def test_a_token_is_used_until_a_minute_before_its_end(after, grants):
    shop, clock = Shop(), Clock()
    wire = Watched({HOST: shop})
    client = store(opened(shop), wire, clock)
    await client.info()  # the store grants for 86,399 s
    clock.at += timedelta(seconds=after)
    await client.info()
    assert wire.grants() == grants


async def test_a_token_that_the_store_refuses_is_asked_for_anew():
    shop = Shop()
    wire = Watched({HOST: shop})
    client = store(opened(shop), wire)
    await client.info()
    shop.tokens.clear()
    assert (await client.info()).name == "A Shopify store"
    assert wire.grants() == 2


async def test_keys_that_shopify_does_not_know_are_told_from_trouble():
    shop = Shop()
    wrong = opened(shop) | {"client_secret": "another"}
    with pytest.raises(AccessRevoked, match="refused the client id and secret") as refused:
        await store(wrong, Watched({HOST: shop})).info()
    assert "another" not in str(refused.value)


async def test_a_store_may_answer_no_token_at_all():
    def odd(_):
        return httpx.Response(200, content=orjson.dumps({"scope": ""}))

    client = store(opened(Shop()), httpx.MockTransport(odd))
    with pytest.raises(Malformed, match="the token can't be read"):
        await client.info()


@pytest.mark.parametrize("token", ["", "a b", "a\n", "a\r\nb: c", "\u00e9", 1, None, ["a"]])
async def test_what_cannot_be_a_token_is_not_taken_for_one(token):
    for wrong in ({"access_token": token}, {"refresh_token": token}):
        told = orjson.dumps({"access_token": "a", "expires_in": 60} | wrong)
        wire = httpx.MockTransport(lambda _, told=told: httpx.Response(200, content=told))
        with pytest.raises(Malformed, match="the token can't be read"):
            await store(opened(Shop()), wire).info()


@pytest.mark.parametrize(
    "seconds", ["0", "-1", "31536001", "1e12", "1e15", "1e999", "true", '"60"']
)
async def test_a_token_ends_within_a_year(seconds):
    told = b'{"access_token":"a","expires_in":%s}' % seconds.encode()
    wire = httpx.MockTransport(lambda _: httpx.Response(200, content=told))
    with pytest.raises(Malformed, match="the token can't be read"):
        await store(opened(Shop()), wire).info()


def installed(shop, **more):
    """Return what opens a store whose token ends and is renewed."""
    token, refresh_token = shop.grant_pair()
    return opened(shop, token=token, refresh_token=refresh_token, **more)


async def test_each_renewal_brings_what_the_next_one_needs():
    shop, clock = Shop(), Clock()
    wire, held = Watched({HOST: shop}), Held(installed(shop, token_until=NOW.isoformat()))
    client = store(held.access, wire, clock, held)
    seen = []
    for _ in range(3):
        clock.at += timedelta(hours=1)
        assert (await client.info()).name == "A Shopify store"
        seen.append(held.access)
    assert wire.grants() == 3
    assert [one["token_until"] for one in seen] == [
        (NOW + timedelta(hours=hours)).isoformat() for hours in (2, 3, 4)
    ]
    assert len({one["refresh_token"] for one in seen}) == 3
    assert shop.refresh_tokens == [seen[-1]["refresh_token"]]


async def test_a_renewal_whose_answer_was_lost_is_made_again():
    shop = Shop()
    wire, held = Watched({HOST: shop}), Held(installed(shop, token_until=NOW.isoformat()))
    assert shop.renew(held.access["refresh_token"])
    assert (await store(held.access, wire, Clock(), held).info()).name == "A Shopify store"


async def test_what_was_renewed_and_used_is_not_renewed_from_before():
    shop = Shop()
    wire, before = Watched({HOST: shop}), installed(shop, token_until=NOW.isoformat())
    await store(before, wire, Clock()).info()
    with pytest.raises(AccessRevoked, match="no longer renews our token") as refused:
        await store(before, wire, Clock()).info()
    assert refused.value.name == "needs-reopen"
    assert "open the app once" in refused.value.advice


async def test_a_token_of_a_custom_app_never_ends_and_is_not_renewed():
    shop = Shop()
    wire = Watched({HOST: shop})
    client = store(opened(shop, token=shop.grant()), wire)
    await client.info()
    assert wire.grants() == 0
    shop.tokens.clear()
    with pytest.raises(AccessRevoked, match="Shopify refused the token"):
        await client.info()
    assert wire.grants() == 0


APP = {"client_id": "an-app", "client_secret": f"shpss_{'5' * 32}"}


def app_shop():
    return Shop(client_id=APP["client_id"], client_secret=APP["client_secret"])


def in_admin(shop):
    """Return what opens a store whose admin has the operator's app open."""
    at = int(shop.now.timestamp())
    said = {"aud": APP["client_id"], "iat": at, "exp": at + 60}
    token = jwt.encode(said, APP["client_secret"], "HS256")
    return {"url": f"https://{HOST}", "session_token": token}


async def test_a_session_token_is_exchanged_for_one_that_ends_and_is_not_kept():
    shop, clock, asked = app_shop(), Clock(), []
    shop.now = clock.at
    fake = httpx.ASGITransport(create_api(shop))

    async def noted(request):
        if request.url.path == TOKEN_PATH:
            asked.append(orjson.loads(request.content))
        return await fake.handle_async_request(request)

    held = Held(in_admin(shop))
    http = httpx.AsyncClient(transport=httpx.MockTransport(noted))
    client = Shopify(clock, keys=APP).open(held.access, http, held)
    assert (await client.info()).name == "A Shopify store"

    assert asked == [
        {
            **APP,
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": in_admin(shop)["session_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": 1,
        }
    ]
    assert {*held.access} == {"url", "token", "token_until", "refresh_token"}
    assert held.access["token_until"] == (NOW + timedelta(hours=1)).isoformat()
    clock.at += timedelta(minutes=59, seconds=1)
    shop.now = clock.at
    await client.info()
    assert [one["grant_type"] for one in asked][1:] == ["refresh_token"]
    assert {*held.access} == {"url", "token", "token_until", "refresh_token"}


async def test_a_code_is_exchanged_once_for_a_token_that_ends():
    shop = app_shop()
    access = {"url": f"https://{HOST}", "code": shop.approve()}
    held, wire = Held(access), Watched({HOST: shop})
    http = httpx.AsyncClient(transport=wire)
    client = Shopify(keys=APP).open(access, http, held)
    await asyncio.gather(*(client.info() for _ in range(10)))

    assert wire.grants() == 1
    assert {*held.access} == {"url", "token", "token_until", "refresh_token"}
    assert not {*APP.values()} & {*held.access.values()}
    with pytest.raises(AccessRevoked, match="no longer takes what it gave us") as refused:
        await Shopify(keys=APP).open(access, http, Held(access)).info()
    assert refused.value.name == "needs-reopen"


async def test_a_session_token_that_shopify_does_not_take_is_told_with_the_next_step():
    shop = app_shop()
    access = in_admin(shop)
    shop.now += timedelta(minutes=5)
    http = httpx.AsyncClient(transport=Watched({HOST: shop}))
    with pytest.raises(AccessRevoked, match="no longer takes what it gave us") as refused:
        await Shopify(keys=APP).open(access, http, Held(access)).info()
    assert refused.value.name == "needs-reopen"


async def test_a_token_that_never_ends_is_not_taken():
    shop = app_shop()
    endless = {"access_token": shop.grant_for_ever(), "scope": ""}

    def answer(_):
        return httpx.Response(200, json=endless)

    access = in_admin(shop)
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(Malformed, match="expires_in"):
        await Shopify(keys=APP).open(access, http, Held(access)).info()
    given = {"url": f"https://{HOST}", "token": endless["access_token"]}
    http = httpx.AsyncClient(transport=Watched({HOST: shop}))
    with pytest.raises(PlatformError, match="403"):
        await Shopify(keys=APP).open(given, http, Held(given)).info()


@pytest.mark.parametrize(
    "typed",
    ["my-shop.myshopify.com", " https://my-shop.myshopify.com/ ", "My-Shop.myshopify.com\n"],
)
def test_an_address_is_one_however_it_is_typed(typed):
    assert store_url(typed) == "https://my-shop.myshopify.com"


@pytest.mark.parametrize(
    "typed",
    [
        "evil.com/.myshopify.com",
        "my-shop.myshopify.com.evil.com",
        "https://my-shop.myshopify.com@evil.com",
        "-shop.myshopify.com",
        "my_shop.myshopify.com",
        "a.b.myshopify.com",
        "admin.shopify.com/store/my-shop",
        "http://my-shop.myshopify.com",
        ".myshopify.com",
        "http://127.0.0.1.evil.com",
        "http://localhost@evil.com",
        "",
    ],
)
def test_no_other_host_passes_for_a_store(typed):
    with pytest.raises(Malformed, match="is no address of a Shopify store"):
        store_url(typed)


def test_a_store_on_this_machine_is_one_for_trying_out():
    assert store_url("http://127.0.0.1:8411/") == "http://127.0.0.1:8411"


@pytest.mark.parametrize("secret", ["", "  ", "two words", "shpss_é", "shpss_\nx"])
def test_a_secret_that_cannot_be_one_is_refused_unseen(secret):
    options = {"url": "a.myshopify.com", "client_id": "id", "client_secret": secret}
    with pytest.raises(Malformed, match="the client secret is letters and digits") as refused:
        access(options)
    assert not secret.strip() or secret not in str(refused.value)


def test_the_token_of_a_custom_app_is_pasted_beside_its_keys():
    options = {"url": "a.myshopify.com", "client_id": "id", "client_secret": "shpss_1"}
    assert access(options | {"token": " shpat_1\n"})["token"] == "shpat_1"
    assert "token" not in access(options | {"token": ""})
    with pytest.raises(Malformed, match="the token is letters and digits"):
        access(options | {"token": "two words"})
