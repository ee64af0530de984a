"""The merchant's pages; for now one plain page that says how the store is.

A merchant comes in by a one-time link (``perennial admin-link``), which becomes a signed cookie
for one store. Nothing here can be framed, cached or scripted.
"""

from dataclasses import asdict

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connector.errors import AdminUnknown
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.sync import tickets
from connector.web import status
from connector.web.feature import Tools
from connector.web.pages import page

COOKIE = "perennial_admin"
SESSION_S = 8 * 3600


async def admin_link(ids: Ids, clock: Clock, public_url: str, store: str) -> str:
    """Return a link that opens the merchant's pages of a store, once, within ten minutes."""
    secret = await tickets.issue(ids, clock(), "admin", store)
    return f"{public_url}/admin/enter?ticket={secret}"


class Admin:
    """The routes of the merchant's pages."""

    def __init__(self, tools: Tools, public_url: str) -> None:
        self._tools = tools
        self._public_url = public_url
        self._signer = TimestampSigner(tools.vault.derive("admin-session"))

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/admin/enter", self.enter, methods=["GET"]),
            Route("/admin/", self.home, methods=["GET"]),
        ]

    async def enter(self, request: Request) -> Response:
        """Turn a one-time link into a session."""
        now = self._tools.clock()
        ticket = await tickets.redeem(now, "admin", request.query_params.get("ticket", ""))
        if ticket is None:
            raise AdminUnknown("this link is used up or too old: ask for a new one")
        answer = RedirectResponse("/admin/", status_code=303)
        answer.set_cookie(
            COOKIE,
            self._signer.sign(ticket.subject).decode(),
            max_age=SESSION_S,
            path="/admin",
            secure=self._public_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )
        return answer

    async def home(self, request: Request) -> Response:
        """Show how the store is."""
        store = await self._tools.stores.find(self._store(request))
        counts = await status.counts(self._tools.clock(), store.id)
        findings = await status.findings(store, self._tools.stores, self._tools.clock())
        platform = self._tools.stores.platform(store.platform).title
        return page(
            "status.html", store=store, platform=platform, counts=asdict(counts), findings=findings
        )

    def _store(self, request: Request) -> str:
        try:
            signed = request.cookies.get(COOKIE, "")
            return self._signer.unsign(signed, max_age=SESSION_S).decode()
        except BadSignature as error:
            raise AdminUnknown(
                "open this page by a link: perennial admin-link prints one"
            ) from error
