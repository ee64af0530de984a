"""The long proofs at full size, all or those named: ``python -m tests.evidence [STEP ...]``.

Writes ``tests/evidence/*.json`` with commit and date.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.evidence import plant, recorded

FOLDER = Path(__file__).parent
EXAMPLES = 5000


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
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "timeout=3600", plant.LAWS],
        env={**os.environ, "HYPOTHESIS_PROFILE": "evidence"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode or passed is None:
        raise SystemExit(done.stdout[-3000:])
    seconds = round(time.monotonic() - began)
    write("laws", laws=int(passed[1]), examples=EXAMPLES, seconds=seconds)


def planted(name: str, file: str) -> None:
    """Plant bugs and see tests turn red."""
    found = plant.planted(name)
    write(file, found=sum(found.values()), planted=len(found), bugs=found)


def ways() -> None:
    """Know the recorded store by every way."""
    figures = {title: asyncio.run(recorded.gone(way)) for way, title in recorded.WAYS.items()}
    write("recorded", ways=figures)


STEPS = {
    "laws": laws,
    "planted": lambda: planted("laws", "planted"),
    "platforms": lambda: planted("platforms", "planted-platforms"),
    "recorded": ways,
}


if __name__ == "__main__":
    for step in sys.argv[1:] or STEPS:
        STEPS[step]()
