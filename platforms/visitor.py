"""Who a storefront request comes from: a short token that the plugin signs for its shopper.

HS256 with a key of its own, at most ten minutes long. ``manifest/woocommerce/visitor.json`` holds
vectors that PHP and Python both test.
"""

from collections.abc import Mapping
from datetime import datetime

import jwt

from platforms.errors import SignatureInvalid

AUDIENCE = "perennial-storefront"
LIFE_MAX_S = 600
LEEWAY_S = 60  # a store's clock and ours differ


def customer_of(token: str, store: str, keys: Mapping[str, bytes], now: datetime) -> str:
    """Return the customer id that the token speaks for.

    Raises:
        SignatureInvalid: not signed by a live key, not for this store, too old, or too long-lived.
    """
    try:
        key = keys[str(jwt.get_unverified_header(token).get("kid"))]
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=store,
            options={
                "require": ["iss", "sub", "aud", "iat", "exp", "jti"],
                "verify_exp": False,  # by our clock, below
                "verify_iat": False,
            },
        )
    except (jwt.InvalidTokenError, KeyError) as error:
        raise SignatureInvalid(f"visitor token: {error}") from error
    issued, ends = _seconds(claims["iat"]), _seconds(claims["exp"])
    if not issued - LEEWAY_S <= now.timestamp() < ends + LEEWAY_S:
        raise SignatureInvalid("visitor token: not now")
    if ends - issued > LIFE_MAX_S or not claims["sub"]:
        raise SignatureInvalid("visitor token: lives too long, or names nobody")
    return str(claims["sub"])


def _seconds(claim: object) -> int:
    if not isinstance(claim, int):
        raise SignatureInvalid("visitor token: a time is no whole number")
    return claim
