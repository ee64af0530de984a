"""What is in a database, whatever its engine, and what a release leaves there.

``python -m tests.connector.database.release FILE`` writes the recorded store as this release holds
it, a row a line: the upgrade test of later releases fills this release's tables with it, on either
engine. The secret key of its sealed columns is the towns' own.
"""

import asyncio
import base64
import gzip
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from platforms.woocommerce.fake import load as load_store
from tests import databases
from tests.flows import recorded_ways
from tests.flows.operator import RECORDED
from tests.town import Town, founded

FOLDER = Path(__file__).parent / "releases"
NOON = "2026-11-21 12:00:00+00:00"
NOT_OURS = ("sqlite_sequence", "tortoise_migrations")


def _plain(value: object) -> object:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def rich(value: Any) -> Any:
    """Return a value as it was before it was written."""
    if isinstance(value, dict) and value.keys() == {"base64"}:
        return base64.b64decode(value["base64"])
    return value


def rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row of a release, with its table."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            table, row = json.loads(line)
            yield table, {name: rich(value) for name, value in row.items()}


def tables(url: str) -> list[str]:
    """Return the names of our tables."""
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if url.startswith("sqlite")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return sorted({name for (name,) in databases.query(url, catalogue)} - set(NOT_OURS))


def columns(url: str, table: str) -> dict[str, str]:
    """Return the type of each column, with ``NOT NULL`` where it is."""
    if url.startswith("sqlite"):
        rows = databases.query(url, f'PRAGMA table_info("{table}")')
        return {row[1]: f"{row[2]}{' NOT NULL' if row[3] else ''}" for row in rows}
    rows = databases.query(
        url,
        "SELECT column_name, data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END"
        f" FROM information_schema.columns WHERE table_name = '{table}'",
    )
    return dict(rows)


def shape(url: str) -> dict[str, object]:
    """Return columns and indexes of all tables, whatever the indexes are called."""
    return {table: (columns(url, table), sorted(indexes(url, table))) for table in tables(url)}


def indexes(url: str, table: str) -> list[str]:
    """Return what each index is over, and where."""
    if url.startswith("sqlite"):
        found = databases.query(url, f'PRAGMA index_list("{table}")')
        made = databases.query(url, f"SELECT name, sql FROM sqlite_master WHERE tbl_name='{table}'")
        where = {name: (sql or "").partition(" WHERE ")[2] for name, sql in made}
        return [
            f"{row[2]} {[one[2] for one in databases.query(url, f'PRAGMA index_info({row[1]!r})')]}"
            f" {where.get(row[1], '')}"
            for row in found
        ]
    found = databases.query(url, f"SELECT indexdef FROM pg_indexes WHERE tablename = '{table}'")
    return [f"{'UNIQUE' in text} {text.partition(' USING ')[2]}" for (text,) in found]


def fill(url: str) -> dict[str, dict[str, Any]]:
    """Put a row into every table; return them."""
    for table in tables(url):
        types = columns(url, table)
        is_counted = "int" in types.get("id", "").lower()
        row = {name: _sample(type_) for name, type_ in types.items()}
        put(url, table, [{name: row[name] for name in row if name != "id" or not is_counted}])
    return {table: held(url, table)[0] for table in tables(url)}


def _sample(type_: str) -> Any:
    kind = type_.lower()
    for word, value in (("int", 1), ("time", NOON), ("blob", b"{}"), ("bytea", b"{}")):
        if word in kind:
            return value
    return "{}" if "json" in kind else 0 if "bool" in kind else "x"


def held(url: str, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    names = list(columns(url, table))
    listed = ", ".join(f'"{name}"' for name in names)
    rows = databases.query(url, f'SELECT {listed} FROM "{table}"')
    return [dict(zip(names, row, strict=True)) for row in rows]


def put(url: str, table: str, rows_: Sequence[dict[str, Any]]) -> None:
    """Insert rows, their values as SQLite holds them."""
    types = columns(url, table)
    names = list(rows_[0])
    listed = ", ".join(f'"{name}"' for name in names)
    if url.startswith("sqlite"):
        marks = ", ".join("?" for _ in names)
        sql = f'INSERT INTO "{table}" ({listed}) VALUES ({marks})'
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
            connection.executemany(sql, [list(row.values()) for row in rows_])
        return
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    sql = f'INSERT INTO "{table}" ({listed}) VALUES ({marks})'
    converted = [[_native(row[name], types[name]) for name in names] for row in rows_]

    async def job() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.executemany(sql, converted)
            if "int" in types.get("id", ""):
                sequence = f"pg_get_serial_sequence('\"{table}\"', 'id')"
                await connection.execute(
                    f'SELECT setval({sequence}, (SELECT max(id) FROM "{table}"))'
                )
        finally:
            await connection.close()

    databases.apart(job)


def _native(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if type_.startswith("timestamp"):
        return datetime.fromisoformat(value)
    return bool(value) if type_.startswith("boolean") else value


def load(url: str, file: Path) -> None:
    """Fill a database of that release's tables."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, row in rows(file):
        found.setdefault(table, []).append(row)
    for table, rows_ in found.items():
        put(url, table, rows_)


async def recorded(empty: str, folder: Path, file: Path) -> None:
    """Sync the recorded store in a town and write its SQLite database down."""
    async with founded(empty, folder, recorded_ways.SITE) as town:
        load_store(town.shop, RECORDED)
        await recorded_ways.begun(town)
        await recorded_ways.passed(town, "sync")
        write(town, file)


def write(town: Town, file: Path) -> None:
    """Write all rows of a town's database."""
    url = town.system.settings.database_url
    with gzip.GzipFile(file, "wb", mtime=0) as out:
        for table in tables(url):
            for row in held(url, table):
                told = {name: _plain(value) for name, value in row.items()}
                out.write(json.dumps([table, told], separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, databases.empty(Path(place)) as template:
        asyncio.run(recorded(template, Path(place), Path(sys.argv[1])))
