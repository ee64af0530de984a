"""Postings: what a ledger should hold, and how that differs from what it holds. Pure.

A ledger key is (cause, kind, effective_at). Wanted and posted are compared per key, and what
differs is appended; an entry is never changed or removed.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

EntryKind = Literal[
    "earn", "redeem", "release", "expire", "clawback", "forgive", "adjust", "import"
]
Key = tuple[str, str, datetime]


class Posting(NamedTuple):
    """Points that should stand in a ledger, because of ``cause``; ``why`` is the arithmetic."""

    cause: str
    kind: EntryKind
    effective_at: datetime
    points: int
    why: str = ""

    @property
    def key(self) -> Key:
        """What it is compared by."""
        return self.cause, self.kind, self.effective_at


def difference(wanted: Iterable[Posting], posted: Mapping[Key, int]) -> list[Posting]:
    """Return what must be appended so that every key nets to what is wanted of it.

    A key that is posted and no longer wanted is taken back; its reason says so.
    """
    want = {posting.key: posting for posting in wanted}
    changes = []
    for key in sorted({*want, *posted}):
        was = posted.get(key, 0)
        now = want[key].points if key in want else 0
        if now != was:
            why = want[key].why if key in want else "no longer so"
            said = f"{why} (was {was:+d})" if was else why
            changes.append(Posting(key[0], key[1], key[2], now - was, said))  # type: ignore[arg-type]
    return changes
