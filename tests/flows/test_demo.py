"""The demo's story, as `perennial demo --check` tells it, from processes of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

LINES = [
    "connect", "subscribe", "backfill", "earn", "widget-state", "redeem", "checkout", "refund",
    "cancel", "duplicate", "out-of-order", "forged", "restart",
]  # fmt: skip


@pytest.mark.timeout(180)
def test_the_whole_story_holds_line_by_line(tmp_path):
    words = ["demo", "--check", "--port", str(free_port(2)), "--data", str(tmp_path / "d")]
    done = subprocess.run(
        [sys.executable, "-m", "connector.cli", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r"^ok  (\S+) +(.+)$", done.stdout, re.MULTILINE)
    assert [name for name, _ in told] == LINES
    figures = dict(told)
    assert figures["earn"].startswith("588 points for 12 x 9.80 EUR")
    assert figures["checkout"] == "196.00 EUR before the coupon, 191.00 EUR after"
    assert figures["refund"].startswith("10.00 EUR took 50 back")
    assert figures["duplicate"].endswith("0 entries more")


def test_the_story_knows_only_what_the_outside_knows():
    for file in ("story", "shopper"):
        text = Path(f"connector/demo/{file}.py").read_text(encoding="utf-8")
        found = re.findall(r"^(?:from|import) ((?:connector|platforms)\S*)", text, re.MULTILINE)
        assert set(found) <= {"connector.demo.shopper"}
