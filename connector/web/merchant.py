"""The merchant's pages: who asks, whether they may, and the frame around what a feature shows.

A feature declares views; each says which role it takes. A form is refused unless it is ours. Pages
need no script, and nothing of them is kept by a browser or framed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from itsdangerous import BadSignature, TimestampSigner
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connector.commerce.models import StoreRow
from connector.errors import FormUnknown, RequestInvalid, RoleMissing
from connector.kernel.vault import Vault
from connector.web import manual
from connector.web.body import bounded_body
from connector.web.callers import Callers
from connector.web.catalogues import t
from connector.web.frames import frame_of, in_frame
from connector.web.models import SessionRow
from connector.web.pages import shown
from connector.web.sessions import COOKIE, Role, may

BASE = "/admin"
TOAST = "perennial_toast"
TOAST_S = 60
FORM_MAX = 500_000
FIELDS_MAX = 5000


class Item(NamedTuple):
    """A line of the navigation, for whoever may see its page; those of a lower ``place`` first.

    What ``finds`` names is found at the page, by ``?q=``, from all others too. ``help`` is the
    heading of the README that is about it.
    """

    title: str
    icon: str
    path: str
    role: Role = "analyst"
    place: int = 0
    finds: str = ""
    help: str = ""


class Undo(msgspec.Struct, frozen=True):
    """The form that takes something back."""

    action: str
    fields: dict[str, str]


class Toast(msgspec.Struct, frozen=True):
    """What was done, said once on the next page."""

    words: str
    undo: Undo | None = None


def again() -> Toast:
    """Return what is said to a form that is sent once more than it may be."""
    return Toast(t("This form was sent before: nothing new was made"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request to a view by somebody who may; a ``form`` is empty unless it was sent.

    The ``cookie`` is their browser's, with all its sessions.
    """

    store: StoreRow
    session: SessionRow
    cookie: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    frame: Mapping[str, object]

    def may(self, role: Role) -> bool:
        """Return whether they may do what takes a role."""
        return may(self.session, role)

    def page(self, pages: Environment, name: str, status: int = 200, **values: object) -> Response:
        """Return a template's page, in the frame."""
        frame = {"store": self.store, **self.frame, **values}
        return shown(pages, name, status, **frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a form comes to: the page to go on at, below ``/admin``, and what to say there."""

    path: str
    toast: Toast | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What somebody of at least a ``role`` can ask of a ``path`` below ``/admin``."""

    method: Literal["GET", "POST"]
    path: str
    role: Role
    serve: Callable[[Visit], Awaitable[Response | Done]]


class Merchant:
    """The routes of all views."""

    def __init__(
        self,
        callers: Callers,
        vault: Vault,
        views: Sequence[View],
        items: Sequence[Item],
        *,
        is_secure: bool,
    ) -> None:
        self._callers = callers
        self._stores = callers.stores
        self._sessions = callers.sessions
        self._signer = TimestampSigner(vault.derive("admin-toast"))
        self._views = views
        self._items = sorted(items, key=lambda one: one.place)
        self._is_secure = is_secure

    def routes(self) -> list[BaseRoute]:
        """Return the routes, one for each path."""
        of_path: dict[str, dict[str, View]] = {}
        for one in self._views:
            of_path.setdefault(one.path, {})[one.method] = one
        return [
            Route(f"{BASE}{path}", self._served(found), methods=[*found])
            for path, found in of_path.items()
        ]

    def _served(self, views: Mapping[str, View]) -> Callable[[Request], Awaitable[Response]]:
        async def served(request: Request) -> Response:
            view = views["GET" if request.method == "HEAD" else request.method]
            session = await self._callers.of(request)
            if isinstance(session, Response):
                return session
            cookie = request.cookies.get(COOKIE, "")
            if not may(session, view.role):
                raise RoleMissing(
                    t(
                        "this takes the role of %(needed)s, and yours is %(own)s: ask the owner of"
                        " the store"
                    )
                    % {"needed": t(view.role), "own": t(session.role)}
                )
            form = await _form(request) if view.method == "POST" else {}
            if view.method == "POST" and not self._sessions.is_from_us(session, form):
                raise FormUnknown(
                    t("this form is not of your session: go back, load it anew, send it again")
                )
            visit = Visit(
                store=await self._stores.find(session.store),
                session=session,
                cookie=cookie,
                path=request.path_params,
                query=request.query_params,
                form=form,
                frame={**self._frame(request, session), "others": await self._others(cookie)},
            )
            answer = await view.serve(visit)
            if isinstance(answer, Done):
                return self._gone_on(request, answer)
            return in_frame(request, _said(request, answer))

        return served

    async def _others(self, cookie: str) -> list[StoreRow]:
        """Return the other stores that are open in a browser."""
        beside = await self._sessions.beside(cookie)
        return [await self._stores.find(row.store) for row in beside.values()]

    def _frame(self, request: Request, session: SessionRow) -> Mapping[str, object]:
        mine = [one for one in self._items if may(session, one.role)]
        at = next((one for one in mine if _is_at(request.url.path, one.path)), None)
        here = at.path if at else ""
        return {
            "nav": mine,
            "here": here,
            "help": manual.place(at.help) if at and at.help else "",
            "helped": at.title if at else "",
            "back": _back(request, here),
            "who": session,
            "csrf": self._sessions.csrf(session),
            "toast": self._toast(request),
            "framed": frame_of(request),
        }

    def _toast(self, request: Request) -> Toast | None:
        kept = request.query_params if frame_of(request) else request.cookies
        try:
            said = self._signer.unsign(kept.get(TOAST, ""), max_age=TOAST_S)
            return msgspec.json.decode(bytes.fromhex(said.decode()), type=Toast)
        except (BadSignature, ValueError):
            return None

    def _gone_on(self, request: Request, done: Done) -> Response:
        """Redirect; what is to be said is in a cookie or, in a frame without any, in the query."""
        there, toast = f"{BASE}{done.path}", done.toast
        said = self._signer.sign(msgspec.json.encode(toast).hex()).decode() if toast else ""
        if said and frame_of(request):
            page, mark, place = there.partition("#")
            return RedirectResponse(
                f"{page}{'&' if '?' in page else '?'}{TOAST}={said}{mark}{place}", status_code=303
            )
        answer = RedirectResponse(there, status_code=303)
        if said:
            answer.set_cookie(
                TOAST,
                said,
                max_age=TOAST_S,
                path=BASE,
                secure=self._is_secure,
                httponly=True,
                samesite="lax",
            )
        return answer


def _is_at(path: str, of: str) -> bool:
    """Return whether a page is that of an item, or below it; below the first are all."""
    return path == of or (of != f"{BASE}/" and path.startswith(of))


def _back(request: Request, here: str) -> str:
    """Return where somebody is, below ``/admin``, so that they can come back."""
    url = request.url
    there = f"{url.path}?{url.query}".rstrip("?") if request.method != "POST" else here
    return there.removeprefix(BASE)


def _said(request: Request, answer: Response) -> Response:
    if TOAST in request.cookies:
        answer.delete_cookie(TOAST, path=BASE)
    return answer


async def _form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; of those named twice, the last.

    Raises:
        RequestInvalid: it is none.
    """
    body = await bounded_body(request, FORM_MAX)
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError as error:
        raise RequestInvalid(t("this is no form: %s") % error) from None
    return {name: value.replace("\r\n", "\n").replace("\0", "") for name, value in fields}
