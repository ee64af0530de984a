"""The network half: one Shopify store, read through its GraphQL Admin API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

import httpx
import msgspec

from platforms.errors import Malformed, PlatformError, Rejected, Unsupported
from platforms.model import (
    Discount,
    DiscountSeen,
    Kind,
    Order,
    Page,
    Product,
    Profile,
    Record,
    Seen,
    StoreInfo,
    Subscription,
    Touched,
)
from platforms.shopify import answers, wire
from platforms.shopify.api import Api
from platforms.shopify.auth import Token
from platforms.shopify.bulk import WORD, Bulk, Place
from platforms.shopify.wire import Connection, Named, OrderNode, ProductNode, RefundNode

T = TypeVar("T")
ROWS: Mapping[Kind, int] = {"order": 8, "customer": 100, "product": 40}
"""How many records an operation asks for: as many as one may cost, which is 1,000 points."""
BY_PAGES = "|"  # the cursor before the first page of all
NOT_THERE = {b"null", b"{}"}
"""What stands in the place of a record that is gone, or of another kind."""
REFUNDS = 10  # at once
AT_ONCE = 4
BULK_FROM = 1_000
"""A whole listing of so many records is read in bulk: 8 orders a page cost what refills in 10 s."""


class ShopifyStore:
    """One store's API."""

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        token: Token,
        topics: Sequence[str],
        bulk_from: int = BULK_FROM,
    ) -> None:
        self._url = url
        self._api = Api(url, http, token)
        self._bulk = Bulk(self._api, http)
        self._bulk_from = bulk_from
        self._topics = topics

    async def info(self) -> StoreInfo:
        """See :class:`platforms.protocol.StoreClient`."""
        shop = (await self._api.ask("info", answers.Info)).shop
        return StoreInfo(
            name=shop.name,
            url=self._url,
            currency=shop.currency_code,
            timezone=shop.iana_timezone,
            storefront=shop.primary_domain.url.rstrip("/"),
        )

    async def newest(self) -> datetime | None:
        """See :class:`platforms.protocol.StoreClient`."""
        found = (await self._api.ask("newest", answers.Newest)).orders.nodes
        return found[0].updated_at.astimezone(UTC) if found else None

    async def count(self, kind: Kind) -> int | None:
        """See :class:`platforms.protocol.StoreClient`."""
        counts = await self._api.ask("counts", answers.Counts)
        found = {
            "order": counts.orders_count,
            "customer": counts.customers_count,
            "product": counts.products_count,
        }[kind]
        return found.count if found else None

    async def page(self, kind: Kind, cursor: str | None, since: datetime | None) -> Page:
        """List by the instant of the last change; all of many records in bulk.

        Shopify's cursor stands after a stamp and an id, so nothing is passed by: what changes
        meanwhile goes to the end. Ours is the filter, which each page needs, and Shopify's.
        """
        if cursor is None and since is None and await self._is_large(kind):
            cursor = str(Place())
        if cursor is not None and cursor.startswith(f"{WORD}|"):
            return await self._bulk_page(kind, Place.read(cursor))
        if cursor is None:
            query, after = f"updated_at:>='{_second(since)}'" if since else "", None
        else:
            query, _, after = cursor.partition("|")
        asked = {"first": ROWS[kind], "after": after or None, "query": query or None}
        found = (await self._api.ask(f"{kind}s", answers.Listing, **asked)).rows
        items = tuple(self._row(kind, bytes(row)) for row in found.nodes)
        goes_on = found.page_info.has_next_page and found.page_info.end_cursor is not None
        return Page(items, f"{query}|{found.page_info.end_cursor}" if goes_on else None)

    async def _is_large(self, kind: Kind) -> bool:
        return (await self.count(kind) or 0) >= self._bulk_from

    async def _bulk_page(self, kind: Kind, place: Place) -> Page:
        part = await self._bulk.part(kind, place)
        if part.is_given_up:
            return Page((), BY_PAGES)
        items = tuple(
            Touched(kind, str(one.id)) if one.node is None else self._row(kind, one.node)
            for one in part.roots
        )
        return Page(items, str(part.place) if part.place else None, wait_s=part.wait_s)

    def _row(self, kind: Kind, row: bytes) -> Seen | Touched:
        """Return a row, or its id where it can't be read or is more than a listing shows."""
        try:
            record = self._read(kind, row)
        except Malformed:
            record = None
        if record is None:
            return Touched(kind, wire.id_of(wire.decode(row, Named).id))
        return Seen(record)

    def _read(self, kind: Kind, row: bytes) -> Record | None:
        """Return a record, None where it is not whole."""
        match kind:
            case "order":
                order = wire.decode(row, OrderNode)
                return wire.read_order(order) if order.is_whole else None
            case "customer":
                return wire.read_customer(wire.decode(row, wire.CustomerNode))
            case "product":
                product = wire.decode(row, ProductNode)
                return wire.read_product(product, self._url) if product.is_whole else None

    async def fetch(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Record | None]:
        """See :class:`platforms.protocol.StoreClient`."""
        asked = list(dict.fromkeys(ids))
        found: dict[str, Record | None] = dict.fromkeys(asked)
        chunks = [asked[n : n + ROWS[kind]] for n in range(0, len(asked), ROWS[kind])]
        for records in await _each(chunks, lambda chunk: self._fetched(kind, chunk)):
            found |= {one.id: one for one in records}
        return found

    async def _fetched(self, kind: Kind, ids: Sequence[str]) -> list[Record]:
        gids = [wire.gid(kind, id_) for id_ in ids]
        rows = await self._api.ask(f"{kind}s_by_id", answers.Nodes[msgspec.Raw], ids=gids)
        there = (bytes(row) for row in rows.nodes)
        return [await self._whole(kind, row) for row in there if row not in NOT_THERE]

    async def _whole(self, kind: Kind, row: bytes) -> Record:
        """Return a record, and ask for what is missing of it."""
        record = self._read(kind, row)
        if record is not None:
            return record
        if kind == "order":
            return await self._whole_order(wire.decode(row, OrderNode))
        return await self._whole_product(wire.decode(row, ProductNode))

    async def _whole_order(self, order: OrderNode) -> Order:
        if order.is_cut:
            more = (await self._api.ask("order_rest", answers.OrderRest, id=order.id)).order
            order = msgspec.structs.replace(order, **msgspec.structs.asdict(_there(more, order.id)))
        lines, page = order.line_items.nodes, order.line_items.page_info
        while page.has_next_page:
            told = await self._api.ask(
                "order_lines", answers.OrderLines, id=order.id, after=page.end_cursor
            )
            found = _there(told.order, order.id).line_items
            lines, page = [*lines, *found.nodes], found.page_info
        whole = msgspec.structs.replace(order, line_items=Connection(nodes=lines))
        return wire.read_order(whole, await self._refunds(order) if order.refunds else ())

    async def _refunds(self, order: OrderNode) -> list[RefundNode]:
        """Return an order's refunds, in its own order."""
        told = await self._api.ask("order_refunds", answers.OrderRefunds, id=order.id)
        ids = [one.id for one in _there(told.order, order.id).refunds]
        chunks = [ids[n : n + REFUNDS] for n in range(0, len(ids), REFUNDS)]
        found: list[RefundNode] = []
        for chunk in chunks:
            rows = await self._api.ask("refunds_by_id", answers.Nodes[RefundNode | None], ids=chunk)
            found += [await self._whole_refund(row) for row in rows.nodes if row is not None]
        return found

    async def _whole_refund(self, refund: RefundNode) -> RefundNode:
        lines, page = refund.refund_line_items.nodes, refund.refund_line_items.page_info
        while page.has_next_page:
            more = await self._api.ask(
                "refund_lines", answers.RefundLines, id=refund.id, after=page.end_cursor
            )
            found = _there(more.node, refund.id).refund_line_items
            lines, page = [*lines, *found.nodes], found.page_info
        return msgspec.structs.replace(refund, refund_line_items=Connection(nodes=lines))

    async def _whole_product(self, product: ProductNode) -> Product:
        handles, page = product.collections.nodes, product.collections.page_info
        while page.has_next_page:
            more = await self._api.ask(
                "product_collections",
                answers.ProductCollections,
                id=product.id,
                after=page.end_cursor,
            )
            found = _there(more.product, product.id).collections
            handles, page = [*handles, *found.nodes], found.page_info
        whole = msgspec.structs.replace(product, collections=Connection(nodes=handles))
        return wire.read_product(whole, self._url)

    async def subscribe(self, url: str, secret: str) -> None:  # noqa: ARG002 - the app's own signs
        """See :class:`platforms.protocol.StoreClient`."""
        there = {one.topic for one in await self._hooks(url)}
        for topic in self._topics:
            if topic not in there:
                done = await self._api.ask("subscribe", answers.Subscribe, topic=topic, uri=url)
                if errors := done.webhook_subscription_create.user_errors:
                    raise Rejected(f"{topic} can't be subscribed: {errors[0].message[:200]}")

    async def subscriptions(self, url: str) -> Sequence[Subscription]:
        """See :class:`platforms.protocol.StoreClient`; what Shopify gave up is not there."""
        return [
            Subscription(id=one.id, topic=one.topic, url=one.uri, status="active")
            for one in await self._hooks(url)
        ]

    async def unsubscribe(self, url: str) -> None:
        """See :class:`platforms.protocol.StoreClient`; one that is gone already is no trouble."""
        for one in await self._hooks(url):
            await self._api.ask("unsubscribe", answers.Unsubscribe, id=one.id)

    async def _hooks(self, url: str) -> list[answers.Hook]:
        found: list[answers.Hook] = []
        after, goes_on = None, True
        while goes_on:
            told = await self._api.ask("subscriptions", answers.Subscriptions, uri=url, after=after)
            page = told.webhook_subscriptions
            found += [one for one in page.nodes if one.uri == url]
            after, goes_on = page.page_info.end_cursor, page.page_info.has_next_page
        return found

    async def issue_discounts(
        self, discounts: Sequence[Discount]
    ) -> Sequence[DiscountSeen | PlatformError]:
        """See :class:`platforms.protocol.StoreClient`."""
        return [Unsupported(f"no {one.kind} is made at Shopify yet") for one in discounts]

    async def read_discount(self, code: str) -> DiscountSeen | None:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("codes")

    async def revoke_discount(self, code: str) -> None:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("codes")

    async def write_profile(self, customer_id: str, profile: Profile) -> None:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("profiles")

    async def read_profile(self, customer_id: str) -> Profile | None:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("profiles")

    async def write_note(self, order_id: str, text: str) -> None:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("notes")

    async def read_notes(self, order_id: str) -> Sequence[str]:  # noqa: ARG002
        """See :class:`platforms.protocol.StoreClient`."""
        _not_yet("notes")


def _not_yet(what: str) -> NoReturn:
    raise Unsupported(f"{what} are not written to Shopify yet")


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _there(found: T | None, gid: str) -> T:
    """Return what was found; it was there a moment ago.

    Raises:
        Rejected: it is gone.
    """
    if found is None:
        raise Rejected(f"{gid} is gone")
    return found


async def _each(
    chunks: Sequence[Sequence[str]], ask: Callable[[Sequence[str]], Awaitable[list[Record]]]
) -> list[list[Record]]:
    """Return what is answered to each, so many asked at once."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(chunk: Sequence[str]) -> list[Record]:
        async with turn:
            return await ask(chunk)

    return await asyncio.gather(*(one(chunk) for chunk in chunks))
