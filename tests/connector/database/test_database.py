"""The database: up to date by migrations alone, durable, and safe with two writers."""

import asyncio
import subprocess
import sys

from tortoise.context import get_current_context
from tortoise.migrations.autodetector import MigrationAutodetector

from connector import database
from connector.registry import find_models
from tests import databases

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
                row = await TicketRow.select_for_update().get(digest="shared")
                row.subject = str(int(row.subject) + 1)
                await row.save()

asyncio.run(main(sys.argv[1]))
"""


async def test_the_migrations_are_the_models(empty_database):
    url, models = empty_database, find_models()
    async with database.opened(url, models):
        assert await database.pending(url, models) == []
        apps = get_current_context().apps
        assert apps is not None
        detector = MigrationAutodetector(apps, database.config(url, models)["apps"])
        assert [writer.name for writer in await detector.changes()] == []


async def test_two_processes_that_read_and_write_lose_nothing(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        databases.query(
            url,
            "INSERT INTO ticket (digest, purpose, platform, subject, store, expires_at)"
            " VALUES ('shared', 'x', '', '0', '', '2030-01-01')",
        )

        def write():
            return subprocess.Popen([sys.executable, "-c", WRITER, url])

        both = [write(), write()]
        assert [await asyncio.to_thread(one.wait) for one in both] == [0, 0]
        assert databases.query(url, "SELECT subject FROM ticket") == [("200",)]
