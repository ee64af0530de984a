"""Admissions: what a limit leaves goes to whom it must, and never more than that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.kernel.admission import Admission, Claim, Spare, Worth, admit

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


def asks(on, points, *worths, demanded=0, admitted=0, ceded=0):
    """A cause of a day that asks for so many points and is worth less from later days on."""
    later = tuple(Worth(day(when), left) for when, left in worths)
    claim = Claim(f"c{on}", day(on), points, (Worth(day(on), points), *later))
    return Admission(claim, demanded, admitted, ceded)


def admitted(*rows, limit=100, held=0, horizon=None):
    """Return (demanded, admitted, ceded) of each, and what is held."""
    found, now = admit(held, rows, lambda _: limit, horizon)
    return [(one.demanded, one.admitted, one.ceded) for one in found], now


def test_the_earliest_are_served_and_the_last_is_cut():
    found = admitted(asks(3, 50), asks(1, 70), asks(2, 20), asks(4, 10))
    assert found == ([(50, 10, 0), (70, 70, 0), (20, 20, 0), (10, 0, 0)], 100)


def test_what_was_decided_is_not_decided_again():
    done = asks(1, 80, demanded=80, admitted=20)
    assert admitted(done, asks(2, 30), held=20) == ([(80, 20, 0), (30, 30, 0)], 50)
    more = replace(done, claim=replace(done.claim, asked=100))
    assert admitted(more, held=20) == ([(100, 40, 0)], 40)


def test_what_is_given_back_serves_whoever_asks_then_or_later():
    had = asks(1, 100, (5, 40), demanded=100, admitted=100)
    assert list(had.spare(7)) == [Spare(day(5), 7, 60)]
    found = admitted(had, asks(4, 10), asks(5, 20), asks(6, 50), held=100)
    assert found == ([(100, 100, 60), (10, 0, 0), (20, 20, 0), (50, 40, 0)], 100)


def test_what_comes_and_goes_in_one_turn_serves_the_rest_of_it():
    found = admitted(asks(1, 100, (2, 0)), asks(2, 30), asks(3, 90))
    assert found == ([(100, 100, 100), (30, 30, 0), (90, 70, 0)], 100)


def test_what_is_ceded_stays_so_when_it_was_not_given_back_after_all():
    undone = asks(1, 100, demanded=100, admitted=100, ceded=60)
    assert (undone.held, list(undone.spare())) == (40, [])
    less = asks(1, 100, (2, 30), demanded=100, admitted=100, ceded=60)
    assert list(less.spare()) == [Spare(day(2), 0, 10)]
    twice = asks(1, 100, (2, 80), (3, 10), demanded=100, admitted=100, ceded=30)
    assert list(twice.spare()) == [Spare(day(3), 0, 60)]


def test_a_lower_limit_takes_from_nobody_and_gives_nothing_until_there_is_room():
    had = asks(1, 100, (2, 50), demanded=100, admitted=100)
    assert admitted(had, asks(3, 10), limit=40, held=100) == ([(100, 100, 0), (10, 0, 0)], 100)
    assert admitted(had, asks(3, 20), limit=60, held=100) == ([(100, 100, 50), (20, 10, 0)], 60)


def test_beyond_the_horizon_the_rest_waits():
    had = asks(1, 100, (2, 90), demanded=100, admitted=100)
    rows = had, asks(3, 50), asks(4, 5)
    cut = ([(100, 100, 10), (10, 10, 0), (0, 0, 0)], 100)
    assert admitted(*rows, held=100, horizon=day(2)) == cut
    cut = ([(100, 100, 10), (50, 10, 0), (5, 0, 0)], 100)
    assert admitted(*rows, held=100, horizon=day(9)) == cut
    over = ([(100, 100, 10), (0, 0, 0), (0, 0, 0)], 90)  # what is to go first is gone
    assert admitted(*rows, held=100, limit=50, horizon=day(2)) == over


@st.composite
def claims(draw):
    asked = draw(st.integers(0, 60))
    worths, left, when = [], asked, draw(st.integers(0, 9))
    for later in draw(st.lists(st.integers(0, 5), max_size=3)):
        left = draw(st.integers(0, left))
        worths.append((when + later, left))
    return asks(when, asked, *sorted(worths, key=lambda one: (one[0], -one[1]))).claim


@given(rounds=st.lists(st.lists(claims(), min_size=5, max_size=5), max_size=6), data=st.data())
def test_whatever_is_claimed_and_whenever_no_more_is_held_than_there_is(rounds, data):
    limit = data.draw(st.integers(0, 150))
    rows, held = [Admission(claim) for claim in rounds[0]] if rounds else [], 0
    for claimed in rounds:
        before = rows = [replace(row, claim=one) for row, one in zip(rows, claimed, strict=True)]
        rows, held = admit(held, rows, lambda _: limit)

        assert sum(one.held for one in rows) == held <= limit
        assert not any(one.waiting for one in rows)
        for was, now in zip(before, rows, strict=True):
            assert was.demanded <= now.demanded
            assert was.admitted <= now.admitted <= now.demanded
            assert was.ceded <= now.ceded <= now.admitted
            assert sum(part.points for part in now.spare()) <= now.held


@given(claimed=st.lists(claims(), max_size=8))
def test_where_there_is_enough_for_all_nobody_is_cut_and_nothing_is_ceded(claimed):
    rows, _ = admit(0, [Admission(one) for one in claimed], lambda _: 60 * 8)
    assert [(one.admitted, one.ceded) for one in rows] == [(one.asked, 0) for one in claimed]
