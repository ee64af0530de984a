"""Histories with their points, by an author who has not seen the code; see :mod:`.worked`."""

import pytest

from tests.connector.features.loyalty.worked import differences, evaluated, histories

ALL = histories()


@pytest.mark.parametrize("history", ALL, ids=lambda one: one["id"])
def test_its_arithmetic_comes_to_its_points(history):
    for expected in history["expect"]:
        points = expected["available"] + expected["pending"]
        assert evaluated(expected["why"]) == points, expected


@pytest.mark.parametrize("history", ALL, ids=lambda one: one["id"])
def test_it_comes_out_as_its_author_says(history):
    assert list(differences(history)) == []


def test_no_history_falls_out_unseen():
    assert len({one["id"] for one in ALL}) == len(ALL) == 213
