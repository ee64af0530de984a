"""Lots: credit with an expiry, spent earliest expiry first, and the one deficit beside them.

Derived, never stored: the ledger holds entries, the fold finds the lots again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector.features.loyalty.rules.holding import Awaited

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Lot:
    """Points that came together and expire together.

    ``points`` is what is left. Until it ``is_open``, a lot is on its way: nothing is spent from
    it, but what undoes its own cause comes off it. With ``idle_months`` it ends with all others
    that have as many, where nothing happens for so long; else at ``expires_at``, None for never.
    What it ``awaits`` is said while nobody knows from when it can be spent.
    """

    cause: str
    points: int
    available_at: datetime
    expires_at: datetime | None
    idle_months: int = 0
    awaits: Awaited | None = None
    is_open: bool = False


@dataclass(slots=True)
class Purse:
    """The lots of one account and its deficit; what is available is the one less the other.

    ``ends`` has when lots end that end together, by their months.
    """

    lots: dict[str, Lot] = field(default_factory=dict)
    deficit: int = 0
    ends: dict[int, datetime] = field(default_factory=dict)

    def end_of(self, lot: Lot) -> datetime:
        """Return when a lot ends, as far as is known by now."""
        return (self.ends.get(lot.idle_months) if lot.idle_months else lot.expires_at) or NEVER

    def turn(self, lot: Lot) -> tuple[datetime, datetime, str]:
        """Return a lot's place in spending: earliest expiry, then oldest, then id."""
        return self.end_of(lot), lot.available_at, lot.cause

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

    def absorb(self, other: "Purse") -> None:
        """Take in all that another purse holds and owes; what one owes, the other's lots pay."""
        self.lots |= other.lots
        for months, end in other.ends.items():
            self.ends[months] = max(end, self.ends.get(months, end))
        owed, self.deficit = self.deficit + other.deficit, 0
        self.take(owed)

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
        return [*own, *sorted(rest, key=self.turn)]

    def expire(self, cause: str) -> int:
        """Empty a lot and return what was left of it."""
        lot = self.lots.get(cause)
        if lot is None:  # spent before the checkpoint
            return 0
        left, lot.points = lot.points, 0
        return left

    def ended(self, months: int) -> list[tuple[str, int]]:
        """Empty the open lots that end together; return their causes and what was left of each."""
        found = []
        for lot in sorted(self.lots.values(), key=self.turn):
            if lot.idle_months == months and lot.is_open and lot.points:
                found.append((lot.cause, lot.points))
                lot.points = 0
        return found

    def next_expiry(self, at: datetime) -> tuple[datetime, int] | None:
        """Return the first end after an instant of lots with points left, and how many points."""
        ahead = [
            (end, lot.points)
            for lot in self.lots.values()
            if lot.points and at < (end := self.end_of(lot)) < NEVER
        ]
        if not ahead:
            return None
        first = min(ahead)[0]
        return first, sum(points for end, points in ahead if end == first)
