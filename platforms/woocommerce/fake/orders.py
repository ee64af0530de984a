"""Orders: making and changing them, their totals, and what a change of status brings along.

No tax is reckoned: the invented store has none, and new orders of a recorded one carry none.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from platforms.woocommerce.fake import coupons, products
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, not_in_enum
from platforms.woocommerce.fake.shapes import BILLING, SHIPPING, blank, links
from platforms.woocommerce.fake.values import SYMBOLS, cents, decimal, number, short, stamp

STATUSES = (
    "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed",
    "checkout-draft",
)  # fmt: skip
PLAIN = (
    "customer_id", "customer_note", "payment_method", "payment_method_title", "transaction_id",
    "currency",
)  # fmt: skip
STOCK_TAKEN = ("processing", "completed", "on-hold")
STOCK_GIVEN = ("cancelled", "pending")


def create(store: FakeStore, body: Record, *, via: str = "rest-api") -> Record:
    """Make an order as REST does: webhooks hear of it as created and as updated.

    Raises:
        ApiError: a product doesn't exist, or a coupon's rules refuse the order.
    """
    order = draft(store, body, via=via)
    store.records["order"][order["id"]] = order
    _become(store, order, body, "pending")
    store.emit("order.created", order["id"])
    store.emit("order.updated", order["id"])
    return order


def draft(store: FakeStore, body: Record, *, via: str, replaces: Record | None = None) -> Record:
    """Return a new order that is in no list yet, priced and with its coupons applied.

    One that ``replaces`` a draft keeps its id, key and birth.
    """
    lines = [_line(store, one) for one in body.get("line_items") or []]
    key = replaces["order_key"] if replaces else f"wc_order_{store.token(13)}"
    order = blank("order", {
        "id": replaces["id"] if replaces else store.next_id(),
        "currency": store.site.currency, "order_key": key,
        "currency_symbol": SYMBOLS.get(store.site.currency, ""), "created_via": via,
        "line_items": lines,
        "shipping_lines": [_extra(store, "shipping_line", one) for one in _many(body, "shipping")],
        "fee_lines": [_extra(store, "fee_line", one) for one in _many(body, "fee")],
    })  # fmt: skip
    order["number"] = str(order["id"])
    page = f"{store.site.url}/checkout/order-pay/{order['id']}"
    order["payment_url"] = f"{page}/?pay_for_order=true&key={key}"
    _fields(store, order, body)
    _apply_coupons(store, order, [str(one.get("code")) for one in _many(body, "coupon")])
    total(order)
    stamp(order, "date_created", store.now(), store.zone)
    if replaces:
        order |= {name: replaces[name] for name in ("date_created", "date_created_gmt")}
    store.touch(order)
    order["_links"] = links(store.site.url, "orders", order["id"])
    _link_customer(store, order)
    return order


def update(store: FakeStore, order: Record, body: Record) -> Record:
    """Change an order: fields, lines by id, status. Leaving the trash restores it."""
    status = body.get("status")
    if status is not None and status not in STATUSES:
        raise not_in_enum("status", STATUSES)
    was_trashed = order["status"] == "trash"
    _fields(store, order, body)
    if "line_items" in body:
        _edit_lines(store, order, body["line_items"])
        total(order)
    _become(store, order, body, order["status"])
    _link_customer(store, order)
    store.touch(order)
    if was_trashed and status is not None:
        store.emit("order.restored", order["id"])
    store.emit("order.updated", order["id"])
    return order


def delete(store: FakeStore, order: Record, *, force: bool) -> Record:
    """Trash an order, or remove it for ever, which no webhook tells. Answers as it was."""
    before = dict(order)
    if force:
        del store.records["order"][order["id"]]
        for refund in order["refunds"]:
            store.records["refund"].pop(refund["id"], None)
        return before
    if order["status"] == "trash":
        code = "woocommerce_rest_already_trashed"
        raise ApiError(410, code, "The shop_order has already been deleted.")
    order["status"] = "trash"
    store.touch(order)
    store.emit("order.deleted", order["id"])
    return before


def _become(store: FakeStore, order: Record, body: Record, usual: str) -> None:
    if body.get("set_paid"):
        pay(store, order)
        return
    status = body.get("status") or usual
    if status not in (*STATUSES, "trash"):
        raise not_in_enum("status", STATUSES)
    set_status(store, order, status)


def pay(store: FakeStore, order: Record) -> None:
    """Complete the payment: the status that means paid, and ``date_paid``."""
    set_status(store, order, paid_status(order))
    if order["date_paid"] is None:
        stamp(order, "date_paid", store.now(), store.zone)


def paid_status(order: Mapping[str, Any]) -> str:
    """Return the status that means paid: cash on delivery is paid when it is completed.

    Source: ``WC_Gateway_COD::change_payment_complete_order_status``.
    """
    return "completed" if order["payment_method"] == "cod" else "processing"


def set_status(store: FakeStore, order: Record, status: str) -> None:
    """Give an order a status, with the dates, coupon uses and stock that hang on it."""
    moved = order["status"] != status
    order["status"] = status
    if moved and order["date_paid"] is None and status in (paid_status(order), "completed"):
        stamp(order, "date_paid", store.now(), store.zone)
    if moved and status == "completed" and order["date_completed"] is None:
        stamp(order, "date_completed", store.now(), store.zone)
    order["needs_payment"] = status in ("pending", "failed") and cents(order["total"]) > 0
    order["is_editable"] = status in ("pending", "on-hold", "checkout-draft")
    coupons.count_use(store, order)
    _stock(store, order)


def _stock(store: FakeStore, order: Record) -> None:
    taken, status = order["id"] in store.stocked, order["status"]
    step = (
        1 if status in STOCK_TAKEN and not taken else -1 if status in STOCK_GIVEN and taken else 0
    )
    if not step:
        return
    (store.stocked.add if step > 0 else store.stocked.discard)(order["id"])
    for line in order["line_items"]:
        products.move_stock(store, line["product_id"], step * line["quantity"])


def total(order: Record) -> None:
    """Reckon an order's totals from its lines."""
    lines = order["line_items"]
    shipping = sum(cents(one["total"]) for one in order["shipping_lines"])
    fees = sum(cents(one["total"]) for one in order["fee_lines"])
    goods = sum(cents(one["total"]) for one in lines)
    tax = sum(cents(one["total_tax"]) for one in lines)
    off = sum(cents(one["subtotal"]) for one in lines) - goods
    order["discount_total"] = decimal(off if order["coupon_lines"] else 0)
    order["shipping_total"] = decimal(shipping)
    order["cart_tax"] = order["total_tax"] = decimal(tax)
    order["total"] = decimal(goods + tax + shipping + fees)


def _many(body: Record, name: str) -> Sequence[Record]:
    return body.get(f"{name}_lines") or []


def _fields(store: FakeStore, order: Record, body: Record) -> None:
    order |= {name: body[name] for name in PLAIN if name in body}
    for name, shape in (("billing", BILLING), ("shipping", SHIPPING)):
        given = body.get(name) or {}
        order[name] |= {key: given[key] for key in shape if key in given}
    store.write_meta(order, body)


def _link_customer(store: FakeStore, order: Record) -> None:
    who = store.records["customer"].get(order["customer_id"])
    order["_links"].pop("customer", None)
    if who:
        href = f"{store.site.url}/wp-json/wc/v3/customers/{who['id']}"
        order["_links"]["customer"] = [{"href": href}]


def _line(store: FakeStore, body: Record) -> Record:
    product = store.records["product"].get(int(body.get("product_id") or 0))
    if product is None:
        code = "woocommerce_rest_required_product_reference"
        raise ApiError(400, code, "Product ID or SKU is required.")
    quantity = int(body.get("quantity", 1))
    subtotal = cents(body.get("subtotal", decimal(cents(product["price"]) * quantity)))
    charged = cents(body.get("total", decimal(subtotal)))
    line = blank("line", {
        "id": store.next_id("item"), "name": product["name"], "product_id": product["id"],
        "quantity": quantity, "sku": product["sku"], "subtotal": decimal(subtotal),
        "variation_id": int(body.get("variation_id") or 0),
    })  # fmt: skip
    charge(line, charged)
    return line


def charge(line: Record, minor: int) -> None:
    """Set what a line costs after discounts, and the price of one."""
    line["total"] = decimal(minor)
    line["price"] = number(minor) / line["quantity"] if line["quantity"] > 1 else number(minor)


def _edit_lines(store: FakeStore, order: Record, edits: Sequence[Record]) -> None:
    for edit in edits:
        line = next((one for one in order["line_items"] if one["id"] == edit.get("id")), None)
        if line is None:
            order["line_items"] = [*order["line_items"], _line(store, edit)]
        elif edit.get("quantity") == 0:
            order["line_items"] = [one for one in order["line_items"] if one is not line]
        else:
            line["quantity"] = int(edit.get("quantity", line["quantity"]))
            line["subtotal"] = decimal(cents(edit.get("subtotal", line["subtotal"])))
            charge(line, cents(edit.get("total", line["total"])))


def _extra(store: FakeStore, shape: str, body: Record) -> Record:
    given = {key: value for key, value in body.items() if key != "id"}
    minor = cents(given.get("total"))
    return blank(shape, given | {"id": store.next_id("item"), "total": decimal(minor)})


def _apply_coupons(store: FakeStore, order: Record, codes: Sequence[str]) -> None:
    found = [_usable(store, order, code) for code in codes]
    lines = order["line_items"]
    left = [cents(line["total"]) for line in lines]
    for coupon, parts in coupons.take_off(found, goods(lines)):
        left = [minor - part for minor, part in zip(left, parts, strict=True)]
        order["coupon_lines"].append(_coupon_line(store, coupon, sum(parts)))
        if coupon["free_shipping"]:
            order["shipping_lines"] = [
                one | {"method_id": "free_shipping", "total": "0.00"}
                for one in order["shipping_lines"]
            ]
    for line, minor in zip(lines, left, strict=True):
        charge(line, minor)


def goods(lines: Sequence[Record]) -> list[coupons.Goods]:
    """Return order lines as coupons see them."""
    return [
        coupons.Goods(
            product_id=line["product_id"], quantity=line["quantity"], minor=cents(line["total"])
        )
        for line in lines
    ]


def _usable(store: FakeStore, order: Record, code: str) -> Record:
    account = store.records["customer"].get(order["customer_id"], {})
    emails = (order["billing"]["email"], account.get("email", ""))
    subtotal = sum(cents(line["subtotal"]) for line in order["line_items"])
    try:
        coupon = coupons.wanted(store, code)
        buyer = coupons.Buyer(emails=emails, customer_id=order["customer_id"])
        coupons.check(store, coupon, subtotal, buyer)
    except coupons.Refused as refused:
        raise ApiError(400, "woocommerce_rest_invalid_coupon", str(refused)) from refused
    return coupon


def _coupon_line(store: FakeStore, coupon: Record, minor: int) -> Record:
    kind, nominal = coupon["discount_type"], number(cents(coupon["amount"]))
    info = [coupon["id"], coupon["code"], None if kind == "fixed_cart" else kind, nominal]
    if coupon["free_shipping"]:
        info.append(True)
    text = json.dumps(info, separators=(",", ":"))
    meta = {"id": store.next_id("meta"), "key": "coupon_info", "value": text}
    return blank("coupon_line", {
        "id": store.next_id("item"), "code": coupon["code"], "discount": short(minor),
        "discount_type": kind, "nominal_amount": nominal, "free_shipping": coupon["free_shipping"],
        "meta_data": [{**meta, "display_key": "coupon_info", "display_value": text}],
    })  # fmt: skip
