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


CODES = {"redeem", "checkout"}


def told(folder, *more):
    """Have the story told; return its chapters with their figures, and all that was said."""
    words = ["demo", "--check", "--port", str(free_port(2)), "--data", str(folder / "d"), *more]
    done = subprocess.run(
        [sys.executable, "-m", "connector.cli", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^ok  (\S+) +(.+)$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.timeout(180)
def test_the_whole_story_holds_line_by_line(tmp_path):
    chapters, said = told(tmp_path)

    assert [name for name, _ in chapters] == LINES
    assert "left out" not in said
    figures = dict(chapters)
    assert figures["earn"].startswith("588 points for 12 x 9.80 EUR")
    assert figures["checkout"] == "196.00 EUR before the coupon, 191.00 EUR after"
    assert figures["refund"].startswith("10.00 EUR took 50 back")
    assert figures["duplicate"].endswith("0 entries more")


@pytest.mark.timeout(180)
def test_a_platform_without_codes_has_the_story_without_them(tmp_path):
    chapters, said = told(tmp_path, "--platform", "shopify")

    assert [name for name, _ in chapters] == [one for one in LINES if one not in CODES]
    assert "left out  redeem, checkout: the platform can't make discount codes\n" in said
    figures = dict(chapters)
    assert figures["connect"].startswith("by --url, --client-id, --client-secret")
    assert figures["earn"].startswith("588 points for 12 x 9.80 EUR")
    assert figures["refund"].startswith("10.00 EUR of 196.00 took 50 of 980 back")
    assert figures["duplicate"].endswith("0 entries more")


def test_a_demo_of_nothing_names_what_there_is(tmp_path):
    words = ["demo", "--platform", "nothing", "--data", str(tmp_path / "d")]
    done = subprocess.run(
        [sys.executable, "-m", "connector.cli", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "there are memory, shopify, woocommerce" in done.stderr


def test_the_story_knows_only_what_the_outside_knows():
    for file in ("story", "shopper"):
        text = Path(f"connector/demo/{file}.py").read_text(encoding="utf-8")
        found = re.findall(r"^(?:from|import) ((?:connector|platforms)\S*)", text, re.MULTILINE)
        assert set(found) <= {"connector.demo.shopper"}
