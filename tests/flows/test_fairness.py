"""A busy store holds nobody up; ``python -m tests.flows.fairness`` has 500,000 wait."""

import pytest

from tests.flows import fairness

WAITING, PATIENCE_S = 25_000, 20.0


@pytest.mark.timeout(300)
def test_a_delivery_is_settled_in_time_beside_another_stores_flood(tmp_path):
    result = fairness.waited(tmp_path, WAITING, PATIENCE_S)

    assert result.holds, result
    assert result.waiting > WAITING * 0.9
