"""Refunds: money given back on an order, with lines or without."""

import copy
from collections.abc import Sequence
from typing import Any

from platforms.woocommerce.fake import orders, products
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, invalid_id
from platforms.woocommerce.fake.shapes import blank
from platforms.woocommerce.fake.values import number, stamp

_LINES = ("line_items", "shipping_lines", "fee_lines")


def create(store: FakeStore, order: Record, body: Record) -> Record:
    """Give money back. The parent moves; refunded in full, its status becomes ``refunded``.

    Raises:
        ApiError: more than is left, which is an HTTP 500 here as recorded.
    """
    asked = body.get("line_items") or []
    amount = (
        store.money.minor(body["amount"])
        if "amount" in body
        else sum(_asked(store, one) for one in asked)
    )
    left = remaining(store, order)
    if amount < 0 or amount > left:
        code = "woocommerce_rest_cannot_create_order_refund"
        raise ApiError(500, code, "Invalid refund amount.", 500)
    is_full = amount == left
    refund = blank("refund", {
        "id": store.next_id(), "parent_id": order["id"], "amount": store.money.text(amount),
        "reason": str(body.get("reason") or ""),
        "meta_data": [_meta(store, "_refund_type", "full" if is_full else "partial")],
    })  # fmt: skip
    for one in asked:
        _give_back(store, order, refund, one)
    taxes = {name: -_taxes(store, refund[name]) for name in _LINES}
    if any(taxes.values()):
        goods, shipping = taxes["line_items"] + taxes["fee_lines"], taxes["shipping_lines"]
        refund["tax_lines"] = orders.tax_lines(store, -goods, -shipping)
    stamp(refund, "date_created", store.now(), store.zone)
    refund["_links"] = _links(store, refund)
    store.records["refund"][refund["id"]] = refund
    brief = {"id": refund["id"], "reason": refund["reason"], "total": f"-{refund['amount']}"}
    order["refunds"] = [brief, *order["refunds"]]
    if is_full:
        orders.set_status(store, order, "refunded")
    store.touch(order)
    store.emit("order.updated", order["id"])
    store.act(f"woocommerce_order_{'fully' if is_full else 'partially'}_refunded", order["id"])
    return refund


def share(store: FakeStore, line: Record, many: int) -> Record:
    """Return what a request says to give back ``many`` of an order line, with their tax."""
    of = line["quantity"]
    taxes = [
        {
            "id": one["id"],
            "refund_total": store.money.text(store.money.minor(one["total"]) * many // of),
        }
        for one in line["taxes"]
    ]
    part = store.money.text(store.money.minor(line["total"]) * many // of)
    return {"id": line["id"], "quantity": many, "refund_total": part, "refund_tax": taxes}


def _taxes(store: FakeStore, lines: Sequence[Record]) -> int:
    return sum(store.money.minor(one["total_tax"]) for one in lines)


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


def remaining(store: FakeStore, order: Record) -> int:
    """Return what an order could still give back, in minor units."""
    return store.money.minor(order["total"]) + sum(
        store.money.minor(one["total"]) for one in order["refunds"]
    )


def _asked(store: FakeStore, line: Record) -> int:
    return store.money.minor(line.get("refund_total")) + _asked_tax(store, line)


def _asked_tax(store: FakeStore, line: Record) -> int:
    return sum(store.money.minor(one.get("refund_total")) for one in line.get("refund_tax") or [])


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
    minor, tax = store.money.minor(asked.get("refund_total")), _asked_tax(store, asked)
    meta = _meta(store, "_refunded_item_id", str(line["id"]))
    shown = {"display_key": meta["key"], "display_value": meta["value"]}
    amounts = {"total": store.money.text(-minor), "total_tax": store.money.text(-tax)}
    back = copy.deepcopy(line) | amounts | {
        "id": store.next_id("item"), "meta_data": [meta | shown],
        "taxes": [
            {"id": one["id"], "total": amounts["total_tax"], "subtotal": amounts["total_tax"]}
            for one in line["taxes"][:1]
        ],
    }  # fmt: skip
    if "quantity" in line:
        quantity = int(asked.get("quantity") or 0)
        back |= {
            "quantity": -quantity,
            "price": number(store.money.exact(minor) / max(quantity, 1)),
        }
        back |= {"subtotal": amounts["total"], "subtotal_tax": amounts["total_tax"]}
    return back


def _meta(store: FakeStore, key: str, value: str) -> Record:
    return {"id": store.next_id("meta"), "key": key, "value": value}


def _links(store: FakeStore, refund: Record) -> Record:
    up = f"{store.site.rest}/wc/v3/orders/{refund['parent_id']}"
    here = {"href": f"{up}/refunds/{refund['id']}", "targetHints": {"allow": ["GET", "DELETE"]}}
    return {"self": [here], "collection": [{"href": f"{up}/refunds"}], "up": [{"href": up}]}


def without_parent(refunds: Sequence[Record]) -> list[dict[str, Any]]:
    """Return refunds as an order's own list shows them: without ``parent_id``."""
    return [{key: one[key] for key in one if key != "parent_id"} for one in refunds]
