"""The fake as an ASGI application: its routes, and the task that makes deliveries."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import no_route
from platforms.woocommerce.fake.front import Front, theme
from platforms.woocommerce.fake.rest import ROOT, Rest, index, reply
from platforms.woocommerce.fake.sessions import Sessions
from platforms.woocommerce.fake.store_api import ROOT as STORE_ROOT
from platforms.woocommerce.fake.store_api import StoreApi
from platforms.woocommerce.fake.wc_auth import WcAuth

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@asynccontextmanager
async def delivering(store: FakeStore) -> AsyncIterator[None]:
    """Make the store's webhook deliveries while this is entered, then close its client."""
    task = asyncio.create_task(store.hub.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await store.http.aclose()


def routes(store: FakeStore, sessions: Sessions) -> list[BaseRoute]:
    """Return the routes of the vendor's protocol."""

    async def front_page(_: Request) -> Response:
        return theme(store.site, 200)

    async def home(_: Request) -> Response:
        return reply(index(store))

    async def lost(_: Request) -> Response:
        refused = no_route()
        return reply(refused.body, refused.status)

    return [
        *(shop_routes(store, sessions) if store.site.is_active else []),
        Route("/", front_page, methods=["GET"]),
        Route("/wp-json", home, methods=["GET"]),
        Route("/wp-json/", home, methods=["GET"]),
        Route("/wp-json/{path:path}", lost, methods=METHODS),
    ]


def shop_routes(store: FakeStore, sessions: Sessions) -> list[BaseRoute]:
    """Return WooCommerce's own routes, those that its version has."""
    rest = Route(ROOT + "/{path:path}", Rest(store).handle, methods=METHODS)
    return [
        *WcAuth(store, sessions).routes(),
        Route(STORE_ROOT + "/{path:path}", StoreApi(store, sessions).handle, methods=METHODS),
        *([rest] if "wc/v3" in store.site.namespaces else []),
    ]


def create_fake(
    store: FakeStore, *, sessions: Sessions | None = None, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """Return the store as an ASGI application; ``more`` routes come first.

    Its lifespan makes the deliveries. ``app.state`` has the store and its sessions.
    """
    sessions = sessions or Sessions(store)
    app = Starlette(
        routes=[*more, *routes(store, sessions)],
        middleware=[Middleware(Front, store=store)],
        lifespan=lambda _: delivering(store),
    )
    app.state.store = store
    app.state.sessions = sessions
    return app
