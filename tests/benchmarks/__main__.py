"""How fast we are, beside how fast one could be: ``python -m tests.benchmarks``.

Prints a table and writes ``build/bench.jsonl``. Each database is measured in a process of its own,
durable, limit and ours in turn. Fails where a ratio is below half of its aim.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from tests import servers
from tests.benchmarks import ROWS
from tests.benchmarks.figures import COLUMNS, Figure, row
from tests.benchmarks.ground import Ground, Options
from tests.flows.operator import ROOT, end

ENGINES = ("sqlite", "postgres")
RESULT = ROOT / "build" / "bench.jsonl"


def parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="memory and backfill at full size; half an hour"
    )
    parser.add_argument("--rows", default=",".join(ROWS), help="of: %(default)s")
    parser.add_argument("--database", choices=ENGINES, help="by default both")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=0, help="of serve and worker, sustained")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    unknown = set(asked.rows.split(",")) - set(ROWS)
    if unknown:
        parser.error(f"no row {', '.join(unknown)}: there are {', '.join(ROWS)}")
    return asked


def measured(asked: argparse.Namespace) -> bool:
    """Measure one database in this process; return whether every row could be."""
    options = Options(asked.database, asked.repeats, asked.full, processes=asked.processes)
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder, ExitStack() as processes:
        ground = Ground.laid(Path(folder), processes, options)
        done = [told(ground, name, asked.into) for name in asked.rows.split(",")]
        return all(done)


def told(ground: Ground, name: str, into: Path) -> bool:
    """Measure one row and tell it; what goes wrong is told too, and the others go on."""
    began = time.monotonic()
    try:
        for figure in import_module(f"tests.benchmarks.rows.{name}").measure(ground):
            say(figure.as_line())
            with into.open("a", encoding="utf-8") as lines:
                lines.write(figure.as_json() + "\n")
    except Exception:  # noqa: BLE001 - told, and the run fails at its end
        say(f"{name}, {ground.options.database}: FAILED\n{traceback.format_exc()}")
        return False
    took = time.monotonic() - began
    sys.stderr.write(f"  ({name}, {ground.options.database}: {took:.0f} s)\n")
    return True


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def apart(asked: argparse.Namespace, engine: str) -> bool:
    """Measure one database in a process of its own."""
    words = ["--rows", asked.rows, "--repeats", str(asked.repeats), "--database", engine]
    words += ["--processes", str(asked.processes), "--into", str(RESULT)]
    words += ["--full"] if asked.full else []
    env = {name: value for name, value in os.environ.items() if name != servers.POSTGRES}
    with ExitStack() as stack:
        if engine == "postgres":
            given = os.environ.get(servers.POSTGRES)
            env[servers.POSTGRES] = given or stack.enter_context(servers.postgres(durable=True))
        command = [sys.executable, "-m", "tests.benchmarks", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=env)
        stack.callback(end, process)
        return process.wait() == 0


def main(words: Sequence[str]) -> int:
    asked = parsed(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever was started ends too
    if asked.into is not None:
        return 0 if measured(asked) else 1
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("", encoding="utf-8")
    say(row(COLUMNS))
    engines = [asked.database] if asked.database else ENGINES
    done = [apart(asked, engine) for engine in engines]
    figures = [Figure(**json.loads(line)) for line in RESULT.read_text().splitlines()]
    failed = sum(figure.has_failed for figure in figures)
    sys.stdout.write(f"{len(figures)} rows, {failed} below half of their aim\n")
    return 0 if all(done) and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
