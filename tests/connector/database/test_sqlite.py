"""SQLite alone: one writer at a time, durable, and a file that may be none."""

import asyncio
import sqlite3

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from connector import database
from connector.commerce.models import StoreRow
from connector.errors import DatabaseUnusable
from connector.registry import find_models


async def test_a_transaction_that_cannot_begin_keeps_nobody_waiting(town):
    await get_connection("default").execute_query("PRAGMA busy_timeout=50")
    path = town.system.settings.database_url.removeprefix("sqlite://")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
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


def test_a_second_of_a_kind_is_refused_with_advice_and_may_follow_the_first(database_url):
    with database.sole(database_url, "worker"):
        with database.sole(database_url, "serve"):
            pass
        with (
            pytest.raises(DatabaseUnusable, match="move to PostgreSQL"),
            database.sole(database_url, "worker"),
        ):
            pytest.fail("two")
    with database.sole(database_url, "worker"):
        pass


async def test_a_reader_waits_for_no_transaction(town):
    await town.connect()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write():
        async with in_transaction():
            await StoreRow.all().update(name="Changed")
            begun.set()
            await go_on.wait()

    writing = asyncio.create_task(write())
    await begun.wait()
    async with asyncio.timeout(3):
        assert (await StoreRow.get()).name == "Town"
    go_on.set()
    await writing
    assert (await StoreRow.get()).name == "Changed"
