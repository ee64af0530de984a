"""Plain SQL: the words of either engine, and whose trouble an error is."""

import pytest
from tortoise.exceptions import (
    DBConnectionError,
    DoesNotExist,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
)

from connector.database import sql

DOWN = [OperationalError("locked"), DBConnectionError("gone"), TransactionManagementError("no")]


@pytest.mark.parametrize("error", [*DOWN, OSError("gone")], ids=repr)
def test_what_will_be_over_is_the_databases_trouble(error):
    assert sql.is_down(error) is True


@pytest.mark.parametrize("error", [IntegrityError("twice"), DoesNotExist("x"), ValueError()])
def test_what_comes_again_each_time_is_not(error):
    assert sql.is_down(error) is False


async def test_values_go_where_they_are_meant_more_than_once(town):
    (row,) = await sql.rows(
        "SELECT COUNT(*) AS count FROM store WHERE id <> $2 AND id = ANY($1) AND name <> $2",
        *(["a", "b"], "c"),
    )
    assert row["count"] == 0
    await sql.run("DELETE FROM store WHERE id = ANY($1)", [])


async def test_rows_may_be_asked_for_in_the_order_of_bytes_and_held(town):
    insert = "INSERT INTO account (store, key, dirty_gen, settled_gen, next_due_points, version)"
    keys = ["b", "B", "a"]
    await sql.many(f"{insert} VALUES ($1, $2, 1, 0, 0, 0)", [("s", key) for key in keys])

    found = await sql.rows(
        'SELECT key FROM account WHERE store = $1 ORDER BY key COLLATE "C" FOR UPDATE', "s"
    )

    assert [row["key"] for row in found] == ["B", "a", "b"]
