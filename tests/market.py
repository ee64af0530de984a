"""A Shopify store and Perennial in one process, and what happens between them."""

import base64
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
import orjson

from connector import worker
from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.system import running
from connector.web import status
from platforms.shopify.adapter import PLATFORM
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import HOST, Bucket, Shop
from platforms.shopify.fake.stage import ShopifyStage
from tests.town import PROGRAM, SERVICE, Clock, Wire

EARNING = PROGRAM.partition("[[reward]]")[0]
SITE = f"https://{HOST}"
ID = "an-app"
SECRET, OLD = f"shpss_{'5' * 32}", f"shpss_{'0' * 32}"
APP = {"shopify_client_id": ID, "shopify_client_secret": SECRET, "shopify_old_client_secret": OLD}
ADDRESS = f"{SERVICE}/webhooks/shopify"


class Market:
    """A Shopify store, Perennial, and what happens between them."""

    def __init__(self, system, shop, clock, wire):
        self.system, self.shop, self.clock, self.wire = system, shop, clock, wire
        self.stage = ShopifyStage(shop)
        self.http = httpx.AsyncClient(transport=wire, base_url=SERVICE)
        self.store = ""

    async def connect(self, **wrong):
        keys = {"client_id": self.shop.client_id, "client_secret": self.shop.client_secret}
        access = PLATFORM.access({"url": HOST, **keys, **wrong})
        row = await self.system.stores.connect("shopify", access, self.clock())
        self.store = row.id
        return row

    async def install(self):
        """Connect as a store that has installed the operator's app: with tokens, and no secret."""
        token, refresh_token = self.shop.grant_pair()
        until = (self.clock() + timedelta(hours=1)).isoformat()
        keys = {"token": token, "token_until": until, "refresh_token": refresh_token}
        row = await self.system.stores.connect("shopify", {"url": SITE, **keys}, self.clock())
        self.store = row.id
        return row

    async def publish(self, program=EARNING):
        return await Loyalty(self.system.tools).programs.publish(await self.row(), program)

    async def row(self):
        return await StoreRow.get(id=self.store)

    async def settle(self):
        """Let the store deliver, and do all that is due."""
        self.clock.forward(seconds=1)
        self.shop.now = self.clock()
        await self.shop.deliver(self.post)
        await worker.drain(self.system)

    async def post(self, url, headers, body):
        return (await self.http.post(url, headers=headers, content=body)).status_code

    async def points(self, customer):
        return (await ledger.balance(self.store, f"customer:{customer}", self.clock())).available

    async def findings(self):
        found = await status.findings(await self.row(), self.system.stores, self.clock())
        return [one.name for one in found if not one.is_ok]


@asynccontextmanager
async def opened(url: str, **settings: str) -> AsyncIterator[Market]:
    """Open a market over a database, with what an operator set of platforms."""
    clock, wire = Clock(), Wire()
    shop = Shop(bucket=Bucket.endless(), now=clock())
    async with AsyncExitStack() as stack:
        found = Settings(
            database_url=url, secret_key="k" * 40, public_url=SERVICE, platforms=settings
        )
        system = await stack.enter_async_context(running(found, clock, wire, traced_as="market"))
        wire.apps[HOST] = httpx.ASGITransport(create_api(shop))
        wire.apps["rewards.example.test"] = httpx.ASGITransport(create_app(system))
        one = Market(system, shop, clock, wire)
        await stack.enter_async_context(one.http)
        yield one


async def tell(market, topic, body, *, secret=SECRET, host=HOST, at=None, address=ADDRESS, **more):
    """Deliver something to the app, as Shopify would; return the answer's status."""
    said = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": host,
        "x-shopify-triggered-at": (at or market.clock()).isoformat(),
        "x-shopify-webhook-id": f"{topic} {market.clock()}",
        "x-shopify-hmac-sha256": base64.b64encode(
            hmac.digest(secret.encode(), said, "sha256")
        ).decode(),
    } | more
    return await market.post(address, headers, said)
