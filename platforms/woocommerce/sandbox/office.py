"""The back office: orders and what can be done to them, webhooks, deliveries, the plugin's page.

Every action is a plain form post that needs the admin's log-in; see README.md.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.storefront import form, go
from platforms.woocommerce.fake import FakeStore, Sessions, orders, refunds
from platforms.woocommerce.fake.errors import ApiError, Record
from platforms.woocommerce.sandbox.pages import Pages
from platforms.woocommerce.sandbox.plugin import NotPaired, Plugin, check_service

Page = Callable[[Request], Awaitable[Response]]
SIZE = 25
PLUGIN_PAGE = "/wp-admin/admin.php?page=perennial"
MAP = {
    "shopper": {
        "path": "/my-account/login",
        "form": {"login": "maya@example.test", "password": "shopper"},
    },
    "admin": {"path": "/wp-login.php", "form": {"login": "admin", "password": "admin"}},
    "office": "/wp-admin/",
    "orders": "/wp-admin/orders",
    "webhooks": "/wp-admin/webhooks",
    "deliveries": "/wp-admin/deliveries.json",
    "checkout": "/checkout/",
    "app": "/wp-admin/admin.php",
    "access": None,
    "numbered_by": "X-WC-Webhook-Delivery-ID",
}
"""Where the demo finds what it walks through; see ``Platform.sandbox``."""


class Office:
    """The pages that the merchant sees."""

    def __init__(self, store: FakeStore, sessions: Sessions, pages: Pages, plugin: Plugin) -> None:
        self._store = store
        self._sessions = sessions
        self._pages = pages
        self._plugin = plugin

    def routes(self) -> list[BaseRoute]:
        """Return the back office's routes."""
        return [
            Route("/wp-admin/", self._guarded(self._orders), methods=["GET"]),
            Route("/wp-admin/orders/{number:int}", self._guarded(self._order), methods=["GET"]),
            Route(
                "/wp-admin/orders/{number:int}/refund",
                self._guarded(self._refund),
                methods=["POST"],
            ),
            Route(
                "/wp-admin/orders/{number:int}/{action}",
                self._guarded(self._act),
                methods=["POST"],
            ),
            Route("/wp-admin/webhooks", self._guarded(self._webhooks), methods=["GET"]),
            Route("/sandbox.json", self._map, methods=["GET"]),
            Route("/wp-admin/deliveries.json", self._guarded(self._log), methods=["GET"]),
            Route("/wp-admin/admin.php", self._guarded(self._plugin_page), methods=["GET"]),
            Route("/wp-admin/admin.php", self._guarded(self._connect), methods=["POST"]),
        ]

    def _guarded(self, page: Page) -> Page:
        return partial(self._guard, page)

    async def _guard(self, page: Page, request: Request) -> Response:
        account = self._store.records["customer"].get(self._sessions.account(request))
        if account is not None and account["role"] == "administrator":
            return await page(request)
        here = f"{request.url.path}?{request.url.query}".rstrip("?")
        return RedirectResponse(f"/wp-login.php?{urlencode({'redirect_to': here})}", 302)

    async def _orders(self, request: Request) -> Response:
        status = request.query_params.get("status", "")
        wanted = [
            one
            for one in self._store.all("order")
            if (one["status"] == status if status else one["status"] != "trash")
        ]
        newest = sorted(wanted, key=lambda one: (one["date_created_gmt"], one["id"]), reverse=True)
        number = request.query_params.get("paged", "1")
        page = max(int(number), 1) if number.isdigit() else 1
        return self._pages.show(
            request,
            "orders.html",
            orders=newest[(page - 1) * SIZE : page * SIZE],
            page=page,
            pages=max(-(-len(newest) // SIZE), 1),
            only=status,
            trashed=sum(one["status"] == "trash" for one in self._store.all("order")),
            total=len(newest),
        )

    async def _order(self, request: Request) -> Response:
        order = self._found(request)
        return self._show(request, order) if order else self._lost(request)

    def _found(self, request: Request) -> Record | None:
        return self._store.records["order"].get(request.path_params["number"])

    def _lost(self, request: Request) -> Response:
        return self._pages.show(request, "lost.html", 404)

    def _show(self, request: Request, order: Record, error: str = "") -> Response:
        return self._pages.show(
            request,
            "order.html",
            order=order,
            refunds=refunds.of(self._store, order),
            left=refunds.remaining(self._store, order),
            error=error,
        )

    async def _act(self, request: Request) -> Response:
        order = self._found(request)
        action = ACTIONS.get(request.path_params["action"])
        if order is None or action is None:
            return self._lost(request)
        try:
            action(self._store, order)
        except ApiError as refused:
            return self._show(request, order, str(refused))
        here = f"/wp-admin/orders/{order['id']}"
        return go(here if order["id"] in self._store.records["order"] else "/wp-admin/")

    async def _refund(self, request: Request) -> Response:
        order = self._found(request)
        if order is None:
            return self._lost(request)
        try:
            refunds.create(self._store, order, _wanted(self._store, order, await form(request)))
        except (ApiError, ArithmeticError) as refused:
            words = str(refused) if isinstance(refused, ApiError) else "Type an amount like 12.50."
            return self._show(request, order, words)
        return go(f"/wp-admin/orders/{order['id']}")

    async def _webhooks(self, request: Request) -> Response:
        hooks = [
            (hook, self._store.hub.failures.get(hook["id"], 0))
            for hook in self._store.all("webhook")
        ]
        made = list(self._store.hub.log)[:-51:-1]
        return self._pages.show(request, "webhooks.html", hooks=hooks, deliveries=made)

    async def _log(self, _: Request) -> Response:
        made = [
            {
                "url": one.url, "headers": one.headers, "status": one.status,
                "body": base64.b64encode(one.body).decode(), "topic": one.topic,
                "webhook_id": one.webhook_id, "message": one.message,
            }
            for one in reversed(self._store.hub.log)
        ]  # fmt: skip
        return JSONResponse(made)

    async def _map(self, _: Request) -> Response:
        return JSONResponse(MAP)

    async def _plugin_page(self, request: Request) -> Response:
        query = request.query_params
        if query.get("page") != "perennial":
            return self._lost(request)
        if not query.get("pairing"):
            return self._show_plugin(request)
        try:
            await self._plugin.pair(query.get("service", ""), query["pairing"])
        except NotPaired as failed:
            return self._show_plugin(request, str(failed), query.get("service", ""))
        return go(PLUGIN_PAGE)

    def _show_plugin(self, request: Request, error: str = "", service: str = "") -> Response:
        return self._pages.show(request, "plugin.html", error=error, service=service)

    async def _connect(self, request: Request) -> Response:
        asked = await form(request)
        if "disconnect" in asked:
            self._plugin.forget()
            return go(PLUGIN_PAGE)
        if "open" in asked:
            return self._open(request)
        typed = asked.get("service", "")
        try:
            service = check_service(typed)
        except NotPaired as wrong:
            return self._show_plugin(request, str(wrong), typed)
        own = quote(self._store.site.url, safe="")
        return go(f"{service}/install/woocommerce?url={own}")

    def _open(self, request: Request) -> Response:
        who = self._store.records["customer"][self._sessions.account(request)]["username"]
        try:
            return go(self._plugin.way_in(who))
        except NotPaired as why:
            return self._show_plugin(request, str(why))


def _wanted(store: FakeStore, order: Record, asked: Mapping[str, str]) -> Record:
    """Read the refund form: quantities by line if any is given, else the amount."""
    lines = []
    for line in order["line_items"]:
        text = asked.get(f"line_{line['id']}", "")
        many = min(int(text), line["quantity"]) if text.isascii() and text.isdigit() else 0
        if many:
            lines.append(refunds.share(store, line, many))
    body: Record = {"reason": asked.get("reason", "")}
    if lines:
        return body | {"line_items": lines}
    left = store.money.text(refunds.remaining(store, order))
    return body | {"amount": store.money.text(store.money.minor(asked.get("amount") or left))}


def _becomes(status: str) -> Callable[[FakeStore, Record], Record]:
    return lambda store, order: orders.update(store, order, {"status": status})


ACTIONS: Mapping[str, Callable[[FakeStore, Record], Record]] = {
    "paid": lambda store, order: orders.update(store, order, {"set_paid": True}),
    "processing": _becomes("processing"),
    "complete": _becomes("completed"),
    "cancel": _becomes("cancelled"),
    "trash": lambda store, order: orders.delete(store, order, force=False),
    "restore": orders.restore,
    "delete": lambda store, order: orders.delete(store, order, force=True),
}
