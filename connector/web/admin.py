"""The merchant's pages that are of no feature: coming in and leaving, home, and who has access."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.transactions import in_transaction

from connector.errors import RequestInvalid
from connector.web import languages, status
from connector.web.catalogues import n_, offered, t
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Item, Toast, View, Visit, again
from connector.web.pages import PAGES
from connector.web.sessions import COOKIE, LIFE, ROLES, WHO_MAX, Sessions, admin_link, deeds

HOME, ACCESS = "/", "/access/"
DEEDS = 50
NEWEST = 2**62  # before no row's number
ITEMS = (Item(n_("Home"), "home", f"{BASE}/", help="home"),)
LAST_ITEMS = (Item(n_("Access"), "lock", f"{BASE}{ACCESS}", "owner", place=90, help="access"),)


class Admin:
    """The door, and the pages that every store has."""

    def __init__(
        self, tools: Tools, sessions: Sessions, public_url: str, *, is_secure: bool
    ) -> None:
        self._tools = tools
        self._sessions = sessions
        self._public_url = public_url
        self._is_secure = is_secure

    def routes(self) -> list[BaseRoute]:
        """Return what can be asked without a session."""
        return [Route(f"{BASE}/enter", self.enter, methods=["GET"])]

    def views(self) -> Sequence[View]:
        """Return what takes one."""
        return [
            View(method="GET", path=HOME, role="analyst", serve=self.home),
            View(method="POST", path="/leave", role="analyst", serve=self.leave),
            View(method="POST", path="/switch", role="analyst", serve=self.switch),
            View(method="POST", path="/language", role="analyst", serve=self.speak),
            View(method="GET", path=ACCESS, role="owner", serve=self.access),
            View(method="POST", path=ACCESS, role="owner", serve=self.let_in),
            View(method="POST", path="/access/end", role="owner", serve=self.end),
        ]

    async def enter(self, request: Request) -> Response:
        """Turn a one-time link, or the word of a store's back office, into a session."""
        handed = request.query_params.get("handed")
        if handed is not None:
            cookie = await self._sessions.hand_over(handed)
        else:
            cookie = await self._sessions.open(request.query_params.get("ticket", ""))
        return await self._used(cookie, request.cookies.get(COOKIE, ""))

    async def switch(self, visit: Visit) -> Response:
        """Go on in another store that is open in this browser."""
        wanted = visit.form.get("store", "")
        beside = await self._sessions.beside(visit.cookie)
        cookie = next((one for one, row in beside.items() if row.store == wanted), None)
        if cookie is None:
            raise RequestInvalid(t("that store is not open here: come in from its back office"))
        return await self._used(cookie, visit.cookie)

    async def _used(self, cookie: str, before: str) -> Response:
        """Begin at home in a session, beside those that a browser had before."""
        answer = RedirectResponse(f"{BASE}/", status_code=303)
        answer.set_cookie(
            COOKIE,
            await self._sessions.joined(cookie, before),
            max_age=int(LIFE.total_seconds()),
            path=BASE,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def leave(self, visit: Visit) -> Response:
        """End all sessions of this browser."""
        for row in (visit.session, *(await self._sessions.beside(visit.cookie)).values()):
            await self._sessions.end(row.store, row.id)
        answer = visit.page(PAGES, "left.html", nav=())
        answer.delete_cookie(COOKIE, path=BASE)
        return answer

    async def speak(self, visit: Visit) -> Response:
        """Show the pages in another language from now on, in this browser."""
        tag, back = visit.form.get("language", ""), visit.form.get("back", "")
        if tag not in {one.tag for one in offered()}:
            raise RequestInvalid(t("there are no pages in this language"))
        there = f"{BASE}{back}" if back.startswith("/") else f"{BASE}/"
        answer = RedirectResponse(there, status_code=303)
        answer.set_cookie(
            languages.COOKIE,
            tag,
            max_age=languages.COOKIE_S,
            path=BASE,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def home(self, visit: Visit) -> Response:
        """Show what needs somebody, what the week came to, and the key figures."""
        store, told = visit.store, self._tools.key_figures
        found = await status.known(store, self._tools.clock())
        return visit.page(
            PAGES,
            "home.html",
            platform=self._tools.stores.platform(store.platform).title,
            troubles=[one for one in found if not one.is_ok],
            needs=await told.needs(store),
            figures=await told.of(store),
            news=await told.news(store),
        )

    async def access(self, visit: Visit) -> Response:
        """Show who is in, and what was done."""
        return await self._access(visit)

    async def let_in(self, visit: Visit) -> Response | Done:
        """Make a link for somebody, and show it this once."""
        who, role = visit.form.get("name", "").strip(), visit.form.get("role", "")
        if role not in ROLES:
            raise RequestInvalid(t("there is no such role: choose one of those in the list"))
        if not 1 <= len(who) <= WHO_MAX or not who.isprintable():
            error = t("Write who it is for, in %s characters at most.") % WHO_MAX
            return await self._access(visit, error=error)
        if not await self._sessions.is_first(visit.session, visit.form):
            return Done(path=ACCESS, toast=again())
        tools = self._tools
        async with in_transaction():
            link = await admin_link(
                tools.ids, tools.clock, self._public_url, visit.store.id, who=who, role=role
            )
            await self._sessions.note(visit.session, n_("link made"), who, role)
        return await self._access(visit, link=link)

    async def _access(self, visit: Visit, *, link: str = "", error: str = "") -> Response:
        before = visit.query.get("before", "")
        last = int(before) if before.isdecimal() and len(before) < 19 else NEWEST
        done = await deeds(visit.store.id, last, DEEDS + 1)
        return visit.page(
            PAGES,
            "access.html",
            status=400 if error else 200,
            sessions=await self._sessions.all(visit.store.id),
            deeds=done[:DEEDS],
            older=done[DEEDS - 1].id if len(done) > DEEDS else None,
            roles=[(one, t(one)) for one in ROLES],
            link=link,
            error=error,
            form={} if link else visit.form,
            key=self._tools.ids(),
        )

    async def end(self, visit: Visit) -> Done:
        """End somebody's session."""
        async with in_transaction():
            ended = await self._sessions.end(visit.store.id, visit.form.get("session", ""))
            await self._sessions.note(visit.session, n_("session ended"), ended.who, ended.role)
        return Done(path=ACCESS, toast=Toast(t("%s is signed out") % ended.who))
