"""Carts: their price, their coupons, and how one becomes an order."""

from collections.abc import Sequence
from dataclasses import dataclass

from platforms.woocommerce.fake import coupons, orders
from platforms.woocommerce.fake.coupons import Buyer, Goods, Refused
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.sessions import Cart

SHIPPING_MINOR = 490
FREE_FROM_MINOR = 5000
METHODS = {"card": "Card (test)", "cod": "Cash on delivery", "bacs": "Direct bank transfer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A cart line: ``subtotal`` before coupons and ``total`` after, in minor units, without tax."""

    product: Record
    quantity: int
    subtotal: int
    subtotal_tax: int
    total: int
    total_tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """What a coupon takes off a cart, and the tax on that."""

    coupon: Record
    net: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A cart with its prices; ``coupons`` says what each one takes off."""

    lines: Sequence[Line]
    coupons: Sequence[Off]
    shipping: int
    shipping_tax: int

    @property
    def subtotal(self) -> int:
        """Return what the goods cost before coupons."""
        return sum(line.subtotal for line in self.lines)

    @property
    def discount(self) -> int:
        """Return what all coupons take off."""
        return sum(off.net for off in self.coupons)

    @property
    def tax(self) -> int:
        """Return the tax on all of it."""
        return sum(line.total_tax for line in self.lines) + self.shipping_tax

    @property
    def total(self) -> int:
        """Return what is to be paid."""
        return sum(line.total for line in self.lines) + self.shipping + self.tax

    @property
    def count(self) -> int:
        """Return how many things are in the cart."""
        return sum(line.quantity for line in self.lines)


def price(store: FakeStore, cart: Cart) -> Priced:
    """Return a cart with its prices; products that are gone are left out."""
    listed = store.records["product"]
    items = [(listed[number], many) for number, many in cart.items.items() if number in listed]
    goods = [
        Goods(
            product_id=product["id"],
            quantity=many,
            minor=store.money.minor(product["price"]) * many,
        )
        for product, many in items
    ]
    left = [line.minor for line in goods]
    used = []
    live = [one for one in (coupons.find(store, code) for code in cart.codes) if one]
    for coupon, parts in coupons.take_off(store, live, goods):
        left = [minor - part for minor, part in zip(left, parts, strict=True)]
        net, tax = store.taxes.split(sum(parts))
        used.append(Off(coupon=coupon, net=net, tax=tax))
    lines = [
        _line(store, product, one, total)
        for (product, _), one, total in zip(items, goods, left, strict=True)
    ]
    is_free = sum(left) >= FREE_FROM_MINOR or any(one["free_shipping"] for one in live)
    shipping = 0 if is_free or not lines else SHIPPING_MINOR
    tax = store.taxes.on(shipping)
    return Priced(lines=lines, coupons=used, shipping=shipping, shipping_tax=tax)


def _line(store: FakeStore, product: Record, before: Goods, after: int) -> Line:
    subtotal, subtotal_tax = store.taxes.split(before.minor)
    total, total_tax = store.taxes.split(after)
    return Line(
        product=product, quantity=before.quantity, subtotal=subtotal,
        subtotal_tax=subtotal_tax, total=total, total_tax=total_tax,
    )  # fmt: skip


def _worth(store: FakeStore, cart: Cart) -> int:
    # A minimum spend counts prices as they are entered, before coupons.
    lines = price(store, cart).lines
    return sum(store.taxes.entered(line.subtotal, line.subtotal_tax) for line in lines)


def buyer(store: FakeStore, cart: Cart) -> Buyer:
    """Return who the cart's coupons would be used by, as far as is known."""
    account = store.records["customer"].get(cart.customer_id, {})
    emails = (cart.billing["email"], account.get("email", ""))
    return Buyer(emails=emails, customer_id=cart.customer_id)


def apply(store: FakeStore, cart: Cart, typed: str) -> None:
    """Put a coupon on the cart.

    Raises:
        Refused: it doesn't exist, its rules refuse it, or another one stands alone.
    """
    code = typed.strip().lower()
    coupon = coupons.wanted(store, code)
    if code in cart.codes:
        raise Refused(f'Coupon code "{code}" has already been applied.')
    coupons.check(store, coupon, _worth(store, cart), buyer(store, cart))
    for other in cart.codes:
        held = coupons.find(store, other)
        if held and held["individual_use"]:
            words = "has already been applied and cannot be used in conjunction with other coupons."
            raise Refused(f'"{other}" {words}')
    cart.codes = [code] if coupon["individual_use"] else [*cart.codes, code]


def set_quantity(store: FakeStore, cart: Cart, product_id: int, quantity: int) -> list[str]:
    """Set how many of a product are in the cart; returns why coupons fell off, if any did."""
    if quantity > 0:
        cart.items[product_id] = quantity
    else:
        cart.items.pop(product_id, None)
    lost = refusals(store, cart)
    fallen = {code: why for code, why in lost.items() if not why.about_email}
    cart.codes = [code for code in cart.codes if code not in fallen]
    return [str(why) for why in fallen.values()]


def refusals(store: FakeStore, cart: Cart) -> dict[str, Refused]:
    """Return the cart's coupons that may no longer be used, and why."""
    lost, subtotal = {}, _worth(store, cart)
    for code in cart.codes:
        try:
            coupons.check(store, coupons.wanted(store, code), subtotal, buyer(store, cart))
        except Refused as refused:
            lost[code] = refused
    return lost


def draft(store: FakeStore, cart: Cart) -> Record:
    """Return the ``checkout-draft`` order of a cart, made or brought up to date.

    The block checkout makes one as soon as it is opened; lists show it, no webhook tells.
    """
    old = store.records["order"].get(cart.order_id)
    if old is not None and old["status"] != "checkout-draft":
        old = None
    order = orders.draft(store, _body(store, cart), via="store-api", replaces=old)
    order["status"] = "checkout-draft"
    store.records["order"][order["id"]] = order
    cart.order_id = order["id"]
    return order


def place(store: FakeStore, cart: Cart, method: str) -> Record:
    """Turn a cart into an order. Webhooks hear of it as updated, then as created (recorded)."""
    order = draft(store, cart)
    order |= {"payment_method": method, "payment_method_title": METHODS[method]}
    if method == "card":
        order["transaction_id"] = f"ch_{store.token(12)}"
        orders.pay(store, order)
    else:
        orders.set_status(store, order, "processing" if method == "cod" else "on-hold")
    store.emit("order.updated", order["id"])
    store.emit("order.created", order["id"])
    account = store.records["customer"].get(cart.customer_id)
    if account is not None:
        account["is_paying_customer"] = True
    cart.items, cart.codes, cart.order_id = {}, [], 0
    return order


def _body(store: FakeStore, cart: Cart) -> Record:
    priced = price(store, cart)
    free = priced.shipping == 0
    names = ", ".join(f"{line.product['name']} &times; {line.quantity}" for line in priced.lines)
    meta = {"id": store.next_id("meta"), "key": "Items", "value": names}
    return {
        "customer_id": cart.customer_id,
        "billing": cart.billing,
        "shipping": cart.shipping,
        "line_items": [
            {"product_id": line.product["id"], "quantity": line.quantity} for line in priced.lines
        ],
        "coupon_lines": [{"code": code} for code in cart.codes],
        "shipping_lines": [{
            "method_title": "Free shipping" if free else "Flat rate", "instance_id": "1",
            "method_id": "free_shipping" if free else "flat_rate",
            "total": store.money.text(priced.shipping),
            "meta_data": [meta | {"display_key": "Items", "display_value": names}],
        }],
    }  # fmt: skip
