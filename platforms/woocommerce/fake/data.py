"""One store in memory: its records, keys and people, and the clock they live by.

Records are the JSON objects that the API shows; the modules beside this one change them. Orders,
refunds, products and coupons share one run of ids, as WordPress posts do.
"""

import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from platforms.money import decimals
from platforms.woocommerce.fake.errors import Json, Record, invalid_id
from platforms.woocommerce.fake.values import Money, Taxes, stamp
from platforms.woocommerce.fake.webhooks import Hub

Kind = Literal["order", "refund", "note", "customer", "product", "coupon", "webhook"]
ADMIN_ID = 1
VERSION = "10.5.0"
STATUSES = (
    "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed",
    "checkout-draft",
)  # fmt: skip


def system_clock() -> datetime:
    """Return the time of this machine."""
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a store takes from outside: time, chance, the network, and how slow its webhooks are."""

    clock: Callable[[], datetime] = system_clock
    rng: random.Random = field(default_factory=random.SystemRandom)
    transport: httpx.AsyncBaseTransport | None = None
    delay_s: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a store says of itself. ``relaxed`` lets it talk to this machine.

    Relaxed, a wc-auth callback may be plain http and a webhook may go to any port. Nothing else.
    ``decimals`` of its money are the currency's own unless told; ``tax_percent`` 0 is no tax.
    ``url`` may end in a folder. Without permalinks ``/wp-json`` is the theme's 404 page. A site
    whose WooCommerce is not active is a WordPress without it; an old ``version`` lacks what came
    later.
    """

    url: str
    name: str = "Northlight"
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    relaxed: bool = False
    decimals: int | None = None
    tax_percent: Decimal = Decimal(0)
    prices_include_tax: bool = False
    version: str = VERSION
    is_active: bool = True
    has_permalinks: bool = True

    @property
    def folder(self) -> str:
        """Return the path that all of the site is under, empty at the root."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def rest(self) -> str:
        """Return the address that routes of the API are appended to, ``/wc/v3`` and so on."""
        return f"{self.url}/{'wp-json' if self.has_permalinks else 'index.php?rest_route='}"

    def is_at_least(self, *version: int) -> bool:
        """Return whether this is WooCommerce of that version or later."""
        return tuple(int(part) for part in self.version.split(".")) >= version

    @property
    def namespaces(self) -> list[str]:
        """Return the API's namespaces. ``wc/v3`` came with version 3.5."""
        if not self.is_active:
            return ["wp/v2"]
        newest = ["wc/v3"] if self.is_at_least(3, 5) else []
        return ["wc/v1", "wc/v2", *newest, "wc/store/v1", "wp/v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A consumer key of the REST API."""

    id: int
    key: str
    secret: str
    permissions: str


class FakeStore:
    """A WooCommerce in memory, empty at first.

    ``statuses`` are the words that an order may have; plugins add theirs. ``trashed`` says what
    the orders in the trash were before.
    """

    def __init__(self, site: Site, world: World | None = None) -> None:
        self.site = site
        self.world = world or World()
        self.zone = ZoneInfo(site.timezone)
        places = decimals(site.currency) if site.decimals is None else site.decimals
        self.money = Money(places)
        self.taxes = Taxes(site.tax_percent, site.prices_include_tax)
        self.records: dict[Kind, dict[int, Record]] = {
            "order": {}, "refund": {}, "note": {}, "customer": {}, "product": {}, "coupon": {},
            "webhook": {},
        }  # fmt: skip
        self.passwords: dict[int, str] = {}
        self.keys: dict[str, ApiKey] = {}
        self.past: datetime | None = None
        self.statuses: list[str] = list(STATUSES)
        self.trashed: dict[int, str] = {}
        self.counted: set[int] = set()
        self.stocked: set[int] = set()
        self.http = httpx.AsyncClient(
            transport=self.world.transport, timeout=10, trust_env=False, follow_redirects=False
        )
        self.hub = Hub(self)
        self._last: dict[str, int] = {}

    def now(self) -> datetime:
        """Return the store's time, to the second as it stamps."""
        return (self.past or self.world.clock()).replace(microsecond=0)

    def token(self, size: int = 32) -> str:
        """Return ``size`` random hex digits, at most 64."""
        return f"{self.world.rng.getrandbits(256):064x}"[:size]

    def next_id(self, run: str = "post") -> int:
        """Return the next id of a run: ``post``, ``item``, ``meta``, ``user``, ``hook`` or so."""
        self._last[run] = self._last.get(run, 0) + 1
        return self._last[run]

    def seen_id(self, run: str, number: int) -> None:
        """Keep a run ahead of an id that came from elsewhere."""
        self._last[run] = max(self._last.get(run, 0), number)

    def get(self, kind: Kind, number: int) -> Record:
        """Return a record.

        Raises:
            ApiError: there is none.
        """
        found = self.records[kind].get(number)
        if found is None:
            raise invalid_id(kind)
        return found

    def all(self, kind: Kind) -> Iterator[Record]:
        """Return the records of a kind, oldest id first."""
        return iter(self.records[kind].values())

    def touch(self, record: Record) -> None:
        """Move a record's ``date_modified`` to now."""
        stamp(record, "date_modified", self.now(), self.zone)

    def write_meta(self, record: Record, body: Record) -> None:
        """Set a record's metadata as a request asks: by id, else by key, else anew."""
        for one in body.get("meta_data") or []:
            name = "id" if "id" in one else "key"
            found = next((old for old in record["meta_data"] if old[name] == one.get(name)), None)
            if found is None:
                found = {"id": self.next_id("meta"), "key": str(one.get("key", "")), "value": ""}
                record["meta_data"] = [*record["meta_data"], found]
            found["value"] = one.get("value")

    def emit(self, topic: str, number: int) -> None:
        """Tell the webhooks of ``topic`` that this object changed."""
        self.hub.emit(topic, number)

    def act(self, name: str, arg: Json) -> None:
        """Tell the webhooks of an action, which WordPress's own hooks are by name."""
        self.hub.act(name, arg)

    async def deliveries_done(self) -> None:
        """Wait until every delivery that is due or under way was made."""
        await self.hub.done()

    def add_key(self, permissions: str, *, key: str = "", secret: str = "") -> ApiKey:
        """Make an API key; random words where none are given."""
        made = ApiKey(
            id=self.next_id("key"),
            key=key or f"ck_{self.token(40)}",
            secret=secret or f"cs_{self.token(40)}",
            permissions=permissions,
        )
        self.keys[made.key] = made
        return made

    def person(self, login: str, password: str) -> Record | None:
        """Return whoever has this e-mail address or user name, and this password."""
        for one in self.all("customer"):
            named = login.lower() in (one["email"].lower(), one["username"].lower())
            if named and self.passwords.get(one["id"]) == password:
                return one
        return None


FILES: dict[Kind, str] = {
    "customer": "customers",
    "product": "products",
    "coupon": "coupons",
    "order": "orders",
    "refund": "refunds",
}
RECORDED_AT = "https://127.0.0.1:8443"
USED = {"pending", "processing", "on-hold", "completed", "refunded"}


def recorded_site(url: str, folder: Path) -> Site:
    """Return the site that a recorded folder is of, to be served at ``url``."""
    if not (folder / "site.json").exists():
        return Site(url=url, name=folder.name, currency=_usual_currency(folder), timezone="UTC")
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    return Site(url=url, **{key: told[key] for key in ("name", "currency", "timezone")})


def _usual_currency(folder: Path) -> str:
    """Return the currency of most recorded orders: nothing else says what the store's is."""
    with gzip.open(folder / "orders.jsonl.gz", "rt", encoding="utf-8") as lines:
        counts = Counter(json.loads(line)["currency"] for line in lines)
    return counts.most_common(1)[0][0] if counts else "USD"


def load(store: FakeStore, folder: Path) -> None:
    """Fill a store from a recorded folder. Shoppers log in with ``shopper``, admins ``admin``.

    Links follow the site's address, as WordPress's do.
    """
    for kind, name in FILES.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(_moved(line, store.site))
                store.records[kind][record["id"]] = record
                store.seen_id("user" if kind == "customer" else "post", record["id"])
    for one in store.all("customer"):
        store.passwords[one["id"]] = "admin" if one["role"] == "administrator" else "shopper"
    for order in store.all("order"):
        _take_in(store, order)
    for refund in store.all("refund"):
        for line in refund["line_items"]:
            store.seen_id("item", line["id"])


def _moved(text: str, site: Site) -> str:
    return text.replace(f"{RECORDED_AT}/wp-json", site.rest).replace(RECORDED_AT, site.url)


def _take_in(store: FakeStore, order: Record) -> None:
    for line in [*order["line_items"], *order["shipping_lines"], *order["coupon_lines"]]:
        store.seen_id("item", line["id"])
    for name in ("tax_lines", "fee_lines"):
        for line in order[name]:
            store.seen_id("item", line["id"])
    if order["status"] in USED:
        store.counted.add(order["id"])
        store.stocked.add(order["id"])
