"""``/api/v1``: what merchants' own systems ask, and its description as OpenAPI 3.1.

A feature declares endpoints; what they take and answer are types, so that the description is
made of what is checked. A key speaks for one store, and no request names another.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_type_hints

import msgspec
import orjson
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.commerce.models import ID_MAX, StoreRow
from connector.errors import (
    BodyTooLarge,
    KeyReused,
    KeyUnknown,
    NotReady,
    PerennialError,
    RecordUnknown,
    RequestInvalid,
    ScopeMissing,
)
from connector.sync.stores import Stores
from connector.web.body import bounded_body, decoded, idempotency_key
from connector.web.keys import Keys

Q = TypeVar("Q")
B = TypeVar("B")
T = TypeVar("T")
BASE = "/api/v1"
BODY_MAX = 100_000
PAGE_MAX = 100
AFTER_MAX = 100
INT, BIGINT = 2**31, 2**63  # what the columns of numbered ids hold
REF = "#/components/schemas/{name}"
OF_ANY = (RequestInvalid, KeyUnknown, ScopeMissing, NotReady)
OF_WRITES = (BodyTooLarge, KeyReused)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked where nothing can be."""


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a list is asked for."""

    after: Annotated[
        str, Meta(max_length=AFTER_MAX, pattern="^[ -~]*$", description="The last known id.")
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong (RFC 9457); ``code`` is stable."""

    type: str
    title: str
    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """A request that was checked; ``key`` is the Idempotency-Key of a write."""

    store: StoreRow
    path: Mapping[str, str]
    query: Q
    body: B
    key: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What keys with a ``scope`` can ask of a ``path`` below ``/api/v1``.

    What it takes and answers, and what it does, is what ``serve`` says of itself. ``example`` is a
    body that would be right, ``errors`` what it raises beyond what all do.
    """

    method: Literal["GET", "POST"]
    path: str
    scope: str
    serve: Callable[[Asked[Any, Any]], Awaitable[object]]
    errors: Sequence[type[PerennialError]] = ()
    example: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method == "POST"

    @property
    def query(self) -> Any:  # noqa: ANN401 - a type that is known when it runs
        """The struct of its query."""
        return get_args(get_type_hints(self.serve)["asked"])[0]

    @property
    def body(self) -> Any:  # noqa: ANN401 - as above
        """The struct of its body."""
        return get_args(get_type_hints(self.serve)["asked"])[1]

    @property
    def answer(self) -> Any:  # noqa: ANN401 - as above
        """The dataclass of its answer."""
        return get_type_hints(self.serve)["return"]


Endpoints = Sequence[Endpoint]


class Api:
    """The routes of all features' endpoints."""

    def __init__(self, stores: Stores, endpoints: Endpoints) -> None:
        self._stores = stores
        self._endpoints = endpoints
        self._description = orjson.dumps(described(endpoints))

    def routes(self) -> list[BaseRoute]:
        """Return the routes, one for each path."""
        of_path: dict[str, list[Endpoint]] = {}
        for one in self._endpoints:
            of_path.setdefault(one.path, []).append(one)
        return [
            Route(f"{BASE}/openapi.json", self.describe, methods=["GET"]),
            *(
                Route(
                    f"{BASE}{path}",
                    self._served({one.method: (one, one.query, one.body) for one in found}),
                    methods=[one.method for one in found],
                )
                for path, found in of_path.items()
            ),
        ]

    async def describe(self, _: Request) -> Response:
        """Answer with the description; it says nothing of any store."""
        return Response(self._description, media_type="application/json")

    def _served(
        self, of_method: Mapping[str, tuple[Endpoint, Any, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            endpoint, query, body = of_method[method]
            answer = await endpoint.serve(await self._asked(request, endpoint, query, body))
            return Response(
                orjson.dumps(answer, option=orjson.OPT_UTC_Z),
                201 if endpoint.is_write else 200,
                {"Cache-Control": "no-store"},
                media_type="application/json",
            )

        return serve

    async def _asked(
        self, request: Request, endpoint: Endpoint, query: type[Q], body: type[B]
    ) -> Asked[Q, B]:
        """Check a request: its key first, that strangers learn nothing."""
        key = await Keys.of(request)
        if endpoint.scope not in key.scopes:
            raise ScopeMissing(f"this key lacks the scope {endpoint.scope!r}")
        store = await self._stores.find(key.store)
        path, asked = request.path_params, _query(request, query)
        if not endpoint.is_write:
            return Asked(store, path, asked, body(), "")
        meant = idempotency_key(request)
        sent = await bounded_body(request, BODY_MAX)
        given = decoded(sent, body, example=endpoint.example or "{}")
        return Asked(store, path, asked, given, meant)


def _query(request: Request, type_: type[Q]) -> Q:
    """Return the query of a request as what it should be.

    Raises:
        RequestInvalid: it isn't that, or says a thing twice.
    """
    given = request.query_params
    if len(given.multi_items()) > len(given):
        raise RequestInvalid("the query says a thing twice")
    try:
        return msgspec.convert(dict(given), type_, strict=False)
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"the query is not right: {error}") from error


def described(endpoints: Endpoints) -> dict[str, Any]:
    """Return the description of endpoints, as OpenAPI 3.1."""
    bodies = [one.body for one in endpoints if one.is_write]
    types = list(dict.fromkeys([*(one.answer for one in endpoints), *bodies, Problem]))
    _, components = msgspec.json.schema_components(types, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(f"{BASE}{one.path}", {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Perennial",
            "version": version("perennial"),
            "description": "Points, tiers and rewards of one store. A key speaks for its store.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    answers = {
        "201" if one.is_write else "200": {
            "description": one.answer.__doc__ or "",
            "content": {"application/json": {"schema": _ref(one.answer)}},
        }
    }
    found = {
        "summary": (one.serve.__doc__ or "").partition("\n")[0],
        "operationId": _name(one),
        "description": f"For keys with the scope `{one.scope}`.",
        "parameters": _parameters(one),
        "responses": answers | _refusals(one),
    }
    if one.is_write:
        content = {"application/json": {"schema": _ref(one.body)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _name(one: Endpoint) -> str:
    words = [word.strip("{}") for word in one.path.strip("/").split("/")]
    return "_".join([one.method.lower(), *words])


def _ref(type_: type) -> dict[str, str]:
    return {"$ref": REF.format(name=type_.__name__)}


def _refusals(one: Endpoint) -> dict[str, Any]:
    """Return what can go wrong, by status."""
    content = {"application/problem+json": {"schema": _ref(Problem)}}
    said: dict[str, list[str]] = {}
    for error in (*OF_ANY, *(OF_WRITES if one.is_write else ()), *one.errors):
        meaning = (error.__doc__ or "").partition("\n")[0]
        said.setdefault(str(error.status), []).append(f"`{error.code}`: {meaning}")
    return {
        status: {"description": " ".join(dict.fromkeys(lines)), "content": content}
        for status, lines in sorted(said.items())
    }


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    (shape,), components = msgspec.json.schema_components([one.query], ref_template=REF)
    query = components[shape["$ref"].rpartition("/")[2]]
    found = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in query["properties"].items()
    ]
    words = [word for word in one.path.split("/") if word.startswith("{")]
    found += [
        {
            "name": word.strip("{}"),
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for word in words
    ]
    if one.is_write:
        shape = {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[!-~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": shape})
    return found


def cut(found: list[T], limit: int) -> tuple[list[T], bool]:
    """Return a page of what was read with one more, and whether there is more."""
    return found[:limit], len(found) > limit


def id_of(asked: Asked[Any, Any], name: str = "id", most: int = ID_MAX) -> str:
    """Return what a path names; nothing has a longer id, or other letters than can be printed.

    Raises:
        RecordUnknown: it can be nothing.
    """
    return known(asked.path[name], most)


def known(id_: str, most: int = ID_MAX) -> str:
    """Return an id that something can have.

    Raises:
        RecordUnknown: nothing can.
    """
    if not (len(id_) <= most and id_.isascii() and id_.isprintable()):
        raise RecordUnknown(f"nothing here has such an id: {id_[:most]!r}")
    return id_


def number(text: str, end: int) -> int:
    """Return the number that an id is, 0 where there is none.

    Raises:
        RecordUnknown: it is no number that a row could have.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and int(text) < end):
        raise RecordUnknown(f"there is no {text!r}: such ids are whole numbers")
    return int(text)
