"""The memory store, read and written: the adapter to read before writing one.

``wire`` translates field by field; this module speaks HTTP and signatures only.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import httpx
import orjson
from starlette.types import ASGIApp

from platforms import visitor
from platforms.conformance.stage import Sample, Stage
from platforms.errors import Malformed, PlatformError, Rejected, SignatureInvalid
from platforms.http import call, checked, parsed
from platforms.memory import wire
from platforms.memory.install import Approval, store_url
from platforms.memory.stage import raised
from platforms.memory.store import APART, Shop, create_api
from platforms.model import (
    Change,
    Delivery,
    Discount,
    DiscountKind,
    DiscountSeen,
    Ignored,
    Kind,
    Page,
    Profile,
    Record,
    Seen,
    StoreInfo,
    Subscription,
    Touched,
)
from platforms.protocol import Access, App, Capabilities, ConnectOption, Keep, Platform, Proxy

IDS_MAX = 100  # of one request; the store answers no more
REQUESTS_AT_ONCE = 4
KINDS: Mapping[str, Kind] = {"order": "order", "customer": "customer", "product": "product"}


class Memory:
    """The pure half: verifies and reads what arrives."""

    name = "memory"
    title = "Memory"
    capabilities = Capabilities(
        cancel_restores_use=True,
        discount_kinds=frozenset(get_args(DiscountKind)),
        apart=APART,
        profiles=True,
        order_notes=True,
        knows_fulfilled=True,
        knows_delivered=True,
    )
    connect_options = (
        ConnectOption("url", "The store's address, such as https://store.example"),
        ConnectOption("key", "The key that opens its API"),
    )
    topics = ("every change",)
    install = Approval()
    proxy: Proxy | None = None
    settings: Sequence[ConnectOption] = ()
    app: App | None = None

    def configured(self, _: Mapping[str, str]) -> "Platform":
        """See :class:`platforms.protocol.Platform`."""
        return self

    def access(self, options: Mapping[str, str]) -> Access:
        """See :class:`platforms.protocol.Platform`."""
        if not options["key"].isascii() or not options["key"].strip():
            raise Malformed("a key is letters and digits: copy it from the store's settings")
        return {"url": store_url(options["url"]), "key": options["key"].strip()}

    def signing_secret(self, access: Access) -> str | None:  # noqa: ARG002 - it is one of ours
        """See :class:`platforms.protocol.Platform`."""
        return None

    def is_ping(self, delivery: Delivery) -> bool:  # noqa: ARG002 - this store never greets
        """See :class:`platforms.protocol.Platform`."""
        return False

    def verify(self, delivery: Delivery, secret: str) -> None:
        """Check the hex HMAC-SHA256 of the raw body, in constant time."""
        expected = hmac.digest(secret.encode(), delivery.body, "sha256").hex()
        given = delivery.headers.get("memory-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise SignatureInvalid(self.name)

    def delivery_key(self, delivery: Delivery) -> str:
        """Hash the store's number of the delivery and the body."""
        number = delivery.headers.get("memory-delivery", "")
        return hashlib.sha256(number.encode() + b"\n" + delivery.body).hexdigest()

    def read(self, delivery: Delivery) -> Change:
        """See :class:`platforms.protocol.Platform`."""
        topic = delivery.headers.get("memory-topic", "")
        kind, event = KINDS.get(topic.partition(".")[0]), topic.partition(".")[2]
        if kind is None or event not in {"changed", "deleted"}:
            return Ignored(f"topic {topic}")
        if event == "deleted":
            return Touched(kind, wire.decode(delivery.body, wire.WireId).id)
        record = wire.read_record(kind, delivery.body)
        return Seen(record) if record else Ignored("a shopper is still typing")

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
    ) -> "MemoryStore":
        """See :class:`platforms.protocol.Platform`."""
        return MemoryStore(access, http)

    def sandbox(
        self,
        *,
        url: str,  # noqa: ARG002 - the store shows no address of its own
        folder: Path | None,  # noqa: ARG002 - nobody has recorded one
        key: str,
        secret: str,  # noqa: ARG002 - the key alone opens it
    ) -> ASGIApp:
        """Return an empty store with nothing in front of its API."""
        return create_api(Shop(key=key))

    def stage(
        self, *, currency: str = "EUR", timezone: str = "Europe/Berlin"
    ) -> AbstractAsyncContextManager[Stage]:
        """See :class:`platforms.protocol.Platform`."""
        return raised(Shop(currency=currency, timezone=timezone))

    async def read_sample(self, sample: Sample) -> None:
        """See :class:`platforms.protocol.Platform`."""
        if sample.is_delivery:
            self.read(Delivery(headers=sample.headers, body=sample.body))
            return
        request = httpx.Request(sample.method, f"https://store.example{sample.target}")
        answer = httpx.Response(
            sample.status, headers=dict(sample.headers), content=sample.body, request=request
        )
        body = parsed(checked(answer))
        noun = request.url.path.split("/")[2]
        if noun == "store":
            wire.decode(body, wire.WireStore)
        elif noun == "hooks":
            wire.decode(body, list[wire.WireHook])
        elif noun == "discounts":
            wire.read_discount(wire.decode(body, wire.WireDiscount))
        else:
            for row in wire.decode(body, wire.WirePage).rows:
                wire.read_record(KINDS[noun.removesuffix("s")], bytes(row))


class MemoryStore:
    """The network half: one store's API."""

    def __init__(self, access: Access, http: httpx.AsyncClient) -> None:
        self._access = access
        self._http = http

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None
    ) -> httpx.Response:
        """Send one request and return the answer of any status."""
        request = self._http.build_request(
            method,
            httpx.URL(f"{self._access['url']}/api{path}", params=query or {}),
            content=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self._access['key']}"},
        )
        return await call(self._http, request)

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        return parsed(checked(await self._call("GET", path, query)))

    async def _store(self) -> wire.WireStore:
        return wire.decode(await self._get("/store"), wire.WireStore)

    async def info(self) -> StoreInfo:
        """See :class:`platforms.protocol.StoreClient`."""
        store = await self._store()
        return StoreInfo(
            name=store.name,
            url=self._access["url"],
            currency=store.currency,
            timezone=store.timezone,
        )

    async def newest(self) -> datetime | None:
        """See :class:`platforms.protocol.StoreClient`."""
        return (await self._store()).newest_order

    async def count(self, kind: Kind) -> int | None:
        """See :class:`platforms.protocol.StoreClient`."""
        return (await self._store()).counts.get(kind)

    async def page(self, kind: Kind, cursor: str | None, since: datetime | None) -> Page:
        """List by the instant of the last change; the cursor is the store's own, and holds it."""
        query = {"after": cursor} if cursor else {}
        if since and not cursor:
            query = {"since": since.astimezone(UTC).replace(microsecond=0).isoformat()}
        page = wire.decode(await self._get(f"/{kind}s", query), wire.WirePage)
        items = (wire.read_row(kind, bytes(row)) for row in page.rows)
        return Page(tuple(item for item in items if item), page.next)

    async def fetch(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Record | None]:
        """See :class:`platforms.protocol.StoreClient`."""
        found: dict[str, Record | None] = dict.fromkeys(ids)
        for begin in range(0, len(ids), IDS_MAX):
            query = {"ids": ",".join(ids[begin : begin + IDS_MAX])}
            page = wire.decode(await self._get(f"/{kind}s", query), wire.WirePage)
            records = (wire.read_record(kind, bytes(row)) for row in page.rows)
            found |= {record.id: record for record in records if record}
        return found

    async def subscribe(self, url: str, secret: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        checked(await self._call("PUT", "/hooks", body={"url": url, "secret": secret}))

    async def subscriptions(self, url: str) -> Sequence[Subscription]:
        """See :class:`platforms.protocol.StoreClient`."""
        hooks = wire.decode(await self._get("/hooks"), list[wire.WireHook])
        return [
            Subscription(id=hook.id, topic=topic, url=hook.url, status=hook.status)
            for hook in hooks
            for topic in Memory.topics
            if hook.url == url
        ]

    async def unsubscribe(self, url: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        checked(await self._call("DELETE", "/hooks", {"url": url}))

    async def issue_discounts(
        self, discounts: Sequence[Discount]
    ) -> Sequence[DiscountSeen | PlatformError]:
        """See :class:`platforms.protocol.StoreClient`; this store takes them one by one."""
        turn = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def one(discount: Discount) -> DiscountSeen | PlatformError:
            async with turn:
                try:
                    return await self._issue(discount)
                except Rejected as refused:
                    return refused

        return await asyncio.gather(*(one(discount) for discount in discounts))

    async def _issue(self, discount: Discount) -> DiscountSeen:
        """Make it, or adopt ours, and believe only what reads back.

        The store drops an e-mail address that it dislikes, which would leave the discount open
        to everybody: one that we just made and that isn't as it should be goes at once.
        """
        path = f"/discounts/{discount.code.lower()}"
        answer = checked(await self._call("PUT", path, body=wire.write_discount(discount)))
        seen = wire.read_discount(wire.decode(parsed(answer), wire.WireDiscount))
        if seen.discount == replace(discount, code=discount.code.lower()):
            return seen
        if answer.status_code == 201:
            checked(await self._call("DELETE", path))
            raise Rejected(f"the store would not keep discount {discount.code} as it must be")
        raise Rejected(f"another discount has the code {discount.code}")

    async def read_discount(self, code: str) -> DiscountSeen | None:
        """See :class:`platforms.protocol.StoreClient`."""
        answer = await self._call("GET", f"/discounts/{code.lower()}")
        if answer.status_code == 404:
            return None
        return wire.read_discount(wire.decode(parsed(checked(answer)), wire.WireDiscount))

    async def revoke_discount(self, code: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        seen = await self.read_discount(code)
        if seen is not None and seen.redemption_id is None:
            raise Rejected(f"discount {code} is not ours to revoke")
        if seen is not None:
            answer = await self._call("DELETE", f"/discounts/{code.lower()}")
            if answer.status_code != 404:
                checked(answer)

    async def write_profile(self, customer_id: str, profile: Profile) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        body = {"points": profile.points, "tier": profile.tier}
        checked(await self._call("PUT", f"/customers/{customer_id}/profile", body=body))

    async def read_profile(self, customer_id: str) -> Profile | None:
        """See :class:`platforms.protocol.StoreClient`."""
        page = wire.decode(await self._get("/customers", {"ids": customer_id}), wire.WirePage)
        rows = [wire.decode(bytes(row), wire.WireCustomer) for row in page.rows]
        return wire.read_profile(rows[0]) if rows else None

    async def write_note(self, order_id: str, text: str) -> None:
        """See :class:`platforms.protocol.StoreClient`; the store keeps a text once."""
        checked(await self._call("PUT", f"/orders/{order_id}/notes", body={"text": text}))

    async def read_notes(self, order_id: str) -> Sequence[str]:
        """See :class:`platforms.protocol.StoreClient`."""
        return wire.decode(await self._get(f"/orders/{order_id}/notes"), list[str])


PLATFORM: Platform = Memory()
