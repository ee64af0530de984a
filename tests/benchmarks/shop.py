"""A WooCommerce of any size that answers at once: ``python -m tests.benchmarks.shop PORT``.

It speaks as much of ``wc/v3`` as connecting, listing orders and pushing points take. How many
orders it has, and of how many customers, is set while it runs; rows are made as they are asked for.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.benchmarks.orders import FIRST, body

API = "/wp-json/wc/v3"
VERSION = {"environment": {"version": "10.5.0"}}


class Shop:
    """The store; ``/bench/...`` is what only the bench asks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.orders = 0
        self.customers = 1
        self.webhooks: list[dict[str, object]] = []

    def routes(self) -> list[Route]:
        return [
            Route("/bench/secret", self.secret),
            Route("/bench/orders/{orders:int}/{customers:int}", self.resize, methods=["POST"]),
            Route("/wp-json/", self.index),
            Route(f"{API}/settings/general/woocommerce_currency", self.currency),
            Route(f"{API}/system_status", self.status),
            Route(f"{API}/orders", self.listed),
            Route(f"{API}/customers", self.nothing),
            Route(f"{API}/products", self.nothing),
            Route(f"{API}/webhooks", self.subscriptions),
            Route(f"{API}/webhooks", self.subscribe, methods=["POST"]),
            Route(f"{API}/webhooks/{{id:int}}", self.echo, methods=["PUT", "DELETE"]),
            Route(f"{API}/customers/{{id:int}}", self.echo, methods=["PUT"]),
            Route(f"{API}/orders/{{id:int}}/notes", self.nothing),
            Route(f"{API}/orders/{{id:int}}/notes", self.echo, methods=["POST"]),
        ]

    async def secret(self, _: Request) -> Response:
        return Response(str(self.webhooks[0]["secret"]))

    async def resize(self, request: Request) -> Response:
        self.orders, self.customers = request.path_params.values()
        return Response()

    async def index(self, _: Request) -> Response:
        zone = {"timezone_string": "America/New_York", "gmt_offset": -5}
        return JSONResponse({"name": "Bench", "home": self.url, "namespaces": ["wc/v3"], **zone})

    async def currency(self, _: Request) -> Response:
        return JSONResponse({"value": "USD"})

    async def status(self, _: Request) -> Response:
        return JSONResponse(VERSION)

    async def listed(self, request: Request) -> Response:
        query = request.query_params
        size, total = int(query["per_page"]), self.orders
        if query.get("status") == "trash":
            total = 0
        begin = int(query.get("offset", 0))
        if query.get("order") == "desc":
            begin = max(total - size, 0)
        numbers = range(FIRST + begin, FIRST + min(begin + size, total))
        rows = [body(one, one % self.customers + 1, self.url) for one in numbers]
        pages = str(-(-total // size))
        counts = {"X-WP-Total": str(total), "X-WP-TotalPages": pages}
        return Response(b"[" + b",".join(rows) + b"]", 200, counts, "application/json")

    async def nothing(self, _: Request) -> Response:
        return JSONResponse([], headers={"X-WP-Total": "0", "X-WP-TotalPages": "0"})

    async def subscriptions(self, _: Request) -> Response:
        total = str(len(self.webhooks))
        return JSONResponse(self.webhooks, headers={"X-WP-Total": total, "X-WP-TotalPages": "1"})

    async def subscribe(self, request: Request) -> Response:
        webhook = {"id": len(self.webhooks) + 1, **await request.json()}
        self.webhooks.append(webhook)
        return JSONResponse(webhook, 201)

    async def echo(self, request: Request) -> Response:
        return JSONResponse({"id": 1, "note": "", "number": request.path_params["id"]})


def main(port: int) -> None:
    shop = Shop(f"http://127.0.0.1:{port}")
    app = Starlette(routes=shop.routes())
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
