"""WooCommerce's JSON, field by field, into the shared model.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/ (wc/v3), read 2026-11, and the
recorded answers of a running 10.5.0. Money is text, stamps are naive: ``*_gmt`` is UTC.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from platforms.errors import Malformed
from platforms.model import (
    Customer,
    Discount,
    DiscountSeen,
    Kind,
    Order,
    OrderLine,
    Product,
    Record,
    Refund,
    RefundLine,
    Seen,
    Subscription,
    Touched,
)
from platforms.money import nearest_minor, to_text

REDEMPTION_META = "_perennial_redemption"
ITEM_META = "_refunded_item_id"
T = TypeVar("T")


class _Meta(msgspec.Struct):
    key: str = ""
    value: Any = None


class _Line(msgspec.Struct):
    id: int
    product_id: int = 0
    quantity: int = 0
    total: str = "0"
    total_tax: str = "0"
    meta_data: list[_Meta] = []


class _Charge(msgspec.Struct):
    """A shipping or fee line."""

    total: str = "0"
    total_tax: str = "0"


class _Coupon(msgspec.Struct):
    code: str


class _Billing(msgspec.Struct):
    email: str = ""


class WireRefund(msgspec.Struct):
    """One refund, as ``/orders/{id}/refunds`` shows it: amounts of lines are negative."""

    id: int
    date_created_gmt: str
    amount: str
    parent_id: int = 0
    line_items: list[_Line] = []
    shipping_lines: list[_Charge] = []
    fee_lines: list[_Charge] = []


class _RefundHint(msgspec.Struct):
    """What an order shows of its refunds: not enough to know what they were for."""

    id: int


class WireOrder(msgspec.Struct):
    """An order, as webhooks and listings show it."""

    id: int
    status: str
    currency: str
    total: str
    date_created_gmt: str
    date_modified_gmt: str
    customer_id: int
    number: str
    billing: _Billing
    line_items: list[_Line]
    refunds: list[_RefundHint]
    date_paid_gmt: str | None = None
    coupon_lines: list[_Coupon] = []


class WireCustomer(msgspec.Struct):
    """A customer; ``date_modified_gmt`` is null until something changed."""

    id: int
    email: str
    date_created_gmt: str
    date_modified_gmt: str | None = None
    first_name: str = ""
    last_name: str = ""


class WireProduct(msgspec.Struct):
    """A product, of which we keep what a page shows."""

    id: int
    name: str
    permalink: str
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None


class WireCoupon(msgspec.Struct):
    """A coupon, as written and as read back."""

    id: int
    code: str
    amount: str
    discount_type: str
    usage_count: int
    usage_limit: int | None
    minimum_amount: str
    email_restrictions: list[str]
    individual_use: bool
    date_expires_gmt: str | None = None
    status: str = "publish"
    meta_data: list[_Meta] = []


class WireWebhook(msgspec.Struct):
    """A webhook subscription."""

    id: int
    topic: str
    status: str
    delivery_url: str


class WireId(msgspec.Struct):
    """A body that only names something."""

    id: int


class WireSetting(msgspec.Struct):
    """One setting of the store."""

    value: str


class WireIndex(msgspec.Struct):
    """WordPress's own index, which knows the site's name and zone."""

    name: str
    timezone_string: str = ""
    gmt_offset: float | str = 0


def decode(body: bytes, type_: type[T]) -> T:
    """Decode a body of a known shape.

    Raises:
        Malformed: it isn't of that shape.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not a {type_!r}: {error}") from error


def stamp(text: str) -> datetime:
    """Read a naive GMT stamp.

    Raises:
        Malformed: it is no stamp.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed(f"{text!r} is no time") from error


def naive_gmt(at: datetime) -> str:
    """Write a stamp as a query takes it, with ``dates_are_gmt=true``: an offset would mislead."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def is_paid(status: str, paid_gmt: str | None) -> bool:
    """Return what WooCommerce means by paid.

    Completed is; refunded and processing are where a paid date says so (cash on delivery has
    none until completed). An order in the trash shows no other status: its paid date decides.
    """
    return status == "completed" or (
        status in {"processing", "refunded", "trash"} and paid_gmt is not None
    )


def read_order(wire: WireOrder, refunds: Sequence[WireRefund] = ()) -> Order:
    """Return the order with these refunds."""
    currency = wire.currency
    return Order(
        id=str(wire.id),
        number=wire.number,
        customer_id=str(wire.customer_id) if wire.customer_id else None,
        email=wire.billing.email or None,
        status=wire.status,
        is_paid=is_paid(wire.status, wire.date_paid_gmt),
        is_cancelled=wire.status == "cancelled",
        currency=currency,
        total_minor=nearest_minor(wire.total, currency),
        placed_at=stamp(wire.date_created_gmt),
        paid_at=stamp(wire.date_paid_gmt) if wire.date_paid_gmt else None,
        updated_at=stamp(wire.date_modified_gmt),
        lines=tuple(_order_line(line, currency) for line in wire.line_items),
        refunds=tuple(
            _refund(refund, currency) for refund in sorted(refunds, key=lambda one: one.id)
        ),
        codes=tuple(sorted(coupon.code.lower() for coupon in wire.coupon_lines)),
        is_deleted=wire.status == "trash",
    )


def _order_line(line: _Line, currency: str) -> OrderLine:
    return OrderLine(
        id=str(line.id),
        product_id=str(line.product_id),
        quantity=line.quantity,
        total_minor=nearest_minor(line.total, currency),
        tax_minor=nearest_minor(line.total_tax, currency),
    )


def _refund(wire: WireRefund, currency: str) -> Refund:
    charges = [*wire.shipping_lines, *wire.fee_lines]
    return Refund(
        id=str(wire.id),
        amount_minor=nearest_minor(wire.amount, currency),
        refunded_at=stamp(wire.date_created_gmt),
        lines=tuple(_refund_line(line, currency) for line in wire.line_items),
        other_minor=-sum(
            nearest_minor(one.total, currency) + nearest_minor(one.total_tax, currency)
            for one in charges
        ),
    )


def _refund_line(line: _Line, currency: str) -> RefundLine:
    named = next((str(meta.value) for meta in line.meta_data if meta.key == ITEM_META), "")
    return RefundLine(
        line_id=named,
        quantity=-line.quantity,
        total_minor=-nearest_minor(line.total, currency),
        tax_minor=-nearest_minor(line.total_tax, currency),
    )


def read_customer(wire: WireCustomer) -> Customer:
    """Return the customer; one never changed is as new as its creation."""
    created_at = stamp(wire.date_created_gmt)
    return Customer(
        id=str(wire.id),
        email=wire.email or None,
        first_name=wire.first_name,
        last_name=wire.last_name,
        created_at=created_at,
        updated_at=stamp(wire.date_modified_gmt) if wire.date_modified_gmt else created_at,
    )


def read_product(wire: WireProduct) -> Product:
    """Return the product."""
    changed = wire.date_modified_gmt or wire.date_created_gmt
    if changed is None:
        raise Malformed(f"product {wire.id} has no date")
    return Product(id=str(wire.id), title=wire.name, url=wire.permalink, updated_at=stamp(changed))


Row = WireOrder | WireCustomer | WireProduct | WireId
ROWS: dict[Kind, type[WireOrder | WireCustomer | WireProduct]] = {
    "order": WireOrder,
    "customer": WireCustomer,
    "product": WireProduct,
}


def decode_row(kind: Kind, body: bytes) -> Row:
    """Decode one record's body."""
    return decode(body, ROWS[kind])


def decode_rows(kind: Kind, body: bytes) -> Sequence[Row]:
    """Decode a listing's body row by row; one that can't be read comes as its bare id.

    Raises:
        Malformed: it is no listing, or a row has not even an id.
    """
    return [_decode_listed(kind, bytes(raw)) for raw in decode(body, list[msgspec.Raw])]


def _decode_listed(kind: Kind, body: bytes) -> Row:
    try:
        return decode_row(kind, body)
    except Malformed:
        return decode(body, WireId)


def is_draft(row: Row) -> bool:
    """Return whether it is an order that a shopper is still typing."""
    return isinstance(row, WireOrder) and row.status == "checkout-draft"


def read_row(kind: Kind, row: Row) -> Seen | Touched:
    """Return what a body shows: of an order incomplete where refunds stand behind it."""
    match row:
        case WireId():
            return Touched(kind, str(row.id))
        case WireOrder():
            return Seen(read_order(row), is_complete=not row.refunds)
        case _:
            return Seen(read_record(row))


def read_record(row: Row) -> Record:
    """Return the record of a whole body.

    Raises:
        Malformed: it is no more than an id.
    """
    match row:
        case WireOrder():
            return read_order(row)
        case WireCustomer():
            return read_customer(row)
        case WireProduct():
            return read_product(row)
        case WireId():
            raise Malformed(f"{row.id} can't be read")


def changed_at(row: Row) -> datetime:
    """Return when a listed record changed; one without a stamp sorts first."""
    if isinstance(row, WireId):
        return stamp("1970-01-02")
    return stamp(row.date_modified_gmt or row.date_created_gmt or "1970-01-02")


def site_time(at: datetime, zone: tzinfo) -> str:
    """Write a time as the site's own clock shows it; ``date_expires`` is read that way."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def zone_name(wire: WireIndex) -> str:
    """Return the IANA name of the site's zone; UTC where it has only an offset, or an odd name."""
    is_known = wire.timezone_string in available_timezones()
    return wire.timezone_string if is_known else "UTC"


def read_zone(wire: WireIndex) -> tzinfo:
    """Return the site's zone: a named one, or the fixed offset that WordPress also allows.

    Raises:
        Malformed: it has neither.
    """
    if wire.timezone_string in available_timezones():
        return ZoneInfo(wire.timezone_string)
    try:
        return timezone(timedelta(hours=float(wire.gmt_offset or 0)))
    except ValueError as error:
        raise Malformed(f"the site's offset {wire.gmt_offset!r} is none") from error


def write_coupon(discount: Discount, zone: tzinfo) -> dict[str, Any]:
    """Return the body that creates a discount.

    An amount off the cart, once, for one e-mail; our redemption id in the meta tells ours apart.
    """
    return {
        "code": discount.code,
        "discount_type": "fixed_cart",
        "amount": to_text(discount.amount_minor, discount.currency),
        "usage_limit": 1,
        "individual_use": False,
        "minimum_amount": to_text(discount.minimum_minor, discount.currency),
        "email_restrictions": [discount.email] if discount.email else [],
        "date_expires": discount.expires_at and site_time(discount.expires_at, zone),
        "description": "Issued by Perennial for a shopper's points.",
        "meta_data": [{"key": REDEMPTION_META, "value": discount.redemption_id}],
    }


def read_coupon(wire: WireCoupon, currency: str) -> DiscountSeen:
    """Return a coupon as it is; where it isn't of our making, without its terms."""
    ours = next((meta.value for meta in wire.meta_data if meta.key == REDEMPTION_META), None)
    is_like_ours = wire.discount_type == "fixed_cart" and wire.usage_limit == 1
    expires_at = stamp(wire.date_expires_gmt) if wire.date_expires_gmt else None
    discount = Discount(
        code=wire.code,
        redemption_id=str(ours),
        amount_minor=nearest_minor(wire.amount, currency),
        minimum_minor=nearest_minor(wire.minimum_amount or "0", currency),
        currency=currency,
        email=wire.email_restrictions[0].lower() if len(wire.email_restrictions) == 1 else None,
        expires_at=expires_at,
    )
    is_spent = wire.usage_limit is not None and wire.usage_count >= wire.usage_limit
    return DiscountSeen(
        id=str(wire.id),
        redemption_id=str(ours) if ours else None,
        discount=discount if ours and is_like_ours else None,
        is_usable=wire.status == "publish" and not is_spent,
        times_used=wire.usage_count,
    )


def as_kept(discount: Discount) -> Discount:
    """Return the discount as WooCommerce keeps it: code and e-mail in lower case, whole seconds."""
    expires_at = discount.expires_at
    return replace(
        discount,
        code=discount.code.lower(),
        email=discount.email.lower() if discount.email else None,
        expires_at=expires_at.replace(microsecond=0) if expires_at else None,
    )


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


def _error(body: bytes) -> _Error:
    try:
        return decode(body, _Error)
    except Malformed:
        return _Error()


def error_code(body: bytes) -> str:
    """Return WooCommerce's word for what went wrong, empty where the body has none."""
    return _error(body).code


def error_message(body: bytes) -> str:
    """Return WooCommerce's sentence for what went wrong, empty where the body has none."""
    return _error(body).message


def read_subscription(wire: WireWebhook) -> Subscription:
    """Return a webhook subscription."""
    return Subscription(
        id=str(wire.id),
        topic=wire.topic,
        url=wire.delivery_url,
        is_active=wire.status == "active",
    )
