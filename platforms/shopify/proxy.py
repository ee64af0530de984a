"""Requests of shoppers that Shopify's app proxy leads on to us: who is looking, signed by Shopify.

The signature is over all parameters that came, those of the page among them. So whoever writes a
parameter twice could have it read otherwise than it was meant: those that say who and when may come
once only. (shopify.dev: /docs/apps/build/online-store/app-proxies/authenticate-app-proxies)
"""

import hmac
from collections import defaultdict
from datetime import datetime
from urllib.parse import parse_qsl

from platforms.errors import SignatureInvalid
from platforms.shopify.auth import store_url

ONCE = ("shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature")
AGE_MAX_S = 90
ID_MAX = 20  # digits


class AppProxy:
    """See :class:`platforms.protocol.Proxy`."""

    def store_url(self, query: str) -> str:
        """See :class:`platforms.protocol.Proxy`."""
        return store_url(_fields(query).get("shop", [""])[0])

    def customer_of(self, query: str, secret: str, now: datetime) -> str | None:
        """See :class:`platforms.protocol.Proxy`; nobody is signed in where the id is blank."""
        fields = _fields(query)
        if twice := [name for name in ONCE if len(fields.get(name, ())) > 1]:
            raise SignatureInvalid(f"app proxy: {', '.join(twice)} more than once")
        given = fields.pop("signature", [""])[0]
        said = "".join(f"{name}={','.join(values)}" for name, values in sorted(fields.items()))
        digest = hmac.digest(secret.encode(), said.encode(), "sha256").hex()
        if not hmac.compare_digest(digest.encode(), given.encode()):
            raise SignatureInvalid("app proxy")
        _require_now(fields.get("timestamp", [""])[0], now)
        customer = fields.get("logged_in_customer_id", [""])[0]
        is_number = customer.isascii() and customer.isdecimal() and len(customer) <= ID_MAX
        if customer and not is_number:
            raise SignatureInvalid("app proxy: a customer's id is a number")
        return customer or None


def _fields(query: str) -> dict[str, list[str]]:
    """Return the values of each parameter, decoded, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name].append(value)
    return found


def _require_now(text: str, now: datetime) -> None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 12
    if not is_number or abs(now.timestamp() - int(text)) > AGE_MAX_S:
        raise SignatureInvalid("app proxy: not now")
