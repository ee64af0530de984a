"""Calendar sums in a zone that changes its clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connector.kernel.clock import add_days, add_months, ends_at

WARSAW = ZoneInfo("Europe/Warsaw")


def test_a_day_keeps_the_wall_time_over_the_change_of_clocks():
    noon = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)  # 12:00 in Warsaw, a day before summer time
    assert add_days(noon, 1, WARSAW) == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)


def test_no_days_later_is_the_same_instant_in_the_repeated_hour_too():
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 2:30 in Warsaw, the second time
    assert add_days(at, 0, WARSAW) == at


def test_a_month_ends_on_its_last_day():
    at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert add_months(at, 1, WARSAW) == datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
    assert add_months(at, 13, WARSAW) == datetime(2027, 2, 28, 12, 0, tzinfo=UTC)
    assert add_months(at, 11, WARSAW) == datetime(2026, 12, 31, 12, 0, tzinfo=UTC)


def test_a_month_is_over_at_midnight_in_the_zone():
    at = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)  # 23:30 in Warsaw
    assert ends_at(at, 0, WARSAW, to_the_end=True) == datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    later = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # 0:30 in Warsaw, November
    assert ends_at(later, 0, WARSAW, to_the_end=True) == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert ends_at(at, 5, WARSAW, to_the_end=True) == datetime(2027, 3, 31, 22, 0, tzinfo=UTC)
    assert ends_at(at, 5, WARSAW, to_the_end=False) == datetime(2027, 3, 31, 21, 30, tzinfo=UTC)
