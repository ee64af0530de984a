"""Every component of the merchant's pages in every state, at every width and in every look."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.gallery import LOOKS, SIZES, served, shown
from tests.browser.test_admin_pages import AXE, CUT, SMALL

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base() -> AsyncIterator[str]:
    async with served() as address:
        yield address


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("look", LOOKS)
async def test_nothing_is_cut_or_small_or_unnamed(
    browser: Browser, base: str, look: str, width: int
) -> None:
    page = await shown(browser, base, look, width)

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(SMALL, 44 if width < 860 else 24) == []
    assert await page.evaluate(CUT) == []
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(
        "axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].target))"
    )
    assert found == []
    await page.close()


@pytest.mark.parametrize("width", [1100, 1281, 1440])
async def test_what_happened_has_room_beside_its_points(
    browser: Browser, base: str, width: int
) -> None:
    page = await shown(browser, base, "light", width)

    told = page.locator("summary.ad-led-row > :nth-child(2)")
    widths = await told.evaluate_all("all => all.map(one => one.clientWidth)")
    assert len(widths) == 4
    assert min(widths) >= 150
    await page.close()


async def test_a_mistake_has_the_focus_and_an_undo_is_the_first_way(
    browser: Browser, base: str
) -> None:
    page = await shown(browser, base, "light", 390)
    assert await page.evaluate("document.activeElement.id") == "wrong"

    await page.evaluate("document.activeElement.blur()")
    await page.locator(".ad-skip").focus()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Undo"
    await page.close()


async def test_what_the_toast_lies_over_can_be_scrolled_free(browser: Browser, base: str) -> None:
    page = await shown(browser, base, "light", 390)

    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    toast = await page.locator(".ad-toast").bounding_box()
    last = await page.locator("#form").bounding_box()
    assert toast
    assert last
    assert last["y"] + last["height"] <= toast["y"]
    await page.close()
