"""The Store API: the cart and checkout that a storefront's scripts talk to.

Amounts are strings of minor units; messages are HTML-escaped, as recorded.
"""

import hashlib
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from platforms.woocommerce.fake import carts
from platforms.woocommerce.fake.carts import Priced
from platforms.woocommerce.fake.coupons import Refused
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, no_route, unreadable
from platforms.woocommerce.fake.listing import Answer
from platforms.woocommerce.fake.rest import read_body, reply
from platforms.woocommerce.fake.sessions import Cart, Sessions, Visitor
from platforms.woocommerce.fake.values import SYMBOLS

ROOT = "/wp-json/wc/store/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the cart that it is about."""

    store: FakeStore
    cart: Cart
    body: Record


Endpoint = Callable[[Call], Answer]


def escaped(text: str) -> str:
    """Escape a message as the Store API does, currency signs included."""
    return html.escape(text).replace("$", "&#036;").replace("€", "&euro;").replace("£", "&pound;")


def item_key(product_id: int) -> str:
    """Return the key of a cart line: the MD5 of its product's id."""
    return hashlib.md5(str(product_id).encode(), usedforsecurity=False).hexdigest()


def _currency(store: FakeStore) -> Record:
    code = store.site.currency
    symbol = SYMBOLS.get(code, code)
    return {
        "currency_code": code, "currency_symbol": symbol, "currency_minor_unit": store.money.places,
        "currency_decimal_separator": ".", "currency_thousand_separator": ",",
        "currency_prefix": symbol, "currency_suffix": "",
    }  # fmt: skip


def _item(store: FakeStore, line: carts.Line) -> Record:
    product, currency = line.product, _currency(store)
    each = store.money.minor(product["price"])
    regular = store.money.minor(product["regular_price"] or product["price"])
    raw = {
        "precision": 6, "price": str(each * 10 ** (6 - store.money.places)),
        "regular_price": str(regular * 10 ** (6 - store.money.places)),
    }  # fmt: skip
    limits = {"minimum": 1, "maximum": product["stock_quantity"] or 9999, "multiple_of": 1}
    return {
        "key": item_key(product["id"]), "id": product["id"], "type": "simple",
        "quantity": line.quantity, "quantity_limits": limits | {"editable": True},
        "name": product["name"], "short_description": product["short_description"],
        "description": product["description"], "sku": product["sku"],
        "low_stock_remaining": None, "backorders_allowed": False, "show_backorder_badge": False,
        "sold_individually": False, "permalink": product["permalink"], "images": [],
        "variation": [], "item_data": [],
        "prices": {
            "price": str(each), "regular_price": str(regular), "sale_price": str(each),
            "price_range": None, **currency,
            "raw_prices": raw | {"sale_price": raw["price"]},
        },
        "totals": {
            "line_subtotal": str(line.subtotal), "line_subtotal_tax": str(line.subtotal_tax),
            "line_total": str(line.total), "line_total_tax": str(line.total_tax), **currency,
        },
        "catalog_visibility": product["catalog_visibility"], "extensions": {},
    }  # fmt: skip


def _totals(store: FakeStore, priced: Priced) -> Record:
    has_shipping = bool(priced.lines)
    return {
        "total_items": str(priced.subtotal),
        "total_items_tax": str(sum(line.subtotal_tax for line in priced.lines)),
        "total_fees": "0", "total_fees_tax": "0", "total_discount": str(priced.discount),
        "total_discount_tax": str(sum(off.tax for off in priced.coupons)),
        "total_shipping": str(priced.shipping) if has_shipping else None,
        "total_shipping_tax": str(priced.shipping_tax) if has_shipping else None,
        "total_price": str(priced.total), "total_tax": str(priced.tax),
        "tax_lines": _tax_lines(store, priced), **_currency(store),
    }  # fmt: skip


def _tax_lines(store: FakeStore, priced: Priced) -> list[Record]:
    rate = store.taxes.percent
    return [{"name": "Tax", "price": str(priced.tax), "rate": f"{rate}%"}] if priced.tax else []


def _rates(store: FakeStore, cart: Cart, priced: Priced) -> list[Record]:
    if not priced.lines:
        return []
    method = "flat_rate" if priced.shipping else "free_shipping"
    items = [
        {"key": item_key(line.product["id"]), "name": line.product["name"],
         "quantity": line.quantity}
        for line in priced.lines
    ]  # fmt: skip
    names = ("address_1", "address_2", "city", "state", "postcode", "country")
    rate = {
        "rate_id": f"{method}:1", "name": "Flat rate" if priced.shipping else "Free shipping",
        "description": "", "delivery_time": "", "price": str(priced.shipping),
        "taxes": str(priced.shipping_tax),
        "instance_id": 1, "method_id": method, "meta_data": [], "selected": True,
        **_currency(store),
    }  # fmt: skip
    return [{
        "package_id": 0, "name": "Shipment 1",
        "destination": {name: cart.shipping[name] for name in names},
        "items": items, "shipping_rates": [rate],
    }]  # fmt: skip


def _coupons(store: FakeStore, priced: Priced) -> list[Record]:
    currency = _currency(store)
    return [
        {"code": off.coupon["code"], "discount_type": off.coupon["discount_type"],
         "totals": {"total_discount": str(off.net), "total_discount_tax": str(off.tax),
                    **currency}}
        for off in priced.coupons
    ]  # fmt: skip


def show(store: FakeStore, cart: Cart, errors: Sequence[str] = ()) -> Record:
    """Return a cart as the Store API shows it."""
    priced = carts.price(store, cart)
    return {
        "items": [_item(store, line) for line in priced.lines],
        "coupons": _coupons(store, priced),
        "fees": [], "totals": _totals(store, priced),
        "shipping_address": cart.shipping, "billing_address": cart.billing,
        "needs_payment": priced.total > 0, "needs_shipping": bool(priced.lines),
        "payment_requirements": ["products"], "has_calculated_shipping": bool(priced.lines),
        "shipping_rates": _rates(store, cart, priced), "items_count": priced.count,
        "items_weight": 0, "cross_sells": [],
        "errors": [
            {"code": "woocommerce_rest_cart_coupon_error", "message": escaped(why)}
            for why in errors
        ],
        "payment_methods": list(carts.METHODS), "extensions": {},
    }  # fmt: skip


def _cart(call: Call) -> Answer:
    return Answer(show(call.store, call.cart))


def _cart_coupons(call: Call) -> Answer:
    home = f"{call.store.site.rest}{ROOT.removeprefix('/wp-json')}/cart/coupons"
    hints = {"allow": ["GET", "DELETE"]}
    return Answer([
        one | {"_links": {
            "self": [{"href": f"{home}/{one['code']}", "targetHints": hints}],
            "collection": [{"href": home}],
        }}
        for one in _coupons(call.store, carts.price(call.store, call.cart))
    ])  # fmt: skip


def _add_item(call: Call) -> Answer:
    number, more = int(call.body.get("id") or 0), int(call.body.get("quantity") or 1)
    product = call.store.records["product"].get(number)
    if product is None or product["status"] != "publish":
        code = "woocommerce_rest_cart_invalid_product"
        raise ApiError(400, code, "This product cannot be added to the cart.")
    many = call.cart.items.get(number, 0) + more
    lost = carts.set_quantity(call.store, call.cart, number, many)
    return Answer(show(call.store, call.cart, lost), 201)


def _line_of(call: Call) -> int:
    wanted = call.body.get("key")
    found = next((number for number in call.cart.items if item_key(number) == wanted), None)
    if found is None:
        code = "woocommerce_rest_cart_invalid_key"
        raise ApiError(409, code, "Cart item no longer exists or is invalid.")
    return found


def _update_item(call: Call) -> Answer:
    many = int(call.body.get("quantity") or 0)
    lost = carts.set_quantity(call.store, call.cart, _line_of(call), many)
    return Answer(show(call.store, call.cart, lost))


def _remove_item(call: Call) -> Answer:
    lost = carts.set_quantity(call.store, call.cart, _line_of(call), 0)
    return Answer(show(call.store, call.cart, lost))


def _apply_coupon(call: Call) -> Answer:
    try:
        carts.apply(call.store, call.cart, str(call.body.get("code") or ""))
    except Refused as refused:
        words = escaped(str(refused))
        data: Record = {"status": 400}
        if refused.about_email:
            data["details"] = {"cart": words, "checkout": words.replace(" at checkout", "")}
        raise ApiError(400, "woocommerce_rest_cart_coupon_error", words, data) from refused
    return Answer(show(call.store, call.cart))


def _remove_coupon(call: Call) -> Answer:
    code = str(call.body.get("code") or "").strip().lower()
    if code not in call.cart.codes:
        words = f'Coupon "{code}" cannot be removed because it is not already applied to the cart.'
        raise ApiError(400, "woocommerce_rest_cart_coupon_invalid_code", escaped(words))
    call.cart.codes.remove(code)
    return Answer(show(call.store, call.cart))


def take_addresses(cart: Cart, body: Mapping[str, Any]) -> None:
    """Write the addresses of a request onto the cart."""
    for name, address in (("billing_address", cart.billing), ("shipping_address", cart.shipping)):
        given = body.get(name) or {}
        address |= {key: str(given[key]) for key in address if key in given}


def _update_customer(call: Call) -> Answer:
    take_addresses(call.cart, call.body)
    return Answer(show(call.store, call.cart))


def _order(store: FakeStore, order: Record, *, is_placed: bool) -> Record:
    url = f"{store.site.url}/checkout/order-received/{order['id']}/?key={order['order_key']}"
    details = [{"key": "result", "value": "success"}, {"key": "redirect", "value": url}]
    return {
        "order_id": order["id"], "status": order["status"], "order_key": order["order_key"],
        "order_number": order["number"], "customer_note": order["customer_note"],
        "customer_id": order["customer_id"], "billing_address": order["billing"],
        "shipping_address": order["shipping"], "payment_method": order["payment_method"],
        "payment_result": {
            "payment_status": "success" if is_placed else "",
            "payment_details": details if is_placed else [],
            "redirect_url": url if is_placed else "",
        },
        "additional_fields": {}, "__experimentalCart": None, "extensions": {},
    }  # fmt: skip


def _full(call: Call) -> None:
    if not call.cart.items:
        code = "woocommerce_rest_cart_empty"
        raise ApiError(400, code, "Cannot create order from empty cart.")


def _open_checkout(call: Call) -> Answer:
    _full(call)
    return Answer(_order(call.store, carts.draft(call.store, call.cart), is_placed=False))


def check_coupons(store: FakeStore, cart: Cart) -> None:
    """Take coupons off that the buyer may not use after all.

    Raises:
        ApiError: 409 with the cart as it is now; the next checkout goes through at full price.
    """
    lost = {code: escaped(str(why)) for code, why in carts.refusals(store, cart).items()}
    if not lost:
        return
    cart.codes = [code for code in cart.codes if code not in lost]
    words = " ".join(f'"{code}" was removed from the cart. {why}' for code, why in lost.items())
    data = {"removed_coupons": lost, "status": 409, "cart": show(store, cart)}
    raise ApiError(409, "woocommerce_rest_cart_coupon_errors", words, data)


def check_out(store: FakeStore, cart: Cart, method: str) -> Record:
    """Place the order of a cart whose addresses are known.

    Raises:
        ApiError: the address, the payment method or a coupon won't do.
    """
    if "@" not in cart.billing["email"]:
        shown = escaped(cart.billing["email"])
        words = f"The provided email address ({shown}) is not valid—please provide a valid one"
        raise ApiError(400, "woocommerce_rest_invalid_email_address", words)
    if method not in carts.METHODS:
        code = "woocommerce_rest_checkout_payment_method_disabled"
        raise ApiError(400, code, "The payment gateway is not available.")
    check_coupons(store, cart)
    return carts.place(store, cart, method)


def _check_out(call: Call) -> Answer:
    _full(call)
    take_addresses(call.cart, call.body)
    order = check_out(call.store, call.cart, str(call.body.get("payment_method") or ""))
    return Answer(_order(call.store, order, is_placed=True))


ROUTES: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "cart"): _cart,
    ("GET", "cart/coupons"): _cart_coupons,
    ("POST", "cart/add-item"): _add_item,
    ("POST", "cart/update-item"): _update_item,
    ("POST", "cart/remove-item"): _remove_item,
    ("POST", "cart/apply-coupon"): _apply_coupon,
    ("POST", "cart/remove-coupon"): _remove_coupon,
    ("POST", "cart/update-customer"): _update_customer,
    ("GET", "checkout"): _open_checkout,
    ("POST", "checkout"): _check_out,
}


class StoreApi:
    """Answers everything under ``/wp-json/wc/store/v1``."""

    def __init__(self, store: FakeStore, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        visitor = self._sessions.visitor(request)
        body = await request.body()
        finish = partial(self._finish, visitor)
        try:
            answer = self._answer(request, visitor, body)
        except ApiError as refused:
            return finish(reply(refused.body, refused.status))
        return finish(reply(answer.payload, answer.status))

    def _answer(self, request: Request, visitor: Visitor, body: bytes) -> Answer:
        path = request.url.path.removeprefix(ROOT).strip("/")
        endpoint = ROUTES.get((request.method, path))
        if endpoint is None:
            raise no_route()
        if request.method == "POST" and not visitor.has_token:
            self._check_nonce(request, visitor)
        call = Call(self._store, self._sessions.cart(visitor), read_body(body))
        try:
            return endpoint(call)
        except (AttributeError, TypeError, ValueError) as wrong:
            raise unreadable() from wrong

    def _check_nonce(self, request: Request, visitor: Visitor) -> None:
        shown = request.headers.get("nonce")
        if shown is None:
            words = "Missing the Nonce header. This endpoint requires a valid nonce."
            raise ApiError(401, "woocommerce_rest_missing_nonce", words)
        if shown != self._sessions.nonce(visitor.customer_id):
            raise ApiError(403, "woocommerce_rest_invalid_nonce", "Nonce is invalid.")

    def _finish(self, visitor: Visitor, response: Response) -> Response:
        response.headers["Nonce"] = self._sessions.nonce(visitor.customer_id)
        response.headers["Nonce-Timestamp"] = str(int(self._store.now().timestamp()))
        response.headers["User-ID"] = str(visitor.customer_id)
        response.headers["Cart-Token"] = self._sessions.cart_token(visitor)
        self._sessions.remember(response, visitor)
        return response
