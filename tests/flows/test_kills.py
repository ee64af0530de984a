"""A few rounds of kills; ``python -m tests.flows.kills`` does forty."""

import pytest

from tests.flows import kills

ROUNDS, SEED = 3, 4


@pytest.mark.timeout(400)
def test_what_is_acknowledged_survives_kills(tmp_path):
    result = kills.survived(tmp_path, ROUNDS, SEED)

    assert result.holds, result
    assert result.acknowledged > kills.RATE
