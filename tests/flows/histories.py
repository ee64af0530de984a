"""Stores that live through drawn histories, for the laws that go through the database.

A store here keeps what it delivers, so that a test may post it in another order, twice, or never.
"""

import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from hypothesis import strategies as st
from tortoise import Tortoise

from connector import worker
from connector.commerce.models import StoreRow
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from platforms.woocommerce.fake import (
    FakeStore,
    Site,
    World,
    create_fake,
    orders,
    people,
    products,
    refunds,
)
from platforms.woocommerce.fake.data import Kind
from platforms.woocommerce.fake.errors import ApiError, Record
from tests.flows.recorded_ways import QUIET
from tests.town import KEY, SECRET, Town

PLAIN = """
name = "Laws"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = { EUR = 100 }
"""
TIMED = f'{PLAIN}pending_days = 3\n\n[expiry]\nkind = "lot"\nmonths = 1\n'
COST = 20
SPENT = f"""{PLAIN}
[[reward]]
id = "off"
kind = "amount_off"
cost = {COST}
value_minor = {{ EUR = 500 }}
"""
EMAILS = ("ann@example.test", "bea@example.test")
GUESTS = ("guest1@example.test", "Guest2@Example.test")
DATA = (
    "store", "order", "customer", "product", "order_code", "inbox", "outbox", "pass", "account",
    "entry", "redemption", "publication", "draft", "decision", "link", "claim", "api_key",
    "reservation", "listener", "message", "act", "admission", "budget", "merge",
    "entitlement", "perk_code", "perk_use", "stamp", "session", "deed", "figures", "look",
    "erased", "privacy",
)  # fmt: skip
"""The tables that hold what stores and shoppers did; leases of work are nobody's."""
KINDS: tuple[Kind, ...] = ("customer", "product", "order", "refund")
_numbers = itertools.count(1)
Ledger = dict[tuple[str, str, str, str], int]


class Kept(httpx.AsyncBaseTransport):
    """Keeps what is sent, and answers that all is well."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "x-wc-webhook-signature" in request.headers:  # not a greeting
            self.sent.append(request)
        return httpx.Response(200)


@dataclass(frozen=True)
class Step:
    """Something that happens: to whom or to which order, how much of it, after how long."""

    what: str
    which: int
    much: int
    minutes: int


WHATS = (
    "order", "order", "order", "unpaid", "pay", "cancel", "amount", "amount", "line", "full",
    "edit", "trash", "restore", "move",
)  # fmt: skip


def steps(minutes_max: int, *more: str, size_max: int = 9) -> st.SearchStrategy[list[Step]]:
    """Return histories of so many steps at most, so far apart at most."""
    one = st.builds(
        Step,
        what=st.sampled_from([*WHATS, *more]),
        which=st.integers(0, 7),
        much=st.integers(1, 2500),
        minutes=st.integers(0, minutes_max),
    )
    first = st.builds(Step, st.just("order"), st.integers(0, 3), st.integers(1, 2500), st.just(1))
    return st.tuples(first, st.lists(one, min_size=1, max_size=size_max)).map(
        lambda drawn: [drawn[0], *drawn[1]]
    )


@dataclass
class Stall:
    """A store in which things happen to orders."""

    fake: FakeStore
    kept: Kept
    guests: Sequence[str] = GUESTS
    lives: list[Record] = field(default_factory=list)

    def stock(self, emails: Sequence[str]) -> None:
        """Have customers, and something to sell."""
        for email in emails:
            people.create(self.fake, {"email": email, "password": "shopper"})
        products.create(self.fake, {"name": "Coffee", "regular_price": "10.00"})

    def let(self, step: Step) -> None:
        """Let something happen, if it can."""
        with suppress(ApiError):  # more than is left to refund, say
            self._do(step)

    def _do(self, step: Step) -> None:
        if step.what in {"order", "unpaid"} or not self.lives:
            self.order(step.which, step.much, is_paid=step.what == "order")
            return
        order = self.lives[step.which % len(self.lives)]
        if order["status"] == "trash":
            if step.what == "restore":
                orders.restore(self.fake, order)
        elif step.what in {"trash", "amount", "line", "full"}:
            if order["status"] in {"processing", "completed"}:
                self._take_back(order, step)
        else:
            self._change(order, step)

    def _change(self, order: Record, step: Step) -> None:
        match step.what:
            case "pay":
                orders.update(self.fake, order, {"status": "completed"})
            case "cancel":
                orders.update(self.fake, order, {"status": "cancelled"})
            case "move":
                customer = self.customers[step.which % len(self.customers)]
                orders.update(self.fake, order, {"customer_id": customer})
            case "edit" if not order["refunds"]:
                line = {"id": order["line_items"][0]["id"], "quantity": 1 + step.much % 5}
                changed = line | {"total": f"{step.much / 100:.2f}"}
                orders.update(self.fake, order, {"line_items": [changed]})
            case "unrefund":
                for refund in refunds.of(self.fake, order)[:1]:
                    refunds.delete(self.fake, order, refund)

    def _take_back(self, order: Record, step: Step) -> None:
        match step.what:
            case "trash":
                orders.delete(self.fake, order, force=False)
            case "amount":
                refunds.create(self.fake, order, {"amount": f"{step.much / 100:.2f}"})
            case "line":
                line = order["line_items"][0]
                share = refunds.share(self.fake, line, 1 + step.much % line["quantity"])
                refunds.create(self.fake, order, {"line_items": [share]})
            case "full":
                left = refunds.remaining(self.fake, order)
                refunds.create(self.fake, order, {"amount": f"{left / 100:.2f}"})

    def order(self, who: int, much: int, *, is_paid: bool = True) -> Record:
        """Have one of the customers or guests buy for so many cents a piece."""
        customers, quantity = self.customers, 1 + much % 3
        who %= len(customers) + len(self.guests)
        is_guest = who >= len(customers)
        line = {"product_id": self.coffee, "quantity": quantity}
        email = self.guests[who - len(customers)] if is_guest else "somebody@example.test"
        body: dict[str, Any] = {
            "customer_id": 0 if is_guest else customers[who],
            "billing": {"email": email},
            "line_items": [line | {"total": f"{much * quantity / 100:.2f}"}],
            "shipping_lines": [{"method_id": "flat_rate", "total": "4.90"}],
            "set_paid": is_paid,
        }
        self.lives.append(orders.create(self.fake, body))
        return self.lives[-1]

    @property
    def customers(self) -> list[int]:
        return [one["id"] for one in self.fake.all("customer")]

    @property
    def coffee(self) -> int:
        return int(next(self.fake.all("product"))["id"])


@dataclass
class Shop(Stall):
    """A store of one example, and our id for it."""

    town: Town = field(kw_only=True)
    id: str = ""

    async def happen(self, step: Step) -> Sequence[httpx.Request]:
        """Let something happen some minutes later; return what the store delivered."""
        self.town.clock.forward(minutes=step.minutes)
        before = len(self.kept.sent)
        self.let(step)
        await self.fake.hub.catch_up()
        return self.kept.sent[before:]

    async def post(self, request: httpx.Request) -> httpx.Response:
        """Deliver to us what the store sent."""
        signed = {k: v for k, v in request.headers.items() if k.startswith("x-wc-")}
        headers = {**signed, "Content-Type": "application/json"}
        return await self.town.http.post(request.url.path, content=request.content, headers=headers)

    async def row(self) -> StoreRow:
        return await StoreRow.get(id=self.id)

    async def quiet(self) -> None:
        """Have no pass fall due by itself."""
        rows = StoreRow.filter(id=self.id)
        await rows.update(reconcile_at=self.town.clock() + QUIET)

    async def passed(self, aim: Any) -> None:
        """Make a pass."""
        await self.town.system.passes.run(await self.row(), aim)
        await self.quiet()

    async def ledger(self) -> Ledger:
        """Return the net of each key; guests go by their causes, as their names are sealed."""
        sums: Counter[tuple[str, str, str, str]] = Counter()
        for one in await EntryRow.filter(store=self.id):
            who = one.account if one.account.startswith("customer:") else "guest"
            sums[who, one.cause, one.kind, one.effective_at.isoformat()] += one.points
        return {key: points for key, points in sums.items() if points}

    async def rows(self) -> dict[str, list[Any]]:
        """Return all that the database holds of this store."""
        return {
            name: await table.filter(**self._mine(name)).order_by(table._meta.pk_attr).values()
            for name, table in _tables().items()
        }

    async def forget(self) -> None:
        """Make room for the next example."""
        for name, table in _tables().items():
            await table.filter(**self._mine(name)).delete()

    def _mine(self, table: str) -> dict[str, str]:
        return {"id" if table == "store" else "store": self.id}


def _tables() -> dict[str, Any]:
    apps: Any = Tortoise.apps
    found = {table._meta.db_table: table for table in apps["perennial"].values()}
    return {name: found[name] for name in DATA}


def _fake(town: Town, kept: Kept) -> FakeStore:
    number = next(_numbers)
    site = Site(url=f"https://s{number}.example.test", name="S", currency="EUR")
    world = World(clock=town.clock, rng=Random(number), transport=kept, delay_s=0.0)
    fake = FakeStore(site, world)
    fake.add_key("read_write", key=KEY, secret=SECRET)
    town.wire.apps[f"s{number}.example.test"] = httpx.ASGITransport(create_fake(fake))
    return fake


@asynccontextmanager
async def opened(town: Town, program: str = PLAIN) -> AsyncIterator[Shop]:
    """Open a store with two customers, connected; no listing of it is read."""
    kept = Kept()
    fake = _fake(town, kept)
    shop = Shop(fake, kept, town=town)
    shop.stock(EMAILS)
    async with _connected(shop, program):
        yield shop


async def read_at_once(shop: Shop, program: str = PLAIN) -> Ledger:
    """Return the ledger of a store with the same records as they are now, synced and settled."""
    other = _fake(shop.town, Kept())
    for kind in KINDS:
        text = json.dumps(shop.fake.records[kind]).replace(shop.fake.site.url, other.site.url)
        other.records[kind] = {int(id_): one for id_, one in json.loads(text).items()}
    same = Shop(other, Kept(), town=shop.town)
    async with _connected(same, program):
        await same.passed("sync")
        await settle(shop.town)
        return await same.ledger()


@asynccontextmanager
async def _connected(shop: Shop, program: str) -> AsyncIterator[None]:
    town = shop.town
    access = {"url": shop.fake.site.url, "key": KEY, "secret": SECRET}
    row = await town.system.stores.connect("woocommerce", access, town.clock())
    shop.id = row.id
    try:
        await Loyalty(town.system.tools).programs.publish(row, program)
        await shop.quiet()
        yield
    finally:
        await shop.forget()


async def settle(town: Town) -> None:
    """Do all that is due, and what waits for a moment."""
    for _ in range(2):
        await worker.drain(town.system)
        town.clock.forward(seconds=40)
    await worker.drain(town.system)
