"""The app inside the admin: framed at an address in which Shopify says who asks, with its tokens.

(shopify.dev: /docs/apps/build/authentication-authorization/session-tokens,
/docs/apps/build/authentication-authorization/set-embedded-app-authorization)
"""

import base64
import hmac
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import jwt
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.shopify.sandbox.pages import Pages
from platforms.shopify.sandbox.store import Page, Store

PREFIX = "/admin/apps/perennial"
STATIC = Path(__file__).parent / "static"
LIFE_S = 60
USER = "1"
"""The only member of staff."""


class Frame:
    """The pages around the app's own."""

    def __init__(self, store: Store, pages: Pages, guarded: Callable[[Page], Page]) -> None:
        self._store = store
        self._pages = pages
        self._guarded = guarded

    def routes(self) -> list[BaseRoute]:
        """Return the routes; the script that the app's pages load is everybody's."""
        return [
            Route(PREFIX, self._guarded(self._framed), methods=["GET"]),
            Route(f"{PREFIX}/{{path:path}}", self._guarded(self._framed), methods=["GET"]),
            Route("/admin/session-token", self._guarded(self._given), methods=["POST"]),
            Route("/admin/app-bridge.js", _script("app-bridge.js"), methods=["GET"]),
            Route("/admin/frame.js", _script("frame.js"), methods=["GET"]),
        ]

    async def _framed(self, request: Request) -> Response:
        service, path = self._store.app.service, request.path_params.get("path", "")
        query = urlencode([*request.query_params.multi_items(), *self._said().items()])
        address = f"{service}/admin/{path}?{query}" if service else ""
        return self._pages.show(request, "frame.html", address=address)

    async def _given(self, _: Request) -> Response:
        return JSONResponse({"token": self._token()}, headers={"Cache-Control": "no-store"})

    def _said(self) -> dict[str, str]:
        """Return what Shopify says to an app's page, signed."""
        shop = self._store.shop
        said = {
            "embedded": "1",
            "host": base64.b64encode(f"{shop.storefront}/admin".encode()).decode().rstrip("="),
            "locale": "en",
            "session": uuid4().hex,
            "shop": shop.storefront,
            "timestamp": str(int(shop.now.timestamp())),
            "id_token": self._token(),
        }
        text = "&".join(f"{name}={said[name]}" for name in sorted(said))
        digest = hmac.digest(shop.client_secret.encode(), text.encode(), "sha256")
        return {**said, "hmac": digest.hex()}

    def _token(self) -> str:
        shop, at = self._store.shop, int(self._store.shop.now.timestamp())
        claims = {
            "iss": f"{shop.storefront}/admin",
            "dest": shop.storefront,
            "aud": shop.client_id,
            "sub": USER,
            "exp": at + LIFE_S,
            "nbf": at,
            "iat": at,
            "jti": str(uuid4()),
            "sid": uuid4().hex,
        }
        return jwt.encode(claims, shop.client_secret, "HS256")


def _script(name: str) -> Page:
    async def served(_: Request) -> Response:
        return FileResponse(STATIC / name, media_type="text/javascript")

    return served
