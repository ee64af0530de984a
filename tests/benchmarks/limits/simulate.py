"""The least that a simulation takes: every order's row read through the raw driver and decoded."""

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing

import asyncpg
import msgspec

from platforms.model import Order

ROWS = 'SELECT account, body FROM "order" ORDER BY account'
DECODE = msgspec.json.Decoder(Order).decode


async def in_postgres(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            count = 0
            async for row in connection.cursor(ROWS, prefetch=5000):
                DECODE(row["body"])
                count += 1
            return count
    finally:
        await connection.close()


def in_sqlite(path: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return sum(bool(DECODE(body)) for _, body in connection.execute(ROWS))


def main(url: str) -> None:
    began = time.perf_counter()
    is_file = url.startswith("sqlite://")
    count = in_sqlite(url.removeprefix("sqlite://")) if is_file else asyncio.run(in_postgres(url))
    done = {"orders": count, "seconds": time.perf_counter() - began}
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
