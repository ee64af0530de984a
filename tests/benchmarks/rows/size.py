"""What a database grows by: a million orders read back and settled, a million deliveries kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, Stand
from tests.benchmarks.orders import FIRST
from tests.benchmarks.rows.backfill import ORDERS, ORDERS_EACH

DELIVERIES = 5000
CUSTOMERS = 500
GB = 1e9


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield both rows; each is measured with fewer, and told for a million."""
    with ground.copied() as stand:
        before = size(stand)
        ground.stock(ORDERS, ORDERS // ORDERS_EACH)
        stand.run("tests.benchmarks.ours", "backfill", ground.store)
        assert stand.count("entry") == ORDERS
        grown = size(stand) - before
    yield of(ground, "database, a million orders", grown, ORDERS)
    with ground.copied() as stand:
        before = size(stand)
        port, _ = stand.serve()
        stand.deliver(port, range(FIRST, FIRST + DELIVERIES), CUSTOMERS)
        assert stand.count("inbox") == DELIVERIES
        grown = size(stand) - before
    yield of(ground, "database, a million deliveries", grown, DELIVERIES)


def size(stand: Stand) -> int:
    """Return the bytes of a database with its indexes."""
    if is_file := stand.database.startswith("sqlite://"):
        with closing(sqlite3.connect(stand.database.removeprefix("sqlite://"))) as held:
            held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    whole = "SELECT pg_database_size(current_database())"
    ((found,),) = stand.query(pages if is_file else whole)
    return int(found)


def of(ground: Ground, what: str, grown: int, count: int) -> Figure:
    """Return a row of gigabytes a million."""
    return Figure(
        what=what,
        database=ground.options.database,
        ratio=None,
        aim=None,
        median=round(grown / count * 1_000_000 / GB, 2),
        limit=None,
        spread=0.0,
        unit="GB",
        note=f"measured with {count:,}",
    )
