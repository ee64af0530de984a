"""Plants one bug at a time in the fold and shows that the laws turn red.

Each bug is a text that is replaced in a copy of the sources. Prints a line a bug, and how many of
them were found.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RULES = "connector/features/loyalty/rules"
LAWS = "tests/connector/features/loyalty/test_laws.py"
BUGS = (
    ("refund lines don't come off the goods", f"{RULES}/earn.py",
     "goods -= sum(line.total_minor for line in refund.lines)", "goods -= 0"),
    ("unexplained money comes off flat", f"{RULES}/earn.py",
     "goods * Fraction(left - unexplained, left)", "Fraction(goods - unexplained)"),
    ("what is explained stays in the order's total", f"{RULES}/earn.py",
     "left -= explained", "left -= 0"),
    ("points are rounded to the nearest", f"{RULES}/earn.py",
     "return floor(exact)", "return round(exact)"),
    ("a refund takes back more than was granted", f"{RULES}/fold.py",
     "now - left,", "now - left - 1,"),
    ("today's program prices old orders", f"{RULES}/fold.py",
     "in_force(versions, order.placed_at)", "versions[-1] if versions else None"),
    ("unpaid orders earn", f"{RULES}/fold.py",
     "else order.is_paid", "else not order.is_cancelled"),
    ("expiry is posted before it is due", f"{RULES}/fold.py",
     "walk.until(at)", "walk.until(at + timedelta(days=1))"),
    ("an expired lot keeps its points", f"{RULES}/lots.py",
     "left, self.lots[cause].points = self.lots[cause].points, 0",
     "left = self.lots[cause].points"),
    ("a shortfall is forgiven", f"{RULES}/lots.py",
     "        self.deficit += points\n", ""),
    ("maturing points don't pay the deficit", f"{RULES}/lots.py",
     "self.deficit -= paid", "self.deficit -= 0"),
    ("points on their way can be spent", f"{RULES}/lots.py",
     "if lot.is_open and lot.cause != first", "if lot.cause != first"),
    ("older snapshots overwrite newer ones", "connector/commerce/snapshots.py",
     "seen.updated_at < held.updated_at:\n        return Verdict.NOTHING",
     "seen.updated_at < held.updated_at:\n        return Verdict.STORE"),
    ("corrections are posted whole, not as differences", "connector/kernel/posting.py",
     "now - was, said", "now, said"),
    ("a redemption is void where points are lacking", f"{RULES}/fold.py",
     "for redemption in facts.redemptions:\n",
     "for redemption in facts.redemptions if sum(g.lot.points for g in grants) > 150 else ():\n"),
)  # fmt: skip


def is_found(bug: tuple[str, str, str, str]) -> bool:
    """Return whether the laws are red with this bug planted."""
    _, file, right, wrong = bug
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("connector", "platforms", "tests"):
            ignored = shutil.ignore_patterns("__pycache__", "bundles", "recorded", "screenshots")
            shutil.copytree(part, copy / part, ignore=ignored)
        shutil.copy("pyproject.toml", copy)
        text = (copy / file).read_text(encoding="utf-8")
        if text.count(right) != 1:
            raise SystemExit(f"{file} has {text.count(right)} of {right!r}")
        (copy / file).write_text(text.replace(right, wrong), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", LAWS],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": "check"},
            capture_output=True,
            check=False,
        )
        return done.returncode == 1


def main() -> int:
    """Plant all of them."""
    found = 0
    for bug in BUGS:
        is_red = is_found(bug)
        found += is_red
        sys.stdout.write(f"{'red ' if is_red else 'MISSED'}  {bug[0]}\n")
        sys.stdout.flush()
    missed = len(BUGS) - found
    sys.stdout.write(f"{found} of {len(BUGS)} planted bugs found, {missed} missed\n")
    return 0 if not missed else 1


if __name__ == "__main__":
    sys.exit(main())
