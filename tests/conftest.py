"""Hypothesis runs small and always alike in checks, and at full size for the evidence."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.town import founded, migrated

LAX = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "check", max_examples=500, deadline=None, derandomize=True, suppress_health_check=LAX
)
settings.register_profile("evidence", max_examples=5000, deadline=None, suppress_health_check=LAX)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    return migrated(tmp_path_factory.mktemp("database"))


@pytest.fixture
async def town(empty_database, tmp_path):
    async with founded(empty_database, tmp_path) as one:
        yield one
