"""What every account of a recorded store should hold, from the raw records alone.

A second reading of the rule, sharing no code with the product. The rule, as the design says it:

    Account of a fact: the order's current customer (``customer_id``), else a guest (canonical
    e-mail: trimmed, NFC, lower case, nothing else); with neither it earns nothing. Equal
    addresses of a guest and a customer never join.

    Paid is: status completed, or refunded or processing with a ``date_paid`` (a refunded order
    stays paid: its refunds take the points). Others earn nothing. ``checkout-draft`` orders are
    not kept at all.

    Kept value of the goods = (sum of the counted line totals - sum of their refunded line totals)
    x (1 - U / L), at least 0, in exact fractions, rounded once per order (floor): U = refunded
    amounts that no line, shipping or fee of a refund explains (each explains its total plus its
    tax), L = the order's total less the explained refunds (1 - U / L is 0 when L is 0). Line
    totals are after discounts and without tax.

    Points of an order = min(points(kept value), points(value before refunds)); the balance of an
    account is the sum over its orders. Each currency counts by its own minor units.

Here 1 point is given for every 1.00 of goods, whichever the currency, all lines count, and every
order was placed after earning began.
"""

import gzip
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]
Account = tuple[str, str]
"""``("customer", id)`` or ``("guest", canonical e-mail)``."""

MINOR_UNITS = {"USD": 100, "EUR": 100}
MINOR_UNITS_PER_POINT = {"USD": 100, "EUR": 100}
PAID = {"completed"}
PAID_WITH_A_DATE = {"refunded", "processing"}
DRAFT = "checkout-draft"
REFUND_PARTS = ("line_items", "shipping_lines", "fee_lines")


@dataclass(frozen=True)
class RecordedStore:
    """The raw orders that a shop keeps (no drafts), by id, each with its refunds."""

    orders: Mapping[int, Record]
    refunds: Mapping[int, Sequence[Record]]

    def points(self, order_id: int) -> int:
        return points_of_order(self.orders[order_id], self.refunds.get(order_id, ()))

    def balances(self) -> dict[Account, int]:
        """Return what each account with an order holds; 0 if none of its orders earned."""
        sums: defaultdict[Account, int] = defaultdict(int)
        for order_id, order in self.orders.items():
            if (account := account_of(order)) is not None:
                sums[account] += self.points(order_id)
        return dict(sums)


def read_store(folder: Path) -> RecordedStore:
    refunds: defaultdict[int, list[Record]] = defaultdict(list)
    for refund in _records(folder / "refunds.jsonl.gz"):
        refunds[refund["parent_id"]].append(refund)
    orders = {
        order["id"]: order
        for order in _records(folder / "orders.jsonl.gz")
        if order["status"] != DRAFT
    }
    return RecordedStore(orders, dict(refunds))


def account_of(order: Record) -> Account | None:
    if order["customer_id"]:
        return ("customer", str(order["customer_id"]))
    email = canonical(order["billing"].get("email") or "")
    return ("guest", email) if email else None


def canonical(email: str) -> str:
    return unicodedata.normalize("NFC", email.strip()).lower()


def is_paid(order: Record) -> bool:
    return order["status"] in PAID or (
        order["status"] in PAID_WITH_A_DATE and bool(order["date_paid"])
    )


def points_of_order(order: Record, refunds: Sequence[Record]) -> int:
    if not is_paid(order):
        return 0
    currency = order["currency"]
    before = _sum(line["total"] for line in order["line_items"])
    return min(_points(kept_value(order, refunds), currency), _points(before, currency))


def kept_value(order: Record, refunds: Sequence[Record]) -> Fraction:
    """Return what the shopper paid for the goods that were not refunded, in whole currency."""
    bought = _sum(line["total"] for line in order["line_items"])
    # A refund says its parts as negative amounts, and its own amount as a positive one.
    returned = -_sum(line["total"] for refund in refunds for line in refund["line_items"])
    explained = -_sum(
        amount
        for refund in refunds
        for part in REFUND_PARTS
        for line in refund[part]
        for amount in (line["total"], line["total_tax"])
    )
    unexplained = _sum(refund["amount"] for refund in refunds) - explained
    if unexplained < 0:
        msg = f"order {order['id']}: its refunds' parts exceed their amounts; the rule is silent"
        raise ValueError(msg)
    left = Fraction(order["total"]) - explained
    share = 1 - unexplained / left if left else Fraction(0)
    return max(Fraction(0), (bought - returned) * share)


def _points(value: Fraction, currency: str) -> int:
    return floor(value * MINOR_UNITS[currency] / MINOR_UNITS_PER_POINT[currency])


def _sum(amounts: Iterable[str]) -> Fraction:
    return sum(map(Fraction, amounts), Fraction(0))


def _records(path: Path) -> list[Record]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
