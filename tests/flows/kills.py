"""Web and worker processes killed at random while a store delivers fifty times a second.

``python -m tests.flows.kills [ROUNDS [SEED]]`` prints what was acknowledged, what was lost of it,
what differs from a clean backfill, and how long work stood still. The store and its sender live in
this process, outside those that are killed; each 2xx is noted in a file.
"""

import asyncio
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from connector.web import servers
from platforms.model import Delivery
from platforms.woocommerce.adapter import PLATFORM
from platforms.woocommerce.fake import FakeStore, Site, World, create_fake
from tests.databases import ENGINE, query
from tests.flows.histories import PLAIN, Kept, Stall, Step
from tests.flows.operator import KEY, SECRET, Operator, end, is_open
from tests.flows.recorded_ways import Ledger
from tests.ports import free_port

RATE = 50  # deliveries a second
EACH = {"sqlite": 1, "postgres": 2}[ENGINE]  # web processes, and as many workers
PEOPLE = 40  # customers, and as many guests
WHATS = ("order",) * 8 + ("unpaid", "pay", "cancel", "amount", "line", "full", "edit", "move")
ALIVE_S, DEAD_S = (0.5, 4.0), (0.0, 2.0)
RESUMED_MAX_S = 30.0
PATIENCE_S = 120.0
LEFT = (
    'SELECT id FROM "order" WHERE dirty_gen > fetched_gen'
    " UNION ALL SELECT id FROM account WHERE dirty_gen > settled_gen"
)
NEVER = "2999-01-01 00:00:00+00:00"


class Sender(threading.Thread):
    """A store at its own address, and what posts its deliveries until they are acknowledged."""

    def __init__(self, rng: random.Random, log: Path) -> None:
        super().__init__(daemon=True)
        self.rng, self.log = rng, log
        self.port = free_port()
        self.addresses = deque[str]()
        kept = Kept()
        site = Site(url=f"http://127.0.0.1:{self.port}", name="Kills", relaxed=True)
        fake = FakeStore(site, World(rng=random.Random(1), transport=kept, delay_s=0.0))
        fake.add_key("read_write", key=KEY, secret=SECRET)
        self.stall = Stall(fake, kept, guests=[f"g{n}@example.test" for n in range(PEOPLE)])
        self.stall.stock([f"c{n}@example.test" for n in range(PEOPLE)])
        self.again: deque[httpx.Request] = deque()
        self.next, self.under_way, self.body = 0, 0, b""
        self.refused = 0
        self.log.touch()
        self.may_send, self.may_live, self.is_over = False, True, False
        self.loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        return self.stall.fake.site.url

    def begin(self, addresses: Sequence[str]) -> None:
        """Send what happens from now on, to these in turn."""
        self.addresses.extend(addresses)
        self.next = len(self.stall.kept.sent)
        self.may_send = True

    def end(self) -> None:
        self.is_over = True
        self.join()

    @property
    def is_idle(self) -> bool:
        """Whether all that was sent is acknowledged."""
        return not (self.again or self.under_way)

    def run(self) -> None:
        self.loop.run_until_complete(self._run())
        self.loop.close()

    def sold(self) -> httpx.Request:
        """Have somebody buy something, and return what the store then wants to deliver."""
        sent = self.stall.kept.sent
        before = len(sent)
        self.loop.call_soon_threadsafe(self.stall.let, Step("order", PEOPLE, 1000, 0))
        until(lambda: len(sent) > before, "the store delivers")
        return sent[before]

    async def _run(self) -> None:
        stop = asyncio.Event()
        app = create_fake(self.stall.fake)
        bound = servers.listen("127.0.0.1", self.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.serve([(app, bound)], stop))
            await self._send()
            stop.set()

    async def _send(self) -> None:
        due = time.monotonic()
        limits = httpx.Limits(max_connections=RATE)
        async with (
            httpx.AsyncClient(timeout=10, limits=limits) as http,
            asyncio.TaskGroup() as all_,
        ):
            while not self.is_over:
                due = max(due + 1 / RATE, time.monotonic() - 1)
                await asyncio.sleep(max(due - time.monotonic(), 0.001))
                if self.may_send and (request := await self._taken()) is not None:
                    self.under_way += 1
                    all_.create_task(self._post(http, request))

    async def _taken(self) -> httpx.Request | None:
        """Return what is to be sent next: what was not taken, or what has just happened."""
        if self.again:
            return self.again.popleft()
        sent = self.stall.kept.sent
        while self.next < len(sent) and sent[self.next].content == self.body:
            self.next += 1  # no delivery is there to mend another
        if self.next == len(sent) and self.may_live:
            much, which = self.rng.randint(1, 9999), self.rng.randrange(10_000)
            self.stall.let(Step(self.rng.choice(WHATS), which, much, 0))
            await asyncio.sleep(0.002)
        if self.next == len(sent) or not self.may_live:
            return None
        self.next += 1
        self.body = sent[self.next - 1].content
        return sent[self.next - 1]

    async def _post(self, http: httpx.AsyncClient, request: httpx.Request) -> None:
        address = self.addresses[0]
        self.addresses.rotate()
        try:
            answer = await http.post(
                f"{address}{request.url.path}", content=request.content, headers=request.headers
            )
            is_taken = answer.is_success
        except httpx.TransportError:
            is_taken = False
        self.under_way -= 1
        if is_taken:
            name = PLATFORM.delivery_key(
                Delivery(headers=dict(request.headers), body=request.content)
            )
            with self.log.open("a", encoding="utf-8") as lines:
                lines.write(f"{name}\n")
        else:
            self.refused += 1
            self.again.append(request)


@dataclass(frozen=True)
class Survived:
    """What was sent, killed and found."""

    engine: str
    seed: int
    rounds: int
    killed: dict[str, int]
    orders: int
    acknowledged: int
    refused: int
    lost: int
    unread: int
    ledger_keys: int
    ledger_keys_differing: int
    what_differs: list[str]
    seen_of_it: list[str]
    resumed_s_max: float
    drained_s: float

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled, and work went on in time."""
        return (
            (self.lost, self.unread, self.ledger_keys_differing) == (0, 0, 0)
            and self.resumed_s_max <= RESUMED_MAX_S
            and self.acknowledged > self.rounds
        )

    def __str__(self) -> str:
        times = f"resumed within {self.resumed_s_max} s, drained in {self.drained_s} s"
        found = f"{self.acknowledged} acknowledged, {self.lost} lost, {self.unread} unread"
        keys = f"{self.ledger_keys} ledger keys, {self.ledger_keys_differing} differ"
        return f"{self.engine}, seed {self.seed}, {self.killed} killed: {found}; {keys}; {times}"


class Fleet:
    """Our processes, by name; each can be killed and started again."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        ports = [operator.public_port, *(free_port() for _ in range(EACH - 1))]
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]
        self.commands: dict[str, tuple[str, ...]] = {
            **{f"serve {port}": ("serve", "--port", str(port)) for port in ports},
            **{f"worker {number}": ("worker",) for number in range(EACH)},
        }
        self.running = {
            name: self.operator.start(*words)[0] for name, words in self.commands.items()
        }
        until(self.is_served, "all web processes answer")

    def start(self, name: str) -> None:
        self.running[name], _, _ = self.operator.start(*self.commands[name])

    def is_served(self) -> bool:
        return all(is_open(int(one.rpartition(":")[2])) for one in self.addresses)

    def kill(self, name: str) -> None:
        process = self.running[name]
        assert process.poll() is None, f"{name} had ended by itself"
        process.send_signal(signal.SIGKILL)
        process.wait()


def survived(folder: Path, rounds: int, seed: int, tell: Callable[[str], object] = str) -> Survived:
    """Send and kill for so many rounds, let the work end, and compare with a clean backfill."""
    rng = random.Random(seed)
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        sender = Sender(random.Random(seed), folder / "acknowledged")
        sender.start()
        processes.callback(sender.end)
        operator.wait_for(sender.port)
        operator.known(sender.url, PLAIN)
        query(operator.database, f"UPDATE store SET reconcile_at = '{NEVER}'")  # no listing helps
        fleet = Fleet(operator)
        sender.begin(fleet.addresses)
        killed, resumed = Counter[str](), [0.0]
        for number in range(rounds):
            time.sleep(rng.uniform(*ALIVE_S))
            name = rng.choice(sorted(fleet.commands))
            killed[name.split()[0]] += 1
            resumed.append(killed_once(fleet, name, rng.uniform(*DEAD_S), sender))
            left = f"{waiting(operator)} waiting, {len(sender.again)} to be sent again"
            tell(f"{number + 1}: killed {name}; {left}; went on after {resumed[-1]:.1f} s\n")
        sender.may_live = False
        until(lambda: sender.is_idle, "everything is acknowledged")
        return Survived(
            engine=ENGINE,
            seed=seed,
            rounds=rounds,
            killed=dict(killed),
            orders=len(sender.stall.lives),
            refused=sender.refused,
            resumed_s_max=round(max(resumed), 1),
            **compared(operator, Operator(folder, processes), sender),
        )


def compared(operator: Operator, clean: Operator, sender: Sender) -> dict[str, Any]:
    """Let the work end; compare with what was acknowledged, and with a clean backfill."""
    began = time.monotonic()
    clean.known(sender.url, PLAIN)
    worker, _, _ = clean.start("worker")  # for what the store did not answer at once
    until(lambda: not query(clean.database, LEFT), "the backfill is whole")
    end(worker)
    expected = ledger(clean.database)
    until(lambda: waiting(operator) == 0, "the inbox is empty", fails=False)
    drained = time.monotonic() - began
    until(lambda: ledger(operator.database) == expected, "the ledger is whole", fails=False)
    found = ledger(operator.database)
    differing = [(key, "found") for key in found.items() - expected.items()]
    differing += [(key, "expected") for key in expected.items() - found.items()]
    rows = dict(query(operator.database, "SELECT key, state FROM inbox"))
    told = set(sender.log.read_text(encoding="utf-8").split())
    return {
        "acknowledged": len(told),
        "lost": len(told - set(rows)),
        "unread": sum(rows[name] != "done" for name in told & set(rows)),
        "ledger_keys": len(expected),
        "ledger_keys_differing": len(differing),
        "what_differs": sorted(f"{one}, {key}" for key, one in differing)[:20],
        "seen_of_it": [
            f"{whose}: {row}"
            for whose, one in (("found", operator), ("expected", clean))
            for row in seen(one.database, [key[0] for key, _ in differing])
        ],
        "drained_s": round(drained, 1),
    }


def killed_once(fleet: Fleet, name: str, dead_s: float, sender: Sender) -> float:
    """Kill one process; of a worker return in how long what then waited longest was read.

    Some more is delivered while it is dead, then nothing that could wake anybody. The only worker
    is started again; where there are others they must take over what it held, and only then.
    """
    fleet.kill(name)
    time.sleep(dead_s)
    if name.startswith("serve"):
        fleet.start(name)
        until(fleet.is_served, "all web processes answer")
        return 0.0
    sender.may_send = False
    began = time.monotonic()
    if EACH == 1:
        fleet.start(name)
    until(
        lambda: sender.under_way == waiting(fleet.operator) == 0, "the inbox is read", fails=False
    )
    took_s = time.monotonic() - began
    if EACH > 1:
        fleet.start(name)
    sender.may_send = True
    return took_s


def until(holds: Callable[[], bool], what: str, *, fails: bool = True) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            assert not fails, f"waited in vain: {what}"
            return
        time.sleep(0.1)


def waiting(operator: Operator) -> int:
    ((count,),) = query(operator.database, "SELECT count(*) FROM inbox WHERE state = 'waiting'")
    return int(count)


def oldest(operator: Operator) -> str:
    """Return the delivery that waits for the longest, empty if none does."""
    sql = "SELECT key FROM inbox WHERE state = 'waiting' ORDER BY received_at, key LIMIT 1"
    return "".join(key for (key,) in query(operator.database, sql))


def ledger(database: str) -> Ledger:
    """Return the net of each key; guests go by their causes, as their names are sealed."""
    sums: Counter[tuple[str, str, str]] = Counter()
    rows = query(database, "SELECT account, cause, kind, effective_at, points FROM entry")
    for account, cause, kind, effective_at, points in rows:
        who = account if account.startswith("customer:") else "guest"
        at = str(effective_at)[:19].replace("T", " ")
        sums[f"{who} {cause}", kind, at] += points
    return {key: points for key, points in sums.items() if points}


def seen(database: str, keys: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return what a database holds of the orders and accounts of some ledger keys."""
    found = []
    for name in sorted({name for name, _, _ in keys}):
        account, cause = name.split()
        order = cause.removeprefix("order:")
        found += query(database, f"SELECT * FROM account WHERE key = '{account}'")
        found += query(database, f"SELECT * FROM entry WHERE cause = '{cause}'")
        found += query(database, f"SELECT * FROM \"order\" WHERE platform_id = '{order}'")
    return [str(row) for row in found]


def main(words: Sequence[str]) -> int:
    """Run the rounds, print what came of them, and return the exit code."""
    rounds = int(words[0]) if words else 40
    seed = int(words[1]) if len(words) > 1 else random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as name:
        result = survived(Path(name), rounds, seed, sys.stderr.write)
    sys.stdout.write(f"{result}\n{asdict(result)}\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
