"""Who is browsing: log-ins, and the carts that follow a browser or a token.

A browser carries two cookies, one for its cart and one for its log-in. A Cart-Token (HS256, 48 h)
stands for the cart cookie where there are no cookies.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta

import jwt
from starlette.requests import Request
from starlette.responses import Response

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.shapes import BILLING, SHIPPING

CART_COOKIE = "wp_woocommerce_session"
LOGIN_COOKIE = "wordpress_logged_in"
TOKEN_LIFE = timedelta(hours=48)


@dataclass(slots=True, kw_only=True)
class Cart:
    """What one visitor is about to buy: quantities by product, codes in the order applied."""

    items: dict[int, int] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    billing: Record = field(default_factory=lambda: dict(BILLING))
    shipping: Record = field(default_factory=lambda: dict(SHIPPING))
    customer_id: int = 0
    order_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whose request this is: an account (0 for guests) and the name of their cart."""

    customer_id: int
    cart_name: str
    has_token: bool = False


class Sessions:
    """The store's carts and log-ins."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._secret = store.token(64)
        self._logins: dict[str, int] = {}
        self._carts: dict[str, Cart] = {}

    @property
    def salt(self) -> bytes:
        """Return what the store signs its own links with."""
        return self._secret.encode()

    def account(self, request: Request) -> int:
        """Return the account that the log-in cookie names, 0 if none; tokens don't count."""
        account = self._logins.get(request.cookies.get(LOGIN_COOKIE, ""), 0)
        return account if account in self._store.records["customer"] else 0

    def visitor(self, request: Request) -> Visitor:
        """Return whose request this is; a newcomer gets a new cart name."""
        shown = request.headers.get("cart-token", "")
        if shown and (name := self._read_token(shown)):
            return Visitor(customer_id=_account(name), cart_name=name, has_token=True)
        if account := self.account(request):
            return Visitor(customer_id=account, cart_name=str(account))
        name = request.cookies.get(CART_COOKIE, "")
        return Visitor(
            customer_id=0, cart_name=name if name in self._carts else f"t_{self._store.token(30)}"
        )

    def cart(self, visitor: Visitor) -> Cart:
        """Return a visitor's cart; a shopper's starts with their addresses."""
        if visitor.cart_name not in self._carts:
            cart = Cart(customer_id=visitor.customer_id)
            account = self._store.records["customer"].get(visitor.customer_id)
            if account:
                cart.billing |= account["billing"]
                cart.billing["email"] = cart.billing["email"] or account["email"]
                cart.shipping |= account["shipping"]
            self._carts[visitor.cart_name] = cart
        return self._carts[visitor.cart_name]

    def start(self, account: int) -> str:
        """Begin a log-in of this account; returns its cookie's value."""
        name = self._store.token()
        self._logins[name] = account
        return name

    def has_cart(self, visitor: Visitor) -> bool:
        """Return whether this visitor has a cart already."""
        return visitor.cart_name in self._carts

    def log_in(self, request: Request, response: Response, account: int) -> None:
        """Log a browser in; what its guest cart held goes into the shopper's."""
        before = self.visitor(request)
        name = self.start(account)
        response.set_cookie(LOGIN_COOKIE, name, httponly=True, samesite="lax", path="/")
        mine = self.cart(Visitor(customer_id=account, cart_name=str(account)))
        if before.customer_id == 0 and before.cart_name in self._carts:
            guest = self._carts.pop(before.cart_name)
            for product, quantity in guest.items.items():
                mine.items[product] = max(mine.items.get(product, 0), quantity)

    def log_out(self, request: Request, response: Response) -> None:
        """Forget a browser's log-in and its cart cookie."""
        self._logins.pop(request.cookies.get(LOGIN_COOKIE, ""), None)
        response.delete_cookie(LOGIN_COOKIE, path="/")
        response.delete_cookie(CART_COOKIE, path="/")

    def remember(self, response: Response, visitor: Visitor) -> None:
        """Give a browser its cart cookie."""
        if not visitor.customer_id and not visitor.has_token and visitor.cart_name in self._carts:
            response.set_cookie(
                CART_COOKIE, visitor.cart_name, httponly=True, samesite="lax", path="/"
            )

    def nonce(self, customer_id: int) -> str:
        """Return the Store API's nonce, the same for all guests."""
        words = f"store_api|{customer_id}".encode()
        return hmac.new(self._secret.encode(), words, hashlib.sha256).hexdigest()[:10]

    def cart_token(self, visitor: Visitor) -> str:
        """Return the token that stands for a visitor's cart."""
        now = int(self._store.now().timestamp())
        claims = {
            "user_id": visitor.cart_name,
            "exp": now + int(TOKEN_LIFE.total_seconds()),
            "iss": "store-api",
            "iat": now,
        }
        return jwt.encode(claims, self._secret, "HS256")

    def _read_token(self, token: str) -> str | None:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                ["HS256"],
                issuer="store-api",
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        is_live = claims["exp"] > self._store.now().timestamp()
        return str(claims["user_id"]) if is_live else None


def _account(cart_name: str) -> int:
    return int(cart_name) if cart_name.isdigit() else 0
