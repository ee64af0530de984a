"""Hypothesis runs small and always alike in checks, and at full size for the evidence."""

import os

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from tests import databases
from tests.town import founded

structlog.configure(  # the default draws every local variable of a traceback
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(bool_as_flag=False),
    ]
)
LAX = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "check",
    max_examples=250 if databases.ENGINE == "sqlite" else 25,  # no law of these asks a database
    deadline=None,
    derandomize=True,
    suppress_health_check=LAX,
)
settings.register_profile(  # is it red at all? Of planted bugs most are at once
    "glance",
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=LAX,
)
settings.register_profile("evidence", max_examples=5000, deadline=None, suppress_health_check=LAX)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    with databases.empty(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture
def database_url(tmp_path):
    with databases.blank(tmp_path) as url:
        yield url


@pytest.fixture
async def town(empty_database, tmp_path):
    async with founded(empty_database, tmp_path) as one:
        yield one
