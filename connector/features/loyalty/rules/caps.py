"""Caps: how much of what a rule is worth an account still gets, by the calendar.

A cap is of what was granted to one customer, before any refund: a refund makes no room, and moves
nothing that another order was granted.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from connector.features.loyalty.rules.program import Cap, EarnRule, Publication
from connector.kernel.clock import start_of

QUARTER_S = 900
"""Every zone's midnight is at a quarter of an hour of UTC, so sums by quarters are exact."""
WEEK_AND_ZONES = timedelta(days=8)
Quarters = Mapping[str, Sequence[tuple[int, int]]]
"""Points granted by rule: (quarter of an hour since 1970, points), in the order of time."""


class Given:
    """What an account was granted so far by each rule. Grants are added in the order of time."""

    def __init__(self, versions: Sequence[Publication], before: Quarters) -> None:
        self._capped = {id_ for one in versions for id_ in one.program.capped}  # whichever does
        self._quarters: dict[str, list[int]] = {}
        self._totals: dict[str, list[int]] = {}
        for rule, given in before.items():
            for quarter, points in given:
                self._add(rule, quarter, points)

    def add(self, rule: EarnRule, at: datetime, points: int) -> None:
        """Note a grant."""
        if rule.id in self._capped:
            self._add(rule.id, int(at.timestamp()) // QUARTER_S, points)

    def _add(self, rule: str, quarter: int, points: int) -> None:
        quarters = self._quarters.setdefault(rule, [])
        totals = self._totals.setdefault(rule, [0])
        if quarters and quarters[-1] == quarter:
            totals[-1] += points
        else:
            quarters.append(quarter)
            totals.append(totals[-1] + points)

    def absorb(self, other: "Given") -> None:
        """Note what another account was granted, as if this one had been."""
        for rule in other._quarters:
            mine, theirs = (list(one._steps(rule)) for one in (self, other))
            self._quarters.pop(rule, None)
            self._totals.pop(rule, None)
            for quarter, points in sorted([*mine, *theirs]):
                self._add(rule, quarter, points)

    def _steps(self, rule: str) -> Iterable[tuple[int, int]]:
        return _apart(self._quarters.get(rule, []), self._totals.get(rule, [0]))

    def cut(
        self, rule: EarnRule, value: int, at: datetime, zone: ZoneInfo
    ) -> tuple[int, Cap | None]:
        """Return how much of a value the caps of a rule leave at an instant, and which cuts it."""
        left, cuts = value, None
        for cap in rule.caps:
            room = max(cap.points - self._since(rule.id, cap, at, zone), 0)
            within = 0 if cap.all_or_nothing and value > room else min(value, room)
            if within < left:
                left, cuts = within, cap
        return left, cuts

    def _since(self, rule: str, cap: Cap, at: datetime, zone: ZoneInfo) -> int:
        totals = self._totals.get(rule)
        if totals is None:
            return 0
        if cap.per == "lifetime":
            return totals[-1]
        begin = int(start_of(cap.per, at, zone).timestamp()) // QUARTER_S
        return totals[-1] - totals[bisect_left(self._quarters[rule], begin)]

    def kept(self, at: datetime) -> Quarters:
        """Return what caps of later instants can still ask for: quarters since the year began.

        What is older is one sum, at its first quarter.
        """
        year = (at - timedelta(days=1)).replace(month=1, day=1, hour=0, minute=0)
        begin = int((min(year, at) - WEEK_AND_ZONES).timestamp()) // QUARTER_S
        found = {}
        for rule, quarters in self._quarters.items():
            totals = self._totals[rule]
            first = bisect_left(quarters, begin)
            old = [(quarters[0], totals[first])] if first else []
            found[rule] = [*old, *_apart(quarters[first:], totals[first:])]
        return found


def _apart(quarters: Iterable[int], totals: Sequence[int]) -> Iterable[tuple[int, int]]:
    steps = (after - before for before, after in pairwise(totals))
    return zip(quarters, steps, strict=True)
