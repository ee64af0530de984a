"""The long proofs at full size, all or those named: ``python -m tests.evidence [STEP ...]``.

Writes ``tests/evidence/*.json`` with commit and date; those named for an engine are of SQLite, or
of PostgreSQL where ``python -m tests.servers postgres --`` stands before the command.
"""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests import databases
from tests.browser import lighthouse
from tests.evidence import plant, recorded
from tests.flows import bulk, crashes, fairness, kills

FOLDER = Path(__file__).parent
EXAMPLES = 5000
MORE_LAWS = [f"{plant.LOYALTY}/test_{name}_laws.py" for name in ("joined", "moving", "budget")]
FEWER = 200  # through the database
ROUNDS = 40
WAITING, PATIENCE_S = 500_000, 60.0


def write(name: str, **figures: object) -> None:
    """Write one file of figures."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    stamp = {"commit": commit, "date": datetime.now(UTC).date().isoformat()}
    text = json.dumps(stamp | figures, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {text}\n")


def laws() -> None:
    """Hold the laws with 5,000 examples each, drawn anew."""
    began = time.monotonic()
    passed = run_laws(plant.LAWS, *MORE_LAWS)
    seconds = round(time.monotonic() - began)
    write("laws", laws=passed, examples=EXAMPLES, seconds=seconds)


def run_laws(*paths: str) -> int:
    """Run laws at full size; return how many hold.

    Raises:
        SystemExit: one does not.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "timeout=3600", *paths],
        env={**os.environ, "HYPOTHESIS_PROFILE": "evidence"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode or passed is None:
        raise SystemExit(done.stdout[-3000:])
    return int(passed[1])


def planted(name: str, file: str) -> None:
    """Plant bugs and see tests turn red."""
    found = plant.planted(name)
    write(file, found=sum(found.values()), planted=len(found), bugs=found)


def ways() -> None:
    """Know the recorded store by every way."""
    figures = {title: asyncio.run(recorded.gone(way)) for way, title in recorded.WAYS.items()}
    write("recorded", ways=figures)


def crashed() -> None:
    """Crash at every point of every story."""
    with tempfile.TemporaryDirectory() as name, databases.empty(Path(name)) as empty:
        tried = {
            story: asyncio.run(crashes.tried(story, empty, Path(name))) for story in crashes.STORIES
        }
    points = {story: one.points for story, one in tried.items()}
    wrong = {story: one.wrong for story, one in tried.items() if one.wrong}
    count = sum(len(one) for one in wrong.values())
    told = {"points": sum(points.values()), "wrong": count, "stories": points, "what": wrong}
    write(f"crashes-{databases.ENGINE}", **told)


def killed() -> None:
    """Kill web and worker processes forty times."""
    seed = random.randrange(1_000_000)
    with tempfile.TemporaryDirectory() as name:
        figures = asdict(kills.survived(Path(name), ROUNDS, seed))
    write(f"kills-{databases.ENGINE}", **figures)


def database_laws() -> None:
    """Hold the laws through the database with 200 examples each, drawn anew."""
    began = time.monotonic()
    passed = run_laws("tests/flows/test_database_laws.py")
    seconds = round(time.monotonic() - began)
    write(f"database-laws-{databases.ENGINE}", laws=passed, examples=FEWER, seconds=seconds)


def benched() -> None:
    """Measure our speed at full size, on both databases."""
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--full", "--processes", "2"], check=True
    )
    lines = (FOLDER.parents[1] / "build" / "bench.jsonl").read_text(encoding="utf-8").splitlines()
    write("bench", rows=[json.loads(line) for line in lines])


def fair() -> None:
    """Time a delivery beside 500,000 waiting ones of another store."""
    with tempfile.TemporaryDirectory() as name:
        figures = asdict(fairness.waited(Path(name), WAITING, PATIENCE_S))
    write(f"fairness-{databases.ENGINE}", **figures)


def paged() -> None:
    """Time the merchant's pages of a store with 200,000 customers and a million orders."""
    words = ["--full", "--rows", "pages", "--database", databases.ENGINE]
    subprocess.run([sys.executable, "-m", "tests.benchmarks", *words], check=True)
    lines = (FOLDER.parents[1] / "build" / "bench.jsonl").read_text(encoding="utf-8").splitlines()
    page, search = (json.loads(line) for line in lines)
    told = {"slowest": page["note"], "searched": search["note"]}
    write("pages", slowest_ms=page["median"], search_ms=search["median"], **told)


def onboarded() -> None:
    """Walk a merchant's whole way in the browser; tell what it took to a published program."""
    story = "tests/browser/test_merchant_story.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", story],
        capture_output=True,
        text=True,
        check=True,
    )
    told = re.search(r"published after (\d+) clicks and (\d+) s", done.stdout)
    assert told, done.stdout
    write("onboarding", clicks=int(told[1]), seconds=int(told[2]))


def lit() -> None:
    """Run Lighthouse over three of the merchant's pages; tell the lowest of each category."""
    pages = asyncio.run(lighthouse.measured())
    lowest = {name: min(one[name] for one in pages.values()) for name in lighthouse.CATEGORIES}
    write("lighthouse", runs=lighthouse.RUNS, **lowest, pages=pages)


def in_bulk() -> None:
    """Read a Shopify store of 20,000 and of 200,000 orders; kill the reading of 20,000."""
    with tempfile.TemporaryDirectory() as name:
        few, lots = (bulk.measured(Path(name) / str(size), size) for size in (20_000, 200_000))
        killed, undisturbed, operations = bulk.survived(Path(name), 20_000)
    write(
        f"bulk-{databases.ENGINE}",
        memory_times=round(lots.memory_mb / few.memory_mb, 3),
        memory_mb=[round(one.memory_mb, 1) for one in (few, lots)],
        orders_a_second=[round(one.orders / one.seconds) for one in (few, lots)],
        kills=list(bulk.KILLS),
        operations=len(set(operations)),
        orders_held=killed.orders,
        differing=int(killed != undisturbed),
        by_pages_differing=asyncio.run(bulk.differing(5000)),
    )


STEPS = {
    "laws": laws,
    "planted": lambda: planted("laws", "planted"),
    "platforms": lambda: planted("platforms", "planted-platforms"),
    "recorded": ways,
    "crashes": crashed,
    "kills": killed,
    "database-laws": database_laws,
    "fairness": fair,
    "bench": benched,
    "pages": paged,
    "onboarding": onboarded,
    "lighthouse": lit,
    "bulk": in_bulk,
}


if __name__ == "__main__":
    for step in sys.argv[1:] or STEPS:
        STEPS[step]()
