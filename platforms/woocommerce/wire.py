"""WooCommerce's JSON, field by field, into the shared model.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/ (wc/v3), read 2026-11, and the
recorded answers of a running 10.5.0. Money is text, stamps are naive: ``*_gmt`` is UTC.
"""

import html
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import httpx
import msgspec

from platforms.errors import Malformed, TransientError
from platforms.http import parsed
from platforms.model import (
    Charge,
    Customer,
    Kind,
    Order,
    OrderLine,
    Product,
    Profile,
    Record,
    Refund,
    RefundLine,
    Seen,
    Subscription,
    Touched,
)
from platforms.money import nearest_minor

POINTS_META, TIER_META = "_perennial_points", "_perennial_tier"
ITEM_META = "_refunded_item_id"
NO_STAMP = datetime(1970, 1, 2, tzinfo=UTC)
T = TypeVar("T")


class WireMeta(msgspec.Struct):
    """One entry of a record's metadata."""

    key: str = ""
    value: Any = None


class _Line(msgspec.Struct):
    id: int
    product_id: int = 0
    quantity: int = 0
    total: str = "0"
    total_tax: str = "0"
    meta_data: list[WireMeta] = []


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
    date_completed_gmt: str | None = None
    coupon_lines: list[_Coupon] = []
    shipping_lines: list[_Charge] = []
    fee_lines: list[_Charge] = []


class WireCustomer(msgspec.Struct):
    """A customer; ``date_modified_gmt`` is null until something changed."""

    id: int
    email: str
    date_created_gmt: str
    date_modified_gmt: str | None = None
    first_name: str = ""
    last_name: str = ""


class _Category(msgspec.Struct):
    slug: str


class WireProduct(msgspec.Struct):
    """A product, of which we keep what a page shows, and its categories."""

    id: int
    name: str
    permalink: str
    categories: list[_Category] = []
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None


class WireWebhook(msgspec.Struct):
    """A webhook subscription."""

    id: int
    topic: str
    status: Literal["active", "paused", "disabled"]
    delivery_url: str


class WireError(msgspec.Struct):
    """A refusal."""

    code: str = ""
    message: str = ""


class WireId(msgspec.Struct):
    """A body that only names something."""

    id: int


class _Link(msgspec.Struct):
    href: str = ""


class _Links(msgspec.Struct):
    here: list[_Link] = msgspec.field(name="self", default_factory=list)


class _Linked(msgspec.Struct):
    links: _Links = msgspec.field(name="_links", default_factory=_Links)


class WireMetaHolder(msgspec.Struct):
    """A record of which only the metadata matters."""

    meta_data: list[WireMeta] = []


class WireNote(msgspec.Struct):
    """A note on an order; its text comes back with HTML's entities."""

    note: str


class _Environment(msgspec.Struct):
    version: str = ""


class WireStatus(msgspec.Struct):
    """What the store tells of its own version."""

    environment: _Environment = msgspec.field(default_factory=_Environment)


class WireSetting(msgspec.Struct):
    """One setting of the store."""

    value: str


class WireIndex(msgspec.Struct):
    """WordPress's own index, which knows the site's name and zone."""

    name: str
    home: str = ""
    namespaces: list[str] = []
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


def whole(answer: httpx.Response, type_: type[T]) -> T:
    """Decode an answer of a known shape.

    Raises:
        TransientError: it broke off, or is of another shape, so another's.
    """
    body = parsed(answer)
    try:
        return decode(body, type_)
    except Malformed as error:
        raise foreign(str(error)) from error


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
        shipping=_charge(wire.shipping_lines, currency),
        fees=_charge(wire.fee_lines, currency),
        fulfilled_at=stamp(wire.date_completed_gmt) if wire.date_completed_gmt else None,
    )


def _charge(lines: Iterable[_Charge], currency: str, sign: int = 1) -> Charge:
    return Charge(
        total_minor=sign * sum(nearest_minor(one.total, currency) for one in lines),
        tax_minor=sign * sum(nearest_minor(one.total_tax, currency) for one in lines),
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
    shipping = _charge(wire.shipping_lines, currency, sign=-1)
    fees = _charge(wire.fee_lines, currency, sign=-1)
    return Refund(
        id=str(wire.id),
        amount_minor=nearest_minor(wire.amount, currency),
        refunded_at=stamp(wire.date_created_gmt),
        lines=tuple(_refund_line(line, currency) for line in wire.line_items),
        other_minor=sum(one.total_minor + one.tax_minor for one in (shipping, fees)),
        shipping=shipping,
        fees=fees,
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
    return Product(
        id=str(wire.id),
        title=wire.name,
        url=wire.permalink,
        updated_at=stamp(changed),
        collections=tuple(sorted(one.slug for one in wire.categories)),
    )


Row = WireOrder | WireCustomer | WireProduct | WireId
ROWS: dict[Kind, type[WireOrder | WireCustomer | WireProduct]] = {
    "order": WireOrder,
    "customer": WireCustomer,
    "product": WireProduct,
}


def decode_row(kind: Kind, body: bytes, host: str = "") -> Row:
    """Decode one record's body, of the site at ``host`` if one is given.

    Raises:
        Malformed: it is no such record.
        TransientError: it is another store's.
    """
    _check_host(body, host)
    return decode(body, ROWS[kind])


def decode_rows(kind: Kind, answer: httpx.Response, host: str = "") -> Sequence[Row]:
    """Decode a listing row by row; one that can't be read comes as its bare id.

    Raises:
        TransientError: it is no listing of the site at ``host``.
        Malformed: a row has not even an id.
    """
    rows = [bytes(raw) for raw in whole(answer, list[msgspec.Raw])]
    for body in rows[:1]:  # an answer is one store's
        _check_host(body, host)
    return [_decode_listed(kind, body) for body in rows]


def _decode_listed(kind: Kind, body: bytes) -> Row:
    try:
        return decode(body, ROWS[kind])
    except Malformed:
        return decode(body, WireId)


def _check_host(body: bytes, host: str) -> None:
    """Refuse a record whose own links lead to another host: a cache or proxy mixed stores up."""
    if not host:
        return
    try:
        links = decode(body, _Linked).links.here
    except Malformed:
        return  # it will be told as unreadable, or has no links to judge by
    for link in links:
        if urlsplit(link.href).hostname != host:
            raise foreign(f"a record belongs to {urlsplit(link.href).hostname}, not to {host}")


def foreign(what: str) -> TransientError:
    """Return the error of an answer that isn't this store's."""
    return TransientError(
        f"the answer is not this store's: {what}",
        name="answer-of-another-store",
        advice="see whether a cache or proxy mixes stores up, or the address has a new owner",
    )


def is_draft(row: Row) -> bool:
    """Return whether it is an order that a shopper is still typing."""
    return isinstance(row, WireOrder) and row.status == "checkout-draft"


def read_listed(kind: Kind, row: Row) -> Seen | Touched:
    """Return what a listing's row shows; one with a part that can't be read only touches."""
    try:
        return read_row(kind, row)
    except Malformed:
        return Touched(kind, str(row.id))


def read_row(kind: Kind, row: Row) -> Seen | Touched:
    """Return what a body shows: of an order incomplete where refunds stand behind it.

    Raises:
        Malformed: a part of it can't be read.
    """
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
    """Return when a listed record changed; one that can't be read or has no stamp sorts first."""
    if isinstance(row, WireId):
        return NO_STAMP
    return _stamp_or(row.date_modified_gmt or row.date_created_gmt, NO_STAMP)


def _stamp_or(text: str | None, usual: datetime) -> datetime:
    """Return a stamp, another where there is none or it is no time: WordPress has a year -1."""
    try:
        return stamp(text) if text else usual
    except Malformed:
        return usual


def created_at(row: Row) -> datetime:
    """Return when a listed record was made; one that doesn't say was made just now."""
    created = None if isinstance(row, WireId) else row.date_created_gmt
    return _stamp_or(created, datetime.max.replace(tzinfo=UTC))


def id_key(row: Row) -> tuple[int, ...]:
    """Return what listings by id ascend by."""
    return (row.id,)


def falling_id_key(row: Row) -> tuple[int, ...]:
    """Return what listings by id, newest first, ascend by."""
    return (-row.id,)


def stamp_key(row: Row) -> tuple[int, ...]:
    """Return what listings by change ascend by; ties go by id."""
    return (int(changed_at(row).timestamp()), row.id)


def numbers(version: str) -> tuple[int, ...]:
    """Return a version's numbers: ``10.5.0-rc.1`` is 10, 5, 0, 1; all of them if it says none."""
    return tuple(int(part) for part in re.findall(r"\d+", version)) or (sys.maxsize,)


def write_profile(profile: Profile) -> list[dict[str, str]]:
    """Return the metadata that keeps a profile; the plugin reads the same keys."""
    return [
        {"key": POINTS_META, "value": str(profile.points)},
        {"key": TIER_META, "value": profile.tier or ""},
    ]


def read_profile(holder: WireMetaHolder) -> Profile | None:
    """Return the profile that a customer's metadata keeps, if it does.

    Raises:
        Malformed: what is there isn't of our writing.
    """
    kept = {meta.key: str(meta.value) for meta in holder.meta_data}
    if POINTS_META not in kept:
        return None
    try:
        return Profile(points=int(kept[POINTS_META]), tier=kept.get(TIER_META) or None)
    except ValueError as error:
        raise Malformed(f"{kept[POINTS_META]!r} are no points") from error


def read_note(note: WireNote) -> str:
    """Return a note's text."""
    return html.unescape(note.note)


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


def error(body: bytes) -> WireError:
    """Return WooCommerce's own words for what went wrong, empty where the body has none."""
    try:
        return decode(body, WireError)
    except Malformed:
        return WireError()


def is_missing(error: WireError) -> bool:
    """Return whether a refusal says that there is no such record."""
    return error.code.endswith("invalid_id")


def read_subscription(wire: WireWebhook) -> Subscription:
    """Return a webhook subscription."""
    return Subscription(
        id=str(wire.id),
        topic=wire.topic,
        url=wire.delivery_url,
        status=wire.status,
    )
