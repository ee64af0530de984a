"""CONTRIBUTING's table of figures, from ``bench.json``: ``python -m tests.evidence.sizing``."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import ENGINES
from tests.benchmarks.figures import told

FILE = Path(__file__).with_name("bench.json")
HEAD = ("what", "SQLite", "PostgreSQL", "aim")


def table() -> str:
    """Return the table in Markdown: a line for each thing, a column for each database."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    by_what: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_what.setdefault(row["what"], {})[row["database"]] = row
    lines = [HEAD, ("---",) * len(HEAD)]
    lines += [
        (what, *(cell(found.get(engine)) for engine in ENGINES), aim(found[ENGINES[0]]))
        for what, found in by_what.items()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(row: dict[str, Any] | None) -> str:
    """Return a figure, with its ratio to the limit."""
    if row is None:
        return ""
    parts = [f"{told(row['median'])} {row['unit']}"]
    if row["ratio"] is not None:
        parts.append(f"{row['ratio']:.2f} of {told(row['limit'])}")
    if "p50_ms" in row:
        times = (row[name] for name in ("p50_ms", "p95_ms", "p99_ms"))
        parts.append(f"answered in {', '.join(f'{ms:.0f}' for ms in times)} ms")
        parts.append(row["note"])
    return "; ".join(parts)


def aim(row: dict[str, Any]) -> str:
    """Return what a ratio should be."""
    if row["aim"] is None:
        return ""
    return f"{'≤' if row.get('better') == 'lower' else '≥'} {row['aim']:g}"


if __name__ == "__main__":
    sys.stdout.write(table())
