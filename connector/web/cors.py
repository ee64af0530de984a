"""Which pages may call the storefront: the store's own, and no others. Pure ASGI.

Only the store's origin is echoed, and never with credentials: the visitor token travels in a
header that the page sets itself. A page of any other origin gets no answer that it could read.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "GET, POST"
HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Perennial, If-None-Match"
PREFLIGHT_MAX_AGE_S = 600
OriginOf = Callable[[str], Awaitable[str | None]]
"""Returns the origin of a store's own pages, by the store's id."""


class StorefrontCors:
    """Adds CORS headers under one path, by the store that the query names."""

    def __init__(self, app: ASGIApp, *, prefix: str, origin_of: OriginOf) -> None:
        self._app = app
        self._prefix = prefix
        self._origin_of = origin_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        store = Request(scope).query_params.get("store", "")  # as the routes read it
        allowed = origin == await self._origin_of(store)
        if scope["method"] == "OPTIONS":
            headers = {"Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S), "Vary": "Origin"}
            answer = Response(status_code=204, headers=headers)
            await answer(scope, receive, _adding(send, origin if allowed else None))
            return
        await self._app(scope, receive, _adding(send, origin if allowed else None))


def _adding(send: Send, origin: str | None) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start" and origin is not None:
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Methods"] = METHODS
            headers["Access-Control-Allow-Headers"] = HEADERS
            headers["Access-Control-Expose-Headers"] = "ETag"
            headers.add_vary_header("Origin")
        await send(message)

    return add
