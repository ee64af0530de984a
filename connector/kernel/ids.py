"""Identities: unguessable, short enough to read aloud. Randomness is an argument."""

import base64
import secrets
from collections.abc import Callable

Ids = Callable[[], str]


def random_id() -> str:
    """Return 80 random bits as 16 letters and digits, lower case."""
    return base64.b32encode(secrets.token_bytes(10)).decode().lower()
