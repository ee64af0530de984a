"""Passes: signed for a few minutes, they tell a store's own pages that early access is somebody's.

HS256 with a key that never leaves us: whoever is shown a pass asks us whether it is good.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from connector.errors import PassInvalid
from connector.kernel.vault import Vault

AUDIENCE = "perennial-early-access"
TURN_S = 300  # a pass asked for again in that time is the same one
PASS_MAX = 4000  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Who may have early access by which benefit, until when."""

    customer_id: str
    benefit: str
    ends_at: datetime


def turn_of(now: datetime) -> datetime:
    """Return the beginning of the five minutes whose pass is given at an instant."""
    return datetime.fromtimestamp(now.timestamp() // TURN_S * TURN_S, UTC)


def signed(vault: Vault, store: str, customer_id: str, benefit: str, now: datetime) -> str:
    """Return a pass that is good for five to ten minutes."""
    begins = turn_of(now)
    claims = {
        "iss": store,
        "sub": customer_id,
        "aud": AUDIENCE,
        "benefit": benefit,
        "iat": begins,
        "exp": begins + timedelta(seconds=2 * TURN_S),
    }
    return jwt.encode(claims, vault.derive("early-access", store), "HS256")


def read(vault: Vault, store: str, text: str, now: datetime) -> Pass:
    """Return what a pass of a store says.

    Raises:
        PassInvalid: it is not ours, for another store, or too old.
    """
    try:
        claims = jwt.decode(
            text,
            vault.derive("early-access", store),
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=store,
            options={
                "require": ["iss", "sub", "aud", "benefit", "iat", "exp"],
                "verify_exp": False,  # by our clock
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise PassInvalid(f"this is no pass of this store: {error}") from error
    ends_at = datetime.fromtimestamp(claims["exp"], UTC)
    if now >= ends_at:
        raise PassInvalid("this pass is too old: ask for a new one")
    return Pass(customer_id=claims["sub"], benefit=claims["benefit"], ends_at=ends_at)
