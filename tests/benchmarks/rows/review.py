"""The review of 200,000 customers' tiers when a year ends, in seconds.

Some hundred customers are settled by ours the evening before and then copied, so that only the
review itself takes its time: who falls is due, and nobody else is read or written.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from connector import worker
from connector.commerce.models import OrderRow
from connector.config import Settings
from connector.database import sql
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow, EntryRow
from connector.system import running
from platforms.model import Order, OrderLine, Seen
from tests.benchmarks.figures import Figure, within
from tests.benchmarks.ground import Ground, Stand
from tests.benchmarks.rows.simulate import put
from tests.databases import apart

SECONDS = 30.0
CUSTOMERS, CUSTOMERS_FULL = 10_000, 200_000
DRAWN = 500  # customers that are settled and copied
ORDERS_MAX = 6  # of each, in two years
ID, NAME = re.compile(rb"\b([co]\d+x)x"), re.compile(r"\b([co]\d+x)x")
EVENING = datetime(2025, 12, 31, 22, tzinfo=UTC)
PROGRAM = """
name = "Review"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2024-01-01T00:00:00Z
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = { EUR = 100 }

[[multiplier]]
when = { tier = "Gold" }
factor = "1.5"

[expiry]
kind = "lot"
months = 18

[tiers]
by = "spend"
window = "calendar_year"

[[tiers.tier]]
name = "Silver"
from_minor = { EUR = 40000 }

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 70000 }

[[tiers.tier]]
name = "Black"
from_minor = { EUR = 100000 }
"""


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    customers = CUSTOMERS_FULL if options.is_full else CUSTOMERS
    with ground.copied() as stand:
        settled(stand)
        copied(stand, customers // DRAWN)
        before = versions(stand)
        seconds, due = reviewed(stand)
        after = versions(stand)
    changed = {key for key, version in after.items() if version != before[key]}
    assert len(after) == customers, len(after)
    assert {after[key] - before[key] for key in changed} == {1}
    pushed = stand.count("outbox")
    assert len(changed) == due == pushed > customers // 20, (len(changed), due, pushed)
    took = seconds / customers * CUSTOMERS_FULL
    yield within(
        SECONDS,
        took,
        "s",
        what="review of 200,000 customers' tiers",
        database=options.database,
        note=f"{customers:,} customers reviewed in {seconds:.1f} s: {due:,} changed, each written"
        " once and pushed once",
    )


def settled(stand: Stand) -> None:
    """Have the drawn customers buy, and their accounts settled by the evening."""

    async def job() -> None:
        settings, now = Settings.from_env(stand.env), EVENING - timedelta(days=3 * 365)
        async with running(settings, lambda: now) as system:
            await sql.run("DELETE FROM publication")
            store = await system.stores.find(stand.ground.store)
            await Loyalty(system.tools).programs.publish(store, PROGRAM)
        async with running(settings, lambda: EVENING) as system:
            drawn = [Seen(order) for order in orders()]
            await system.records.take_in(store, drawn, EVENING)
            await worker.drain(system, {"settle"})
            await sql.run("DELETE FROM outbox")

    apart(job)


def copied(stand: Stand, times: int) -> None:
    """Copy all that there is of the drawn customers, under other names."""
    for model in (OrderRow, AccountRow, EntryRow):
        table, columns = model._meta.db_table, [*model._meta.fields_db_projection.values()]
        columns.remove("id")
        held = stand.query(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY id')
        put(stand, table, columns, copies(held, times))


def copies(held: list[tuple[Any, ...]], times: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows again and again, each time with another end of every id."""
    for number in range(1, times):
        for row in held:
            yield tuple(_renamed(value, number) for value in row)


def _renamed(value: Any, end: int) -> Any:
    if isinstance(value, bytes):
        return ID.sub(b"\\g<1>%dx" % end, value)
    return NAME.sub(f"\\g<1>{end}x", value) if isinstance(value, str) else value


def reviewed(stand: Stand) -> tuple[float, int]:
    """Let the year end, settle who is due, and return how long that took and how many it was."""

    async def job() -> tuple[float, int]:
        now = EVENING + timedelta(hours=2)
        async with running(Settings.from_env(stand.env), lambda: now) as system:
            due = await AccountRow.filter(next_due_at__lte=now).count()
            began = time.perf_counter()
            await worker.drain(system, {"due"})
            return time.perf_counter() - began, due

    return apart(job)


def versions(stand: Stand) -> dict[str, int]:
    return dict(stand.query("SELECT key, version FROM account"))


def orders() -> Iterator[Order]:
    """Draw what the customers bought in two years."""
    rng, number = Random(1), 0
    for customer in range(DRAWN):
        for _ in range(rng.randint(1, ORDERS_MAX)):
            number += 1
            placed_at = EVENING - timedelta(minutes=rng.randrange(1, 2 * 365 * 24 * 60))
            total = rng.choice((2500, 6000, 14000, 32000))
            yield Order(
                id=f"o{number}xx", number=str(number), customer_id=f"c{customer}xx", email=None,
                status="completed", is_paid=True, is_cancelled=False, currency="EUR",
                total_minor=total, placed_at=placed_at, paid_at=placed_at, updated_at=placed_at,
                lines=(OrderLine(id="1", product_id="1", quantity=1, total_minor=total,
                                 tax_minor=0),),
            )  # fmt: skip
