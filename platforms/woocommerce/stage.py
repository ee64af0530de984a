"""A WooCommerce for the conformance suite: the fake, the hands that move it, and its receiver.

What is done here is done as the admin or a shopper would, so webhooks follow as they were recorded.
Deliveries are made when they are asked for: until then changes of one order are one delivery.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platforms.conformance.stage import Basket, Sample
from platforms.errors import Unsupported
from platforms.model import Delivery, Kind
from platforms.money import to_text
from platforms.woocommerce.fake import (
    FakeStore,
    Site,
    World,
    carts,
    coupons,
    create_fake,
    orders,
    people,
    products,
    refunds,
)
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.sessions import Cart
from platforms.woocommerce.replay import Replay, samples

URL = "https://store.example.test"
HOOK_URL = "https://hooks.example.test/webhooks/woocommerce"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADDRESS = {"first_name": "Maya", "last_name": "Lindqvist", "city": "Berlin", "country": "DE"}
PAYS: Mapping[str, Record] = {
    "now": {"payment_method": "card", "set_paid": True},
    "on delivery": {"payment_method": "cod", "status": "processing"},
    "never": {"payment_method": "card", "status": "pending"},
}


class WooStage:
    """One store with nothing in it; see :class:`platforms.conformance.stage.Stage`."""

    def __init__(self, currency: str, timezone: str) -> None:
        self._at = START
        self._refuses = False
        self._delivered: list[Delivery] = []
        receiver = Starlette(routes=[Route("/{path:path}", self._receive, methods=["POST"])])
        world = World(clock=self.now, transport=httpx.ASGITransport(receiver), delay_s=0)
        self.store = FakeStore(Site(url=URL, currency=currency, timezone=timezone), world)
        self._key = self.store.add_key("read_write")
        self._app = create_fake(self.store)

    @property
    def access(self) -> Mapping[str, str]:
        """What opens the store's API, to read and to write."""
        return {"url": URL, "key": self._key.key, "secret": self._key.secret}

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The way to the store: no network behind it."""
        return httpx.ASGITransport(self._app)

    @property
    def hook_url(self) -> str:
        """An address that takes the store's deliveries."""
        return HOOK_URL

    def now(self) -> datetime:
        """Return the store's time."""
        return self._at

    def forward(self, seconds: int) -> None:
        """Let time pass at the store."""
        self._at += timedelta(seconds=seconds)

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        if self._refuses:
            return Response(status_code=500)
        self._delivered.append(Delivery(headers=dict(request.headers), body=body))
        return Response()

    async def deliveries(self) -> Sequence[Delivery]:
        """Return what arrived and was not refused, pings too; what waits is delivered first."""
        await self.store.hub.catch_up()
        delivered, self._delivered = self._delivered, []
        return delivered

    def refuse_deliveries(self, *, refuse: bool) -> None:
        """Answer deliveries with 500 from now on, or well again."""
        self._refuses = refuse

    async def add_customer(self, email: str) -> str:
        """Open an account."""
        return str(people.create(self.store, {"email": email, **_names(email)})["id"])

    async def delete_customer(self, id_: str) -> None:
        """Delete an account for good."""
        people.delete(self.store, self.store.get("customer", int(id_)))

    async def add_product(self, title: str, price: str) -> str:
        """Put something on sale."""
        return str(products.create(self.store, {"name": title, "regular_price": price})["id"])

    async def place(self, basket: Basket) -> str:
        """Place an order at the checkout."""
        customer = int(basket.customer_id or 0)
        email = self.store.get("customer", customer)["email"] if customer else basket.email
        currency = basket.currency or self.store.site.currency
        fee = {"name": "Fee", "total": to_text(basket.fee_minor, currency)}
        body = {
            "customer_id": customer, "billing": {**ADDRESS, "email": email}, "currency": currency,
            "line_items": [
                {"product_id": int(product), "quantity": many} for product, many in basket.items
            ],
            "coupon_lines": [{"code": code} for code in basket.codes],
            "fee_lines": [fee] if basket.fee_minor else [],
            **PAYS[basket.pays],
        }  # fmt: skip
        return str(orders.create(self.store, body, via="checkout")["id"])

    def _order(self, id_: str) -> Record:
        return self.store.get("order", int(id_))

    async def shelve(self, product: str, collections: Sequence[str]) -> None:
        """Put a product into categories."""
        found = [{"id": 100 + n, "name": one, "slug": one} for n, one in enumerate(collections)]
        products.update(self.store, self.store.get("product", int(product)), {"categories": found})

    async def send(self, order: str) -> None:
        """Complete an order."""
        await self.give_status(order, "completed")

    async def arrive(self, order: str) -> None:
        """Raise that nobody here hears of it."""
        raise Unsupported(f"WooCommerce does not know whether order {order} arrived")

    async def cancel(self, order: str) -> None:
        """Cancel an order."""
        await self.give_status(order, "cancelled")

    async def edit(self, order: str, text: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        orders.update(self.store, self._order(order), {"customer_note": text})

    async def give_status(self, order: str, status: str) -> None:
        """Give an order a status; a plugin registers one that is unknown.

        WooCommerce registers statuses with the prefix ``wc-`` and shows them without.
        """
        word = status.removeprefix("wc-")
        if word not in self.store.statuses:
            self.store.statuses.append(word)
        orders.update(self.store, self._order(order), {"status": word})

    async def refund(self, order: str, amount: str, quantities: Mapping[int, int]) -> str:
        """Refund an order: these quantities of its lines, else the bare amount."""
        found = self._order(order)
        lines = [
            refunds.share(self.store, found["line_items"][place], many)
            for place, many in quantities.items()
        ]
        body = {"line_items": lines} if lines else {"amount": amount}
        return str(refunds.create(self.store, found, body)["id"])

    async def delete_refund(self, order: str, refund: str) -> None:
        """Delete a refund."""
        found = self._order(order)
        refunds.delete(self.store, found, refunds.get(self.store, found, int(refund)))

    async def trash(self, kind: Kind, id_: str) -> None:
        """Move a record to the trash.

        Raises:
            Unsupported: WooCommerce has no trash for customers.
        """
        await self._delete(kind, id_, force=False)

    async def restore(self, order: str) -> None:
        """Take an order back out of the trash."""
        orders.restore(self.store, self._order(order))

    async def purge(self, kind: Kind, id_: str) -> None:
        """Delete a record for good."""
        await self._delete(kind, id_, force=True)

    async def _delete(self, kind: Kind, id_: str, *, force: bool) -> None:
        record = self.store.get(kind, int(id_))
        match kind:
            case "order":
                orders.delete(self.store, record, force=force)
            case "product":
                products.delete(self.store, record, force=force)
            case "customer" if force:
                people.delete(self.store, record)
            case "customer":
                raise Unsupported("WooCommerce has no trash for customers")

    async def open_draft(self, product: str) -> str:
        """Open the checkout with this product; the shopper has typed an address already."""
        cart = Cart(items={int(product): 1})
        cart.billing |= {**ADDRESS, "email": "typing@example.test"}
        return str(carts.draft(self.store, cart)["id"])

    async def replay(self, sample: Sample) -> httpx.Response:
        """Ask the recorded store, which is another one, what a sample's request line asked."""
        return await _recorded().ask(sample)

    def samples(self) -> Sequence[Sample]:
        """Return the recorded samples."""
        return samples()

    async def add_foreign_discount(self, code: str) -> None:
        """Make a coupon as the merchant would."""
        coupons.create(self.store, {"code": code, "amount": "5"})


@cache
def _recorded() -> Replay:
    return Replay()


def _names(email: str) -> Record:
    first = email.partition("@")[0].capitalize()
    return {"first_name": first, "last_name": "Lindqvist"}


@asynccontextmanager
async def staged(*, currency: str, timezone: str) -> AsyncIterator[WooStage]:
    """Yield a store with nothing in it."""
    stage = WooStage(currency, timezone)
    try:
        yield stage
    finally:
        await stage.store.http.aclose()
