"""Who we are to a Shopify store: its address, and the tokens that an app of its own is given.

A merchant makes an app for their store alone, and pastes its client id and secret. With these a
token is asked for, which lives a day; it is asked for anew a minute before it ends, or where it is
refused. (shopify.dev: /docs/apps/build/authentication-authorization/client-secrets and
/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant)
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import msgspec

from platforms.errors import AccessRevoked, Malformed
from platforms.http import call, checked, parsed
from platforms.protocol import Access

HOST = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com")
SANDBOX = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
"""A store on this machine, which nothing but a setting lets us ask."""
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address
EARLY_S = 60.0  # before a token ends
LIFE_LEAST_S = 60.0
KEPT = 10_000  # stores whose tokens a process keeps


class Granted(msgspec.Struct, frozen=True):
    """What Shopify answers to good client credentials."""

    access_token: str
    expires_in: float


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and until when it is used by our own clock."""

    text: str
    until: float


def store_url(typed: str) -> str:
    """Return ``https://NAME.myshopify.com`` from what a merchant types or pastes.

    Raises:
        Malformed: it is no such address.
    """
    text = typed.strip().removesuffix("/")
    if SANDBOX.fullmatch(text):
        return text
    host = text.removeprefix("https://")
    if not HOST.fullmatch(host):
        raise Malformed(
            f"{typed[:200]!r} is no address of a Shopify store",
            advice="type it as https://NAME.myshopify.com, as it stands under Settings > Domains",
        )
    return f"https://{host.lower()}"


def access(options: Mapping[str, str]) -> Access:
    """Return the access that a merchant pasted.

    Raises:
        Malformed: an option can't be right.
    """
    found = {"url": store_url(options["url"])}
    for name in ("client_id", "client_secret"):
        text = options[name].strip()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise Malformed(
                f"the {name.replace('_', ' ')} is letters and digits",
                advice="copy it whole from the app's settings in the Dev Dashboard",
            )
        found[name] = text
    return found


class Tokens:
    """The tokens of stores, each asked for once though many want it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: dict[tuple[str, ...], Token] = {}
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}

    async def get(self, access: Access, http: httpx.AsyncClient) -> str:
        """Return a token for a store.

        Raises:
            AccessRevoked: Shopify does not know the client id and secret.
            TransientError: it gives none now.
        """
        key = _key(access)
        if (held := self._held(key)) is not None:
            return held
        if len(self._locks) >= KEPT:
            self._locks.clear()
            self._tokens.clear()
        async with self._locks.setdefault(key, asyncio.Lock()):
            if (held := self._held(key)) is not None:
                return held
            granted = await _grant(access, http)
            life = max(granted.expires_in - EARLY_S, LIFE_LEAST_S)
            self._tokens[key] = Token(granted.access_token, self._clock() + life)
            return granted.access_token

    def forget(self, access: Access, token: str) -> None:
        """Use a token no more, which the store refused."""
        held = self._tokens.get(_key(access))
        if held is not None and held.text == token:
            del self._tokens[_key(access)]

    def _held(self, key: tuple[str, ...]) -> str | None:
        token = self._tokens.get(key)
        return token.text if token is not None and self._clock() < token.until else None


def _key(access: Access) -> tuple[str, ...]:
    return access["url"], access["client_id"], access["client_secret"]


async def _grant(access: Access, http: httpx.AsyncClient) -> Granted:
    asked = {
        "client_id": access["client_id"],
        "client_secret": access["client_secret"],
        "grant_type": "client_credentials",
    }
    request = http.build_request("POST", f"{access['url']}{TOKEN_PATH}", json=asked)
    answer = await call(http, request)
    if answer.status_code in {400, 401, 403}:
        raise AccessRevoked(
            f"Shopify refused the client id and secret ({answer.status_code})",
            advice="see whether the app is installed in this store, and copy both anew",
        )
    try:
        return msgspec.json.decode(parsed(checked(answer)), type=Granted)
    except msgspec.MsgspecError as error:
        raise Malformed(f"the token can't be read: {error}") from error
