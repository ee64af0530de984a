"""The merchant's pages about the program: a draft, tried, published, and brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.models import StoreRow
from connector.errors import InvalidProgram, RecordUnknown, RequestInvalid
from connector.features.loyalty.editor import drafts, editing
from connector.features.loyalty.editor.drafts import Drafts, Tried
from connector.features.loyalty.editor.editing import Mistaken
from connector.features.loyalty.editor.fields import Form
from connector.features.loyalty.editor.sections import named_products, sections, untold
from connector.features.loyalty.editor.wording import Change, changes, reward_title, together
from connector.features.loyalty.models import DraftRow, PublicationRow
from connector.features.loyalty.rules.document import parse, read
from connector.features.loyalty.rules.program import Program
from connector.features.loyalty.starters import NAMES, starter
from connector.ledger import ledger
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Item, Toast, Undo, View, Visit
from connector.web.pages import templates_of

START, PROGRAM = "/start/", "/program/"
HISTORY, TEXT = "/program/history", "/program/text"
PAGES = templates_of("connector.features.loyalty")
ITEMS = (Item(n_("Program"), "earn", f"{BASE}{PROGRAM}", place=20, help="program"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published version, and in words what it changed."""

    version: int
    published_at: datetime
    changes: Sequence[Change]
    is_newest: bool


class ProgramAdmin:
    """Shows the program, and takes what merchants change of it."""

    def __init__(self, tools: Tools, own: Drafts) -> None:
        self._clock = tools.clock
        self._stores = tools.stores
        self._sessions = tools.sessions
        self._drafts = own

    def views(self) -> Sequence[View]:
        """Return the views."""
        writes = {
            "begin": self.begin,
            "save": self.save,
            "text": self.save_text,
            "discard": self.discard,
            "take-back": self.take_back,
            "undo": self.undo,
            "again": self.again,
        }
        return [
            View(method="GET", path=PROGRAM, role="analyst", serve=self.program),
            View(method="GET", path=HISTORY, role="analyst", serve=self.history),
            View(method="GET", path=TEXT, role="analyst", serve=self.text),
            *(
                View(method="POST", path=f"{PROGRAM}{name}", role="manager", serve=serve)
                for name, serve in writes.items()
            ),
        ]

    async def program(self, visit: Visit) -> Response:
        """Show the draft, or else what is published, or else programs to begin with."""
        return await self._shown(visit)

    async def begin(self, visit: Visit) -> Response | Done:
        """Begin a draft with a template."""
        document = starter(visit.form.get("template", ""), visit.store)
        return await self._kept(visit, document, n_("draft begun"))

    async def save(self, visit: Visit) -> Response | Done:
        """Keep what a form says as the draft, and do what its button asks for besides.

        That adds a rule, removes one, or publishes the draft for all that happens from now on.
        """
        _, document = await self._written(visit.store)
        act, _, what = visit.form.get("act", "save").partition(":")
        if document is None:
            raise RequestInvalid(t("begin with a template: there is no program to change yet"))
        try:
            document = editing.edited(document, visit.form)
            if act == "add":
                taken = await self._ids(visit.store.id)
                kind = visit.form.get(f"kind:{what}", "")
                document = editing.added(
                    document,
                    what,
                    kind,
                    now=self._clock(),
                    product=await records.newest_product(visit.store.id) or "",
                    taken=taken,
                )
            elif act == "remove":
                document = editing.removed(document, what)
        except Mistaken as error:
            return await self._shown(visit, error.mistakes, status=400)
        if act == "publish":
            return await self._published(visit, document)
        return await self._kept(visit, document, n_("draft saved"))

    async def _published(self, visit: Visit, document: str) -> Response | Done:
        there = START if visit.form.get("from") == "start" else PROGRAM
        before = len(await drafts.published(visit.store.id))
        try:
            async with in_transaction():
                await self._drafts.save(
                    visit.store, document, _count(visit, "revision"), visit.session.who
                )
                version = await self._drafts.publish(visit.store)
                if version > before:
                    await self._sessions.note(
                        visit.session, n_("program published"), "program", f"version {version}"
                    )
        except Mistaken as error:
            return await self._shown(visit, error.mistakes, status=400)
        if version <= before:
            return Done(path=there, toast=Toast(t("Nothing changed: version %s stays") % version))
        undo = Undo(f"{BASE}{PROGRAM}undo", {"version": str(version)}) if version > 1 else None
        return Done(path=there, toast=Toast(t("Version %s is live") % version, undo))

    async def _kept(self, visit: Visit, document: str, what: str) -> Response | Done:
        revision = _count(visit, "revision")
        try:
            async with in_transaction():
                await self._drafts.save(visit.store, document, revision, visit.session.who)
                await self._sessions.note(visit.session, what, "program", read(document).name)
        except Mistaken as error:
            return await self._shown(visit, error.mistakes, status=400)
        return Done(path=PROGRAM, toast=Toast(t("Saved as a draft: nothing is published yet")))

    async def text(self, visit: Visit) -> Response:
        """Show the program as a document."""
        row, document = await self._written(visit.store)
        return _page(visit, "text.html", document=document or "", draft=row, error="")

    async def save_text(self, visit: Visit) -> Response | Done:
        """Keep a document as the draft."""
        document = visit.form.get("document", "").strip() + "\n"
        row, _ = await self._written(visit.store)
        try:
            parse(document)
        except InvalidProgram as error:
            return _page(visit, "text.html", 400, document=document, draft=row, error=str(error))
        return await self._kept(visit, document, n_("draft saved"))

    async def undo(self, visit: Visit) -> Response | Done:
        """Publish again what the newest version took the place of."""
        try:
            async with in_transaction():
                version = await self._drafts.undo(visit.store, _count(visit, "version"))
                await self._sessions.note(
                    visit.session, n_("program brought back"), "program", f"version {version}"
                )
        except Mistaken as error:
            return await self._shown(visit, error.mistakes, status=400)
        said = t("As before: that is version %s now") % version
        return Done(path=PROGRAM, toast=Toast(said))

    async def discard(self, visit: Visit) -> Response | Done:
        """Throw the draft away."""
        try:
            async with in_transaction():
                await self._drafts.discard(visit.store.id, _count(visit, "revision"))
                await self._sessions.note(visit.session, n_("draft discarded"), "program", "")
        except Mistaken as error:
            return await self._shown(visit, error.mistakes, status=400)
        undo = Undo(f"{BASE}{PROGRAM}take-back", {})
        return Done(path=PROGRAM, toast=Toast(t("The draft is thrown away"), undo))

    async def take_back(self, visit: Visit) -> Done:
        """Have the draft again."""
        async with in_transaction():
            await self._drafts.take_back(visit.store.id)
            await self._sessions.note(visit.session, n_("draft taken back"), "program", "")
        return Done(path=PROGRAM, toast=Toast(t("The draft is here again")))

    async def history(self, visit: Visit) -> Response:
        """Show all versions, the newest first."""
        rows = await drafts.published(visit.store.id)
        draft = await self._drafts.find(visit.store.id)
        return _page(visit, "history.html", versions=_versions(rows), draft=draft)

    async def again(self, visit: Visit) -> Response | Done:
        """Make a version's document the draft."""
        version = _count(visit, "version")
        rows = await drafts.published(visit.store.id)
        found = next((row for row in rows if row.version == version), None)
        if found is None:
            raise RecordUnknown(t("this store has no such version: look at the history"))
        return await self._kept(visit, found.document, n_("draft begun"))

    async def _written(self, store: StoreRow) -> tuple[DraftRow | None, str | None]:
        """Return the draft, if there is one, and the document that it or what is live has."""
        row = await self._drafts.find(store.id)
        if row:
            return row, row.document
        rows = await drafts.published(store.id)
        return None, rows[-1].document if rows else None

    async def _ids(self, store: str) -> set[str]:
        """Return the ids that rules and rewards ever had: stock is counted by them."""
        programs = [read(row.document) for row in await drafts.published(store)]
        found = {one.id for program in programs for one in program.earn}
        return found | {one.id for program in programs for one in program.reward}

    async def _shown(
        self, visit: Visit, mistakes: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        row, document = await self._written(visit.store)
        if document is None:
            return _page(
                visit, "templates.html", status, names=NAMES, mistakes=[*(mistakes or {}).values()]
            )
        rows = await drafts.published(visit.store.id)
        program, live = read(document), read(rows[-1].document) if rows else None
        counts = await ledger.tiers(visit.store.id) if live else {}
        typed = visit.form if mistakes else {}
        known = await records.products(visit.store.id, named_products(program))
        products = {id_: one.title for id_, one in known.items()}
        form = Form(program, live, typed, mistakes or {}, counts, products)
        shown = sections(form)
        return _page(
            visit,
            "program.html",
            status,
            program=program,
            draft=row,
            revision=row.revision if row else 0,
            newest=rows[-1] if rows else None,
            number=rows[-1].version + 1 if rows else 1,
            sections=shown,
            mistakes=untold(form, shown),
            changes=changes(live, program) if live and row else [],
            tried=tried_of(row),
            titles=titles(program),
            together=together(program, self._stores.platform(visit.store.platform).capabilities),
        )


def _count(visit: Visit, name: str) -> int:
    """Return a number that a form carries, 0 where it carries none."""
    text = visit.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _page(visit: Visit, name: str, status: int = 200, **values: object) -> Response:
    return visit.page(PAGES, f"program/{name}", status, may_write=visit.may("manager"), **values)


def tried_of(row: DraftRow | None) -> Tried | None:
    """Return what a draft would have come to, None where that is not known yet."""
    return msgspec.json.decode(row.tried, type=Tried) if row and row.tried else None


def titles(program: Program) -> dict[str, str]:
    """Return what rewards are called, by id."""
    return {one.id: reward_title(one, program.currency) for one in program.reward}


def _versions(rows: Sequence[PublicationRow]) -> list[Version]:
    programs = [read(row.document) for row in rows]
    found = [
        Version(
            version=row.version,
            published_at=row.published_at,
            changes=changes(programs[n - 1], programs[n]) if n else [],
            is_newest=row is rows[-1],
        )
        for n, row in enumerate(rows)
    ]
    return found[::-1]
