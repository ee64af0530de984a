"""The merchant's pages in the sandbox's admin frame: installed by opening, used without cookies."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, FrameLocator, Page, expect

from connector import database, worker
from connector.app import create_app
from connector.config import Settings
from connector.system import running
from connector.web import servers
from platforms.shopify.sandbox import create_sandbox
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID, SECRET = "an-app", f"shpss_{'5' * 32}"
FRAME = "/admin/apps/perennial"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Serve the sandbox, its app set up, and Perennial with that app's keys; yield the shop."""
    port = free_port(2)
    service, shop = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
    folder = tmp_path_factory.mktemp("embedded")
    settings = Settings(
        database_url=f"sqlite://{folder / 'perennial.db'}",
        secret_key="k" * 40,
        public_url=service,
        allow_loopback=True,
        platforms={"shopify_client_id": ID, "shopify_client_secret": SECRET},
    )
    sandbox = create_sandbox(url=shop, key=ID, secret=SECRET)
    async with running(settings) as system:
        await database.migrate(settings.database_url, system.models)
        stop = asyncio.Event()
        apps: list[servers.Served] = [
            (create_app(system), servers.listen("127.0.0.1", port)),
            (sandbox, servers.listen("127.0.0.1", port + 1)),
        ]
        for _, bound in apps:
            bound.listen()
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.serve(apps, stop))
            group.create_task(worker.work(system, stop))
            yield f"{shop} {service}"
            stop.set()


@pytest_asyncio.fixture(loop_scope="session", params=[(1440, 900), (390, 844)], ids=["1440", "390"])
async def page(browser: Browser, shop: str, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """An admin's page, signed in, the app set up; nothing may go wrong in it."""
    width, height = request.param
    base, service = shop.split()
    context = await browser.new_context(
        base_url=base, reduced_motion="reduce", viewport={"width": width, "height": height}
    )
    context.set_default_timeout(10_000)
    page, noise = await context.new_page(), list[str]()

    def hear(line: ConsoleMessage) -> None:
        if "Failed to load resource" not in line.text:  # a form that is refused
            noise.append(line.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: noise.append(str(error)))
    await page.request.post("/admin/login", form={"login": "admin", "password": "admin"})
    await page.request.post("/admin/app", form={"service": service})
    yield page
    ours = [one["name"] for one in await context.cookies() if "perennial" in one["name"]]
    await context.close()
    assert (noise, ours) == ([], [])


async def heading(frame: FrameLocator, name: str) -> None:
    await expect(frame.get_by_role("heading", level=1, name=name)).to_be_visible()


async def follow(page: Page, frame: FrameLocator, name: str) -> None:
    """Go to a page by the navigation, which a phone folds."""
    menu = frame.locator(".ad-mtop summary")
    if await menu.is_visible():
        await menu.click()
    links = frame.get_by_role("link", name=name, exact=True)
    await links.locator("visible=true").first.click()


async def read(page: Page, frame: FrameLocator) -> None:
    """Wait until the store is read, which is where its customers are."""
    for _ in range(20):
        await page.goto(f"{FRAME}/customers/")
        await heading(frame, "Customers")
        with suppress(AssertionError):
            jude = frame.get_by_role("link", name=re.compile("Jude"))
            await expect(jude).to_be_visible(timeout=500)
            return
    raise AssertionError("the store was not read in 10 s")


async def test_the_app_is_installed_by_opening_it_and_used_in_the_frame(page: Page) -> None:
    await page.goto(FRAME)
    frame = page.frame_locator("iframe")
    await heading(frame, "Northlight")

    await follow(page, frame, "Set up")
    await heading(frame, "Set up")
    await expect(page).to_have_url(re.compile(f"{FRAME}/start/$"))
    assert await frame.locator("h1").evaluate("one => one === document.activeElement")

    await page.reload()
    await heading(frame, "Set up")
    await expect(frame.get_by_role("button", name="Sign out")).to_have_count(0)


async def test_a_form_is_sent_what_was_done_is_said_and_back_goes_back(page: Page) -> None:
    await page.goto(f"{FRAME}/look/")
    frame = page.frame_locator("iframe")
    await heading(frame, "Widget look")
    await frame.get_by_label("Accent colour", exact=True).fill("#1a7f5a")
    await frame.get_by_role("button", name="Save").click()
    await expect(frame.locator(".ad-toast[role=status]")).to_be_visible()
    await expect(page).to_have_url(re.compile(f"{FRAME}/look/$"))
    await expect(frame.get_by_label("Accent colour", exact=True)).to_have_value("#1a7f5a")

    await frame.get_by_label("Accent colour", exact=True).fill("nothing")
    await frame.get_by_role("button", name="Save").click()
    await expect(frame.locator(".ad-err")).to_be_visible()


async def test_a_list_is_searched(page: Page) -> None:
    frame = page.frame_locator("iframe")
    await read(page, frame)
    await frame.get_by_role("searchbox").locator("visible=true").first.fill("maya")
    await page.keyboard.press("Enter")
    await expect(frame.get_by_role("link", name=re.compile("Maya"))).to_be_visible()
    await expect(page).to_have_url(re.compile(r"customers/\?q=maya"))
    await page.evaluate("history.back()")
    await expect(frame.get_by_role("link", name=re.compile("Jude"))).to_be_visible()


async def test_a_file_comes_down(page: Page) -> None:
    frame = page.frame_locator("iframe")
    await read(page, frame)
    await frame.get_by_role("link", name=re.compile("Maya")).click()
    await heading(frame, "Maya Lindner")
    async with page.expect_download() as coming:
        await frame.get_by_role("button", name="Download the file").click()
    file = await coming.value
    assert file.suggested_filename.endswith(".json")
    told = json.loads(await asyncio.to_thread((await file.path()).read_bytes))
    assert told["format"] == "perennial/person/1"
