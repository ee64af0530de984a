"""A bulk operation's results on disk: lines in any order in, records in the order of their ids out.

SQLite keeps them in a file without a name, which is gone with the process, however that ends; in
memory are a few megabytes, however many lines there are. All of it blocks: call it in a thread.
"""

import sqlite3
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import msgspec

from platforms.errors import Malformed
from platforms.shopify.wire import id_of

CACHE_KB = 8_000
ID_MAX = 2**63 - 1
ROOT = ""  # the field of a record itself
FIELDS = {"LineItem": "lineItems", "ShippingLine": "shippingLines", "Collection": "collections"}
"""The connection that a line with a parent belongs to, by its type."""


class Line(msgspec.Struct, frozen=True):
    """What a line says of its place. Only a child that is asked for its type has one."""

    id: str = ""
    parent: str = msgspec.field(name="__parentId", default="")
    type: str = msgspec.field(name="__typename", default="")


@dataclass(frozen=True, slots=True)
class Root:
    """A record: its node as a listing would show it, None where only its children came."""

    id: int
    node: bytes | None


class Spool:
    """The results of one bulk operation; ``lines`` and ``roots`` count what came."""

    def __init__(self) -> None:
        self.lines = 0
        self.roots = 0
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._rows.close)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA temp_store = FILE")
        self._rows.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._rows.execute("CREATE TABLE line (root INTEGER, field TEXT, id INTEGER, body BLOB)")
        self._rows.execute("BEGIN")

    def add(self, lines: Iterable[bytes]) -> None:
        """Keep lines.

        Raises:
            Malformed: one is no node that we asked for.
        """
        rows = [_row(line) for line in lines]
        self._rows.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", rows)
        self.lines += len(rows)
        self.roots += sum(field == ROOT for _, field, _, _ in rows)

    def end(self) -> None:
        """Put all in order, once the last line is there."""
        self._rows.execute("CREATE INDEX place ON line (root, field, id)")
        self._rows.execute("COMMIT")

    def page(self, after: int, limit: int) -> list[Root]:
        """Return the next records after an id."""
        text = "SELECT DISTINCT root FROM line WHERE root > ? ORDER BY root LIMIT ?"
        ids = [id_ for (id_,) in self._rows.execute(text, [after, limit])]
        if not ids:
            return []
        found = self._rows.execute(
            "SELECT root, field, body FROM line WHERE root > ? AND root <= ?"
            " ORDER BY root, field, id",
            [after, ids[-1]],
        )
        return [
            Root(id_, _joined([(field, body) for _, field, body in rows]))
            for id_, rows in groupby(found, key=lambda row: row[0])
        ]

    def close(self) -> None:
        """Forget all of it."""
        self._rows.close()


def _row(text: bytes) -> tuple[int, str, int, bytes]:
    """Return the root's id, the field, the id within it, and the line.

    Raises:
        Malformed: the line is no node that we asked for.
    """
    try:
        line = msgspec.json.decode(text, type=Line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"a line of Shopify's can't be read: {error}") from error
    own = int(id_of(line.id)) if line.id else 0
    root = int(id_of(line.parent)) if line.parent else own
    field = FIELDS.get(line.type, ROOT) if line.parent else ROOT
    if max(root, own) > ID_MAX or not root or (line.parent and field == ROOT):
        raise Malformed(f"a line of Shopify's is about nothing that we know: {text[:100]!r}")
    return root, field, own, text.strip()


def _joined(rows: list[tuple[str, bytes]]) -> bytes | None:
    """Return a record with its children in their fields."""
    roots = [body for field, body in rows if field == ROOT]
    if not roots:
        return None
    parts = [roots[0][:-1]]
    for field in FIELDS.values():
        inner = b",".join(body for name, body in rows if name == field)
        parts.append(b',"%s":{"nodes":[%s]}' % (field.encode(), inner))
    return b"".join(parts) + b"}"
