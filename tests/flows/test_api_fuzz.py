"""A few of the requests that ``python -m tests.flows.api_fuzz`` sends by the hundred."""

import pytest

from tests.flows import api_fuzz


@pytest.mark.timeout(300)
def test_no_request_of_a_stranger_or_of_a_key_breaks_the_api(tmp_path):
    found = api_fuzz.fuzzed(tmp_path, 5)

    assert not found.wrong
    assert found.served > 10
