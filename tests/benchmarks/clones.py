"""Orders in a database by the thousand, copied from one that was taken in as every order is.

Made from whatever columns the table has: the number and the stamps of the first order are written
over wherever they stand, the rest is as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import asyncpg

from tests.benchmarks.orders import placed
from tests.databases import apart

Row = dict[str, Any]


def clone(url: str, first: int, numbers: range) -> None:
    """Copy the order of a number as orders of other numbers, of the same account."""
    if url.startswith("sqlite:"):
        _in_sqlite(url.removeprefix("sqlite://"), first, numbers)
    else:
        apart(lambda: _in_postgres(url, first, numbers))


def _in_sqlite(path: str, first: int, numbers: range) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute('SELECT * FROM "order" WHERE platform_id = ?', [str(first)])
        row = dict(found.fetchone())
        del row["id"]
        holes = ", ".join("?" * len(row))
        sql = f'INSERT INTO "order" ({", ".join(row)}) VALUES ({holes})'
        connection.executemany(sql, _copies(row, first, numbers))


async def _in_postgres(url: str, first: int, numbers: range) -> None:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetchrow(
            'SELECT * FROM "order" WHERE platform_id = $1', str(first)
        )
        row = dict(found)
        del row["id"]
        records = _copies(row, first, numbers)
        await connection.copy_records_to_table("order", records=records, columns=list(row))
    finally:
        await connection.close()


def _copies(row: Row, first: int, numbers: range) -> Iterator[tuple[Any, ...]]:
    was = ((b"%d" % first, placed(first)), (str(first), placed(first).decode()))
    assert any(was[0][1] in value for value in row.values() if isinstance(value, bytes)), row
    for number in numbers:
        now = ((b"%d" % number, placed(number)), (str(number), placed(number).decode()))
        copy = {name: _written_over(value, was, now) for name, value in row.items()}
        at = datetime.fromisoformat(placed(number).decode()).replace(tzinfo=UTC)
        is_text = isinstance(row["placed_at"], str)
        yield tuple((copy | {"placed_at": at.isoformat(" ") if is_text else at}).values())


def _written_over(value: object, was: Any, now: Any) -> object:
    if not isinstance(value, bytes | str):
        return value
    kind = isinstance(value, str)
    for old, new in zip(was[kind], now[kind], strict=True):
        value = value.replace(old, new)
    return value
