"""Time is an argument: whoever needs now takes a ``Clock``. And calendar sums, in a named zone."""

import calendar
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

Clock = Callable[[], datetime]
Period = Literal["calendar_day", "calendar_week", "calendar_month", "calendar_year"]


Awaits = Literal["fulfilled", "delivered"]
AWAITED: Mapping[Awaits, datetime] = {
    "fulfilled": datetime(9999, 1, 1, tzinfo=UTC),
    "delivered": datetime(9999, 1, 2, tzinfo=UTC),
}
"""What stands for an instant that nobody knows yet, by what has to happen first."""
LAST = datetime.max.replace(tzinfo=UTC)
"""As far as a calendar goes: what would end later ends then."""


def system_clock() -> datetime:
    """Return the machine's time, aware UTC. Composition roots pass it on; nobody else calls it."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads the machine's time


def awaited(at: datetime) -> Awaits | None:
    """Return what has to happen before an instant is known, None where it is."""
    if at.year != AWAITED["delivered"].year:
        return None
    return next((what for what, instant in AWAITED.items() if instant == at), None)


def unless_awaited(at: datetime) -> datetime | None:
    """Return an instant as people are told it: None where nobody knows it yet."""
    return None if awaited(at) else at


def add_days(at: datetime, days: int, zone: tzinfo) -> datetime:
    """Return the same wall time so many days later in the zone, in UTC."""
    if days == 0:
        return at  # of the two times that a wall clock shows in autumn, the one that it was
    try:
        return (at.astimezone(zone) + timedelta(days=days)).astimezone(UTC)
    except OverflowError:
        return LAST


def add_months(at: datetime, months: int, zone: tzinfo) -> datetime:
    """Return the same wall time so many months later in the zone, on the last day if need be."""
    local = at.astimezone(zone)
    year, month0 = divmod(local.year * 12 + local.month - 1 + months, 12)
    if year > LAST.year:
        return LAST
    day = local.day
    if day > 28:
        day = min(day, calendar.monthrange(year, month0 + 1)[1])
    return local.replace(year=year, month=month0 + 1, day=day).astimezone(UTC)


def ends_at(at: datetime, months: int, zone: tzinfo, *, to_the_end: bool) -> datetime:
    """Return when so many months are over, or, ``to_the_end``, the month that this is in."""
    if not to_the_end:
        return add_months(at, months, zone)
    local = at.astimezone(zone)
    return _month_begins(zone, local.year * 12 + local.month + months)


@lru_cache(maxsize=10_000)
def _month_begins(zone: tzinfo, months: int) -> datetime:
    """Return when a month began, by how many there were before it since year 0."""
    year, month0 = divmod(months, 12)
    if year > LAST.year:
        return LAST
    return datetime(year, month0 + 1, 1, tzinfo=zone).astimezone(UTC)


def start_of(period: Period, at: datetime, zone: tzinfo) -> datetime:
    """Return when the zone's day, week (from Monday), month or year began, in UTC."""
    local = at.astimezone(zone)
    if period == "calendar_month":
        return _month_begins(zone, local.year * 12 + local.month - 1)
    if period == "calendar_year":
        return _month_begins(zone, local.year * 12)
    local = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "calendar_week":
        local -= timedelta(days=local.weekday())
    return local.astimezone(UTC)
