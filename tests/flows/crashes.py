"""Crashes at every point of a story: before and after each commit and each call to the store.

A story is told undisturbed first, which counts the points; then once for each of them, with a
process that dies there and another that goes on. ``python -m tests.flows.crashes [STORY ...]``
tells them all and prints how many points were tried, and how many ended wrong.
"""

import asyncio
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import EntryRow
from connector.rewards.models import AdmissionRow, BudgetRow, RedemptionRow
from connector.sync import privacy
from connector.system import running
from platforms.woocommerce.fake import FakeStore, World, coupons, create_fake, delivering, refunds
from tests import databases, mortal
from tests.connector.database import release
from tests.mortal import Calls, Died, Door, Life
from tests.town import KEY, PROGRAM, SECRET, SERVICE, SHOP, SITE, Clock, Town, Wire

SHOP_HOST, OUR_HOST = "store.example.test", "rewards.example.test"
COUPONS = "/wp-json/wc/v3/coupons/batch"
ASKED = "asked-once-and-again"
COST, EARNED, VALUE = 500, 600, "5.00"
TOPICS = 10
LIMIT = 600
LIMITED = f"{PROGRAM}\n[budget]\npoints = {LIMIT}\n"
Act = Callable[[Town], Awaitable[None]]


class Place:
    """A store, a clock and a database, which outlive our processes."""

    def __init__(self, database: str, wire: Wire) -> None:
        self.clock, self.wire = Clock(), wire
        world = World(clock=self.clock, rng=Random(1), transport=wire, delay_s=0.0)
        self.shop = FakeStore(SITE, world)
        self.shop.add_key("read_write", key=KEY, secret=SECRET)
        wire.apps[SHOP_HOST] = httpx.ASGITransport(create_fake(self.shop))
        self.settings = Settings(database_url=database, secret_key="k" * 40, public_url=SERVICE)
        self.store = ""

    @asynccontextmanager
    async def process(self, life: Life) -> AsyncIterator[Town]:
        """Run all of ours in one process that has such a life."""
        mortal.LIVES.append(life)
        others = asyncio.all_tasks()
        calls = Calls(self.wire, life)
        async with running(self.settings, self.clock, calls, mortal.__name__) as system:
            self.wire.apps[OUR_HOST] = Door(create_app(system), life)
            town = Town(system, self.shop, self.clock, self.wire)
            town.store = self.store
            async with town.http:
                yield town
            await self.shop.deliveries_done()
            strays = asyncio.all_tasks() - others
            for stray in strays:
                stray.cancel()
            await asyncio.gather(*strays, return_exceptions=True)


@dataclass
class Story:
    """What is there before, what happens, and what must be so in the end."""

    prepared: Act
    acts: Sequence[Act]
    told: Callable[[Town], Awaitable[Any]]
    """Asserts what must hold, and returns what must be as in the undisturbed story."""
    wire: type[Wire] = Wire


ENDED = "UPDATE lease SET until_ms = 0"
"""Leases of the dead end by themselves after a quarter of a minute; nobody here waits for it."""


async def tell(story: Story, empty: str, folder: Path, dies_at: int | None) -> tuple[Life, Any]:
    """Tell a story with one death, or none; return that life, and what came of it."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(databases.blank(folder, template=empty))
        place = Place(url, story.wire())
        await stack.enter_async_context(delivering(place.shop))
        async with place.process(Life()) as town:
            await story.prepared(town)
            place.store = town.store
        life = Life(dies_at)
        await _lived(place, list(story.acts), life)
        async with place.process(Life()) as town:
            return life, await story.told(town)


async def _lived(place: Place, left: list[Act], life: Life) -> None:
    """Do one act after the other; where the process dies, do the act again in another."""
    while left:
        async with place.process(life) as town:
            try:
                while left:
                    await left[0](town)
                    place.store = town.store
                    left.pop(0)
            except (Died, httpx.TransportError):
                if not life.is_dead:
                    raise
        life = Life()
        databases.query(place.settings.database_url, ENDED)


# The people


async def _member(town: Town) -> None:
    """A shopper has points for one reward and no more."""
    await town.connect(PROGRAM)
    town.order(town.product("10.00"), 12, town.shopper())
    await town.settle()
    await town.settle()


def _maya(town: Town) -> int:
    return next(int(one["id"]) for one in town.shop.all("customer"))


async def _redeem(town: Town) -> None:
    answer = await town.redeem(_maya(town), Idempotency_Key=ASKED)
    assert answer.status_code == 201, answer.text


async def _settle(town: Town) -> None:
    await town.settle()
    await town.settle()


async def _minutes_pass(town: Town) -> None:
    town.clock.forward(minutes=11)


async def _two_hours_pass(town: Town) -> None:
    town.clock.forward(hours=2)


async def _squat(town: Town) -> None:
    """Somebody else makes a coupon with the very code."""
    row = await RedemptionRow.get()
    if coupons.find(town.shop, row.code) is None:
        coupons.create(town.shop, {"code": row.code, "amount": "1.00"})


class BendingWire(Wire):
    """A plugin of the store lifts the limit of every new coupon, and the first answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = [("POST", COUPONS)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer: httpx.Response = await super().handle_async_request(request)
        finally:
            if request.url.path == COUPONS:
                self.bend()
        return answer

    def bend(self) -> None:
        fake: Any = self.apps[SHOP_HOST].app
        for coupon in fake.state.store.all("coupon"):
            coupon["usage_limit"] = None


def _usable(town: Town) -> int:
    """Return how many coupons of ours a shopper could use now, by whatever code."""
    ours = [one for one in town.shop.all("coupon") if one["amount"] == VALUE]
    return sum(
        one["status"] == "publish"
        and (not one["usage_limit"] or one["usage_count"] < one["usage_limit"])
        for one in ours
    )


async def _redeemed(town: Town) -> dict[str, Any]:
    """Exactly one usable discount or the points back; asked again, nothing is spent."""
    maya = _maya(town)
    found = []
    for _ in range(2):
        visitor = await town.visitor(maya)
        (redemption,) = visitor["redemptions"]
        found.append((_usable(town), visitor["available"], redemption["state"]))
        await _redeem(town)
        await _settle(town)
    assert found[0] == found[1]
    usable, available, state = found[0]
    assert (usable, available) in {(1, EARNED - COST), (0, EARNED)}, found
    sums = Counter[str]()
    for entry in await EntryRow.all():
        sums[entry.kind] += entry.points
    assert sums.total() == available
    assert sums["redeem"] == -COST
    await town.system.passes.run(await town.row(), "audit")  # what the store shows changes nothing
    await _settle(town)
    assert (await town.visitor(maya))["available"] == available
    return {"usable": usable, "available": available, "state": state}


async def _open(town: Town) -> None:
    """A store is connected that tells of each order once, so that no delivery mends another."""
    await town.connect(PROGRAM)
    town.shopper()
    town.product("10.00")
    await town.settle()
    await town.settle()
    for hook in town.shop.all("webhook"):
        hook["status"] = "active" if hook["topic"] == "order.created" else "paused"


async def _buy(town: Town) -> None:
    (coffee,) = town.shop.records["product"]
    town.order(coffee, 3, _maya(town))


async def _acknowledged_is_known(town: Town) -> None:
    """What the store was told is taken has its points, without any listing being read."""
    signed = [one for one in town.shop.hub.log if "X-WC-Webhook-Signature" in one.headers]
    if any(one.status == 200 and one.topic.startswith("order.") for one in signed):
        assert (await town.visitor(_maya(town)))["available"] == 150


async def _bought(town: Town) -> dict[str, Any]:
    """The points are there, once, and the store's own customer says so."""
    maya = _maya(town)
    entries = [(one.kind, one.n, one.points) for one in await EntryRow.all()]
    assert entries == [("earn", 0, 150)]
    profile = _profile(town, maya)
    return {"available": (await town.visitor(maya))["available"], "profile": profile}


def _profile(town: Town, customer: int) -> list[Any]:
    """Return what the store's customer says of points."""
    meta = town.shop.records["customer"][customer]["meta_data"]
    return [one["value"] for one in meta if "perennial" in one["key"]]


async def _history(town: Town, program: str = PROGRAM) -> None:
    """A store that has sold before is connected, and nothing of it was read yet."""
    coffee = town.product("10.00")
    for number in range(3):
        who = town.shopper(f"shopper{number}@example.test")
        made = [town.order(coffee, quantity + number, who) for quantity in (1, 2)]
        if number == 1:
            refunds.create(town.shop, made[-1], {"amount": "10.00"})
    town.order(coffee, 4, email="guest@example.test")
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    row = await town.system.stores.connect("woocommerce", access, town.clock())
    town.store = row.id
    await Loyalty(town.system.tools).programs.publish(row, program)


async def _limited_history(town: Town) -> None:
    """The same, where there are not enough points for all."""
    await _history(town, LIMITED)


async def _read(town: Town) -> dict[str, Any]:
    """Every entry once, and every customer's points at the store."""
    entries = await EntryRow.all()
    assert all(one.n == 0 for one in entries)
    sums = Counter[str]()
    for one in entries:
        sums[f"{one.cause} {one.kind} {one.effective_at}"] += one.points
    store = await town.row()
    assert store.watermark is not None
    profiles = {one["id"]: _profile(town, one["id"]) for one in town.shop.all("customer")}
    return {"entries": dict(sums), "profiles": profiles}


async def _given_out(town: Town) -> dict[str, Any]:
    """The same orders have the same points, no more than there are, and nobody waits."""
    rows = await AdmissionRow.all().order_by("cause")
    admitted = {one.cause: (one.demanded, one.admitted, one.ceded) for one in rows}
    held = sum(one.admitted - one.ceded for one in rows)
    assert held == (await BudgetRow.get(store=town.store)).held == LIMIT
    assert not any(one.waits_at for one in rows)
    return {**await _read(town), "admitted": admitted}


async def _nothing(town: Town) -> None:
    town.product("10.00")
    town.shopper()


async def _connect(town: Town) -> None:
    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    row = await town.system.stores.connect("woocommerce", access, town.clock())
    town.store = row.id


async def _publish(town: Town) -> None:
    await Loyalty(town.system.tools).programs.publish(await town.row(), PROGRAM)


async def _connected(town: Town) -> dict[str, Any]:
    """One store, each webhook once, and a delivery is taken."""
    assert await StoreRow.all().count() == 1
    hooks = Counter(one["topic"] for one in town.shop.all("webhook") if one["status"] == "active")
    assert (len(hooks), set(hooks.values())) == (TOPICS, {1})
    await _buy(town)
    await town.settle()
    return {"available": (await town.visitor(_maya(town)))["available"]}


async def _known(town: Town) -> None:
    """A shopper has a name, bought and took a reward, and the store sent it all."""
    await _member(town)
    town.order(town.product("10.00"), 4, email="maya@example.test")
    await _redeem(town)
    await _settle(town)


async def _ask_for_erasure(town: Town) -> None:
    row, vault = await town.row(), town.system.tools.vault
    accounts = privacy.accounts_of(vault, row, customer_id=str(_maya(town)))
    await privacy.ask(vault, row, "erase", accounts, by="store", now=town.clock())


async def _erased(town: Town) -> dict[str, Any]:
    """Nothing names the shopper, one request is done, and the points are as they were."""
    url = town.system.settings.database_url
    held = {table: release.held(url, table) for table in release.tables(url)}
    assert "maya" not in str(held).lower()
    assert [one["accounts"] for one in held["privacy"]] in (["[]"], [[]])
    assert [one["about"] for one in held["deed"]] == [held["privacy"][0]["about"]]
    entries = [(one["cause"], one["points"]) for one in held["entry"]]
    assert sum(points for _, points in entries) == EARNED - COST + 200
    return {"kinds": sorted(one["kind"] for one in held["entry"])}


STORIES = {
    "issued": Story(_member, (_redeem, _settle, _two_hours_pass, _settle), _redeemed),
    "refused": Story(
        _member,
        (_redeem, _squat, _settle, _two_hours_pass, _settle, _two_hours_pass, _settle),
        _redeemed,
    ),
    "bent": Story(
        _member,
        (_redeem, _settle, _minutes_pass, _settle, _two_hours_pass, _settle, _two_hours_pass,
         _settle),
        _redeemed,
        BendingWire,
    ),
    "delivery": Story(
        _open,
        (_buy, _settle, _acknowledged_is_known, _minutes_pass, _settle, _minutes_pass, _settle),
        _bought,
    ),
    "sync": Story(_history, (_settle, _minutes_pass, _settle), _read),
    "budget": Story(_limited_history, (_settle, _minutes_pass, _settle), _given_out),
    "erasure": Story(
        _known, (_ask_for_erasure, _settle, _minutes_pass, _settle), _erased
    ),
    "connect": Story(_nothing, (_connect, _publish, _settle, _minutes_pass, _settle), _connected),
}  # fmt: skip


@dataclass
class Tried:
    """What came of a story told with a death at each of its points."""

    points: int = 0
    died: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


async def tried(name: str, empty: str, folder: Path, every: int = 1) -> Tried:
    """Tell a story undisturbed, then with a death at each of its points, or every so many."""
    life, expected = await tell(STORIES[name], empty, folder, None)
    result = Tried(points=len(life.passed))
    for number in range(0, result.points, every):
        life, outcome = Life(), None
        try:
            life, outcome = await tell(STORIES[name], empty, folder, number)
        except AssertionError as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            result.wrong[f"{number}"] = f"{place.name}: {place.line}: {error}"[:500]
            continue
        result.died += life.is_dead
        if outcome != expected:
            result.wrong[f"{number} {life.died_at}"] = f"{outcome} is not {expected}"
    return result


def main(names: Sequence[str]) -> int:
    """Try stories at every point; print the figures and return the exit code."""
    points = wrong = 0
    for name in names or STORIES:
        with tempfile.TemporaryDirectory() as folder, databases.empty(Path(folder)) as empty:
            result = asyncio.run(tried(name, empty, Path(folder)))
        points, wrong = points + result.points, wrong + len(result.wrong)
        sys.stdout.write(f"{name}: {result.points} crash points, {len(result.wrong)} wrong\n")
        sys.stdout.writelines(f"  {at}: {why}\n" for at, why in result.wrong.items())
    sys.stdout.write(f"{databases.ENGINE}: {points} crash points, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
