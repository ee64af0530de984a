"""A shopper of the Shopify demo: they log in, buy, and see the points come in the widget."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.demo import Demo, demo_running

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAGS, EARNED = 12, 588  # 12 * 9.80 EUR, 5 points for each whole euro
LOOKS, LOOK_MS = 8, 2_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo_running(tmp_path_factory.mktemp("demo"), "--platform", "shopify") as demo:
        yield demo


@pytest_asyncio.fixture(loop_scope="session", params=[(1440, 900), (390, 844)], ids=["1440", "390"])
async def page(browser: Browser, demo: Demo, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page at the store, where nothing may go wrong."""
    width, height = request.param
    context = await browser.new_context(
        base_url=demo.shop, viewport={"width": width, "height": height}
    )
    context.set_default_timeout(10_000)
    page, noise = await context.new_page(), list[str]()
    page.on("console", lambda line: noise.append(line.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on(
        "response",
        lambda one: noise.append(f"{one.status} {one.url}") if one.status > 399 else None,
    )
    yield page
    await context.close()
    assert noise == []


async def shows(page: Page, launcher: Locator, wanted: re.Pattern[str]) -> None:
    """Look again, as a shopper does, until the points are there."""
    for _ in range(LOOKS):
        try:
            await expect(launcher).to_have_accessible_name(wanted, timeout=LOOK_MS)
        except AssertionError:
            await page.reload()
        else:
            return
    await expect(launcher).to_have_accessible_name(wanted)


async def test_a_checkout_becomes_points_in_the_panel(page: Page) -> None:
    await page.goto("/")
    launcher = page.locator("perennial-launcher button")
    await expect(launcher).to_be_visible()
    await page.get_by_role("link", name="Log in").click()
    form = page.locator("form").filter(has=page.get_by_role("heading", name="Log in"))
    await form.get_by_label("Email").fill("maya@example.test")
    await form.get_by_label("Password").fill("shopper")
    await form.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Hello, Maya")).to_be_visible()
    number = launcher.locator(".pn-num > [aria-hidden]")
    await expect(number).to_be_visible()
    before = int((await number.inner_text()).replace(",", ""))

    await page.goto("/products/house-blend")
    await page.get_by_role("spinbutton", name="How many").fill(str(BAGS))
    await page.get_by_role("button", name="Add to bag").click()
    await page.get_by_role("link", name="Go to checkout").click()
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()

    await expect(launcher).to_have_count(0)  # a checkout at Shopify has no theme

    after = before + EARNED
    await page.get_by_role("link", name="Back to the coffee").click()
    wanted = re.compile(rf"^Rewards\s*{after:,} points$")
    await shows(page, launcher, wanted)
    await launcher.click()
    dialog = page.get_by_role("dialog", name="Northlight Rewards")
    await expect(dialog.locator(".pn-balance-n")).to_contain_text(f"{after:,}")
    await page.wait_for_load_state("networkidle")
