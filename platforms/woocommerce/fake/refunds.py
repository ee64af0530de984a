"""Refunds: money given back on an order, with lines or without."""

import copy
from collections.abc import Sequence
from typing import Any

from platforms.woocommerce.fake import orders, products
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, invalid_id
from platforms.woocommerce.fake.shapes import blank
from platforms.woocommerce.fake.values import cents, decimal, number, stamp

_LINES = ("line_items", "shipping_lines", "fee_lines")


def create(store: FakeStore, order: Record, body: Record) -> Record:
    """Give money back. The parent moves; refunded in full, its status becomes ``refunded``.

    Raises:
        ApiError: more than is left, which is an HTTP 500 here as recorded.
    """
    asked = body.get("line_items") or []
    amount = cents(body["amount"]) if "amount" in body else sum(_asked(one) for one in asked)
    left = remaining(order)
    if amount < 0 or amount > left:
        code = "woocommerce_rest_cannot_create_order_refund"
        raise ApiError(500, code, "Invalid refund amount.", 500)
    is_full = amount == left
    refund = blank("refund", {
        "id": store.next_id(), "parent_id": order["id"], "amount": decimal(amount),
        "reason": str(body.get("reason") or ""),
        "meta_data": [_meta(store, "_refund_type", "full" if is_full else "partial")],
    })  # fmt: skip
    for one in asked:
        _give_back(store, order, refund, one)
    stamp(refund, "date_created", store.now(), store.zone)
    refund["_links"] = _links(store, refund)
    store.records["refund"][refund["id"]] = refund
    brief = {"id": refund["id"], "reason": refund["reason"], "total": f"-{refund['amount']}"}
    order["refunds"] = [brief, *order["refunds"]]
    if is_full:
        orders.set_status(store, order, "refunded")
    store.touch(order)
    store.emit("order.updated", order["id"])
    return refund


def delete(store: FakeStore, order: Record, refund: Record) -> Record:
    """Forget a refund. The parent doesn't move and no webhook tells (recorded)."""
    order["refunds"] = [one for one in order["refunds"] if one["id"] != refund["id"]]
    return store.records["refund"].pop(refund["id"])


def of(store: FakeStore, order: Record) -> list[Record]:
    """Return an order's refunds, newest first."""
    found = (store.records["refund"].get(one["id"]) for one in order["refunds"])
    return [one for one in found if one is not None]


def get(store: FakeStore, order: Record, number_: int) -> Record:
    """Return one refund of an order.

    Raises:
        ApiError: it isn't the order's.
    """
    refund = store.records["refund"].get(number_)
    if refund is None or refund["parent_id"] != order["id"]:
        raise ApiError(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")
    return refund


def remaining(order: Record) -> int:
    """Return what an order could still give back, in minor units."""
    return cents(order["total"]) + sum(cents(one["total"]) for one in order["refunds"])


def _asked(line: Record) -> int:
    tax = sum(cents(one.get("refund_total")) for one in line.get("refund_tax") or [])
    return cents(line.get("refund_total")) + tax


def _give_back(store: FakeStore, order: Record, refund: Record, asked: Record) -> None:
    for name in _LINES:
        line = next((one for one in order[name] if one["id"] == asked.get("id")), None)
        if line is not None:
            refund[name].append(_negative(store, line, asked))
            if name == "line_items":
                products.move_stock(store, line["product_id"], -int(asked.get("quantity") or 0))
            return
    raise invalid_id("order")


def _negative(store: FakeStore, line: Record, asked: Record) -> Record:
    minor = cents(asked.get("refund_total"))
    tax = sum(cents(one.get("refund_total")) for one in asked.get("refund_tax") or [])
    meta = _meta(store, "_refunded_item_id", str(line["id"]))
    shown = {"display_key": meta["key"], "display_value": meta["value"]}
    back = copy.deepcopy(line) | {
        "id": store.next_id("item"), "total": decimal(-minor), "total_tax": decimal(-tax),
        "meta_data": [meta | shown],
    }  # fmt: skip
    if "quantity" in line:
        quantity = int(asked.get("quantity") or 0)
        back |= {"quantity": -quantity, "subtotal": decimal(-minor), "subtotal_tax": decimal(-tax)}
        back["price"] = number(minor) / quantity if quantity > 1 else number(minor)
    return back


def _meta(store: FakeStore, key: str, value: str) -> Record:
    return {"id": store.next_id("meta"), "key": key, "value": value}


def _links(store: FakeStore, refund: Record) -> Record:
    up = f"{store.site.url}/wp-json/wc/v3/orders/{refund['parent_id']}"
    here = {"href": f"{up}/refunds/{refund['id']}", "targetHints": {"allow": ["GET", "DELETE"]}}
    return {"self": [here], "collection": [{"href": f"{up}/refunds"}], "up": [{"href": up}]}


def without_parent(refunds: Sequence[Record]) -> list[dict[str, Any]]:
    """Return refunds as an order's own list shows them: without ``parent_id``."""
    return [{key: one[key] for key in one if key != "parent_id"} for one in refunds]
