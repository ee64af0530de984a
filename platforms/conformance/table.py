"""What a run of the suite came to, for people and for machines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape

from platforms.conformance.suite import Result, Status

MARKS: Mapping[Status, str] = {
    "passed": "[green]ok[/]  ",
    "failed": "[bold red]FAIL[/]",
    "skipped": "[yellow]skip[/]",
}


def lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line a check, in rich's markup; below one that failed, why and what to read."""
    width = max((len(one.check.name) for one in results), default=0)
    for one in results:
        says = one.message if one.status == "skipped" else one.check.says
        yield f"{MARKS[one.status]}  {one.check.name:<{width}}  {escape(says)}"
        if one.status == "failed":
            yield f"      {escape(one.message)}"
            yield f"      read: {escape(one.check.read)}"
    yield summary(results)


def summary(results: Sequence[Result]) -> str:
    """Return how many checks came to what."""
    counts = Counter(one.status for one in results)
    return ", ".join(f"{counts[status]} {status}" for status in MARKS)


def as_document(results: Sequence[Result]) -> dict[str, Any]:
    """Return it all as plain values."""
    counts = Counter(one.status for one in results)
    return {
        "ok": not counts["failed"],
        "counts": {status: counts[status] for status in MARKS},
        "checks": [
            {
                "name": one.check.name,
                "says": one.check.says,
                "status": one.status,
                "message": one.message,
                "read": one.check.read,
            }
            for one in results
        ],
    }
