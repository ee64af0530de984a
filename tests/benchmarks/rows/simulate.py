"""A full program tried on a million orders of a store, on one core.

Told in seconds for a million, beside what reading and decoding the same rows takes.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from random import Random
from typing import Any

import asyncpg

from connector.commerce.snapshots import pack
from tests.benchmarks.figures import Figure, within
from tests.benchmarks.ground import Ground, Stand, run
from tests.databases import apart
from tests.flows.books import orders_of

SECONDS = 60.0  # for a million orders
MILLION = 1_000_000
ORDERS, ORDERS_FULL = 50_000, MILLION
DRAWN, CUSTOMERS = 5000, 625  # that repeat, of others each time
ORDER_COLUMNS = (
    "store", "platform_id", "body", "content_hash", "updated_at", "dirty_gen", "fetched_gen",
    "older_fetches", "account", "placed_at",
)  # fmt: skip
ACCOUNT_COLUMNS = ("store", "key", "dirty_gen", "settled_gen", "next_due_points", "version")


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    orders = ORDERS_FULL if options.is_full else ORDERS
    with ground.copied() as stand:
        fill(stand, orders)
        least = stand.run("tests.benchmarks.limits.simulate", stand.database)
        done = run(stand.env, "tests.benchmarks.ours", "simulate", ground.store, wait_s=600.0)
    assert least["orders"] == done["orders"] == orders, (least, done)
    took, reading = (one["seconds"] / orders * MILLION for one in (done, least))
    yield within(
        SECONDS,
        took,
        "s",
        what="simulation of a full program, 1M orders",
        database=options.database,
        note=f"{orders:,} orders simulated in {done['seconds']:.1f} s; reading them alone takes"
        f" {reading / took:.0%} of that",
    )


def fill(stand: Stand, count: int, customers: int = CUSTOMERS) -> None:
    """Put so many drawn orders into a database, as if they had been read and settled."""
    orders, accounts = rows(stand.ground.store, count, customers, in_text=is_file(stand))
    put(stand, "order", ORDER_COLUMNS, orders)
    put(stand, "account", ACCOUNT_COLUMNS, ((*one, 1, 1, 0, 0) for one in accounts))


def put(stand: Stand, table: str, columns: Sequence[str], records: Iterator[Any]) -> None:
    """Put rows into a table as fast as its database takes them."""
    if not is_file(stand):
        apart(lambda: _copied(stand.database, table, columns, list(records)))
        return
    with closing(sqlite3.connect(stand.database.removeprefix("sqlite://"))) as held, held:
        holes = ", ".join("?" * len(columns))
        sql = f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({holes})'
        held.executemany(sql, records)


def is_file(stand: Stand) -> bool:
    return stand.database.startswith("sqlite://")


async def _copied(url: str, table: str, columns: Any, records: Any) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.copy_records_to_table(table, records=records, columns=columns)
    finally:
        await connection.close()


def rows(
    store: str, count: int, customers: int, *, in_text: bool
) -> tuple[Iterator[Any], list[Any]]:
    """Return the rows of orders, and of accounts."""
    drawn = []
    for order in orders_of(Random(1), DRAWN, customers):
        who = f"customer:{order.customer_id}" if order.customer_id else f"guest:{order.email}"
        body = pack(replace(order, id="ORDER", customer_id="WHO"))
        drawn.append((body, who, order.placed_at.astimezone(UTC)))
    accounts = {
        (store, f"{who}-{turn}") for turn in range(-(-count // DRAWN)) for _, who, _ in drawn
    }

    def orders() -> Iterator[Any]:
        for number in range(count):
            body, who, placed_at = drawn[number % DRAWN]
            account = f"{who}-{number // DRAWN}"
            at = placed_at.isoformat(" ") if in_text else placed_at
            body = body.replace(b"ORDER", b"%d" % number).replace(b"WHO", account.encode())
            yield (store, str(number), body, "", at, 0, 0, 0, account, at)

    return orders(), sorted(accounts)
