"""Secrets are good in their own place only."""

import pytest

from connector.kernel.vault import Vault

VAULT = Vault("s" * 40)


def test_what_is_sealed_opens_in_its_place_only():
    sealed = VAULT.seal("store", "access", "ck_secret")

    assert b"ck_secret" not in sealed
    assert VAULT.open("store", "access", sealed) == "ck_secret"
    for store, column in (("other", "access"), ("store", "guest_key")):
        with pytest.raises(ValueError, match="cannot be opened"):
            VAULT.open(store, column, sealed)


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_byte_or_another_key_opens_nothing(place):
    sealed = bytearray(VAULT.seal("store", "access", "ck_secret"))
    with pytest.raises(ValueError, match="PERENNIAL_SECRET_KEY"):
        Vault("t" * 40).open("store", "access", bytes(sealed))

    sealed[place] ^= 1
    with pytest.raises(ValueError, match="cannot be opened"):
        VAULT.open("store", "access", bytes(sealed))


def test_every_purpose_has_a_key_of_its_own():
    keys = {VAULT.derive(*purpose) for purpose in (("a",), ("b",), ("a", "b"), ("ab",))}
    assert len(keys) == 4
    assert VAULT.derive("a") == Vault("s" * 40).derive("a")
