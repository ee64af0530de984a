"""Fifty redemptions of one account at once: how many were admitted, and what it left.

``python -m tests.flows.contention`` prints the sums, within one process and between several.
Rewards with a stock of their own come with the issue that adds them, and their part of this too.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from connector import worker
from connector.ledger.models import EntryRow
from tests import databases
from tests.databases import ENGINE, query
from tests.flows.operator import PROGRAM as ONE_FOR_ONE
from tests.flows.operator import Operator
from tests.flows.recorded_ways import part_of
from tests.flows.test_commands import Office
from tests.ports import free_port
from tests.town import PROGRAM, Town, founded

ASKED, KEYS = 50, 40
"""Ten of the keys come twice: a phone that asks again."""
ORDERS = 120
COUNT = 30  # redemptions that the account in the recorded store has points for
SERVES = {"sqlite": 1, "postgres": 2}[ENGINE]
PATIENCE_S = 60.0
Answers = Sequence[tuple[str, httpx.Response]]


@dataclass(frozen=True)
class Sums:
    """What fifty asked for, and what they got."""

    what: str
    start: int
    cost: int
    earned: int
    keys_granted: int
    keys_refused: int
    rows: int
    debits: int
    lowest: int
    available: int

    def __str__(self) -> str:
        asked = f"{ASKED} asked with {KEYS} keys"
        sums = f"{self.start} + {self.earned} - {self.keys_granted} x {self.cost}"
        found = f"{self.keys_granted} granted, {self.keys_refused} refused, {self.debits} debits"
        return f"{ENGINE}, {self.what}: {asked}: {found}: {sums} = {self.available}"

    @property
    def holds(self) -> bool:
        """Whether as many were granted as the points were enough for, and each was paid once."""
        count = self.start // self.cost
        return (
            (self.keys_granted, self.keys_refused) == (count, KEYS - count)
            and self.rows == self.debits == count
            and self.available == self.start + self.earned - count * self.cost
            and self.lowest >= 0
        )


def key(number: int) -> str:
    return f"key-of-redemption-{number % KEYS}"


def told(answers: Answers) -> tuple[int, int]:
    """Return how many keys were granted and how many refused; one key gets one answer."""
    by_key: defaultdict[str, set[int]] = defaultdict(set)
    for name, answer in answers:
        by_key[name].add(answer.status_code)
    found = [frozenset(codes) for codes in by_key.values()]
    assert set(found) <= {frozenset({201}), frozenset({409})}, by_key
    return found.count(frozenset({201})), found.count(frozenset({409}))


def lowest(points: Sequence[int]) -> int:
    """Return the least that entries in this order ever came to."""
    sums = [0]
    for one in points:
        sums.append(sums[-1] + one)
    return min(sums)


async def in_process(town: Town, *, is_busy: bool, count: int = 20) -> Sums:
    """Ask within one process; ``is_busy``: while it settles, and an order more is delivered."""
    await town.connect(PROGRAM)
    maya, coffee = town.shopper(), town.product("10.00")
    for _ in range(count):
        town.order(coffee, 10, maya)  # 500 points each, and a reward costs as many
    await town.settle()
    start = (await town.visitor(maya))["available"]

    async def busy() -> None:
        if is_busy:
            town.order(coffee, 2, maya)
            await town.shop.deliveries_done()
            await worker.drain(town.system)

    async def ask(number: int) -> tuple[str, httpx.Response]:
        if number % 2 and is_busy:
            await asyncio.sleep(0.1)
        return key(number), await town.redeem(maya, Idempotency_Key=key(number))

    answers, _ = await asyncio.gather(asyncio.gather(*map(ask, range(ASKED))), busy())
    granted, refused = told(answers)
    await town.settle()
    entries = await EntryRow.all().order_by("id")
    visitor = await town.visitor(maya)
    issued = sum(one["amount"] == "5.00" for one in town.shop.all("coupon"))
    assert issued == granted
    return Sums(
        what="one process, settling" if is_busy else "one process, at rest",
        start=start,
        cost=500,
        earned=100 if is_busy else 0,
        keys_granted=granted,
        keys_refused=refused,
        rows=len(visitor["redemptions"]),
        debits=sum(one.kind == "redeem" for one in entries),
        lowest=lowest([one.points for one in entries]),
        available=visitor["available"],
    )


def between_processes(folder: Path) -> Sums:
    """Ask as many web processes as the database allows, while a worker settles and issues."""
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        url = operator.serve_store(part_of(folder / "store", ORDERS))
        store = operator.known(url)
        account, start = richest(operator.database)
        cost = start // COUNT
        reward = f'[[reward]]\nid = "off"\nkind = "amount_off"\ncost = {cost}\n'
        program = folder / "with-reward.toml"
        program.write_text(ONE_FOR_ONE + reward + "value_minor = { USD = 100 }\n", encoding="utf-8")
        operator.run("program", store, "--publish", str(program))
        ports = [operator.public_port, free_port()][:SERVES]
        addresses = [operator.serve(port)[0] for port in ports]
        operator.start("worker")
        customer = account.removeprefix("customer:")
        headers = {"Authorization": f"Bearer {operator.visitor_token(store, customer)}"}
        with ThreadPoolExecutor(1) as thread:
            noted = thread.submit(note, Office(url), customer)
            answers = asyncio.run(_asked(addresses, store, headers))
            assert noted.result() > 0
        granted, refused = told(answers)
        mine = f"store = '{store}' AND account = '{account}'"
        entries = query(
            operator.database, f"SELECT kind, points FROM entry WHERE {mine} ORDER BY id"
        )
        ((rows,),) = query(operator.database, f"SELECT count(*) FROM redemption WHERE {mine}")
    return Sums(
        what=f"{SERVES} serve and a worker",
        start=start,
        cost=cost,
        earned=0,
        keys_granted=granted,
        keys_refused=refused,
        rows=rows,
        debits=sum(kind == "redeem" for kind, _ in entries),
        lowest=lowest([points for _, points in entries]),
        available=sum(points for _, points in entries),
    )


def richest(database: str) -> tuple[str, int]:
    """Return the customer's account with the most points, and how many."""
    sql = "SELECT account, sum(points) AS held FROM entry WHERE account LIKE 'customer:%'"
    ((account, held),) = query(database, f"{sql} GROUP BY account ORDER BY held DESC LIMIT 1")
    return str(account), int(held)


def note(office: Office, customer: str) -> int:
    """Have the store deliver all of a customer's orders again, changed in no number."""
    mine = office.call("GET", f"/orders?customer={customer}&per_page=20").json()
    for order in mine:
        office.call("PUT", f"/orders/{order['id']}", {"customer_note": "Thank you"})
    return len(mine)


async def _asked(addresses: Sequence[str], store: str, headers: dict[str, str]) -> Answers:
    limits = httpx.Limits(max_connections=ASKED)
    async with httpx.AsyncClient(timeout=PATIENCE_S, limits=limits) as http:

        async def ask(number: int) -> tuple[str, httpx.Response]:
            address = addresses[number % len(addresses)]
            answer = await http.post(
                f"{address}/storefront/v1/redemptions",
                params={"store": store},
                headers={**headers, "X-Perennial": "1", "Idempotency-Key": key(number)},
                json={"reward": "off"},
            )
            return key(number), answer

        return await asyncio.gather(*map(ask, range(ASKED)))


async def all_in_process(folder: Path) -> list[Sums]:
    sums = []
    with databases.empty(folder) as empty:
        for is_busy in (False, True):
            async with founded(empty, folder) as town:
                sums.append(await in_process(town, is_busy=is_busy))
    return sums


def main() -> int:
    """Print the sums and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(all_in_process(Path(name)))
        found.append(between_processes(Path(name)))
    sys.stdout.writelines(f"{one}\n" for one in found)
    wrong = sum(not one.holds for one in found)
    sys.stdout.write(f"{ENGINE}: {len(found)} times {ASKED} at once, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
