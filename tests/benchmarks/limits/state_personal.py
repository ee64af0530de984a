"""The least that "nothing new for you" takes: one row found by an index, and a 304."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks import raw

TABLE = "CREATE TABLE visitor (who TEXT PRIMARY KEY, tag TEXT NOT NULL)"
INSERT = "INSERT INTO visitor (who, tag) VALUES ($1, $2)"
FIND = "SELECT tag FROM visitor WHERE who = $1"
OTHERS = 1000  # rows that nobody asks for


def main(port: int, database: str, answer: Path) -> None:
    known = json.loads(answer.read_text(encoding="utf-8"))
    held: list[raw.Run] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with raw.opened(database, TABLE) as run:
            for who, tag in [*known["tags"].items(), *((f"other {n}", "") for n in range(OTHERS))]:
                await run(INSERT, who, tag)
            held.append(run)
            yield

    async def state(request: Request) -> Response:
        ((tag,),) = await held[0](FIND, request.headers["authorization"])
        if request.headers["if-none-match"] == tag:
            return Response(status_code=304, headers=known["headers"] | {"etag": tag})
        return Response(status_code=500)

    app = Starlette(routes=[Route("/storefront/v1/state", state)], lifespan=lifespan)
    uvicorn.run(app, port=port, log_level="warning", access_log=False, loop="uvloop")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
