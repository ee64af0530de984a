"""A backfill by bulk operation that is killed goes on where it was."""

import pytest

from tests.flows import bulk

ORDERS = 3_000


@pytest.mark.timeout(400)
def test_killed_in_download_in_parsing_and_in_commit(tmp_path):
    killed, undisturbed, operations = bulk.survived(tmp_path, ORDERS)
    assert killed == undisturbed
    assert killed.orders == ORDERS
    assert len(set(operations)) == 1
