"""A database with rows comes through every upgrade whole, and ends as a fresh one begins."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from connector import database
from connector.registry import find_models

NOON = "2026-11-21 12:00:00+00:00"
VALUES = {"INT": 1, "BIGINT": 1, "TIMESTAMP": NOON, "BLOB": b"x", "JSON": "{}"}
EARLIER = sorted(path.stem for path in Path("connector/migrations").glob("0*.py"))[:-1]


async def migrated(file, name):
    url, models = f"sqlite://{file}", find_models()
    async with database.opened(url, models):
        apps = database.config(url, models)["apps"]
        executor = MigrationExecutor(get_connection("default"), apps)
        await executor.migrate([MigrationTarget(app_label=database.APP, name=name)])


def tables(connection):
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '%migration%'"
    )
    return sorted(name for (name,) in found)


def columns(connection, table):
    rows = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return {name: (type_.split("(")[0], null, key) for _, name, type_, null, _, key in rows}


def indexed(connection, table):
    found = connection.execute(f'PRAGMA index_list("{table}")').fetchall()
    return sorted(
        (bool(unique), tuple(row[2] for row in connection.execute(f'PRAGMA index_info("{name}")')))
        for _, name, unique, *_ in found
    )


def filled(file):
    """Put a row into every table; return them."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for table in tables(connection):
            kinds = {
                name: VALUES.get(type_.upper(), "x")
                for name, (type_, _, key) in columns(connection, table).items()
                if not (key and type_.upper().startswith("INT"))
            }
            names = ", ".join(f'"{name}"' for name in kinds)
            marks = ", ".join("?" for _ in kinds)
            connection.execute(
                f'INSERT INTO "{table}" ({names}) VALUES ({marks})',  # noqa: S608
                list(kinds.values()),
            )
        return held(connection)


def held(connection):
    rows = {}
    for table in tables(connection):
        connection.row_factory = sqlite3.Row
        rows[table] = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]  # noqa: S608
    return rows


@pytest.mark.parametrize("name", EARLIER)
async def test_rows_come_through(tmp_path, name):
    old, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
    await migrated(old, name)
    before = filled(old)

    await migrated(old, "__latest__")
    await migrated(fresh, "__latest__")

    with closing(sqlite3.connect(old)) as upgraded, closing(sqlite3.connect(fresh)) as new:
        after = held(upgraded)
        for table, rows in before.items():
            assert len(after[table]) == len(rows) == 1
            assert rows[0].items() <= after[table][0].items()
        upgraded.row_factory = None
        assert tables(upgraded) == tables(new)
        for table in tables(new):
            assert columns(upgraded, table) == columns(new, table)
            assert indexed(upgraded, table) == indexed(new, table)
