"""The admin: orders and what can be done to them, webhooks, deliveries, and the app's settings.

Every action is a plain form post that needs the admin's log-in; see README.md.
"""

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.errors import Malformed
from platforms.shopify.fake.data import Row
from platforms.shopify.sandbox.courier import Courier
from platforms.shopify.sandbox.frame import PREFIX, Frame
from platforms.shopify.sandbox.pages import Pages
from platforms.shopify.sandbox.store import Page, Session, Store, Wrong, checked, number
from platforms.storefront import form, go, local, whole

SIZE = 25
MAP = {
    "shopper": {
        "path": "/account/login",
        "form": {"customer[email]": "maya@example.test", "customer[password]": "shopper"},
    },
    "admin": {"path": "/admin/login", "form": {"login": "admin", "password": "admin"}},
    "office": "/admin",
    "orders": "/admin/orders",
    "webhooks": "/admin/webhooks",
    "deliveries": "/admin/deliveries.json",
    "checkout": "/checkout",
    "app": "/admin/app",
    "apps": PREFIX,
    "access": "/admin/access.json",
    "numbered_by": "x-shopify-webhook-id",
}
"""Where the demo finds what it walks through; see ``Platform.sandbox``."""


class Office:
    """The pages that the merchant sees."""

    def __init__(self, store: Store, pages: Pages, courier: Courier) -> None:
        self._store = store
        self._pages = pages
        self._courier = courier

    def routes(self) -> list[BaseRoute]:
        """Return the admin's routes."""
        guarded = self._guarded
        return [
            Route("/sandbox.json", self._map, methods=["GET"]),
            Route("/admin/login", self._door, methods=["GET"]),
            Route("/admin/login", self._log_in, methods=["POST"]),
            Route("/admin", guarded(self._orders), methods=["GET"]),
            Route("/admin/orders/{number:int}", guarded(self._order), methods=["GET"]),
            Route("/admin/orders/{number:int}/{action}", guarded(self._act), methods=["POST"]),
            Route("/admin/webhooks", guarded(self._webhooks), methods=["GET"]),
            Route("/admin/deliveries.json", guarded(self._log), methods=["GET"]),
            Route("/admin/access.json", guarded(self._access), methods=["GET"]),
            Route("/admin/app", guarded(self._app), methods=["GET"]),
            Route("/admin/app", guarded(self._set), methods=["POST"]),
            *Frame(self._store, self._pages, guarded).routes(),
        ]

    async def _map(self, _: Request) -> Response:
        return JSONResponse(MAP)

    def _guarded(self, page: Page) -> Page:
        return partial(self._guard, page)

    async def _guard(self, page: Page, request: Request) -> Response:
        if self._store.session(request).is_admin:
            return await page(request)
        return go(f"/admin/login?{urlencode({'return_to': request.url.path})}")

    async def _door(self, request: Request) -> Response:
        back = local(request.query_params.get("return_to", ""), "/admin")
        return self._pages.show(request, "door.html", back=back)

    async def _log_in(self, request: Request) -> Response:
        asked = await form(request)
        back = local(asked.get("return_to", ""), "/admin")
        given = f"{asked.get('login', '')} {asked.get('password', '')}"
        if not secrets.compare_digest(given.encode(), b"admin admin"):
            error = "Incorrect name or password."
            return self._pages.show(request, "door.html", back=back, error=error)
        answer, before = go(back), self._store.session(request)
        self._store.end(request, answer)
        self._store.begin(answer, Session(before.customer, before.bag, is_admin=True))
        return answer

    async def _orders(self, request: Request) -> Response:
        rows = self._store.shop.of("order")
        newest = sorted(rows, key=lambda one: (one["processedAt"], one["id"]), reverse=True)
        page = max(whole(request.query_params, "page"), 1)
        return self._pages.show(
            request,
            "orders.html",
            orders=newest[(page - 1) * SIZE : page * SIZE],
            page=page,
            pages=max(-(-len(newest) // SIZE), 1),
            total=len(newest),
        )

    def _found(self, request: Request) -> Row | None:
        return self._store.shop.records.get(f"gid://shopify/Order/{request.path_params['number']}")

    async def _order(self, request: Request) -> Response:
        return self._show(request)

    def _show(self, request: Request, error: str = "") -> Response:
        order = self._found(request)
        if order is None:
            return self._pages.show(request, "lost.html", 404)
        return self._pages.show(
            request,
            "order.html",
            order=order,
            lines=list(enumerate(zip(order["lineItems"], self._store.kept(order), strict=True))),
            left=self._store.left(order),
            error=error,
        )

    async def _act(self, request: Request) -> Response:
        order = self._found(request)
        action = ACTIONS.get(request.path_params["action"])
        if order is None or action is None:
            return self._pages.show(request, "lost.html", 404)
        try:
            await action(self._store, order, await form(request))
        except Wrong as why:
            return self._show(request, str(why))
        return go(f"/admin/orders/{number(order['id'])}")

    async def _webhooks(self, request: Request) -> Response:
        hooks = list(self._store.shop.hooks.values())
        made = list(self._courier.log)[:-51:-1]
        return self._pages.show(request, "webhooks.html", hooks=hooks, deliveries=made)

    async def _log(self, _: Request) -> Response:
        made = [
            {
                "url": one.url, "headers": one.headers, "status": one.status,
                "body": base64.b64encode(one.body).decode(), "topic": one.topic,
                "message": one.message,
            }
            for one in reversed(self._courier.log)
        ]  # fmt: skip
        return JSONResponse(made)

    async def _access(self, _: Request) -> Response:
        """Say what ``perennial connect shopify`` asks for, as the Dev Dashboard shows it."""
        shop = self._store.shop
        access = {"client_id": shop.client_id, "client_secret": shop.client_secret}
        return JSONResponse({"url": shop.storefront, **access})

    async def _app(self, request: Request) -> Response:
        return self._pages.show(request, "app.html", typed=self._store.app)

    async def _set(self, request: Request) -> Response:
        asked = await form(request)
        typed = {name: asked.get(name, "") for name in ("service", "store", "proxy")}
        try:
            self._store.set_app(checked(**typed))
        except Wrong as why:
            return self._pages.show(request, "app.html", typed=typed, error=str(why))
        return go("/admin/app")


async def _pay(store: Store, order: Row, _: Mapping[str, str]) -> None:
    if order["displayFinancialStatus"] != "PENDING" or order["cancelledAt"]:
        raise Wrong("There is nothing to be paid.")
    await store.stage.pay(number(order["id"]))


async def _fulfil(store: Store, order: Row, _: Mapping[str, str]) -> None:
    if order["fulfillments"] or order["cancelledAt"]:
        raise Wrong("There is nothing to be sent.")
    await store.stage.send(number(order["id"]))


async def _cancel(store: Store, order: Row, _: Mapping[str, str]) -> None:
    if order["cancelledAt"]:
        raise Wrong("This order is cancelled already.")
    await store.stage.cancel(number(order["id"]))


async def _refund(store: Store, order: Row, asked: Mapping[str, str]) -> None:
    """Give back the quantities of lines if any is given, else an amount, else all that is left."""
    left = store.left(order)
    if not order["transactions"] or left <= 0:
        raise Wrong("There is nothing to be given back.")
    kept = store.kept(order)
    many = {at: whole(asked, f"line_{at}") for at in range(len(kept))}
    lines = {at: count for at, count in many.items() if count}
    if any(count > kept[at] for at, count in lines.items()):
        raise Wrong("So many were not bought, or were given back already.")
    rows = order["lineItems"]
    worth = sum(
        store.worth(rows[at]["originalTotalSet"]) // rows[at]["quantity"] * count
        for at, count in lines.items()
    )
    try:
        amount = (
            worth if lines else store.minor(asked.get("amount", "").strip() or store.text(left))
        )
    except Malformed:
        amount = 0
    if not 0 < amount <= left:
        raise Wrong(f"Type an amount from 0.01 to {store.text(left)}.")
    await store.stage.refund(number(order["id"]), store.text(amount), lines)


async def _data_request(store: Store, order: Row, _: Mapping[str, str]) -> None:
    store.ask_about(order, "CUSTOMERS_DATA_REQUEST")


async def _redact(store: Store, order: Row, _: Mapping[str, str]) -> None:
    store.ask_about(order, "CUSTOMERS_REDACT")


ACTIONS: Mapping[str, Callable[[Store, Row, Mapping[str, str]], Awaitable[None]]] = {
    "paid": _pay,
    "fulfil": _fulfil,
    "cancel": _cancel,
    "refund": _refund,
    "data-request": _data_request,
    "redact": _redact,
}
