"""The operator's app, which many stores install: what signs for it, and whose a delivery is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import orjson

from platforms.errors import Malformed
from platforms.model import Change, Delivery, PersonAsked, StoreErased, Uninstalled
from platforms.protocol import Visit
from platforms.shopify.auth import SANDBOX, store_url
from platforms.shopify.session import who_asks

DOMAINS = ("myshopify_domain", "shop_domain")
"""Where a body says whose it is: app/uninstalled by the first, privacy topics by the second."""
APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
TOLD = ("app/uninstalled", "customers/data_request", "customers/redact", "shop/redact")
"""The topics that apps are told without asking, by their own settings in the Dev Dashboard."""


def told(topic: str, body: object, headers: Mapping[str, str]) -> Change:
    """Return what the app was told.

    Raises:
        Malformed: a customer is not named, or an instant can't be read.
    """
    if topic == "shop/redact":
        return StoreErased()
    if topic == "app/uninstalled":
        return Uninstalled(_instant(headers.get("x-shopify-triggered-at", "")))
    customer = body.get("customer") if isinstance(body, dict) else None
    fields = customer if isinstance(customer, dict) else {}
    id_, email = fields.get("id"), fields.get("email")
    named = str(id_) if isinstance(id_, int) and not isinstance(id_, bool) and id_ > 0 else None
    email = email if isinstance(email, str) and email else None
    if named is None and email is None:
        raise Malformed(f"{topic} names no customer")
    return PersonAsked("erase" if topic == "customers/redact" else "export", named, email)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"no instant: {text[:50]!r}") from error
    if at.tzinfo is None:
        raise Malformed(f"an instant without its zone: {text[:50]!r}")
    return at


class ShopifyApp:
    """See :class:`platforms.protocol.App`; ``keys`` are those of ``Shopify.settings``."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    @property
    def secrets(self) -> Sequence[str]:
        """See :class:`platforms.protocol.App`."""
        names = ("client_secret", "old_client_secret")
        return [text for name in names if (text := self._keys.get(name))]

    @property
    def retry(self) -> Mapping[str, str]:
        """See :class:`platforms.protocol.App`."""
        return {"X-Shopify-Retry-Invalid-Session-Request": "1"}

    @property
    def reload(self) -> str:
        """See :class:`platforms.protocol.App`."""
        return "shopify-reload"

    def store_url(self, delivery: Delivery) -> str:
        """Return the store of the header that no signature covers, as the body has it, too.

        Raises:
            Malformed: one of them is no store, or another.
        """
        named = [delivery.headers.get("x-shopify-shop-domain", "")]
        try:
            body = orjson.loads(delivery.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"no JSON: {error}") from error
        if isinstance(body, dict):
            named += [str(body[name]) for name in DOMAINS if name in body]
        urls = {store_url(one) for one in named}
        if len(urls) != 1:
            raise Malformed("a delivery of two stores")
        return urls.pop()

    def framed_by(self, query: Mapping[str, str]) -> str | None:
        """See :class:`platforms.protocol.App`."""
        if not self.secrets or "shop" not in query:
            return None
        with suppress(Malformed):
            return store_url(query["shop"])
        return None

    def visit(self, token: str, now: datetime) -> Visit:
        """See :class:`platforms.protocol.App`; the token is exchanged for one of the API, once."""
        url, user = who_asks(token, self._keys.get("client_id", ""), self.secrets, now)
        return Visit(url=url, user=user, access={"url": url, "session_token": token})

    def ancestors(self, url: str) -> Sequence[str]:
        """Return the store's own address, and that of Shopify's admin."""
        return [url] if SANDBOX.fullmatch(url) else [url, "https://admin.shopify.com"]

    def script(self, url: str) -> tuple[str, str]:
        """Return App Bridge's address, or that of a sandbox's stand-in for it."""
        there = f"{url}/admin/app-bridge.js" if SANDBOX.fullmatch(url) else APP_BRIDGE
        return there, self._keys.get("client_id", "")
