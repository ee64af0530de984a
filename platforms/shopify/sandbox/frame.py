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
from platforms.storefront import go

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
            Route("/admin/oauth/authorize", self._guarded(self._asked), methods=["GET"]),
            Route("/admin/oauth/authorize", self._guarded(self._approved), methods=["POST"]),
            Route("/admin/app/uninstall", self._guarded(self._taken_off), methods=["POST"]),
            Route("/admin/app/erase", self._guarded(self._erased), methods=["POST"]),
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

    async def _taken_off(self, _: Request) -> Response:
        self._store.shop.uninstall()
        return go("/admin/app")

    async def _erased(self, _: Request) -> Response:
        """Say what Shopify says 48 hours after an app was taken off."""
        self._store.shop.tell_app("SHOP_REDACT")
        return go("/admin/app")

    async def _asked(self, request: Request) -> Response:
        """Show what an app wants to be allowed."""
        scopes = request.query_params.get("scope", "").split(",")
        return self._pages.show(request, "approve.html", scopes=scopes, query=request.url.query)

    async def _approved(self, request: Request) -> Response:
        """Send the browser back with a code, signed."""
        asked, shop = request.query_params, self._store.shop
        if asked.get("client_id") != shop.client_id:
            return self._pages.show(request, "lost.html", 404)
        said = {
            "code": shop.approve(),
            "shop": shop.domain,
            "state": asked.get("state", ""),
            "timestamp": str(int(shop.now.timestamp())),
        }
        return go(f"{asked.get('redirect_uri', '')}?{urlencode(self._signed(said))}")

    def _signed(self, said: dict[str, str]) -> dict[str, str]:
        text = "&".join(f"{name}={said[name]}" for name in sorted(said))
        digest = hmac.digest(self._store.shop.client_secret.encode(), text.encode(), "sha256")
        return {**said, "hmac": digest.hex()}

    def _said(self) -> dict[str, str]:
        """Return what Shopify says to an app's page, signed."""
        shop = self._store.shop
        said = {
            "embedded": "1",
            "host": base64.b64encode(f"{shop.storefront}/admin".encode()).decode().rstrip("="),
            "locale": "en",
            "session": uuid4().hex,
            "shop": shop.domain,
            "timestamp": str(int(shop.now.timestamp())),
            "id_token": self._token(),
        }
        return self._signed(said)

    def _token(self) -> str:
        shop, at = self._store.shop, int(self._store.shop.now.timestamp())
        claims = {
            "iss": f"{shop.domain}/admin",
            "dest": shop.domain,
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
