"""One Chromium for all tests, a fresh page for each, on :mod:`tests.browser.stage`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright

from tests.browser.stage import NOW, Play, Stage, served

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def theatre() -> Iterator[Stage]:
    with served() as stage:
        yield stage


@pytest.fixture
def stage(theatre: Stage) -> Stage:
    theatre.play = Play()
    return theatre


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, stage: Stage) -> AsyncIterator[Page]:
    """A page whose console and errors must stay silent, but for the browser's own network log."""
    context = await browser.new_context(base_url=stage.base, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = await context.new_page()
    noise: list[str] = []

    def fail(error: Error) -> None:
        noise.append(str(error))

    def hear(line: ConsoleMessage) -> None:
        if "Failed to load resource" not in line.text:
            noise.append(line.text)

    page.on("console", hear)
    page.on("pageerror", fail)
    await page.clock.set_fixed_time(NOW)
    yield page
    await context.close()
    assert noise == []
