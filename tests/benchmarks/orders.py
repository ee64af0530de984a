"""Orders as WooCommerce shows them, about 6.4 KB each, and the deliveries that tell of them.

All are one recorded order but for numbers, customers and stamps: each is another record, each
delivery another delivery. Made from a template, so that making one costs next to nothing.
"""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.flows.operator import RECORDED

RECORDED_ORDER = 252  # five lines, paid by a customer, no refund and no coupon
SIZE = 6435
FIRST = 1_000_001
BEGAN = datetime(2025, 2, 1)  # noqa: DTZ001 - as WooCommerce writes it
MINUTES = 200_000
NUMBER, CUSTOMER, PLACED, SHOP = "%(number)d", "%(customer)d", "%(placed)s", "%(shop)s"


def _template(extra: str = "") -> bytes:
    with gzip.open(RECORDED / "orders.jsonl.gz", "rt", encoding="utf-8") as lines:
        order = next(one for one in map(json.loads, lines) if one["id"] == RECORDED_ORDER)
    stamps = {name: "PLACED" for name, value in order.items() if name.startswith("date_") and value}
    order |= {"id": "NUMBER", "number": "#NUMBER", "customer_id": "CUSTOMER", **stamps}
    order["customer_user_agent"] = extra
    order["_links"] = {"self": [{"href": "SHOP/wp-json/wc/v3/orders/#NUMBER"}]}
    text = json.dumps(order, separators=(",", ":")).replace("%", "%%").replace("/", "\\/")
    for word, hole in (("NUMBER", NUMBER), ("CUSTOMER", CUSTOMER)):
        text = text.replace(f'"{word}"', hole).replace(f"#{word}", hole)
    return text.replace("PLACED", PLACED).replace("SHOP", SHOP).encode()


def placed(number: int) -> bytes:
    """Return when an order was placed, as WooCommerce writes it."""
    return (BEGAN + timedelta(minutes=number % MINUTES)).isoformat().encode()


def _filled(template: bytes, number: int, customer: int, shop: str) -> bytes:
    return template % {
        b"number": number,
        b"customer": customer,
        b"placed": placed(number),
        b"shop": shop.encode(),
    }


_LACKS = SIZE - len(_filled(_template(), FIRST, 100, "http://127.0.0.1:20000"))
TEMPLATE = _template("Mozilla 5.0 " * (_LACKS // 12) + "x" * (_LACKS % 12))


def body(number: int, customer: int, shop: str = "http://127.0.0.1:20000") -> bytes:
    """Return the order of a number and a customer as a store at ``shop`` shows it."""
    return _filled(TEMPLATE, number, customer, shop)


def bodies(numbers: Iterable[int], customers: int, first_customer: int = 1) -> Iterator[bytes]:
    """Yield orders of customers in turn, so that those of one are far apart."""
    return (body(number, first_customer + number % customers) for number in numbers)


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes the requests by which a store delivers its orders."""

    host: str
    path: str
    secret: str

    def delivery(self, order: bytes, number: int) -> bytes:
        """Return one request, signed; every number is another delivery."""
        signature = base64.b64encode(hmac.digest(self.secret.encode(), order, "sha256")).decode()
        name = hashlib.md5(b"1-%d" % number, usedforsecurity=False).hexdigest()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\n"
            "User-Agent: WooCommerce/10.5.0 Hookshot (WordPress/6.9.1)\r\nAccept: */*\r\n"
            "Content-Type: application/json\r\n"
            f"X-WC-Webhook-Source: http://{self.host}/\r\nX-WC-Webhook-Topic: order.created\r\n"
            "X-WC-Webhook-Resource: order\r\nX-WC-Webhook-Event: created\r\n"
            f"X-WC-Webhook-Signature: {signature}\r\nX-WC-Webhook-ID: 1\r\n"
            f"X-WC-Webhook-Delivery-ID: {name}\r\nContent-Length: {len(order)}\r\n\r\n"
        )
        return head.encode() + order

    def deliveries(
        self, numbers: Iterable[int], customers: int, first_customer: int = 1
    ) -> Iterator[bytes]:
        """Yield the requests of orders, of customers in turn."""
        for number in numbers:
            yield self.delivery(body(number, first_customer + number % customers), number)
