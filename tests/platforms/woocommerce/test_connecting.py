"""Every kind of store that a merchant may have: it opens, or a sentence says the next step."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from platforms.errors import AccessRevoked, Malformed, TransientError
from platforms.http import UnsafeAddress
from platforms.keeping import opened_by
from platforms.pace import Pace, PacedClient
from platforms.woocommerce.adapter import WooCommerce
from platforms.woocommerce.fake import FakeStore, Site, create_fake, people
from tests.platforms.woocommerce.conftest import KEY, SECRET, URL

WOO = WooCommerce()
HOOK = "https://rewards.example.test/hook"


@pytest.fixture
def opened(world):
    """Return a function that puts a store up and opens it by its address."""

    def open_(site, permissions="read_write", wrap=None, make=None):
        shop = FakeStore(site, world)
        shop.add_key(permissions, key=KEY, secret=SECRET)
        people.create(shop, {"email": "maya@example.test"})
        way = httpx.ASGITransport(create_fake(shop))
        way = wrap(way) if wrap else way
        http = make(way) if make else httpx.AsyncClient(transport=way)
        access = WOO.access({"url": site.url, "key": KEY, "secret": SECRET})
        return opened_by(WOO, access, http)

    return open_


async def proved(client):
    """Do with a store what connecting does."""
    info = await client.info()
    await client.subscribe(HOOK, "secret")
    assert len(await client.subscriptions(HOOK)) == len(WOO.topics)
    page = await client.page("customer", None, None)
    assert [item.record.email for item in page.items] == ["maya@example.test"]
    return info


@pytest.mark.parametrize("has_permalinks", [True, False])
@pytest.mark.parametrize("url", [URL, f"{URL}/shop", f"{URL}/de/shop"])
async def test_https_at_the_root_or_in_a_folder_with_pretty_permalinks_or_without(
    opened, url, has_permalinks
):
    info = await proved(opened(Site(url=url, has_permalinks=has_permalinks)))
    assert (info.url, info.currency, info.timezone) == (url, "EUR", "Europe/Berlin")


@pytest.mark.parametrize("has_permalinks", [True, False])
@pytest.mark.parametrize("url", ["http://store.example.test", "http://store.example.test/shop"])
async def test_plain_http_with_signed_requests(opened, world, url, has_permalinks):
    object.__setattr__(world, "clock", lambda: datetime.now(UTC))  # signatures carry the time
    info = await proved(opened(Site(url=url, has_permalinks=has_permalinks)))
    assert info.url == url


async def test_clocks_that_differ_are_told_apart_from_wrong_keys(opened, world):
    object.__setattr__(world, "clock", lambda: datetime.now(UTC) + timedelta(minutes=16))
    said = await refused(opened(Site(url="http://store.example.test")), TransientError)
    assert said.name == "clocks-differ"


async def test_over_plain_http_the_keys_do_not_travel(opened, world):
    object.__setattr__(world, "clock", lambda: datetime.now(UTC))
    seen = []

    class Watched(httpx.AsyncBaseTransport):
        def __init__(self, way):
            self.way = way

        async def handle_async_request(self, request):
            seen.append(request)
            return await self.way.handle_async_request(request)

    await opened(Site(url="http://store.example.test"), wrap=Watched).info()

    assert seen
    assert not [one for one in seen if SECRET in str(one.url) or "authorization" in one.headers]


async def refused(client, error):
    with pytest.raises(error) as caught:
        await proved(client)
    return caught.value


async def test_a_read_only_key(opened):
    said = await refused(opened(Site(url=URL), permissions="read"), AccessRevoked)
    assert said.name == "access-read-only"
    assert "make a key with Read/Write permissions" in said.advice


@pytest.mark.parametrize("change", [{"secret": "cs_wrong"}, {"key": "ck_unknown"}])
async def test_a_wrong_key_or_secret(store, change):
    http = httpx.AsyncClient(transport=httpx.ASGITransport(create_fake(store)))
    access = {"url": URL, "key": KEY, "secret": SECRET} | change
    said = await refused(opened_by(WOO, access, http), AccessRevoked)
    assert said.name == "access-revoked"
    assert "Read/Write" in said.advice
    assert "cs_" not in str(said)


async def test_a_wordpress_without_woocommerce(opened):
    said = await refused(opened(Site(url=URL, is_active=False)), TransientError)
    assert (said.name, said.advice) == ("woocommerce-missing", "activate the WooCommerce plugin")


@pytest.mark.parametrize(
    ("version", "is_fine"), [("3.4.8", False), ("5.7.2", False), ("5.8.0", True)]
)
async def test_old_versions(opened, version, is_fine):
    client = opened(Site(url=URL, version=version))
    if is_fine:
        await proved(client)
        return
    said = await refused(client, Malformed)
    assert said.name == "woocommerce-too-old"
    assert "update WooCommerce to 5.8 or newer" in said.advice


def answering(status, body=b"", headers=None):
    return lambda _: httpx.MockTransport(
        lambda _: httpx.Response(status, content=body, headers=headers)
    )


PAGE = b"\n<!DOCTYPE html><title>Attention Required!</title>"


@pytest.mark.parametrize(
    ("wrap", "name", "advice"),
    [
        (answering(200, PAGE), "answer-is-a-page", "firewall"),
        (answering(403, PAGE), "answer-is-a-page", "firewall"),
        (answering(404, PAGE), "api-missing", "front page"),
        (answering(404, b"{}"), "api-missing", "front page"),
        (answering(301, b"", {"Location": "https://www.store.example/"}), "store-moved", "again"),
        (answering(502, PAGE), "store-failing", "error log"),
        (answering(200, b'{"name": "x"'), "answer-cut", "error log"),
        (answering(200, b"[]"), "answer-of-another-store", "cache or proxy"),
    ],
)
async def test_something_in_between(opened, wrap, name, advice):
    said = await refused(opened(Site(url=URL), wrap=wrap), TransientError)
    assert said.name == name
    assert advice in said.advice


async def test_a_site_that_hides_its_version_is_taken(opened):
    class Hiding(httpx.AsyncBaseTransport):
        def __init__(self, way):
            self.way = way

        async def handle_async_request(self, request):
            if "system_status" in str(request.url):
                return httpx.Response(403, json={"code": "rest_forbidden", "message": "No."})
            return await self.way.handle_async_request(request)

    assert (await proved(opened(Site(url=URL), wrap=Hiding))).name == "Northlight"


async def test_at_a_pace_it_is_the_same_store(opened):
    paced = opened(Site(url=URL), make=lambda way: PacedClient(way, Pace(), "bulk"))
    assert (await proved(paced)).name == "Northlight"


@pytest.mark.parametrize(
    "typed", ["", "ftp://store.example", "https://", "https://a:b@c", "x:99999", "my shop", "a b.c"]
)
def test_what_is_no_address_is_said_so(typed):
    with pytest.raises(Malformed, match="type it as https"):
        WOO.access({"url": typed, "key": KEY, "secret": SECRET})


def test_not_public_says_what_to_use():
    assert UnsafeAddress("x").advice == "use the address that shoppers use, over https"
