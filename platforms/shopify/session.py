"""Session tokens: who asks for a page inside Shopify's admin, signed by the app's client secret.

A token lives for a minute, and names the store, the app and the person. Nothing of it is optional:
Shopify's own libraries take one without an ``exp``. (shopify.dev:
/docs/apps/build/authentication-authorization/session-tokens)
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import jwt
import msgspec
from jwt.types import Options

from platforms.errors import Malformed, SignatureInvalid
from platforms.shopify.auth import store_url

LEEWAY_S = 10  # Shopify's clock and ours differ
LENGTH_MAX = 4_000
UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
"""What is checked here: by the time that we are given, and by this app."""


class Claims(msgspec.Struct, frozen=True):
    """What a token says; times in seconds since 1970."""

    iss: str
    dest: str
    aud: str
    sub: Annotated[str, msgspec.Meta(pattern=r"\A[!-~]+\Z")]
    exp: int
    nbf: int
    iat: int
    jti: str


def who_asks(token: str, client_id: str, secrets: Sequence[str], now: datetime) -> tuple[str, str]:
    """Return the canonical address of the store, and Shopify's id of the person.

    Raises:
        SignatureInvalid: no secret signed it, it is for another app, or not of now.
    """
    claims = next((one for secret in secrets if (one := _signed(token, secret))), None)
    if claims is None:
        raise SignatureInvalid("session token: not signed by this app's secret")
    try:
        url = store_url(claims.dest)
    except Malformed as error:
        raise SignatureInvalid("session token: of no store") from error
    if (claims.dest, claims.iss) != (url, f"{url}/admin"):
        raise SignatureInvalid("session token: of two stores")
    if claims.aud != client_id or not claims.jti:
        raise SignatureInvalid("session token: for another app, or of nobody")
    began, at = max(claims.nbf, claims.iat), now.timestamp()
    if not began - LEEWAY_S <= at < claims.exp + LEEWAY_S:
        raise SignatureInvalid("session token: not now")
    return url, claims.sub


def _signed(token: str, secret: str) -> Claims | None:
    """Return what a secret signed; whether it holds now is another question."""
    if len(token) > LENGTH_MAX:
        return None
    try:
        said = jwt.decode(token, secret, ["HS256"], options=UNCHECKED)
        return msgspec.convert(said, Claims)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
        return None
