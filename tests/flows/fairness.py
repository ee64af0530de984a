"""How long a store's delivery waits for its points while another store's fill the inbox.

``python -m tests.flows.fairness [WAITING]`` prints the seconds. The waiting deliveries are put
into the inbox by SQL, each of an order of its own; everything else goes by HTTP and commands.
"""

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from platforms.woocommerce.fake.webhooks import php_json
from tests.databases import ENGINE, apart, query
from tests.flows.histories import PLAIN
from tests.flows.kills import EACH, NEVER, Sender
from tests.flows.operator import Operator

WITHIN_S = 5.0
GUESTS = 5000  # whose orders wait: no account grows large
COLUMNS = ("store", "key", "headers", "body", "received_at", "state", "trouble")
BEGUN = 100  # deliveries read: then the workers are at it
BATCH = 5000


@dataclass(frozen=True)
class Waited:
    """What stood before a delivery, and how long its points took; None: not in all the time."""

    engine: str
    workers: int
    waiting: int
    read_meanwhile: int
    seconds: float | None

    @property
    def holds(self) -> bool:
        return self.seconds is not None and self.seconds <= WITHIN_S

    def __str__(self) -> str:
        took = "not in time" if self.seconds is None else f"settled after {self.seconds:.2f} s"
        beside = f"{self.workers} workers, beside {self.waiting} waiting"
        return f"{self.engine}, {beside}: {took}; {self.read_meanwhile} others were read meanwhile"


def waited(folder: Path, count: int, patience_s: float) -> Waited:
    """Fill the inbox with one store's deliveries, then time another's."""
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        busy, small = (
            Sender(random.Random(number), folder / f"log{number}") for number in range(2)
        )
        stores = []
        for sender in (busy, small):
            sender.start()
            processes.callback(sender.end)
            operator.wait_for(sender.port)
            stores.append(operator.known(sender.url, PLAIN))
        query(operator.database, f"UPDATE store SET reconcile_at = '{NEVER}'")
        address, _ = operator.serve(operator.public_port)
        post(address, busy.sold())
        fill(operator.database, stores[0], count)
        for _ in range(EACH):
            operator.start("worker")
        wait(operator, f"SELECT count(*) >= {BEGUN} FROM inbox WHERE state = 'done'", 60.0)
        before = waiting(operator)
        began = time.monotonic()
        post(address, small.sold())
        settled = f"SELECT count(*) > 0 FROM entry WHERE store = '{stores[1]}'"
        is_settled = wait(operator, settled, patience_s)
        seconds = time.monotonic() - began
        read = before - waiting(operator)
    return Waited(ENGINE, EACH, before, read, seconds if is_settled else None)


def post(address: str, request: httpx.Request) -> None:
    """Deliver to us what a store sent."""
    answer = httpx.post(
        f"{address}{request.url.path}", content=request.content, headers=request.headers, timeout=30
    )
    assert answer.status_code == 200, answer.text


def wait(operator: Operator, sql: str, patience_s: float) -> bool:
    """Wait until the database says so; return whether it did."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        ((said,),) = query(operator.database, sql)
        if said:
            return True
        time.sleep(0.1)
    return False


def waiting(operator: Operator) -> int:
    ((count,),) = query(operator.database, "SELECT count(*) FROM inbox WHERE state = 'waiting'")
    return int(count)


def fill(database: str, store: str, count: int) -> None:
    """Have so many deliveries wait: as the one that came, but each of another order."""
    sql = f"SELECT headers, body, received_at FROM inbox WHERE store = '{store}'"
    ((headers, body, received_at),) = query(database, sql)
    order = json.loads(bytes(body))

    def rows() -> Iterator[Sequence[Any]]:
        for number in range(count):
            id_ = order["id"] + 1 + number
            email = f"waiting{number % GUESTS}@example.test"
            other = order | {"id": id_, "number": str(id_), "customer_id": 0}
            other["billing"] = order["billing"] | {"email": email}
            text = php_json(other)
            yield (store, f"waiting-{number}", headers, text, received_at, "waiting", "")

    if ENGINE == "sqlite":
        marks = ", ".join("?" * len(COLUMNS))
        path = database.removeprefix("sqlite://")
        with closing(sqlite3.connect(path)) as connection, connection:
            insert = f"INSERT INTO inbox ({', '.join(COLUMNS)}) VALUES ({marks})"
            connection.executemany(insert, rows())
        return

    async def copy() -> None:
        connection = await asyncpg.connect(database)
        left = rows()
        while some := list(islice(left, BATCH)):
            await connection.copy_records_to_table("inbox", records=some, columns=COLUMNS)
        await connection.close()

    apart(copy)


def main(words: Sequence[str]) -> int:
    """Print the seconds and return the exit code."""
    count = int(words[0]) if words else 500_000
    with tempfile.TemporaryDirectory() as name:
        result = waited(Path(name), count, patience_s=60.0)
    sys.stdout.write(f"{result}\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
