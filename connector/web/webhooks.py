"""Webhooks: verified on the raw body, kept, and answered after the commit.

A store is told 2xx for whatever it signed, even for what nobody can read: seven failures in a row
make WooCommerce stop delivering for good. Only forgery (401), strangers (404), bodies beyond all
measure (413) and our own trouble (503) are failures.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.sync.inbox import Inbox, Wake
from connector.web.body import bounded_body
from platforms.model import Delivery

READ_MAX = 32_000_000  # bytes; more is not even hashed


class Webhooks:
    """The route that stores deliver to."""

    def __init__(self, inbox: Inbox, wake: Wake) -> None:
        self._inbox = inbox
        self._wake = wake

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/webhooks/{platform}/{store}", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Keep a delivery."""
        path = request.path_params
        body = await bounded_body(request, READ_MAX)
        delivery = Delivery(headers=dict(request.headers), body=body)
        if await self._inbox.accept(path["platform"], path["store"], delivery):
            self._wake()
        return Response(status_code=200)
