"""What the bench finds: one figure a row and database, beside its limit and its aim."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

REFERENCE = {
    ("webhook", "sqlite"): 1996.0,  # requests/s, POST of 6.4 KB, raw aiosqlite
    ("webhook", "postgres"): 1162.0,  # the same, raw asyncpg
    ("state_personal", "sqlite"): 5054.0,  # requests/s, point read, raw aiosqlite
    ("state_personal", "postgres"): 2404.0,  # the same, raw asyncpg
    ("state_public", "sqlite"): 8000.0,  # requests/s, a JSON response and nothing else
    ("state_public", "postgres"): 8000.0,
    ("backfill", "sqlite"): 26_800.0,  # orders/s, fetched and parsed by bare httpx and orjson
    ("backfill", "postgres"): 26_800.0,
}
"""What limits came to when the stack was chosen: wrk, 32 connections, two cores, uvicorn."""
SLACK = 2.0  # beyond so many times its aim, a row fails
COLUMNS = ("what", "database", "ratio", "aim", "ours", "limit", "reference", "spread")
WIDTHS = (40, 9, 8, 8, 12, 12, 10, 7)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the result.

    ``spread`` is (greatest - least) / median of our own repeats. ``aim`` bounds the ratio from
    below, or from above where ``better`` is ``lower``; without an aim it is a bare figure.
    """

    what: str
    database: str
    ratio: float | None
    aim: float | None
    median: float
    limit: float | None
    spread: float
    unit: str
    better: str = "higher"
    reference: float | None = None
    note: str = ""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @property
    def shortfall(self) -> float:
        """By what factor the aim is missed: 1 or less where it is met."""
        if self.ratio is None or self.aim is None:
            return 0.0
        return self.ratio / self.aim if self.better == "lower" else self.aim / max(self.ratio, 1e-9)

    @property
    def has_failed(self) -> bool:
        return self.shortfall > SLACK

    @property
    def verdict(self) -> str:
        if self.shortfall <= 1:
            return ""
        word = "ABOVE" if self.better == "lower" else "BELOW"
        return f"{word} (fails)" if self.has_failed else word

    def as_json(self) -> str:
        kept = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(kept | {"ratio": self.ratio, "aim": self.aim, "limit": self.limit})

    def as_line(self) -> str:
        sign = "<=" if self.better == "lower" else ">="
        cells = (
            self.what,
            self.database,
            "" if self.ratio is None else f"{self.ratio:.3f}",
            "" if self.aim is None else f"{sign}{self.aim:g}",
            f"{told(self.median)} {self.unit}",
            "" if self.limit is None else told(self.limit),
            "" if self.reference is None else told(self.reference),
            f"{self.spread:.0%}",
        )
        times = (("p50", self.p50_ms), ("p95", self.p95_ms), ("p99", self.p99_ms))
        more = " ".join(f"{name} {ms:.1f} ms" for name, ms in times if ms is not None)
        return "  ".join(part for part in (row(cells), self.verdict, more, self.note) if part)


def within(
    limit: float, median: float, unit: str, *, what: str, database: str, note: str
) -> Figure:
    """Return the figure of something that is to stay below a limit."""
    return Figure(
        what=what,
        database=database,
        ratio=round(median / limit, 3),
        aim=1.0,
        median=round(median, 1),
        limit=limit,
        spread=0.0,
        unit=unit,
        better="lower",
        note=note,
    )


def told(value: float) -> str:
    """Write a figure with as many digits as it can bear."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def row(cells: Sequence[str]) -> str:
    """Lay out one line of the table."""
    first, *others = (f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return f"{first}{''.join(others)}".rstrip()


def spread(values: Sequence[float]) -> float:
    """Return how far repeats lie apart."""
    return (max(values) - min(values)) / median(values)
