"""Who we are to a Shopify store: its address, and the token that we ask it with.

A token ends, and is renewed a minute before, or where the store refuses it:

- An app that many stores install gets its first for the session token of whoever opens it in a
  store's admin, or for the code that an installation brings, and with it a refresh token. Every
  renewal brings another, and the one before is good until the new one is used: whoever dies before
  they kept it loses nothing.
- An app of one store's own asks with its client id and secret.
- The token of a custom app that was made in the store's admin never ends, and is not renewed.

What opens a store is kept as text by these names: ``url``, ``client_id``, ``client_secret``,
``token``, ``token_until`` (ISO 8601) and ``refresh_token``; before the first there is
``session_token`` or ``code``. (shopify.dev,
/docs/apps/build/authentication-authorization/access-tokens/: token-exchange,
offline-access-tokens, authorization-code-grant, client-credentials-grant;
/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens)
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import msgspec

from platforms.errors import AccessRevoked, Malformed
from platforms.http import call, checked, parsed
from platforms.protocol import Access, Keep

HOST = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com")
SANDBOX = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
"""A store on this machine, which nothing but a setting lets us ask."""
EXCHANGE: Mapping[str, object] = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
    "expiring": 1,
}
"""Asks for a token of the API in the place of a session token; without ``expiring`` Shopify gives
one that never ends, which it takes nowhere."""
ONCE = ("session_token", "code")  # what is good for the first token only
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address
EARLY = timedelta(minutes=1)  # before a token ends
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time that it is."""
    return datetime.now(UTC)  # noqa: TID251 - whoever finds us passes none


Opaque = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]+\Z")]
"""What may stand in a header."""


class Granted(msgspec.Struct, frozen=True):
    """What Shopify answers to whom it gives a token; ``expires_in`` is in seconds, a year at most.

    Without ``expires_in`` a token would never end.
    """

    access_token: Opaque
    expires_in: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]
    refresh_token: Opaque = ""


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
    given = {name: text.strip() for name, text in options.items() if name != "url"}
    keys = {name: text for name, text in given.items() if text}
    check_keys(keys)
    return {"url": store_url(options["url"]), **keys}


def check_keys(keys: Mapping[str, str]) -> None:
    """Check the keys of an app: its id, its secret, and what else there is.

    Raises:
        Malformed: one can't be right, or is missing.
    """
    for name in dict.fromkeys(("client_id", "client_secret", *keys)):
        text = keys.get(name, "")
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise Malformed(
                f"the {name.replace('_', ' ')} is letters and digits",
                advice="copy it whole from the app's settings in the Dev Dashboard",
            )


class Token:
    """The token that one store is asked with."""

    def __init__(
        self,
        access: Access,
        http: httpx.AsyncClient,
        keep: Keep,
        clock: Clock,
        keys: Mapping[str, str],
    ) -> None:
        """``keys`` are the operator's app's, for a store that is opened by no app of its own."""
        self._access = access
        self._keys = keys
        self._http = http
        self._keep = keep
        self._clock = clock
        self._refused = ""

    async def get(self) -> str:
        """Return a token that is good now, as far as we know.

        Raises:
            AccessRevoked: Shopify gives us none any more.
            TransientError: it gives none now.
        """
        token = self._access.get("token", "")
        if token in {"", self._refused} or self._ends():
            self._access = await self._keep(self._access, self._renewed)
        return self._access["token"]

    def refuse(self, token: str) -> None:
        """Use a token no more, which the store refused."""
        self._refused = token

    def _ends(self) -> bool:
        until = self._access.get("token_until")
        return until is not None and self._clock() > datetime.fromisoformat(until) - EARLY

    async def _renewed(self, access: Access) -> Access:
        """Return an access with a new token."""
        own = {**self._keys, **access}
        if "client_secret" not in own:
            raise AccessRevoked(
                "the client secret of our app is not set",
                name="no-app",
                advice="set PERENNIAL_SHOPIFY_CLIENT_ID and PERENNIAL_SHOPIFY_CLIENT_SECRET to"
                " those of the app that the store installed",
            )
        asked: dict[str, object] = {name: own[name] for name in ("client_id", "client_secret")}
        if session := access.get("session_token"):
            asked |= {**EXCHANGE, "subject_token": session}
        elif code := access.get("code"):
            asked |= {"code": code, "expiring": "1"}
        elif refresh := access.get("refresh_token"):
            asked |= {"grant_type": "refresh_token", "refresh_token": refresh}
        elif "token" in access and "token_until" not in access:
            raise AccessRevoked(
                "Shopify refused the token",
                advice="see whether the app is installed in this store, and copy its token anew",
            )
        else:
            asked["grant_type"] = "client_credentials"
        return await granted(access, asked, self._http, self._clock)


async def granted(
    access: Access, asked: Mapping[str, object], http: httpx.AsyncClient, clock: Clock
) -> Access:
    """Return an access with the token that Shopify grants for what is ``asked``.

    Raises:
        AccessRevoked: Shopify grants none.
        TransientError: it grants none now.
    """
    at = clock()
    request = http.build_request("POST", f"{access['url']}{TOKEN_PATH}", json=asked)
    answer = await call(http, request)
    if answer.status_code in {400, 401, 403}:
        raise _refused(asked.get("grant_type", "code"), answer.status_code)
    try:
        told = msgspec.json.decode(parsed(checked(answer)), type=Granted)
    except msgspec.MsgspecError as error:
        raise Malformed(f"the token can't be read: {error}") from error
    until = (at + timedelta(seconds=told.expires_in)).isoformat()
    new = {"token": told.access_token, "token_until": until, "refresh_token": told.refresh_token}
    kept = {name: text for name, text in access.items() if name not in ONCE}
    return {**kept, **{name: text for name, text in new.items() if text}}


def _refused(grant_type: object, status: int) -> AccessRevoked:
    if grant_type != "client_credentials":
        what = "renews our token" if grant_type == "refresh_token" else "takes what it gave us"
        return AccessRevoked(
            f"Shopify no longer {what} ({status})",
            name="needs-reopen",
            advice="open the app once in the store's Shopify admin",
        )
    return AccessRevoked(
        f"Shopify refused the client id and secret ({status})",
        advice="see whether the app is installed in this store, and copy both anew",
    )
