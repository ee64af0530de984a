"""The recorded store by every way, a part of it: each ends in the balances of the second author.

``python -m tests.evidence.recorded`` does the same with the whole store and twelve kills.
"""

import pytest

from tests.flows import recorded_ways
from tests.flows.recorded_oracle import read_store

ORDERS, KILLS, SEED = 120, 3, 3

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    return recorded_ways.part_of(tmp_path_factory.mktemp("part") / "store", ORDERS)


@pytest.fixture(scope="module")
def balances(part):
    return read_store(part).balances()


@pytest.fixture
async def reference(part, tmp_path, empty_database):
    folder = tmp_path / "reference"
    folder.mkdir()
    return await recorded_ways.backfilled(empty_database, folder, part)


def same(outcome, reference, balances):
    assert recorded_ways.differing(outcome.held, balances) == 0
    assert outcome.entries == reference.entries
    assert len(outcome.entries) > 50


async def test_undisturbed(reference, balances):
    same(reference, reference, balances)


async def test_a_sync_killed_again_and_again(part, reference, balances, tmp_path):
    outcome = recorded_ways.killed(tmp_path, part, KILLS, SEED)
    same(outcome, reference, balances)
    assert outcome.details.endswith("a sync more changed 0")


async def test_webhooks_alone(part, reference, balances, tmp_path, empty_database):
    outcome = await recorded_ways.by_webhooks(empty_database, tmp_path, part, SEED)
    same(outcome, reference, balances)
    assert outcome.details.endswith("the audit changed 0 records")


async def test_webhooks_lost(part, reference, balances, tmp_path, empty_database):
    outcome = await recorded_ways.with_loss(empty_database, tmp_path, part, SEED)
    same(outcome, reference, balances)
    assert outcome.details.endswith("audit 1")  # the purged order; reconcile found all else
