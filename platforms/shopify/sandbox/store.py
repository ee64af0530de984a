"""What the sandbox knows beside the store's records: accounts, browsers, and the app's settings."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from platforms.money import nearest_minor, to_text
from platforms.shopify.fake.data import Row, Shop
from platforms.shopify.fake.stage import ShopifyStage

COOKIE = "northlight_session"
Page = Callable[[Request], Awaitable[Response]]


class Wrong(Exception):
    """What was typed can't be; the message says why, to whoever typed it."""


@dataclass(slots=True)
class Session:
    """One browser: who is signed in by gid, the bag by product gid, and whether it is the admin."""

    customer: str = ""
    bag: dict[str, int] = field(default_factory=dict)
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class App:
    """What a developer set in the Dev Dashboard, and a merchant in the theme."""

    service: str = ""
    store: str = ""
    proxy: str = ""


@dataclass
class Store:
    """The store and its visitors."""

    shop: Shop
    passwords: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    app: App = field(default_factory=App)

    def __post_init__(self) -> None:
        self.stage = ShopifyStage(self.shop)

    def set_app(self, app: App) -> None:
        """Take what was set; the app is told of the store where its service is."""
        self.app = app
        self.shop.app_address = f"{app.service}/webhooks/shopify"

    def ask_about(self, order: Row, topic: str) -> None:
        """Have the app told what an order's customer asked for themselves.

        Raises:
            Wrong: it has no customer.
        """
        if order["customer"] is None:
            raise Wrong("This order has no customer.")
        who = self.shop.records[order["customer"]["id"]]
        email = who["defaultEmailAddress"]["emailAddress"]
        customer = {"id": int(number(who["id"])), "email": email, "phone": None}
        about = [one for one in self.shop.of("order") if one["customer"] == order["customer"]]
        orders = [int(number(one["id"])) for one in about]
        wish: dict[str, Row] = {
            "CUSTOMERS_DATA_REQUEST": {"orders_requested": orders, "data_request": {"id": 1}},
            "CUSTOMERS_REDACT": {"orders_to_redact": orders},
        }
        self.shop.tell_app(topic, customer=customer, **wish[topic])

    def session(self, request: Request) -> Session:
        """Return a browser's session; one that was not seen before gets none by looking."""
        return self.sessions.get(request.cookies.get(COOKIE, "")) or Session()

    def begin(self, answer: Response, session: Session) -> None:
        """Give a browser a session under a new name."""
        name = secrets.token_urlsafe(24)
        self.sessions[name] = session
        answer.set_cookie(COOKIE, name, httponly=True, samesite="lax")

    def end(self, request: Request, answer: Response) -> None:
        """Forget a browser's session."""
        self.sessions.pop(request.cookies.get(COOKIE, ""), None)
        answer.delete_cookie(COOKIE)

    def customer(self, session: Session) -> Row | None:
        """Return who is signed in."""
        return self.shop.records.get(session.customer)

    def with_email(self, email: str) -> Row | None:
        """Return the customer of an address, with an account or without."""
        wanted = email.strip().lower()
        return next(
            (
                one
                for one in self.shop.of("customer")
                if one["defaultEmailAddress"]["emailAddress"] == wanted
            ),
            None,
        )

    def enter(self, email: str, password: str) -> Row:
        """Return the customer whom these open.

        Raises:
            Wrong: they open nobody's account.
        """
        found = self.with_email(email)
        given = self.passwords.get(found["id"], "") if found else ""
        if (
            found is None
            or not given
            or not secrets.compare_digest(given.encode(), password.encode())
        ):
            raise Wrong("Incorrect email or password.")
        return found

    async def known(self, email: str, first: str, last: str) -> Row:
        """Return the customer of an address, new if need be, as a guest's checkout leaves one.

        Raises:
            Wrong: it is no address.
        """
        email = email.strip().lower()
        name, _, host = email.partition("@")
        if not name or "." not in host or len(email) > 254 or " " in email:
            raise Wrong("Type an email address like maya@example.test.")
        if (found := self.with_email(email)) is not None:
            return found
        number = await self.stage.add_customer(email, first.strip()[:100], last.strip()[:100])
        return self.shop.records[f"gid://shopify/Customer/{number}"]

    def products(self) -> list[Row]:
        """Return what is on sale, in the order in which it came."""
        return [one for one in self.shop.records.values() if one["__typename"] == "Product"]

    def minor(self, amount: str) -> int:
        """Return a decimal text in minor units."""
        return nearest_minor(amount, self.shop.currency)

    def text(self, minor: int) -> str:
        """Return minor units as a decimal text."""
        return to_text(minor, self.shop.currency)

    def lines(self, session: Session) -> list[Row]:
        """Return what is in the bag: product, quantity, and the price of both."""
        there = ((self.shop.records.get(gid), many) for gid, many in session.bag.items())
        return [
            {"product": one, "quantity": many, "total": self.minor(one["price"]) * many}
            for one, many in there
            if one is not None
        ]

    def left(self, order: Row) -> int:
        """Return what of an order's price was not given back, in minor units."""
        back = [one["totalRefundedSet"] for one in order["refunds"]]
        return self.worth(order["totalPriceSet"]) - sum(self.worth(one) for one in back)

    def worth(self, money: Row) -> int:
        """Return a money bag's amount in minor units."""
        return self.minor(money["shopMoney"]["amount"])

    def kept(self, order: Row) -> list[int]:
        """Return how many of each line were not given back."""
        back = [one for refund in order["refunds"] for one in refund["refundLineItems"]]
        return [
            line["quantity"]
            - sum(one["quantity"] for one in back if one["lineItem"]["id"] == line["id"])
            for line in order["lineItems"]
        ]


def number(gid: str) -> str:
    """Return the number at the end of a gid."""
    return gid.rpartition("/")[2]


def checked(service: str, store: str, proxy: str) -> App:
    """Return the app's settings; without an address of its own the proxy leads to the service's.

    Raises:
        Wrong: an address is none.
    """
    service = service.strip().rstrip("/")
    proxy = proxy.strip().rstrip("/") or f"{service}/proxy/shopify"
    if not all(_is_address(url) for url in (service, proxy)):
        raise Wrong("An address is like https://rewards.example.com.")
    return App(service, store.strip(), proxy)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(whole) and not parts.query and not parts.fragment
