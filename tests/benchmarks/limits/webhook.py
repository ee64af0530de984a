"""The least that accepting a delivery takes: its signature checked and one row committed."""

import base64
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks import raw

TABLE = "CREATE TABLE delivery (rowid INTEGER PRIMARY KEY, key TEXT UNIQUE, body BLOB)"
INSERT = "INSERT INTO delivery (key, body) VALUES ($1, $2)"


def main(port: int, database: str, secret: str) -> None:
    key = secret.encode()
    held: list[raw.Run] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with raw.opened(database, TABLE) as run:
            held.append(run)
            yield

    async def receive(request: Request) -> Response:
        body = await request.body()
        signature = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
        if not hmac.compare_digest(signature, request.headers["x-wc-webhook-signature"]):
            return Response(status_code=401)
        await held[0](INSERT, request.headers["x-wc-webhook-delivery-id"], body)
        return Response(status_code=200)

    routes = [Route("/{path:path}", receive, methods=["POST"])]
    app = Starlette(routes=routes, lifespan=lifespan)
    uvicorn.run(app, port=port, log_level="warning", access_log=False, loop="uvloop")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
