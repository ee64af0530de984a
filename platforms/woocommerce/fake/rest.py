"""The REST API ``wc/v3`` and the WordPress index, as one table of routes."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from platforms.woocommerce.fake import (
    coupons,
    facts,
    listing,
    notes,
    orders,
    people,
    products,
    refunds,
    webhooks,
)
from platforms.woocommerce.fake.auth import Gate, denied
from platforms.woocommerce.fake.calls import Call, Endpoint, Table
from platforms.woocommerce.fake.data import FakeStore, Kind
from platforms.woocommerce.fake.errors import ApiError, Record, no_route, not_in_enum, unreadable
from platforms.woocommerce.fake.listing import Answer, Query
from platforms.woocommerce.fake.shapes import shown
from platforms.woocommerce.fake.values import offset_hours
from platforms.woocommerce.fake.webhooks import php_json

ROOT = "/wp-json/wc/v3"
BATCH_MAX = 100
HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
}


def _made(record: Record) -> Answer:
    return Answer(record, 201, {"Location": record["_links"]["self"][0]["href"]})


async def _orders(call: Call) -> Answer:
    query, found = call.query, call.store.all("order")
    found = listing.statuses(query, found)
    found = listing.included(query, listing.dated(query, found))
    found = listing.searched(
        query, found, "id", "billing.email", "billing.first_name", "billing.last_name"
    )
    if customer := query.one("customer"):
        found = (one for one in found if str(one["customer_id"]) == customer)
    return listing.page(query, listing.by_date(query, found), recounts=False)


async def _order_create(call: Call) -> Answer:
    return _made(orders.create(call.store, call.body))


async def _order(call: Call) -> Answer:
    return Answer(call.record("order"))


async def _order_update(call: Call) -> Answer:
    return Answer(orders.update(call.store, call.record("order"), call.body))


async def _order_delete(call: Call) -> Answer:
    order = call.record("order")
    return Answer(orders.delete(call.store, order, force=call.query.flag("force")))


async def _refunds_of(call: Call) -> Answer:
    found = refunds.of(call.store, call.record("order"))
    return listing.page(call.query, refunds.without_parent(found), recounts=False)


async def _refund_create(call: Call) -> Answer:
    order = call.record("order")
    refund = refunds.create(call.store, order, call.body)
    return _made(refunds.without_parent([refund])[0])


async def _refund(call: Call) -> Answer:
    refund = refunds.get(call.store, call.record("order"), call.ids[1])
    return Answer(refunds.without_parent([refund])[0])


async def _refund_delete(call: Call) -> Answer:
    order = call.record("order")
    refund = refunds.get(call.store, order, call.ids[1])
    call.forced("Order refunds")
    return Answer(refunds.without_parent([refunds.delete(call.store, order, refund)])[0])


async def _refunds(call: Call) -> Answer:
    query = call.query
    found = listing.included(query, listing.dated(query, call.store.all("refund")))
    return listing.page(query, listing.by_date(query, found), recounts=False)


async def _customers(call: Call) -> Answer:
    found: Iterable[Record]
    query, role = call.query, call.query.one("role", "customer")
    email = query.one("email").lower()
    found = (
        one
        for one in listing.included(query, call.store.all("customer"))
        if role in ("all", one["role"]) and email in ("", one["email"].lower())
    )
    found = listing.searched(query, found, "email", "username", "first_name", "last_name")
    name = query.word("orderby", "name", ("id", "include", "name", "registered_date"))
    down = query.word("order", "asc", ("asc", "desc")) == "desc"
    ranked = sorted(found, key=lambda one: _customer_key(one, name), reverse=down)
    return listing.page(query, ranked)


def _customer_key(one: Record, name: str) -> tuple[str, int]:
    shown = f"{one['first_name']} {one['last_name']}".lower()
    return {"name": shown, "registered_date": one["date_created_gmt"]}.get(name, ""), one["id"]


async def _customer_create(call: Call) -> Answer:
    return _made(people.create(call.store, call.body))


async def _customer(call: Call) -> Answer:
    return Answer(call.record("customer"))


async def _customer_update(call: Call) -> Answer:
    return Answer(people.update(call.store, call.record("customer"), call.body))


async def _customer_delete(call: Call) -> Answer:
    one = call.record("customer")
    call.forced("Customers")
    return Answer(people.delete(call.store, one))


async def _posts(call: Call, kind: Kind, key: str) -> Answer:
    """List products or coupons; ``key`` is what an exact match may ask for."""
    query = call.query
    found: Iterable[Record]
    exact, status = query.one(key).lower(), query.one("status", "any")
    found = (
        one
        for one in listing.included(query, listing.dated(query, call.store.all(kind)))
        if exact in ("", str(one[key]).lower())
        and _is_shown(one["status"], status)
        and query.one("type", "any") in ("any", one.get("type"))
    )
    found = listing.searched(query, found, "name" if kind == "product" else "code")
    return listing.page(query, [shown(kind, one) for one in listing.by_date(query, found)])


def _is_shown(status: str, wanted: str) -> bool:
    return status == wanted or (wanted == "any" and status != "trash")


async def _products(call: Call) -> Answer:
    return await _posts(call, "product", "sku")


async def _product_create(call: Call) -> Answer:
    product = products.create(call.store, call.body)
    return _made(products.for_editing(call.store, product))


async def _product(call: Call) -> Answer:
    return Answer(call.record("product"))


async def _product_update(call: Call) -> Answer:
    product = products.update(call.store, call.record("product"), call.body)
    return Answer(products.for_editing(call.store, product))


async def _product_delete(call: Call) -> Answer:
    force = call.query.flag("force")
    product = products.delete(call.store, call.record("product"), force=force)
    return Answer(products.for_editing(call.store, product))


async def _coupons(call: Call) -> Answer:
    return await _posts(call, "coupon", "code")


async def _coupon_create(call: Call) -> Answer:
    return _made(shown("coupon", coupons.create(call.store, call.body)))


async def _coupon(call: Call) -> Answer:
    return Answer(shown("coupon", call.record("coupon")))


async def _coupon_update(call: Call) -> Answer:
    coupon = coupons.update(call.store, call.record("coupon"), call.body)
    return Answer(shown("coupon", coupon))


async def _coupon_delete(call: Call) -> Answer:
    coupon = call.record("coupon")
    gone = coupons.delete(call.store, coupon, force=call.query.flag("force"))
    return Answer(shown("coupon", gone))


async def _webhooks(call: Call) -> Answer:
    query = call.query
    status = query.word("status", "all", ("all", *webhooks.STATUSES))
    found = [one for one in call.store.all("webhook") if status in ("all", one["status"])]
    return listing.page(query, found if query.one("order") == "asc" else found[::-1])


async def _webhook_create(call: Call) -> Answer:
    return _made(await webhooks.create(call.store, call.body))


async def _webhook(call: Call) -> Answer:
    return Answer(call.record("webhook"))


async def _webhook_update(call: Call) -> Answer:
    if call.body.get("status", "active") not in webhooks.STATUSES:
        raise not_in_enum("status", webhooks.STATUSES)
    return Answer(await webhooks.update(call.store, call.record("webhook"), call.body))


async def _webhook_delete(call: Call) -> Answer:
    hook = call.record("webhook")
    call.forced("Webhooks")
    return Answer(webhooks.delete(call.store, hook))


async def _notes(call: Call) -> Answer:
    return Answer(notes.of(call.store, call.record("order")))


async def _note_create(call: Call) -> Answer:
    order = call.record("order")
    return _made(notes.create(call.store, order, call.body))


async def _note(call: Call) -> Answer:
    return Answer(notes.get(call.store, call.record("order"), call.ids[1]))


async def _note_delete(call: Call) -> Answer:
    note = notes.get(call.store, call.record("order"), call.ids[1])
    call.forced("Webhooks")  # the vendor's own slip
    return Answer(notes.delete(call.store, note))


async def _coupon_batch(call: Call) -> Answer:
    """Create, update and delete coupons; what is refused says so in its own place."""
    asked = {name: call.body.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(items) for items in asked.values()) > BATCH_MAX:
        words = f"Unable to accept more than {BATCH_MAX} items for this request."
        raise ApiError(413, "woocommerce_rest_request_entity_too_large", words)
    done: dict[str, list[Record]] = {}
    for name, items in asked.items():
        if items:
            done[name] = [_coupon_item(call.store, name, one) for one in items]
    return Answer(done)


def _coupon_item(store: FakeStore, name: str, item: Record | int) -> Record:
    number = item if isinstance(item, int) else int(item.get("id") or 0)
    try:
        if name == "create" and isinstance(item, dict):
            return shown("coupon", coupons.create(store, item))
        coupon = store.get("coupon", number)
        if isinstance(item, dict):
            return shown("coupon", coupons.update(store, coupon, item))
        return shown("coupon", coupons.delete(store, coupon, force=True))
    except ApiError as refused:
        return {"id": number, "error": refused.body}


TABLE: Table = {
    "orders": {"GET": _orders, "POST": _order_create},
    "orders/N": {"GET": _order, "PUT": _order_update, "DELETE": _order_delete},
    "orders/N/notes": {"GET": _notes, "POST": _note_create},
    "orders/N/notes/N": {"GET": _note, "DELETE": _note_delete},
    "orders/N/refunds": {"GET": _refunds_of, "POST": _refund_create},
    "orders/N/refunds/N": {"GET": _refund, "DELETE": _refund_delete},
    "refunds": {"GET": _refunds},
    "customers": {"GET": _customers, "POST": _customer_create},
    "customers/N": {"GET": _customer, "PUT": _customer_update, "DELETE": _customer_delete},
    "products": {"GET": _products, "POST": _product_create},
    "products/N": {"GET": _product, "PUT": _product_update, "DELETE": _product_delete},
    "coupons": {"GET": _coupons, "POST": _coupon_create},
    "coupons/batch": {"POST": _coupon_batch},
    "coupons/N": {"GET": _coupon, "PUT": _coupon_update, "DELETE": _coupon_delete},
    "webhooks": {"GET": _webhooks, "POST": _webhook_create},
    "webhooks/N": {"GET": _webhook, "PUT": _webhook_update, "DELETE": _webhook_delete},
    **facts.TABLE,
}
ROUTES = [
    (re.compile(path.replace("N", r"(\d+)").replace("W", r"([\w-]+)")), methods)
    for path, methods in TABLE.items()
]


class Rest:
    """Answers everything under ``/wp-json/wc/v3``."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._gate = Gate(store)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        query = Query(self._store, request.url.path, _last(request.query_params.multi_items()))
        try:
            answer = await self._answer(request, query)
        except ApiError as refused:
            return reply(refused.body, refused.status)
        return reply(listing.fields(query, answer.payload), answer.status, answer.headers)

    async def _answer(self, request: Request, query: Query) -> Answer:
        key = self._gate.enter(request)
        path = request.url.path.removeprefix(ROOT).strip("/")
        endpoint, found = _route(path, request.method)
        if key is None:
            raise denied(request.method, is_list=not found.groups())
        body = read_body(await request.body())
        call = Call(self._store, query, body, found.groups())
        try:
            return await endpoint(call)
        except (ArithmeticError, AttributeError, TypeError, ValueError) as wrong:
            raise unreadable() from wrong


def _last(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep the last value of each plain name, as PHP does; ``name[]`` collects."""
    plain = {key: (key, value) for key, value in pairs if not key.endswith("[]")}
    return [*plain.values(), *(pair for pair in pairs if pair[0].endswith("[]"))]


def _route(path: str, method: str) -> tuple[Endpoint, re.Match[str]]:
    for pattern, methods in ROUTES:
        if found := pattern.fullmatch(path):
            usual = "PUT" if method == "PATCH" or (method == "POST" and found.groups()) else method
            endpoint = methods.get(method) or methods.get(usual)
            if endpoint is not None:
                return endpoint, found
    raise no_route()


def read_body(raw: bytes) -> Record:
    """Read a JSON object; an empty body is an empty one.

    Raises:
        ApiError: it isn't JSON.
    """
    try:
        body = json.loads(raw or b"{}")
    except ValueError as wrong:
        data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
        raise ApiError(400, "rest_invalid_json", "Invalid JSON body passed.", data) from wrong
    return body if isinstance(body, dict) else {}


def reply(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write an answer with WordPress's usual headers."""
    return Response(php_json(payload), status, {**HEADERS, **(headers or {})})


def index(store: FakeStore) -> Record:
    """Return WordPress's own index, which names the site's time zone."""
    site = store.site
    return {
        "name": site.name, "description": "", "url": site.url, "home": site.url,
        "gmt_offset": offset_hours(store.now(), store.zone), "timezone_string": site.timezone,
        "page_for_posts": 0, "page_on_front": 0, "show_on_front": "posts",
        "namespaces": site.namespaces, "authentication": [], "routes": {},
    }  # fmt: skip
