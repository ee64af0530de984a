"""Databases for tests: SQLite files, or PostgreSQL where ``TEST_POSTGRES_URL`` names a server.

One process tests one engine: tortoise keeps its queries by the connection's name.
"""

import asyncio
import itertools
import os
import shutil
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from connector import database
from connector.registry import find_models
from tests.servers import POSTGRES

T = TypeVar("T")
SERVER = os.environ.get(POSTGRES)
ENGINE = "postgres" if SERVER else "sqlite"
_numbers = itertools.count()


def apart(job: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine in a thread and a loop of its own: ours may be running."""

    async def awaited() -> T:
        return await job()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(awaited())).result()


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Return what another process sees in a database."""
    if url.startswith("sqlite://"):
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
            return connection.execute(sql).fetchall()

    async def job() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return apart(job)


def migrate(url: str, name: str = "__latest__") -> None:
    """Bring a database up to date, in a process' thread of its own, or to an earlier release."""

    async def job() -> None:
        models = find_models()
        async with database.opened(url, models):
            await database.migrate(url, models, name)

    apart(job)


@contextmanager
def blank(folder: Path, *, template: str | None = None) -> Iterator[str]:
    """Hold a new database, empty or a copy of another; yield its address."""
    if SERVER is None:
        file = folder / f"{next(_numbers)}.db"
        if template is not None:
            shutil.copy(template.removeprefix("sqlite://"), file)
        yield f"sqlite://{file}"
        return
    name = f"t_{uuid.uuid4().hex}"
    like = f" TEMPLATE {urlsplit(template).path[1:]}" if template else ""
    query(SERVER, f"CREATE DATABASE {name}{like}")
    try:
        yield SERVER.rpartition("/")[0] + f"/{name}"
    finally:
        query(SERVER, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def empty(folder: Path) -> Iterator[str]:
    """Hold a database that is migrated and empty: the template of others."""
    with blank(folder) as url:
        migrate(url)
        yield url
