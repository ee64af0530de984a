"""The fake store as the conformance suite moves it: what shoppers and its people do."""

import base64
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from platforms.conformance.stage import Basket, Sample
from platforms.errors import Unsupported
from platforms.model import Delivery, Kind
from platforms.money import nearest_minor, to_text
from platforms.shopify.fake.app import create_api
from platforms.shopify.fake.data import HOST, TYPES, Row, Shop

SAMPLES = Path(__file__).parents[1] / "samples"
SIGNED_WITH = "shpss_5a3p1e"  # our own: the documented bodies come without signatures
TEN_OFF = 1000  # basis points


@asynccontextmanager
async def raised(shop: Shop) -> AsyncIterator["ShopifyStage"]:
    """Yield a stage over the store; nothing outlives the process anyway."""
    yield ShopifyStage(shop)


class ShopifyStage:
    """See :class:`platforms.conformance.stage.Stage`."""

    hook_url = "https://perennial.example.test/webhooks/shopify/store"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._arrived: list[Delivery] = []
        self._refuses = False
        self.access = {
            "url": f"https://{HOST}",
            "client_id": shop.client_id,
            "client_secret": shop.client_secret,
        }
        self.transport: httpx.AsyncBaseTransport = httpx.ASGITransport(create_api(shop))

    def now(self) -> datetime:
        """See :class:`platforms.conformance.stage.Stage`."""
        return self._shop.now

    def forward(self, seconds: int) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._shop.now += timedelta(seconds=seconds)

    async def deliveries(self) -> Sequence[Delivery]:
        """See :class:`platforms.conformance.stage.Stage`."""
        await self._shop.deliver(self._receive)
        arrived, self._arrived = self._arrived, []
        return arrived

    async def _receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        if url == self.hook_url:
            self._arrived.append(Delivery(headers=headers, body=body))
        return 500 if self._refuses else 200

    def refuse_deliveries(self, *, refuse: bool) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._refuses = refuse

    def _row(self, kind: Kind, id_: str) -> Row:
        return self._shop.records[f"gid://shopify/{TYPES[kind]}/{id_}"]

    async def add_customer(self, email: str, first: str = "Ada", last: str = "Example") -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        row: Row = {
            "__typename": "Customer",
            "id": self._shop.gid("Customer"),
            "defaultEmailAddress": {"emailAddress": email},
            "firstName": first,
            "lastName": last,
            "createdAt": self._shop.stamp(),
        }
        return _number(self._shop.put(row, "CUSTOMERS_CREATE"))

    async def delete_customer(self, id_: str) -> None:
        """Delete an account; what they ordered is nobody's."""
        gid = self._row("customer", id_)["id"]
        for order in self._shop.of("order"):
            if order["customer"] and order["customer"]["id"] == gid:
                self._edit(order, customer=None)
        self._shop.remove(gid, "CUSTOMERS_DELETE")

    async def merge_customers(self, deleted: str, kept: str) -> None:
        """Make two customers one: what the deleted one ordered is the kept one's."""
        gone, stays = self._row("customer", deleted)["id"], self._row("customer", kept)["id"]
        for order in self._shop.of("order"):
            if order["customer"] and order["customer"]["id"] == gone:
                self._edit(order, customer={"__typename": "Customer", "id": stays})
        merged = {
            "admin_graphql_api_customer_kept_id": stays,
            "admin_graphql_api_customer_deleted_id": gone,
            "status": "completed",
        }
        del self._shop.records[gone]
        self._shop.tell("CUSTOMERS_MERGE", merged)

    async def test_payments(self, order: str) -> None:
        """Have an order be one that only tested how to pay."""
        self._edit(self._row("order", order), test=True)

    async def add_product(self, title: str, price: str) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        row: Row = {
            "__typename": "Product",
            "id": self._shop.gid("Product"),
            "title": title,
            "handle": title.lower().replace(" ", "-"),
            "onlineStoreUrl": None,
            "price": price,
            "collections": [],
        }
        return _number(self._shop.put(row, "PRODUCTS_CREATE"))

    async def place(self, basket: Basket) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        if basket.currency not in {None, self._shop.currency} or basket.fee_minor < 0:
            raise Unsupported("this store sells in one currency, and takes off by discounts")
        shop = self._shop
        taken = [code.lower() for code in basket.codes if code.lower() in shop.codes]
        off = sum(shop.codes[code] for code in taken)
        lines = [self._line(product, quantity, off) for product, quantity in basket.items]
        total = sum(_worth(one, shop.currency) for one in lines) + basket.fee_minor
        fee = shop.money(to_text(basket.fee_minor, shop.currency))
        fees = [{"price": fee, "taxLines": []}] if basket.fee_minor else []
        is_paid = basket.pays == "now"
        buyer = self._row("customer", basket.customer_id) if basket.customer_id else None
        gid = shop.gid("Order")
        row = {
            "__typename": "Order",
            "id": gid,
            "name": f"#{len(shop.of('order')) + 1001}",
            "email": buyer["defaultEmailAddress"]["emailAddress"] if buyer else basket.email,
            "customer": {"__typename": "Customer", "id": buyer["id"]} if buyer else None,
            "displayFinancialStatus": "PAID" if is_paid else "PENDING",
            "displayFulfillmentStatus": "UNFULFILLED",
            "cancelledAt": None,
            "createdAt": shop.stamp(),
            "processedAt": shop.stamp(),
            "currencyCode": shop.currency,
            "test": False,
            "taxesIncluded": False,
            "note": None,
            "discountCodes": taken,
            "totalPriceSet": shop.money(to_text(total, shop.currency)),
            "transactions": [self._sale()] if is_paid else [],
            "fulfillments": [],
            "additionalFees": fees,
            "shippingLines": [],
            "lineItems": lines,
            "refunds": [],
        }
        return _number(shop.put(row, "ORDERS_CREATE", *(["ORDERS_PAID"] if is_paid else [])))

    def _sale(self) -> Row:
        return {"kind": "SALE", "status": "SUCCESS", "processedAt": self._shop.stamp()}

    async def pay(self, order: str) -> None:
        """Take the money for an order that is pending."""
        self._edit(
            self._row("order", order),
            "ORDERS_PAID",
            displayFinancialStatus="PAID",
            transactions=[self._sale()],
        )

    def _line(self, product: str, quantity: int, off_points: int) -> Row:
        shop, goods = self._shop, self._row("product", product)
        total = nearest_minor(goods["price"], shop.currency) * quantity
        off = total * off_points // 10_000
        amount = shop.money(to_text(off, shop.currency))
        return {
            "id": shop.gid("LineItem"),
            "quantity": quantity,
            "product": {"__typename": "Product", "id": goods["id"]},
            "originalTotalSet": shop.money(to_text(total, shop.currency)),
            "discountAllocations": [{"allocatedAmountSet": amount}] if off else [],
            "taxLines": [],
        }

    def _edit(self, order: Row, *topics: str, **changes: Any) -> None:  # noqa: ANN401
        self._shop.put(order | changes, "ORDERS_UPDATED", *topics)

    async def shelve(self, product: str, collections: Sequence[str]) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = self._row("product", product)
        shelves = [{"handle": one} for one in collections]
        self._shop.put(row | {"collections": shelves}, "PRODUCTS_UPDATE")

    async def send(self, order: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        parcel = {"status": "SUCCESS", "createdAt": self._shop.stamp(), "deliveredAt": None}
        row = self._row("order", order)
        self._edit(row, fulfillments=[parcel], displayFulfillmentStatus="FULFILLED")

    async def arrive(self, order: str) -> None:
        """Have all parcels arrive; one that did not leave leaves now."""
        row = self._row("order", order)
        if not row["fulfillments"]:
            await self.send(order)
            row = self._row("order", order)
        came = [one | {"deliveredAt": self._shop.stamp()} for one in row["fulfillments"]]
        self._edit(row, fulfillments=came)

    async def cancel(self, order: str) -> None:
        """Cancel an order; what was paid stays paid until it is refunded."""
        row = self._row("order", order)
        was = row["displayFinancialStatus"]
        status = "VOIDED" if was == "PENDING" else was
        self._edit(
            row, "ORDERS_CANCELLED", cancelledAt=self._shop.stamp(), displayFinancialStatus=status
        )

    async def edit(self, order: str, text: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(self._row("order", order), note=text)

    async def give_status(self, order: str, status: str) -> None:
        """Refuse: Shopify's financial statuses follow from payments.

        Raises:
            Unsupported: always.
        """
        raise Unsupported(f"order {order} can't be made {status}")

    async def refund(self, order: str, amount: str, quantities: Mapping[int, int]) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        shop, row = self._shop, self._row("order", order)
        lines = [
            self._refunded(row["lineItems"][at], many) for at, many in sorted(quantities.items())
        ]
        if lines:
            worth = sum(nearest_minor(_text(one["subtotalSet"]), shop.currency) for one in lines)
            amount = to_text(worth, shop.currency)
        refund: Row = {
            "__typename": "Refund",
            "id": shop.gid("Refund"),
            "createdAt": shop.stamp(),
            "processedAt": shop.stamp(),
            "totalRefundedSet": shop.money(amount),
            "refundLineItems": lines,
            "refundShippingLines": [],
        }
        self._with_refunds(row, [*row["refunds"], refund], "REFUNDS_CREATE")
        return _number(refund["id"])

    def _refunded(self, line: Row, quantity: int) -> Row:
        shop = self._shop
        each = _worth(line, shop.currency) // line["quantity"]
        return {
            "quantity": quantity,
            "lineItem": {"__typename": "LineItem", "id": line["id"]},
            "subtotalSet": shop.money(to_text(each * quantity, shop.currency)),
            "totalTaxSet": shop.money(to_text(0, shop.currency)),
        }

    def _with_refunds(self, row: Row, refunds: list[Row], *topics: str) -> None:
        currency = self._shop.currency
        back = sum(nearest_minor(_text(one["totalRefundedSet"]), currency) for one in refunds)
        total = nearest_minor(_text(row["totalPriceSet"]), currency)
        status = "REFUNDED" if back >= total else "PARTIALLY_REFUNDED" if back else "PAID"
        self._edit(row, *topics, refunds=refunds, displayFinancialStatus=status)

    async def delete_refund(self, order: str, refund: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = self._row("order", order)
        self._with_refunds(row, [one for one in row["refunds"] if _number(one["id"]) != refund])

    async def trash(self, kind: Kind, id_: str) -> None:
        """Delete for good: there is no trash."""
        await self.purge(kind, id_)

    async def restore(self, order: str) -> None:
        """Refuse.

        Raises:
            Unsupported: always.
        """
        raise Unsupported(f"order {order} can't be had back")

    async def purge(self, kind: Kind, id_: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._shop.remove(self._row(kind, id_)["id"], f"{kind.upper()}S_DELETE")

    async def open_draft(self, product: str) -> str:
        """Open a draft order, which no listing of orders has."""
        row = {"__typename": "DraftOrder", "id": self._shop.gid("DraftOrder"), "goods": product}
        return _number(self._shop.put(row))

    async def add_foreign_discount(self, code: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._shop.codes[code.lower()] = TEN_OFF

    async def replay(self, sample: Sample) -> httpx.Response:
        """Refuse: the samples are deliveries alone.

        Raises:
            Unsupported: always.
        """
        raise Unsupported(f"{sample.name} is no answer")

    def samples(self) -> Sequence[Sample]:
        """Return the documented bodies of webhooks, signed with a secret of ours."""
        found = []
        for path in sorted(SAMPLES.glob("*.json")):
            body = path.read_bytes()
            digest = hmac.digest(SIGNED_WITH.encode(), body, "sha256")
            headers = {
                "x-shopify-topic": path.stem.replace("_", "/", 1),
                "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
                "x-shopify-triggered-at": self._shop.stamp(),
            }
            name = path.stem.replace("_", "-")
            found.append(Sample(name=name, body=body, headers=headers, secret=SIGNED_WITH))
        return found


def _number(gid: str) -> str:
    return gid.rpartition("/")[2]


def _text(money: Row) -> str:
    return str(money["shopMoney"]["amount"])


def _worth(line: Row, currency: str) -> int:
    """Return what a line costs after discounts."""
    off = [_text(one["allocatedAmountSet"]) for one in line["discountAllocations"]]
    total = nearest_minor(_text(line["originalTotalSet"]), currency)
    return total - sum(nearest_minor(one, currency) for one in off)
