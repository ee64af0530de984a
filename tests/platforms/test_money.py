"""Money: exact where it is ours, nearest where a store keeps it finer than its coins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.errors import Malformed
from platforms.money import nearest_minor, to_text


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.90", "EUR", 1990),
        ("-25.48", "USD", -2548),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("0.005", "EUR", 1),
        ("-0.005", "EUR", -1),
        ("2.0049", "EUR", 200),
        ("16.6667", "EUR", 1667),
    ],
)
def test_text_becomes_minor_units(text, currency, minor):
    assert nearest_minor(text, currency) == minor


@pytest.mark.parametrize("text", ["", "ten", "1,50", "NaN", "Infinity", "1e999999", "1e20"])
def test_what_is_no_amount_is_malformed(text):
    with pytest.raises(Malformed):
        nearest_minor(text, "EUR")


@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_writing_and_reading_is_the_same_amount(minor, currency):
    assert nearest_minor(to_text(minor, currency), currency) == minor
