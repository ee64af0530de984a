"""The Perennial plugin's part: pairing with a service, and telling it who is looking.

Pairing hands a one-time code to the service, from server to server, and keeps the answer: the
store's name there, and the key that signs visitor tokens.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.woocommerce.fake import FakeStore, Sessions
from platforms.woocommerce.fake.errors import no_route
from platforms.woocommerce.fake.webhooks import sign

AUDIENCE, OFFICE = "perennial-storefront", "perennial-admin"
LIFE_S, OFFICE_S = 600, 60
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """What a service answered to a pairing code."""

    store: str
    service: str
    key_id: str
    key: bytes
    admin_key: bytes


class NotPaired(Exception):
    """Why pairing failed, for the merchant. Nothing was kept."""


class Plugin:
    """The plugin as it sits in one store; its memory is this object."""

    def __init__(self, store: FakeStore, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions
        self.pairing: Pairing | None = None

    def routes(self) -> list[BaseRoute]:
        """Return the plugin's one route."""
        return [Route("/wp-json/perennial/v1/visitor", self._visitor, methods=["POST"])]

    async def pair(self, service: str, code: str) -> None:
        """Hand the pairing code to the service and keep its answer.

        Raises:
            NotPaired: the service can't be reached or says something else.
        """
        address = check_service(service)
        body = json.dumps({"code": code}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Signature": sign(self._secret(address), body),
        }
        try:
            answer = await self._store.http.post(
                f"{address}/install/woocommerce/pair", content=body, headers=headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise NotPaired(f"{address} can't be reached.") from failed
        if answer.status_code != 200:
            raise NotPaired(f"{address} refused the pairing code (HTTP {answer.status_code}).")
        self.pairing = _read(answer)

    def _secret(self, service: str) -> str:
        """Return the secret of the service's webhooks: it proves that this server asks."""
        hooks = self._store.all("webhook")
        mine = (one for one in hooks if one["delivery_url"].startswith(f"{service}/"))
        return next((self._store.hub.secrets[one["id"]] for one in mine), "")

    def forget(self) -> None:
        """Forget the pairing."""
        self.pairing = None

    async def _visitor(self, request: Request) -> Response:
        if self.pairing is None:
            refused = no_route()
            return JSONResponse(refused.body, refused.status)
        if not _is_same_origin(request):
            body = {"code": "perennial_cross_origin", "message": "Ask from the store's own pages."}
            return JSONResponse(body, 403, NO_STORE)
        account = self._sessions.account(request)
        if not account:
            return Response(status_code=204, headers=NO_STORE)
        token = self._token(self.pairing, account)
        return JSONResponse({"token": token, "expires_in": LIFE_S}, headers=NO_STORE)

    def _token(self, pairing: Pairing, account: int) -> str:
        now = int(self._store.now().timestamp())
        claims = {
            "iss": pairing.store,
            "sub": str(account),
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFE_S,
            "jti": self._store.token(),
        }
        return jwt.encode(claims, pairing.key, "HS256", headers={"kid": pairing.key_id})

    def way_in(self, who: str) -> str:
        """Return the address that opens the service's pages to somebody who manages the store.

        Raises:
            NotPaired: there is no service.
        """
        if self.pairing is None:
            raise NotPaired("Connect first.")
        now = int(self._store.now().timestamp())
        claims = {
            "iss": self.pairing.store,
            "sub": who,
            "role": "owner",
            "aud": OFFICE,
            "iat": now,
            "exp": now + OFFICE_S,
            "jti": self._store.token(),
        }
        token = jwt.encode(claims, self.pairing.admin_key, "HS256")
        return f"{self.pairing.service}/admin/enter?handed={token}"


def check_service(typed: str) -> str:
    """Return a service's address without a slash at its end.

    Raises:
        NotPaired: it is no http or https address.
    """
    address = typed.strip().rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
        raise NotPaired("Type the service's address, like https://rewards.example.com.")
    return address


def _read(answer: httpx.Response) -> Pairing:
    try:
        told: Any = answer.json()
        return Pairing(
            store=_word(told["store"]),
            service=check_service(_word(told["service"])),
            key_id=_word(told["key_id"]),
            key=_bytes(told["key"]),
            admin_key=_bytes(told["admin_key"]),
        )
    except (ValueError, KeyError, TypeError, binascii.Error) as wrong:
        raise NotPaired("The service's answer can't be read.") from wrong


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _word(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value


def _is_same_origin(request: Request) -> bool:
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.headers.get("origin", own) == own and site == "same-origin"
