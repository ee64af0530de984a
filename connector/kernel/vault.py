"""Secrets at rest and keys for a purpose, all from the one ``SECRET_KEY``.

AES-256-GCM with the store and the column as associated data, so that a sealed value is good in
its own place only; the first byte names the key, so that a later one can take over.
"""

import secrets
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID: Final = b"\x01"
NONCE_BYTES = 12


class Vault:
    """Seals, opens and derives."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._cipher = AESGCM(self.derive("seal"))

    def derive(self, *purpose: str) -> bytes:
        """Return a 32-byte key for one purpose, such as ``("visitor", store, "1")``."""
        info = orjson.dumps(["perennial", *purpose])
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def seal(self, store: str, column: str, text: str) -> bytes:
        """Encrypt a text for one column of one store."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        place = _place(KEY_ID, store, column)
        return KEY_ID + nonce + self._cipher.encrypt(nonce, text.encode(), place)

    def open(self, store: str, column: str, sealed: bytes) -> str:
        """Decrypt what was sealed for that place.

        Raises:
            ValueError: it was sealed elsewhere, with another ``SECRET_KEY``, or is damaged.
        """
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, _place(sealed[:1], store, column)).decode()
        except InvalidTag as error:
            raise ValueError(
                f"{column} of store {store} cannot be opened: is PERENNIAL_SECRET_KEY the one"
                " that the store was connected with?"
            ) from error


def _place(key_id: bytes, store: str, column: str) -> bytes:
    return key_id + orjson.dumps([store, column])
