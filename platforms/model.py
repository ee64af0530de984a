"""The shared model: what every platform's customers, orders and products look like to us.

Frozen dataclasses. Money is in integer minor units of the order's own currency, times are aware
UTC, ids are the platform's own, as strings. An order with its lines and refunds is one record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["order", "customer", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """Goods on an order: ``total_minor`` after discounts and without tax."""

    id: str
    product_id: str
    quantity: int
    total_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """What a refund gives back of one order line; amounts are positive, tax apart."""

    line_id: str
    quantity: int
    total_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What an order costs beside its goods: all of its shipping, or all of its fees."""

    total_minor: int = 0
    tax_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back. ``lines`` and ``other_minor`` say for what, as far as anybody said it.

    ``other_minor`` is what shipping and fee lines of the refund explain, their tax included;
    ``shipping`` and ``fees`` are the two parts of it, where the platform tells them apart.
    """

    id: str
    amount_minor: int
    refunded_at: datetime
    lines: tuple[RefundLine, ...] = ()
    other_minor: int = 0
    shipping: Charge = Charge()
    fees: Charge = Charge()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as of ``updated_at``, with all its refunds.

    ``status`` is the platform's own word; ``is_paid`` and ``is_cancelled`` are what the adapter
    says it means. Where the platform says when it was cancelled, at ``cancelled_at``, ``is_paid``
    is what it was until then; else a cancelled order is not paid and never was. ``is_deleted`` is
    one mark for trash and purge, beside the last live state. ``codes`` are the discount codes on
    the order, lower-cased. ``total_minor`` includes tax, shipping and fees and never falls on a
    refund. ``fulfilled_at`` is when all of it had left the store, ``delivered_at`` when it had
    arrived: None while it has not, or where the platform does not say.
    """

    id: str
    number: str
    customer_id: str | None
    email: str | None
    status: str
    is_paid: bool
    is_cancelled: bool
    currency: str
    total_minor: int
    placed_at: datetime
    paid_at: datetime | None
    updated_at: datetime
    lines: tuple[OrderLine, ...] = ()
    refunds: tuple[Refund, ...] = ()
    codes: tuple[str, ...] = ()
    is_deleted: bool = False
    cancelled_at: datetime | None = None
    shipping: Charge = Charge()
    fees: Charge = Charge()
    fulfilled_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody with an account at the store."""

    id: str
    email: str | None
    first_name: str
    last_name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something the store sells. ``collections`` are the handles of those that it is in."""

    id: str
    title: str
    url: str
    updated_at: datetime
    collections: tuple[str, ...] = ()


Record = Order | Customer | Product


def kind_of(record: Record) -> Kind:
    """Return the kind that names this record's table, topic and listing."""
    match record:
        case Order():
            return "order"
        case Customer():
            return "customer"
        case Product():
            return "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook request: header names in lower case, and the body as it arrived."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """The platform showed a record. An incomplete one lacks parts that only a fetch shows."""

    record: Record
    is_complete: bool = True

    @property
    def id(self) -> str:
        """The record's id."""
        return self.record.id


@dataclass(frozen=True, slots=True)
class Touched:
    """The platform named a record without showing it: deleted, perhaps, or merely changed."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery about something that we don't keep."""

    reason: str


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """Somebody asked, through the platform, for all that is known of them, or to be erased."""

    kind: Literal["export", "erase"]
    customer_id: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The app was taken off the store; told late, perhaps after it was installed anew."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StoreErased:
    """All that is known of a store, which took the app off, is to be erased."""


Change = Seen | Touched | PersonAsked | Uninstalled | StoreErased | Ignored


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. ``next_cursor`` is the adapter's own word, ``None`` at the end.

    A row that can't be read is ``Touched``, so that it alone is fetched again and found wanting.
    The page after is not there before ``wait_s`` seconds have passed: the platform prepares it.
    """

    items: tuple[Seen | Touched, ...]
    next_cursor: str | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """What a store says of itself. ``timezone`` is an IANA name.

    ``storefront`` is where shoppers see its pages, if that is another address than ``url``.
    """

    name: str
    url: str
    currency: str
    timezone: str
    storefront: str = ""


DiscountKind = Literal["amount", "percent", "product_amount", "free_product", "free_shipping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A discount code as we want it: good for one order, once.

    ``kind`` is ``amount`` (``amount_minor`` off the order), ``percent`` (``basis_points``, 1/100 of
    a percent, off the goods), ``product_amount`` (``amount_minor`` off each of ``product_ids``),
    ``free_product`` (one piece of one of ``product_ids`` for nothing) or
    ``free_shipping``. ``email`` restricts it to one shopper where the platform can.
    ``is_alone``: no other code goes with it. ``redemption_id`` is ours and is stored on the
    platform's object: by it we know our own codes.
    """

    code: str
    redemption_id: str
    currency: str
    kind: DiscountKind = "amount"
    amount_minor: int = 0
    basis_points: int = 0
    minimum_minor: int = 0
    product_ids: tuple[str, ...] = ()
    email: str | None = None
    expires_at: datetime | None = None
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountSeen:
    """A discount as the platform holds it.

    ``redemption_id`` is None where it isn't ours; ``discount`` is None where its terms are none
    that we would write, ours or not.
    """

    id: str
    redemption_id: str | None
    discount: Discount | None
    is_usable: bool
    times_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a store's own pages may say of a customer: points to spend now, and the tier if any."""

    points: int
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A webhook subscription and what the platform does with it.

    ``status``: ``active``; ``paused`` by somebody at the store; ``disabled`` by the platform,
    which gave up after failures.
    """

    id: str
    topic: str
    url: str
    status: Literal["active", "paused", "disabled"]
