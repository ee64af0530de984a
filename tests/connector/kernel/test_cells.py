"""Cells that no spreadsheet runs, and that come back as they were."""

import pytest

from connector.kernel import cells


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("ada@example.test", "ada@example.test"),
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("'quoted", "''quoted"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula_and_is_read_as_it_was(text, cell):
    assert cells.written(text) == cell
    assert cells.read(cell) == text


def test_an_apostrophe_before_a_letter_is_a_letter():
    assert cells.read("'tis") == "'tis"
