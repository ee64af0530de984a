"""One database for the process: opened, migrated, and written in short transactions."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from connector.errors import DatabaseUnusable

APP = "perennial"
BUSY_MS = 10_000  # how long a writer waits for another process's transaction


def config(url: str, models: Sequence[str]) -> dict[str, Any]:
    """Return tortoise's configuration for a ``sqlite://FILE`` address.

    ``synchronous=FULL``: what we acknowledged is on the disk.
    """
    credentials = {
        "file_path": url.removeprefix("sqlite://"),
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "busy_timeout": BUSY_MS,
    }
    return {
        "connections": {
            "default": {"engine": "connector.database.sqlite", "credentials": credentials}
        },
        "apps": {
            APP: {
                "models": list(models),
                "default_connection": "default",
                "migrations": "connector.migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


@asynccontextmanager
async def opened(url: str, models: Sequence[str]) -> AsyncIterator[None]:
    """Hold the database open; closed however the block ends, or the process would hang.

    Raises:
        DatabaseUnusable: the file can't be opened, or is no database.
    """
    _probe(url)
    await Tortoise.init(config=config(url, models), _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


def _probe(url: str) -> None:
    """Open the file once by itself: a failure inside the pool would come late, from a thread."""
    try:
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise DatabaseUnusable(
            f"{url} can't be opened ({error}): check PERENNIAL_DATABASE_URL"
        ) from error


async def migrate(url: str, models: Sequence[str]) -> list[str]:
    """Bring the open database up to date; return the names of the steps taken."""
    executor = _executor(url, models)
    steps = [step.migration.name for step in await executor.plan(_latest())]
    await executor.migrate(_latest())
    return steps


async def pending(url: str, models: Sequence[str]) -> list[str]:
    """Return the names of the steps that ``migrate`` would take."""
    return [step.migration.name for step in await _executor(url, models).plan(_latest())]


def _executor(url: str, models: Sequence[str]) -> MigrationExecutor:
    return MigrationExecutor(get_connection("default"), config(url, models)["apps"])


def _latest() -> list[MigrationTarget]:
    return [MigrationTarget(app_label=APP, name="__latest__")]
