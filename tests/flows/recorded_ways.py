"""Ways by which a recorded store can come to be known, which must all end in the same ledger.

Each returns what went in and what came out: ``held`` by account from the export, ``entries`` as
the net of each ledger key. ``orders`` bounds the recorded store, for the quick runs.
"""

import gzip
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connector.commerce.models import StoreRow
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from connector.sync.passes import Aim
from platforms.woocommerce.fake import Site, load, refunds
from platforms.woocommerce.fake import orders as fake_orders
from platforms.woocommerce.fake.errors import Record
from tests.databases import query
from tests.flows.operator import KEY, PROGRAM, RECORDED, SECRET, Operator, read_export
from tests.flows.recorded_oracle import Account
from tests.town import SHOP, Town, founded

SITE = Site(url=SHOP, name="Northlight", currency="USD", timezone="America/New_York")
LOST = 0.4
REPEATS_MAX = 3
SILENT = 3  # refunds deleted of which no webhook tells
KILL_WITHIN_S = (0.5, 8.0)  # of a page kept: between pages, fetching or settling
QUIET = timedelta(days=10_000)
Ledger = dict[tuple[str, str, str], int]


@dataclass(frozen=True)
class Outcome:
    """What Perennial holds at the end."""

    held: dict[Account, int]
    entries: Ledger
    details: str = ""


def differing(held: dict[Account, int], expected: dict[Account, int]) -> int:
    """Return how many accounts hold another balance than expected."""
    return sum(held.get(one, 0) != expected.get(one, 0) for one in {*held, *expected})


def part_of(folder: Path, orders: int) -> Path:
    """Write the first so many orders of the recorded store, and all else, into a folder."""
    folder.mkdir()
    kept: set[int] = set()
    for name in ("orders", "customers", "products", "coupons", "refunds"):
        with gzip.open(RECORDED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        if name == "orders":
            records = sorted(records, key=lambda one: one["id"])[:orders]
            kept = {one["id"] for one in records}
        if name == "refunds":
            records = [one for one in records if one["parent_id"] in kept]
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(one) + "\n" for one in records)
    (folder / "site.json").write_bytes((RECORDED / "site.json").read_bytes())
    return folder


def net(rows: list[tuple[str, str, str, int]]) -> Ledger:
    """Return the net of each ledger key, but for those that come to nothing."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for cause, kind, effective_at, points in rows:
        sums[cause, kind, str(effective_at)[:19].replace("T", " ")] += points
    return {key: points for key, points in sums.items() if points}


def killed(folder: Path, recorded: Path, times: int, seed: int) -> Outcome:
    """Sync, killed so many times while it is at work, then once to its end."""
    rng = random.Random(seed)
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        store = connected(operator, operator.serve_store(recorded))
        database = operator.database
        at: list[str] = []
        while len(at) < times:
            before = progress(database)
            process, _, _ = operator.start("sync", store)
            while progress(database) == before and process.poll() is None:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, rng.choice(KILL_WITHIN_S)))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                at.append(settled(database))
            process.wait()
        operator.run("sync", store)
        again = operator.run_json("sync", store)
        operator.run("export", store, str(folder / "exported"))
        ledger = net(query(database, "SELECT cause, kind, effective_at, points FROM entry"))
    _, rows = read_export(folder / "exported" / "accounts.csv")
    details = f"killed with {at} orders and entries; a sync more changed {again['changed']}"
    return Outcome({row.account: row.available for row in rows}, ledger, details)


def connected(operator: Operator, url: str) -> str:
    """Connect a store by the command line and publish; return its id."""
    program = operator.folder / "program.toml"
    program.write_text(PROGRAM, encoding="utf-8")
    operator.run("migrate")
    keys = ("--url", url, "--key", KEY, "--secret", SECRET)
    store = str(operator.run_json("connect", "woocommerce", *keys)["store"])
    operator.run("program", store, "--publish", str(program))
    return store


def settled(database: str) -> str:
    """Return how many orders and ledger entries there are, such as ``760/312``."""
    ((entries,),) = query(database, "SELECT count(*) FROM entry")
    return f"{progress(database)[0]}/{entries}"


def progress(database: str) -> tuple[int, str]:
    """Return how many orders are held, and where the pass goes on, as another process sees it."""
    ((held,),) = query(database, 'SELECT count(*) FROM "order" WHERE body IS NOT NULL')
    return int(held), str(query(database, "SELECT listing, cursor FROM pass"))


async def backfilled(empty: str, folder: Path, recorded: Path) -> Outcome:
    """One sync, undisturbed: what the others are compared with."""
    async with founded(empty, folder, SITE) as town:
        load(town.shop, recorded)
        await begun(town)
        await passed(town, "sync")
        return await outcome(town, folder)


async def by_webhooks(empty: str, folder: Path, recorded: Path, seed: int) -> Outcome:
    """No listing is read: every record is delivered, shuffled and up to thrice; then an audit."""
    rng = random.Random(seed)
    async with founded(empty, folder, SITE) as town:
        load(town.shop, recorded)
        await begun(town)
        told = [
            (f"{kind}.{event}", number)
            for kind in ("order", "customer", "product")
            for number in town.shop.records[kind]
            for event in rng.choices(("created", "updated"), k=rng.randint(1, REPEATS_MAX))
        ]
        rng.shuffle(told)
        for place, (topic, number) in enumerate(told):
            town.shop.emit(topic, number)
            if place % 50 == 0:
                await town.settle()
        await town.settle()
        before = await outcome(town, folder / "before")
        audit = await passed(town, "audit")
        after = await outcome(town, folder)
        details = f"{len(told)} deliveries; the audit changed {audit} records"
        assert before.entries == after.entries
        return Outcome(after.held, after.entries, details)


async def with_loss(empty: str, folder: Path, recorded: Path, seed: int) -> Outcome:
    """Half the orders are there; the rest happen while 40 % of the webhooks are lost.

    Of some things no webhook tells at all: refunds deleted again, and an order purged, which keeps
    the points of its last state and is left out of what is compared.
    """
    rng = random.Random(seed)
    async with founded(empty, folder, SITE) as town:
        load(town.shop, recorded)
        held = town.shop.records["order"]
        by_change = sorted(held.values(), key=lambda one: (one["date_modified_gmt"], one["id"]))
        later = by_change[len(by_change) // 2 :]
        for order in later:
            del held[order["id"]]
        coffee = next(iter(town.shop.records["product"]))
        purged = town.order(coffee, 1, email="purged@example.test")
        purged |= {name: by_change[0][name] for name in ("date_modified", "date_modified_gmt")}
        await begun(town)
        await passed(town, "sync")
        lost = await lived(town, later, rng)
        fake_orders.delete(town.shop, purged, force=True)
        reconciled, audited = await passed(town, "reconcile"), await passed(town, "audit")
        result = await outcome(town, folder)
    result.held.pop(("guest", "purged@example.test"))
    entries = {k: v for k, v in result.entries.items() if k[0] != f"order:{purged['id']}"}
    details = f"{lost} of {2 * len(later)} lost; reconcile changed {reconciled}, audit {audited}"
    return Outcome(result.held, entries, details)


async def lived(town: Town, later: Sequence[Record], rng: random.Random) -> int:
    """Let the orders happen; return how many of their webhooks were lost."""
    lost = 0
    for place, order in enumerate(later):
        town.shop.records["order"][order["id"]] = order
        for topic in ("order.created", "order.updated"):
            if rng.random() < LOST:
                lost += 1
            else:
                town.shop.emit(topic, order["id"])
        if place % 50 == 0:
            await town.settle()
    await town.settle()
    doomed = [one for one in later if refunds.remaining(town.shop, one) >= 100][:SILENT]
    for order in doomed:
        refund = refunds.create(town.shop, order, {"amount": "1.00"})
        await town.settle()
        refunds.delete(town.shop, order, refund)
    return lost


async def begun(town: Town) -> None:
    """Connect and publish; from then on no pass is due by itself."""
    access = {"url": SHOP, "key": "ck_town", "secret": "cs_town"}
    store = await town.system.stores.connect("woocommerce", access, town.clock())
    town.store = store.id
    town.clock.forward(days=2)  # past all that was recorded
    await Loyalty(town.system.tools).programs.publish(store, PROGRAM)
    await quiet(town)


async def passed(town: Town, aim: Aim) -> int:
    """Make a pass and settle; return how many records it changed."""
    progress = await town.system.passes.run(await StoreRow.get(id=town.store), aim)
    await quiet(town)
    await town.settle()
    return progress.changed


async def quiet(town: Town) -> None:
    """Have no pass fall due by itself."""
    await StoreRow.filter(id=town.store).update(reconcile_at=town.clock() + QUIET)


async def outcome(town: Town, folder: Path) -> Outcome:
    """Export, and read the ledger."""
    await town.export(folder / "exported")
    _, rows = read_export(folder / "exported" / "accounts.csv")
    entries = await EntryRow.all()
    keys = [(one.cause, one.kind, one.effective_at.isoformat(), one.points) for one in entries]
    return Outcome({row.account: row.available for row in rows}, net(keys))
