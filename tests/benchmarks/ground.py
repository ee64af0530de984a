"""Where a row is measured: a database with a connected store, and processes over copies of it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvloop

from tests import databases
from tests.benchmarks import load
from tests.benchmarks.load import Sample
from tests.benchmarks.orders import Desk
from tests.flows.operator import KEY, PROGRAM, ROOT, SECRET, Operator, end, is_open
from tests.ports import free_port

Process = subprocess.Popen[bytes]
WAIT_S = 170.0  # for one job in a process of its own


@dataclass(frozen=True)
class Options:
    """What the command line chose."""

    database: str
    repeats: int = 3
    is_full: bool = False
    seconds: float = 2.0  # of one run of a sender
    processes: int = 0  # serve and worker processes of ``sustained``, 0 for as many as there may be


@dataclass
class Ground:
    """The template: a migrated database that knows one store, which is served beside it."""

    folder: Path
    operator: Operator
    shop: str
    store: str
    secret: str
    options: Options
    held: dict[str, Any] = field(default_factory=dict)
    """What one row measured and another one shows too."""

    @classmethod
    def laid(cls, folder: Path, processes: ExitStack, options: Options) -> "Ground":
        """Lay the ground: migrate, connect, publish."""
        operator = Operator(folder, processes)
        port = free_port()
        started = start(processes, operator.env, "tests.benchmarks.shop", str(port))
        await_port(port, started)
        shop = f"http://127.0.0.1:{port}"
        operator.run("migrate")
        keys = ("--url", shop, "--key", KEY, "--secret", SECRET)
        store = str(operator.run_json("connect", "woocommerce", *keys)["store"])
        program = folder / "program.toml"
        program.write_text(PROGRAM, encoding="utf-8")
        operator.run("program", store, "--publish", str(program))
        secret = fetch(f"{shop}/bench/secret")
        return cls(folder, operator, shop, store, secret, options)

    def stock(self, orders: int, customers: int) -> None:
        """Set how many orders the store has, and of how many customers."""
        fetch(f"{self.shop}/bench/orders/{orders}/{customers}", "POST")

    @contextmanager
    def copied(self) -> Iterator["Stand"]:
        """Hold a copy of the database, and end every process over it."""
        with ExitStack() as processes:
            url = processes.enter_context(
                databases.blank(self.folder, template=self.operator.database)
            )
            yield Stand(self, url, processes)

    @contextmanager
    def blank(self) -> Iterator[str]:
        """Hold an empty database, for a limit."""
        with databases.blank(self.folder) as url:
            yield url


@dataclass
class Stand:
    """One row's own copy, with its processes."""

    ground: Ground
    database: str
    processes: ExitStack

    @property
    def env(self) -> dict[str, str]:
        return self.ground.operator.env | {"PERENNIAL_DATABASE_URL": self.database}

    def serve(self) -> tuple[int, Process]:
        """Start ``perennial serve``; return its port and process."""
        port = free_port()
        words = ("serve", "--port", str(port))
        process = start(self.processes, self.env, "connector.cli", *words)
        await_port(port, process)
        return port, process

    def work(self) -> Process:
        """Start ``perennial worker``."""
        return start(self.processes, self.env, "connector.cli", "worker")

    def limit(self, name: str, *words: str) -> int:
        """Start the server of a limit; return its port."""
        port = free_port()
        module = f"tests.benchmarks.limits.{name}"
        await_port(port, start(self.processes, self.env, module, str(port), *words))
        return port

    def run(self, module: str, *words: str) -> dict[str, Any]:
        """Run a job in a process of its own and return what it printed."""
        return run(self.env, module, *words)

    def desk(self, port: int) -> Desk:
        path = f"/webhooks/woocommerce/{self.ground.store}"
        return Desk(f"127.0.0.1:{port}", path, self.ground.secret)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return databases.query(self.database, sql)

    def count(self, table: str) -> int:
        return int(self.query(f'SELECT count(*) FROM "{table}"')[0][0])

    def deliver(self, port: int, numbers: range, customers: int, first_customer: int = 1) -> Sample:
        """Deliver orders, each once, as fast as they are taken."""
        requests = self.desk(port).deliveries(numbers, customers, first_customer)
        return uvloop.run(load.hammer(port, requests, WAIT_S))


def start(processes: ExitStack, env: dict[str, str], module: str, *words: str) -> Process:
    """Start a module in a process that ends with the stack; its troubles are told."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    processes.callback(end, process)
    return process


def run(env: dict[str, str], module: str, *words: str, wait_s: float = WAIT_S) -> dict[str, Any]:
    """Run a module and return the JSON that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=wait_s,
        check=False,
    )
    assert done.returncode == 0, f"{module} {words}: {done.stderr[-2000:]}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def await_port(port: int, process: Process) -> None:
    """Wait until a process takes connections."""
    deadline = time.monotonic() + 30
    while not is_open(port):
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args!r} does not answer"
        time.sleep(0.05)


def fetch(url: str, method: str = "GET") -> str:
    """Ask a server on this machine."""
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url).raise_for_status().text
