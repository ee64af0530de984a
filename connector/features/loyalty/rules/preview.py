"""Who would be in which tier, were a program published at an instant. Points stay as they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.features.loyalty.rules.facts import Facts, under
from connector.features.loyalty.rules.fold import fold
from connector.features.loyalty.rules.program import Program, Publication, publications


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """So many accounts that go from one tier to another, None for no tier."""

    before: str | None
    after: str | None
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sooner:
    """So many accounts that keep a tier for now, and lose it sooner unless they buy more.

    ``first_at`` is when the first of them does.
    """

    tier: str
    accounts: int
    first_at: datetime


class Preview:
    """Looks at accounts, one after the other, under the versions that are and with one more."""

    def __init__(self, versions: Sequence[Publication], program: Program, at: datetime) -> None:
        (first,) = publications([(at, program)])
        number = versions[-1].version + 1 if versions else 1
        later = Publication(version=number, begins_at=at, program=program)
        self._versions = (*versions, later if versions else first)
        self._at = at
        self._moves: Counter[tuple[str | None, str | None]] = Counter()
        self._sooner: dict[str, list[datetime]] = {}

    def add(self, facts: Facts) -> None:
        """Look at one more account."""
        before = fold(facts, self._at).stand
        after = fold(under(facts, self._versions), self._at).stand
        was, now = before.tier if before else None, after.tier if after else None
        if was != now:
            self._moves[was, now] += 1
        elif now and before and after and after.falls_at:
            self._compare(now, before.falls_at, after.falls_at)

    def _compare(self, tier: str, was: datetime | None, now: datetime) -> None:
        if was is None or now < was:
            self._sooner.setdefault(tier, []).append(now)

    @property
    def moves(self) -> list[Move]:
        """Who moves at once, most of them first."""
        return [
            Move(before=was, after=now, accounts=count)
            for (was, now), count in self._moves.most_common()
        ]

    @property
    def sooner(self) -> list[Sooner]:
        """Who moves later, but sooner than without."""
        return [
            Sooner(tier=tier, accounts=len(ends), first_at=min(ends))
            for tier, ends in self._sooner.items()
        ]
