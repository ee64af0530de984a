"""Orders and points as columns in DuckDB, in memory, and the questions that figures ask of them.

Instants are microseconds since 1970, customers numbers of ours. Everything here blocks: it is for
a thread, one call after the other. DuckDB holds ``MEMORY`` at most and puts the rest into a folder.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, tzinfo
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, get_args
from zoneinfo import ZoneInfo

from connector.commerce.models import StoreRow
from connector.database.sql import Row
from connector.features.analytics.figures import (
    Cohort,
    Figures,
    Month,
    Period,
    Span,
    churn_days,
    nearest,
)
from connector.features.analytics.reading import micros, moves, sales
from connector.kernel.clock import add_days, add_months, start_of
from connector.kernel.posting import EntryKind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "256MB"
MONTHS = 36
DAY = 24 * 60 * 60 * 1_000_000
LONG_AGO = -(2**62)
HOME = 0
"""The number of the store's currency."""
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": MEMORY,
    "threads": "1",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
TABLES = f"""
CREATE TYPE kind AS ENUM {get_args(EntryKind)};
CREATE TABLE sale (person INTEGER, placed BIGINT, net BIGINT, currency SMALLINT);
CREATE TABLE move (person INTEGER, kind kind, effective BIGINT, points BIGINT);
CREATE TABLE month (n INTEGER, begins BIGINT);
"""
GAPS = """
SELECT (gap + $day - 1) // $day AS days, count(*) FROM (
  SELECT placed - lag(placed) OVER (PARTITION BY person ORDER BY placed) AS gap FROM sale)
WHERE gap IS NOT NULL GROUP BY days
"""
PEOPLE = """
SELECT count(*) FILTER (was), count(*) FILTER (remains), count(*) FILTER (remains AND NOT was),
  count(*) FILTER (bought), count(*) FILTER (bought AND orders >= 2),
  count(*) FILTER (first > $begin)
FROM (
  SELECT bool_or(placed > $begin - $window AND placed <= $begin) AS was,
    bool_or(placed > $end - $window) AS remains, bool_or(placed > $begin) AS bought,
    count(*) AS orders, min(placed) AS first
  FROM sale WHERE placed <= $end GROUP BY person)
"""
ORDERS = """
SELECT count(*), coalesce(sum(net) FILTER (currency = 0), 0)
FROM sale WHERE placed > $begin AND placed <= $end
"""
SPENDERS = """
CREATE OR REPLACE TEMP TABLE spender AS
SELECT sum(net) AS total FROM sale WHERE currency = 0 AND placed <= $end GROUP BY person
"""
SPENT = "SELECT count(*), coalesce(sum(total), 0) FROM spender"
MIDDLE = "SELECT total FROM spender ORDER BY total LIMIT $count OFFSET $before"
SUMS = """
coalesce(sum(points) FILTER ({during} AND kind IN ('earn', 'adjust', 'import')), 0),
-coalesce(sum(points) FILTER ({during} AND kind IN ('redeem', 'release')), 0),
-coalesce(sum(points) FILTER ({during} AND kind = 'expire'), 0),
-coalesce(sum(points) FILTER ({during} AND kind IN ('clawback', 'forgive')), 0)
"""
POINTS = f"""
SELECT {SUMS.format(during="effective > $begin")}, coalesce(sum(points), 0),
  count(DISTINCT person),
  count(DISTINCT person) FILTER (effective > $begin AND kind IN ('earn', 'redeem'))
FROM move WHERE effective <= $end
"""
BOUGHT = """
CREATE TABLE bought AS
SELECT person, n, count(*) AS orders, coalesce(sum(net) FILTER (currency = 0), 0) AS net
FROM sale ASOF JOIN month ON placed >= begins GROUP BY person, n
"""
FIRST = "CREATE TABLE first AS SELECT person, min(n) AS n FROM bought GROUP BY person"
SALES_BY_MONTH = """
SELECT bought.n, count(*), count(*) FILTER (bought.n = first.n), sum(orders), sum(net)
FROM bought JOIN first USING (person) GROUP BY bought.n
"""
POINTS_BY_MONTH = f"""
SELECT n, {SUMS.format(during="true")}, sum(points)
FROM move ASOF JOIN month ON effective >= begins WHERE effective <= $end GROUP BY n
"""
OTHER_ORDERS = "SELECT currency, count(*) FROM sale WHERE currency <> 0 GROUP BY currency"
PENDING = "SELECT coalesce(sum(points), 0) FROM move WHERE effective > $until"
NO_SALES, NO_POINTS = (0, 0, 0, 0), (0, 0, 0, 0, 0)
COHORTS = """
SELECT first.n, bought.n - first.n, count(*) FROM bought JOIN first USING (person) GROUP BY ALL
"""


class Columns:
    """A store's orders and points, and what they come to at an instant.

    ``open`` it before anything else; whoever did, or tried, must ``close`` it.
    """

    def __init__(self, store: StoreRow, at: datetime, owners: Mapping[str, str]) -> None:
        self._store = store
        self._at = at
        self._zone = ZoneInfo(store.timezone)
        self._owners = owners
        self._people: dict[str, int] = {}
        self._currencies = {store.currency: HOME}
        self._begins = _month_begins(at, self._zone)
        self._stack = ExitStack()
        self._held: DuckDBPyConnection

    def open(self) -> Self:
        """Make room."""
        # 30 MB and 0.1 s that only a worker needs
        import duckdb  # noqa: PLC0415

        folder = TemporaryDirectory(prefix="perennial-analytics-")
        name = self._stack.enter_context(folder)
        settings = {**SETTINGS, "temp_directory": name}
        self._held = self._stack.enter_context(duckdb.connect(":memory:", config=settings))
        self._held.execute(TABLES)
        months = [LONG_AGO, *map(micros, self._begins)]
        self._append("month", [(n, begins) for n, begins in enumerate(months, -1)])
        return self

    def close(self) -> None:
        """Let go of the memory and of the folder."""
        self._stack.close()

    def add_orders(self, rows: Sequence[Row]) -> None:
        """Take in orders, of which those count that were placed by now."""
        until, currencies = micros(self._at), self._currencies
        self._append(
            "sale",
            [
                (
                    *(self._person(one.account), one.placed, one.net_minor),
                    currencies.setdefault(one.currency, len(currencies)),
                )
                for one in sales(rows)
                if one.placed <= until
            ],
        )

    def add_entries(self, rows: Sequence[Row]) -> None:
        """Take in movements of points."""
        self._append(
            "move",
            [
                (self._person(one.account), one.kind, one.effective, one.points)
                for one in moves(rows)
            ],
        )

    def figures(self) -> Figures:
        """Return what all of it comes to."""
        gaps = dict(self._rows(GAPS, day=DAY))
        days = churn_days(gaps)
        self._held.execute(BOUGHT)
        self._held.execute(FIRST)
        months = self._months()
        some = next((n for n, one in enumerate(months) if _is_any(one)), len(months))
        return Figures(
            at=self._at,
            currency=self._store.currency,
            zone=self._store.timezone,
            churn_days=days,
            gaps=sum(gaps.values()),
            other_orders=self._other_orders(),
            pending=self._one(PENDING, until=micros(self._at))[0],
            spans={
                name: Span(
                    now=self._period(begin, self._at, days), before=self._period(*since, days)
                )
                for name, begin, since in _spans(self._at, self._zone)
            },
            months=months[some:],
            cohorts=self._cohorts()[some:],
        )

    def _append(self, table: str, rows: Sequence[tuple[int | str, ...]]) -> None:
        with self._held.appender(table) as appender:
            appender.append_rows(rows)

    def _rows(self, text: str, **values: int) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._held.execute(text, values or None).fetchall()
        return found

    def _one(self, text: str, **values: int) -> tuple[Any, ...]:
        (row,) = self._rows(text, **values)
        return row

    def _person(self, account: str) -> int:
        return self._people.setdefault(self._owners.get(account, account), len(self._people))

    def _other_orders(self) -> dict[str, int]:
        counts = dict(self._rows(OTHER_ORDERS))
        return {name: counts[n] for name, n in sorted(self._currencies.items()) if n in counts}

    def _period(self, begins_at: datetime, ends_at: datetime, days: int) -> Period:
        begin, end = micros(begins_at), micros(ends_at)
        people = self._one(PEOPLE, begin=begin, end=end, window=days * DAY)
        orders = self._one(ORDERS, begin=begin, end=end)
        points = self._one(POINTS, begin=begin, end=end)
        self._rows(SPENDERS, end=end)
        spent = self._one(SPENT)
        values = (begins_at, ends_at, *people, *orders, *spent, self._median(spent[0]), *points)
        return Period(**dict(zip(Period.__struct_fields__, values, strict=True)))

    def _median(self, count: int) -> int:
        if not count:
            return 0
        middle = self._rows(MIDDLE, count=2 - count % 2, before=(count - 1) // 2)
        return nearest(sum(total for (total,) in middle), len(middle))

    def _months(self) -> list[Month]:
        sales = {n: row for n, *row in self._rows(SALES_BY_MONTH)}
        points = {n: row for n, *row in self._rows(POINTS_BY_MONTH, end=micros(self._at))}
        owed = points.get(-1, NO_POINTS)[-1]
        months = []
        for n, begins_at in enumerate(self._begins):
            moved = points.get(n, NO_POINTS)
            owed += moved[-1]
            values = (begins_at, *sales.get(n, NO_SALES), *moved[:-1], owed)
            months.append(Month(**dict(zip(Month.__struct_fields__, values, strict=True))))
        return months

    def _cohorts(self) -> list[Cohort]:
        counts = {(n, later): count for n, later, count in self._rows(COHORTS)}
        return [
            Cohort(
                begins_at=begins_at,
                bought=[counts.get((n, later), 0) for later in range(MONTHS - n)],
            )
            for n, begins_at in enumerate(self._begins)
        ]


def _month_begins(at: datetime, zone: tzinfo) -> list[datetime]:
    """Return when the last months began, that of an instant among them, oldest first."""
    this = start_of("calendar_month", at, zone)
    return [add_months(this, n, zone) for n in range(1 - MONTHS, 1)]


def _spans(at: datetime, zone: tzinfo) -> list[tuple[str, datetime, tuple[datetime, datetime]]]:
    """Return the periods up to an instant by name: the begin, and the period before that."""
    begins = [
        ("7d", add_days(at, -7, zone), add_days(at, -14, zone)),
        ("30d", add_days(at, -30, zone), add_days(at, -60, zone)),
        ("90d", add_days(at, -90, zone), add_days(at, -180, zone)),
        ("12m", add_months(at, -12, zone), add_months(at, -24, zone)),
    ]
    return [(name, begin, (first, begin)) for name, begin, first in begins]


def _is_any(month: Month) -> bool:
    return any(
        (month.bought, month.issued, month.spent, month.expired, month.taken_back, month.owed)
    )
