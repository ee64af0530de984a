"""What a simulation and a statement come to beside the ledger, over a store of drawn orders.

``python -m tests.flows.books [ORDERS]`` prints how many accounts differ between a program tried and
the same program live, and by how many points statements differ from the ledger's entries.
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connector import worker
from connector.errors import InsufficientPoints
from connector.features.loyalty.choices import Choice
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.liability import statement
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import simulate
from connector.ledger import ledger
from connector.ledger.models import AccountRow, EntryRow
from platforms.model import Charge, Customer, Order, OrderLine, Refund, RefundLine, Seen
from tests import databases
from tests.flows.recorded_ways import QUIET
from tests.town import NOW, Town, founded

BEGAN = NOW - timedelta(days=500)
TOGETHER = 500
INSTANTS = 12
FULL = f"""
name = "Books"
engine = 1
timezone = "Europe/Warsaw"
earn_from = {BEGAN.isoformat()}
currency = "EUR"
deleted_orders = "void"
negative_balance = "clamp"

[[earn]]
id = "orders"
kind = "order"
count = ["lines", "tax"]
points = 2
per_minor = {{ EUR = 100, JPY = 100 }}
rounding = "half_up"
pending_days = 14
caps = [{{ points = 900, per = "calendar_month" }}]
exclude = {{ products = ["p3"] }}

[[earn]]
id = "welcome"
kind = "sign_up"
points = 50

[[multiplier]]
when = {{ tier = "Gold" }}
factor = "1.5"

[[multiplier]]
when = {{ product = "p1", from = 2026-06-01T00:00:00Z, until = 2026-07-01T00:00:00Z }}
factor = "3"

[expiry]
kind = "lot"
months = 6
end_of_month = true

[[reward]]
id = "off"
kind = "amount_off"
cost = 150
value_minor = {{ EUR = 500 }}

[tiers]
by = "spend"
window = "rolling_months:12"
grace_days = 30

[[tiers.tier]]
name = "Silver"
from_minor = {{ EUR = 20000, JPY = 20000 }}

[[tiers.tier]]
name = "Gold"
from_minor = {{ EUR = 60000, JPY = 60000 }}
"""


@dataclass(frozen=True)
class Books:
    """How far apart they are; ``entries`` and ``kinds`` say what was there to compare."""

    accounts: int
    accounts_differ: int
    entries: int
    kinds: frozenset[str]
    instants: int
    points_differ: int

    def __str__(self) -> str:
        return (
            f"{self.accounts} accounts tried and live: {self.accounts_differ} accounts differ\n"
            f"{self.entries} entries of {len(self.kinds)} kinds, statements of {self.instants}"
            f" instants: {self.points_differ} points differ"
        )


def orders_of(rng: random.Random, count: int, customers: int) -> list[Order]:
    """Draw orders of customers and guests, some of them unpaid, cancelled, deleted, refunded."""
    return [_order(rng, str(number), customers) for number in range(count)]


def _order(rng: random.Random, id_: str, customers: int) -> Order:
    placed_at = BEGAN + timedelta(minutes=rng.randrange(-40_000, 500 * 1440))
    lines = tuple(
        OrderLine(
            id=str(n),
            product_id=f"p{rng.randrange(5)}",
            quantity=1,
            total_minor=rng.randrange(1, 9000),
            tax_minor=rng.randrange(900),
        )
        for n in range(rng.randrange(1, 4))
    )
    shipping = Charge(total_minor=rng.choice([0, 490]), tax_minor=0)
    total = sum(one.total_minor + one.tax_minor for one in lines) + shipping.total_minor
    is_guest = rng.random() < 0.2
    is_cancelled = rng.random() < 0.05
    is_dated = rng.random() < 0.5
    return Order(
        id=id_,
        number=f"#{id_}",
        customer_id=None if is_guest else str(rng.randrange(customers)),
        email=f"guest{rng.randrange(customers // 4)}@example.test",
        status="completed",
        is_paid=rng.random() < 0.95 and (is_dated or not is_cancelled),
        is_cancelled=is_cancelled,
        cancelled_at=_later(rng, placed_at) if is_cancelled and is_dated else None,
        currency=rng.choice(["EUR", "EUR", "EUR", "JPY", "USD"]),
        total_minor=total,
        placed_at=placed_at,
        paid_at=placed_at + timedelta(minutes=rng.randrange(3000)),
        updated_at=NOW,
        lines=lines,
        refunds=tuple(_refunds(rng, lines, placed_at)),
        is_deleted=rng.random() < 0.03,
        shipping=shipping,
    )


def _refunds(rng: random.Random, lines: Sequence[OrderLine], placed_at: datetime) -> list[Refund]:
    found = []
    if rng.random() < 0.15:
        line = rng.choice(lines)
        part = RefundLine(
            line_id=line.id, quantity=1, total_minor=line.total_minor, tax_minor=line.tax_minor
        )
        amount = line.total_minor + line.tax_minor
        at = _later(rng, placed_at)
        found.append(Refund(id="a", amount_minor=amount, refunded_at=at, lines=(part,)))
    if rng.random() < 0.1:
        at = _later(rng, placed_at)
        found.append(Refund(id="b", amount_minor=rng.randrange(1, 500), refunded_at=at))
    return found


def _later(rng: random.Random, at: datetime) -> datetime:
    return min(at + timedelta(minutes=rng.randrange(60 * 1440)), NOW)


async def compared(town: Town, rng: random.Random, count: int) -> Books:
    """Let a store sell, then compare."""
    customers = count // 8
    row = await town.connect(FULL)
    await type(row).filter(id=row.id).update(reconcile_at=town.clock() + QUIET)
    row = await town.row()
    people = [
        Customer(
            id=str(number),
            email=f"{number}@example.test",
            first_name="",
            last_name="",
            created_at=BEGAN + timedelta(minutes=rng.randrange(-40_000, 500 * 1440)),
            updated_at=NOW,
        )
        for number in range(customers)
    ]
    seen = [Seen(one) for one in people]
    seen += [Seen(one) for one in orders_of(rng, count, customers)]
    rng.shuffle(seen)
    for first in range(0, len(seen), TOGETHER):
        await town.system.records.take_in(row, seen[first : first + TOGETHER], town.clock())
    await worker.drain(town.system)
    now = town.clock()
    differ = 0
    found = await _tried(row.id, now)
    tiers = {one.key: one.tier for one in await AccountRow.filter(store=row.id)}
    assert set(found) == set(tiers)
    for account, (available, pending, tier) in found.items():
        live = await ledger.balance(row.id, account, now)
        differ += (available, pending, tier) != (live.available, live.pending, tiers[account])
    await _decide(town, rng, customers)
    entries = await EntryRow.filter(store=row.id)
    instants = [NOW - timedelta(minutes=rng.randrange(480 * 1440)) for _ in range(INSTANTS)]
    instants += [now, town.clock()]
    points = 0
    for at in instants:
        said = await statement(Loyalty(town.system.tools), row, at, lambda done: None)
        then = sum(one.points for one in entries if one.effective_at <= at)
        closing = said.months[-1].closing
        points += said.differs + abs(said.owed.available - then) + abs(closing - then)
    return Books(
        accounts=len(found),
        accounts_differ=differ,
        entries=len(entries),
        kinds=frozenset(one.kind for one in entries),
        instants=len(instants),
        points_differ=points,
    )


async def _tried(store: str, now: datetime) -> dict[str, tuple[int, int, str | None]]:
    """Return what each account would have under the program: available, pending, tier."""
    simulation = Simulation(parse(FULL), "EUR", BEGAN, now)
    found = {}
    async for some in simulate(store, simulation):
        for account, one in some.items():
            available = one.purse.available()
            pending = sum(posting.points for posting in one.postings) - available
            found[account] = (available, pending, one.stand.tier if one.stand else None)
    assert simulation.report.available == sum(one[0] for one in found.values())
    return found


async def _decide(town: Town, rng: random.Random, customers: int) -> None:
    """Let some spend, who have enough, and the merchant give and take."""
    loyalty, row = Loyalty(town.system.tools), await town.row()
    for n in range(customers // 5):
        town.clock.forward(minutes=rng.randrange(60))
        customer = str(rng.randrange(customers))
        if n % 3:
            with suppress(InsufficientPoints):
                await loyalty.redeem(row, customer, Choice(reward="off"), f"key-{n}")
        else:
            points = rng.choice([-400, -30, 20, 300])
            decision = Decision(key=f"key-{n}", reason="drawn", points=points)
            await loyalty.decide(row, f"customer:{customer}", decision)
    await worker.drain(town.system)


def main() -> int:
    """Print how far apart they are."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000

    async def job(folder: Path, empty: str) -> Books:
        async with founded(empty, folder) as town:
            return await compared(town, random.Random(7), count)

    with tempfile.TemporaryDirectory() as name, databases.empty(Path(name)) as empty:
        books = asyncio.run(job(Path(name), empty))
    sys.stdout.write(f"{books}\n")
    return 1 if books.accounts_differ or books.points_differ else 0


if __name__ == "__main__":
    sys.exit(main())
