"""Tokens are asked for once, early enough, and anew where the store refuses one."""

import asyncio

import httpx
import orjson
import pytest

from platforms.errors import AccessRevoked, Malformed
from platforms.shopify.auth import Tokens, access, store_url
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import HOST, Shop
from platforms.shopify.store import ShopifyStore

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


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def opened(shop, host=HOST):
    keys = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    return {"url": f"https://{host}", **keys}


def store(access, transport, tokens):
    return ShopifyStore(access, httpx.AsyncClient(transport=transport), tokens, ())


async def test_many_who_want_a_token_at_once_ask_for_one():
    shop = Shop()
    wire, tokens = Watched({HOST: shop}), Tokens()
    client = store(opened(shop), wire, tokens)
    await asyncio.gather(*(client.info() for _ in range(20)))
    assert wire.grants() == 1
    assert len(wire.asked) == 21


async def test_each_store_is_asked_with_its_own_token():
    shops = {f"store-{n}.myshopify.com": Shop(client_id=f"id-{n}") for n in range(5)}
    wire, tokens = Watched(shops), Tokens()
    clients = [store(opened(shop, host), wire, tokens) for host, shop in shops.items()]
    await asyncio.gather(*(client.info() for client in clients for _ in range(10)))
    for host, shop in shops.items():
        (own,) = shop.tokens
        used = {token for to, path, token in wire.asked if to == host and path != TOKEN_PATH}
        assert used == {own}
        assert wire.grants(host) == 1


@pytest.mark.parametrize(("after", "grants"), [(86_338.0, 1), (86_340.0, 2)])
async def test_a_token_is_used_until_a_minute_before_its_end(after, grants):
    shop, clock = Shop(), Clock()
    wire = Watched({HOST: shop})
    client = store(opened(shop), wire, Tokens(clock))
    await client.info()  # the store grants for 86,399 s
    clock.now = after
    await client.info()
    assert wire.grants() == grants


async def test_a_token_that_the_store_refuses_is_asked_for_anew():
    shop = Shop()
    wire = Watched({HOST: shop})
    client = store(opened(shop), wire, Tokens())
    await client.info()
    shop.tokens.clear()
    assert (await client.info()).name == "A Shopify store"
    assert wire.grants() == 2


async def test_keys_that_shopify_does_not_know_are_told_from_trouble():
    shop = Shop()
    wrong = opened(shop) | {"client_secret": "another"}
    with pytest.raises(AccessRevoked, match="refused the client id and secret") as refused:
        await store(wrong, Watched({HOST: shop}), Tokens()).info()
    assert "another" not in str(refused.value)


async def test_a_store_may_answer_no_token_at_all():
    def odd(_):
        return httpx.Response(200, content=orjson.dumps({"scope": ""}))

    client = store(opened(Shop()), httpx.MockTransport(odd), Tokens())
    with pytest.raises(Malformed, match="the token can't be read"):
        await client.info()


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
