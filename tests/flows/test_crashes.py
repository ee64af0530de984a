"""Crash points, every so many of them: ``python -m tests.flows.crashes`` tries each."""

import pytest

from tests.flows import crashes

EVERY = 37  # odd, so that deaths before and after alternate


@pytest.mark.parametrize("name", crashes.STORIES)
async def test_a_crash_loses_nothing_and_doubles_nothing(name, empty_database, tmp_path):
    result = await crashes.tried(name, empty_database, tmp_path, EVERY)

    assert result.wrong == {}
    assert result.died >= result.points // EVERY
    assert result.points > 50
