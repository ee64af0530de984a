"""The database: up to date by migrations alone, durable, and safe with two writers."""

import asyncio
import sqlite3
import subprocess
import sys

import pytest
from tortoise.connection import get_connection
from tortoise.context import get_current_context
from tortoise.exceptions import TransactionManagementError
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.transactions import in_transaction

from connector import database
from connector.commerce.models import StoreRow
from connector.errors import DatabaseUnusable
from connector.registry import find_models

WRITER = """
import asyncio, sys
from connector import database
from connector.commerce.models import StoreRow
from connector.errors import DatabaseUnusable
from connector.sync.models import TicketRow
from connector.registry import find_models
from tortoise.transactions import in_transaction

async def main(url):
    async with database.opened(url, find_models()):
        for _ in range(100):
            async with in_transaction():
                row = await TicketRow.get(digest="shared")
                row.subject = str(int(row.subject) + 1)
                await row.save()

asyncio.run(main(sys.argv[1]))
"""


async def test_the_migrations_are_the_models(empty_database):
    url, models = f"sqlite://{empty_database}", find_models()
    async with database.opened(url, models):
        assert await database.pending(url, models) == []
        apps = get_current_context().apps
        assert apps is not None
        detector = MigrationAutodetector(apps, database.config(url, models)["apps"])
        assert [writer.name for writer in await detector.changes()] == []


async def test_a_transaction_that_cannot_begin_keeps_nobody_waiting(town, tmp_path):
    await get_connection("default").execute_query("PRAGMA busy_timeout=50")
    other = sqlite3.connect(tmp_path / "town.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransactionManagementError):
        async with in_transaction():
            pytest.fail("it began")
    other.execute("ROLLBACK")
    other.close()

    async with asyncio.timeout(3):
        assert await StoreRow.all().count() == 0
        await town.connect()


@pytest.mark.parametrize("name", ["nowhere/p.db", "junk.db"])
async def test_a_file_that_cannot_be_opened_is_told_at_once(tmp_path, name):
    (tmp_path / "junk.db").write_text("this is no database" * 100)
    with pytest.raises(DatabaseUnusable, match="check PERENNIAL_DATABASE_URL"):
        async with database.opened(f"sqlite://{tmp_path / name}", find_models()):
            pytest.fail("it was opened")


async def test_what_is_acknowledged_is_on_the_disk(town):
    connection = get_connection("default")
    (journal,) = await connection.execute_query_dict("PRAGMA journal_mode")
    (durable,) = await connection.execute_query_dict("PRAGMA synchronous")
    assert (journal["journal_mode"], durable["synchronous"]) == ("wal", 2)


async def test_two_processes_that_read_and_write_lose_nothing(empty_database, tmp_path):
    path = tmp_path / "two.db"
    path.write_bytes(empty_database.read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO ticket (digest, purpose, platform, subject, store, expires_at)"
            " VALUES ('shared', 'x', '', '0', '', '2030-01-01')"
        )
    connection.close()

    def write():
        return subprocess.Popen([sys.executable, "-c", WRITER, f"sqlite://{path}"])

    both = [write(), write()]
    assert [await asyncio.to_thread(one.wait) for one in both] == [0, 0]

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT subject FROM ticket").fetchone() == ("200",)
    connection.close()
