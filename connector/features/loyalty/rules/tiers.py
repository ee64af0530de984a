"""Tiers: which one an account is in, from what its orders of a window come to.

A tier is reached at once, and counts from the next fact on. It is lost when its period ends without
enough, after a grace in which it can be regained. The period ends when a rolling window no longer
holds enough, or with the calendar year, which is judged by what it brought; what was reached in one
year is thus held through the next. A lifetime never ends. What falls by one step holds the lower
tier for a whole window before that is judged.

What qualifies leaves multipliers and caps out, so that tiers never feed themselves.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heapify, heappop, heappush
from types import MappingProxyType
from typing import NamedTuple

from connector.features.loyalty.rules.earn import (
    Goods,
)
from connector.features.loyalty.rules.holding import Counted, HeldTier, Holding
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.rules.program import (
    CALENDAR_YEAR,
    EarnRule,
    Program,
    Publication,
    Tiers,
    in_force,
)
from connector.features.loyalty.rules.qualifying import KEPT, Qualifying, Step, Turn, qualifying
from connector.kernel.clock import add_days, add_months, start_of
from platforms.model import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The decision to put an account into a tier, or into none.

    It is held for one window, or one calendar year more; where it ``is_locked`` until the next
    decision. Without a tier and a lock, what counts decides again.
    """

    id: str
    tier: str | None
    is_locked: bool
    placed_at: datetime


@dataclass(slots=True, kw_only=True)
class State:
    """What a standing has come to.

    ``windows`` has what counts still, by when it leaves. A tier that has not enough goes at
    ``lapses_at``, to ``falls_to`` where a year brought that; until ``judged_at`` it is not asked,
    and where it ``is_locked`` never.
    """

    tier: str | None = None
    since: datetime | None = None
    lapses_at: datetime | None = None
    falls_to: str | None = None
    judged_at: datetime | None = None
    is_locked: bool = False
    windows: dict[datetime, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A standing as a checkpoint keeps it.

    Of orders that were ``seen`` only what a later version needs, which counts in other windows.
    ``brought`` is what was taken over and waits for a version with tiers, ``entered`` the tiers
    that were reached ever.
    """

    state: State
    ahead: tuple[Step, ...]
    seen: tuple[Qualifying, ...]
    brought: dict[str, Holding] = field(default_factory=dict)
    entered: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A tier that was reached for the first time, by orders, and the points that are for it."""

    at: datetime
    tier: str
    points: int
    version: Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where an account stands at an instant: its tier, if any, and what counts by measure.

    If nothing more is bought the tier goes at ``falls_at``, None for never; ``short`` is what is
    missing then, by measure, of which any one suffices, and has to be bought before ``keep_by``.
    What counts holds ``until`` then, if nothing more happens; None for ever.
    """

    tier: str | None
    since: datetime | None
    counted: dict[str, int]
    falls_at: datetime | None = None
    short: dict[str, int] = field(default_factory=dict)
    keep_by: datetime | None = None
    until: datetime | None = None


class Standing:
    """Walks through what moves an account between tiers, in the order of time.

    Orders are added in that order, and whoever asks between them learns the tier by what came
    before. Where the account stands is asked at the end, of ``asked_at``. What was ``brought`` from
    elsewhere, by ids, is gone on from once there are tiers.
    """

    def __init__(
        self,
        versions: Sequence[Publication],
        asked_at: datetime,
        since: tuple[datetime, Kept] | None = None,
        placements: Sequence[Placement] = (),
        brought: Mapping[str, Holding] = MappingProxyType({}),
    ) -> None:
        self._versions = versions
        self._by = {one.program.tiers.by for one in versions if one.program.tiers}
        self._asked_at = asked_at
        self._asked: Stand | None = None
        self._program: Program | None = None
        self._tiers: Tiers | None = None
        self._needs: Sequence[Mapping[str, int]] = ()
        self._pays_entries = any(one.program.pays_entries for one in versions)
        self._entered: set[str] = set()
        self._entries: list[Entry] = []
        self._year: tuple[datetime, dict[str, int]] | None = None
        self._state = State()
        self._counted: Counter[str] = Counter()
        self._seen: list[Qualifying] = []
        self._ahead: list[Step] = []
        self._brought = dict(brought)
        begins = [one.begins_at for one in versions] if self._by else []
        if since:
            begin, kept = since
            self._resume(kept, [one for one in versions if one.begins_at < begin])
            begins = [at for at in begins if at >= begin]
        self._ahead += [Step(at, Turn.VERSION) for at in begins]
        self._ahead += [
            Step(one.placed_at, Turn.PLACED, one.id, one.tier or "", int(one.is_locked))
            for one in placements
            if self._by
        ]
        if self._by and brought:
            first = next(one.begins_at for one in versions if one.program.tiers)
            self._ahead += [
                Step(max(one.at, first), Turn.BROUGHT, id_) for id_, one in brought.items()
            ]
        heapify(self._ahead)

    def _resume(self, kept: Kept, versions: Sequence[Publication]) -> None:
        windows = {at: dict(counted) for at, counted in kept.state.windows.items()}
        self._state = replace(kept.state, windows=windows)
        for counted in windows.values():
            self._counted.update(counted)
        self._go_by(versions[-1].program if versions else None)
        self._seen = list(kept.seen)
        self._ahead = list(kept.ahead)
        self._brought |= kept.brought
        self._entered = set(kept.entered)

    def tier_at(self, placed_at: datetime) -> str | None:
        """Return the tier that an order meets."""
        if placed_at > self._asked_at and self._asked is None:
            self._asked = self._aside()._ask()
        self._walk(placed_at, Turn.ORDER)
        return self._state.tier

    def add(self, order: Order, rule: EarnRule | None, goods: Goods) -> None:
        """Let a paid order count by the first rule of the version in force at its instant."""
        if self._by:
            one = qualifying(order, rule, goods, self._by, pays_entries=self._pays_entries)
            self._seen.append(one)
            self._expect(one)

    def absorb(self, other: "Standing", at: datetime) -> None:
        """Let what another account's orders came to count here from an instant on."""
        self._walk(at, Turn.VERSION)
        self._entered |= other._entered_by(at)
        for one in other._all_seen():
            steps = tuple(step._replace(at=max(step.at, at)) for step in one.steps)
            self._seen.append(Qualifying(one.placed_at, steps))
            self._expect(self._seen[-1])

    def _expect(self, one: Qualifying) -> None:
        if self._tiers is not None:
            leaves_at = self._leaves_at(one.placed_at)
            for at, turn, id_, measure, amount, _ in one.steps:
                heappush(self._ahead, Step(at, turn, id_, measure, amount, leaves_at))

    def entries(self) -> list[Entry]:
        """Return what is paid for reaching tiers until ``asked_at``. All orders were added."""
        if not self._pays_entries:
            return []
        other = self._aside()
        other._walk(self._asked_at, Turn.PLACED)
        return [one for one in other._entries if one.at <= self._asked_at]

    def _entered_by(self, at: datetime) -> set[str]:
        """Return the tiers that were reached until an instant, here or before a move."""
        other = self._aside()
        if self._pays_entries:
            other._walk(at, Turn.PLACED)
        return other._entered.union(*(one.entered for one in other._brought.values()))

    def stand(self) -> Stand | None:
        """Return where the account stands, None where no version has tiers.

        All orders were added; nothing can be asked after.
        """
        if not self._by:
            return None
        return self._asked or self._ask()

    def _ask(self) -> Stand:
        """Find where the account stands, and walk on for what becomes of it by itself."""
        self._walk(self._asked_at, Turn.PLACED)
        asked = Stand(
            tier=self._state.tier,
            since=self._state.since,
            counted={
                name: value
                for name, value in sorted(self._counted.items())
                if value and not name.startswith(KEPT)
            },
            until=self._ahead[0].at if self._ahead else None,
        )
        self._year, level = None, self._level(asked.tier)
        while self._ahead and level and not self._state.is_locked:  # else it is held for ever
            step = heappop(self._ahead)
            self._take(step)
            if self._level(self._state.tier) < level:
                by, short = self._lacked(asked.tier, step.at)
                return replace(asked, falls_at=step.at, short=short, keep_by=by)
        return asked

    def _lacked(self, tier: str | None, at: datetime) -> tuple[datetime, dict[str, int]]:
        """Return what would have kept a tier that goes at an instant, and until when it would."""
        return self._year or (at, self._short_of(tier))

    def _aside(self) -> "Standing":
        """Return one that can be walked on without this one."""
        other = copy(self)
        windows = {at: dict(counted) for at, counted in self._state.windows.items()}
        other._state = replace(self._state, windows=windows)
        other._counted = Counter(self._counted)
        other._ahead = list(self._ahead)
        other._seen = list(self._seen)
        other._brought = dict(self._brought)
        other._entered = set(self._entered)
        other._entries = list(self._entries)
        return other

    def held(self) -> tuple[HeldTier | None, tuple[Counted, ...], tuple[str, ...]]:
        """Return the tier at ``asked_at``, what counts for any, and which were reached ever.

        For whoever moves. All orders were added. Only a version can ask again for what has left its
        window.
        """
        self._walk(self._asked_at, Turn.PLACED)
        state, entered = self._state, tuple(sorted(self._entered_by(self._asked_at)))
        tier = HeldTier(
            name=state.tier,
            since=state.since,
            lapses_at=state.lapses_at,
            falls_to=state.falls_to if state.lapses_at else None,
            judged_at=state.judged_at,
            is_locked=state.is_locked,
        )
        counted = []
        for one in sorted(self._all_seen(), key=lambda one: one.placed_at):
            sums: Counter[str] = Counter()
            for step in one.steps:
                sums[step.measure] += 0 if step.measure.startswith(KEPT) else step.amount
            amounts = {name: value for name, value in sorted(sums.items()) if value}
            if amounts:
                counted.append(Counted(placed_at=one.placed_at, amounts=amounts))
        if not state.tier and not state.is_locked:
            waiting = (one.tier for one in self._brought.values() if one.tier)
            return next(waiting, None), tuple(counted), entered
        return tier, tuple(counted), entered

    def _all_seen(self) -> list[Qualifying]:
        """Return what was seen to count, and what was brought and not come to yet."""
        waiting = [self._counting(one, one.at) for one in self._brought.values()]
        return [*self._seen, *(one for held in waiting for one in held)]

    def _counting(self, holding: Holding, at: datetime) -> list[Qualifying]:
        """Return what was brought that counts, as orders that do so from an instant on."""
        whose = ("", KEPT) if self._pays_entries else ("",)
        return [
            Qualifying(
                one.placed_at,
                tuple(
                    Step(at, Turn.ORDER, "", f"{kept}{measure}", amount)
                    for measure, amount in one.amounts.items()
                    for kept in whose
                ),
            )
            for one in holding.counted
        ]

    def kept(self, at: datetime) -> Kept:
        """Return what is left to know at an instant, before anything that happens then."""
        self._walk(at, None)
        now = _windows_of(self._program)
        later = {_windows_of(one.program) for one in self._versions if one.begins_at >= at}
        comes_back = now in later and None in later
        is_needed = comes_back or bool(later - {now, None})
        return Kept(
            state=self._state,
            ahead=tuple(step for step in self._ahead if step.turn is not Turn.VERSION),
            seen=tuple(self._seen) if is_needed else (),
            brought=self._brought,
            entered=tuple(sorted(self._entered)),
        )

    def _walk(self, at: datetime, turn: Turn | None) -> None:
        """Take all steps of before an instant and, with a turn, of that instant up to it."""
        while self._ahead:
            step = self._ahead[0]
            if step.at > at or (step.at == at and (turn is None or step.turn > turn)):
                return
            self._take(heappop(self._ahead))

    def _take(self, step: Step) -> None:
        match step.turn:
            case Turn.ORDER | Turn.REFUND:
                self._count(step)
                self._judge(step.at)
                self._enter(step.at, is_paid=True)
            case Turn.VERSION:
                self._follow(step.at)
                self._enter(step.at, is_paid=False)
            case Turn.WINDOW_END:
                self._end(step.at)
            case Turn.JUDGED if step.at == self._state.judged_at:
                self._state.judged_at = None
                self._judge(step.at)
            case Turn.LAPSE if step.at == self._state.lapses_at:
                self._lapse(step.at)
            case Turn.BROUGHT:
                self._go_on(self._brought.pop(step.id), step.at)
                self._enter(step.at, is_paid=False)
            case Turn.PLACED:
                self._place(step)

    def _enter(self, at: datetime, *, is_paid: bool) -> None:
        """Note the tiers that what is kept of all orders reaches for the first time.

        Paid is what orders reach since a program was first published; what a new version or a move
        brings is there without.
        """
        if self._tiers is None or not self._pays_entries:
            return
        version = in_force(self._versions, at)
        for one in self._tiers.tier[: self._reached(KEPT)]:
            is_new = one.name not in self._entered
            self._entered.add(one.name)
            if is_new and is_paid and one.entry_points and version and version.is_live(at):
                self._entries.append(Entry(at, one.name, one.entry_points, version))

    def _place(self, step: Step) -> None:
        """Put the account into a tier by hand; one that there is not is none."""
        state, level = self._state, self._level(step.measure or None)
        state.is_locked = bool(step.amount)
        self._move(level if state.is_locked else max(level, self._reached()), step.at)
        end = self._leaves_at(step.at)
        if level and not state.is_locked and end != NEVER:
            state.judged_at = end
            self._window(end)
            heappush(self._ahead, Step(end, Turn.JUDGED))

    def _go_on(self, holding: Holding, at: datetime) -> None:
        """Go on from what another installation knew at the instant of ``holding``, if earlier.

        What would have happened since is yet to happen, dated as it would have been.
        """
        seen = self._counting(holding, at)
        self._seen += seen
        self._entered |= {*holding.entered}
        for one in seen:
            leaves_at = self._leaves_at(one.placed_at)
            if leaves_at > holding.at:
                for step in one.steps:
                    self._count(step._replace(at=holding.at, leaves_at=leaves_at))
        if holding.tier:
            self._hold(holding.tier)
        state, tiers = self._state, self._tiers
        if tiers and tiers.window == CALENDAR_YEAR and state.tier:
            self._window(self._leaves_at(holding.at))
        if not state.is_locked and self._reached() > self._level(state.tier):
            self._move(self._reached(), at)

    def _hold(self, held: HeldTier) -> None:
        """Take a tier over, unless a higher one or a lock is there; one unknown here is none."""
        state, level = self._state, self._level(held.name)
        if state.is_locked or not (held.is_locked or level >= self._level(state.tier)):
            return
        state.tier, state.is_locked = self._name(level), held.is_locked
        state.since = held.since if level else None
        state.lapses_at = held.lapses_at if level else None
        state.judged_at = held.judged_at if level else None
        state.falls_to = held.falls_to
        if state.lapses_at:
            heappush(self._ahead, Step(state.lapses_at, Turn.LAPSE))
        if state.judged_at:
            heappush(self._ahead, Step(state.judged_at, Turn.JUDGED))

    def _count(self, step: Step) -> None:
        if step.leaves_at > step.at:  # else the order has left with what was refunded since
            window = self._window(step.leaves_at)
            window[step.measure] = window.get(step.measure, 0) + step.amount
            self._counted[step.measure] += step.amount

    def _window(self, leaves_at: datetime) -> dict[str, int]:
        window = self._state.windows.get(leaves_at)
        if window is None:
            window = self._state.windows[leaves_at] = {}
            if leaves_at != NEVER:
                heappush(self._ahead, Step(leaves_at, Turn.WINDOW_END))
        return window

    def _judge(self, at: datetime) -> None:
        """Move up at once; where a rolling window no longer holds enough, let the grace begin."""
        state, tiers = self._state, self._tiers
        if tiers is None or state.is_locked:
            return
        held, reached = self._level(state.tier), self._reached()
        if reached > held:
            self._move(reached, at)
        elif reached == held:
            state.lapses_at = state.judged_at = None
        elif tiers.months and state.judged_at is None:
            self._begin_grace(at)

    def _end(self, at: datetime) -> None:
        """Let a window go, with what counted in it; a year is judged by what it brought."""
        state, tiers = self._state, self._tiers
        is_year = tiers is not None and tiers.window == CALENDAR_YEAR
        is_judged = is_year and not state.is_locked and state.judged_at != at
        self._year = None
        if is_judged and (brought := self._reached()) < self._level(state.tier):
            self._year = at, self._short_of(state.tier)
            self._begin_grace(at, self._name(brought))
        self._counted.subtract(state.windows.pop(at))
        if is_year and state.tier:
            self._window(self._leaves_at(at))
        if not is_year:
            self._judge(at)

    def _begin_grace(self, at: datetime, falls_to: str | None = None) -> None:
        if self._state.lapses_at is None and self._program and self._tiers:
            end = add_days(at, self._tiers.grace_days, self._program.zone)
            self._state.lapses_at, self._state.falls_to = end, falls_to
            heappush(self._ahead, Step(end, Turn.LAPSE))

    def _lapse(self, at: datetime) -> None:
        """Move down, after the grace."""
        tiers, reached = self._tiers, self._reached()
        is_by_one = tiers is not None and tiers.downgrade_step == "one"
        whole = max(reached, self._level(self._state.falls_to))
        level = self._level(self._state.tier) - 1 if is_by_one else whole
        self._move(level, at)
        if tiers and tiers.months and level > reached:
            self._state.judged_at = self._leaves_at(at)
            heappush(self._ahead, Step(self._state.judged_at, Turn.JUDGED))

    def _move(self, level: int, at: datetime) -> None:
        state = self._state
        state.tier = self._name(level)
        state.since = at if level else None
        state.lapses_at = state.judged_at = None

    def _follow(self, at: datetime) -> None:
        """Begin to count as the version in force says; who is in a tier of that name stays."""
        before, version = self._program, in_force(self._versions, at)
        self._go_by(version.program if version else None)
        if _windows_of(before) != _windows_of(self._program):
            self._count_anew(at)
        tiers = self._tiers
        if self._state.tier and (tiers is None or self._state.tier not in tiers.names):
            self._state.is_locked = False
            self._move(self._reached(), at)
        if tiers and tiers.window == CALENDAR_YEAR and self._state.tier:
            self._window(self._leaves_at(at))
        self._judge(at)

    def _count_anew(self, at: datetime) -> None:
        """Count all orders that were seen in windows of another kind."""
        kept = {Turn.VERSION, Turn.BROUGHT, Turn.PLACED}
        self._ahead = [step for step in self._ahead if step.turn in kept]
        self._state.lapses_at = self._state.judged_at = None
        self._state.windows = {}
        self._counted = Counter()
        for one in self._seen:
            self._expect(one)
        past = [step for step in self._ahead if step.at < at]
        self._ahead = [step for step in self._ahead if step.at >= at]
        heapify(self._ahead)
        for step in past:
            if step.leaves_at > at:
                self._count(step)

    def _go_by(self, program: Program | None) -> None:
        self._program = program
        self._tiers = program.tiers if program else None
        self._needs = [one.needs for one in self._tiers.tier] if self._tiers else ()

    def _name(self, level: int) -> str | None:
        return self._tiers.names[level - 1] if self._tiers and level else None

    def _level(self, tier: str | None) -> int:
        """Return how high a tier is, from 1; 0 is none."""
        if tier is None or self._tiers is None or tier not in self._tiers.names:
            return 0
        return self._tiers.names.index(tier) + 1

    def _reached(self, of: str = "") -> int:
        """Return the level of the highest tier that what counts now, or is kept, suffices for."""
        counted = self._counted
        level = len(self._needs)
        for needs in reversed(self._needs):
            for name, least in needs.items():
                if counted[of + name] >= least:
                    return level
            level -= 1
        return 0

    def _short_of(self, tier: str | None) -> dict[str, int]:
        level = self._level(tier)
        if self._tiers is None or not level:
            return {}
        needs = self._needs[level - 1]
        return {name: least - self._counted[name] for name, least in needs.items()}

    def _leaves_at(self, at: datetime) -> datetime:
        """Return when what begins to count at an instant leaves its window."""
        if self._program and self._tiers and self._tiers.months:
            return add_months(at, self._tiers.months, self._program.zone)
        if self._program and self._tiers and self._tiers.window == CALENDAR_YEAR:
            zone = self._program.zone
            return add_months(start_of("calendar_year", at, zone), 12, zone)
        return NEVER


def _windows_of(program: Program | None) -> tuple[str, str] | None:
    """Return what it depends on until when an order counts."""
    return (program.tiers.window, program.timezone) if program and program.tiers else None
