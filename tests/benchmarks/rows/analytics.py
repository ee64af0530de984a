"""The figures of a store with 200,000 customers and a million orders: seconds and memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from tests import databases
from tests.benchmarks.figures import Figure, within
from tests.benchmarks.ground import Ground, Stand, run
from tests.benchmarks.rows.simulate import MILLION, fill, is_file

SECONDS, MB = 60.0, 512.0  # for a million orders
ORDERS, ORDERS_FULL = 50_000, MILLION
CUSTOMERS = 1000  # of 5,000 orders
ENTRIES = (
    "INSERT INTO entry (store, account, cause, kind, effective_at, n, points, posted_at, why)"
    " SELECT store, account, 'order:' || platform_id, '{kind}', placed_at, 0, {points}, placed_at,"
    " '' FROM \"order\" WHERE account <> '' AND id % {each} = 0"
)
MOVED = (("earn", 100, 1), ("clawback", -40, 7), ("redeem", -50, 3), ("expire", -10, 2))
"""What the orders brought: a kind of entry, its points, and of which share of them there is one."""


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield both rows."""
    options = ground.options
    orders = ORDERS_FULL if options.is_full else ORDERS
    with ground.copied() as stand:
        fill(stand, orders, CUSTOMERS)
        earned(stand)
        entries = stand.count("entry")
        done = run(stand.env, "tests.benchmarks.ours", "analytics", ground.store, wait_s=900.0)
    assert 0.8 * orders < done["orders"] < orders, done
    took = done["seconds"] / orders * MILLION
    yield within(
        SECONDS,
        took,
        "s",
        what="analytics refresh, 1M orders",
        database=options.database,
        note=f"{orders:,} orders and {entries:,} entries in {done['seconds']:.1f} s; other work"
        f" waited {done['held_up_ms']:.0f} ms at most; {done['bytes']:,} bytes of figures",
    )
    yield within(
        MB,
        done["memory_mb"],
        "MB",
        what="memory of analytics, 1M orders",
        database=options.database,
        note=f"of {orders:,} orders; {done['before_mb']:.0f} MB before",
    )


def earned(stand: Stand) -> None:
    """Put the entries of the orders into the ledger."""
    texts = [ENTRIES.format(kind=kind, points=points, each=each) for kind, points, each in MOVED]
    if is_file(stand):
        with closing(sqlite3.connect(stand.database.removeprefix("sqlite://"))) as held, held:
            for text in texts:
                held.execute(text)
        return
    for text in [*texts, "ANALYZE"]:
        databases.query(stand.database, text)
