"""What customers do besides buying that earns points: reviews, consent, birthdays and the like.

Nobody refunds these, and none makes room for another: each is judged once, by what was paid for
before it. Pure.
"""

from calendar import isleap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from connector.features.loyalty.rules.caps import Given, Quarters
from connector.features.loyalty.rules.facts import Act
from connector.features.loyalty.rules.program import EarnRule, Publication, in_force
from connector.kernel.clock import add_days

BIRTHDAY = "birthday"
KNOWN_FOR = timedelta(days=30)  # so that nobody has a birthday tomorrow
APART = timedelta(days=300)  # nor two in a year, whatever they say of it next
AHEAD = timedelta(days=2 * 366 + 31)  # there is a birthday in every two years


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What acts of before an instant still mean: for caps, for what pays once, for a birthday."""

    given: Quarters = field(default_factory=dict)
    paid: dict[str, datetime] = field(default_factory=dict)
    birthday: Act | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """An act that a rule pays for: when it was, from when the points can be spent, and why."""

    cause: str
    at: datetime
    available_at: datetime
    points: int
    why: str
    version: Publication


class Acts:
    """Judges acts in the order of time, up to an instant."""

    def __init__(
        self,
        acts: Sequence[Act],
        versions: Sequence[Publication],
        at: datetime,
        past: tuple[datetime, Done] | None = None,
    ) -> None:
        began, known = past or (None, Done())
        self._versions = versions
        self._given = Given(versions, known.given)
        self._paid = dict(known.paid)
        dates = _dates(known.birthday, acts)
        self._birthday = dates[-1] if dates else None
        pays_birthdays = any(one.program.pays_birthdays for one in versions)
        days = _days(dates, versions, at + AHEAD) if pays_birthdays else ()
        birthdays = [one for one in days if began is None or one.at >= began]
        others = [one for one in acts if one.kind != BIRTHDAY]
        in_order = sorted([*others, *birthdays], key=lambda one: (one.at, one.id))
        self._past = [one for one in in_order if one.at <= at]
        self.next_at = min((one.at for one in birthdays if one.at > at), default=None)

    def paid(self) -> Iterator[Paid]:
        """Yield what is paid for. Once."""
        for act in self._past:
            version = in_force(self._versions, act.at)
            if version is None:
                continue
            for rule in version.program.act_rules:
                if rule.is_for(act.kind, act.name) and (one := self._pay(rule, act, version)):
                    yield one

    def _pay(self, rule: EarnRule, act: Act, version: Publication) -> Paid | None:
        zone, last = version.program.zone, self._paid.get(rule.id)
        if last is not None and not self._is_again(rule, act, last, version):
            return None
        points, cap = self._given.cut(rule, rule.points, act.at, zone)
        if not points:
            return None
        self._given.add(rule, act.at, points)
        self._paid[rule.id] = act.at
        why = f"{act.said}, program version {version.version}"
        if cap is not None:
            why = f"{act.said}: {rule.points}, of which {points} within the cap of {cap.points}"
        return Paid(
            cause=f"{act.kind}:{act.id}/rule:{rule.id}",
            at=act.at,
            available_at=add_days(act.at, rule.pending_days, zone),
            points=points,
            why=why,
            version=version,
        )

    @staticmethod
    def _is_again(rule: EarnRule, act: Act, last: datetime, version: Publication) -> bool:
        """Return whether a rule that paid before pays again."""
        match rule.kind:
            case "newsletter":
                return False
            case "birthday":
                return act.at >= last + APART
        return act.at >= add_days(last, rule.cooldown_days, version.program.zone)

    def kept(self, at: datetime) -> Done:
        """Return what is left to know of acts before an instant, all of which were paid."""
        return Done(given=self._given.kept(at), paid=self._paid, birthday=self._birthday)


def _dates(known: Act | None, acts: Sequence[Act]) -> list[Act]:
    """Return which birthdays were said, each when it was said first; again is nothing new."""
    said = [one for one in acts if one.kind == BIRTHDAY]
    dates = [known] if known else []
    for one in sorted(said, key=lambda one: (one.at, one.id)):
        if not dates or dates[-1].name != one.name:
            dates.append(one)
    return dates


def _days(dates: Sequence[Act], versions: Sequence[Publication], end: datetime) -> Iterator[Act]:
    """Yield the birthdays by the dates that were said, each until the next was."""
    for one, following in zip_longest(dates, dates[1:]):
        until = following.at if following else end
        for year in range(one.at.year, until.year + 1):
            at = _midnight(one.name, year, versions)
            if one.at + KNOWN_FOR <= at < until:
                yield Act(id=f"{year}-{one.name}", kind=BIRTHDAY, at=at, name=one.name)


def _midnight(date: str, year: int, versions: Sequence[Publication]) -> datetime:
    """Return when a day such as ``02-29`` begins in a year; without that day, the one before."""
    month, day = map(int, date.split("-"))
    if (month, day) == (2, 29) and not isleap(year):
        day = 28
    plain = datetime(year, month, day, tzinfo=UTC)
    for version in versions:  # the first that holds when the day begins in its own zone
        at = plain.replace(tzinfo=version.program.zone).astimezone(UTC)
        if in_force(versions, at) is version:
            return at
    return plain
