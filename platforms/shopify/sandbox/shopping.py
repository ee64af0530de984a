"""The storefront: products, collections, the cart, the checkout and the shopper's account.

Everything works by links and plain forms; one that is refused comes back with the reason.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from platforms.conformance.stage import Basket
from platforms.shopify.fake.data import Row
from platforms.shopify.sandbox.pages import Pages
from platforms.shopify.sandbox.store import COOKIE, Session, Store, Wrong, number
from platforms.storefront import form, go, local, whole

Step = Callable[[Request, Session, Mapping[str, str]], Awaitable[Response]]
MANY_MAX = 99


class Shopping:
    """The pages that shoppers see."""

    def __init__(self, store: Store, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """Return the storefront's routes."""
        return [
            Route("/", self._home, methods=["GET"]),
            Route("/collections/{handle}", self._collection, methods=["GET"]),
            Route("/products/{handle}", self._product, methods=["GET"]),
            Route("/cart", self._cart, methods=["GET"]),
            Route("/cart/add", self._posted(self._add), methods=["POST"]),
            Route("/cart/change", self._posted(self._change), methods=["POST"]),
            Route("/checkout", self._checkout, methods=["GET"]),
            Route("/checkout", self._posted(self._place), methods=["POST"]),
            Route("/checkout/thank-you/{number:int}", self._thanks, methods=["GET"]),
            Route("/account", self._account, methods=["GET"]),
            Route("/account", self._posted(self._register), methods=["POST"]),
            Route("/orders", self._account, methods=["GET"]),
            Route("/account/login", self._door, methods=["GET"]),
            Route("/account/login", self._posted(self._log_in), methods=["POST"]),
            Route("/account/logout", self._log_out, methods=["POST"]),
        ]

    def _posted(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        return partial(self._step, step)

    async def _step(self, step: Step, request: Request) -> Response:
        """Answer a form, with a session for whoever had none."""
        session = self._store.session(request)
        answer = await step(request, session, await form(request))
        is_known = request.cookies.get(COOKIE, "") in self._store.sessions
        if not is_known and "set-cookie" not in answer.headers:
            self._store.begin(answer, session)
        return answer

    async def _home(self, request: Request) -> Response:
        return self._pages.show(request, "home.html", products=self._store.products())

    async def _collection(self, request: Request) -> Response:
        handle = request.path_params["handle"]
        shelved = [
            one
            for one in self._store.products()
            if handle == "all" or {"handle": handle} in one["collections"]
        ]
        if not shelved:
            return self._pages.show(request, "lost.html", 404)
        title = handle.replace("-", " ").capitalize()
        return self._pages.show(request, "collection.html", products=shelved, title=title)

    async def _product(self, request: Request) -> Response:
        handle = request.path_params["handle"]
        found = next((one for one in self._store.products() if one["handle"] == handle), None)
        if found is None:
            return self._pages.show(request, "lost.html", 404)
        return self._pages.show(request, "product.html", product=found)

    async def _cart(self, request: Request) -> Response:
        return self._with_bag(request, "cart.html", self._store.session(request))

    def _with_bag(
        self,
        request: Request,
        name: str,
        session: Session,
        error: str = "",
        given: Mapping[str, str] | None = None,
    ) -> Response:
        lines = self._store.lines(session)
        total = sum(one["total"] for one in lines)
        return self._pages.show(
            request, name, lines=lines, total=total, error=error, given=given or {}
        )

    async def _add(self, request: Request, session: Session, asked: Mapping[str, str]) -> Response:
        gid = f"gid://shopify/Product/{whole(asked, 'id')}"
        product, more = self._store.shop.records.get(gid), whole(asked, "quantity")
        if product is None:
            return self._pages.show(request, "lost.html", 404)
        if not 0 < more <= MANY_MAX:
            error = f"Choose 1 to {MANY_MAX}."
            return self._pages.show(request, "product.html", product=product, error=error)
        session.bag[gid] = min(session.bag.get(gid, 0) + more, MANY_MAX)
        return go("/cart")

    async def _change(self, _: Request, session: Session, asked: Mapping[str, str]) -> Response:
        gid, many = f"gid://shopify/Product/{whole(asked, 'id')}", whole(asked, "quantity")
        if gid in session.bag:
            session.bag[gid] = min(many, MANY_MAX)
        if not many:
            session.bag.pop(gid, None)
        return go("/cart")

    async def _checkout(self, request: Request) -> Response:
        session = self._store.session(request)
        return self._with_bag(request, "checkout.html", session) if session.bag else go("/cart")

    async def _place(
        self, request: Request, session: Session, asked: Mapping[str, str]
    ) -> Response:
        """Place the order, by the code of the fake's stage."""
        if not session.bag:
            return go("/cart")
        try:
            buyer = await self._buyer(session, asked)
        except Wrong as why:
            return self._with_bag(request, "checkout.html", session, str(why), asked)
        basket = Basket(
            items=[(number(gid), many) for gid, many in session.bag.items()],
            customer_id=number(buyer["id"]),
            pays="now" if asked.get("payment_method") == "card" else "never",
        )
        order = await self._store.stage.place(basket)
        session.bag.clear()
        self._store.keys[order] = secrets.token_urlsafe(12)
        return go(f"/checkout/thank-you/{order}?key={self._store.keys[order]}")

    async def _buyer(self, session: Session, asked: Mapping[str, str]) -> Row:
        """Return who is signed in, or the customer whom a guest's checkout leaves.

        Raises:
            Wrong: something that is needed was not typed.
        """
        if asked.get("payment_method") not in {"card", "transfer"}:
            raise Wrong("Choose how to pay.")
        if (account := self._store.customer(session)) is not None:
            return account
        names = asked.get("first_name", ""), asked.get("last_name", "")
        return await self._store.known(asked.get("email", ""), *names)

    async def _thanks(self, request: Request) -> Response:
        name = str(request.path_params["number"])
        key, given = self._store.keys.get(name, ""), request.query_params.get("key", "")
        order = self._store.shop.records.get(f"gid://shopify/Order/{name}")
        if order is None or not key or not hmac.compare_digest(key.encode(), given.encode()):
            return self._pages.show(request, "lost.html", 404)
        return self._pages.show(request, "thanks.html", order=order)

    async def _account(self, request: Request) -> Response:
        who = self._store.customer(self._store.session(request))
        if who is None:
            return go(f"/account/login?return_to={request.url.path}")
        theirs = [
            one
            for one in self._store.shop.of("order")
            if one["customer"] and one["customer"]["id"] == who["id"]
        ]
        newest = sorted(theirs, key=lambda one: str(one["processedAt"]), reverse=True)
        return self._pages.show(request, "account.html", orders=newest)

    async def _door(self, request: Request) -> Response:
        back = local(request.query_params.get("return_to", ""), "/account")
        return self._pages.show(request, "login.html", back=back)

    async def _log_in(
        self, request: Request, session: Session, asked: Mapping[str, str]
    ) -> Response:
        back = local(asked.get("return_to", ""), "/account")
        email = asked.get("customer[email]", "")
        try:
            who = self._store.enter(email, asked.get("customer[password]", ""))
        except Wrong as why:
            return self._pages.show(request, "login.html", back=back, error=str(why), email=email)
        return self._signed_in(request, session, who, back)

    def _signed_in(self, request: Request, session: Session, who: Row, back: str) -> Response:
        answer = go(back)
        self._store.end(request, answer)
        self._store.begin(answer, Session(customer=who["id"], bag=session.bag))
        return answer

    async def _register(
        self, request: Request, session: Session, asked: Mapping[str, str]
    ) -> Response:
        email, password = asked.get("customer[email]", ""), asked.get("customer[password]", "")
        try:
            who = await self._opened(email, password, asked.get("customer[first_name]", ""))
        except Wrong as why:
            return self._pages.show(request, "login.html", back="/account", taken=str(why))
        return self._signed_in(request, session, who, "/account")

    async def _opened(self, email: str, password: str, first: str) -> Row:
        if len(password) < 5:
            raise Wrong("A password has 5 characters at least.")
        found = self._store.with_email(email)
        if found is not None:  # a guest's address is theirs only once they answer a letter
            raise Wrong("This address is known already. Log in, or take another.")
        who = await self._store.known(email, first, "")
        self._store.passwords[who["id"]] = password
        return who

    async def _log_out(self, request: Request) -> Response:
        answer = go("/")
        self._store.end(request, answer)
        return answer
