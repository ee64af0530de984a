"""The least that settling takes: these statements, a transaction a delivery and an account."""

import asyncio
import sys
import time

import msgspec

from tests.benchmarks import raw
from tests.benchmarks.orders import bodies

TABLES = """CREATE TABLE inbox (id INTEGER PRIMARY KEY, body BLOB, state TEXT)
CREATE INDEX waiting ON inbox (state, id)
CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER, body BLOB)
CREATE INDEX orders_of ON orders (account)
CREATE TABLE account (id INTEGER PRIMARY KEY, dirty INTEGER, settled INTEGER)
CREATE TABLE entry (account INTEGER, cause INTEGER, points INTEGER, UNIQUE (account, cause))"""
WAITING = "SELECT id, body FROM inbox WHERE state = 'waiting' ORDER BY id LIMIT 100"
KEEP = "INSERT INTO orders VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = $3"
MARK = "INSERT INTO account VALUES ($1, $2, -1) ON CONFLICT (id) DO UPDATE SET dirty = $2"
MARKED = "SELECT id FROM account WHERE dirty > settled ORDER BY id LIMIT 100"
Order = msgspec.defstruct("Order", [("id", int), ("customer_id", int)])


async def take(run: raw.Run, number: int, body: bytes) -> None:
    id_, account = msgspec.structs.astuple(msgspec.json.decode(body, type=Order))
    await run("BEGIN")
    await run(KEEP, id_, account, body[:300])
    await run(MARK, account, number)
    await run("UPDATE inbox SET state = 'done' WHERE id = $1", number)
    await run("COMMIT")


async def settle(run: raw.Run, account: int) -> None:
    await run("BEGIN")
    ((dirty,),) = await run("SELECT dirty FROM account WHERE id = $1", account)
    there = await run("SELECT cause FROM entry WHERE account = $1", account)
    for id_, _ in await run("SELECT id, body FROM orders WHERE account = $1", account):
        if id_ not in [row[0] for row in there]:
            await run("INSERT INTO entry VALUES ($1, $2, $3)", account, id_, 190)
    await run("UPDATE account SET settled = $2 WHERE id = $1", account, dirty)
    await run("COMMIT")


async def main(database: str, count: int, customers: int) -> None:
    async with raw.opened(database, TABLES, held=1) as run:
        for number, body in enumerate(bodies(range(count), customers)):
            await run("INSERT INTO inbox VALUES ($1, $2, 'waiting')", number, body)
        began = time.perf_counter()
        while rows := await run(WAITING):
            for number, body in rows:
                await take(run, number, body)
            for (account,) in await run(MARKED):
                await settle(run, account)
        sys.stdout.write(f'{{"rate": {count / (time.perf_counter() - began)}}}\n')


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
