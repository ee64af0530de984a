"""A store's people move to another installation, and life goes on in both, to the same end or not.

``python -m tests.flows.moving [ORDERS]`` draws a store with all that accounts can hold, exports it,
imports that into an empty installation, lets the same orders come to both, and prints how many rows
of exports differ between who stayed and who moved, then and later, how many dry runs wrote
anything, and how many rows an undone import leaves of it.
"""

import asyncio
import csv
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector import worker
from connector.errors import InsufficientPoints
from connector.features.loyalty.choices import Choice
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.export import Export, Exported
from connector.features.loyalty.imports import guest as guest_account
from connector.features.loyalty.imports import planned, take_over, undo
from connector.features.loyalty.members import NAME
from connector.features.loyalty.moving import Mover, examined
from connector.features.loyalty.service import Loyalty
from platforms.model import Customer, Order, Seen
from tests import databases
from tests.flows.books import BEGAN, FULL, TOGETHER, orders_of
from tests.flows.histories import Shop, opened
from tests.town import NOW, Town, founded

OWING = FULL.replace('"clamp"', '"allow"')
IDLE = (
    OWING.replace('kind = "lot"\nmonths = 6', 'kind = "inactivity"\nmonths = 7')
    .replace('by = "spend"', 'by = "points"')
    .replace("from_minor = { EUR = 20000, JPY = 20000 }", "from_points = 400")
    .replace("from_minor = { EUR = 60000, JPY = 60000 }", "from_points = 1200")
    .replace('"rolling_months:12"', '"calendar_year"')
)
NEVER_LISTED = 4  # customers of whom the store says nothing, as its own people
LATER = (timedelta(days=45), timedelta(days=100), timedelta(days=400))
EARN_FROM = f"earn_from = {BEGAN.isoformat()}"


@dataclass
class Moving:
    """How far apart they are; the rest says what there was to compare."""

    members: int = 0
    lots: int = 0
    points: int = 0
    owed: int = 0
    rows: int = 0
    rows_differ: int = 0
    dry_runs_wrote: int = 0
    left_by_undone: int = 0
    have: Counter[str] = field(default_factory=Counter)

    @property
    def differ(self) -> int:
        return self.rows_differ + self.dry_runs_wrote + self.left_by_undone

    def __str__(self) -> str:
        have = ", ".join(f"{count} {what}" for what, count in sorted(self.have.items()))
        return (
            f"{self.members} members moved with {self.lots} lots of {self.points} points and"
            f" {self.owed} owed; {have}\n"
            f"{self.rows} rows compared: {self.rows_differ} of who moved are others;"
            f" {self.dry_runs_wrote} dry runs wrote; {self.left_by_undone} rows left by undone"
            " batches\n"
            f"{self.differ} differ"
        )


class Household:
    """A store of drawn people in one installation."""

    def __init__(self, town: Town, shop: Shop, folder: Path) -> None:
        self.town, self.shop, self.folder = town, shop, folder
        self.loyalty = Loyalty(town.system.tools)
        self.vault = town.system.tools.vault

    async def see(self, records: Sequence[Customer | Order]) -> None:
        """Have the store tell of records, and settle."""
        row, seen = await self.shop.row(), [Seen(one) for one in records]
        for first in range(0, len(seen), TOGETHER):
            part = seen[first : first + TOGETHER]
            await self.town.system.records.take_in(row, part, self.town.clock())
        await self.shop.quiet()
        await worker.drain(self.town.system)

    async def export(self, name: str) -> Exported:
        writing = Export(self.loyalty, await self.shop.row(), self.vault, self.town.clock())
        return await writing.write(self.folder / name, lambda done: None)

    async def move_in(self, file: Path, *, writes: bool = True) -> tuple[str, int]:
        """Import a file of members; return its batch and how many lines were new."""
        row, now, done = await self.shop.row(), self.town.clock(), 0
        moved = await examined(self.loyalty, row, self.vault, file, now)
        assert moved.troubles == []
        if writes:
            mover = Mover(row, self.vault, now, self.town.system.tools.ids)
            done = await mover.take_over(moved, file, lambda count: None)
            await worker.drain(self.town.system)
        return moved.batch, done

    def rows(self, name: str) -> Counter[str]:
        """Return what an export says of each member, and each balance that is not nothing."""
        lines = (self.folder / name / NAME).read_text(encoding="utf-8").splitlines()[1:-1]
        with (self.folder / name / "accounts.csv").open(encoding="utf-8", newline="") as file:
            balances = [row for row in csv.reader(file) if row[2:] != ["0", "0"]]
        return Counter([*lines, *(",".join(row) for row in balances)])


def customers_of(rng: random.Random, count: int) -> list[Customer]:
    """Draw people; every tenth has the address of another."""
    return [
        Customer(
            id=str(number),
            email=f"{number - (number % 10 == 9)}@example.test",
            first_name="",
            last_name="",
            created_at=BEGAN + timedelta(minutes=rng.randrange(-40_000, 500 * 1440)),
            updated_at=NOW,
        )
        for number in range(count)
    ]


async def decide(one: Household, rng: random.Random, customers: int) -> None:
    """Let people spend and join, and the merchant give, take, place, and import."""
    town, loyalty, row = one.town, one.loyalty, await one.shop.row()
    text = "email;points;expires_at\n" + "".join(
        f"stranger{n}@example.test;{n + 1};{'2027-03-01' if n % 2 else ''}\n" for n in range(12)
    )
    plan = await planned(row, one.vault, text.encode(), {})
    await take_over(loyalty, row, plan, town.clock(), town.system.tools.ids, lambda done: None)
    for n in range(0, customers // 4, 3):
        town.clock.forward(minutes=1)
        guest, _ = guest_account(one.vault, row, f"guest{n}@example.test")
        await loyalty.join(row, guest, str(n * 2))
    listed = customers - NEVER_LISTED  # who has no address can have no code
    for n in range(customers // 2):
        town.clock.forward(minutes=rng.randrange(60))
        account = f"customer:{rng.randrange(customers)}"
        points = rng.choice([0, 0, -400, -30, 20, 300])
        tier = None if points else rng.choice([None, "Silver", "Gold"])
        locks = not points and rng.random() < 0.4
        decision = Decision(key=f"d{n}", reason="drawn", points=points, tier=tier, is_locked=locks)
        await loyalty.decide(row, account, decision)
        try:
            await loyalty.redeem(row, str(rng.randrange(listed)), Choice(reward="off"), f"r{n}")
        except InsufficientPoints:
            continue
    await worker.drain(town.system)


async def moved(town: Town, folder: Path, program: str, rng: random.Random, count: int) -> Moving:
    """Let a store live, its people move, and all of them live on; compare."""
    found, customers = Moving(), count // 8
    known: list[Customer | Order] = [*customers_of(rng, customers)[:-NEVER_LISTED]]
    known += orders_of(rng, count, customers)
    async with opened(town, program) as shop:
        stays = Household(town, shop, folder / "stays")
        await stays.see(known)
        await decide(stays, rng, customers)
        as_of = (await stays.export("before")).as_of
        _describe(found, stays.folder / "before" / NAME)
        town.clock.forward(days=rng.choice([0, 9, 40]), minutes=1)
        later = program.replace(EARN_FROM, f"earn_from = {as_of.isoformat()}")
        async with opened(town, later) as empty, opened(town, later) as other:
            moves = Household(town, empty, folder / "moves")
            never = Household(town, other, folder / "never")
            for one in (moves, never):
                await one.see(known)
            batch = await _move(found, stays, moves)
            for n, wait in enumerate(LATER):
                await _live(town, rng, (stays, moves, never), wait, n, customers)
                await _compare(stays, moves, f"later{n}", found)
            await _undo(found, batch, moves, never)
    return found


async def _move(found: Moving, stays: Household, moves: Household) -> str:
    """Try a file, import it twice, and compare; return its batch."""
    file = stays.folder / "before" / NAME
    before = await moves.shop.rows()
    batch, _ = await moves.move_in(file, writes=False)
    found.dry_runs_wrote += await moves.shop.rows() != before
    assert await moves.move_in(file) == (batch, found.members)
    once = await moves.shop.rows()
    assert await moves.move_in(file) == (batch, 0)
    assert await moves.shop.rows() == once
    await stays.see([])
    await _compare(stays, moves, "moved", found)
    return batch


async def _undo(found: Moving, batch: str, moves: Household, never: Household) -> None:
    """Take the batch back, and compare with who never had it."""
    await undo(await moves.shop.row(), batch, moves.town.clock())
    for one in (moves, never):
        await one.see([])
        await one.export("undone")
    found.left_by_undone += _apart(moves.rows("undone"), never.rows("undone"))
    found.left_by_undone += len((await moves.shop.rows())["link"])


async def _live(
    town: Town,
    rng: random.Random,
    all_: Sequence[Household],
    wait: timedelta,
    turn: int,
    customers: int,
) -> None:
    """Let time go by, and the same orders come to everybody."""
    town.clock.forward(days=wait.days)
    now: datetime = town.clock()
    new = [
        replace(
            order,
            id=f"{turn}-{order.id}",
            placed_at=now,
            paid_at=now,
            updated_at=now,
            refunds=(),
            is_cancelled=False,
            cancelled_at=None,
        )
        for order in orders_of(rng, customers // 3, customers)
    ]
    town.clock.forward(minutes=1)
    for one in all_:
        await one.see(new)


async def _compare(stays: Household, moves: Household, name: str, found: Moving) -> None:
    for one in (stays, moves):
        await one.export(name)
    first, second = stays.rows(name), moves.rows(name)
    found.rows += first.total()
    found.rows_differ += _apart(first, second)


def _apart(first: Counter[str], second: Counter[str]) -> int:
    return max((first - second).total(), (second - first).total())


def _describe(found: Moving, file: Path) -> None:
    """Count what members have."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in file.read_bytes().splitlines()]
    head, *members, _ = rows
    found.members = len(members)
    for one in members:
        lots = one.get("lots", [])
        found.lots += len(lots)
        found.points += sum(lot["points"] for lot in lots)
        found.owed += one.get("owed", 0)
        tier = one.get("tier", {})
        found.have += Counter(
            {
                "guests": "customer_id" not in one,
                "with points on their way": any(
                    lot["available_at"] > head["as_of"] for lot in lots
                ),
                "who owe": "owed" in one,
                "in tiers": "name" in tier,
                "locked": "is_locked" in tier,
                "about to fall": "lapses_at" in tier,
                "with tiers and no points": bool(tier) and not lots,
                "joined by guests": "mailboxes" in one,
            }
        )


def both(folder: Path, count: int, seed: int = 0) -> list[Moving]:
    """Move a store whose points end by lots, and one where they end by inactivity."""

    async def job(empty: str) -> list[Moving]:
        async with founded(empty, folder) as town:
            return [
                await moved(town, folder / f"{seed}-{n}", program, random.Random(seed), count)
                for n, program in enumerate((OWING, IDLE))
            ]

    with databases.empty(folder) as empty:
        return asyncio.run(job(empty))


def main() -> int:
    """Print how far apart they are."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2400
    with tempfile.TemporaryDirectory() as name:
        found = both(Path(name), count)
    for one in found:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"in all: {sum(one.differ for one in found)} differ\n")
    return 1 if any(one.differ for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
