"""CONTRIBUTING's table of proofs, from their figures: ``python -m tests.evidence.tables``."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import ENGINES

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


def markdown(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Return a table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(proofs())
