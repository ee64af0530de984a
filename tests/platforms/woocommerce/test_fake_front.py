"""Stores that are hard to connect: in a folder, without permalinks, without WooCommerce, old."""

import base64
import hmac
from pathlib import Path

import httpx
import pytest

import platforms.woocommerce
from platforms.woocommerce.fake import FakeStore, Site, create_fake, fill, load
from platforms.woocommerce.fake.auth import signature_base
from tests.platforms.woocommerce.conftest import KEY, SECRET, URL, sample

RECORDED = Path(platforms.woocommerce.__file__).parent / "recorded"


@pytest.fixture
def open_store(world):
    """Return a client of a filled store of a site like this."""

    def client(url=URL, auth=(KEY, SECRET), prepare=fill, **site):
        store = FakeStore(Site(url=url, **site), world)
        store.add_key("read_write", key=KEY, secret=SECRET)
        prepare(store)
        transport = httpx.ASGITransport(create_fake(store))
        return httpx.AsyncClient(transport=transport, base_url=url, auth=auth)

    return client


def addresses(value):
    """Yield every text in an answer that is an address."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from addresses(one)
    elif isinstance(value, str) and value.startswith("http"):
        yield value


async def test_a_store_in_a_folder_has_all_under_it(open_store):
    client = open_store(f"{URL}/shop")
    orders = await client.get("/wp-json/wc/v3/orders", params={"per_page": 1})
    index = (await client.get("/wp-json/")).json()
    outside = httpx.AsyncClient(transport=client._transport, auth=(KEY, SECRET))

    assert orders.status_code == 200
    assert all(one.startswith(f"{URL}/shop/") for one in addresses(orders.json()))
    assert orders.headers["link"].startswith(f"<{URL}/shop/wp-json/wc/v3/orders?")
    assert (index["url"], index["home"]) == (f"{URL}/shop", f"{URL}/shop")
    for path in ("/wp-json/wc/v3/orders", "/shopping/wp-json/wc/v3/orders", "/"):
        assert (await outside.get(URL + path)).status_code == 404


async def test_wc_auth_in_a_folder_stays_there(open_store):
    asked = {
        "app_name": "A", "user_id": "t", "scope": "read", "return_url": "https://a.test/",
        "callback_url": "https://a.test/",
    }  # fmt: skip
    answer = await open_store(f"{URL}/shop").get("/wc-auth/v1/authorize", params=asked)

    assert answer.headers["location"].startswith(
        "/shop/wp-login.php?redirect_to=%2Fshop%2Fwc-auth%2Fv1%2Fauthorize"
    )


async def test_a_recorded_stores_links_follow_the_site(open_store):
    client = open_store(f"{URL}/shop", prepare=lambda store: load(store, RECORDED))
    for path in ("orders", "products", "customers", "coupons", "refunds"):
        listed = (await client.get(f"/wp-json/wc/v3/{path}")).json()

        assert len(listed) == 10
        assert "127.0.0.1" not in str(listed)
    products = (await client.get("/wp-json/wc/v3/products")).json()
    assert all(one["permalink"].startswith(f"{URL}/shop/product/") for one in products)


async def test_without_permalinks_wp_json_is_the_themes_404(open_store):
    client = open_store(has_permalinks=False)
    lost = await client.get("/wp-json/wc/v3/orders")
    index = await client.get("/", params={"rest_route": "/"})

    assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "wc/v3" in index.json()["namespaces"]
    home = (await client.get("/")).headers["link"]
    assert home == f'<{URL}/index.php?rest_route=/>; rel="https://api.w.org/"'


@pytest.mark.parametrize("has_permalinks", [True, False])
async def test_keys_are_not_looked_for_in_rest_route(open_store, has_permalinks):
    client = open_store(has_permalinks=has_permalinks)
    answer = await client.get("/?rest_route=/wc/v3/orders")

    assert (answer.status_code, answer.json()) == (401, sample("error-401-no-auth"))


async def test_unless_the_prefix_is_in_the_request_line(open_store):
    client = open_store(has_permalinks=False)
    asked = "/index.php?rest_route=/wc/v3/orders&via=wp-json/wc/"
    orders = await client.get(f"{asked}&per_page=2")

    assert (orders.status_code, len(orders.json())) == (200, 2)
    assert f"{URL}/index.php?rest_route=/wc/v3/orders/" in str(orders.json()[0]["_links"])
    assert orders.headers["link"].startswith(f"<{URL}/index.php?rest_route=/wc/v3/orders&")
    assert (await client.get(f"{asked[:-1]}%2F")).status_code == 401


@pytest.mark.parametrize(
    ("path", "signed_url", "status"),
    [
        ("/index.php", "http://store.example.test/index.php", 200),
        ("/", "http://store.example.test", 200),
        ("/", "http://store.example.test/", 401),
    ],
)
async def test_oauth_signs_the_route_among_the_parameters(
    open_store, clock, path, signed_url, status
):
    client = open_store("http://store.example.test", auth=None, has_permalinks=False)
    given = {
        "rest_route": "/wc/v3/orders", "via": "wp-json/wc/", "oauth_consumer_key": KEY,
        "oauth_timestamp": str(int(clock().timestamp())), "oauth_nonce": "n",
        "oauth_signature_method": "HMAC-SHA256",
    }  # fmt: skip
    base = signature_base("GET", signed_url, list(given.items()))
    digest = hmac.digest(f"{SECRET}&".encode(), base.encode(), "sha256")
    signature = base64.b64encode(digest).decode().replace("+", "%2B").replace("/", "%2F")
    query = "&".join(f"{name}={value}" for name, value in given.items())
    answer = await client.get(f"{path}?{query}&oauth_signature={signature}")

    assert answer.status_code == status


@pytest.mark.parametrize("site", [{"is_active": False}, {"version": "3.4.8"}])
async def test_without_wc_v3_there_is_no_route(open_store, site):
    client = open_store(**site)
    index = (await client.get("/wp-json/")).json()
    answer = await client.get("/wp-json/wc/v3/orders")

    assert "wc/v3" not in index["namespaces"]
    assert "wp/v2" in index["namespaces"]
    assert (answer.status_code, answer.json()) == (404, sample("error-404-route"))


async def test_without_woocommerce_wc_auth_is_the_themes_404(open_store):
    answer = await open_store(is_active=False).get("/wc-auth/v1/authorize")

    assert answer.status_code == 404


@pytest.mark.parametrize(("version", "found"), [("5.7.2", 10), ("5.8.0", 0)])
async def test_an_old_version_ignores_modified_after_in_silence(open_store, version, found):
    client = open_store(version=version)
    late = {"modified_after": "2030-01-01T00:00:00", "dates_are_gmt": "true"}
    answer = await client.get("/wp-json/wc/v3/orders", params=late)

    assert (answer.status_code, len(answer.json())) == (200, found)


async def test_the_system_status_names_versions_and_decimals(open_store):
    client = open_store(version="5.7.2", currency="JPY")
    told = (await client.get("/wp-json/wc/v3/system_status")).json()

    assert told["environment"]["version"] == "5.7.2"
    assert told["environment"]["wp_version"] == "6.9.1"
    assert (told["settings"]["currency"], told["settings"]["number_of_decimals"]) == ("JPY", 0)
    places = "/wp-json/wc/v3/settings/general/woocommerce_price_num_decimals"
    assert (await client.get(places)).json()["value"] == "0"
