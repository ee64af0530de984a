"""Backfills of a Shopify store by bulk operation: how much memory, how fast, killed or not.

The store is a process of its own: ``python -m tests.flows.bulk serve PORT ORDERS FOLDER``. Each
record of it is a copy of one but for its numbers. It leaves a mark in the folder when a download is
half through, and waits there a little, and one at the end of the file.
"""

import asyncio
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from graphql import DocumentNode

from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.system import running
from platforms.conformance.stage import Basket
from platforms.shopify.fake import create_api
from platforms.shopify.fake.bulk import Results, lines_of
from platforms.shopify.fake.data import Bucket, BulkWays, Row, Shop
from platforms.shopify.fake.schema import prepared
from platforms.shopify.fake.stage import ShopifyStage
from platforms.shopify.operations import operation
from tests import databases
from tests.benchmarks.memory import most_mb
from tests.databases import query
from tests.flows.operator import ROOT, Operator, end
from tests.platforms.shopify.test_bulk import Ground, records
from tests.ports import free_port

CUSTOMERS = 1000
FIRST = 10_000_000
PAUSE_S = 1.0
PATIENCE_S = 600.0
KILLS = ("download", "parsing", "commit")


class Many(Shop):
    """A store whose orders are one order, so many times."""

    orders = 0

    def of(self, kind):
        """See :class:`Shop`."""
        rows: list[Row] = super().of(kind)
        return rows[:1] * self.orders if kind == "order" else []


async def many(orders: int, folder: Path, storage: str) -> Many:
    """Return a store of so many orders, its results ready."""
    shop = Many(bucket=Bucket.endless(), bulk=BulkWays(storage=storage))
    stage = ShopifyStage(shop)
    buyer = await stage.add_customer("maya@example.test")
    goods = [await stage.add_product(f"Tea {n}", "12.50") for n in range(2)]
    basket = Basket(items=[(one, 2) for one in goods], customer_id=buyer)
    order = await stage.place(basket)
    shop.orders = 1
    text = operation("bulk_orders")
    document = prepared(text)
    assert isinstance(document, DocumentNode)
    template = list(lines_of(shop, document))
    shop.orders = orders
    shop.bulk.ready[text] = Results(_copies(template, order, buyer, orders), seed=1)
    downloads = itertools.count()
    shop.bulk.spoiled = lambda lines: _marked(lines, orders, folder, next(downloads))
    return shop


def _copies(
    template: list[tuple[bytes, bool]], order: str, buyer: str, orders: int
) -> Iterator[tuple[bytes, bool]]:
    for n in range(orders):
        for place, (line, is_root) in enumerate(template):
            copy = line.replace(f"Order/{order}".encode(), b"Order/%d" % (FIRST + n))
            copy = copy.replace(buyer.encode(), b"%d" % (FIRST + n % CUSTOMERS))
            if not is_root:
                at = copy.index(b"LineItem/") + len(b"LineItem/")
                copy = copy[:at] + b"%d" % (n * 10 + place + 1) + copy[copy.index(b'"', at) :]
            yield copy, is_root


def _marked(lines: Iterator[bytes], orders: int, folder: Path, number: int) -> Iterator[bytes]:
    """Pass lines on, and leave marks."""
    for place, line in enumerate(lines):
        if place == orders:
            (folder / f"download-{number}").touch()
            time.sleep(PAUSE_S)
        yield line
    (folder / f"parsing-{number}").touch()


def serve(port: str, orders: str, folder: str) -> None:
    """Serve a store on this machine."""
    storage = f"http://127.0.0.1:{port}"
    shop = asyncio.run(many(int(orders), Path(folder), storage))
    uvicorn.run(create_api(shop), port=int(port), log_level="warning")


async def read(store: str) -> None:
    """Read a whole store; tell how long it took and the most memory."""
    async with running(Settings.from_env(), lambda: datetime.now(UTC)) as system:
        row = await StoreRow.get(id=store)
        began = time.perf_counter()
        progress = await system.passes.run(row, "sync")
        seconds = time.perf_counter() - began
    orders = progress.seen["order"]
    told = {"orders": orders, "seconds": seconds, "memory_mb": most_mb("self")}
    sys.stdout.write(json.dumps(told) + "\n")


@dataclass(frozen=True)
class Read:
    """What a backfill took."""

    orders: int
    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Held:
    """What a database holds at the end; ``content`` sums up all orders."""

    orders: int
    content: str


class Store:
    """A store of many orders in a process of its own, and Perennial beside it."""

    def __init__(self, folder: Path, processes: ExitStack, orders: int) -> None:
        self.operator = Operator(folder, processes)
        self._folder = folder
        port = free_port()
        words = ("serve", str(port), str(orders), str(folder))
        server = subprocess.Popen([sys.executable, "-m", "tests.flows.bulk", *words], cwd=ROOT)
        processes.callback(end, server)
        self._url = f"http://127.0.0.1:{port}"
        self._wait(lambda: _answers(self._url))
        databases.migrate(self.operator.database)
        self.id = databases.apart(self._connect)

    async def _connect(self) -> str:
        shop = Shop()
        access = {
            "url": self._url,
            "client_id": shop.client_id,
            "client_secret": shop.client_secret,
        }
        async with running(Settings.from_env(self.operator.env)) as system:
            store = await system.stores.connect("shopify", access, system.tools.clock())
        return store.id

    @staticmethod
    def _wait(happens) -> None:
        until = time.monotonic() + PATIENCE_S
        while not happens():
            assert time.monotonic() < until, "it never happened"
            time.sleep(0.002)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start a process that reads the store."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.bulk", "read", self.id],
            cwd=ROOT,
            env=os.environ | self.operator.env,
            stdout=subprocess.PIPE,
        )
        self.operator.processes.callback(end, process)
        return process

    def read(self) -> Read:
        """Read all of it, undisturbed."""
        process = self.start()
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        return Read(**json.loads(out))

    def kill(self, when: str, number: int) -> None:
        """Read, and kill the process while it downloads, reads the file or keeps a page."""
        process = self.start()
        if when == "commit":
            before = self.count()
            self._wait(lambda: self.count() > before)
        else:
            self._wait((self._folder / f"{when}-{number}").exists)
        assert process.poll() is None, f"it ended before it was killed in {when}"
        process.kill()
        process.communicate()

    def count(self) -> int:
        """Return how many orders are held."""
        ((found,),) = query(self.operator.database, 'SELECT count(*) FROM "order"')
        return int(found)

    def cursor(self) -> str:
        """Return where the pass goes on."""
        ((found,),) = query(self.operator.database, "SELECT cursor FROM pass")
        return str(found)

    def held(self) -> Held:
        """Return what is held."""
        columns = "platform_id, account, body"
        rows = query(self.operator.database, f'SELECT {columns} FROM "order" ORDER BY platform_id')
        assert len({row[0] for row in rows}) == len(rows)
        digest = hashlib.sha256(b"".join(repr(tuple(row)).encode() for row in rows)).hexdigest()
        return Held(len(rows), digest)


def _answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def survived(folder: Path, orders: int) -> tuple[Held, Held, list[str]]:
    """Return what is held after kills and without, and the operations that were gone on with."""
    with ExitStack() as processes:
        folders = [folder / name for name in ("killed", "undisturbed")]
        for one in folders:
            one.mkdir()
        killed, undisturbed = (Store(one, processes, orders) for one in folders)
        operations = []
        for number, when in enumerate(KILLS):
            killed.kill(when, number)
            operations.append(killed.cursor().split("|")[1])
        assert 0 < killed.count() < orders, "the last kill came too late"
        killed.read()
        undisturbed.read()
        return killed.held(), undisturbed.held(), operations


def measured(folder: Path, orders: int) -> Read:
    """Return what a backfill of so many orders took."""
    folder.mkdir()
    with ExitStack() as processes:
        return Store(folder, processes, orders).read()


async def differing(orders: int) -> int:
    """Return how many of so many orders are others in bulk than by pages."""
    ground = Ground(seed=1)
    await ground.fill(orders)
    in_bulk = await records(ground.client(1), "order")
    by_pages = await records(ground.client(orders + 1), "order")
    assert len(by_pages) == orders
    return sum(in_bulk.get(id_) != one for id_, one in by_pages.items())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        asyncio.run(read(sys.argv[2]))
