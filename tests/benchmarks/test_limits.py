"""What the bench holds us to is as small as it says, and is there."""

from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

from tests.benchmarks import ROWS, UNBOUNDED

FOLDER = Path(__file__).parent
LINES_MAX = 60
LIMITS = sorted(one.stem for one in (FOLDER / "limits").glob("[!_]*.py"))


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_short(name):
    text = (FOLDER / "limits" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < LINES_MAX


def test_every_row_has_its_limit_or_says_what_it_is_held_against():
    assert {*ROWS} == {*LIMITS, *UNBOUNDED}
    assert not {*LIMITS} & {*UNBOUNDED}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_can_be_measured(name):
    measure = import_module(f"tests.benchmarks.rows.{name}").measure
    assert list(signature(measure).parameters) == ["ground"]
