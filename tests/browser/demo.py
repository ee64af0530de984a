"""The demo as somebody starts it: a process of its own, a sandbox store, nothing stood in for."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
def demo_running(folder: Path) -> Iterator[Demo]:
    """Run the demo with its data in a new folder until the block ends."""
    port = free_port(2)
    said = folder / "demo.log"
    words = ["demo", "--port", str(port), "--data", str(folder / "data")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PERENNIAL_")}
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector.cli", *words],
            cwd=ROOT,
            env=env | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        text = _wait(process, said)
        link = re.search(r"merchant page:\s+(\S+)", text)
        assert link, text
        yield Demo(f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}", link[1])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", said: Path) -> str:
    end = time.monotonic() + WAIT_S
    while UP not in (text := said.read_text()):
        assert process.poll() is None, f"the demo ended: {text}"
        assert time.monotonic() < end, f"the demo is not up after {WAIT_S:.0f} s: {text}"
        time.sleep(LOOK_S)
    return text
