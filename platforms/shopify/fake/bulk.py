"""The fake's bulk operations: a query over all there is, its answer a file of lines in any order.

Each is refused, run, cancelled and forgotten as documented; ``Shop.bulk`` says how long it takes
and what goes wrong. (shopify.dev: /docs/api/usage/bulk-operations/queries)
"""

import random
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,
    get_named_type,
    is_list_type,
    is_non_null_type,
    visit,
)

from platforms.model import Kind
from platforms.shopify.fake.data import Row, Shop
from platforms.shopify.fake.schema import inlined, prepared, schema

Info = GraphQLResolveInfo[None]
CONNECTIONS_MAX = 5
DEPTH_MAX = 2
CHUNK = 200  # records executed at once
ROOTS: Mapping[str, Kind] = {"orders": "order", "customers": "customer", "products": "product"}
UNDER_WAY = frozenset({"CREATED", "RUNNING"})


class Results:
    """The lines that a query came to, on disk; ``roots`` of them are records."""

    def __init__(self, lines: Iterable[tuple[bytes, bool]], seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 - an order, no secret
        self.lines = self.roots = 0
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._rows.close)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE line (place REAL, body BLOB)")
        self._rows.execute("BEGIN")
        for line, is_root in lines:
            self._rows.execute("INSERT INTO line VALUES (?, ?)", [draw.random(), line])
            self.lines += 1
            self.roots += is_root
        self._rows.execute("CREATE INDEX shuffled ON line (place)")
        self._rows.execute("COMMIT")

    def body(self) -> Iterator[bytes]:
        """Yield the lines, shuffled."""
        for (line,) in self._rows.execute("SELECT body FROM line ORDER BY place"):
            yield line + b"\n"


@dataclass
class _Operation:
    id: str
    query: str
    created_at: str
    ends_at: float
    fate: str
    results: Results | None = None
    is_cancelled: bool = False


class BulkOperations:
    """One store's bulk operations; ``clock`` is what they take their time by, in seconds."""

    def __init__(self, shop: Shop, clock: Callable[[], float]) -> None:
        self._shop = shop
        self._clock = clock
        self._all: dict[str, _Operation] = {}

    def fields(self) -> Row:
        """Return the root's fields that are about them."""
        return {
            "bulkOperationRunQuery": self._run,
            "bulkOperationCancel": self._cancel,
            "bulkOperation": lambda _, id: self._told(self._all.get(id)),  # noqa: A006
        }

    def _run(self, _: Info, query: str, **__: object) -> Row:
        refusal = refused(query)
        if refusal is not None:
            return _wrong(refusal, "INVALID")
        running = [one for one in self._all.values() if self._status(one) in UNDER_WAY]
        if len(running) >= self._shop.bulk.at_once:
            return _wrong("The app has reached its limit of bulk operations.", "LIMIT_REACHED")
        ways = self._shop.bulk
        one = _Operation(
            id=self._shop.gid("BulkOperation"),
            query=query,
            created_at=self._shop.stamp(),
            ends_at=self._clock() + ways.seconds,
            fate=ways.fates.pop(0) if ways.fates else "COMPLETED",
        )
        self._all[one.id] = one
        return {"bulkOperation": self._told(one), "userErrors": []}

    def _cancel(self, _: Info, id: str) -> Row:  # noqa: A002 - the argument's
        one = self._all.get(id)
        if one is None or self._status(one) not in UNDER_WAY:
            said = "The bulk operation can't be canceled."
            return {"userErrors": [{"field": ["id"], "message": said}]}
        one.is_cancelled = True
        return {"bulkOperation": self._told(one), "userErrors": []}

    def _status(self, one: _Operation) -> str:
        now = self._clock()
        if one.is_cancelled:
            return "CANCELING" if now < one.ends_at else "CANCELED"
        if now < one.ends_at:
            return "RUNNING"
        return one.fate.partition(" ")[0]

    def _told(self, one: _Operation | None) -> Row | None:
        if one is None:
            return None
        status = self._status(one)
        told: Row = {
            "__typename": "BulkOperation",
            "id": one.id,
            "type": "QUERY",
            "query": one.query,
            "createdAt": one.created_at,
            "status": status,
            "errorCode": one.fate.partition(" ")[2] or None,
            "objectCount": "0",
            "rootObjectCount": "0",
        }
        if status != "COMPLETED":
            return told
        results = self._results(one)
        counts = {
            "objectCount": str(results.lines),
            "rootObjectCount": str(results.roots),
        }
        is_there = self._clock() < one.ends_at + self._shop.bulk.life_s
        address = f"{self._shop.bulk.storage}/bulk/{one.id.rpartition('/')[2]}.jsonl"
        return told | counts | {"url": address if results.lines and is_there else None}

    def _results(self, one: _Operation) -> Results:
        if one.results is None:
            document = prepared(one.query)
            assert isinstance(document, DocumentNode)
            ready = self._shop.bulk.ready.get(one.query)
            one.results = ready or Results(lines_of(self._shop, document), self._shop.bulk.seed)
        return one.results

    def file(self, number: str) -> Iterable[bytes] | None:
        """Return the results at an address, None where they are not (any more)."""
        one = self._all.get(f"gid://shopify/BulkOperation/{number}")
        if one is None or self._status(one) != "COMPLETED":
            return None
        if self._clock() >= one.ends_at + self._shop.bulk.life_s:
            return None
        return self._shop.bulk.spoiled(self._results(one).body())


def _wrong(message: str, code: str) -> Row:
    error = {"field": ["query"], "message": message, "code": code}
    return {"bulkOperation": None, "userErrors": [error]}


class _Shape(Visitor):
    """Counts connections, and looks where they stand."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self._within: list[str] = []  # "connection", "list" or "" for each field around
        self.count = 0
        self.depth = 0
        self.is_in_list = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        type_ = self._info.get_type()
        named = get_named_type(type_)
        plain = type_.of_type if is_non_null_type(type_) else type_
        what = ""
        if named is not None and named.name.endswith("Connection"):
            what = "connection"
            self.count += 1
            self.depth = max(self.depth, self._within.count("connection") + 1)
            self.is_in_list |= "list" in self._within
        elif is_list_type(plain) and node.name.value not in {"edges", "nodes"}:
            what = "list"
        self._within.append(what)

    def leave_field(self, *_: object) -> None:
        self._within.pop()

    def wrong(self) -> dict[str, bool]:
        """Return what may be wrong with it, and whether it is."""
        deep = f"Bulk queries cannot contain connections with a nesting depth > {DEPTH_MAX}."
        listed = "Queries that contain a connection field within a list field are not supported."
        return {
            "Bulk queries must contain at least one connection.": self.count == 0,
            f"Bulk queries cannot contain more than {CONNECTIONS_MAX} connections.": (
                self.count > CONNECTIONS_MAX
            ),
            deep: self.depth > DEPTH_MAX,
            listed: self.is_in_list,
        }


def refused(query: str) -> str | None:
    """Return why a query can't be run in bulk, None where it can."""
    document = prepared(query)
    if not isinstance(document, DocumentNode):
        return f"Invalid bulk query: {document[0].message}"
    document = inlined(document)
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(found) != 1 or found[0].operation != OperationType.QUERY:
        return "Bulk queries must be one query."
    info = TypeInfo(schema())
    shape = _Shape(info)
    visit(document, TypeInfoVisitor(info, shape))
    return next((why for why, holds in shape.wrong().items() if holds), None)


def lines_of(shop: Shop, document: DocumentNode) -> Iterator[tuple[bytes, bool]]:
    """Yield the lines that a query comes to, and whether each is a record's own."""
    (kind,) = [kind for name, kind in ROOTS.items() if _asks_for(document, name)]
    rows = shop.of(kind)
    for begin in range(0, len(rows), CHUNK):
        chunk = rows[begin : begin + CHUNK]
        done = execute_sync(
            schema(),
            document,
            {f"{kind}s": chunk},
            field_resolver=_resolved,
            type_resolver=lambda value, *_: value["__typename"],
        )
        if done.errors or done.data is None:
            raise GraphQLError(f"the fake can't run this in bulk: {done.errors}")
        (found,) = done.data.values()
        for node in _nodes(found):
            yield from _apart(node)


def _asks_for(document: DocumentNode, name: str) -> bool:
    return any(
        isinstance(one, FieldNode) and one.name.value == name
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        for one in definition.selection_set.selections
    )


def _resolved(source: Any, info: Info, **asked: Any) -> Any:  # noqa: ANN401
    """Return a field of a record: all of a list where a connection belongs."""
    value = source.get(info.field_name)
    if isinstance(value, Sequence) and get_named_type(info.return_type).name.endswith("Connection"):
        return {"nodes": value, "edges": [{"node": one} for one in value]}
    if isinstance(value, list) and asked.get("first") is not None:
        return value[: asked["first"]]
    return value


def _nodes(connection: Row) -> list[Row]:
    if "edges" in connection:
        return [edge["node"] for edge in connection["edges"]]
    return list(connection["nodes"])


def _apart(node: Row) -> Iterator[tuple[bytes, bool]]:
    """Yield a record without what is in its connections, and that by itself."""
    own = {name: value for name, value in node.items() if not _is_connection(value)}
    yield orjson.dumps(own), True
    for value in node.values():
        if _is_connection(value):
            for child in _nodes(value):
                yield orjson.dumps(child | {"__parentId": node["id"]}), False


def _is_connection(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= {"edges", "nodes"}
