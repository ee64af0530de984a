"""WooCommerce: the half that reads and verifies what arrives; ``store`` is the other, the network.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/ (wc/v3), read 2026-11.
Field-by-field translation lives in ``wire``.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import get_args

import httpx
import msgspec
from starlette.types import ASGIApp

from platforms import visitor
from platforms.conformance.stage import Sample, Stage
from platforms.errors import Malformed, SignatureInvalid
from platforms.http import parsed
from platforms.model import Change, Delivery, DiscountKind, Ignored, Kind, Touched
from platforms.protocol import Access, App, Capabilities, ConnectOption, Keep, Platform, Proxy
from platforms.woocommerce import auth, coupons, wire
from platforms.woocommerce.sandbox import create_sandbox
from platforms.woocommerce.stage import staged
from platforms.woocommerce.store import PATHS, TOPICS, WooStore, accepted

KINDS: Mapping[str, Kind] = {kind: kind for kind in PATHS}
READS: Mapping[str, type] = {
    "refunds": wire.WireRefund,
    "orders/refunds": wire.WireRefund,
    "orders/notes": wire.WireNote,
    "coupons": coupons.WireCoupon,
    "webhooks": wire.WireWebhook,
}


class WooCommerce:
    """The pure half: verifies and reads what arrives."""

    name = "woocommerce"
    title = "WooCommerce"
    capabilities = Capabilities(
        cancel_restores_use=True,
        discount_kinds=frozenset(get_args(DiscountKind)),
        apart=frozenset(),  # but with a merchant's own coupons of individual use
        profiles=True,
        order_notes=True,
        knows_fulfilled=True,  # by an order's completion
        knows_delivered=False,
    )
    connect_options = (
        ConnectOption("url", "The store's address, such as https://store.example"),
        ConnectOption("key", "Consumer key with read and write access (ck_...)"),
        ConnectOption("secret", "Consumer secret (cs_...)"),
    )
    topics = TOPICS
    install = auth.WcAuth()
    proxy: Proxy | None = None
    settings: Sequence[ConnectOption] = ()
    app: App | None = None

    def configured(self, _: Mapping[str, str]) -> "Platform":
        """See :class:`platforms.protocol.Platform`."""
        return self

    def access(self, options: Mapping[str, str]) -> Access:
        """See :class:`platforms.protocol.Platform`."""
        if not options["key"].startswith("ck_") or not options["secret"].startswith("cs_"):
            raise Malformed(
                "a consumer key begins with ck_ and a secret with cs_: make them in WooCommerce"
                " > Settings > Advanced > REST API"
            )
        url = auth.store_url(options["url"])
        return {"url": url, "key": options["key"], "secret": options["secret"]}

    def signing_secret(self, access: Access) -> str | None:  # noqa: ARG002 - it is one of ours
        """See :class:`platforms.protocol.Platform`."""
        return None

    def is_ping(self, delivery: Delivery) -> bool:
        """Return whether it is the form that a new webhook posts, unsigned and without a topic."""
        return (
            delivery.body.startswith(b"webhook_id=")
            and "x-wc-webhook-topic" not in delivery.headers
        )

    def verify(self, delivery: Delivery, secret: str) -> None:
        """Check the base64 HMAC-SHA256 of the raw body, in constant time."""
        expected = base64.b64encode(hmac.digest(secret.encode(), delivery.body, "sha256"))
        given = delivery.headers.get("x-wc-webhook-signature", "")
        if not hmac.compare_digest(expected, given.encode()):
            raise SignatureInvalid(self.name)

    def delivery_key(self, delivery: Delivery) -> str:
        """Hash webhook id, delivery id, topic and body. It saves work; no points rest on it.

        The delivery id repeats within a second, and a body comes back when an edit is undone.
        Source: ``WC_Webhook::get_new_delivery_id`` hashes webhook id and Unix time, no more.
        """
        names = ("x-wc-webhook-id", "x-wc-webhook-delivery-id", "x-wc-webhook-topic")
        head = [delivery.headers.get(name, "").encode() for name in names]
        return hashlib.sha256(b"\n".join([*head, delivery.body])).hexdigest()

    def read(self, delivery: Delivery) -> Change:
        """Turn a verified delivery into a change.

        A deletion's body is the bare id, and trashing a product was seen to name its id as a
        coupon's: a name is a reason to look, never a fact. Bodies are built when they are
        delivered: of a record gone by then comes the store's refusal, correctly signed.
        """
        topic = delivery.headers.get("x-wc-webhook-topic", "")
        subject, _, event = topic.partition(".")
        kind = KINDS.get(subject)
        if kind is None or topic not in TOPICS:
            return Ignored(topic)
        if event == "deleted":
            return Touched(kind, str(wire.decode(delivery.body, wire.WireId).id))
        if wire.is_missing(wire.error(delivery.body)):
            return Ignored("deleted for good before the store told of it")
        row = wire.decode_row(kind, delivery.body)
        return (
            Ignored("a shopper is still typing") if wire.is_draft(row) else wire.read_row(kind, row)
        )

    def verify_visitor(
        self, token: str, store: str, keys: Mapping[str, bytes], now: datetime
    ) -> str:
        """See :class:`platforms.protocol.Platform`."""
        return visitor.customer_of(token, store, keys, now)

    def open(
        self,
        access: Access,
        http: httpx.AsyncClient,
        _: Keep,
    ) -> WooStore:
        """See :class:`platforms.protocol.Platform`."""
        return WooStore(access, http)

    def sandbox(self, *, url: str, folder: Path | None, key: str, secret: str) -> ASGIApp:
        """See :class:`platforms.protocol.Platform`."""
        return create_sandbox(url=url, folder=folder, key=key, secret=secret)

    def stage(
        self, *, currency: str = "EUR", timezone: str = "Europe/Berlin"
    ) -> AbstractAsyncContextManager[Stage]:
        """See :class:`platforms.protocol.Platform`."""
        return staged(currency=currency, timezone=timezone)

    async def read_sample(self, sample: Sample) -> None:
        """See :class:`platforms.protocol.Platform`."""
        if sample.is_delivery:
            delivery = Delivery(headers=sample.headers, body=sample.body)
            if not self.is_ping(delivery):
                self.verify(delivery, sample.secret)
                self.read(delivery)
            return
        request = httpx.Request(sample.method, f"https://store.example{sample.target}")
        answer = httpx.Response(sample.status, content=sample.body, request=request)
        _read_answer(accepted(answer, sample.name))


def _read_answer(answer: httpx.Response) -> None:
    """Read an answer as the part of the store client would that asks for it."""
    body = parsed(answer)
    words = answer.request.url.path.partition("/wc/v3/")[2].split("/")
    name = "/".join(word for word in words if not word.isdigit())
    kind = next((kind for kind, path in PATHS.items() if path == name), None)
    is_list = body.lstrip()[:1] == b"["
    if kind is not None and is_list:
        wire.decode_rows(kind, answer)
    elif kind is not None:
        wire.read_row(kind, wire.decode_row(kind, body))
    elif name in READS:
        type_ = READS[name]
        msgspec.json.decode(body, type=list[type_] if is_list else type_)  # type: ignore[valid-type]


PLATFORM: Platform = WooCommerce()
