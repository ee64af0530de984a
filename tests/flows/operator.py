"""An operator's commands, each in a process of its own, and what they export."""

import csv
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from connector import worker
from connector.config import Settings
from connector.features.loyalty.service import Loyalty
from connector.kernel.vault import Vault
from connector.system import running
from tests import databases
from tests.flows.recorded_oracle import Account, canonical
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "platforms" / "woocommerce" / "recorded"
WAIT = 60.0
KEY = "ck_" + "5" * 40
SECRET = "cs_" + "6" * 40
PROGRAM = """\
name = "One for one"
engine = 1
timezone = "America/New_York"
earn_from = 2025-01-01T00:00:00Z
currency = "USD"
deleted_orders = "keep"

[[earn]]
id = "orders"
kind = "order"
count = ["lines"]
points = 1
per_minor = { USD = 100, EUR = 100 }
rounding = "floor"
pending_days = 0

[expiry]
kind = "none"
"""


@dataclass(frozen=True)
class Row:
    """One line of the export."""

    account: Account
    available: int
    pending: int


class Operator:
    """Runs our commands against one folder; every process it starts ends with it."""

    def __init__(self, folder: Path, processes: ExitStack) -> None:
        self.folder = folder
        self.processes = processes
        self.database = processes.enter_context(databases.blank(folder))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PERENNIAL_")}
        self.env = {
            **inherited,
            "PERENNIAL_DATABASE_URL": self.database,
            "PERENNIAL_SECRET_KEY": "a-secret-of-this-test-and-of-no-one-else",
            "PERENNIAL_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
            "PERENNIAL_ALLOW_LOOPBACK": "1",
        }

    def start(self, *args: str) -> tuple[subprocess.Popen[bytes], Path, Path]:
        """Start a command with its output in files, so that no pipe can fill up."""
        name = f"{time.monotonic_ns()}-{args[0]}"
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "connector.cli", *args],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        self.processes.callback(end, process)
        return process, out, err

    def run(self, *args: str) -> str:
        process, out, err = self.start(*args)
        code = process.wait(WAIT)
        assert code == 0, f"{args} ended with {code}: {out.read_text()}{err.read_text()}"
        return out.read_text()

    def run_json(self, *args: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run(*args, "--json"))
        return answer

    def serve_store(self, recorded: Path = RECORDED) -> str:
        """Serve a recorded store; return its address once it takes connections."""
        port = free_port()
        self.start(
            *("sandbox", "woocommerce", "--store", str(recorded)),
            *("--port", str(port), "--key", KEY, "--secret", SECRET),
        )
        self.wait_for(port)
        return f"http://127.0.0.1:{port}"

    def known(self, url: str, program: str = PROGRAM) -> str:
        """Migrate, connect, publish and sync as the commands do, but in this process: it is quick.

        Return the store's id.
        """

        async def job() -> str:
            async with running(Settings.from_env(self.env)) as system:
                access = {"url": url, "key": KEY, "secret": SECRET}
                store = await system.stores.connect("woocommerce", access, system.tools.clock())
                await Loyalty(system.tools).programs.publish(store, program)
                await system.passes.run(store, "sync")
                await worker.drain(system, ["settle"])
                return store.id

        databases.migrate(self.database)
        return databases.apart(job)

    @property
    def public_port(self) -> int:
        """The port at which stores look for us."""
        return int(self.env["PERENNIAL_PUBLIC_URL"].rpartition(":")[2])

    def serve(self, port: int) -> tuple[str, subprocess.Popen[bytes]]:
        """Start a web process; return its address once it takes connections, and the process."""
        process, _, _ = self.start("serve", "--port", str(port))
        self.wait_for(port)
        return f"http://127.0.0.1:{port}", process

    def webhook_secret(self, store: str) -> str:
        """Return what the store signs its deliveries with."""
        sql = f"SELECT webhook_secret FROM store WHERE id = '{store}'"
        ((sealed,),) = databases.query(self.database, sql)
        vault = Vault(self.env["PERENNIAL_SECRET_KEY"])
        return vault.open(store, "webhook_secret", bytes(sealed))

    def visitor_token(self, store: str, customer: str) -> str:
        """Return what the store's plugin signs for a shopper."""
        now = int(time.time())
        claims = {"iss": store, "sub": customer, "aud": "perennial-storefront"}
        times = {"iat": now, "exp": now + 600, "jti": uuid.uuid4().hex}
        key = Vault(self.env["PERENNIAL_SECRET_KEY"]).derive("visitor", store, "1")
        return jwt.encode({**claims, **times}, key, "HS256", headers={"kid": "1"})

    @staticmethod
    def wait_for(port: int) -> None:
        """Wait until a process takes connections."""
        deadline = time.monotonic() + WAIT
        while not is_open(port):
            assert time.monotonic() < deadline, "the store does not answer"
            time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_export(path: Path) -> tuple[list[str], list[Row]]:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        rows = [
            Row(
                ("customer", customer) if customer else ("guest", canonical(email)),
                int(available),
                int(pending),
            )
            for customer, email, available, pending in reader
        ]
    return header, rows
