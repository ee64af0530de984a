"""A process that dies at a point of its work: before or after a commit or a call to a store.

``Life`` counts the points. Dead, a process commits, asks and calls nothing any more, so that what
cleans up behind an error has no effect. ``client_class`` is the database client that dies.
"""

from typing import Any

import httpx

from connector.database import postgres, sqlite
from tests.databases import ENGINE


class Died(BaseException):
    """The process is dead. No ``except Exception`` holds it up, as none holds up a kill."""


class Life:
    """Passes points by name until it dies at one of them, if at any."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.dies_at = dies_at
        self.passed: list[str] = []
        self.died_at = ""

    @property
    def is_dead(self) -> bool:
        return bool(self.died_at)

    def check(self) -> None:
        if self.is_dead:
            raise Died(self.died_at)

    def point(self, name: str) -> None:
        """Die here, or go on."""
        self.check()
        if len(self.passed) == self.dies_at:
            self.died_at = name
            raise Died(name)
        self.passed.append(name)


LIVES = [Life()]
"""The lives so far; a database client that is made lives the last of them."""


class Transaction:
    """A transaction's block whose commit is a point on either side."""

    def __init__(self, inner: Any, life: Life) -> None:
        self.inner, self.life = inner, life

    async def __aenter__(self) -> Any:
        self.life.check()
        return await self.inner.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            await self.inner.__aexit__(kind, error, trace)
            return
        try:
            self.life.point("before a commit")
        except Died as died:
            await self.inner.__aexit__(Died, died, None)  # the database itself rolls back
            raise
        await self.inner.__aexit__(None, None, None)
        self.life.point("after a commit")


class Mortal:
    """Statements by themselves commit too, unless they only read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.life = LIVES[-1]

    def _in_transaction(self) -> Any:
        return Transaction(super()._in_transaction(), self.life)  # type: ignore[misc]

    async def _said(self, name: str, query: str, *values: Any) -> Any:
        said = getattr(super(), name)
        self.life.check()
        if query.lstrip().upper().startswith(("SELECT", "SHOW", "PRAGMA")):
            return await said(query, *values)
        self.life.point(f"before {query[:40]}")
        answer = await said(query, *values)
        self.life.point(f"after {query[:40]}")
        return answer

    async def execute_insert(self, query: str, values: Any) -> Any:
        return await self._said("execute_insert", query, values)

    async def execute_many(self, query: str, values: Any) -> Any:
        return await self._said("execute_many", query, values)

    async def execute_query(self, query: str, values: Any = None) -> Any:
        return await self._said("execute_query", query, values)

    async def execute_query_dict(self, query: str, values: Any = None) -> Any:
        return await self._said("execute_query_dict", query, values)

    async def execute_script(self, query: str) -> Any:
        return await self._said("execute_script", query)


class MortalSqlite(Mortal, sqlite.ImmediateClient):
    """SQLite of a process that dies."""


class MortalPostgres(Mortal, postgres.PostgresClient):
    """PostgreSQL of a process that dies."""


client_class = MortalSqlite if ENGINE == "sqlite" else MortalPostgres


class Calls(httpx.AsyncBaseTransport):
    """How a mortal process reaches stores: every call is a point on either side."""

    def __init__(self, inner: httpx.AsyncBaseTransport, life: Life) -> None:
        self.inner, self.life = inner, life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        self.life.point(f"before {call}")
        try:
            answer = await self.inner.handle_async_request(request)
            await answer.aread()
        finally:
            self.life.point(f"after {call}")
        return answer


class Door(httpx.ASGITransport):
    """How a mortal process is reached: while it dies the connection breaks, then it is refused."""

    def __init__(self, app: Any, life: Life) -> None:
        super().__init__(app, raise_app_exceptions=False)
        self.life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            self.life.check()
            return await super().handle_async_request(request)
        except Died as died:
            raise httpx.ReadError(str(died), request=request) from died
