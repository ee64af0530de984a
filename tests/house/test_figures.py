"""The figures that CONTRIBUTING publishes are those of the evidence."""

from pathlib import Path

from tests.evidence import tables

CONTRIBUTING = Path("CONTRIBUTING.md").read_text(encoding="utf-8")


def test_proofs_are_as_they_came_out():
    assert tables.proofs() in CONTRIBUTING


def test_speed_is_as_it_was_measured():
    assert tables.speed() in CONTRIBUTING


def test_sizes_are_as_they_were_measured():
    assert tables.sizes() in CONTRIBUTING
