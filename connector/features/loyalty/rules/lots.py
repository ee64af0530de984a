"""Lots: credit with an expiry, spent earliest expiry first, and the one deficit beside them.

Derived, never stored: the ledger holds entries, the fold finds the lots again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Lot:
    """Points that came together and expire together.

    ``points`` is what is left. Until it ``is_open``, a lot is on its way: nothing is spent from
    it, but what undoes its own cause comes off it.
    """

    cause: str
    points: int
    available_at: datetime
    expires_at: datetime | None
    is_open: bool = False

    def turn(self) -> tuple[datetime, datetime, str]:
        """Return its place in the order of spending: earliest expiry, then oldest, then id."""
        return self.expires_at or NEVER, self.available_at, self.cause


@dataclass(slots=True)
class Purse:
    """The lots of one account and its deficit; what is available is the one less the other."""

    lots: dict[str, Lot] = field(default_factory=dict)
    deficit: int = 0

    def available(self) -> int:
        """Return the points of open lots, less the deficit."""
        return sum(lot.points for lot in self.lots.values() if lot.is_open) - self.deficit

    def open(self, cause: str) -> None:
        """Let a lot be spent, once it has paid the deficit."""
        lot = self.lots[cause]
        lot.is_open = True
        paid = min(self.deficit, lot.points)
        lot.points -= paid
        self.deficit -= paid

    def take(self, points: int, *, first: str | None = None) -> list[Lot]:
        """Take points out, from the lot named ``first`` and then in turn; return the lots used.

        What the lots cannot give becomes deficit.
        """
        used = []
        for lot in self._in_turn(first):
            part = min(points, lot.points)
            if part:
                lot.points -= part
                points -= part
                used.append(lot)
        self.deficit += points
        return used

    def _in_turn(self, first: str | None) -> Iterable[Lot]:
        own = [self.lots[first]] if first in self.lots else []
        rest = [lot for lot in self.lots.values() if lot.is_open and lot.cause != first]
        return [*own, *sorted(rest, key=Lot.turn)]

    def expire(self, cause: str) -> int:
        """Empty a lot and return what was left of it."""
        lot = self.lots.get(cause)
        if lot is None:  # spent before the checkpoint
            return 0
        left, lot.points = lot.points, 0
        return left

    def next_expiry(self, at: datetime) -> tuple[datetime, int] | None:
        """Return the first end after an instant of lots with points left, and how many points."""
        ahead = [
            (lot.expires_at, lot.points)
            for lot in self.lots.values()
            if lot.points and lot.expires_at and lot.expires_at > at
        ]
        if not ahead:
            return None
        first = min(ahead)[0]
        return first, sum(points for end, points in ahead if end == first)
