"""Webhooks: what is due, what was delivered, and when a webhook is given up.

A change queues one delivery per active webhook of its topic; pending ones for the same object are
one. The body is built when the delivery is made, in the state then. Nothing is retried.
Source: recorded from WooCommerce 10.5.0; the rules are ``WC_Webhook`` of that version.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platforms.woocommerce.fake.errors import ApiError, Json, Record, invalid_id
from platforms.woocommerce.fake.shapes import blank, known, links, shown
from platforms.woocommerce.fake.values import stamp

if TYPE_CHECKING:
    from platforms.woocommerce.fake.data import FakeStore

WORDPRESS = "6.9.1"
HOOKS = {
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "customer.created": [
        "user_register", "woocommerce_created_customer", "woocommerce_new_customer",
    ],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": [
        "woocommerce_process_product_meta", "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta", "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
}  # fmt: skip
STATUSES = ("active", "paused", "disabled")
FAILURES_MAX = 5
LOG_MAX = 200


def php_json(value: object) -> bytes:
    r"""Write JSON as PHP does: tight, ASCII, with ``\/``."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode()


def sign(secret: str, body: bytes) -> str:
    """Return the signature header of a raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A delivery that was made. ``status`` is 0 where nobody answered."""

    webhook_id: int
    topic: str
    url: str
    headers: dict[str, str]
    body: bytes
    status: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that waits: one webhook, and in JSON what it is about, an object's id mostly."""

    webhook_id: int
    about: str


class Hub:
    """The store's webhooks' moving parts: the queue, the log and the failure counts."""

    def __init__(self, store: "FakeStore") -> None:
        self._store = store
        self._pending: set[Due] = set()
        self._queue: asyncio.Queue[tuple[Due, float]] = asyncio.Queue()
        self.log: deque[Made] = deque(maxlen=LOG_MAX)
        self.failures: dict[int, int] = {}
        self.secrets: dict[int, str] = {}

    @property
    def _agent(self) -> str:
        return f"WooCommerce/{self._store.site.version} Hookshot (WordPress/{WORDPRESS})"

    def emit(self, topic: str, number: int) -> None:
        """Queue a delivery of this object to the active webhooks of ``topic``."""
        self._queue_for(topic, number)

    def act(self, name: str, arg: Json) -> None:
        """Queue a delivery of this argument to the active webhooks of an action."""
        self._queue_for(f"action.{name}", arg)

    def _queue_for(self, topic: str, about: Json) -> None:
        for hook in self._store.all("webhook"):
            due = Due(hook["id"], json.dumps(about))
            if hook["topic"] == topic and hook["status"] == "active" and due not in self._pending:
                self._pending.add(due)
                self._queue.put_nowait((due, time.monotonic() + self._store.world.delay_s))

    async def run(self) -> None:
        """Make deliveries as they fall due, for ever."""
        while True:
            due, when = await self._queue.get()
            await asyncio.sleep(max(when - time.monotonic(), 0))
            await self._make(due)

    async def catch_up(self) -> None:
        """Make all deliveries that wait, now; for a store whose ``run`` isn't at work."""
        while not self._queue.empty():
            due, _ = self._queue.get_nowait()
            await self._make(due)

    async def _make(self, due: Due) -> None:
        self._pending.discard(due)
        hook = self._store.records["webhook"].get(due.webhook_id)
        if hook and hook["status"] == "active":
            await self._deliver(hook, json.loads(due.about))
        self._queue.task_done()

    async def done(self) -> None:
        """Wait until the queue is empty and nothing is under way."""
        await self._queue.join()

    async def _deliver(self, hook: Record, about: Json) -> None:
        body = php_json(payload(self._store, hook, about))
        headers = {
            "User-Agent": self._agent,
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self._store.site.url}/",
            "X-WC-Webhook-Topic": hook["topic"],
            "X-WC-Webhook-Resource": hook["resource"],
            "X-WC-Webhook-Event": hook["event"],
            "X-WC-Webhook-Signature": sign(self.secrets[hook["id"]], body),
            "X-WC-Webhook-ID": str(hook["id"]),
            "X-WC-Webhook-Delivery-ID": self._delivery_id(hook["id"]),
        }
        made = await self._send(hook, headers, body)
        self._count(hook, ok=200 <= made.status <= 302)

    def _delivery_id(self, webhook_id: int) -> str:
        # Webhook id and Unix time, no more: it repeats within a second.
        words = f"{webhook_id}{int(self._store.now().timestamp())}".encode()
        return hashlib.md5(words, usedforsecurity=False).hexdigest()

    async def ping(self, hook: Record) -> None:
        """Greet a new address: form-encoded, unsigned; a failure changes nothing."""
        headers = {"User-Agent": self._agent, "Content-Type": "application/x-www-form-urlencoded"}
        await self._send(hook, headers, f"webhook_id={hook['id']}".encode())

    async def _send(self, hook: Record, headers: dict[str, str], body: bytes) -> Made:
        url, status, message = hook["delivery_url"], 0, ""
        if not self._store.site.relaxed and (_port(url) not in (80, 443, 8080)):
            message = "A valid URL was not provided."
        else:
            try:
                answer = await self._store.http.post(url, content=body, headers=headers)
                status = answer.status_code
            except Exception as failed:  # noqa: BLE001 - no receiver may end the deliveries
                message = str(failed) or type(failed).__name__
        made = Made(
            webhook_id=hook["id"], topic=hook["topic"], url=url,
            headers=headers, body=body, status=status, message=message,
        )  # fmt: skip
        self.log.append(made)
        return made

    def _count(self, hook: Record, *, ok: bool) -> None:
        failures = self.failures.get(hook["id"], 0)
        if ok:
            self.failures[hook["id"]] = 0
        elif failures > FAILURES_MAX:
            hook["status"] = "disabled"
            self._store.touch(hook)
        else:
            self.failures[hook["id"]] = failures + 1


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def payload(store: "FakeStore", hook: Record, about: Json) -> Record:
    """Return the body of a delivery as the store is now."""
    kind = hook["resource"]
    if kind == "action":
        return {"action": hook["event"], "arg": about}
    if hook["event"] == "deleted" or not isinstance(about, int):
        return {"id": about}
    found = store.records[kind].get(about)
    return shown(kind, found) if found is not None else invalid_id(kind).body


async def create(store: "FakeStore", body: Record) -> Record:
    """Make a webhook and greet its address. One without a secret gets one that nobody learns."""
    hook = blank("webhook", {"id": store.next_id("hook"), "name": body.get("name") or "Webhook"})
    _apply(store, hook, {"topic": body.get("topic"), "delivery_url": "", **body})
    stamp(hook, "date_created", store.now(), store.zone)
    hook["_links"] = links(store.site.rest, "webhooks", hook["id"])
    store.hub.secrets[hook["id"]] = str(body.get("secret") or store.token())
    store.records["webhook"][hook["id"]] = hook
    await store.hub.ping(hook)
    return hook


async def update(store: "FakeStore", hook: Record, body: Record) -> Record:
    """Change a webhook. A new address is greeted; the failure count stays as it is."""
    moved = body.get("delivery_url", hook["delivery_url"]) != hook["delivery_url"]
    _apply(store, hook, body)
    if "secret" in body:
        store.hub.secrets[hook["id"]] = str(body["secret"])
    store.touch(hook)
    if moved:
        await store.hub.ping(hook)
    return hook


def delete(store: "FakeStore", hook: Record) -> Record:
    """Remove a webhook."""
    return store.records["webhook"].pop(hook["id"])


def _is_topic(text: str) -> bool:
    return text in HOOKS or (text.startswith("action.") and text != "action.")


def _apply(store: "FakeStore", hook: Record, body: Record) -> None:
    if "topic" in body and not _is_topic(str(body["topic"])):
        code = "woocommerce_rest_shop_webhook_invalid_topic"
        raise ApiError(400, code, "Webhook topic is required and must be valid.")
    url = body.get("delivery_url")
    if url is not None and not str(url).startswith(("http://", "https://")):
        code = "woocommerce_rest_shop_webhook_invalid_delivery_url"
        words = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise ApiError(400, code, words)
    hook |= known("webhook", body, but=frozenset({"resource", "event", "hooks"}))
    if "topic" in body:
        hook["resource"], hook["event"] = hook["topic"].split(".", 1)
        hook["hooks"] = HOOKS.get(hook["topic"], [hook["event"]])
    store.hub.failures.setdefault(hook["id"], 0)
