"""Who asks for a merchant's page: by the cookie of a session, or inside a platform's own admin.

There pages are in a frame, without cookies. The platform's script signs each request with a token
that says who asks, from which store; it lives for about a minute. Whoever opens a store's pages so,
for the first time or after the store took the app off, connects it by that token. Anchors and forms
are asked for by ``embedded.js``, since only what is fetched is signed. Whom the store's admin lets
open the app is an owner here.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connector.commerce.models import StoreRow
from connector.errors import AdminUnknown
from connector.kernel.clock import Clock
from connector.sync.stores import Stores
from connector.web.catalogues import t
from connector.web.frames import Frame, in_frame
from connector.web.models import SessionRow
from connector.web.pages import page
from connector.web.problem import problem
from connector.web.sessions import COOKIE, Sessions
from platforms.errors import AccessRevoked, SignatureInvalid
from platforms.protocol import App, Visit

RELOAD = "/admin/reload"
SIGNED = "id_token"  # a parameter
FRAME = ("embedded", "host", "shop", "locale")
"""What a platform says of the frame, as far as its script wants it back."""
TRIED = "tried"
"""Says that a token was asked for already: a second one that is no better is an error."""
REOPENED = {AccessRevoked.usual_name, "needs-reopen", "secret-key"}
"""Troubles that end with a new access."""
log = structlog.get_logger()


class Callers:
    """Finds who asks for a page."""

    def __init__(self, stores: Stores, sessions: Sessions, clock: Clock) -> None:
        self.stores = stores
        self.sessions = sessions
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Return what can be asked without a token."""
        return [Route(RELOAD, self.reload, methods=["GET"])]

    async def of(self, request: Request) -> SessionRow | Response:
        """Return the session of who asks, or the answer by which they get one.

        A frame is noted in the request's state first, so that what goes wrong is shown in it.

        Raises:
            AdminUnknown: nobody we know asks.
            ConnectFailed: the store was not connected, and can't be.
        """
        scheme, _, signed = request.headers.get("authorization", "").partition(" ")
        given = signed if scheme.lower() == "bearer" else request.query_params.get(SIGNED, "")
        for name, app in self._apps():
            named = app.framed_by(request.query_params)
            try:
                visit = app.visit(given, self._clock()) if given else None
            except SignatureInvalid:
                visit = None
            if visit is not None:
                request.state.frame = _frame(app, visit.url)
                if named not in {None, visit.url}:
                    raise AdminUnknown(t("this page was asked for in the name of another store"))
                return await self._session(name, visit)
            if signed:
                return _refused(app)
            if named is not None and TRIED in request.query_params:
                request.state.frame = _frame(app, named)
                raise AdminUnknown(
                    t("your store's admin signed with keys that are not set here: is this its app?")
                )
            if named is not None:
                return RedirectResponse(_again(request, app), 302, {"Cache-Control": "no-store"})
        return await self.sessions.of(request.cookies.get(COOKIE, ""))

    def _apps(self) -> Iterator[tuple[str, App]]:
        for name, platform in self.stores.platforms.items():
            if platform.app is not None and platform.app.secrets:
                yield name, platform.app

    async def _session(self, platform: str, visit: Visit) -> SessionRow:
        store = await _connected(platform, visit.url)
        if store is None:
            async with self.stores.alone(platform, visit.url):  # tabs may open at once
                store = await _connected(platform, visit.url)
                if store is None:
                    store = await self.stores.connect(platform, visit.access, self._clock())
                    log.info("connected", store=store.id, platform=platform)
        who = f"{self.stores.platform(platform).title} {visit.user}"
        return await self.sessions.visiting(store.id, who, "owner")

    async def reload(self, request: Request) -> Response:
        """Have the platform's script come again with a token: nothing else is on this page."""
        for _, app in self._apps():
            url = app.framed_by(request.query_params)
            if url is not None and app.reload in request.query_params:
                request.state.frame = frame = _frame(app, url)
                return in_frame(request, page("reload.html", framed=frame))
        raise AdminUnknown(t("open this page by a link: perennial admin-link prints one"))


async def _connected(platform: str, url: str) -> StoreRow | None:
    """Return a store that is connected, None where it has to be, anew or at all."""
    store = await StoreRow.get_or_none(platform=platform, url=url, disconnected_at=None)
    return None if store is None or store.trouble_name in REOPENED else store


def _frame(app: App, url: str) -> Frame:
    return Frame(tuple(app.ancestors(url)), *app.script(url))


def _refused(app: App) -> Response:
    answer = problem(401, AdminUnknown.code, "Admin unknown", "The token is not good (any more).")
    answer.headers.update(app.retry)
    return answer


def _again(request: Request, app: App) -> str:
    """Return the page that gets a token for the one that was asked for."""
    asked = [(name, text) for name, text in request.query_params.multi_items() if name != SIGNED]
    there = f"{request.url.path}?{urlencode([*asked, (TRIED, '1')])}"
    frame: Mapping[str, str] = {name: text for name, text in asked if name in FRAME}
    return f"{RELOAD}?{urlencode({**frame, app.reload: there})}"
