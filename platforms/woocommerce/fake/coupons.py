"""Coupons: making them, who may use them, what they take off, and how often they were used."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, missing_param, not_in_enum
from platforms.woocommerce.fake.shapes import AMOUNTS, blank, known, links
from platforms.woocommerce.fake.values import SYMBOLS, read_time, rounded, spread, stamp

TYPES = ("percent", "fixed_cart", "fixed_product")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_CLOSED = frozenset({"date_created", "date_modified", "date_expires_gmt", "usage_count", "used_by"})


def create(store: FakeStore, body: Record) -> Record:
    """Make a coupon.

    Raises:
        ApiError: its code is taken in any case, or a field can't be right.
    """
    if not body.get("code"):
        raise missing_param("code")
    coupon = blank("coupon", {"id": store.next_id()})
    _write(store, coupon, body)
    stamp(coupon, "date_created", store.now(), store.zone)
    coupon["_links"] = links(store.site.rest, "coupons", coupon["id"])
    store.records["coupon"][coupon["id"]] = coupon
    store.emit("coupon.created", coupon["id"])
    return coupon


def update(store: FakeStore, coupon: Record, body: Record) -> Record:
    """Change a coupon; a refused change leaves it as it was."""
    changed = dict(coupon)
    _write(store, changed, body)
    coupon |= changed
    store.emit("coupon.updated", coupon["id"])
    return coupon


def delete(store: FakeStore, coupon: Record, *, force: bool) -> Record:
    """Trash a coupon, or remove it for ever, which no webhook tells."""
    before = dict(coupon)
    if force:
        del store.records["coupon"][coupon["id"]]
        return before
    coupon["status"] = "trash"
    store.touch(coupon)
    store.emit("coupon.deleted", coupon["id"])
    return before


def find(store: FakeStore, code: str) -> Record | None:
    """Return the live coupon with this code, in any case."""
    wanted = code.strip().lower()
    live = (one for one in store.all("coupon") if one["status"] == "publish")
    return next((one for one in live if one["code"] == wanted), None)


def wanted(store: FakeStore, code: str) -> Record:
    """Return the live coupon with this code.

    Raises:
        Refused: there is none.
    """
    coupon = find(store, code)
    if coupon is None:
        raise Refused(f'Coupon "{code}" cannot be applied because it does not exist.')
    return coupon


def _write(store: FakeStore, coupon: Record, body: Record) -> None:
    fields = known("coupon", body, but=_CLOSED)
    if "code" in fields:
        fields["code"] = str(fields["code"]).strip().lower()
        taken = find(store, fields["code"])
        if taken and taken["id"] != coupon["id"]:
            code = "woocommerce_rest_coupon_code_already_exists"
            raise ApiError(400, code, "The coupon code already exists")
    kind = fields.get("discount_type", coupon["discount_type"])
    if kind not in TYPES:
        raise not_in_enum("discount_type", TYPES)
    for name in AMOUNTS:
        if name in fields:
            fields[name] = _amount(fields[name])
    amount = Decimal(str(fields.get("amount", coupon["amount"])))
    if amount < 0 or (kind == "percent" and amount > 100):
        raise ApiError(400, "coupon_invalid_amount", "Invalid discount amount.")
    if "email_restrictions" in fields:  # what isn't an address is dropped without a word
        given = fields["email_restrictions"]
        fields["email_restrictions"] = [one for one in given if _EMAIL.fullmatch(str(one))]
    coupon |= fields
    _expire(store, coupon, body)
    store.write_meta(coupon, body)
    store.touch(coupon)


def _amount(value: object) -> str:
    """Return an amount as it is kept: exactly, and finite."""
    exact = Decimal(str(value or "0"))
    if not exact.is_finite():
        raise ValueError(value)
    return str(exact)


def _expire(store: FakeStore, coupon: Record, body: Record) -> None:
    for name, zone in (("date_expires", store.zone), ("date_expires_gmt", UTC)):
        if name in body:
            at = read_time(str(body[name]), zone) if body[name] else None
            stamp(coupon, "date_expires", at, store.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who would use a coupon: every address they are known by, and their account if any."""

    emails: tuple[str, ...] = ()
    customer_id: int = 0


class Refused(Exception):
    """A coupon that may not be used now. ``about_email``: another address might."""

    def __init__(self, message: str, *, about_email: bool = False) -> None:
        super().__init__(message)
        self.about_email = about_email


def check(store: FakeStore, coupon: Record, subtotal: int, buyer: Buyer) -> None:
    """Check that a coupon may be used on goods of ``subtotal`` by ``buyer``.

    Raises:
        Refused: it may not; the message is plain text.
    """
    code = coupon["code"]
    limit, own = coupon["usage_limit"], coupon["usage_limit_per_user"]
    used = {str(buyer.customer_id), *buyer.emails}
    if (limit and coupon["usage_count"] >= limit) or (
        own and sum(one in used for one in coupon["used_by"]) >= own
    ):
        words = "has been reached. Please try again after some time, or contact us for help."
        raise Refused(f'Usage limit for coupon "{code}" {words}')
    ends = coupon["date_expires_gmt"]
    if ends and store.now() > datetime.fromisoformat(ends).replace(tzinfo=UTC):
        raise Refused(f'Coupon "{code}" has expired.')
    if subtotal < store.money.minor(coupon["minimum_amount"]):
        shown = money(store, coupon["minimum_amount"])
        raise Refused(f'The minimum spend for coupon "{code}" is {shown}.')
    most = store.money.minor(coupon["maximum_amount"])
    if most and subtotal > most:
        shown = money(store, coupon["maximum_amount"])
        raise Refused(f'The maximum spend for coupon "{code}" is {shown}.')
    if not allows(coupon, buyer):
        words = f'Please enter a valid email at checkout to use coupon code "{code}".'
        raise Refused(words, about_email=True)


def money(store: FakeStore, amount: str) -> str:
    """Write an amount for people."""
    symbol = SYMBOLS.get(store.site.currency, f"{store.site.currency} ")
    return f"{symbol}{store.money.text(store.money.minor(amount))}"


def allows(coupon: Record, buyer: Buyer) -> bool:
    """Return whether the coupon's e-mail restrictions, if any, let one of the addresses in."""
    wanted = [one.lower() for one in coupon["email_restrictions"]]
    emails = [one.lower() for one in buyer.emails if one]
    return not wanted or any(fnmatchcase(mail, one) for mail in emails for one in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A line that a coupon may take from: what it costs now, and how many there are."""

    product_id: int
    quantity: int
    minor: int


def discount(store: FakeStore, coupon: Record, goods: Sequence[Goods]) -> list[int]:
    """Return what the coupon takes off each line, in minor units."""
    amount = store.money.minor(coupon["amount"])
    only, never = coupon["product_ids"], coupon["excluded_product_ids"]
    weights = [
        line.minor if (not only or line.product_id in only) and line.product_id not in never else 0
        for line in goods
    ]
    match coupon["discount_type"]:
        case "percent":
            if most := coupon["limit_usage_to_x_items"]:
                weights = _dearest(goods, weights, most)
            return spread(rounded(sum(weights) * Decimal(coupon["amount"]) / 100), weights)
        case "fixed_product":
            pairs = zip(goods, weights, strict=True)
            return [min(amount * line.quantity, weight) for line, weight in pairs]
        case _:
            return spread(amount, weights)


def _dearest(goods: Sequence[Goods], weights: Sequence[int], most: int) -> list[int]:
    """Return of each line what so many pieces of it cost, the dearest pieces first.

    Source: ``WC_Discounts::apply_coupon_percent``, over items that are sorted by price.
    """
    parts = [0] * len(goods)
    prices = [weight / line.quantity for weight, line in zip(weights, goods, strict=True)]
    for n in sorted(range(len(goods)), key=lambda n: -prices[n]):
        pieces = min(most, goods[n].quantity) if weights[n] else 0
        parts[n] = weights[n] * pieces // goods[n].quantity
        most -= pieces
    return parts


def take_off(
    store: FakeStore, coupons: Sequence[Record], goods: Sequence[Goods]
) -> Iterator[tuple[Record, Sequence[int]]]:
    """Apply coupons one after the other, each to what the ones before left."""
    left = [line.minor for line in goods]
    for coupon in coupons:
        now = [
            Goods(product_id=line.product_id, quantity=line.quantity, minor=minor)
            for line, minor in zip(goods, left, strict=True)
        ]
        parts = discount(store, coupon, now)
        left = [minor - part for minor, part in zip(left, parts, strict=True)]
        yield coupon, parts


def count_use(store: FakeStore, order: Mapping[str, Any]) -> None:
    """Make the usage counts of an order's coupons fit its status.

    A cancelled order gives the use back, any other live one takes it, once. Refunds and deletion
    change nothing. Source: ``wc_update_coupon_usage_counts``.
    """
    number, status = order["id"], order["status"]
    user = str(order["customer_id"] or order["billing"]["email"])
    if status == "cancelled" and number in store.counted:
        store.counted.discard(number)
        _use(store, order, user, -1)
    elif status in ("pending", "processing", "on-hold", "completed") and (
        number not in store.counted
    ):
        store.counted.add(number)
        _use(store, order, user, 1)


def _use(store: FakeStore, order: Mapping[str, Any], user: str, step: int) -> None:
    for line in order["coupon_lines"]:
        coupon = find(store, line["code"])
        if coupon is None:
            continue
        coupon["usage_count"] += step
        if step > 0:
            coupon["used_by"].append(user)
        elif user in coupon["used_by"]:
            coupon["used_by"].remove(user)
