"""The pure half: verifies Shopify's deliveries, and reads whom or what they are about.

A delivery's body is as REST had it: some fields left it in 2025-01 and 2026-04, others never came.
So it only names what changed, and the record is fetched through GraphQL: one way to read orders,
whatever becomes of the bodies. (platforms/shopify/README.md)
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

import httpx
import orjson
from starlette.types import ASGIApp

from platforms import visitor
from platforms.conformance.stage import Sample, Stage
from platforms.errors import Malformed, SignatureInvalid
from platforms.model import Change, Delivery, Ignored, Kind, Touched
from platforms.protocol import (
    Access,
    App,
    Capabilities,
    ConnectOption,
    Install,
    Keep,
    Platform,
    Proxy,
)
from platforms.shopify import auth
from platforms.shopify.app import TOLD, ShopifyApp, told
from platforms.shopify.auth import Clock, Token, system_clock
from platforms.shopify.fake.data import Bucket, Shop
from platforms.shopify.fake.stage import raised
from platforms.shopify.oauth import OAuth
from platforms.shopify.proxy import AppProxy
from platforms.shopify.sandbox import create_sandbox
from platforms.shopify.store import BULK_FROM, ShopifyStore

ABOUT: Mapping[str, tuple[Kind, Sequence[str]]] = {
    "orders/create": ("order", ["id"]),
    "orders/updated": ("order", ["id"]),
    "orders/paid": ("order", ["id"]),
    "orders/cancelled": ("order", ["id"]),
    "orders/edited": ("order", ["order_edit", "order_id"]),
    "orders/delete": ("order", ["id"]),
    "refunds/create": ("order", ["order_id"]),
    "fulfillments/create": ("order", ["order_id"]),
    "fulfillments/update": ("order", ["order_id"]),
    "customers/create": ("customer", ["id"]),
    "customers/update": ("customer", ["id"]),
    "customers/delete": ("customer", ["id"]),
    "customers/merge": ("customer", ["admin_graphql_api_customer_deleted_id"]),
    "products/create": ("product", ["id"]),
    "products/update": ("product", ["id"]),
    "products/delete": ("product", ["id"]),
}
"""The topics that we subscribe: what kind of record each is about, and where its id stands."""


class Shopify:
    """See :class:`platforms.protocol.Platform`."""

    name = "shopify"
    title = "Shopify"
    capabilities = Capabilities(
        cancel_restores_use=False,
        discount_kinds=frozenset(),
        apart=frozenset(),
        profiles=False,
        order_notes=False,
        knows_fulfilled=True,
        knows_delivered=True,
        lacks={
            "install": "Shopify installs apps by itself; a store's own is pasted",
            "own_secret": "Shopify signs with the app's client secret",
            "trash": "Shopify deletes orders for good",
            "any_status": "Shopify's financial statuses are an enumeration of its schema",
            "negative_fees": "Shopify takes off by discounts",
            "other_currencies": "Shopify tells each amount in the store's own currency, too",
        },
    )
    topics = tuple(topic.replace("/", "_").upper() for topic in ABOUT)
    connect_options = (
        ConnectOption("url", "The store's address, such as https://NAME.myshopify.com"),
        ConnectOption("client_id", "Client id of the app that was made for this store"),
        ConnectOption("client_secret", "Client secret of that app"),
        ConnectOption(
            "token", "Access token of a custom app from the store's own admin", is_needed=False
        ),
    )
    settings = (
        ConnectOption("client_id", "Client id of the app that stores install"),
        ConnectOption("client_secret", "Client secret of that app"),
        ConnectOption(
            "old_client_secret",
            "The client secret before, for as long as Shopify signs with it",
            is_needed=False,
        ),
    )
    proxy: Proxy | None = AppProxy()

    def __init__(
        self,
        clock: Clock = system_clock,
        bulk_from: int = BULK_FROM,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """``keys`` are those of ``settings``."""
        self._clock = clock
        self._bulk_from = bulk_from
        self._keys = keys or {}
        self.app: App | None = ShopifyApp(self._keys)
        self.install: Install | None = OAuth(self._keys) if self._keys else None

    def configured(self, settings: Mapping[str, str]) -> "Shopify":
        """See :class:`platforms.protocol.Platform`."""
        keys = {name: text for name, text in settings.items() if text}
        if keys:
            auth.check_keys(keys)
        return Shopify(self._clock, self._bulk_from, keys)

    def access(self, options: Mapping[str, str]) -> Access:
        """See :class:`platforms.protocol.Platform`."""
        return auth.access(options)

    def signing_secret(self, access: Access) -> str | None:
        """Return the client secret of the store's own app, an empty text for the operator's."""
        return access.get("client_secret", "")

    def is_ping(self, delivery: Delivery) -> bool:  # noqa: ARG002 - Shopify never greets
        """See :class:`platforms.protocol.Platform`."""
        return False

    def verify(self, delivery: Delivery, secret: str) -> None:
        """Check the base64 HMAC-SHA256 of the raw body, in constant time."""
        digest = hmac.digest(secret.encode(), delivery.body, "sha256")
        given = delivery.headers.get("x-shopify-hmac-sha256", "")
        if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
            raise SignatureInvalid(self.name)

    def delivery_key(self, delivery: Delivery) -> str:
        """Hash the topic, the number that a delivery keeps when it is tried again, and the body."""
        said = (delivery.headers.get(f"x-shopify-{name}", "") for name in ("topic", "webhook-id"))
        return hashlib.sha256("\n".join(said).encode() + b"\n" + delivery.body).hexdigest()

    def read(self, delivery: Delivery) -> Change:
        """See :class:`platforms.protocol.Platform`."""
        topic = delivery.headers.get("x-shopify-topic", "")
        if topic not in ABOUT and topic not in TOLD:
            return Ignored(f"topic {topic[:100]}")
        try:
            body = orjson.loads(delivery.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"{topic}: {error}") from error
        if topic in TOLD:
            return told(topic, body, delivery.headers)
        if topic == "customers/merge" and isinstance(body, dict) and body.get("status") == "failed":
            return Ignored("customers who were not merged")
        kind, path = ABOUT[topic]
        found = body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return Touched(kind, _number(found, topic))

    def verify_visitor(
        self, token: str, store: str, keys: Mapping[str, bytes], now: datetime
    ) -> str:
        """See :class:`platforms.protocol.Platform`."""
        return visitor.customer_of(token, store, keys, now)

    def open(self, access: Access, http: httpx.AsyncClient, keep: Keep) -> ShopifyStore:
        """See :class:`platforms.protocol.Platform`."""
        token = Token(access, http, keep, self._clock, self._keys)
        return ShopifyStore(access["url"], http, token, self.topics, self._bulk_from)

    def sandbox(
        self,
        *,
        url: str,
        folder: Path | None,  # noqa: ARG002 - nobody has recorded one
        key: str,
        secret: str,
    ) -> ASGIApp:
        """See :class:`platforms.protocol.Platform`; ``key`` and ``secret`` are the app's."""
        return create_sandbox(url=url, key=key, secret=secret)

    def stage(
        self, *, currency: str = "EUR", timezone: str = "Europe/Berlin"
    ) -> AbstractAsyncContextManager[Stage]:
        """See :class:`platforms.protocol.Platform`."""
        return raised(Shop(currency=currency, timezone=timezone, bucket=Bucket.endless()))

    async def read_sample(self, sample: Sample) -> None:
        """See :class:`platforms.protocol.Platform`."""
        self.read(Delivery(headers=sample.headers, body=sample.body))


def _number(found: object, topic: str) -> str:
    """Return an id, which a body has as a number or at the end of a gid.

    Raises:
        Malformed: it has none.
    """
    if isinstance(found, str) and found.startswith("gid://shopify/"):
        found = found.rpartition("/")[2]
        if found.isascii() and found.isdecimal() and len(found) < 30:
            return found
    elif isinstance(found, int) and not isinstance(found, bool) and found > 0:
        return str(found)
    raise Malformed(f"{topic}: the body names no record")


PLATFORM: Platform = Shopify()
