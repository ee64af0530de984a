"""Northlight, the small coffee store that is served where no recorded one is given.

Eight products, three shoppers, two guests and half a year of orders, all invented and the same
every time; only their dates follow the clock. Everybody's password is ``shopper``; ``admin`` has
``admin``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from platforms.woocommerce.fake import orders, people, products, refunds
from platforms.woocommerce.fake.carts import FREE_FROM_MINOR, METHODS, SHIPPING_MINOR
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import Record

PRODUCTS = (
    ("Duromina, Ethiopia", "14.50", "Washed heirloom from the Jimma co-op. Bergamot and apricot up "
     "front, black tea behind."),
    ("Finca Aurora, Colombia", "13.00", "Caturra from Huila, washed. Red apple, cane sugar, a "
     "clean finish."),
    ("Sunday Espresso", "12.50", "Brazil and Guatemala for milk and moka pots. Hazelnut and dark "
     "chocolate."),
    ("Kiri, Kenya", "16.00", "Nyeri peaberry. Blackcurrant, grapefruit, brown sugar."),
    ("Slow Decaf", "13.50", "Sugar-cane decaf from Cauca. Cocoa, plum, nothing missing."),
    ("House Blend", "9.80", "What we drink at six in the morning. Round and forgiving."),
    ("Winter Release", "18.00", "Natural Gesha from Sidama. Jasmine, strawberry, honey."),
    ("Sample Box", "24.00", "Four bags of 100 g, chosen on the day they are roasted."),
)  # fmt: skip
SHOPPERS = (
    ("maya@example.test", "Maya", "Lindqvist", "Kastanienallee 12", "Berlin"),
    ("tomas@example.test", "Tomás", "Herrera", "Schanzenstraße 4", "Hamburg"),
    ("jude@example.test", "Jude", "Okafor", "Lindenthaler Straße 31", "Leipzig"),
)
GUESTS = (
    ("ines@example.test", "Inês", "Moreau", "Rheingasse 8", "Köln"),
    ("piet@example.test", "Piet", "Vos", "Marktplatz 2", "Bremen"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An order of the past: who, what (product place and quantity), and what became of it."""

    days: int
    who: str
    basket: Mapping[int, int]
    method: str = "card"
    ends: str = "completed"
    refund_line: int | None = None
    refund: str = ""


PASTS: Sequence[Past] = (
    Past(days=170, who="maya@example.test", basket={0: 1, 5: 1}),
    Past(days=151, who="tomas@example.test", basket={2: 4}),
    Past(days=122, who="maya@example.test", basket={0: 2, 3: 1}),
    Past(days=110, who="ines@example.test", basket={7: 1}, method="cod"),
    Past(days=96, who="jude@example.test", basket={1: 2, 4: 1}, refund_line=1),
    Past(days=81, who="maya@example.test", basket={6: 1, 5: 2}),
    Past(days=64, who="tomas@example.test", basket={3: 1}, ends="cancelled"),
    Past(days=48, who="maya@example.test", basket={0: 1, 2: 3}, refund="5.00"),
    Past(days=30, who="jude@example.test", basket={7: 2, 0: 1}),
    Past(days=21, who="piet@example.test", basket={5: 1}, refund="14.70"),
    Past(days=9, who="maya@example.test", basket={6: 2, 1: 1}, ends="processing"),
    Past(days=2, who="tomas@example.test", basket={2: 2}, method="bacs", ends="on-hold"),
    Past(days=1, who="jude@example.test", basket={0: 3}, method="cod", ends="processing"),
)


def fill(store: FakeStore) -> None:
    """Fill an empty store with Northlight."""
    now = store.now()
    store.past = now - timedelta(days=200)
    admin = {"email": "admin@example.test", "username": "admin", "role": "administrator"}
    people.create(store, {**admin, "password": "admin"})
    for name, price, text in PRODUCTS:
        body = {"name": name, "regular_price": price, "description": f"<p>{text}</p>\n"}
        stock = {"manage_stock": True, "stock_quantity": 400}
        made = products.create(store, {**body, **stock, "sku": f"NL-{len(text):03d}"})
        made["short_description"] = made["description"]
    for email, first, last, *place in SHOPPERS:
        address = _address(email, first, last, *place)
        body = {"email": email, "first_name": first, "last_name": last, "password": "shopper"}
        people.create(store, body | {"billing": address, "shipping": address})
    for past in PASTS:
        store.past = now - timedelta(days=past.days)
        _order(store, past, now)
    store.past = None


def _address(email: str, first: str, last: str, street: str, city: str) -> Record:
    return {
        "first_name": first, "last_name": last, "address_1": street, "city": city,
        "postcode": "10435", "country": "DE", "email": email,
    }  # fmt: skip


def _order(store: FakeStore, past: Past, now: datetime) -> None:
    listed = list(store.all("product"))
    goods = sum(
        store.money.minor(listed[place]["price"]) * many for place, many in past.basket.items()
    )
    shipping = 0 if goods >= FREE_FROM_MINOR else SHIPPING_MINOR
    address = next(_address(*who) for who in (*SHOPPERS, *GUESTS) if who[0] == past.who)
    accounts = (one["id"] for one in store.all("customer") if one["email"] == past.who)
    order = orders.create(store, {
        "customer_id": next(accounts, 0), "billing": address, "shipping": address,
        "payment_method": past.method, "payment_method_title": METHODS[past.method],
        "line_items": [
            {"product_id": listed[place]["id"], "quantity": many}
            for place, many in past.basket.items()
        ],
        "shipping_lines": [
            {"method_id": "flat_rate" if shipping else "free_shipping", "instance_id": "1",
             "method_title": "Flat rate" if shipping else "Free shipping",
             "total": store.money.text(shipping)}
        ],
        "set_paid": past.method == "card",
    }, via="store-api")  # fmt: skip
    _finish(store, order, past, now)


def _finish(store: FakeStore, order: Record, past: Past, now: datetime) -> None:
    placed = store.now()
    store.past = min(placed + timedelta(days=3), now)
    if order["status"] != past.ends:
        orders.update(store, order, {"status": past.ends})
    who = store.records["customer"].get(order["customer_id"])
    if who and order["date_paid"]:
        who["is_paying_customer"] = True
    store.past = min(placed + timedelta(days=5), now)
    if past.refund:
        refunds.create(store, order, {"amount": past.refund, "reason": "Goodwill"})
    if past.refund_line is not None:
        line = order["line_items"][past.refund_line]
        one = store.money.minor(line["total"]) // line["quantity"]
        back = {"id": line["id"], "quantity": 1, "refund_total": store.money.text(one)}
        refunds.create(store, order, {"reason": "Damaged", "line_items": [back]})
