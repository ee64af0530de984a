"""A store in memory: what a vendor would be. Its records, its JSON over HTTP, its webhooks.

Records are kept as they are shown. Every change stamps the record with the store's clock, in
whole seconds, and is told to every webhook: ``{kind}.changed`` with the record as it is when the
delivery goes out, or ``{kind}.deleted`` with the bare id. The protocol has traps, as vendors'
do: shoppers' drafts are listed (status ``typing``), a discount's e-mail address that the store
dislikes is dropped without a word, and a webhook is given up after five failures in a row.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platforms.model import DiscountKind

Row = dict[str, Any]
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
START = datetime(2026, 10, 24, 12, tzinfo=UTC)  # the day before the clocks change in Berlin
PAGE = 100
FAILURES_MAX = 5
APART: frozenset[frozenset[DiscountKind]] = frozenset(
    {frozenset({"percent"}), frozenset({"amount", "free_product"})}
)
"""Of which kinds of discount an order takes the first code alone."""
KINDS = {"orders": "order", "customers": "customer", "products": "product"}


@dataclass
class Hook:
    """A webhook: who is told of every change, and how that goes."""

    url: str
    secret: str
    failures: int = 0

    def shown(self) -> Row:
        """Return it as the API shows it; the secret never comes back."""
        return {
            "id": self.url,
            "url": self.url,
            "status": "disabled" if self.failures >= FAILURES_MAX else "active",
        }


@dataclass
class Shop:
    """The records of one store, by kind and id, and what must be told of them."""

    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    key: str = "open-sesame"
    now: datetime = START
    records: dict[str, dict[str, Row]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS.values()}
    )
    discounts: dict[str, Row] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    _last_number: int = 0
    _due: list[tuple[str, str, str]] = field(default_factory=list)

    def new_id(self) -> str:
        """Return a number that nothing here has."""
        self._last_number += 1
        return str(self._last_number)

    def stamp(self) -> str:
        """Return the store's time as its protocol writes it."""
        return self.now.isoformat()

    def put(self, kind: str, row: Row) -> str:
        """Keep a record as changed now, and have it told; return its id."""
        self.records[kind][row["id"]] = row | {"changed": self.stamp()}
        self._tell(kind, row["id"])
        return str(row["id"])

    def remove(self, kind: str, id_: str) -> None:
        """Forget a record, and have it told."""
        del self.records[kind][id_]
        self._tell(kind, id_)

    def _tell(self, kind: str, id_: str) -> None:
        self._due += [(url, kind, id_) for url in self.hooks]

    async def deliver(self, post: Post) -> None:
        """Post all deliveries that are due, each once; ``post`` returns the answer's status."""
        due, self._due = self._due, []
        for url, kind, id_ in due:
            hook = self.hooks.get(url)
            if hook is None or hook.failures >= FAILURES_MAX:
                continue
            row = self.records[kind].get(id_)
            body = orjson.dumps(row or {"id": id_})
            headers = {
                "memory-topic": f"{kind}.changed" if row else f"{kind}.deleted",
                "memory-delivery": self.new_id(),
                "memory-signature": hmac.digest(hook.secret.encode(), body, "sha256").hex(),
            }
            answered = await post(url, headers, body)
            hook.failures = 0 if answered < 300 else hook.failures + 1

    def together(self, codes: Sequence[str]) -> list[str]:
        """Return those of these codes that one order takes, in small letters."""
        taken: list[str] = []
        for code in codes:
            kind = self.discounts[code.lower()]["kind"]
            others = [self.discounts[one]["kind"] for one in taken]
            if all(frozenset({kind, other}) not in APART for other in others):
                taken.append(code.lower())
        return taken

    def is_usable(self, discount: Row) -> bool:
        """Return whether a checkout would take the discount."""
        expires = discount["expires"]
        is_over = bool(expires) and datetime.fromisoformat(expires) <= self.now
        return discount["used"] == 0 and not is_over


class _Api:
    """The JSON half, a method a route."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def store(self, _: Request) -> Response:
        orders = self._shop.records["order"].values()
        return _json(
            {
                "name": "A store in memory",
                "currency": self._shop.currency,
                "timezone": self._shop.timezone,
                "newest_order": max((row["changed"] for row in orders), default=None),
                "counts": {kind: len(rows) for kind, rows in self._shop.records.items()},
            }
        )

    async def records(self, request: Request) -> Response:
        """List by (changed, id) from ``since``, or from ``after``; or show these ``ids``.

        Whatever changes moves to the end, so a listing passes nothing by.
        """
        rows = self._shop.records[KINDS[request.path_params["kind"]]]
        asked = request.query_params
        if "ids" in asked:
            found = [rows[id_] for id_ in asked["ids"].split(",")[:PAGE] if id_ in rows]
            return _json({"rows": found, "next": None})
        stamp, _, id_ = asked.get("after", asked.get("since", "")).partition("|")
        listed = sorted((row["changed"], int(row["id"])) for row in rows.values())
        there = [place for place in listed if place > (stamp, int(id_ or 0))]
        page = there[:PAGE]
        following = f"{page[-1][0]}|{page[-1][1]}" if len(there) > PAGE else None
        return _json({"rows": [rows[str(place[1])] for place in page], "next": following})

    async def profile(self, request: Request) -> Response:
        customer = self._shop.records["customer"].get(request.path_params["id"])
        if customer is None:
            return _json({"error": "no such customer"}, 404)
        customer["profile"] = orjson.loads(await request.body())
        return _json(customer["profile"])

    async def notes(self, request: Request) -> Response:
        """Show an order's notes; PUT adds one, unless it is there."""
        id_ = request.path_params["id"]
        if id_ not in self._shop.records["order"]:
            return _json({"error": "no such order"}, 404)
        notes = self._shop.notes.setdefault(id_, [])
        if request.method == "PUT":
            text = orjson.loads(await request.body())["text"]
            notes += [] if text in notes else [text]
        return _json(notes)

    async def hooks(self, request: Request) -> Response:
        """List the webhooks; PUT makes one anew, DELETE drops it."""
        hooks = self._shop.hooks
        if request.method == "PUT":
            asked = orjson.loads(await request.body())
            hooks[asked["url"]] = Hook(asked["url"], asked["secret"])
        elif request.method == "DELETE":
            hooks.pop(request.query_params["url"], None)
        return _json([hook.shown() for hook in hooks.values()])

    async def discount(self, request: Request) -> Response:
        """Show a discount; PUT makes it unless the code is taken, DELETE drops it."""
        code, discounts = request.path_params["code"].lower(), self._shop.discounts
        status = 200
        if request.method == "PUT" and code not in discounts:
            asked = orjson.loads(await request.body())
            if asked["currency"] != self._shop.currency:
                return _json({"error": f"we sell in {self._shop.currency}"}, 422)
            if "@" not in (asked["email"] or "") or " " in asked["email"]:
                asked["email"] = None
            discounts[code] = asked | {"id": self._shop.new_id(), "used": 0}
            status = 201
        if code not in discounts:
            return _json({"error": "no such discount"}, 404)
        found = discounts[code]
        if request.method == "DELETE":
            del discounts[code]
        return _json(found | {"usable": self._shop.is_usable(found)}, status)


def create_api(shop: Shop) -> Starlette:
    """Return the store's API as an application; all of it wants the store's key."""
    api = _Api(shop)

    def guarded(handler: Callable[[Request], Awaitable[Response]]) -> Any:  # noqa: ANN401
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {shop.key}".encode()):
                return _json({"error": "this key opens nothing here"}, 401)
            return await handler(request)

        return endpoint

    writes = ["PUT", "DELETE"]
    return Starlette(
        routes=[
            Route("/api/store", guarded(api.store)),
            Route("/api/hooks", guarded(api.hooks), methods=["GET", *writes]),
            Route("/api/discounts/{code}", guarded(api.discount), methods=["GET", *writes]),
            Route("/api/customers/{id}/profile", guarded(api.profile), methods=["PUT"]),
            Route("/api/orders/{id}/notes", guarded(api.notes), methods=["GET", "PUT"]),
            Route("/api/{kind}", guarded(api.records)),
        ]
    )


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
