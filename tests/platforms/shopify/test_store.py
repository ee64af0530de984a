"""What is asked of a store, and what is taken from its answers."""

from datetime import timedelta

import httpx
import orjson

from platforms.conformance.stage import Basket
from platforms.keeping import opened_by
from platforms.shopify.adapter import Shopify
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import HOST, Bucket, Shop
from platforms.shopify.fake.stage import ShopifyStage


class Asked:
    """A store with a client of it that notes which variables it asks with."""

    def __init__(self, **ways):
        self.shop = Shop(bucket=Bucket.endless(), **ways)
        self.stage = ShopifyStage(self.shop)
        self.variables = []
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_api(self.shop)),
            event_hooks={"request": [self.note]},
        )
        keys = {"client_id": self.shop.client_id, "client_secret": self.shop.client_secret}
        self.client = opened_by(Shopify(), {"url": f"https://{HOST}", **keys}, http)

    async def note(self, request):
        if request.url.path.endswith("graphql.json"):
            self.variables.append(orjson.loads(request.content)["variables"])


async def test_each_page_is_asked_for_by_the_filter_that_its_cursor_is_of():
    on = Asked()
    tea = await on.stage.add_product("Tea", "12.50")
    since = on.shop.now
    for _ in range(20):
        on.shop.now += timedelta(seconds=1)
        await on.stage.place(Basket(items=[(tea, 1)]))
    cursor, seen = None, list[object]()
    while True:
        page = await on.client.page("order", cursor, since)
        seen += page.items
        if page.next_cursor is None:
            break
        cursor = page.next_cursor

    assert len(seen) == 20
    text = f"updated_at:>='{since:%Y-%m-%dT%H:%M:%SZ}'"
    assert [one["query"] for one in on.variables if "query" in one] == [text] * 3


async def test_amounts_are_the_stores_own_and_not_what_a_market_shows():
    on = Asked(market=("JPY", 160))
    tea = await on.stage.add_product("Tea", "12.50")
    order = await on.stage.place(Basket(items=[(tea, 2)]))
    await on.stage.refund(order, "2.50", {})

    found = (await on.client.fetch("order", [order]))[order]

    assert found.currency == "EUR"
    assert found.total_minor == 2_500
    assert [line.total_minor for line in found.lines] == [2_500]
    assert [one.amount_minor for one in found.refunds] == [250]
