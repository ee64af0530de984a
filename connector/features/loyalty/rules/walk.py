"""The walk: takes movements in canonical order, to find what is left of each lot.

And so what expires, what is owed and what that forgives.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

from connector.features.loyalty.rules.lots import NEVER, Lot, Purse
from connector.features.loyalty.rules.movements import ALIVE, Checkpoint, Movement, Rank
from connector.features.loyalty.rules.program import (
    Publication,
    in_force,
)
from connector.kernel.clock import ends_at
from connector.kernel.posting import Posting

RELEASE_GRACE = timedelta(days=30)  # what was given back lasts at least so long


class Walk:
    """Takes movements in canonical order and keeps the purse.

    ``used`` says of each redemption when the first of the points that it took would have expired.
    ``others`` are the walks of accounts that join, by their names.
    """

    def __init__(
        self,
        lots: Iterable[Lot],
        movements: Iterable[Movement],
        versions: Sequence[Publication],
        since: Checkpoint | None = None,
        idle: Sequence[int] = (),
    ) -> None:
        self._versions = versions
        self._idle = idle
        self.purse = Purse()
        self.ahead = list(movements)
        self.used: dict[str, datetime] = {}
        self.others: dict[str, Walk] = {}
        if since:
            self.purse.lots = {lot.cause: replace(lot) for lot in since.lots}
            self.purse.deficit = since.deficit
            self.purse.ends |= since.ends
            self.ahead += since.ahead
            self.used |= since.used
        for lot in lots:
            self.ahead += self._announced(lot)
        heapify(self.ahead)

    def _announced(self, lot: Lot) -> Sequence[Movement]:
        """Put a lot into the purse; return its end, if it has one of its own."""
        self.purse.lots[lot.cause] = lot
        if lot.expires_at is None or lot.idle_months:
            return ()
        return (Movement(lot.expires_at, Rank.EXPIRY, lot.cause, lot.cause),)

    def until(self, at: datetime) -> Iterator[Posting]:
        """Take every step due by an instant; yield what expires on the way."""
        while self.ahead and self.ahead[0].at <= at:
            yield from self._step()

    def until_before(self, at: datetime) -> Iterator[Posting]:
        """Take every step due before an instant; yield what expires on the way."""
        while self.ahead and self.ahead[0].at < at:
            yield from self._step()

    def _step(self) -> Iterable[Posting]:
        step = heappop(self.ahead)
        if step.rank is Rank.EXPIRY:
            return self._expire(step)
        if step.rank is Rank.JOINING:
            return self._join(step)
        before = self.purse.deficit
        self._take(step)
        if self.purse.deficit > before and step.rank is not Rank.OWED:
            return self._forgive(step, self.purse.deficit - before)
        return ()

    def _join(self, step: Movement) -> Iterator[Posting]:
        """Let another account's walk come to this instant, and go on as one with it."""
        other = self.others.pop(step.cause)
        yield from other.until_before(step.at)
        self.purse.absorb(other.purse)
        self.used |= other.used
        for movement in other.ahead:
            heappush(self.ahead, movement)

    def _expire(self, step: Movement) -> Iterator[Posting]:
        if step.points:
            yield from self._end_of_idleness(step)
            return
        left = self.purse.expire(step.cause)
        if left:
            yield Posting(step.cause, "expire", step.at, -left, f"{left} points were left unspent")

    def _end_of_idleness(self, step: Movement) -> Iterator[Posting]:
        """Let end what nothing has kept alive since this was foreseen."""
        if self.purse.ends.get(step.points) == step.at:
            for cause, left in self.purse.ended(step.points):
                why = f"{left} points were left, and nothing happened for {step.points} months"
                yield Posting(cause, "expire", step.at, -left, why)

    def _keep_alive(self, at: datetime) -> None:
        """Let points that end by inactivity live for as long again."""
        program = (in_force(self._versions, at) or self._versions[0]).program
        for months in self._idle:
            end = ends_at(at, months, program.zone, to_the_end=program.expiry.end_of_month)
            self._live_until(end, at, months)

    def _live_until(self, end: datetime, at: datetime, months: int) -> None:
        """Let points that end by inactivity live until then, if they would end before."""
        if end > self.purse.ends.get(months, at):
            self.purse.ends[months] = end
            id_ = f"idle:{months}"
            ending = Movement(at=end, rank=Rank.EXPIRY, id=id_, cause=id_, points=months)
            heappush(self.ahead, ending)

    def _forgive(self, step: Movement, points: int) -> Iterator[Posting]:
        """Give back at once what a step took more than there was, where the program says so."""
        version = in_force(self._versions, step.at)
        if version is not None and version.program.negative_balance == "clamp":
            self.purse.deficit -= points
            why = f"{points} points more than there were are forgiven"
            yield Posting(step.id, "forgive", step.at, points, why)

    def _take(self, step: Movement) -> None:
        if self._idle and step.rank in ALIVE and not self._is_empty(step):
            self._keep_alive(step.at)
        match step.rank:
            case Rank.MATURITY | Rank.CREDIT:
                self.purse.open(step.cause)
            case Rank.BROUGHT:
                self._bring(step)
            case Rank.REDEMPTION:
                taken = self.purse.take(step.points)
                ends = (self.purse.end_of(lot) for lot in taken)
                self.used[step.cause] = min(ends, default=step.at)
            case Rank.RELEASE:
                self._release(step)
            case Rank.REFUND | Rank.LATE_USE | Rank.DEBIT | Rank.OWED:
                self.purse.take(step.points, first=step.cause)

    def _is_empty(self, step: Movement) -> bool:
        """Return whether no points come, as all of them were taken back on their way."""
        return step.rank is Rank.MATURITY and not self.purse.lots[step.cause].points

    def _bring(self, step: Movement) -> None:
        """Take a lot over, with the end that inactivity gives it as things are."""
        lot = self.purse.lots[step.cause]
        if lot.idle_months and lot.expires_at:
            self._live_until(lot.expires_at, step.at, lot.idle_months)
        if lot.available_at <= step.at:
            self.purse.open(step.cause)

    def _release(self, step: Movement) -> None:
        """Give points back as a lot that outlasts what was spent, and a grace from now."""
        end = max(self.used.get(step.cause, step.at), step.at + RELEASE_GRACE)
        lot = Lot(
            cause=step.cause,
            points=step.points,
            available_at=step.at,
            expires_at=None if end == NEVER else end,
        )
        for movement in self._announced(lot):
            heappush(self.ahead, movement)
        self.purse.open(step.cause)
