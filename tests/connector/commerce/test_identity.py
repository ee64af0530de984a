"""Whose points: a customer's, a guest's by the canonical address, or nobody's."""

from dataclasses import replace

import pytest

from connector.commerce.identity import account_of, canonical_email
from tests.connector.commerce.test_snapshots import HELD

GUEST = replace(HELD, customer_id=None)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        (" Maya@Example.TEST ", "maya@example.test"),
        ("a.b+c@gmail.com", "a.b+c@gmail.com"),
        ("jose\u0301@example.test", "jos\u00e9@example.test"),
    ],
)
def test_addresses_are_trimmed_composed_and_lowered_no_more(typed, canonical):
    assert canonical_email(typed) == canonical


def test_a_customer_is_known_by_id_and_a_guest_by_a_keyed_hash():
    guest = account_of(GUEST, b"key")

    assert account_of(HELD, b"key") == "customer:2"
    assert guest.startswith("guest:")
    assert "example" not in guest
    assert guest == account_of(replace(GUEST, email="A@example.test "), b"key")
    assert guest != account_of(GUEST, b"another store's key")


@pytest.mark.parametrize("email", [None, "", "  "])
def test_with_neither_it_is_nobodys(email):
    assert account_of(replace(GUEST, email=email), b"key") == ""
