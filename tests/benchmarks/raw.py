"""The drivers themselves, as durable as ours: WAL, synchronous=FULL, or synchronous_commit=on.

A statement by itself is a transaction. PostgreSQL's connections are held for good: giving one back
to asyncpg's pool costs a RESET.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
import asyncpg

Run = Callable[..., Awaitable[Sequence[Any]]]
HELD = 10  # connections to PostgreSQL, as many as one process of ours may have


@asynccontextmanager
async def opened(url: str, tables: str, held: int = HELD) -> AsyncIterator[Run]:
    """Hold an empty database open, with these tables; yield what runs a statement.

    Values stand as ``$1`` in statements; types of columns are SQLite's.
    """
    is_sqlite = url.startswith("sqlite:")
    async with _sqlite(url) if is_sqlite else _postgres(url, held) as run:
        for table in tables.splitlines():
            await run(table if is_sqlite else _in_postgres(table))
        yield run


def _in_postgres(table: str) -> str:
    return table.replace("rowid INTEGER", "rowid BIGSERIAL").replace("BLOB", "BYTEA")


@asynccontextmanager
async def _sqlite(url: str) -> AsyncIterator[Run]:
    path = url.removeprefix("sqlite://")
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")

        async def run(sql: str, *values: object) -> Sequence[Any]:
            return list(await connection.execute_fetchall(sql.replace("$", "?"), values))

        yield run


@asynccontextmanager
async def _postgres(url: str, held: int) -> AsyncIterator[Run]:
    settings = {"synchronous_commit": "on"}
    opening = (asyncpg.connect(url, server_settings=settings) for _ in range(held))
    connections = await asyncio.gather(*opening)
    free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for connection in connections:
        free.put_nowait(connection)

    async def run(sql: str, *values: object) -> Sequence[Any]:
        connection = await free.get()
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            free.put_nowait(connection)

    try:
        yield run
    finally:
        for connection in connections:
            await connection.close()
