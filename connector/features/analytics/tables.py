"""The figures as tables for spreadsheets: RFC 4180, in which no cell is run as a formula.

Source: https://www.rfc-editor.org/rfc/rfc4180
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from connector.features.analytics.figures import Figures, Period
from connector.kernel.cells import written
from platforms.money import decimals

NAMES = ("figures", "customers", "points", "cohorts")
"""What can be taken away."""


def document(figures: Figures, name: str) -> str:
    """Return a table as a document of its own."""
    written_to = io.StringIO()
    writer = csv.writer(written_to)
    for row in TABLES[name](figures):
        writer.writerow([_cell(one) for one in row])
    return written_to.getvalue()


def _figures(figures: Figures) -> Iterator[Sequence[object]]:
    yield ("period", "after", "until", "figure", "value", "unit", "n")
    for name, span in figures.spans.items():
        for title, period in ((name, span.now), (f"{name} before", span.before)):
            for figure, value, unit, n in _of(figures, period):
                begins, ends = _at(figures, period.begins_at), _at(figures, period.ends_at)
                yield (title, begins, ends, figure, value, unit, n)


def _of(figures: Figures, period: Period) -> Iterator[tuple[str, object, str, int]]:
    """Yield the figures of a period: name, value, unit, and of how many."""
    currency, people = figures.currency, period.spenders
    mean, median = period.mean_minor, period.median_minor if people else None
    yield "customer retention rate", period.retention, "share", period.active_before
    yield "churn rate", period.churn, "share", period.active_before
    yield "repeat-purchase rate", period.repeat, "share", period.bought
    yield "value per customer to date, mean", _money(mean, currency), currency, people
    yield "value per customer to date, median", _money(median, currency), currency, people
    yield "redemption rate", period.redemption, "share", period.issued
    yield "active members", period.active_members, "members", period.members
    yield "customers who ordered", period.bought, "customers", period.bought
    yield "orders", period.orders, "orders", period.orders
    yield "net sales", _money(period.sales_minor, currency), currency, period.orders
    yield "points issued", period.issued, "points", period.members
    yield "points spent", period.spent, "points", period.members
    yield "points expired", period.expired, "points", period.members
    yield "points taken back", period.taken_back, "points", period.members
    yield "points owed", period.owed, "points", period.members


def _customers(figures: Figures) -> Iterator[Sequence[object]]:
    yield ("month", "customers", "new customers", "orders", f"net sales in {figures.currency}")
    for one in figures.months:
        sales = _money(one.sales_minor, figures.currency)
        yield (_month(figures, one.begins_at), one.bought, one.newcomers, one.orders, sales)


def _points(figures: Figures) -> Iterator[Sequence[object]]:
    yield ("month", "issued", "spent", "expired", "taken back", "owed at the end")
    for one in figures.months:
        moved = (one.issued, one.spent, one.expired, one.taken_back, one.owed)
        yield (_month(figures, one.begins_at), *moved)


def _cohorts(figures: Figures) -> Iterator[Sequence[object]]:
    later = [f"month {n}" for n in range(1, len(figures.cohorts))]
    yield ("first order in", "customers", *later)
    for n, one in enumerate(figures.cohorts):
        yield (_month(figures, one.begins_at), *one.bought, *[None] * n)


TABLES = dict(zip(NAMES, (_figures, _customers, _points, _cohorts), strict=True))


def _money(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-decimals(currency))


def _at(figures: Figures, at: datetime) -> str:
    return at.astimezone(ZoneInfo(figures.zone)).isoformat(timespec="seconds")


def _month(figures: Figures, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(figures.zone)):%Y-%m}"


def _cell(value: object) -> object:
    match value:
        case str():
            return written(value)
        case Fraction():
            return f"{float(value):.6f}"
        case Decimal():
            return f"{value:f}"
    return value
