"""The storefront: products, the bag, the checkout and the shopper's account.

Everything works by links and plain forms; a form that is refused comes back with the reason and
HTTP 200, as WooCommerce's own pages do. The bag is the Store API's cart of the same browser.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from platforms.storefront import form, go, local
from platforms.woocommerce.fake import FakeStore, Sessions, carts, people
from platforms.woocommerce.fake.coupons import Refused
from platforms.woocommerce.fake.errors import ApiError, Record
from platforms.woocommerce.fake.sessions import Cart
from platforms.woocommerce.fake.shapes import BILLING
from platforms.woocommerce.fake.store_api import check_out
from platforms.woocommerce.sandbox.pages import Pages

Handler = Callable[[Request], Awaitable[Response]]
Step = Callable[[Request, Cart, Mapping[str, str]], Awaitable[Response]]
COUNTRIES = {"DE": "Germany", "AT": "Austria", "FR": "France", "US": "United States"}


class Shop:
    """The pages that shoppers see."""

    def __init__(self, store: FakeStore, sessions: Sessions, pages: Pages) -> None:
        self._store = store
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """Return the storefront's routes."""
        return [
            Route("/", self._home, methods=["GET"]),
            Route("/product/{slug}/", self._product, methods=["GET"]),
            Route("/cart/", self._cart, methods=["GET"]),
            Route("/cart/add", self._posted(self._add), methods=["POST"]),
            Route("/cart/update", self._posted(self._update), methods=["POST"]),
            Route("/cart/coupon", self._posted(self._coupon), methods=["POST"]),
            Route("/cart/coupon/remove", self._posted(self._uncoupon), methods=["POST"]),
            Route("/checkout-link/", self._link, methods=["GET"]),
            Route("/checkout/", self._checkout, methods=["GET"]),
            Route("/checkout/", self._posted(self._place), methods=["POST"]),
            Route("/checkout/order-received/{number:int}/", self._thanks, methods=["GET"]),
            Route("/my-account/", self._account, methods=["GET"]),
            Route("/my-account/login", self._log_in, methods=["POST"]),
            Route("/my-account/register", self._register, methods=["POST"]),
            Route("/my-account/logout", self._log_out, methods=["POST"]),
            Route("/wp-login.php", self._admin_door, methods=["GET"]),
            Route("/wp-login.php", self._admin_log_in, methods=["POST"]),
        ]

    def _posted(self, step: Step) -> Handler:
        return partial(self._step, step)

    async def _step(self, step: Step, request: Request) -> Response:
        visitor = self._sessions.visitor(request)
        answer = await step(request, self._sessions.cart(visitor), await form(request))
        self._sessions.remember(answer, visitor)
        return answer

    def _cart_of(self, request: Request) -> Cart:
        return self._sessions.cart(self._sessions.visitor(request))

    def _products(self) -> list[Record]:
        return [one for one in self._store.all("product") if one["status"] == "publish"]

    async def _home(self, request: Request) -> Response:
        return self._pages.show(request, "home.html", products=self._products())

    async def _product(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        product = next((one for one in self._products() if one["slug"] == slug), None)
        if product is None:
            return self._pages.show(request, "lost.html", 404)
        return self._pages.show(request, "product.html", product=product)

    async def _cart(self, request: Request) -> Response:
        return self._show_cart(request, self._cart_of(request))

    def _show_cart(self, request: Request, cart: Cart, error: str = "", code: str = "") -> Response:
        priced = carts.price(self._store, cart)
        return self._pages.show(request, "cart.html", cart=priced, error=error, code=code)

    async def _add(self, _: Request, cart: Cart, asked: Mapping[str, str]) -> Response:
        number, more = _whole(asked, "product_id"), max(_whole(asked, "quantity", 1), 1)
        if number in self._store.records["product"]:
            carts.set_quantity(self._store, cart, number, cart.items.get(number, 0) + more)
        return go("/cart/")

    async def _update(self, request: Request, cart: Cart, asked: Mapping[str, str]) -> Response:
        number = _whole(asked, "product_id")
        many = _whole(asked, "quantity")
        lost = carts.set_quantity(self._store, cart, number, many) if number in cart.items else []
        return self._show_cart(request, cart, error=" ".join(lost)) if lost else go("/cart/")

    async def _coupon(self, request: Request, cart: Cart, asked: Mapping[str, str]) -> Response:
        code = asked.get("code", "")
        try:
            carts.apply(self._store, cart, code)
        except Refused as refused:
            return self._show_cart(request, cart, error=str(refused), code=code)
        return go("/cart/")

    async def _uncoupon(self, _: Request, cart: Cart, asked: Mapping[str, str]) -> Response:
        cart.codes = [code for code in cart.codes if code != asked.get("code")]
        return go("/cart/")

    async def _link(self, request: Request) -> Response:
        """Fill the bag from a link; a coupon that won't do is passed over in silence."""
        visitor = self._sessions.visitor(request)
        cart, query = self._sessions.cart(visitor), request.query_params
        for pair in query.get("products", "").split(","):
            number, _, many = pair.partition(":")
            if number.isdigit() and int(number) in self._store.records["product"]:
                carts.set_quantity(self._store, cart, int(number), int(many or 1))
        if query.get("coupon"):
            with suppress(Refused):
                carts.apply(self._store, cart, query["coupon"])
        answer = go("/checkout/")
        self._sessions.remember(answer, visitor)
        return answer

    async def _checkout(self, request: Request) -> Response:
        cart = self._cart_of(request)
        if not cart.items:
            return go("/cart/")
        carts.draft(self._store, cart)  # the block checkout does so on opening
        return self._show_checkout(request, cart)

    def _show_checkout(self, request: Request, cart: Cart, error: str = "") -> Response:
        return self._pages.show(
            request,
            "checkout.html",
            cart=carts.price(self._store, cart),
            billing=cart.billing,
            countries=COUNTRIES,
            error=error,
        )

    async def _place(self, request: Request, cart: Cart, asked: Mapping[str, str]) -> Response:
        if not cart.items:
            return go("/cart/")
        given = {name: asked[name].strip() for name in BILLING if name in asked}
        cart.billing |= given
        cart.shipping |= {name: value for name, value in given.items() if name != "email"}
        try:
            order = check_out(self._store, cart, asked.get("payment_method", ""))
        except ApiError as refused:
            words = str(refused).replace("&quot;", '"')
            return self._show_checkout(request, cart, words)
        return go(f"/checkout/order-received/{order['id']}/?key={order['order_key']}")

    async def _thanks(self, request: Request) -> Response:
        order = self._store.records["order"].get(request.path_params["number"])
        if order is None or order["order_key"] != request.query_params.get("key"):
            return self._pages.show(request, "lost.html", 404)
        return self._pages.show(request, "thanks.html", order=order)

    async def _account(self, request: Request) -> Response:
        account = self._sessions.account(request)
        orders = [one for one in self._store.all("order") if one["customer_id"] == account]
        shown = [one for one in orders if one["status"] not in ("checkout-draft", "trash")]
        back = local(request.query_params.get("redirect_to", ""), "/my-account/")
        return self._pages.show(request, "account.html", orders=shown[::-1], back=back)

    async def _log_in(self, request: Request) -> Response:
        asked = await form(request)
        back = local(asked.get("redirect_to", ""), "/my-account/")
        return self._enter(request, asked, back) or self._pages.show(
            request,
            "account.html",
            orders=[],
            back=back,
            error=WRONG,
            email=asked.get("login"),
        )

    def _enter(self, request: Request, asked: Mapping[str, str], back: str) -> Response | None:
        who = self._store.person(asked.get("login", ""), asked.get("password", ""))
        if who is None:
            return None
        answer = go(back)
        self._sessions.log_in(request, answer, who["id"])
        return answer

    async def _register(self, request: Request) -> Response:
        asked = await form(request)
        try:
            who = people.create(self._store, dict(asked))
        except ApiError as refused:
            return self._pages.show(
                request, "account.html", orders=[], back="/my-account/", taken=str(refused)
            )
        answer = go("/my-account/")
        self._sessions.log_in(request, answer, who["id"])
        return answer

    async def _log_out(self, request: Request) -> Response:
        answer = go("/")
        self._sessions.log_out(request, answer)
        return answer

    async def _admin_door(self, request: Request) -> Response:
        back = local(request.query_params.get("redirect_to", ""), "/wp-admin/")
        return self._pages.show(request, "login.html", back=back)

    async def _admin_log_in(self, request: Request) -> Response:
        asked = await form(request)
        back = local(asked.get("redirect_to", ""), "/wp-admin/")
        return self._enter(request, asked, back) or self._pages.show(
            request, "login.html", back=back, error=WRONG
        )


WRONG = "This name and password don't fit together."


def _whole(asked: Mapping[str, str], name: str, usual: int = 0) -> int:
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual
