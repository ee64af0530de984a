"""The REST API ``wc/v3`` and the WordPress index, as one table of routes."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from platforms.woocommerce.fake import coupons, listing, orders, people, products, refunds, webhooks
from platforms.woocommerce.fake.auth import Gate, denied
from platforms.woocommerce.fake.data import FakeStore, Kind
from platforms.woocommerce.fake.errors import ApiError, Record, no_route, not_in_enum, unreadable
from platforms.woocommerce.fake.listing import Answer, Query
from platforms.woocommerce.fake.shapes import links
from platforms.woocommerce.fake.values import SYMBOLS, offset_hours
from platforms.woocommerce.fake.webhooks import php_json

ROOT = "/wp-json/wc/v3"
CURRENCIES = {"EUR": "Euro", "USD": "United States (US) dollar", "GBP": "Pound sterling"}
HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: ``ids`` are the numbers in its path."""

    store: FakeStore
    query: Query
    body: Record
    ids: tuple[int, ...]
    word: str = ""

    def record(self, kind: Kind) -> Record:
        """Return the record that the path's first id names."""
        return self.store.get(kind, self.ids[0])

    def forced(self, name: str) -> None:
        """Refuse unless ``force=true``: this kind can't be trashed."""
        if not self.query.flag("force"):
            words = f"{name} do not support trashing."
            raise ApiError(501, "woocommerce_rest_trash_not_supported", words)


Endpoint = Callable[[Call], Awaitable[Answer]]


def _made(call: Call, collection: str, record: Record) -> Answer:
    place = f"{call.store.site.url}{ROOT}/{collection}/{record['id']}"
    return Answer(record, 201, {"Location": place})


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
    return _made(call, "orders", orders.create(call.store, call.body))


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
    place = f"{call.store.site.url}{ROOT}/orders/{order['id']}/refunds/{refund['id']}"
    return Answer(refunds.without_parent([refund])[0], 201, {"Location": place})


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
    return _made(call, "customers", people.create(call.store, call.body))


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
        if exact in ("", str(one[key]).lower()) and _shown(one["status"], status)
    )
    found = listing.searched(query, found, "name" if kind == "product" else "code")
    return listing.page(query, listing.by_date(query, found))


def _shown(status: str, wanted: str) -> bool:
    return status == wanted or (wanted == "any" and status != "trash")


async def _products(call: Call) -> Answer:
    return await _posts(call, "product", "sku")


async def _product_create(call: Call) -> Answer:
    return _made(call, "products", products.create(call.store, call.body))


async def _product(call: Call) -> Answer:
    return Answer(call.record("product"))


async def _product_update(call: Call) -> Answer:
    return Answer(products.update(call.store, call.record("product"), call.body))


async def _product_delete(call: Call) -> Answer:
    product = call.record("product")
    return Answer(products.delete(call.store, product, force=call.query.flag("force")))


async def _coupons(call: Call) -> Answer:
    return await _posts(call, "coupon", "code")


async def _coupon_create(call: Call) -> Answer:
    return _made(call, "coupons", coupons.create(call.store, call.body))


async def _coupon(call: Call) -> Answer:
    return Answer(call.record("coupon"))


async def _coupon_update(call: Call) -> Answer:
    return Answer(coupons.update(call.store, call.record("coupon"), call.body))


async def _coupon_delete(call: Call) -> Answer:
    coupon = call.record("coupon")
    return Answer(coupons.delete(call.store, coupon, force=call.query.flag("force")))


async def _webhooks(call: Call) -> Answer:
    query = call.query
    status = query.word("status", "all", ("all", *webhooks.STATUSES))
    found = [one for one in call.store.all("webhook") if status in ("all", one["status"])]
    return listing.page(query, found if query.one("order") == "asc" else found[::-1])


async def _webhook_create(call: Call) -> Answer:
    return _made(call, "webhooks", await webhooks.create(call.store, call.body))


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


async def _settings(call: Call) -> Answer:
    return Answer([_currency_setting(call.store)])


async def _setting(call: Call) -> Answer:
    if call.word != "woocommerce_currency":
        raise ApiError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return Answer(_currency_setting(call.store))


def _currency_setting(store: FakeStore) -> Record:
    tip = (
        "This controls what currency prices are listed at in the catalog and which currency "
        "gateways will take payments in."
    )
    name, home = "woocommerce_currency", "settings/general"
    group = links(store.site.url, home, 0)["collection"]
    here = {"href": f"{group[0]['href']}/{name}", "targetHints": {"allow": ["GET", "POST", "PUT"]}}
    return {
        "id": name, "label": "Currency", "description": tip, "type": "select", "default": "USD",
        "options": {code: f"{title} — {code}" for code, title in CURRENCIES.items()},
        "tip": tip, "value": store.site.currency, "group_id": "general",
        "_links": {"self": [here], "collection": group},
    }  # fmt: skip


async def _currency(call: Call) -> Answer:
    code = call.store.site.currency
    return Answer({"code": code, "name": CURRENCIES.get(code, code), "symbol": SYMBOLS.get(code)})


_TABLE: Sequence[tuple[str, dict[str, Endpoint]]] = (
    ("orders", {"GET": _orders, "POST": _order_create}),
    ("orders/N", {"GET": _order, "PUT": _order_update, "DELETE": _order_delete}),
    ("orders/N/refunds", {"GET": _refunds_of, "POST": _refund_create}),
    ("orders/N/refunds/N", {"GET": _refund, "DELETE": _refund_delete}),
    ("refunds", {"GET": _refunds}),
    ("customers", {"GET": _customers, "POST": _customer_create}),
    ("customers/N", {"GET": _customer, "PUT": _customer_update, "DELETE": _customer_delete}),
    ("products", {"GET": _products, "POST": _product_create}),
    ("products/N", {"GET": _product, "PUT": _product_update, "DELETE": _product_delete}),
    ("coupons", {"GET": _coupons, "POST": _coupon_create}),
    ("coupons/N", {"GET": _coupon, "PUT": _coupon_update, "DELETE": _coupon_delete}),
    ("webhooks", {"GET": _webhooks, "POST": _webhook_create}),
    ("webhooks/N", {"GET": _webhook, "PUT": _webhook_update, "DELETE": _webhook_delete}),
    ("settings/general", {"GET": _settings}),
    ("settings/general/W", {"GET": _setting, "PUT": _setting}),
    ("data/currencies/current", {"GET": _currency}),
)
ROUTES = [
    (re.compile(path.replace("N", r"(\d+)").replace("W", r"(?P<word>\w+)")), methods)
    for path, methods in _TABLE
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
        words = found.groupdict()
        if key is None:
            raise denied(request.method, is_list=not found.groups())
        ids = () if words else tuple(int(part) for part in found.groups())
        body = read_body(await request.body())
        call = Call(self._store, query, body, ids, words.get("word", ""))
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
        "namespaces": ["wc/v3", "wc/store/v1", "wp/v2"], "authentication": [], "routes": {},
    }  # fmt: skip
