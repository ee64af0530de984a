"""A market whose store has the operator's app."""

import pytest

from tests import databases
from tests.market import APP, ID, SECRET, opened


@pytest.fixture
async def market(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url, **APP) as one:
            one.shop.client_id, one.shop.client_secret = ID, SECRET
            yield one
