"""Webhooks: verified on the raw body, kept, and answered after the commit.

A store is told 2xx for whatever it signed, even for what nobody can read: seven failures in a row
make WooCommerce stop delivering for good. Only forgery (401), strangers (404), bodies beyond all
measure (413) and our own trouble (503) are failures.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.kernel.clock import Clock
from connector.sync.inbox import Inbox, Wake
from connector.sync.stores import Stores
from connector.web.body import bounded_body
from platforms.model import Delivery

READ_MAX = 32_000_000  # bytes; more is not even hashed


class Webhooks:
    """The routes that stores deliver to, and platforms for an app of many stores."""

    def __init__(self, inbox: Inbox, stores: Stores, clock: Clock, wake: Wake) -> None:
        self._inbox = inbox
        self._stores = stores
        self._clock = clock
        self._wake = wake

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/webhooks/{platform}/{store}", self.receive, methods=["POST"]),
            Route("/webhooks/{platform}", self.receive_for_app, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """Keep a delivery."""
        path = request.path_params
        delivery = await _delivered(request)
        return await self._kept(path["platform"], path["store"], delivery)

    async def receive_for_app(self, request: Request) -> Response:
        """Keep what an app is told of one of its stores; of others there is nothing to keep."""
        platform, delivery = request.path_params["platform"], await _delivered(request)
        store = await self._stores.told_app(platform, delivery, self._clock())
        if store is None:
            return Response(status_code=200)
        return await self._kept(platform, store, delivery)

    async def _kept(self, platform: str, store: str, delivery: Delivery) -> Response:
        if await self._inbox.accept(platform, store, delivery):
            self._wake()
        return Response(status_code=200)


async def _delivered(request: Request) -> Delivery:
    body = await bounded_body(request, READ_MAX)
    return Delivery(headers=dict(request.headers), body=body)
