"""The demo as somebody starts it: a process of its own, a sandbox store, nothing stood in for."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
UP = "Perennial is up"
WAIT_S = 60.0
LOOK_S = 0.1


@dataclass(frozen=True)
class Demo:
    """Where its parts are."""

    shop: str
    service: str
    admin_link: str


@contextmanager
def demo_running(folder: Path, *more: str) -> Iterator[Demo]:
    """Run the demo with its data in a new folder until the block ends."""
    port = free_port(2)
    words = ["demo", "--port", str(port), "--data", str(folder / "data"), *more]
    with _running(words, folder / "demo.log") as process:
        text = _wait(process, folder / "demo.log")
        link = re.search(r"merchant page:\s+(\S+)", text)
        assert link, text
        yield Demo(f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}", link[1])


@contextmanager
def strangers_running(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a sandbox store and Perennial that know nothing of each other; yield both addresses."""
    port = free_port(2)
    shop, service = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}"
    env = {
        "PERENNIAL_DATABASE_URL": f"sqlite://{folder / 'perennial.db'}",
        "PERENNIAL_SECRET_KEY": "a-key-for-this-story-only-0123456789",
        "PERENNIAL_PUBLIC_URL": service,
        "PERENNIAL_ALLOW_LOOPBACK": "1",
    }
    with _running(["migrate"], folder / "migrate.log", env) as migrating:
        assert migrating.wait(WAIT_S) == 0, (folder / "migrate.log").read_text()
    with ExitStack() as stack:
        for name, words in {
            "shop": ["sandbox", "woocommerce", "--port", str(port + 1)],
            "serve": ["serve", "--port", str(port)],
            "worker": ["worker"],
        }.items():
            stack.enter_context(_running(words, folder / f"{name}.log", env))
        for url in (f"{shop}/", f"{service}/health"):
            _answers(url)
        yield shop, service


@contextmanager
def _running(
    words: list[str], said: Path, settings: Mapping[str, str] | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a command of ours until the block ends; what it says goes into a file."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PERENNIAL_")}
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector.cli", *words],
            cwd=ROOT,
            env=env | {"PYTHONUNBUFFERED": "1"} | dict(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> None:
    end = time.monotonic() + WAIT_S
    while True:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, f"{url} does not answer after {WAIT_S:.0f} s"
        time.sleep(LOOK_S)


def _wait(process: "subprocess.Popen[bytes]", said: Path) -> str:
    end = time.monotonic() + WAIT_S
    while UP not in (text := said.read_text()):
        assert process.poll() is None, f"the demo ended: {text}"
        assert time.monotonic() < end, f"the demo is not up after {WAIT_S:.0f} s: {text}"
        time.sleep(LOOK_S)
    return text
