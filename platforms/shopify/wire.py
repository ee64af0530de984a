"""Shopify's nodes as records of ours. Money is the store's own, not that of a shopper's market.

An id is the number at the end of a gid: webhooks have the number alone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from platforms.errors import Malformed
from platforms.model import Charge, Customer, Kind, Order, OrderLine, Product, Refund, RefundLine
from platforms.money import nearest_minor

T = TypeVar("T")
GIDS: dict[Kind, str] = {"order": "Order", "customer": "Customer", "product": "Product"}
PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
"""Displayed financial statuses of orders that were paid in full once."""
TEST = "test"
SHOWN = 5  # payments and parcels that an order shows at once
TAKES = frozenset({"SALE", "CAPTURE"})
"""Kinds of transactions that take a shopper's money."""


class Node(msgspec.Struct, rename="camel", frozen=True):
    """Anything that has fields in Shopify's own case."""


class PageInfo(Node, frozen=True):
    """Whether a connection goes on, and after what."""

    has_next_page: bool
    end_cursor: str | None = None


class Connection(Node, Generic[T], frozen=True):
    """Some of the rows that a field has."""

    nodes: list[T]
    page_info: PageInfo = PageInfo(has_next_page=False)


class Amount(Node, frozen=True):
    """Money in the store's currency, as decimal text."""

    amount: str


class Money(Node, frozen=True):
    """Money, as far as we ask for it."""

    shop_money: Amount


class Named(Node, frozen=True):
    """A node of which the id is enough."""

    id: str


class Tax(Node, frozen=True):
    """A tax on something."""

    price_set: Money


class Allocation(Node, frozen=True):
    """What of a discount fell to a line."""

    allocated_amount_set: Money


class Line(Node, frozen=True):
    """Goods on an order."""

    id: str
    quantity: int
    product: Named | None
    original_total_set: Money
    discount_allocations: list[Allocation]
    tax_lines: list[Tax]


class ShippingLine(Node, frozen=True):
    """A way of delivery that was chosen."""

    discounted_price_set: Money
    tax_lines: list[Tax]


class Fee(Node, frozen=True):
    """What an order costs besides goods and shipping."""

    price: Money
    tax_lines: list[Tax]


class Transaction(Node, frozen=True):
    """Money that moved, or was to."""

    kind: str
    status: str
    processed_at: datetime | None


class Fulfillment(Node, frozen=True):
    """A parcel, or several."""

    status: str
    created_at: datetime
    delivered_at: datetime | None


class RefundedLine(Node, frozen=True):
    """What a refund gives back of a line."""

    quantity: int
    line_item: Named
    subtotal_set: Money
    total_tax_set: Money


class RefundedShipping(Node, frozen=True):
    """What a refund gives back of shipping."""

    subtotal_amount_set: Money
    tax_amount_set: Money


class RefundNode(Node, frozen=True):
    """A refund."""

    id: str
    created_at: datetime | None
    processed_at: datetime
    total_refunded_set: Money
    refund_line_items: Connection[RefundedLine]
    refund_shipping_lines: Connection[RefundedShipping]


class OrderNode(Node, frozen=True):
    """An order, its refunds by their ids alone."""

    id: str
    name: str
    test: bool
    email: str | None
    customer: Named | None
    display_financial_status: str | None
    display_fulfillment_status: str
    cancelled_at: datetime | None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    currency_code: str
    taxes_included: bool
    discount_codes: list[str]
    total_price_set: Money
    transactions: list[Transaction]
    fulfillments: list[Fulfillment]
    additional_fees: list[Fee]
    shipping_lines: Connection[ShippingLine]
    line_items: Connection[Line]
    refunds: list[Named]

    @property
    def is_cut(self) -> bool:
        """Whether there may be more payments, parcels or ways of delivery than are shown."""
        longest = max(len(self.transactions), len(self.fulfillments))
        return longest >= SHOWN or self.shipping_lines.page_info.has_next_page

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it has to be asked for besides."""
        has_more_lines = self.line_items.page_info.has_next_page
        return not self.refunds and not has_more_lines and not self.is_cut


class Address(Node, frozen=True):
    """An e-mail address."""

    email_address: str


class CustomerNode(Node, frozen=True):
    """Somebody with an account; without approval for personal data there are no names."""

    id: str
    default_email_address: Address | None
    first_name: str | None
    last_name: str | None
    created_at: datetime
    updated_at: datetime


class Handle(Node, frozen=True):
    """A collection."""

    handle: str


class ProductNode(Node, frozen=True):
    """Something the store sells."""

    id: str
    title: str
    handle: str
    online_store_url: str | None
    updated_at: datetime
    collections: Connection[Handle]

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it has to be asked for besides."""
        return not self.collections.page_info.has_next_page


def decode(body: bytes, type_: type[T]) -> T:
    """Return a node.

    Raises:
        Malformed: it is not what the schema promises.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"Shopify's node can't be read: {error}") from error


def id_of(gid: str) -> str:
    """Return the number at the end of a gid.

    Raises:
        Malformed: there is none.
    """
    number = gid.rpartition("/")[2].partition("?")[0]
    if not number.isascii() or not number.isdecimal():
        raise Malformed(f"{gid[:100]!r} is no id of Shopify's")
    return number


def gid(kind: Kind, id_: str) -> str:
    """Return what Shopify calls a record."""
    return f"gid://shopify/{GIDS[kind]}/{id_}"


def read_customer(node: CustomerNode) -> Customer:
    """Return a customer."""
    email = node.default_email_address
    return Customer(
        id=id_of(node.id),
        email=email.email_address if email else None,
        first_name=node.first_name or "",
        last_name=node.last_name or "",
        created_at=_utc(node.created_at),
        updated_at=_utc(node.updated_at),
    )


def read_product(node: ProductNode, store: str) -> Product:
    """Return a product of a store with an address; one that is not on sale has none of its own."""
    return Product(
        id=id_of(node.id),
        title=node.title,
        url=node.online_store_url or f"{store}/products/{quote(node.handle)}",
        updated_at=_utc(node.updated_at),
        collections=tuple(sorted(one.handle for one in node.collections.nodes)),
    )


def read_order(node: OrderNode, refunds: Iterable[RefundNode] = ()) -> Order:
    """Return an order with its refunds.

    A cancelled order was paid or not as it is displayed, and says when it was cancelled. An order
    to test payments moved no money: it is never paid, and its status is one of ours.
    """
    currency = node.currency_code
    is_paid = node.display_financial_status in PAID and not node.test
    sent_at, came_at = _sent(node)
    shipping = [(one.discounted_price_set, one.tax_lines) for one in node.shipping_lines.nodes]
    fees = [(one.price, one.tax_lines) for one in node.additional_fees]
    return Order(
        id=id_of(node.id),
        number=node.name.removeprefix("#"),
        customer_id=id_of(node.customer.id) if node.customer else None,
        email=node.email or None,
        status=TEST if node.test else (node.display_financial_status or "").lower(),
        is_paid=is_paid,
        is_cancelled=node.cancelled_at is not None,
        currency=currency,
        total_minor=_minor(node.total_price_set, currency),
        placed_at=_utc(node.processed_at),
        paid_at=_paid_at(node) if is_paid else None,
        updated_at=_utc(node.updated_at),
        lines=tuple(_line(one, node) for one in node.line_items.nodes),
        refunds=tuple(_refund(one, node) for one in refunds),
        codes=tuple(code.lower() for code in node.discount_codes),
        cancelled_at=_utc(node.cancelled_at) if node.cancelled_at else None,
        shipping=_charge(shipping, node),
        fees=_charge(fees, node),
        fulfilled_at=sent_at,
        delivered_at=came_at,
    )


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise Malformed(f"{at} has no zone")
    return at.astimezone(UTC)


def _minor(money: Money, currency: str) -> int:
    return nearest_minor(money.shop_money.amount, currency)


def _taxes(taxes: Iterable[Tax], currency: str) -> int:
    return sum(_minor(one.price_set, currency) for one in taxes)


def _line(line: Line, order: OrderNode) -> OrderLine:
    currency = order.currency_code
    off = sum(_minor(one.allocated_amount_set, currency) for one in line.discount_allocations)
    tax = _taxes(line.tax_lines, currency)
    total = _minor(line.original_total_set, currency) - off
    return OrderLine(
        id=id_of(line.id),
        product_id=id_of(line.product.id) if line.product else "",
        quantity=line.quantity,
        total_minor=total - tax if order.taxes_included else total,
        tax_minor=tax,
    )


def _charge(parts: Iterable[tuple[Money, list[Tax]]], order: OrderNode) -> Charge:
    total = tax = 0
    for price, taxes in parts:
        total += _minor(price, order.currency_code)
        tax += _taxes(taxes, order.currency_code)
    return Charge(total_minor=total - tax if order.taxes_included else total, tax_minor=tax)


def _refund(refund: RefundNode, order: OrderNode) -> Refund:
    currency = order.currency_code
    shipping = [
        (_minor(one.subtotal_amount_set, currency), _minor(one.tax_amount_set, currency))
        for one in refund.refund_shipping_lines.nodes
    ]
    total, tax = sum(one for one, _ in shipping), sum(tax for _, tax in shipping)
    net = total - tax if order.taxes_included else total
    return Refund(
        id=id_of(refund.id),
        amount_minor=_minor(refund.total_refunded_set, currency),
        refunded_at=_utc(refund.processed_at),
        lines=tuple(_refunded(one, order) for one in refund.refund_line_items.nodes),
        other_minor=net + tax,
        shipping=Charge(total_minor=net, tax_minor=tax),
    )


def _refunded(line: RefundedLine, order: OrderNode) -> RefundLine:
    total = _minor(line.subtotal_set, order.currency_code)
    tax = _minor(line.total_tax_set, order.currency_code)
    return RefundLine(
        line_id=id_of(line.line_item.id),
        quantity=line.quantity,
        total_minor=total - tax if order.taxes_included else total,
        tax_minor=tax,
    )


def _paid_at(order: OrderNode) -> datetime:
    """Return when money was first taken; of what nobody took money for, when it was placed."""
    taken = [
        one.processed_at
        for one in order.transactions
        if one.kind in TAKES and one.status == "SUCCESS" and one.processed_at
    ]
    return _utc(min(taken, default=order.processed_at))


def _sent(order: OrderNode) -> tuple[datetime | None, datetime | None]:
    """Return when the last of an order left, and when the last of it arrived."""
    parcels = [one for one in order.fulfillments if one.status == "SUCCESS"]
    if order.display_fulfillment_status != "FULFILLED" or not parcels:
        return None, None
    came = [one.delivered_at for one in parcels]
    sent_at = _utc(max(one.created_at for one in parcels))
    known = [at for at in came if at is not None]
    return sent_at, _utc(max(known)) if len(known) == len(came) else None
