"""Who a storefront request comes from: a short token that the plugin signs for its shopper.

HS256 with a key of its own, at most ten minutes long. ``manifest/woocommerce/visitor.json`` holds
vectors that PHP and Python both test.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import jwt

from platforms.errors import SignatureInvalid

AUDIENCE = "perennial-storefront"
LIFE_MAX_S = 600
LEEWAY_S = 60  # a store's clock and ours differ
TOKENS_KEPT = 10_000


def customer_of(token: str, store: str, keys: Mapping[str, bytes], now: datetime) -> str:
    """Return the customer id that the token speaks for.

    Raises:
        SignatureInvalid: not signed by a live key, not for this store, too old, or too long-lived.
    """
    subject, issued, ends = _signed(token, store, tuple(sorted(keys.items())))
    if not issued - LEEWAY_S <= now.timestamp() < ends + LEEWAY_S:
        raise SignatureInvalid("visitor token: not now")
    if ends - issued > LIFE_MAX_S or not subject:
        raise SignatureInvalid("visitor token: lives too long, or names nobody")
    return subject


def token_for(customer: str, store: str, key_id: str, key: bytes, now: datetime) -> str:
    """Return a token that speaks for a customer, for as long as any may."""
    issued = int(now.timestamp())
    claims = {
        "iss": store,
        "sub": customer,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + LIFE_MAX_S,
        "jti": secrets.token_hex(16),
    }
    return jwt.encode(claims, key, "HS256", headers={"kid": key_id})


@lru_cache(maxsize=TOKENS_KEPT)
def _signed(token: str, store: str, keys: tuple[tuple[str, bytes], ...]) -> tuple[str, int, int]:
    """Return whom a token speaks for, from when and until when, whatever time it is now.

    Kept, as a shopper shows one token on each page: checking it took longer than all else.
    """
    try:
        key = dict(keys)[str(jwt.get_unverified_header(token).get("kid"))]
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=store,
            options={
                "require": ["iss", "sub", "aud", "iat", "exp", "jti"],
                "verify_exp": False,  # by our clock, each time
                "verify_iat": False,
            },
        )
    except (jwt.InvalidTokenError, KeyError) as error:
        raise SignatureInvalid(f"visitor token: {error}") from error
    return str(claims["sub"] or ""), _seconds(claims["iat"]), _seconds(claims["exp"])


def _seconds(claim: object) -> int:
    if not isinstance(claim, int):
        raise SignatureInvalid("visitor token: a time is no whole number")
    return claim
