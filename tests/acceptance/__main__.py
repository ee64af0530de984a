"""Runs what each issue must show: ``python -m tests.acceptance [ID ...]``.

``<issue>.toml`` holds entries: ``id``, ``what``, ``command`` (for bash, from the top of the
repository) and, where a figure must be reached, ``figure`` (a pattern whose group is the figure)
with ``at_most``, ``at_least`` or ``equals``. PASS: the command succeeds and reaches it. ABSENT:
there is no command yet. Everything else is FAIL.
"""

import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_S = 5400
LINES_SHOWN = 15


def judge(entry: Mapping[str, Any], status: int, said: str) -> tuple[bool, str]:
    """Return whether an entry holds, and the figure that was found."""
    if "figure" not in entry:
        return status == 0, ""
    found = re.findall(entry["figure"], said)
    if not found:
        return False, "no figure"
    figure = found[-1]
    holds = status == 0
    if "at_most" in entry:
        holds = holds and float(figure) <= entry["at_most"]
    if "at_least" in entry:
        holds = holds and float(figure) >= entry["at_least"]
    if "equals" in entry:
        holds = holds and figure == str(entry["equals"])
    return holds, figure


def aim(entry: Mapping[str, Any]) -> str:
    """Return what the figure must be, in words."""
    words = {"at_most": "at most", "at_least": "at least", "equals": "is to be"}
    return "".join(f", {word} {entry[name]}" for name, word in words.items() if name in entry)


def run(entry: Mapping[str, Any]) -> bool:
    """Run an entry and print its line."""
    if not entry.get("command"):
        sys.stdout.write(f"ABSENT  {entry['id']:<8} {entry['what']}\n")
        return False
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", entry["command"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    holds, figure = judge(entry, done.returncode, done.stdout)
    took = time.monotonic() - began
    told = f": {figure}{aim(entry)}" if figure else ""
    word = "PASS" if holds else "FAIL"
    sys.stdout.write(f"{word:<7} {entry['id']:<8} {entry['what']}{told} ({took:.0f} s)\n")
    if not holds:
        lines = done.stdout.splitlines()[-LINES_SHOWN:]
        sys.stdout.write("".join(f"          | {line}\n" for line in lines))
    sys.stdout.flush()
    return holds


def main(wanted: list[str]) -> int:
    """Run all entries, or those whose id begins with one of the words given."""
    files = sorted(Path(__file__).parent.glob("*.toml"), key=lambda file: int(file.stem))
    entries = [entry for file in files for entry in tomllib.loads(file.read_text())["entry"]]
    chosen = [one for one in entries if not wanted or one["id"].startswith(tuple(wanted))]
    held = [run(entry) for entry in chosen]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
