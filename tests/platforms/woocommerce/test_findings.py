"""What a real store was seen to do is met by tests that exist, and the README's table says which.

``python -m tests.platforms.woocommerce.test_findings`` writes the table, from ``findings.toml``.
"""

import ast
import asyncio
import os
import re
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec
import pytest

from platforms.conformance.suite import checks_of
from platforms.woocommerce.adapter import PLATFORM

FINDINGS = Path(__file__).with_name("findings.toml")
ROOT = Path(__file__).parents[3]
README = ROOT / "platforms" / "woocommerce" / "README.md"
BEGIN, END = "<!-- findings -->", "<!-- /findings -->"
COUNT = 33


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was seen, the tests and conformance checks that meet it, and what nobody can."""

    number: int
    says: str
    tests: list[str] = []
    checks: list[str] = []
    cannot: str = ""


def read_findings() -> list[Finding]:
    document = tomllib.loads(FINDINGS.read_text(encoding="utf-8"))
    return msgspec.convert(document["finding"], list[Finding])


ALL = read_findings()


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests that pytest collects from a file."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = [node.name for node in module.body if isinstance(node, functions)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice, f"{path} hides tests: {twice}"
    return frozenset(name for name in names if name.startswith("test_"))


@pytest.fixture(scope="module")
def checks() -> frozenset[str]:
    """Return the names of the conformance checks that WooCommerce is held to."""
    there = asyncio.run(checks_of(PLATFORM))
    return frozenset(check.name for check in there if check.applies(PLATFORM.capabilities))


def render(finding: Finding) -> str:
    """Return the finding's row; a test's name leads to its file."""
    here = README.parent
    tests = []
    for node in finding.tests:
        path, _, name = node.partition("::")
        tests.append(f"[{name}]({Path(os.path.relpath(ROOT / path, here)).as_posix()})")
    cells = [", ".join(tests)]
    if finding.checks:
        cells.append("conformance: " + ", ".join(f"`{name}`" for name in finding.checks))
    if finding.cannot:
        cells.append(f"*Can't:* {finding.cannot}")
    met = "<br>".join(cell for cell in cells if cell)
    return f"| {finding.number} | {finding.says} | {met} |"


def table() -> str:
    head = ["| | what a store does | what meets it |", "|---|---|---|"]
    return "\n".join([*head, *(render(finding) for finding in ALL)])


def split(text: str) -> tuple[str, str, str]:
    """Return what stands before the table, the table, and what comes after it."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    inside, _, after = rest.partition(f"\n{END}")
    return f"{before}{BEGIN}\n", inside, f"\n{END}{after}"


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: str(finding.number))
def test_a_finding_is_met_by_tests_that_exist_or_says_why_not(finding, checks):
    assert finding.tests or finding.checks or finding.cannot
    assert re.fullmatch(r"\S.*\.", finding.says)
    for node in finding.tests:
        path, _, name = node.partition("::")
        assert name in names_in(path), node
    for pattern in finding.checks:
        assert any(fnmatchcase(name, pattern) for name in checks), pattern


def test_every_finding_is_there_once():
    assert [finding.number for finding in ALL] == list(range(1, COUNT + 1))


def test_the_readme_has_the_table_that_is_written_from_the_findings():
    _, inside, _ = split(README.read_text(encoding="utf-8"))
    assert inside == table(), "run: python -m tests.platforms.woocommerce.test_findings"


if __name__ == "__main__":
    before, _, after = split(README.read_text(encoding="utf-8"))
    README.write_text(f"{before}{table()}{after}", encoding="utf-8")
