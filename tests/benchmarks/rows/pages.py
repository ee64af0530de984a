"""The merchant's pages of a store with 200,000 customers and a million orders, at the server."""

from collections.abc import Iterator
from datetime import UTC, datetime

from connector.commerce.snapshots import pack
from platforms.model import Customer
from tests import databases
from tests.benchmarks.figures import Figure, within
from tests.benchmarks.ground import Ground, Stand, run
from tests.benchmarks.rows.analytics import CUSTOMERS, ORDERS, ORDERS_FULL, earned
from tests.benchmarks.rows.simulate import fill, is_file, put

PAGE_MS, SEARCH_MS = 300.0, 100.0
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = ("Maya", "Jonas", "Lucja", "Kenji", "Aiko", "Ines", "Omar", "Petra", "Quentin", "Rosa")
COLUMNS = (
    "store", "platform_id", "body", "content_hash", "updated_at", "dirty_gen", "fetched_gen",
    "older_fetches", "email", "name", "surname",
)  # fmt: skip

LONG_AGO = "(SELECT 'customer:' || platform_id FROM customer ORDER BY id LIMIT {})"
STANDING = (  # the few are those whom a list shows last
    "UPDATE account SET available = held.points FROM (SELECT account, SUM(points) AS points"
    " FROM entry GROUP BY account) AS held WHERE held.account = account.key",
    "UPDATE account SET tier = 'Silver' WHERE key LIKE 'customer:%'",
    f"UPDATE account SET tier = 'Gold' WHERE key IN {LONG_AGO.format(20_000)}",
    f"UPDATE account SET tier = NULL, available = 0 WHERE key IN {LONG_AGO.format(100)}",
    "UPDATE customer SET is_gone = TRUE WHERE id IN"
    " (SELECT id FROM customer ORDER BY id LIMIT 100)",
)
SWEPT = ("VACUUM (FULL, ANALYZE) account", "ANALYZE customer")
"""Each account was written four times just now, which no store does."""


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield both rows."""
    options = ground.options
    with ground.copied() as stand:
        fill(stand, ORDERS_FULL if options.is_full else ORDERS, CUSTOMERS)
        earned(stand)
        put(stand, "customer", COLUMNS, people(stand))
        for text in (*STANDING, *(() if is_file(stand) else SWEPT)):
            stand.query(text)
        told = run(stand.env, "tests.benchmarks.ours", "pages", ground.store, wait_s=900.0)
        there = f"{stand.count('customer'):,} customers, {stand.count('order'):,} orders"
    searches = {path: ms for path, ms in told.items() if "q=" in path and "&" not in path}
    for what, limit, found in (
        ("slowest merchant page", PAGE_MS, told),
        ("search among customers", SEARCH_MS, searches),
    ):
        slowest = max(found, key=lambda path: found[path])
        yield within(
            limit,
            found[slowest],
            "ms",
            what=what,
            database=options.database,
            note=f"{slowest}, of {len(found)}; {there}",
        )


def people(stand: Stand) -> Iterator[tuple[object, ...]]:
    """Yield a row for each account of a customer."""
    keys = databases.query(
        stand.database, "SELECT key FROM account WHERE key LIKE 'customer:%' ORDER BY key"
    )
    for n, (key,) in enumerate(keys):
        one = Customer(
            id=key.removeprefix("customer:"),
            email=f"c{n}@example.test",
            first_name=FIRST[n % len(FIRST)],
            last_name=f"Surname{n}",
            created_at=AT,
            updated_at=AT,
        )
        name, surname = (
            " ".join(both).lower()
            for both in ((one.first_name, one.last_name), (one.last_name, one.first_name))
        )
        at = AT.isoformat(" ") if stand.database.startswith("sqlite://") else AT
        yield (stand.ground.store, one.id, pack(one), "", at, 0, 0, 0, one.email, name, surname)
