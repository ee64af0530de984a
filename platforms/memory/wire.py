"""The memory store's JSON, field by field, into the shared model and back.

Money is decimal text in the order's own currency, stamps are UTC with their offset.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

import msgspec

from platforms.errors import Malformed
from platforms.model import (
    Customer,
    Discount,
    DiscountKind,
    DiscountSeen,
    Kind,
    Order,
    OrderLine,
    Product,
    Profile,
    Record,
    Refund,
    RefundLine,
    Seen,
    Touched,
)
from platforms.money import nearest_minor, to_text

DRAFT = "typing"  # a shopper has not placed it yet
PAID = frozenset({"paid", "refunded"})  # a refunded order was paid; its refunds say the rest
OURS = "perennial:"  # begins the label of our discounts
T = TypeVar("T")
Stamp = Annotated[datetime, msgspec.Meta(tz=True)]


class WireLine(msgspec.Struct):
    """Goods on an order."""

    id: str
    product: str
    quantity: int
    total: str
    tax: str


class WireRefundLine(msgspec.Struct):
    """Goods given back."""

    line: str
    quantity: int
    total: str
    tax: str


class WireRefund(msgspec.Struct):
    """Money given back."""

    id: str
    at: Stamp
    amount: str
    lines: list[WireRefundLine]


class WireOrder(msgspec.Struct):
    """An order with all its refunds: every answer and delivery shows it whole."""

    id: str
    number: str
    status: str
    changed: Stamp
    placed: Stamp
    paid: Stamp | None
    customer: str | None
    email: str | None
    currency: str
    total: str
    lines: list[WireLine]
    refunds: list[WireRefund]
    codes: list[str]
    deleted: bool
    cancelled: Stamp | None = None
    sent: Stamp | None = None
    arrived: Stamp | None = None


class WireProfile(msgspec.Struct):
    """What we keep on a customer."""

    points: int
    tier: str | None


class WireCustomer(msgspec.Struct):
    """Somebody with an account."""

    id: str
    email: str
    first_name: str
    last_name: str
    opened: Stamp
    changed: Stamp
    profile: WireProfile | None


class WireProduct(msgspec.Struct):
    """Something on sale."""

    id: str
    title: str
    url: str
    changed: Stamp
    shelves: list[str] = []


class WireId(msgspec.Struct):
    """What is left of a record that is gone, or can't be read."""

    id: str


class WirePage(msgspec.Struct):
    """A page of records, each read by itself, so that one bad one spoils no other."""

    rows: list[msgspec.Raw]
    next: str | None


class WireStore(msgspec.Struct):
    """What the store says of itself."""

    name: str
    currency: str
    timezone: str
    newest_order: Stamp | None
    counts: dict[str, int]


class WireHook(msgspec.Struct):
    """A webhook."""

    id: str
    url: str
    status: Literal["active", "disabled"]


class WireDiscount(msgspec.Struct):
    """A discount code; ``label`` is ours to fill."""

    id: str
    code: str
    label: str
    kind: DiscountKind
    amount: str
    percent: str
    minimum: str
    products: list[str]
    email: str | None
    expires: Stamp | None
    alone: bool
    currency: str
    used: int
    usable: bool


def decode(body: bytes, type_: type[T]) -> T:
    """Return the body as what it should be.

    Raises:
        Malformed: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"this is no {type_.__name__}: {error}") from error


def read_record(kind: Kind, body: bytes) -> Record | None:
    """Return the record of a body, None where it is an order that nobody has placed yet."""
    if kind == "order":
        order = decode(body, WireOrder)
        return None if order.status == DRAFT else read_order(order)
    if kind == "customer":
        return read_customer(decode(body, WireCustomer))
    product = decode(body, WireProduct)
    return Product(
        id=product.id,
        title=product.title,
        url=product.url,
        updated_at=product.changed,
        collections=tuple(sorted(product.shelves)),
    )


def read_row(kind: Kind, body: bytes) -> Seen | Touched | None:
    """Return a row of a listing; one that can't be read is a reason to fetch it by itself."""
    try:
        record = read_record(kind, body)
    except Malformed:
        return Touched(kind, decode(body, WireId).id)
    return Seen(record) if record else None


def read_order(wire: WireOrder) -> Order:
    """Return the order; what its status means is decided here and nowhere else."""

    def minor(text: str) -> int:
        return nearest_minor(text, wire.currency)

    return Order(
        id=wire.id,
        number=wire.number,
        customer_id=wire.customer,
        email=wire.email,
        status=wire.status,
        is_paid=wire.status in PAID or (wire.cancelled is not None and wire.paid is not None),
        is_cancelled=wire.status == "cancelled",
        currency=wire.currency,
        total_minor=minor(wire.total),
        placed_at=wire.placed,
        paid_at=wire.paid,
        cancelled_at=wire.cancelled,
        updated_at=wire.changed,
        lines=tuple(
            OrderLine(
                id=line.id,
                product_id=line.product,
                quantity=line.quantity,
                total_minor=minor(line.total),
                tax_minor=minor(line.tax),
            )
            for line in wire.lines
        ),
        refunds=tuple(
            Refund(
                id=refund.id,
                amount_minor=minor(refund.amount),
                refunded_at=refund.at,
                lines=tuple(
                    RefundLine(
                        line_id=line.line,
                        quantity=line.quantity,
                        total_minor=minor(line.total),
                        tax_minor=minor(line.tax),
                    )
                    for line in refund.lines
                ),
            )
            for refund in wire.refunds
        ),
        codes=tuple(code.lower() for code in wire.codes),
        is_deleted=wire.deleted,
        fulfilled_at=wire.sent,
        delivered_at=wire.arrived,
    )


def read_customer(wire: WireCustomer) -> Customer:
    """Return the customer."""
    return Customer(
        id=wire.id,
        email=wire.email,
        first_name=wire.first_name,
        last_name=wire.last_name,
        created_at=wire.opened,
        updated_at=wire.changed,
    )


def read_profile(wire: WireCustomer) -> Profile | None:
    """Return what we keep on the customer, if anything."""
    kept = wire.profile
    return Profile(points=kept.points, tier=kept.tier) if kept else None


def write_discount(discount: Discount) -> dict[str, object]:
    """Return the body that makes the discount."""
    return {
        "code": discount.code.lower(),
        "label": OURS + discount.redemption_id,
        "kind": discount.kind,
        "amount": to_text(discount.amount_minor, discount.currency),
        "percent": str(Decimal(discount.basis_points) / 100),
        "minimum": to_text(discount.minimum_minor, discount.currency),
        "products": list(discount.product_ids),
        "email": discount.email,
        "expires": discount.expires_at.astimezone(UTC) if discount.expires_at else None,
        "alone": discount.is_alone,
        "currency": discount.currency,
    }


def read_discount(wire: WireDiscount) -> DiscountSeen:
    """Return the discount as the store holds it; one without our label is somebody else's."""
    is_ours = wire.label.startswith(OURS)
    redemption = wire.label.removeprefix(OURS)
    return DiscountSeen(
        id=wire.id,
        redemption_id=redemption if is_ours else None,
        discount=Discount(
            code=wire.code,
            redemption_id=redemption,
            currency=wire.currency,
            kind=wire.kind,
            amount_minor=nearest_minor(wire.amount, wire.currency),
            basis_points=nearest_minor(wire.percent, "EUR"),
            minimum_minor=nearest_minor(wire.minimum, wire.currency),
            product_ids=tuple(wire.products),
            email=wire.email,
            expires_at=wire.expires,
            is_alone=wire.alone,
        )
        if is_ours
        else None,
        is_usable=wire.usable,
        times_used=wire.used,
    )
