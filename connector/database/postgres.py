"""PostgreSQL for tortoise, whose lost connections are the database's trouble and nothing else.

The stock backend lets asyncpg's own errors through, so that a server that went away looks like our
mistake; and of a transaction that cannot begin it keeps the connection and the task's context.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    ConnectionWrapper,
    PoolConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
)
from typing_extensions import override

SCHEMES = ("postgres", "postgresql")
T = TypeVar("T")
POOL_MAX = 10  # connections of one process
IDLE_S = 60.0  # a connection that nobody used for so long may have been cut on the way
CONNECT_S, STATEMENT_S = 10, 60
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut in the middle of something
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server is being stopped, or just starts
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections now
)
HELD_UP = (
    asyncpg.TransactionRollbackError,  # a deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was promoted over us
    TimeoutError,
)


def credentials(url: str, *, is_patient: bool = False) -> dict[str, Any]:
    """Return what tortoise opens ``postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=...`` with.

    ``synchronous_commit=on``: what we acknowledged is on the disk, whatever the server's default.
    ``is_patient`` where a statement may take as long as it likes.
    """
    parts = urlsplit(url)
    ssl = parse_qs(parts.query).get("sslmode", ["prefer"])[0]
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 5432,
        "user": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        "database": unquote(parts.path.removeprefix("/")),
        "ssl": ssl,
        "minsize": 1,
        "maxsize": POOL_MAX,
        "timeout": CONNECT_S,
        "command_timeout": None if is_patient else STATEMENT_S,
        "server_settings": {
            "synchronous_commit": "on",
            "timezone": "UTC",
            "application_name": "perennial",
        },
    }


async def probe(url: str) -> None:
    """Connect once by itself.

    Raises:
        Exception: whatever the driver says is wrong.
    """
    given = credentials(url)
    asked = {name: given[name] for name in ("host", "port", "user", "password", "database", "ssl")}
    connection = await asyncpg.connect(**asked, timeout=CONNECT_S)
    await connection.close()


def sole(_url: str, _role: str) -> AbstractContextManager[None]:
    """Be one of as many processes of a kind as there may be."""
    return nullcontext()


async def _told(job: Awaitable[T]) -> T:
    """Await something and tell in tortoise's words what is the database's trouble.

    What is wrong with a statement's values stays asyncpg's ``DataError``: it will not go away.

    Raises:
        DBConnectionError: the server can't be reached, or ends.
        OperationalError: it is there, and could not do it now.
        IntegrityError: a row like that is there already.
    """
    try:
        return await job
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except HELD_UP as error:  # before ``OSError``, of which a time-out is one
        raise OperationalError(error) from error
    except asyncpg.InvalidTransactionStateError as error:
        raise TransactionManagementError(error) from error
    except LOST as error:
        raise DBConnectionError(error) from error


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # it has no types
    """A connection that goes back to the pool as it is.

    asyncpg would reset it with a statement of its own after each of ours. We set nothing that
    outlives a transaction, and an open one is rolled back all the same.
    """

    @override
    def get_reset_query(self) -> str:
        return ""


class _Pool:
    """asyncpg's pool, with those connections at hand that a statement has just done with.

    To give one back and take it again costs the pool a task, and a statement half as much again.
    Whoever waits for one, and whatever ended otherwise than well, goes the pool's own way.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting = 0
        self._at_hand: list[tuple[float, Any]] = []
        self.release = pool.release
        self.expire_connections = pool.expire_connections

    async def acquire(self) -> Any:  # noqa: ANN401 - asyncpg has no types
        """Take a connection; wait where all are in use."""
        now = asyncio.get_running_loop().time()
        while self._at_hand:
            since, connection = self._at_hand.pop()
            if now < since + IDLE_S and not connection.is_closed():
                return connection
            connection.terminate()  # to say good-bye might take as long as it likes
            await self._pool.release(connection)
        self._waiting += 1
        try:
            return await self._pool.acquire()
        finally:
            self._waiting -= 1

    async def keep(self, connection: Any) -> None:  # noqa: ANN401
        """Have a connection at hand that did what it was asked."""
        if self._waiting or connection.is_closed():
            await self._pool.release(connection)
        else:
            self._at_hand.append((asyncio.get_running_loop().time(), connection))

    async def close(self) -> None:
        """Close all."""
        while self._at_hand:
            await self._pool.release(self._at_hand.pop()[1])
        await self._pool.close()

    def terminate(self) -> None:
        """Close all at once."""
        self._pool.terminate()


class _Statement(PoolConnectionWrapper[Any]):
    """A connection for one statement."""

    @override
    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        pool = self.client._pool
        await (pool.keep if exc_type is None else pool.release)(self.connection)


class _Telling(AsyncpgDBClient):
    connection_class = _Connection

    @override
    async def create_pool(self, **kwargs: Any) -> _Pool:
        return _Pool(await super().create_pool(**kwargs))

    @override
    def acquire_connection(self) -> PoolConnectionWrapper[Any]:
        return _Statement(self, self._pool_init_lock)

    @override
    async def _translate_exceptions(
        self, func: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        return await _told(func(self, *args, **kwargs))


class _Transaction(_Telling, TransactionWrapper):
    """A transaction on one connection of the pool."""

    @override
    def acquire_connection(self) -> ConnectionWrapper[Any]:  # type: ignore[override]  # as theirs
        return TransactionWrapper.acquire_connection(self)


class _PooledContext(TransactionContextPooled):
    """A transaction's block that gives its connection back if it can't begin."""

    @override
    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        self.client._connection = await _told(pool.acquire())
        try:
            await self.client.begin()
        except BaseException:
            with suppress(asyncpg.InterfaceError):  # where it is cut, the pool has it back already
                self.client._connection.terminate()
            await pool.release(self.client._connection)
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client

    @override
    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        await _told(super().__aexit__(exc_type, exc_val, exc_tb))


class PostgresClient(_Telling):
    """The stock client with the other transactions."""

    @override
    def _in_transaction(self) -> TransactionContext:
        return _PooledContext(_Transaction(self), self._pool_init_lock)


client_class = PostgresClient
