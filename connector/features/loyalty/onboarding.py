"""From connected to running, on one page: what is done, what comes next, and what is wrong."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.models import OrderRow, StoreRow
from connector.features.loyalty.editor import drafts
from connector.features.loyalty.editor.admin import PAGES, START, titles, tried_of
from connector.features.loyalty.editor.drafts import Drafts
from connector.features.loyalty.editor.editing import Mistaken
from connector.features.loyalty.editor.proposal import proposed, typical
from connector.features.loyalty.editor.wording import together
from connector.features.loyalty.rules.document import read
from connector.features.loyalty.starters import starter
from connector.features.loyalty.views import order_of
from connector.kernel.clock import add_months
from connector.ledger.models import EntryRow
from connector.sync.models import PassRow
from connector.web import looks, status
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Item, Toast, View, Visit
from connector.web.pages import number
from platforms.errors import PlatformError
from platforms.model import Kind

MONTHS, NEWEST = 12, 50
SECOND = timedelta(seconds=1)
TITLES: Mapping[Kind, str] = {
    "product": n_("Products"),
    "order": n_("Orders"),
    "customer": n_("Customers"),
}
SIMPLE = "coffee"  # for who has sold too little to say what is typical
LOADER = "/widgets/loader.js"
ITEMS = (Item(n_("Set up"), "check", f"{BASE}{START}", place=10, help="set-up"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How many records of a kind were seen, of about how many, where the store says."""

    title: str
    seen: int
    of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far reading all of a store is: its parts, and how many of all records a minute."""

    is_done: bool
    parts: Sequence[Part] = ()
    a_minute: Fraction = Fraction()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The parts in words."""
        words = t("%(seen)s of about %(of)s")
        return [
            (one.title, number(one.seen))
            if one.of is None
            else (one.title, words % {"seen": number(one.seen), "of": number(one.of)})
            for one in self.parts
        ]

    @property
    def share(self) -> Fraction | None:
        """How much is read, 0 to 1; None where the store does not say how much there is."""
        if not self.parts or any(one.of is None for one in self.parts):
            return None
        seen, of = sum(one.seen for one in self.parts), sum(one.of or 0 for one in self.parts)
        return Fraction(min(seen, of), of) if of else None

    @property
    def minutes_left(self) -> int | None:
        """About how long the rest takes, in minutes begun; None where nobody can know."""
        if self.share is None or not self.a_minute:
            return None
        left = sum(max((one.of or 0) - one.seen, 0) for one in self.parts)
        return ceil(left / self.a_minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOrder:
    """The newest order since the program is live, and what it earned."""

    number: str
    placed_at: datetime
    points: int


class Onboarding:
    """Shows how far a store is, and takes the next step."""

    def __init__(self, tools: Tools, own: Drafts) -> None:
        self._tools = tools
        self._drafts = own

    def views(self) -> Sequence[View]:
        """Return the views."""
        return [
            View(method="GET", path=START, role="analyst", serve=self.start),
            View(method="POST", path=f"{START}propose", role="manager", serve=self.propose),
            View(method="POST", path=f"{START}check", role="analyst", serve=self.check),
        ]

    async def start(self, visit: Visit) -> Response:
        """Show all steps."""
        return await self._shown(visit)

    async def propose(self, visit: Visit) -> Response | Done:
        """Begin a draft with what the store's own history suggests."""
        store, now = visit.store, self._tools.clock()
        found = await typical(store, add_months(now, -MONTHS, ZoneInfo(store.timezone)))
        document = proposed(store, found) if found else starter(SIMPLE, store)
        try:
            async with in_transaction():
                await self._drafts.save(store, document, 0, visit.session.who)
                await self._tools.sessions.note(
                    visit.session, n_("draft begun"), "program", read(document).name
                )
        except Mistaken as error:
            return await self._shown(visit, 400, mistakes=[*error.mistakes.values()])
        if found:
            said = t("Proposed from %(orders)s orders of %(people)s customers") % {
                "orders": number(found.orders),
                "people": number(found.customers),
            }
        else:
            said = t("Too little was sold to propose from: this is our template for small baskets")
        return Done(path=START, toast=Toast(said))

    async def check(self, visit: Visit) -> Response:
        """Look whether the store's first page has our widget."""
        store = visit.store
        try:
            page = await self._tools.stores.front_page(store)
        except PlatformError as error:
            return await self._shown(visit, seen=(False, f"{error} {t(error.advice)}".strip()))
        if LOADER in page and store.id in page:
            said = t("The widget is on your store's first page.")
            return await self._shown(visit, seen=(True, said))
        install = self._tools.stores.platform(store.platform).install
        if install is not None and install.has_plugin:
            said = t(
                "Your store's first page does not have it. Switch the Perennial plugin on, and"
                " empty the store's page cache if it has one."
            )
        else:
            said = t(
                "Your store's first page does not have it. Add the widgets' script to your theme,"
                " for store %s: the README about your platform has it."
            )
            said = said % store.id
        return await self._shown(visit, seen=(False, said))

    async def _shown(self, visit: Visit, code: int = 200, **more: object) -> Response:
        store, now = visit.store, self._tools.clock()
        draft, rows = await self._drafts.find(store.id), await drafts.published(store.id)
        newest = rows[-1] if rows else None
        document = draft.document if draft else newest.document if newest else None
        can = self._tools.stores.platform(store.platform).capabilities
        findings = await status.findings(store, self._tools.stores, now)
        return visit.page(
            PAGES,
            "program/start.html",
            code,
            findings=[one for one in findings if one.name != "first-sync"],  # the second step's
            reading=await self._reading(store, now),
            draft=draft,
            newest=newest,
            tried=tried_of(draft),
            titles=titles(read(document)) if document else {},
            together=together(read(document), can) if draft and document else [],
            look=await looks.chosen(store.id),
            test=await _test(store, newest.published_at) if newest else None,
            may_write=visit.may("manager"),
            **more,
        )

    async def _reading(self, store: StoreRow, now: datetime) -> Reading:
        if store.watermark is not None:
            return Reading(is_done=True)
        under_way = await PassRow.get_or_none(store=store.id, aim="sync")
        seen = under_way.seen if under_way else {}
        counts = await self._counts(store)
        parts = [
            Part(title=t(title), seen=seen.get(kind, 0), of=counts[kind])
            for kind, title in TITLES.items()
        ]
        passed = (now - under_way.began_at) // SECOND if under_way else 0
        a_minute = Fraction(60 * sum(seen.values()), passed) if passed > 0 else Fraction()
        return Reading(is_done=False, parts=parts, a_minute=a_minute)

    async def _counts(self, store: StoreRow) -> Mapping[Kind, int | None]:
        """Ask a store how many records it has; what is wrong with it is said elsewhere."""
        try:
            client = self._tools.stores.client(store)
            counts = await gather(*(client.count(kind) for kind in TITLES))
        except PlatformError:
            return dict.fromkeys(TITLES)
        return dict(zip(TITLES, counts, strict=True))


async def _test(store: StoreRow, since: datetime) -> FirstOrder | None:
    """Return the newest order since the program was published, None if there was none of late."""
    newest = await OrderRow.filter(store=store.id).order_by("-id").limit(NEWEST)
    row = next((one for one in newest if one.placed_at and one.placed_at >= since), None)
    if row is None:
        return None
    (order,) = await records.orders_named(store.id, [row.platform_id])
    theirs = EntryRow.filter(store=store.id, account=row.account, kind="earn")
    entries = await theirs.filter(cause__startswith=f"order:{row.platform_id}")
    return FirstOrder(
        number=order.number,
        placed_at=order.placed_at,
        points=sum(one.points for one in entries if order_of(one.cause) == row.platform_id),
    )
