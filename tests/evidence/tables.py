"""CONTRIBUTING's tables, from the figures of the evidence: ``python -m tests.evidence.tables``."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import ENGINES
from tests.benchmarks.figures import Figure, told

FOLDER = Path(__file__).parent
HEAD = ("what", "SQLite", "PostgreSQL")


def evidence(name: str) -> dict[str, Any]:
    """Return one file of figures."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def proofs() -> str:
    """Return what the long proofs came to on each database."""
    return markdown(
        [
            (what, *(text(evidence(f"{file}-{engine}")) for engine in ENGINES))
            for what, file, text in PROOFS
        ],
        HEAD,
    )


PROOFS: tuple[tuple[str, str, Callable[[dict[str, Any]], str]], ...] = (
    (
        "kills of `serve` and `worker`, 50 deliveries a second",
        "kills",
        lambda one: (
            f"{one['rounds']} kills, {one['acknowledged']:,} acknowledged, {one['lost']} lost;"
            f" {one['ledger_keys_differing']} of {one['ledger_keys']:,} ledger keys differ from a"
            f" backfill's; at work again after {one['resumed_s_max']:.0f} s at most"
        ),
    ),
    (
        "crashes before and after each commit and each call",
        "crashes",
        lambda one: f"{one['points']} points, {one['wrong']} wrong",
    ),
    (
        "laws, through the database",
        "database-laws",
        lambda one: f"{one['laws']} laws, {one['examples']} examples each",
    ),
    (
        "another store's delivery beside a flood",
        "fairness",
        lambda one: f"settled in {one['seconds']:.1f} s beside {one['waiting']:,} waiting",
    ),
)


def speed() -> str:
    """Return how fast we are on each database, beside what the least code does there."""
    rows = [one for one in benched() if one.aim is not None]
    aims = {one.what: f"{SIGN[one.better]} {one.aim:g}" for one in rows}
    return markdown(
        [(what, *(ratio(cells) for cells in by), aims[what]) for what, by in by_engine(rows)],
        (*HEAD, "aim"),
    )


def sizes() -> str:
    """Return the bare figures of one machine."""
    rows = [one for one in benched() if one.aim is None]
    return markdown([(what, *(bare(cells) for cells in by)) for what, by in by_engine(rows)], HEAD)


SIGN = {"higher": "&ge;", "lower": "&le;"}


def benched() -> list[Figure]:
    """Return what the bench came to."""
    return [Figure(**row) for row in evidence("bench")["rows"]]


def by_engine(rows: Sequence[Figure]) -> Iterator[tuple[str, list[Figure | None]]]:
    """Yield what was measured, and what each database came to."""
    found = {(one.what, one.database): one for one in rows}
    for what in dict.fromkeys(one.what for one in rows):
        yield what, [found.get((what, engine)) for engine in ENGINES]


def ratio(one: Figure | None) -> str:
    return f"{told(one.median)} {one.unit}, {one.ratio:.2f}" if one else ""


def bare(one: Figure | None) -> str:
    if one is None:
        return ""
    times = (one.p50_ms, one.p95_ms, one.p99_ms)
    answers = [f"{ms:.0f}" for ms in times if ms is not None]
    answered = (
        f"answered after p50 {answers[0]}, p95 {answers[1]}, p99 {answers[2]} ms" if answers else ""
    )
    return "; ".join(filter(None, (f"{told(one.median)} {one.unit}", answered, one.note)))


def markdown(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Return a table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write("\n".join((proofs(), speed(), sizes())))
