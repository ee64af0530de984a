"""What a store owes its customers in points at an instant, from their lots.

A past instant is seen with what is known today: a refund heard of late counts from when it was.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.features.loyalty.rules.facts import Facts, as_it_was, changes_after, until
from connector.features.loyalty.rules.fold import Folded, fold
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.rules.program import Program
from connector.features.loyalty.rules.value import Worth, best

ENDLESS = "never"
INSTANT = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class Owed:
    """What is owed to some accounts at an instant.

    ``available`` is in lots that can be spent, less ``deficits``, which customers owe. ``pending``
    is earned and can be spent later. Of both, ``guest_points`` are guests'. ``ends`` has the
    points in open lots by the month, in the program's zone, in which they end if nobody spends
    them.
    """

    at: datetime
    accounts: int = 0
    available: int = 0
    deficits: int = 0
    pending: int = 0
    guest_points: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    worth: Worth | None


class Liability:
    """Adds accounts up."""

    def __init__(self, program: Program, currency: str, at: datetime) -> None:
        self._zone = program.zone
        self.owed = Owed(at=at, worth=best(program, currency, at))

    def add(self, facts: Facts, *, is_guest: bool) -> int:
        """Count an account; return what it can spend."""
        owed = self.owed
        known = until(facts, owed.at)
        parts = [fold(one, owed.at) for one in known]
        available = sum(one.purse.available() for one in parts)
        pending = sum(self._pending(*both) for both in zip(known, parts, strict=True))
        owed.accounts += bool(available or pending)
        owed.available += available
        owed.deficits += sum(one.purse.deficit for one in parts)
        owed.pending += pending
        owed.guest_points += available + pending if is_guest else 0
        for purse in (one.purse for one in parts):
            for lot in purse.lots.values():
                if lot.is_open and lot.points:
                    owed.ends[self._month(purse.end_of(lot))] += lot.points
        return available

    def _pending(self, facts: Facts, folded: Folded) -> int:
        """Return what was on its way, without what only later happened to it."""
        if changes_after(facts, self.owed.at):
            folded = fold(as_it_was(facts, self.owed.at), self.owed.at)
        return sum(one.points for one in folded.postings if one.effective_at > self.owed.at)

    def _month(self, end: datetime) -> str:
        """Return the month of the last instant before an end."""
        return ENDLESS if end == NEVER else f"{(end - INSTANT).astimezone(self._zone):%Y-%m}"
