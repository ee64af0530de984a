"""Connecting a store in the browser: the merchant approves on their store, which calls us back.

The token that travels through the store is single-use, lives ten minutes, is kept as a hash, and
is bound to the store's address and to the browser that began (by a cookie). The keys that come
back are proved against that store before they are saved. Finishing opens no merchant session;
the store's own page receives a one-time pairing code and fetches the visitor key with it, in a
request that it signs.
"""

import hmac

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connector.errors import CodeUnknown, ConnectFailed, RequestInvalid
from connector.sync import tickets
from connector.web.body import bounded_body, decoded
from connector.web.feature import Tools
from platforms.errors import Malformed, SignatureInvalid
from platforms.model import Delivery
from platforms.protocol import Access
from platforms.protocol import Install as Approval

COOKIE = "perennial_install"
BODY_MAX = 10_000
log = structlog.get_logger()


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """The body with which a store's page exchanges its pairing code."""

    code: str


class Install:
    """The routes of an installation."""

    def __init__(self, tools: Tools, public_url: str) -> None:
        self._stores = tools.stores
        self._visitors = tools.visitors
        self._sessions = tools.sessions
        self._cookie_key = tools.vault.derive("install-cookie")
        self._clock = tools.clock
        self._ids = tools.ids
        self._public_url = public_url

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/install/{platform}", self.begin, methods=["GET"]),
            Route("/install/{platform}/callback", self.callback, methods=["POST"]),
            Route("/install/{platform}/return", self.finish, methods=["GET"]),
            Route("/install/{platform}/pair", self.pair, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Send the merchant to their store to approve."""
        name = request.path_params["platform"]
        install = self._install(name)
        try:
            url = install.store_url(request.query_params.get("url", ""))
        except Malformed as error:
            raise RequestInvalid(str(error)) from error
        token = await tickets.issue(self._ids, self._clock(), "install", url, platform=name)
        here = f"{self._public_url}/install/{name}"
        target = install.approval_url(
            url, token=token, callback=f"{here}/callback", back=f"{here}/return"
        )
        answer = RedirectResponse(target, status_code=303)
        answer.set_cookie(
            COOKIE,
            self._mark(token),
            max_age=int(tickets.LIFE.total_seconds()),
            path="/install",
            secure=self._public_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )
        return answer

    def _install(self, platform: str) -> Approval:
        """Return how merchants connect stores of a platform.

        Raises:
            RequestInvalid: not in the browser.
        """
        found = self._stores.platform(platform)
        if found.install is None:
            raise RequestInvalid(
                f"{found.title} is not connected in the browser: use perennial connect {platform}"
            )
        return found.install

    def _mark(self, token: str) -> str:
        """Return what ties a browser to the installation that it began."""
        return hmac.digest(self._cookie_key, token.encode(), "sha256").hex()

    async def callback(self, request: Request) -> Response:
        """Take the keys that the store sends, prove them, and connect the store.

        WooCommerce wants exactly 200; anything else, and it deletes the key that it made.
        """
        name = request.path_params["platform"]
        try:
            token, keys = self._install(name).read_callback(await bounded_body(request, BODY_MAX))
        except Malformed as error:
            raise RequestInvalid(str(error)) from error
        await self._connect(name, token, keys)
        return Response(status_code=200)

    async def _connect(self, name: str, token: str, keys: Access) -> None:
        """Connect the store that an installation was begun for.

        Raises:
            CodeUnknown: none was begun, or not for this store.
            ConnectFailed: with what to do about it.
        """
        ticket = await tickets.redeem(self._clock(), "install", token)
        if ticket is None or ticket.platform != name:
            raise CodeUnknown("this installation is finished or too old: begin again")
        if keys.get("url", ticket.subject) != ticket.subject:
            raise CodeUnknown("another store was approved than was begun with: begin again")
        access = {"url": ticket.subject, **keys}
        store = await self._stores.connect(name, access, self._clock())
        await tickets.follow(ticket, "installed", token, store.id, self._clock())
        log.info("connected", store=store.id, platform=name)

    async def finish(self, request: Request) -> Response:
        """Hand the browser, back from approving, over to the store's own page."""
        name = request.path_params["platform"]
        install = self._install(name)
        token = install.returned_token(request.query_params)
        mine = request.cookies.get(COOKIE, "").encode()
        if not hmac.compare_digest(mine, self._mark(token).encode()):
            raise CodeUnknown("this browser did not begin this installation: begin again")
        if not install.is_approved(request.query_params):
            raise ConnectFailed("the store was not connected, since access was not approved")
        try:
            brought = install.returned_access(request.url.query, self._clock())
        except SignatureInvalid as error:
            raise CodeUnknown("this address was not signed, or is too old: begin again") from error
        if brought is not None:
            await self._connect(name, token, brought)
        done = await tickets.redeem(self._clock(), "installed", token)
        if done is None:
            raise CodeUnknown("the store has not sent its keys: begin again")
        code = await self.pairing_code(done.store) if install.has_plugin else ""
        url = install.finished_url(done.subject, service=self._public_url, pairing=code)
        answer = RedirectResponse(url, status_code=303)
        answer.delete_cookie(COOKIE, path="/install")
        return answer

    async def pairing_code(self, store: str) -> str:
        """Return a new one-time code for a store."""
        return await tickets.issue(self._ids, self._clock(), "pair", store)

    async def pair(self, request: Request) -> Response:
        """Give the store's server the keys with which it signs its shoppers in, and its staff.

        The code comes back through whatever browser began, perhaps not the merchant's; so the
        request is signed as the store's deliveries are, with a secret that only its server holds.
        """
        body = await bounded_body(request, BODY_MAX)
        asked = decoded(body, Code, example='{"code": "..."}')
        ticket = await tickets.redeem(self._clock(), "pair", asked.code)
        if ticket is None:
            raise CodeUnknown("the pairing code is used up or too old: connect again")
        signers = await self._stores.signers([ticket.subject])
        signer = self._stores.signer(signers, ticket.subject, request.path_params["platform"])
        signed = Delivery(headers=dict(request.headers), body=body)
        self._stores.verify(signer, signed, self._clock())
        key_id, key = self._visitors.newest_key(signer.store)
        answer = {
            "store": signer.store,
            "service": self._public_url,
            "key_id": key_id,
            "key": key,
            "admin_key": self._sessions.key(signer.store),
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})
