"""Installing in the browser: the merchant approves the app, and comes back with a code.

Shopify signs the address by which they come back; the code is good once, for a token that ends.
Shopify installs an embedded app by itself: this is for whoever begins here. (shopify.dev:
/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant)
"""

import hmac
import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from platforms.errors import Malformed, SignatureInvalid
from platforms.protocol import Access
from platforms.shopify.auth import store_url

AGE_MAX_S = 90
APART = ("hmac", "signature")  # what signs is not signed
SCOPES = tomllib.loads(Path(__file__).with_name("scopes.toml").read_text(encoding="utf-8"))


class OAuth:
    """See :class:`platforms.protocol.Install`; ``keys`` are those of ``Shopify.settings``."""

    has_plugin = False

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def store_url(self, typed: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        return store_url(typed)

    def approval_url(self, store_url: str, *, token: str, back: str, **_: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        query = {
            "client_id": self._keys["client_id"],
            "scope": ",".join(one["name"] for one in SCOPES["scope"]),
            "redirect_uri": back,
            "state": token,
        }
        return f"{store_url}/admin/oauth/authorize?{urlencode(query)}"

    def read_callback(self, _: bytes) -> tuple[str, Access]:
        """See :class:`platforms.protocol.Install`."""
        raise Malformed("Shopify sends no keys: the merchant's browser brings a code")

    def returned_token(self, query: Mapping[str, str]) -> str:
        """See :class:`platforms.protocol.Install`."""
        return query.get("state", "")

    def is_approved(self, query: Mapping[str, str]) -> bool:
        """See :class:`platforms.protocol.Install`."""
        return "code" in query

    def returned_access(self, query: str, now: datetime) -> Access:
        """See :class:`platforms.protocol.Install`."""
        fields = _fields(query)
        if twice := [name for name, values in fields.items() if len(values) > 1]:
            raise SignatureInvalid(f"installation: {', '.join(twice)[:100]} more than once")
        one = {name: values[0] for name, values in fields.items()}
        names = ("client_secret", "old_client_secret")
        ours = [digest(fields, secret) for name in names if (secret := self._keys.get(name))]
        given = one.get("hmac", "").encode()
        if not any(hmac.compare_digest(mine.encode(), given) for mine in ours):
            raise SignatureInvalid("installation")
        text = one.get("timestamp", "")
        is_number = text.isascii() and text.isdecimal() and len(text) < 12
        if not is_number or abs(now.timestamp() - int(text)) > AGE_MAX_S:
            raise SignatureInvalid("installation: not now")
        try:
            return {"url": store_url(one.get("shop", "")), "code": one["code"]}
        except (Malformed, KeyError) as error:
            raise SignatureInvalid("installation: of no store, or without a code") from error

    def finished_url(self, store_url: str, **_: str) -> str:
        """Return the app in the store's admin."""
        return f"{store_url}/admin/apps/{self._keys['client_id']}"


def digest(fields: Mapping[str, list[str]], secret: str) -> str:
    """Return what Shopify signs a query with, in hexadecimal; an array stands as in JSON.

    Source: ``Session.calculate_hmac`` of the package ``shopifyapi`` 12.7, which keeps the secret
    for the whole process.
    """
    said = "&".join(sorted(_pair(*one) for one in fields.items() if one[0] not in APART))
    return hmac.digest(secret.encode(), said.encode(), "sha256").hex()


def _pair(name: str, values: list[str]) -> str:
    is_array = name.endswith("[]")
    key = name.removesuffix("[]").replace("%", "%25").replace("=", "%3D")
    value = (json.dumps(values) if is_array else values[0]).replace("%", "%25")
    return f"{key}={value}".replace("&", "%26")


def _fields(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name].append(value)
    return found
