"""What apps fail at is held by tests that are there, and the document says which."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.platforms.shopify.failures import CHECKS, FAILURES, README, tables, written


@cache
def names(file):
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {
        one.name for one in tree.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.parametrize("what", [*FAILURES, *CHECKS])
def test_each_is_held_by_tests_that_are_there(what):
    for file, name in {**FAILURES, **CHECKS}[what]:
        assert name in names(file)


def test_all_fifteen_are_there_and_two_come_later():
    assert len(FAILURES) == 15
    assert [list(FAILURES).index(one) + 1 for one, tests in FAILURES.items() if not tests] == [
        12,
        14,
    ]
    assert all(CHECKS.values())


def test_the_document_has_the_tables():
    text = README.read_text(encoding="utf-8")
    assert tables() in text
    assert written(text) == text, "run python -m tests.platforms.shopify.failures"
