"""WooCommerce: webhooks and REST v3 in, the shared model out, coupons back.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/ (wc/v3), read 2026-11.
Field-by-field translation lives in ``wire``; this module speaks HTTP and signatures only.
"""

import asyncio
import base64
import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx
import orjson
from starlette.types import ASGIApp

from platforms.errors import Malformed, Rejected, SignatureInvalid, TransientError
from platforms.http import call, checked
from platforms.model import (
    Change,
    Delivery,
    Discount,
    DiscountSeen,
    Ignored,
    Kind,
    Page,
    Record,
    StoreInfo,
    Subscription,
    Touched,
)
from platforms.protocol import Access, Capabilities, ConnectOption, Platform
from platforms.woocommerce import auth, visitor, wire
from platforms.woocommerce.sandbox import create_sandbox

SECOND = timedelta(seconds=1)  # the grain of the vendor's stamps
EPOCH = datetime(1970, 1, 2, tzinfo=UTC)
PER_PAGE = 100  # 101 is refused
REQUESTS_AT_ONCE = 4  # of one batch; more gain nothing on a small store
PATHS: Mapping[Kind, str] = {"order": "orders", "customer": "customers", "product": "products"}
KINDS: Mapping[str, Kind] = {kind: kind for kind in PATHS}
TOPICS = (
    "order.created", "order.updated", "order.deleted", "order.restored",
    "customer.created", "customer.updated", "customer.deleted",
    "product.created", "product.updated", "product.deleted",
)  # fmt: skip


class WooCommerce:
    """The pure half: verifies and reads what arrives."""

    name = "woocommerce"
    title = "WooCommerce"
    capabilities = Capabilities(cancel_restores_use=True)
    connect_options = (
        ConnectOption("url", "The store's address, such as https://store.example"),
        ConnectOption("key", "Consumer key with read and write access (ck_...)"),
        ConnectOption("secret", "Consumer secret (cs_...)"),
    )
    install = auth.WcAuth()

    def access(self, options: Mapping[str, str]) -> Access:
        """See :class:`platforms.protocol.Platform`."""
        if not options["key"].startswith("ck_") or not options["secret"].startswith("cs_"):
            raise Malformed(
                "a consumer key begins with ck_ and a secret with cs_: make them in WooCommerce"
                " > Settings > Advanced > REST API"
            )
        url = auth.store_url(options["url"])
        return {"url": url, "key": options["key"], "secret": options["secret"]}

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
        """Turn a verified delivery into a change; a record gone by now comes as Malformed.

        A deletion's body is the bare id, and trashing a product was seen to name its id as a
        coupon's: a name is a reason to look, never a fact.
        """
        topic = delivery.headers.get("x-wc-webhook-topic", "")
        subject, _, event = topic.partition(".")
        kind = KINDS.get(subject)
        if kind is None or topic not in TOPICS:
            return Ignored(topic)
        if event == "deleted":
            return Touched(kind, str(wire.decode(delivery.body, wire.WireId).id))
        row = wire.decode_row(kind, delivery.body)
        return (
            Ignored("a shopper is still typing") if wire.is_draft(row) else wire.read_row(kind, row)
        )

    def verify_visitor(
        self, token: str, store: str, keys: Mapping[str, bytes], now: datetime
    ) -> str:
        """See :class:`platforms.protocol.Platform`."""
        return visitor.customer_of(token, store, keys, now)

    def open(self, access: Access, http: httpx.AsyncClient) -> "WooStore":
        """See :class:`platforms.protocol.Platform`."""
        return WooStore(access, http)

    def sandbox(self, *, url: str, folder: Path | None, key: str, secret: str) -> ASGIApp:
        """See :class:`platforms.protocol.Platform`."""
        return create_sandbox(url=url, folder=folder, key=key, secret=secret)


class WooStore:
    """The network half: one site's REST API, through the caller's HTTP client."""

    def __init__(self, access: Access, http: httpx.AsyncClient) -> None:
        self._access = access
        self._http = http
        self._root = f"{access['url']}/wp-json"
        self._site: tuple[str, tzinfo] | None = None

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None
    ) -> httpx.Response:
        """Send one signed request to wc/v3 and return the answer of any status."""
        url = httpx.URL(f"{self._root}{path}", params=query) if query else f"{self._root}{path}"
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self._http.build_request(method, url, content=content, headers=headers)
        return await call(self._http, auth.signed(request, self._access))

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        return self._accepted(await self._call("GET", f"/wc/v3{path}", query), f"reading {path}")

    async def info(self) -> StoreInfo:
        """See :class:`platforms.protocol.StoreClient`."""
        currency, _ = await self._terms()
        index = wire.decode((await self._index()).content, wire.WireIndex)
        return StoreInfo(
            name=index.name,
            url=self._access["url"],
            currency=currency,
            timezone=wire.zone_name(index),
        )

    async def _index(self) -> httpx.Response:
        return checked(await self._call("GET", "/"), "reading the site's index")

    async def _terms(self) -> tuple[str, tzinfo]:
        """Return the store's currency and zone, asked once."""
        if self._site is None:
            setting = await self._get("/settings/general/woocommerce_currency")
            index = wire.decode((await self._index()).content, wire.WireIndex)
            currency = wire.decode(setting.content, wire.WireSetting).value
            self._site = currency, wire.read_zone(index)
        return self._site

    async def page(self, kind: Kind, cursor: str | None, since: datetime | None) -> Page:
        """List what changed at or after ``since``, oldest change first, each at least once.

        Orders go by modified time: a page starts in the second where the one before ended, so
        orders that change meanwhile move to the end and shift nothing; what it repeats, the
        caller knows by its content hash. Page numbers only serve a second that overfills a page.
        The default list hides the trash, which therefore is a pass of its own. Customers cannot
        be listed by change (the parameter is ignored in silence), so they all come, by id.
        """
        if kind == "customer":
            return await self._customers(cursor)
        passes = ["any", "trash"] if kind == "order" else ["any"]
        status, start, number = cursor.split("|") if cursor else (passes[0], "", "1")
        begin = datetime.fromisoformat(start) if start else max(since or EPOCH, EPOCH)
        query = {
            "status": status,
            "modified_after": wire.naive_gmt(begin - SECOND),  # strictly after; an offset misleads
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": str(PER_PAGE),
            "page": number,
        }
        answer = await self._get(f"/{PATHS[kind]}", query)
        rows = wire.decode_rows(kind, answer.content)
        items = [wire.read_row(kind, row) for row in rows if not wire.is_draft(row)]
        if int(number) < page_count(answer, len(rows)):
            last = max((wire.changed_at(row) for row in rows), default=begin)
            here = (last, 1) if last > begin else (begin, int(number) + 1)
            return Page(tuple(items), f"{status}|{here[0].isoformat()}|{here[1]}")
        after = passes[passes.index(status) + 1 :]
        first = (since or EPOCH).isoformat()
        return Page(tuple(items), f"{after[0]}|{first}|1" if after else None)

    async def _customers(self, cursor: str | None) -> Page:
        number = int(cursor or "1")
        answer = await self._get(
            "/customers",
            {
                "role": "all",
                "orderby": "id",
                "order": "asc",
                "per_page": str(PER_PAGE),
                "page": str(number),
            },
        )
        rows = wire.decode_rows("customer", answer.content)
        items = tuple(wire.read_row("customer", row) for row in rows)
        return Page(items, str(number + 1) if number < page_count(answer, len(rows)) else None)

    async def fetch(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Record | None]:
        """Return these records, complete, with the refunds of orders; None for what is gone.

        ``include`` drops trashed and deleted ids in silence, so what it leaves out is asked for
        one by one: the trash answers, the purged are 404.
        """
        found: dict[str, Record | None] = {}
        for begin in range(0, len(ids), PER_PAGE):
            found |= await self._batch(kind, ids[begin : begin + PER_PAGE])
        return found

    async def _batch(self, kind: Kind, ids: Sequence[str]) -> dict[str, Record | None]:
        query = {"include": ",".join(ids), "per_page": str(PER_PAGE)}
        query |= {"role": "all"} if kind == "customer" else {"status": "any"}
        answer = await self._get(f"/{PATHS[kind]}", query)
        listed = wire.decode_rows(kind, answer.content)
        bodies = {str(row.id): row for row in listed if not isinstance(row, wire.WireId)}
        turn = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def one(id_: str) -> Record | None:
            async with turn:
                row = bodies.get(id_) or await self._row(kind, id_)
                return None if row is None else await self._whole(row)

        records = await asyncio.gather(*(one(id_) for id_ in ids))
        return dict(zip(ids, records, strict=True))

    async def _row(self, kind: Kind, id_: str) -> wire.Row | None:
        """Return one record's body, None where the store has no such id."""
        answer = await self._call("GET", f"/wc/v3/{PATHS[kind]}/{id_}")
        if answer.status_code == 404:
            return None
        return wire.decode_row(kind, checked(answer, f"reading {kind} {id_}").content)

    async def _whole(self, row: wire.Row) -> Record | None:
        """Return the record of a body, with the refunds that an order's body only names."""
        if wire.is_draft(row):
            return None
        if not isinstance(row, wire.WireOrder) or not row.refunds:
            return wire.read_record(row)
        refunds: list[wire.WireRefund] = []
        number, pages = 1, 1.0
        while number <= pages:
            path = f"/orders/{row.id}/refunds"
            answer = await self._get(path, {"per_page": str(PER_PAGE), "page": str(number)})
            came = wire.decode(answer.content, list[wire.WireRefund])
            refunds += came
            number, pages = number + 1, page_count(answer, len(came))
        return wire.read_order(row, refunds)

    async def subscribe(self, url: str, secret: str) -> None:
        """See :class:`platforms.protocol.StoreClient`.

        A secret can't be read back, so webhooks that are there get ours again.
        """
        there = {one.topic: one.id for one in await self.subscriptions(url)}
        for topic in TOPICS:
            body = {
                "name": f"Perennial {topic}",
                "topic": topic,
                "delivery_url": url,
                "secret": secret,
                "status": "active",
            }
            path = f"/wc/v3/webhooks/{there[topic]}" if topic in there else "/wc/v3/webhooks"
            answer = await self._call("PUT" if topic in there else "POST", path, body=body)
            self._accepted(answer, f"subscribing {topic}")

    async def subscriptions(self, url: str) -> Sequence[Subscription]:
        """See :class:`platforms.protocol.StoreClient`."""
        found: list[Subscription] = []
        number, pages = 1, 1.0
        while number <= pages:
            answer = await self._get("/webhooks", {"per_page": str(PER_PAGE), "page": str(number)})
            rows = wire.decode(answer.content, list[wire.WireWebhook])
            found += [wire.read_subscription(row) for row in rows if row.delivery_url == url]
            number, pages = number + 1, page_count(answer, len(rows))
        return found

    async def issue_discount(self, discount: Discount) -> DiscountSeen:
        """See :class:`platforms.protocol.StoreClient`.

        The reply is compared with what was asked: an address that WooCommerce dislikes is
        dropped in silence, which would leave a coupon open to everybody.
        """
        _, zone = await self._terms()
        body = wire.write_coupon(discount, zone)
        answer = await self._call("POST", "/wc/v3/coupons", body=body)
        if wire.error_code(answer.content) == "woocommerce_rest_coupon_code_already_exists":
            seen = await self.read_discount(discount.code)
        else:
            content = self._accepted(answer, "creating a coupon").content
            seen = _written(content, discount.currency)
            if seen.discount != wire.as_kept(discount):
                await self._delete_coupon(seen.id)
        if seen is None:
            raise TransientError(f"coupon {discount.code} was there and is gone")
        if seen.discount != wire.as_kept(discount):
            raise Rejected(f"coupon {discount.code} did not read back as it was written")
        return seen

    async def read_discount(self, code: str) -> DiscountSeen | None:
        """See :class:`platforms.protocol.StoreClient`."""
        currency, _ = await self._terms()
        answer = await self._get("/coupons", {"code": code.lower()})
        rows = wire.decode(answer.content, list[wire.WireCoupon])
        return wire.read_coupon(rows[0], currency) if rows else None

    async def revoke_discount(self, code: str) -> None:
        """See :class:`platforms.protocol.StoreClient`.

        Raises:
            Rejected: the code is somebody else's coupon.
        """
        seen = await self.read_discount(code)
        if seen is not None and seen.redemption_id is None:
            raise Rejected(f"coupon {code} is not ours to revoke")
        if seen is not None:
            await self._delete_coupon(seen.id)

    async def _delete_coupon(self, id_: str) -> None:
        answer = await self._call("DELETE", f"/wc/v3/coupons/{id_}", {"force": "true"})
        if answer.status_code != 404:
            self._accepted(answer, f"deleting coupon {id_}")

    @staticmethod
    def _accepted(answer: httpx.Response, doing: str) -> httpx.Response:
        """Return the answer if it is a success, or raise with the store's own words."""
        said = wire.error_message(answer.content)
        return checked(answer, f"{doing}: {said}" if said else doing)


def _written(content: bytes, currency: str) -> DiscountSeen:
    """Read the reply to a write; one that can't be read is no refusal: asking again will tell."""
    try:
        return wire.read_coupon(wire.decode(content, wire.WireCoupon), currency)
    except Malformed as error:
        raise TransientError(f"the reply to a new coupon can't be read: {error}") from error


def page_count(answer: httpx.Response, rows: int) -> float:
    """Return how many pages the listing has, as its header says.

    Where something between us took the header away, a full page means that there are more.
    """
    text = answer.headers.get("x-wp-totalpages", "")
    if text.isdigit():
        return int(text)
    return math.inf if rows >= PER_PAGE else 1


PLATFORM: Platform = WooCommerce()
