"""Tokens that end: one renewal a store, whoever asks, and none lost with a process that died."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.database import sql
from connector.sync.stores import Stores
from connector.sync.work import ALONE_MS
from connector.system import running
from connector.web import servers
from platforms.errors import AccessRevoked
from platforms.http import SafeTransport
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import Bucket, Shop
from tests import databases
from tests.ports import free_port
from tests.town import SERVICE, Clock, Wire

KEY = "k" * 40
ENDED = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
TOKEN_PATH = "/admin/oauth/access_token"


class Watched(Wire):
    """Remembers which host was asked for what, with which token; answers a little later."""

    def __init__(self):
        super().__init__()
        self.asked = []

    async def handle_async_request(self, request):
        token = request.headers.get("x-shopify-access-token")
        self.asked.append((request.url.host, request.url.path, token))
        await asyncio.sleep(0.02)
        return await super().handle_async_request(request)


@asynccontextmanager
async def a_system(url, transport):
    settings = Settings(database_url=url, secret_key=KEY, public_url=SERVICE)
    async with running(settings, Clock(), transport) as system:
        yield system


@pytest.fixture
def database_url(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        yield url


async def connected(stores, shop, url):
    """Connect a store as one that has installed an app of many, its token at its end."""
    keys = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    token, refresh_token = shop.grant_pair()
    access = {"url": url, **keys, "token": token, "refresh_token": refresh_token}
    row = await stores.connect("shopify", access | {"token_until": ENDED}, Clock()())
    await expire(stores, row.id)
    return row.id


async def expire(stores, store):
    """Let a store's token be at its end by our clock, though the store would still take it."""
    row = await StoreRow.get(id=store)
    access = {**stores._accesses.open(store, row.access), "token_until": ENDED}
    await StoreRow.filter(id=store).update(access=stores._accesses.seal(store, access))


async def test_fifty_who_ask_ten_stores_renew_each_token_once(database_url):
    wire = Watched()
    shops = {
        f"store-{n}.myshopify.com": Shop(client_id=f"id-{n}", name=f"Store {n}") for n in range(10)
    }
    for host, shop in shops.items():
        shop.bucket = Bucket.endless()
        wire.apps[host] = httpx.ASGITransport(create_api(shop))
    async with a_system(database_url, wire) as system:
        stores = system.stores
        ids = [await connected(stores, shop, f"https://{host}") for host, shop in shops.items()]
        rows = [await StoreRow.get(id=id_) for id_ in ids]
        wire.asked.clear()
        processes = [system.stores, *(another(system, wire) for _ in range(4))]

        told = await asyncio.gather(
            *(stores.client(row).info() for stores in processes for row in rows)
        )

        assert [one.name for one in told] == [shop.name for shop in shops.values()] * 5
        for host, shop in shops.items():
            mine = [one for one in wire.asked if one[0] == host]
            assert len([one for one in mine if one[1] == TOKEN_PATH]) == 1
            (own,) = shop.tokens
            assert {token for _, path, token in mine if path != TOKEN_PATH} == {own}
            assert len(mine) == 6


def another(system, wire):
    """Return what another process over the same database would ask stores with."""
    return Stores(
        platforms={"shopify": system.stores.platform("shopify")},
        vault=system.tools.vault,
        network=wire,
        ids=system.tools.ids,
        public_url=SERVICE,
    )


async def test_a_process_that_dies_with_the_new_token_loses_no_store(database_url):
    shop, port = Shop(bucket=Bucket.endless()), free_port()
    stop = asyncio.Event()
    served = asyncio.create_task(
        servers.serve([(create_api(shop), servers.listen("127.0.0.1", port))], stop)
    )
    network = SafeTransport(allow_loopback=True)
    try:
        async with a_system(database_url, network) as system:
            store = await connected(system.stores, shop, f"http://127.0.0.1:{port}")
            before = list(shop.refresh_tokens)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.flows.renewal", database_url, KEY, store)
            )
            assert await process.wait() == -signal.SIGKILL
            assert shop.refresh_tokens[:-1] == before  # a new one, which nobody has kept

            await sql.run("UPDATE lease SET until_ms = until_ms - $1", ALONE_MS)  # time passes
            row = await StoreRow.get(id=store)
            assert (await system.stores.client(row).info()).name == shop.name
            row = await StoreRow.get(id=store)
            assert await another(system, network).client(row).info()
    finally:
        stop.set()
        await served


async def test_a_store_that_was_connected_again_meanwhile_keeps_what_it_was_given(database_url):
    wire, shop = Watched(), Shop(bucket=Bucket.endless())
    wire.apps["store-1.myshopify.com"] = httpx.ASGITransport(create_api(shop))
    async with a_system(database_url, wire) as system:
        store = await connected(system.stores, shop, "https://store-1.myshopify.com")
        row = await StoreRow.get(id=store)
        await system.stores.client(row).info()
        token = shop.grant()
        again = {"url": row.url, "client_id": shop.client_id, "client_secret": shop.client_secret}

        async def meanwhile(old):
            await system.stores.connect("shopify", {**again, "token": token}, Clock()())
            return {**old, "token": "too late"}

        keep = system.stores._kept[store]
        kept = await keep(
            system.stores._accesses.open(store, (await StoreRow.get(id=store)).access), meanwhile
        )
        assert kept["token"] == token


async def test_an_app_that_was_taken_off_is_told_with_what_to_do(database_url):
    wire, shop = Watched(), Shop(bucket=Bucket.endless())
    wire.apps["store-1.myshopify.com"] = httpx.ASGITransport(create_api(shop))
    async with a_system(database_url, wire) as system:
        store = await connected(system.stores, shop, "https://store-1.myshopify.com")
        shop.tokens.clear()
        shop.refresh_tokens.clear()
        with pytest.raises(AccessRevoked) as revoked:
            await system.stores.client(await StoreRow.get(id=store)).info()
        assert revoked.value.name == "needs-reopen"
        rows = await sql.rows("SELECT until_ms FROM lease WHERE store = $1", store)
        assert [row["until_ms"] for row in rows] == [0]  # nobody waits for who failed
