"""A merchant's pages as they are served, over a town with shoppers, and every scene of them.

``python -m tests.browser.office OUT_DIR [NAME ...]`` pictures the scenes, all or those named.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random

import httpx
import msgspec
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.commerce.snapshots import pack
from connector.features.analytics.columns import Columns
from connector.features.analytics.figures import Figures
from connector.features.analytics.models import FiguresRow
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import find
from connector.features.loyalty.models import DraftRow
from connector.features.loyalty.rules.facts import Act
from connector.features.loyalty.service import Loyalty
from connector.sync import privacy
from connector.web import languages
from connector.web.keys import Keys
from connector.web.models import LookRow
from connector.web.sessions import COOKIE, Role, admin_link
from connector.worker import drain
from platforms.model import Order
from platforms.woocommerce.fake import people
from tests import databases
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.screenshots import write
from tests.flows.test_tiers import TIERED
from tests.house.texts import marked
from tests.ports import free_port
from tests.town import SERVICE, Town, founded

NO_POST = "smtp://127.0.0.1:9"  # nobody answers there
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"
SIZES = {390: 844, 1440: 900}
NAMES = (("Maya", "Okafor"), ("Jonas", "Lind"), ("Łucja", "Żak"), ("Kenji", "Watanabe"))
SYSTEM = "erp.example.test"
FRONT = '<meta name="theme-color" content="#1a7f5a">'
LOOKS = ("light", "dark", "rtl")
LANGUAGES = {"pl": "pl", "ja": "ja", "marked": "zh"}
"""Looks in other languages than English; in what is marked every text has marks."""


@dataclass
class Office:
    """Where the pages are, and whom there is to look at."""

    town: Town
    base: str
    people: dict[str, str] = field(default_factory=dict)

    async def cookie(self, role: Role, *stores: str) -> str:
        """Return the cookie of somebody who came into stores, the first one last."""
        tools, cookie = self.town.system.tools, ""
        for store in reversed(stores):
            link = await admin_link(tools.ids, tools.clock, SERVICE, store, who="Ada", role=role)
            opened = await tools.sessions.open(link.partition("ticket=")[2])
            cookie = await tools.sessions.joined(opened, cookie)
        return cookie

    async def context(
        self, browser: Browser, role: Role, look: str, width: int, *stores: str
    ) -> BrowserContext:
        """Return a browser that somebody came in with, into this store or others."""
        cookie = await self.cookie(role, *(stores or (self.town.store,)))
        context = await browser.new_context(
            base_url=self.base,
            reduced_motion="reduce",
            color_scheme="dark" if look in {"dark", "marked"} else "light",
            viewport={"width": width, "height": SIZES[width]},
        )
        tag = LANGUAGES.get(look, "en")
        await context.add_cookies(
            [
                {"name": COOKIE, "value": cookie, "url": self.base},
                {"name": languages.COOKIE, "value": tag, "url": self.base},
            ]
        )
        return context


@dataclass(frozen=True)
class Scene:
    """A page in a state; ``act`` brings it there, and if it ``is_worked`` so does the worker."""

    name: str
    path: str
    act: Callable[[Page], Awaitable[object]] | None = None
    role: Role = "owner"
    is_empty: bool = False
    is_worked: bool = False
    store: str = ""
    beside: tuple[str, ...] = ()


async def open_entry(page: Page) -> None:
    await page.locator("details summary.ad-led-row").first.click()


async def mistake(page: Page) -> None:
    await page.get_by_label("Points to add").fill("a lot")
    await page.get_by_role("button", name="Change the points").click()


async def adjusted(page: Page) -> None:
    await page.get_by_label("Points to add").fill("150")
    await page.get_by_label("Why").fill("A late parcel")
    await page.get_by_role("button", name="Change the points").click()
    await page.get_by_role("status").wait_for()


async def hover(page: Page) -> None:
    await page.locator(".ad-tip button").first.focus()


async def leave(page: Page) -> None:
    if await page.locator(".ad-mtop summary").is_visible():
        await page.locator(".ad-mtop summary").click()
    await page.get_by_role("button", name="Sign out").locator("visible=true").first.click()


async def menu(page: Page) -> None:
    if await page.locator(".ad-mtop summary").is_visible():
        await page.locator(".ad-mtop summary").click()


async def proposed(page: Page) -> None:
    await page.get_by_role("button", name="Propose a program").click()


async def checked(page: Page) -> None:
    await page.get_by_role("button", name="Look at my storefront").click()


async def dressed(page: Page) -> None:
    """Choose a look, and open the panel of the preview in it."""
    await page.locator("#accent").fill("#b5462f")
    await page.locator("#scheme").select_option("dark")
    await page.locator("#position").select_option("start")
    await widgets(page)


async def widgets(page: Page) -> None:
    """Open the panel of the preview."""
    await page.locator("iframe").scroll_into_view_if_needed()
    preview = page.frame_locator("iframe")
    await preview.locator("perennial-launcher button").click()
    await preview.get_by_role("dialog").wait_for()


async def discoloured(page: Page) -> None:
    await page.locator("#accent").fill("greenish")
    await page.get_by_role("button", name="Save").click()


async def colour_found(page: Page) -> None:
    await page.locator("[formaction$=find]").click()


async def look_saved(page: Page) -> None:
    await page.locator("#scheme").select_option("dark")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").wait_for()


async def drafted(page: Page) -> None:
    await page.get_by_label("Points Buying").fill("7")
    await page.get_by_role("button", name="Save draft").click()


async def in_full(page: Page) -> None:
    await page.get_by_role("button", name="Add a campaign").click()
    await page.get_by_role("button", name="Add a benefit").click()
    for summary in await page.locator(".ad-more summary").all():
        await summary.click()


async def mistaken(page: Page) -> None:
    await page.get_by_label("Points Buying").fill("a lot")
    await page.get_by_role("button", name="Save draft").click()


async def publishing(page: Page) -> None:
    await page.get_by_role("button", name="Publish", exact=True).click()


async def erasing(page: Page) -> None:
    await page.get_by_role("button", name="Erase this person").click()


async def erased_nobody(page: Page) -> None:
    await erasing(page)
    await page.get_by_label("Whom to erase").fill("Somebody else")
    await page.get_by_role("button", name="Erase this person").last.click()
    await page.locator(".ad-err").wait_for()


async def looked_at(page: Page, who: str = "guest@example.test") -> None:
    await page.locator("#who").fill(who)
    await page.get_by_role("button", name="See what would move").click()


async def joined_nobody(page: Page) -> None:
    await looked_at(page, "order:0")


async def show_figures(page: Page) -> None:
    await page.locator(".ad-figure summary").first.click()


async def ask(page: Page) -> None:
    await page.get_by_role("button", name="Refresh now").click()
    await page.get_by_role("status").wait_for()


async def misnamed(page: Page) -> None:
    await page.locator("#name").fill("Another town")
    await page.get_by_role("button", name="Disconnect the store").click()


async def key_made(page: Page) -> None:
    await page.get_by_role("textbox", name="Name").fill("The till")
    await page.get_by_role("checkbox", name="read See").check()
    await page.get_by_role("button", name="Make the key").click()
    await page.get_by_label("Your new key").wait_for()


async def key_mistake(page: Page) -> None:
    await page.get_by_role("button", name="Make the key").click()


async def key_revoking(page: Page) -> None:
    await page.get_by_role("button", name="Revoke", exact=True).first.click()


async def hook_added(page: Page) -> None:
    await page.get_by_role("textbox", name="Address").fill("https://example.test/hook")
    await page.get_by_role("checkbox", name="points.changed").check()
    await page.get_by_role("button", name="Add the webhook").click()
    await page.get_by_label("Its secret").wait_for()


async def hook_mistake(page: Page) -> None:
    await page.get_by_role("textbox", name="Address").fill("example.test")
    await page.get_by_role("checkbox", name="points.changed").check()
    await page.get_by_role("button", name="Add the webhook").click()


async def hook_ending(page: Page) -> None:
    await page.get_by_role("button", name="End", exact=True).first.click()


async def let_in(page: Page) -> None:
    await page.get_by_role("textbox", name="Name").fill("Ben")
    await page.get_by_role("button", name="Make a link").click()
    await page.get_by_label("Their link").wait_for()


async def let_nobody_in(page: Page) -> None:
    await page.get_by_role("button", name="Make a link").click()


async def mailed(page: Page) -> None:
    await page.get_by_label("Send a test to").fill("ada@town.example")
    await page.get_by_role("button", name="Send the test").click()
    await page.locator(".ad-err").wait_for()


SCENES = (
    Scene("home", "/admin/", menu),
    Scene("home of several stores", "/admin/", menu, beside=("few", "most")),
    Scene("home with a tip", "/admin/", hover),
    Scene("home empty", "/admin/", is_empty=True),
    Scene("customers", "/admin/customers/"),
    Scene("customers found", "/admin/customers/?q=maya"),
    Scene("customers nobody", f"/admin/customers/?q=No{LONG}"),
    Scene("customers empty", "/admin/customers/", is_empty=True),
    Scene("customers overfull", "/admin/customers/?q=shopper"),
    Scene("customers filtered", "/admin/customers/?tier=none&points=some"),
    Scene("customers nobody left", "/admin/customers/?store=deleted&points=none&q=maya"),
    Scene("customers guest", "/admin/customers/?q=order:GUEST"),
    Scene("customer", "/admin/customers/MAYA", open_entry),
    Scene("customer error", "/admin/customers/MAYA", mistake),
    Scene("customer adjusted", "/admin/customers/JONAS", adjusted),
    Scene("customer empty", "/admin/customers/KENJI"),
    Scene("customer no such kind", "/admin/customers/KENJI?kind=spent"),
    Scene("customer long words", "/admin/customers/LONG", open_entry),
    Scene("customer to look at", "/admin/customers/MAYA", role="analyst"),
    Scene("customer to erase", "/admin/customers/JONAS", erasing),
    Scene("customer erase mistake", "/admin/customers/JONAS", erased_nobody),
    Scene("customer long to erase", "/admin/customers/LONG", erasing),
    Scene("customer to join", "/admin/customers/MAYA", looked_at),
    Scene("customer join mistake", "/admin/customers/JONAS", joined_nobody),
    Scene("customer joined", "/admin/customers/LUCJA"),
    Scene("customer guest", "/admin/customers/NOBODY"),
    Scene("customer erased", "/admin/customers/ERASED"),
    Scene("start", "/admin/start/"),
    Scene("start empty", "/admin/start/", is_empty=True),
    Scene("start proposed", "/admin/start/", proposed, is_empty=True),
    Scene("start checked", "/admin/start/", checked),
    Scene("look", "/admin/look/", widgets),
    Scene("look dressed", "/admin/look/", dressed),
    Scene("look mistake", "/admin/look/", discoloured),
    Scene("look found", "/admin/look/", colour_found),
    Scene("look saved", "/admin/look/", look_saved),
    Scene("look empty", "/admin/look/", is_empty=True),
    Scene("look to look at", "/admin/look/", role="analyst"),
    Scene("program", "/admin/program/"),
    Scene("program draft", "/admin/program/", drafted),
    Scene("program in full", "/admin/program/", in_full),
    Scene("program tried", "/admin/program/", drafted, is_worked=True),
    Scene("program mistakes", "/admin/program/", mistaken),
    Scene("program to publish", "/admin/program/", publishing),
    Scene("program to look at", "/admin/program/", role="analyst"),
    Scene("program empty", "/admin/program/", is_empty=True),
    Scene("program document", "/admin/program/text"),
    Scene("program history", "/admin/program/history"),
    Scene("program history empty", "/admin/program/history", is_empty=True),
    Scene("analytics", "/admin/analytics/", show_figures),
    Scene("analytics with a tip", "/admin/analytics/?period=30d", hover),
    Scene("analytics of few", "/admin/analytics/?period=12m", store="few"),
    Scene("analytics long words", "/admin/analytics/", show_figures, store="most"),
    Scene("analytics failed", "/admin/analytics/", store="failed"),
    Scene("analytics empty", "/admin/analytics/", is_empty=True),
    Scene("analytics without orders", "/admin/analytics/", store="idle"),
    Scene("analytics asked for", "/admin/analytics/", ask),
    Scene("help", "/admin/help/the-merchants-pages", role="analyst"),
    Scene("help long", "/admin/help/connect-your-own-store"),
    Scene("help nowhere", "/admin/help/nowhere"),
    Scene("settings", "/admin/settings/"),
    Scene("settings empty", "/admin/settings/", is_empty=True),
    Scene("settings mistake", "/admin/settings/", misnamed),
    Scene("settings keys", "/admin/settings/keys"),
    Scene("export", "/admin/settings/export"),
    Scene("mail", "/admin/settings/mail"),
    Scene("mail mistake", "/admin/settings/mail", mailed),
    Scene("settings keys empty", "/admin/settings/keys", is_empty=True),
    Scene("settings key made", "/admin/settings/keys", key_made, is_empty=True),
    Scene("settings key mistake", "/admin/settings/keys", key_mistake),
    Scene("settings key to revoke", "/admin/settings/keys", key_revoking),
    Scene("settings webhooks", "/admin/settings/webhooks"),
    Scene("settings webhooks empty", "/admin/settings/webhooks", is_empty=True),
    Scene("settings webhook added", "/admin/settings/webhooks", hook_added, is_empty=True),
    Scene("settings webhook mistake", "/admin/settings/webhooks", hook_mistake),
    Scene("settings webhook", "/admin/settings/webhooks/HOOK"),
    Scene("settings webhook to end", "/admin/settings/webhooks/HOOK", hook_ending),
    Scene("settings webhook ended", "/admin/settings/webhooks/OVER"),
    Scene("access", "/admin/access/"),
    Scene("access empty", "/admin/access/", is_empty=True),
    Scene("settings access link", "/admin/access/", let_in, is_empty=True),
    Scene("settings access mistake", "/admin/access/", let_nobody_in),
    Scene("no permission", "/admin/access/", role="support"),
    Scene("nowhere", "/admin/customers/customer:0"),
    Scene("left", "/admin/", leave),
)


ABROAD = (
    "home", "customers", "customer", "start", "look found", "program", "analytics", "settings",
    "settings keys", "settings webhook", "access", "no permission",
)  # fmt: skip
"""Scenes that are looked at in our other languages too; their acts need no English."""


@asynccontextmanager
async def opened() -> AsyncIterator[Office]:
    """Serve the pages of a store with shoppers, and of one without."""
    with tempfile.TemporaryDirectory() as name, databases.empty(Path(name)) as empty:
        locales = Path(name) / "locales"
        locales.mkdir()
        marked(locales)
        async with founded(empty, Path(name), locales=str(locales), smtp_url=NO_POST) as town:
            port = free_port(1)
            config = uvicorn.Config(
                create_app(town.system), port=port, log_level="warning", lifespan="off"
            )
            server = uvicorn.Server(config)
            office = Office(town, f"http://127.0.0.1:{port}")
            await settled_in(office)
            serving = asyncio.create_task(server.serve())
            yield office
            server.should_exit = True
            await serving


async def settled_in(office: Office) -> None:
    """Let people sign up and buy."""
    town = office.town
    row = await town.connect(TIERED)
    hooks = await systems(town, row)
    for number in range(52):
        shopper(town, "Shopper", f"{number:02}", f"s{number}@example.test")
    ids = [shopper(town, *name, f"{name[0].lower()}@example.test") for name in NAMES]
    long = shopper(
        town, LONG, LONG, f"{LONG.lower().replace('ä', 'a').replace('ü', 'u')}@example.test"
    )
    product = town.product("48.90")
    for number, id_ in enumerate([ids[0], ids[0], ids[0], ids[1], ids[2], long]):
        town.order(product, 1 + number % 3, id_)
        town.clock.forward(days=9)
    guest = town.order(product, 1, email="guest@example.test")
    theirs = [town.order(product, 1, email="other@example.test") for _ in range(4)]
    await town.settle()
    loyalty, row = Loyalty(town.system.tools), await town.row()
    nobody, other = [await find(row.id, f"order:{one['id']}") for one in (guest, theirs[0])]
    agreed = Act(id="agreed", kind="newsletter", at=town.clock(), name="yes")
    await loyalty.note(row, f"customer:{ids[0]}", "agreed", agreed)
    await loyalty.join(row, other, str(ids[2]), by="Ada")
    words = Decision(key="long", reason=f"{LONG} {LONG}", points=999_999_999)
    await loyalty.decide(row, f"customer:{long}", words)
    await loyalty.decide(row, f"customer:{ids[0]}", Decision(key="k", reason="Thanks", points=-40))
    office.people = {
        "MAYA": f"customer:{ids[0]}",
        "JONAS": f"customer:{ids[1]}",
        "LUCJA": f"customer:{ids[2]}",
        "NOBODY": nobody,
        "KENJI": f"customer:{ids[3]}",
        "LONG": f"customer:{long}",
        "GUEST": str(guest["id"]),
        **hooks,
    }
    office.people["ERASED"] = await erased(town, row)
    await others(town, row)
    await count_up(town, row)


async def erased(town: Town, row: StoreRow) -> str:
    """Let somebody be erased and somebody ask for what is kept; return the account of the one."""
    vault = town.system.tools.vault
    gone, asks = (f"customer:{id_}" for id_ in list(town.shop.records["customer"])[:2])
    await privacy.ask(vault, row, "erase", [gone], by="Ada", now=town.clock())
    town.clock.forward(minutes=20)
    await drain(town.system)
    await privacy.ask(vault, row, "export", [asks], by=LONG, now=town.clock())
    await privacy.ask(vault, row, "erase", ["customer:0"], by="WooCommerce", now=town.clock())
    return gone


async def others(town: Town, row: StoreRow) -> None:
    """Let there be stores that are like the first one, without its shoppers."""
    here = {name: getattr(row, name) for name in row._meta.fields_map}
    names = {"new": "A new store", "few": "A small store", "most": LONG, "failed": "A failed store"}
    for id_, name in (names | {"idle": "A store without orders"}).items():
        there = {"id": id_, "url": f"https://{id_}.example.test", "name": name}
        await StoreRow.create(**here | there)


async def count_up(town: Town, row: StoreRow) -> None:
    """Let there be figures: of two years, of a few orders, and of as much as there can be."""
    at = town.clock()
    for store, count, price, points in (
        (row.id, 4000, 2000, 40), ("few", 30, 2000, 40), ("idle", 0, 0, 0),
        ("most", 3000, 98_765_432_100, 98_765_432),
    ):  # fmt: skip
        body = msgspec.json.encode(drawn(row, at, count, price, points)).decode()
        due_at = at + timedelta(days=1)
        await FiguresRow.create(store=store, due_at=due_at, computed_at=at, body=body)
    later = at + timedelta(minutes=15)
    await FiguresRow.create(store="failed", due_at=later, failed_at=at)


def drawn(row: StoreRow, at: datetime, count: int, price: int, points: int) -> Figures:
    """Return the figures of drawn orders of two years, more of them each month."""
    rng = Random(4)
    orders = [
        Order(
            id="", number="", customer_id="", email=None, status="", is_paid=True,
            is_cancelled=False, currency=rng.choice(("EUR",) * 50 + ("CHF",)),
            total_minor=price + rng.randrange(price), paid_at=None, updated_at=at,
            placed_at=at - timedelta(days=730 * (1 - rng.random() ** 0.6)),
        )
        for _ in range(count)
    ]  # fmt: skip
    who = [f"customer:{int(count / 2 * rng.random() ** 2)}" for _ in orders]
    moved = [
        {"account": one, "kind": kind, "effective_at": order.placed_at, "points": amount}
        for order, one in zip(orders, who, strict=True)
        for kind, amount in (
            ("earn", points * rng.randrange(3)), ("redeem", -rng.randrange(points)),
            ("expire", -rng.randrange(points) // 9),
        )
    ]  # fmt: skip
    bought = [{"account": one, "body": pack(order)} for order, one in zip(orders, who, strict=True)]
    with closing(Columns(row, at, {}).open()) as columns:
        columns.add_orders(bought)
        columns.add_entries(moved)
        return columns.figures()


async def systems(town: Town, row: StoreRow) -> dict[str, str]:
    """Give the store keys, and webhooks: one in trouble, with a long name, and one that ended."""
    tools = town.system.tools
    keys = Keys(tools.clock, tools.ids)
    await keys.new(row, "The till", ["read", "redemptions"], ["read", "redemptions"])
    await keys.new(row, LONG, ["read"], ["read"])
    url, events = f"https://{SYSTEM}/hook", ["points.changed", "tier.changed"]
    over, _ = await tools.listeners.add(row, "over", url, events)
    await tools.listeners.end(over)
    statuses = cycle((204, 503))

    async def taken(_request: Request) -> Response:
        return Response(status_code=next(statuses))

    app = Starlette(routes=[Route("/hook", taken, methods=["POST"])])
    town.wire.apps[SYSTEM] = httpx.ASGITransport(app)
    town.wire.answers["/"] = httpx.Response(200, text=FRONT)
    hook, _ = await tools.listeners.add(row, "hook", url, events)
    well = "https://well.example.test/" + 8 * LONG.lower().replace("ä", "a").replace("ü", "u")
    await tools.listeners.add(row, "well", well[:400], ["redemption.changed"])
    return {"HOOK": hook.id, "OVER": over.id}


def shopper(town: Town, first: str, last: str, email: str) -> int:
    body = {"email": email, "first_name": first, "last_name": last, "password": "shopper"}
    return int(people.create(town.shop, body)["id"])


async def shown(office: Office, browser: Browser, scene: Scene, look: str, width: int) -> Page:
    """Return a page in a scene, in one look."""
    await DraftRow.all().delete()
    await LookRow.all().delete()
    store = scene.store or ("new" if scene.is_empty else office.town.store)
    context = await office.context(browser, scene.role, look, width, store, *scene.beside)
    context.set_default_timeout(10_000)
    page, path = await context.new_page(), scene.path
    for name, id_ in office.people.items():
        path = path.replace(name, id_)
    await page.goto(path)
    if look == "rtl":
        await page.evaluate("document.documentElement.dir = 'rtl'")
    if scene.act:
        await scene.act(page)
        if scene.is_worked:
            await page.wait_for_load_state()
            await drain(office.town.system)
            await page.goto(path)
        if look == "rtl":
            await page.evaluate("document.documentElement.dir = 'rtl'")
    return page


def looks(scene: Scene) -> Sequence[str]:
    """Return how a scene is looked at."""
    return (*LOOKS, "pl", "ja") if scene.name in ABROAD else LOOKS


async def main(out: Path, wanted: list[str]) -> None:
    """Write a picture of each scene in each look and width, and sheets of them."""
    async with opened() as office, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width in SIZES:
            shots = {}
            for scene in SCENES:
                for look in looks(scene) if not wanted or scene.name in wanted else ():
                    page = await shown(office, browser, scene, look, width)
                    shots[f"office {scene.name} {look}"] = await page.screenshot(full_page=True)
                    await page.context.close()
            await write(browser, shots, width, out, "office-")
        await browser.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(folder, sys.argv[2:]))
