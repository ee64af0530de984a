"""The merchant's page about what brings customers back, and its figures to take away."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.features.analytics.figures import FEW, Cohort, share
from connector.features.analytics.service import Analytics
from connector.features.analytics.tables import NAMES, document
from connector.features.analytics.tiles import HOME, NONE, tiles
from connector.web.catalogues import n_, t, tn
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Item, Toast, View, Visit
from connector.web.pages import HEADERS, number, percent, templates_of

ANALYTICS = "/analytics/"
PAGES = templates_of("connector.features.analytics")
ITEMS = (
    Item(n_("Analytics"), "chart", f"{BASE}{ANALYTICS}", place=40, help="what-the-figures-mean"),
)
SPANS = (("30d", n_("30 days")), ("90d", n_("90 days")), ("12m", n_("12 months")))
MONTHS, COHORTS, LATER = 12, 24, 12
"""How many months and cohorts a page shows, and how long after their first."""
SHADES = (0, 5, 10, 20, 35, 50)
"""From how many percent on a cell is so dark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How many of a cohort bought in a month; ``shade`` is None where they are too few to tell."""

    words: str
    title: str
    shade: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A cohort, with a cell for each month after its first."""

    begins_at: datetime
    customers: int
    is_few: bool
    cells: Sequence[Cell]


class AnalyticsAdmin:
    """The views of analytics."""

    def __init__(self, tools: Tools, analytics: Analytics) -> None:
        self._tools = tools
        self._analytics = analytics

    def views(self) -> Sequence[View]:
        """Return the views."""
        files = [
            View(
                method="GET", path=f"{ANALYTICS}{name}.csv", role="analyst", serve=self._taken(name)
            )
            for name in NAMES
        ]
        return [
            View(method="GET", path=ANALYTICS, role="analyst", serve=self.shown),
            View(method="POST", path=f"{ANALYTICS}refresh", role="analyst", serve=self.refreshed),
            *files,
        ]

    async def shown(self, visit: Visit) -> Response:
        """Show the figures of a span, beside those of the one before."""
        state = await self._analytics.state(visit.store.id)
        figures, period = state.figures, visit.query.get("period", "")
        period = period if period in dict(SPANS) else HOME
        if figures is None or not figures.months:
            return visit.page(PAGES, "analytics.html", state=state, figures=None)
        span = figures.spans[period]
        cost = await self._tools.key_figures.cost_minor(visit.store, span.now.owed)
        return visit.page(
            PAGES,
            "analytics.html",
            state=state,
            figures=figures,
            age=_age(self._tools.clock() - figures.at),
            spans=SPANS,
            span=span,
            period=period,
            tiles=tiles(figures, period, cost),
            months=figures.months[-MONTHS:],
            lines=[_line(one) for one in figures.cohorts[-COHORTS:]],
            later=range(1, min(len(figures.cohorts), LATER + 1)),
            shades=SHADES,
            few=FEW,
        )

    async def refreshed(self, visit: Visit) -> Done:
        """Have the figures computed anew."""
        async with in_transaction():
            await self._analytics.ask(visit.store.id)
            await self._tools.sessions.note(visit.session, n_("figures asked for"), "analytics", "")
        said = t("The figures are being computed: load this page again in a moment")
        return Done(path=ANALYTICS, toast=Toast(said))

    def _taken(self, name: str) -> Callable[[Visit], Awaitable[Response | Done]]:
        async def taken(visit: Visit) -> Response | Done:
            figures = (await self._analytics.state(visit.store.id)).figures
            if figures is None:
                return Done(path=ANALYTICS)
            file = f"{name}-{figures.at:%Y-%m-%d}.csv"
            headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{file}"'}
            return Response(document(figures, name), 200, headers, "text/csv")

        return taken


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 1:
        return t("computed just now")
    if minutes < 60:
        return tn("computed %s minute ago", "computed %s minutes ago", minutes) % minutes
    hours = minutes // 60
    return tn("computed %s hour ago", "computed %s hours ago", hours) % hours


def _line(cohort: Cohort) -> Line:
    return Line(
        begins_at=cohort.begins_at,
        customers=cohort.customers,
        is_few=cohort.customers < FEW,
        cells=[_cell(cohort.customers, count) for count in cohort.bought[1 : LATER + 1]],
    )


def _cell(customers: int, count: int) -> Cell:
    part = share(count, customers)
    if part is None:
        return Cell(words=NONE, title=t("nobody"), shade=None)
    return Cell(
        words=percent(part),
        title=t("%(count)s of %(all)s") % {"count": number(count), "all": number(customers)},
        shade=None if customers < FEW else _shade(part),
    )


def _shade(part: Fraction) -> int:
    return max(n for n, least in enumerate(SHADES) if part * 100 >= least)
