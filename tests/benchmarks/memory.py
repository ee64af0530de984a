"""How much memory a process holds, as Linux tells it."""

import re
from pathlib import Path


def now_mb(pid: int | str) -> float:
    """Return what a process holds now."""
    return _field(pid, "VmRSS")


def most_mb(pid: int | str) -> float:
    """Return the most that a process has held."""
    return _field(pid, "VmHWM")


def _field(pid: int | str, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
