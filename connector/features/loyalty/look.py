"""The merchant's page about how the widgets look, beside a preview of them as they are chosen.

The preview is a page of ours with the widgets that shoppers get. What they ask for, the program and
how it looks, they get from below its own address, as a guest would; nothing is kept for it.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from tortoise.transactions import in_transaction

from connector.database import sql
from connector.features.loyalty.editor import drafts
from connector.features.loyalty.editor.admin import PAGES
from connector.features.loyalty.editor.drafts import Drafts
from connector.features.loyalty.rules.document import read
from connector.features.loyalty.rules.program import Publication
from connector.features.loyalty.storefront import Storefront
from connector.features.loyalty.views import ProgramView, StateView, view_store
from connector.web import bundles, looks
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.looks import FIELDS, NONE, Look
from connector.web.merchant import BASE, Done, Item, Toast, Undo, View, Visit
from connector.web.pages import policy
from platforms.errors import PlatformError

LOOK, PREVIEW = "/look/", "/look/preview/"
ITEMS = (Item(n_("Widget look"), "brush", f"{BASE}{LOOK}", place=25, help="widget-look"),)
OURS = "'self'"
WITH_PREVIEW = policy(script_src=OURS, frame_src=OURS)
IN_PREVIEW = policy(script_src=OURS, connect_src=OURS, frame_ancestors=OURS, form_action="'none'")


class LookAdmin:
    """Shows the look, tries another on, and keeps what is chosen."""

    def __init__(self, tools: Tools, storefront: Storefront, own: Drafts) -> None:
        self._tools = tools
        self._storefront = storefront
        self._drafts = own

    def routes(self) -> Sequence[BaseRoute]:
        """Return where the preview's widgets are, below its address: anybody may have them."""
        below = f"{BASE}{PREVIEW}widgets/"
        return [
            Route(f"{below}loader.js", bundles.loader, methods=["GET"]),
            Route(f"{below}{{hash}}/{{file}}", bundles.bundle, methods=["GET"]),
        ]

    def views(self) -> Sequence[View]:
        """Return the views."""
        state = f"{PREVIEW}storefront/v1/state"
        return [
            View(method="GET", path=LOOK, role="analyst", serve=self.look),
            View(method="POST", path=LOOK, role="manager", serve=self.save),
            View(method="POST", path=f"{LOOK}try", role="analyst", serve=self.try_on),
            View(method="POST", path=f"{LOOK}find", role="analyst", serve=self.find),
            View(method="GET", path=PREVIEW, role="analyst", serve=self.preview),
            View(method="POST", path=PREVIEW, role="analyst", serve=self.preview),
            View(method="GET", path=state, role="analyst", serve=self.state),
        ]

    async def look(self, visit: Visit) -> Response:
        """Show what was chosen."""
        return await self._shown(visit, await looks.chosen(visit.store.id) or NONE)

    async def save(self, visit: Visit) -> Response | Done:
        """Keep a look, for all pages of the store."""
        look, mistakes = looks.read(visit.form)
        if mistakes:
            return await self._shown(visit, look, 400, mistakes=mistakes, values=visit.form)
        store = visit.store.id
        async with in_transaction():
            await sql.lock(store)
            before = await looks.chosen(store) or NONE
            if look == before:
                return Done(path=LOOK, toast=Toast(t("Nothing changed")))
            await looks.choose(store, look)
            said = " ".join(f"{name}={value}" for name, value in _values(look).items() if value)
            await self._tools.sessions.note(visit.session, n_("look changed"), "widgets", said)
        undo = Undo(f"{BASE}{LOOK}", _values(before))
        return Done(path=LOOK, toast=Toast(t("Saved: your storefront shows it in a minute"), undo))

    async def try_on(self, visit: Visit) -> Response:
        """Show a look in the preview, and keep nothing."""
        look, mistakes = looks.read(visit.form)
        code = 400 if mistakes else 200
        return await self._shown(visit, look, code, mistakes=mistakes, values=visit.form)

    async def find(self, visit: Visit) -> Response:
        """Look on the store's first page for its own colour."""
        look, mistakes = looks.read(visit.form)
        own, trouble = None, ""
        try:
            own = looks.declared(await self._tools.stores.front_page(visit.store))
        except PlatformError as error:
            trouble = f"{error} {t(error.advice)}".strip()
        return await self._shown(
            visit,
            look,
            mistakes=mistakes,
            values=visit.form,
            own=own,
            trouble=trouble,
            is_sought=not trouble,
        )

    async def preview(self, visit: Visit) -> Response:
        """Show the widgets on a plain page, in the look that is asked for."""
        look, mistakes = looks.read(visit.form or visit.query)
        answer = visit.page(PAGES, "look/preview.html", look=look, mistakes=mistakes)
        answer.headers["Content-Security-Policy"] = IN_PREVIEW
        return answer

    async def state(self, visit: Visit) -> Response:
        """Tell the preview's widgets of the draft or, without one, of the program in force."""
        view = StateView(
            store=view_store(visit.store),
            look=None,
            program=await self._program(visit),
            visitor=None,
            can_claim=False,
        )
        body = orjson.dumps(view, option=orjson.OPT_UTC_Z)
        headers = {"Cache-Control": "no-store"}
        return Response(body, headers=headers, media_type="application/json")

    async def _program(self, visit: Visit) -> ProgramView | None:
        store, draft = visit.store.id, await self._drafts.find(visit.store.id)
        if draft is None:
            return await self._storefront.program(store)
        version = Publication(
            version=len(await drafts.published(store)) + 1,
            begins_at=self._tools.clock(),
            program=read(draft.document),
        )
        return await self._storefront.view_program(store, version)

    async def _shown(
        self,
        visit: Visit,
        look: Look,
        code: int = 200,
        *,
        mistakes: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        **more: object,
    ) -> Response:
        store = visit.store.id
        draft = await self._drafts.find(store)
        answer = visit.page(
            PAGES,
            "look/look.html",
            code,
            mistakes=mistakes or {},
            values=values or _values(look),
            query=urlencode(_values(look)),
            draft=draft,
            has_program=bool(draft or await drafts.published(store)),
            may_write=visit.may("manager"),
            **more,
        )
        answer.headers["Content-Security-Policy"] = WITH_PREVIEW
        return answer


def _values(look: Look) -> dict[str, str]:
    """Return the fields of the form that asks for a look."""
    return {name: getattr(look, name) or "" for name in FIELDS}
