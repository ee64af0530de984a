"""Plain SQL through tortoise's connection, for the hot paths: in its transaction, on either engine.

Statements are PostgreSQL's, and SQLite is given its own words for ``$1``, ``= ANY($1)`` and
``FOR UPDATE``. Times go in aware; from SQLite they come out as text, which ``at`` reads.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from tortoise.connection import get_connection
from tortoise.exceptions import (
    IntegrityError,
    NotExistOrMultiple,
    OperationalError,
    TransactionManagementError,
)

Row = Mapping[str, Any]
WORDS = (
    (re.compile(r"= ANY\((\$\d+)\)"), r"IN (SELECT value FROM json_each(\1))"),
    (re.compile(r"\bFOR UPDATE\b"), ""),  # it has one writer at a time
    (re.compile(r' COLLATE "C"'), ""),  # as it compares anyway
    (re.compile(r"\$(\d+)"), r"?\1"),
)
NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgres": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}


def dialect() -> str:
    """Return ``sqlite`` or ``postgres``."""
    return str(get_connection("default").capabilities.dialect)


async def rows(text: str, *values: object) -> Sequence[Row]:
    """Return what a statement finds, or returns of what it wrote."""
    asked = dialect()
    given = _given(asked, values)
    return await get_connection("default").execute_query_dict(_in_words_of(asked, text), given)


async def run(text: str, *values: object) -> None:
    """Execute a statement."""
    asked = dialect()
    await get_connection("default").execute_query(_in_words_of(asked, text), _given(asked, values))


async def many(text: str, values: Iterable[Sequence[object]]) -> None:
    """Execute a statement for each set of values, in their order."""
    sets = [list(one) for one in values]
    if sets:
        await get_connection("default").execute_many(_in_words_of(dialect(), text), sets)


async def lock(name: str) -> None:
    """Hold a name until the transaction that we are in ends; on SQLite it holds all anyway."""
    if dialect() == "postgres":
        await rows("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


def is_down(error: Exception) -> bool:
    """Return whether an error is the database's trouble, and not that of what was asked."""
    is_asked = isinstance(error, (IntegrityError, NotExistOrMultiple))
    is_its = isinstance(error, (OSError, OperationalError, TransactionManagementError))
    return is_its and not is_asked


def at(value: datetime | str | None) -> datetime | None:
    """Return a time as a row holds it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def now_ms() -> str:
    """Return the words for the database's clock, in milliseconds since 1970."""
    return NOW_MS[dialect()]


def _given(asked: str, values: Sequence[object]) -> list[object]:
    if asked == "postgres":
        return list(values)
    return [orjson.dumps(one).decode() if isinstance(one, list) else one for one in values]


@lru_cache(maxsize=1000)
def _in_words_of(asked: str, text: str) -> str:
    if asked == "sqlite":
        for pattern, words in WORDS:
            text = pattern.sub(words, text)
    return text
