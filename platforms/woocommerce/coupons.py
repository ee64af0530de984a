"""Discounts as WooCommerce's coupons, field by field, there and back.

Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#coupons, read 2026-11, and the
recorded answers of a running 10.5.0.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import httpx
import msgspec

from platforms.errors import Rejected, TransientError
from platforms.model import Discount, DiscountKind, DiscountSeen
from platforms.money import nearest_minor, to_text
from platforms.woocommerce import wire

REDEMPTION_META = "_perennial_redemption"
EXISTS = "woocommerce_rest_coupon_code_already_exists"
BASIS_POINTS_MAX = 10_000
TYPES: dict[DiscountKind, str] = {
    "amount": "fixed_cart",
    "percent": "percent",
    "product_amount": "fixed_product",
    "free_product": "percent",
    "free_shipping": "fixed_cart",
}
WHOLE = Decimal(100)  # percent
HOUR = timedelta(hours=1)
PRODUCT_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)


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
    free_shipping: bool = False
    product_ids: list[int] = []
    date_expires_gmt: str | None = None
    status: str = "publish"
    meta_data: list[wire.WireMeta] = []
    excluded_product_ids: list[int] = []
    product_categories: list[int] = []
    excluded_product_categories: list[int] = []
    exclude_sale_items: bool = False
    maximum_amount: str = "0"
    usage_limit_per_user: int | None = None
    limit_usage_to_x_items: int | None = None

    @property
    def is_narrower(self) -> bool:
        """Whether it has restrictions that we never write."""
        return bool(
            self.excluded_product_ids
            or self.product_categories
            or self.excluded_product_categories
            or self.exclude_sale_items
            or Decimal(self.maximum_amount or "0")
            or self.usage_limit_per_user
        )


class Created(msgspec.Struct):
    """One item of a batch's answer: the coupon's JSON, or why there is none."""

    raw: msgspec.Raw
    error: wire.WireError | None

    @property
    def coupon(self) -> WireCoupon:
        """The coupon.

        Raises:
            TransientError: it can't be read, which is no refusal: asking again will tell.
        """
        try:
            return msgspec.json.decode(self.raw, type=WireCoupon)
        except msgspec.MsgspecError as error:
            raise TransientError(f"the reply to a new coupon can't be read: {error}") from error


class _Item(msgspec.Struct):
    error: wire.WireError | None = None


class _Batch(msgspec.Struct):
    create: list[msgspec.Raw] = []


def read_batch(answer: httpx.Response, count: int) -> list[Created]:
    """Return a batch's answers, one for each item that was asked.

    Raises:
        TransientError: there are not as many: asking again will tell what was made.
    """
    items = wire.whole(answer, _Batch).create
    if len(items) != count:
        raise TransientError(f"the store answered {len(items)} of {count} new coupons")
    return [Created(raw, wire.decode(bytes(raw), _Item).error) for raw in items]


def refusal(discount: Discount, currency: str) -> Rejected | None:
    """Return why a discount can't be a coupon of a store in this currency, None if it can."""
    if discount.currency != currency:
        return Rejected(f"coupons of this store are in {currency}, not in {discount.currency}")
    if discount.kind == "percent" and not 0 < discount.basis_points <= BASIS_POINTS_MAX:
        return Rejected(f"{discount.basis_points} basis points are no part of a price")
    if discount.kind in {"amount", "product_amount"} and discount.amount_minor <= 0:
        return Rejected(f"{discount.amount_minor} is no amount to take off")
    if discount.kind in {"product_amount", "free_product"} and not discount.product_ids:
        return Rejected("what is off products, or all of it, must name them")
    for id_ in discount.product_ids:
        if not PRODUCT_ID.fullmatch(id_):
            return Rejected(f"products of this store have numbers for ids; {id_!r} is none")
    return None


def write(discount: Discount, zone: tzinfo) -> dict[str, Any]:
    """Return the body that creates a discount; our redemption id in the meta tells ours apart."""
    expires_at = kept_until(discount.expires_at, zone)
    return {
        "code": discount.code,
        "discount_type": TYPES[discount.kind],
        "amount": _amount(discount),
        "free_shipping": discount.kind == "free_shipping",
        "limit_usage_to_x_items": 1 if discount.kind == "free_product" else None,
        "product_ids": [int(id_) for id_ in dict.fromkeys(discount.product_ids)],
        "usage_limit": 1,
        "individual_use": discount.is_alone,
        "minimum_amount": to_text(discount.minimum_minor, discount.currency),
        "email_restrictions": [discount.email] if discount.email else [],
        "date_expires": expires_at and wire.site_time(expires_at, zone),
        "description": "Issued by Perennial for a shopper's points.",
        "meta_data": [{"key": REDEMPTION_META, "value": discount.redemption_id}],
    }


def _amount(discount: Discount) -> str:
    match discount.kind:
        case "percent":
            return str(Decimal(discount.basis_points) / 100)
        case "free_shipping":
            return "0"
        case "free_product":
            return "100"
        case _:
            return to_text(discount.amount_minor, discount.currency)


def kept_until(at: datetime | None, zone: tzinfo) -> datetime | None:
    """Return the whole second at which a coupon will expire, never before it was asked to.

    ``date_expires`` is the site's wall clock, which shows an hour twice when summer time ends:
    of the second one nothing can be said, so an instant in it moves on to its end.
    """
    if at is None:
        return None
    at = at.replace(microsecond=0)
    while at.astimezone(zone).fold:
        at = at.replace(minute=0, second=0) + HOUR
    return at


def as_kept(discount: Discount, zone: tzinfo) -> Discount:
    """Return the discount as WooCommerce keeps it: code and e-mail in lower case, whole seconds."""
    return replace(
        discount,
        code=discount.code.lower(),
        email=discount.email.lower() if discount.email else None,
        expires_at=kept_until(discount.expires_at, zone),
        product_ids=tuple(sorted(discount.product_ids)),
    )


def as_shown(discount: Discount) -> Discount:
    """Return a kept discount as its coupon reads back: two decimals, whatever the currency has.

    Source: ``WC_REST_Coupons_V2_Controller::get_formatted_item_data``; the amounts are kept whole.
    """
    return replace(
        discount,
        amount_minor=_two_decimals(discount.amount_minor, discount.currency),
        minimum_minor=_two_decimals(discount.minimum_minor, discount.currency),
    )


def _two_decimals(minor: int, currency: str) -> int:
    text = Decimal(to_text(minor, currency)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return nearest_minor(str(text), currency)


def read(coupon: WireCoupon, currency: str) -> DiscountSeen:
    """Return a coupon as it is; where it isn't of our making, without its terms."""
    ours = next((meta.value for meta in coupon.meta_data if meta.key == REDEMPTION_META), None)
    kind = _kind(coupon)
    is_like_ours = bool(
        ours
        and kind
        and coupon.usage_limit == 1
        and len(coupon.email_restrictions) <= 1
        and not coupon.is_narrower
    )
    is_spent = coupon.usage_limit is not None and coupon.usage_count >= coupon.usage_limit
    return DiscountSeen(
        id=str(coupon.id),
        redemption_id=str(ours) if ours else None,
        discount=_terms(coupon, kind, str(ours), currency) if is_like_ours and kind else None,
        is_usable=coupon.status == "publish" and not is_spent,
        times_used=coupon.usage_count,
    )


def _kind(coupon: WireCoupon) -> DiscountKind | None:
    """Return which of our kinds a coupon is, None where it is of none."""
    if coupon.free_shipping:
        is_nothing_else = coupon.discount_type == "fixed_cart" and not _decimal(coupon.amount)
        return "free_shipping" if is_nothing_else else None
    if coupon.limit_usage_to_x_items:
        is_one = coupon.limit_usage_to_x_items == 1 and bool(coupon.product_ids)
        is_whole = coupon.discount_type == "percent" and _decimal(coupon.amount) == WHOLE
        return "free_product" if is_one and is_whole else None
    return next((kind for kind, name in TYPES.items() if name == coupon.discount_type), None)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        return Decimal(-1)  # none that we would write


def _terms(coupon: WireCoupon, kind: DiscountKind, ours: str, currency: str) -> Discount:
    is_percent = kind == "percent"
    has_amount = kind in {"amount", "product_amount"}
    return Discount(
        code=coupon.code,
        redemption_id=ours,
        currency=currency,
        kind=kind,
        amount_minor=nearest_minor(coupon.amount, currency) if has_amount else 0,
        basis_points=int(_decimal(coupon.amount) * 100) if is_percent else 0,
        minimum_minor=nearest_minor(coupon.minimum_amount or "0", currency),
        product_ids=tuple(sorted(str(id_) for id_ in coupon.product_ids)),
        email=coupon.email_restrictions[0].lower() if coupon.email_restrictions else None,
        expires_at=wire.stamp(coupon.date_expires_gmt) if coupon.date_expires_gmt else None,
        is_alone=coupon.individual_use,
    )
