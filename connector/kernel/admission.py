"""Admissions: how a limit that many share is given out, and never beyond it. Pure.

A cause *asks* for points. What was decided of that is ``demanded``, and so much of it ``admitted``:
both only grow, so what was refused stays refused, and who comes late displaces nobody. What a
cause does not keep (a refund takes it) serves what is asked for then or later; once it does, the
cause has ``ceded`` it and never gets it again, even if the refund turns out to be none. So what
all of them hold, ``admitted`` less ``ceded``, never comes to more than the limit.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class Worth(NamedTuple):
    """What a cause is worth from an instant on, in points."""

    at: datetime
    points: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a cause asks for in all, as of an instant, and what it is worth then and later.

    ``worths`` are in the order of time, each no more than the one before.
    """

    cause: str
    at: datetime
    asked: int
    worths: tuple[Worth, ...] = ()


class Spare(NamedTuple):
    """Points that serve what is asked for at an instant or later; ``of`` whom, by a number."""

    at: datetime
    of: int
    points: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What was decided about a cause, with what it claims by now."""

    claim: Claim
    demanded: int = 0
    admitted: int = 0
    ceded: int = 0

    @property
    def held(self) -> int:
        """What the cause can have at most."""
        return self.admitted - self.ceded

    @property
    def waiting(self) -> int:
        """What is asked for and not decided."""
        return max(self.claim.asked - self.demanded, 0)

    @property
    def refused(self) -> int:
        """What was asked for beyond the limit."""
        return self.demanded - self.admitted

    def spare(self, of: int = 0) -> Iterator[Spare]:
        """Yield what it does not keep of what it was admitted and has not ceded, oldest first."""
        kept, ceded = self.admitted, self.ceded
        for at, points in self.claim.worths:
            fallen = max(kept - points, 0)
            kept -= fallen
            left = max(fallen - ceded, 0)
            ceded -= fallen - left
            if left:
                yield Spare(at, of, left)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOut:
    """What became of a ``limit``, in points.

    ``used`` is given out and kept; ``refused`` was asked for beyond the limit; ``waiting`` is
    asked for and not decided.
    """

    limit: int
    used: int
    refused: int
    waiting: int


def admit(
    held: int,
    admissions: Sequence[Admission],
    limit_at: Callable[[datetime], int],
    horizon: datetime | None = None,
) -> tuple[list[Admission], int]:
    """Give out what a limit leaves to those who wait; return all as they are then, and ``held``.

    In the order of the instants of which they ask, and else as they stand. Whom there is not
    enough for gets what there is, and the rest is refused. ``held`` is what all hold, these and
    others. Where these are only some of those who have something to spare, they are all who have
    it before ``horizon``: who asks then or later and lacks something takes what there is and waits
    for the rest, and so do all who follow.
    """
    found = list(admissions)
    ahead = [spare for of, one in enumerate(found) for spare in one.spare(of)]
    heapify(ahead)
    ready: deque[Spare] = deque()
    there = 0
    waiting = [number for number, one in enumerate(found) if one.waiting]
    for number in sorted(waiting, key=lambda number: found[number].claim.at):
        at, asked = found[number].claim.at, found[number].waiting
        while ahead and ahead[0].at <= at:
            ready.append(heappop(ahead))
            there += ready[-1].points
        room = limit_at(at) - held
        given = max(min(asked, room + there), 0)
        is_decided = given == asked or horizon is None or at < horizon
        ceded = there if not is_decided else max(given - room, 0) if given else 0
        for of, points in _drawn(ready, ceded):
            found[of] = replace(found[of], ceded=found[of].ceded + points)
        there -= ceded
        held += given - ceded
        before = found[number]
        found[number] = _grown(before, asked if is_decided else given, given)
        for spare in _more(before, found[number], number):
            heappush(ahead, spare)
        if not is_decided:
            break
    return found, held


def _grown(one: Admission, demanded: int, admitted: int) -> Admission:
    return replace(one, demanded=one.demanded + demanded, admitted=one.admitted + admitted)


def _drawn(ready: deque[Spare], points: int) -> Iterator[tuple[int, int]]:
    """Take points off the first of these; yield whose, and how many."""
    while points:
        first = ready.popleft()
        part = min(points, first.points)
        points -= part
        if part < first.points:
            ready.appendleft(first._replace(points=first.points - part))
        yield first.of, part


def _more(before: Admission, after: Admission, of: int) -> Iterator[Spare]:
    """Yield what an admission has to spare since it was given more."""
    had: Counter[datetime] = Counter()
    for one in before.spare():
        had[one.at] += one.points
    for one in after.spare(of):
        if one.points > had[one.at]:
            yield one._replace(points=one.points - had[one.at])
