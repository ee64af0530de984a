"""Orders: making and changing them, their totals, and what a change of status brings along.

Amounts on an order are without tax, which stands beside them; its total has both.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from platforms.woocommerce.fake import coupons, notes, products
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, not_in_enum
from platforms.woocommerce.fake.shapes import BILLING, SHIPPING, blank, links
from platforms.woocommerce.fake.values import SYMBOLS, number, stamp

PLAIN = (
    "customer_id", "customer_note", "payment_method", "payment_method_title", "transaction_id",
    "currency",
)  # fmt: skip
STATUS_NAMES = {"pending": "Pending payment", "on-hold": "On hold", "checkout-draft": "Draft"}
STOCK_TAKEN = ("processing", "completed", "on-hold")
STOCK_GIVEN = ("cancelled", "pending")


def create(store: FakeStore, body: Record, *, via: str = "rest-api") -> Record:
    """Make an order: webhooks hear of it as created and as updated, from a checkout in reverse.

    Raises:
        ApiError: a product doesn't exist, or a coupon's rules refuse the order.
    """
    order = draft(store, body, via=via)
    store.records["order"][order["id"]] = order
    _become(store, order, body, "pending")
    told = ("order.created", "order.updated")
    for topic in told if via == "rest-api" else reversed(told):
        store.emit(topic, order["id"])
    return order


def draft(store: FakeStore, body: Record, *, via: str, replaces: Record | None = None) -> Record:
    """Return a new order that is in no list yet, priced and with its coupons applied.

    One that ``replaces`` a draft keeps its id, key and birth.
    """
    lines = [_line(store, one) for one in body.get("line_items") or []]
    key = replaces["order_key"] if replaces else f"wc_order_{store.token(13)}"
    order = blank("order", {
        "id": replaces["id"] if replaces else store.next_id(),
        "currency": store.site.currency, "order_key": key, "created_via": via,
        "prices_include_tax": store.taxes.are_included, "line_items": lines,
        "shipping_lines": [_extra(store, "shipping_line", one) for one in _many(body, "shipping")],
        "fee_lines": [_extra(store, "fee_line", one) for one in _many(body, "fee")],
    })  # fmt: skip
    order["number"] = str(order["id"])
    page = f"{store.site.url}/checkout/order-pay/{order['id']}"
    order["payment_url"] = f"{page}/?pay_for_order=true&key={key}"
    _fields(store, order, body)
    _apply_coupons(store, order, [str(one.get("code")) for one in _many(body, "coupon")])
    total(store, order)
    stamp(order, "date_created", store.now(), store.zone)
    if replaces:
        order |= {name: replaces[name] for name in ("date_created", "date_created_gmt")}
    store.touch(order)
    order["_links"] = links(store.site.rest, "orders", order["id"])
    here = f"{order['_links']['self'][0]['href']}/actions/email_templates"
    order["_links"]["email_templates"] = [{"embeddable": True, "href": here}]
    _link_customer(store, order)
    return order


def update(store: FakeStore, order: Record, body: Record) -> Record:
    """Change an order: fields, lines by id, status. Leaving the trash restores it."""
    status = body.get("status")
    if status is not None and status not in store.statuses:
        raise not_in_enum("status", store.statuses)
    was_trashed = order["status"] == "trash"
    _fields(store, order, body)
    if "line_items" in body:
        _edit_lines(store, order, body["line_items"])
        total(store, order)
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
        store.trashed.pop(order["id"], None)
        for note in notes.of(store, order):
            notes.delete(store, note)
        for refund in order["refunds"]:
            store.records["refund"].pop(refund["id"], None)
        return before
    if order["status"] == "trash":
        code = "woocommerce_rest_already_trashed"
        raise ApiError(410, code, "The shop_order has already been deleted.")
    store.trashed[order["id"]] = order["status"]
    order["status"] = "trash"
    store.touch(order)
    store.emit("order.deleted", order["id"])
    return before


def restore(store: FakeStore, order: Record) -> Record:
    """Take an order out of the trash, as it was before."""
    usual = "completed" if order["date_completed"] else "processing"
    return update(store, order, {"status": store.trashed.pop(order["id"], usual)})


def _become(store: FakeStore, order: Record, body: Record, usual: str) -> None:
    if body.get("set_paid"):
        pay(store, order)
        return
    status = body.get("status") or usual
    if status not in (*store.statuses, "trash"):
        raise not_in_enum("status", store.statuses)
    set_status(store, order, status)


def pay(store: FakeStore, order: Record) -> None:
    """Complete the payment: the status that means paid, and ``date_paid``."""
    set_status(store, order, paid_status(order))
    if order["date_paid"] is None:
        stamp(order, "date_paid", store.now(), store.zone)
    store.act("woocommerce_payment_complete", order["id"])


def paid_status(order: Mapping[str, Any]) -> str:
    """Return the status that means paid: cash on delivery is paid when it is completed.

    Source: ``WC_Gateway_COD::change_payment_complete_order_status``.
    """
    return "completed" if order["payment_method"] == "cod" else "processing"


def set_status(store: FakeStore, order: Record, status: str) -> None:
    """Give an order a status, with the dates, coupon uses and stock that hang on it."""
    before, moved = order["status"], order["status"] != status
    order["status"] = status
    if moved and order["date_paid"] is None and status in (paid_status(order), "completed"):
        stamp(order, "date_paid", store.now(), store.zone)
    if moved and status == "completed" and order["date_completed"] is None:
        stamp(order, "date_completed", store.now(), store.zone)
    order["needs_payment"] = (
        status in ("pending", "failed") and store.money.minor(order["total"]) > 0
    )
    order["is_editable"] = status in ("pending", "on-hold", "checkout-draft")
    coupons.count_use(store, order)
    _stock(store, order)
    if moved:
        words = f"Order status changed from {status_name(before)} to {status_name(status)}."
        notes.add(store, order, words)
        store.act(f"woocommerce_order_status_{status}", order["id"])


def status_name(status: str) -> str:
    """Return what people call a status."""
    return STATUS_NAMES.get(status, status.replace("-", " ").capitalize())


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


def total(store: FakeStore, order: Record) -> None:
    """Reckon an order's totals from its lines. Fees below zero take no more than there is."""
    lines, shipping, fees = order["line_items"], order["shipping_lines"], order["fee_lines"]
    left = _sum(store, "total", [*lines, *shipping])
    for fee in fees:
        net = max(store.money.minor(fee["total"]), -left)
        left += net
        tax_extra(store, fee, net)
    off = {name: _sum(store, name, lines) for name in ("subtotal", "total")}
    off_tax = {name: _sum(store, f"{name}_tax", lines) for name in ("subtotal", "total")}
    cart_tax = _sum(store, "total_tax", [*lines, *fees])
    shipping_tax = _sum(store, "total_tax", shipping)
    has_coupon = bool(order["coupon_lines"])
    amounts = {
        "discount_total": has_coupon * (off["subtotal"] - off["total"]),
        "discount_tax": has_coupon * (off_tax["subtotal"] - off_tax["total"]),
        "shipping_total": _sum(store, "total", shipping), "shipping_tax": shipping_tax,
        "cart_tax": cart_tax, "total_tax": cart_tax + shipping_tax,
        "total": left + cart_tax + shipping_tax,
    }  # fmt: skip
    order |= {name: store.money.text(minor) for name, minor in amounts.items()}
    order["tax_lines"] = tax_lines(store, cart_tax, shipping_tax)


def _sum(store: FakeStore, name: str, lines: Sequence[Record]) -> int:
    return sum(store.money.minor(one[name]) for one in lines)


def tax_lines(store: FakeStore, goods: int, shipping: int) -> list[Record]:
    """Return the line that sums the tax up, where the store has any."""
    if not store.taxes.percent:
        return []
    return [blank("tax_line", {
        "id": store.next_id("item"), "tax_total": store.money.text(goods),
        "shipping_tax_total": store.money.text(shipping),
        "rate_percent": number(store.taxes.percent),
    })]  # fmt: skip


def _many(body: Record, name: str) -> Sequence[Record]:
    return body.get(f"{name}_lines") or []


def _fields(store: FakeStore, order: Record, body: Record) -> None:
    order |= {name: body[name] for name in PLAIN if name in body}
    order["currency_symbol"] = SYMBOLS.get(order["currency"], order["currency"])
    for name, shape in (("billing", BILLING), ("shipping", SHIPPING)):
        given = body.get(name) or {}
        order[name] |= {key: given[key] for key in shape if key in given}
    store.write_meta(order, body)


def _link_customer(store: FakeStore, order: Record) -> None:
    who = store.records["customer"].get(order["customer_id"])
    order["_links"].pop("customer", None)
    if who:
        href = f"{store.site.rest}/wc/v3/customers/{who['id']}"
        order["_links"]["customer"] = [{"href": href}]


def _line(store: FakeStore, body: Record) -> Record:
    product = store.records["product"].get(int(body.get("product_id") or 0))
    if product is None:
        code = "woocommerce_rest_required_product_reference"
        raise ApiError(400, code, "Product ID or SKU is required.")
    quantity = int(body.get("quantity", 1))
    line = blank("line", {
        "id": store.next_id("item"), "name": product["name"], "product_id": product["id"],
        "quantity": quantity, "sku": product["sku"],
        "variation_id": int(body.get("variation_id") or 0),
    })  # fmt: skip
    entered = store.money.minor(product["price"]) * quantity
    subtotal = _entered(store, body["subtotal"]) if "subtotal" in body else entered
    _write(store, line, "subtotal", subtotal)
    charge(store, line, _entered(store, body["total"]) if "total" in body else subtotal)
    return line


def _entered(store: FakeStore, text: object) -> int:
    # Whoever names a line's amounts names them without tax.
    net = store.money.minor(text)
    return store.taxes.entered(net, store.taxes.on(net))


def _write(store: FakeStore, line: Record, name: str, entered: int) -> None:
    net, tax = store.taxes.split(entered)
    line |= {name: store.money.text(net), f"{name}_tax": store.money.text(tax)}


def charge(store: FakeStore, line: Record, entered: int) -> None:
    """Set what a line costs after discounts, its tax, and the price of one."""
    _write(store, line, "total", entered)
    line["price"] = number(Decimal(line["total"]) / max(line["quantity"], 1))
    line["taxes"] = _taxes(store, line["total_tax"], line["subtotal_tax"])


def _taxes(store: FakeStore, total: str, subtotal: str) -> list[Record]:
    has_tax = bool(store.taxes.percent)
    return [{"id": 1, "total": total, "subtotal": subtotal}] if has_tax else []


def charged(store: FakeStore, line: Record) -> int:
    """Return what a line costs after discounts, as prices are entered."""
    return store.taxes.entered(
        store.money.minor(line["total"]), store.money.minor(line["total_tax"])
    )


def _edit_lines(store: FakeStore, order: Record, edits: Sequence[Record]) -> None:
    for edit in edits:
        line = next((one for one in order["line_items"] if one["id"] == edit.get("id")), None)
        if line is None:
            order["line_items"] = [*order["line_items"], _line(store, edit)]
        elif edit.get("quantity") == 0:
            order["line_items"] = [one for one in order["line_items"] if one is not line]
        else:
            line["quantity"] = int(edit.get("quantity", line["quantity"]))
            if "subtotal" in edit:
                _write(store, line, "subtotal", _entered(store, edit["subtotal"]))
            total = _entered(store, edit["total"]) if "total" in edit else charged(store, line)
            charge(store, line, total)


def _extra(store: FakeStore, shape: str, body: Record) -> Record:
    given = {key: value for key, value in body.items() if key != "id"}
    line = blank(shape, given | {"id": store.next_id("item")})
    tax_extra(store, line, store.money.minor(given.get("total")))
    return line


def tax_extra(store: FakeStore, line: Record, net: int) -> None:
    """Set what a shipping or fee line costs, and its tax."""
    tax = store.money.text(store.taxes.on(net))
    taxes = _taxes(store, tax, "")
    line |= {"total": store.money.text(net), "total_tax": tax, "taxes": taxes}


def _apply_coupons(store: FakeStore, order: Record, codes: Sequence[str]) -> None:
    found = [_usable(store, order, code) for code in codes]
    lines = order["line_items"]
    left = [charged(store, line) for line in lines]
    for coupon, parts in coupons.take_off(store, found, goods(store, lines)):
        left = [minor - part for minor, part in zip(left, parts, strict=True)]
        order["coupon_lines"].append(_coupon_line(store, coupon, sum(parts)))
        if coupon["free_shipping"]:
            for line in order["shipping_lines"]:
                line["method_id"] = "free_shipping"
                tax_extra(store, line, 0)
    for line, minor in zip(lines, left, strict=True):
        charge(store, line, minor)


def goods(store: FakeStore, lines: Sequence[Record]) -> list[coupons.Goods]:
    """Return order lines as coupons see them."""
    return [
        coupons.Goods(
            product_id=line["product_id"], quantity=line["quantity"], minor=charged(store, line)
        )
        for line in lines
    ]


def _usable(store: FakeStore, order: Record, code: str) -> Record:
    account = store.records["customer"].get(order["customer_id"], {})
    emails = (order["billing"]["email"], account.get("email", ""))
    subtotal = sum(charged(store, line) for line in order["line_items"])
    try:
        coupon = coupons.wanted(store, code)
        buyer = coupons.Buyer(emails=emails, customer_id=order["customer_id"])
        coupons.check(store, coupon, subtotal, buyer)
    except coupons.Refused as refused:
        raise ApiError(400, "woocommerce_rest_invalid_coupon", str(refused)) from refused
    return coupon


def _coupon_line(store: FakeStore, coupon: Record, minor: int) -> Record:
    kind, nominal = coupon["discount_type"], number(Decimal(coupon["amount"]))
    net, tax = store.taxes.split(minor)
    info = [coupon["id"], coupon["code"], None if kind == "fixed_cart" else kind, nominal]
    if coupon["free_shipping"]:
        info.append(True)
    text = json.dumps(info, separators=(",", ":"))
    meta = {"id": store.next_id("meta"), "key": "coupon_info", "value": text}
    return blank("coupon_line", {
        "id": store.next_id("item"), "code": coupon["code"], "discount": store.money.short(net),
        "discount_tax": store.money.short(tax),
        "discount_type": kind, "nominal_amount": nominal, "free_shipping": coupon["free_shipping"],
        "meta_data": [{**meta, "display_key": "coupon_info", "display_value": text}],
    })  # fmt: skip
