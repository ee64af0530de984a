"""Fifty redemptions at once, of one account and of one limited reward: how many were admitted.

``python -m tests.flows.contention`` prints the sums, within one process and between several.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from connector import worker
from connector.ledger.models import EntryRow
from connector.rewards.models import RedemptionRow
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
ORDERS = 150
COUNT = 30  # redemptions that the account in the recorded store has points for
STOCK = 20
SERVES = {"sqlite": 1, "postgres": 2}[ENGINE]
PATIENCE_S = 60.0
REWARDS = """
[[reward]]
id = "off"
kind = "amount_off"
cost = {cost}
value_minor = {{ USD = 100 }}

[[reward]]
id = "few"
kind = "amount_off"
cost = 1
value_minor = {{ USD = 200 }}
stock = 20
"""
Answer = tuple[str, httpx.Response]
Answers = Sequence[Answer]


@dataclass(frozen=True)
class Sums:
    """What fifty asked for, and what they got."""

    what: str
    keys: int
    count: int  # that may be granted
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
        asked = f"{ASKED} asked with {self.keys} keys"
        sums = f"{self.start} + {self.earned} - {self.keys_granted} x {self.cost}"
        found = f"{self.keys_granted} granted, {self.keys_refused} refused, {self.debits} debits"
        return f"{ENGINE}, {self.what}: {asked}: {found}: {sums} = {self.available}"

    @property
    def holds(self) -> bool:
        """Whether as many were granted as there were points or places for, each paid once."""
        return (
            (self.keys_granted, self.keys_refused) == (self.count, self.keys - self.count)
            and self.rows == self.debits == self.count
            and self.available == self.start + self.earned - self.count * self.cost
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
        keys=KEYS,
        count=start // 500,
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


async def limited(town: Town) -> Sums:
    """Let fifty shoppers ask for one reward, of which there are twenty, within one process."""
    await town.connect(f"{PROGRAM}stock = {STOCK}\n")
    coffee = town.product("10.00")
    emails = [f"shopper{number}@example.test" for number in range(ASKED)]
    people = [town.shopper(email) for email in emails]
    for who, email in zip(people, emails, strict=True):
        town.order(coffee, 12, who, email=email)  # 600 points each
    await town.settle()
    start = await _available(town, people)

    async def ask(who: int) -> tuple[str, httpx.Response]:
        return str(who), await town.redeem(who)

    granted, refused = told(await asyncio.gather(*map(ask, people)))
    await town.settle()
    assert sum(one["amount"] == "5.00" for one in town.shop.all("coupon")) == granted
    entries = await EntryRow.all().order_by("id")
    return Sums(
        what=f"one process, a reward of which there are {STOCK}",
        keys=ASKED,
        count=STOCK,
        start=start,
        cost=500,
        earned=0,
        keys_granted=granted,
        keys_refused=refused,
        rows=await RedemptionRow.filter(reward_id="5-off").count(),
        debits=sum(one.kind == "redeem" for one in entries),
        lowest=min(lowest(one) for one in by_account((e.account, e.points) for e in entries)),
        available=await _available(town, people),
    )


async def _available(town: Town, people: Sequence[int]) -> int:
    return sum([(await town.visitor(who))["available"] for who in people])


def by_account(entries: Iterable[tuple[str, int]]) -> Iterable[Sequence[int]]:
    """Return the points of each account's entries, in their order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for account, points in entries:
        found[account].append(points)
    return found.values()


@dataclass(frozen=True)
class Counter:
    """A store's web processes, and a worker beside them."""

    operator: Operator
    store: str
    addresses: Sequence[str]

    def asked(self, reward: str, asks: Iterable[tuple[str, str]]) -> Answers:
        """Ask for a reward all at once, each under its key and for its customer."""
        limits = httpx.Limits(max_connections=ASKED)
        addresses = cycle(self.addresses)

        async def all_at_once() -> Answers:
            async with httpx.AsyncClient(timeout=PATIENCE_S, limits=limits) as http:
                return await asyncio.gather(*(ask(http, *one) for one in asks))

        async def ask(http: httpx.AsyncClient, name: str, customer: str) -> Answer:
            token = self.operator.visitor_token(self.store, customer)
            headers = {"X-Perennial": "1", "Idempotency-Key": name}
            answer = await http.post(
                f"{next(addresses)}/storefront/v1/redemptions",
                params={"store": self.store},
                headers=headers | {"Authorization": f"Bearer {token}"},
                json={"reward": reward},
            )
            return name, answer

        return asyncio.run(all_at_once())

    def entries(self, reward: str, customers: Sequence[str]) -> list[tuple[str, str, int]]:
        """Return account, kind and points of customers' entries, redemptions of one reward only."""
        accounts = ", ".join(f"'customer:{one}'" for one in customers)
        sql = (
            f"SELECT account, kind, points FROM entry WHERE store = '{self.store}' AND account IN"
            f" ({accounts}) AND (kind <> 'redeem' OR cause IN (SELECT 'redemption:' || id FROM"
            f" redemption WHERE reward_id = '{reward}')) ORDER BY id"
        )
        return [
            (str(one), str(kind), int(n)) for one, kind, n in query(self.operator.database, sql)
        ]

    def sums(self, answers: Answers, customers: Sequence[str], reward: str, **known: Any) -> Sums:
        """Return what the ledger says after these answers."""
        granted, refused = told(answers)
        entries = self.entries(reward, customers)
        count = f"SELECT count(*) FROM redemption WHERE reward_id = '{reward}'"
        ((rows,),) = query(self.operator.database, count)
        return Sums(
            earned=0,
            keys_granted=granted,
            keys_refused=refused,
            rows=rows,
            debits=sum(kind == "redeem" for _, kind, _ in entries),
            lowest=min(lowest(one) for one in by_account((who, n) for who, _, n in entries)),
            available=sum(points for _, _, points in entries),
            **known,
        )


def between_processes(folder: Path) -> list[Sums]:
    """Ask as many web processes as the database allows, while a worker settles and issues.

    First all of one account, then fifty accounts for a reward of which there are twenty.
    """
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        url = operator.serve_store(part_of(folder / "store", ORDERS))
        store = operator.known(url)
        (richest, start), *others = holders(operator.database)
        cost = start // COUNT
        program = folder / "with-rewards.toml"
        program.write_text(ONE_FOR_ONE + REWARDS.format(cost=cost), encoding="utf-8")
        operator.run("program", store, "--publish", str(program))
        ports = [operator.public_port, free_port()][:SERVES]
        counter = Counter(operator, store, [operator.serve(port)[0] for port in ports])
        operator.start("worker")
        what = f"{SERVES} serve and a worker"
        with ThreadPoolExecutor(1) as thread:
            noted = thread.submit(note, Office(url), richest)
            answers = counter.asked("off", [(key(number), richest) for number in range(ASKED)])
            assert noted.result() > 0
        known = {"what": what, "keys": KEYS, "count": start // cost, "start": start, "cost": cost}
        one = counter.sums(answers, [richest], "off", **known)

        many = [customer for customer, _ in others[:ASKED]]
        answers = counter.asked("few", [(f"key-of-customer-{one}", one) for one in many])
        held = sum(points for _, points in others[:ASKED])
        what += f", a reward of which there are {STOCK}"
        known = {"what": what, "keys": ASKED, "count": STOCK, "start": held, "cost": 1}
        return [one, counter.sums(answers, many, "few", **known)]


def holders(database: str) -> list[tuple[str, int]]:
    """Return the customers who hold points, the richest first, and how many."""
    sql = (
        "SELECT account, sum(points) AS held FROM entry WHERE account LIKE 'customer:%'"
        " GROUP BY account HAVING sum(points) > 0 ORDER BY held DESC, account"
    )
    found = query(database, sql)
    return [(account.removeprefix("customer:"), int(held)) for account, held in found]


def note(office: Office, customer: str) -> int:
    """Have the store deliver all of a customer's orders again, changed in no number."""
    mine = office.call("GET", f"/orders?customer={customer}&per_page=20").json()
    for order in mine:
        office.call("PUT", f"/orders/{order['id']}", {"customer_note": "Thank you"})
    return len(mine)


async def all_in_process(folder: Path) -> list[Sums]:
    sums = []
    with databases.empty(folder) as empty:
        for is_busy in (False, True):
            async with founded(empty, folder) as town:
                sums.append(await in_process(town, is_busy=is_busy))
        async with founded(empty, folder) as town:
            sums.append(await limited(town))
    return sums


def main() -> int:
    """Print the sums and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(all_in_process(Path(name)))
        found += between_processes(Path(name))
    sys.stdout.writelines(f"{one}\n" for one in found)
    wrong = sum(not one.holds for one in found)
    sys.stdout.write(f"{ENGINE}: {len(found)} times {ASKED} at once, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
