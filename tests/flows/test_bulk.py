"""A backfill by bulk operation that is killed goes on where it was."""

from tests.flows import bulk

ORDERS = 3_000


def test_killed_in_download_in_parsing_and_in_commit(tmp_path):
    killed, undisturbed, operations = bulk.survived(tmp_path, ORDERS)
    assert killed == undisturbed
    assert killed.orders == ORDERS
    assert len(set(operations)) == 1
