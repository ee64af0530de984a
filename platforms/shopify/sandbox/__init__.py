"""A whole store for this machine: the fake, a storefront and an admin in front of it.

The routes that scripts use are in README.md beside this.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from platforms import storefront
from platforms.shopify.auth import Clock, system_clock
from platforms.shopify.fake import create_api
from platforms.shopify.fake.data import Shop
from platforms.shopify.fake.schema import schema
from platforms.shopify.sandbox.courier import Courier
from platforms.shopify.sandbox.invented import fill
from platforms.shopify.sandbox.lead import Lead
from platforms.shopify.sandbox.office import Office
from platforms.shopify.sandbox.pages import Pages
from platforms.shopify.sandbox.shopping import Shopping
from platforms.shopify.sandbox.store import Store


def create_sandbox(
    *,
    url: str,
    key: str,
    secret: str,
    clock: Clock = system_clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """Return the store at ``url`` as an ASGI application; its lifespan delivers webhooks.

    ``key`` and ``secret`` are the client id and secret of an app that is installed in it.
    ``transport`` is the way to the app, None where that is the network.
    """
    shop = Shop(
        name="Northlight",
        storefront=url.rstrip("/"),
        domain=url.rstrip("/"),
        client_id=key,
        client_secret=secret,
        now=clock(),
    )
    store, courier = Store(shop), Courier(shop, transport)
    pages = Pages(store)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(schema)  # takes seconds, which no first request should wait for
        store.passwords |= await fill(shop, store.stage)
        delivering = asyncio.create_task(courier.run())
        yield
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering

    app = Starlette(
        routes=[
            *create_api(shop).routes,
            *Shopping(store, pages).routes(),
            *Office(store, pages, courier).routes(),
            *Lead(store, transport).routes(),
            *storefront.routes(),
        ],
        exception_handlers={404: pages.lost},
        lifespan=lifespan,
    )
    app.add_middleware(_Living, shop=shop, clock=clock, courier=courier)
    app.state.store, app.state.courier = store, courier
    return app


class _Living:
    """Lets the store's clock go on before each request, and has its webhooks delivered after."""

    def __init__(self, app: ASGIApp, shop: Shop, clock: Clock, courier: Courier) -> None:
        self._app = app
        self._shop = shop
        self._clock = clock
        self._courier = courier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._shop.now = self._clock()
        try:
            await self._app(scope, receive, send)
        finally:
            self._courier.wake()
