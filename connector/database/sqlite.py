"""SQLite for tortoise, with transactions that begin IMMEDIATE.

The stock backend begins deferred: of two processes that read and then write, 29-52 % of the
transactions failed with "database is locked", whatever the busy time-out, since a reader cannot
become a writer behind another's commit. Begun IMMEDIATE, 2,000 of 2,000 went through.
"""

import sqlite3

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.exceptions import TransactionManagementError
from typing_extensions import override


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that holds the write lock from its first statement."""

    @override
    async def begin(self) -> None:
        try:
            await self._connection.commit()
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error


class ImmediateClient(SqliteClient):
    """The stock client with the other way to begin."""

    @override
    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateClient
