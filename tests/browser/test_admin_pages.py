"""Merchant pages in the browser: in every state they can be read, reached and operated."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.office import SCENES, Office, Scene, opened, shown

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = ((390, "rtl"), (1440, "dark"))
TARGETS = {390: 44, 1440: 24}
pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL = """least => [...document.querySelectorAll('button, .ad-in, .ad-btn, nav a')]
  .filter(one => one.type !== 'hidden' && one.checkVisibility())
  .map(one => [one.textContent.trim() || one.name, one.getBoundingClientRect()])
  .filter(([, box]) => Math.round(box.height) < least || Math.round(box.width) < 24)
  .map(([name]) => name)"""
CUT = """() => [...document.querySelectorAll('main, main *')]
  .filter(one => one.checkVisibility())
  .filter(one => !one.closest('.ad-sr, [role=tooltip], svg, .ad-in, .ad-scroll'))
  .filter(one => getComputedStyle(one).display !== 'inline' && !one.classList.contains('ad-sr'))
  .filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.textContent.trim().slice(0, 60))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office() -> AsyncIterator[Office]:
    async with opened() as one:
        yield one


@pytest.mark.parametrize(("width", "look"), LOOKS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda one: one.name)
async def test_everybody_can_use_it(
    browser: Browser, office: Office, scene: Scene, look: str, width: int
) -> None:
    page = await shown(office, browser, scene, look, width)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(SMALL, TARGETS[width]) == []
    assert await page.evaluate(CUT) == []
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(
        "axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].target))"
    )
    assert found == []
    await page.context.close()


async def test_the_keyboard_goes_through_a_page_as_it_is_read(
    browser: Browser, office: Office
) -> None:
    scene = next(one for one in SCENES if one.name == "customer to look at")
    page = await shown(office, browser, scene, "light", 1440)
    names = []
    for _ in range(17):
        await page.keyboard.press("Tab")
        names.append(await focused(page))
    assert names == [
        "Skip to the page", "Home", "Set up", "Program", "Customers", "Analytics", "Sign out",
        "What is “Available”?", "What is “Pending”?", "What is “Entries”?", "What is “Tier”?",
        "All", "Earned", "Spent",
        "Taken back", "By hand", "Changed by hand",
    ]  # fmt: skip
    await page.keyboard.press("Enter")
    assert await page.get_by_text("by the merchant: Thanks").is_visible()
    await page.context.close()


async def focused(page: Page) -> str:
    """Return what has the focus, whose ring can be seen."""
    found: list[str] = await page.evaluate(
        "(one => [getComputedStyle(one).outlineStyle, one.ariaLabel ||"
        " (one.querySelector('.ad-b') || one).textContent.trim()])(document.activeElement)"
    )
    assert found[0] == "solid"
    return found[1]
