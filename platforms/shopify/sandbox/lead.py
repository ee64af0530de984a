"""The app proxy: ``/apps/perennial/...`` is led on to the app, with who is signed in, signed.

Cookies are stripped both ways. All parameters of the page are passed on and signed with the rest,
a repeated one too; a guest's id is blank. (shopify.dev:
/docs/apps/build/online-store/app-proxies/authenticate-app-proxies)
"""

import hmac
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.shopify.sandbox.store import Store, number

PREFIX = "/apps/perennial"
SENT = ("accept", "accept-language", "content-type", "user-agent", "x-perennial", "idempotency-key")
TAKEN = ("content-type", "cache-control", "location")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
TIMEOUT_S = 10.0


class Lead:
    """Leads the storefront's requests on to the app."""

    def __init__(self, store: Store, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._store = store
        self._transport = transport

    def routes(self) -> list[BaseRoute]:
        """Return the proxy's route."""
        return [Route(f"{PREFIX}/{{path:path}}", self._led, methods=METHODS)]

    async def _led(self, request: Request) -> Response:
        address = self._store.app.proxy
        path = request.path_params["path"]
        if not address or ".." in path.split("/"):
            return PlainTextResponse("No app is set up for this address.", 404)
        query = urlencode(self._signed(request))
        headers = {name: request.headers[name] for name in SENT if name in request.headers}
        async with httpx.AsyncClient(
            transport=self._transport, timeout=TIMEOUT_S, trust_env=False
        ) as http:
            try:
                answer = await http.request(
                    request.method,
                    f"{address}/{quote(path)}?{query}",
                    headers=headers,
                    content=await request.body(),
                )
            except httpx.HTTPError:
                return PlainTextResponse("There was an error in the third-party application.", 502)
        taken = {name: answer.headers[name] for name in TAKEN if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=taken)

    def _signed(self, request: Request) -> Sequence[tuple[str, str]]:
        """Return the page's parameters with Shopify's, and the signature over them all."""
        customer = self._store.customer(self._store.session(request))
        shop = self._store.shop
        fields = [
            *parse_qsl(request.url.query, keep_blank_values=True),
            ("shop", shop.storefront),
            ("logged_in_customer_id", number(customer["id"]) if customer else ""),
            ("path_prefix", PREFIX),
            ("timestamp", str(int(shop.now.timestamp()))),
        ]
        values: dict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            values[name].append(value)
        said = "".join(f"{name}={','.join(those)}" for name, those in sorted(values.items()))
        digest = hmac.digest(shop.client_secret.encode(), said.encode(), "sha256").hex()
        return [*fields, ("signature", digest)]
