"""Merchant pages in the browser: in every state they can be read, reached and operated."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.office import ABROAD, LONG, SCENES, SIZES, Office, Scene, opened, shown
from tests.house.texts import BEGIN, END

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = ((390, "rtl"), (1440, "marked"))
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


SAID = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const said = [document.title]
  while (walk.nextNode()) {
    const at = walk.currentNode
    if (!at.parentElement.closest('.ad-lang, textarea, .ad-sum p.ad-num')) said.push(at.data)
  }
  for (const name of ['aria-label', 'title', 'placeholder'])
    for (const one of document.querySelectorAll(`[${name}]`)) said.push(one.getAttribute(name))
  return said
}"""
MARKED = re.compile(f"{BEGIN}[^{BEGIN}{END}]*{END}")
DATA = re.compile(
    rf"""
    Perennial | PERENNIAL_\w+ | English | polski
    | WooCommerce | Town([ ]club)? | Coffee[ ]club | Silver | Gold | {LONG}
    | A[ ](new|small|failed)[ ]store | A[ ]store[ ]without[ ]orders
    | Ada | Ben | Shopper | Maya[ ]Okafor | Jonas[ ]Lind | Łucja[ ]Żak | Kenji[ ]Watanabe
    | member-price | free_(shipping|returns)
    | The[ ]till | A[ ]late[ ]parcel | processing | Europe/Berlin | \b[A-Z]{{3}}\b
    | \S+@\S+ | https?://\S+ | (pk|msg|customer)[_:]\S+ | \b[a-z0-9]{{16}}\b
    | \b\w+\.(changed|expiring|used)\b | \b(events|points|programs|read|redemptions|webhooks)\b
    | \b(analytics|analyst|program)\b | Access[ ]of[ ]store[ ]new[ ]cannot[ ]be[ ]opened.*
    """,
    re.VERBOSE,
)
"""What pages say that is of the store, or the same in every language; explanations are English."""


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
    if look == "marked":
        assert untranslated(await page.evaluate(SAID)) == []
    found = await page.evaluate(
        "axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].target))"
    )
    assert found == []
    await page.context.close()


def untranslated(said: list[str]) -> list[str]:
    """Return what of a page is in English whatever its language."""
    left = []
    for text in said:
        rest, before = text, ""
        while rest != before:
            rest, before = MARKED.sub("", rest), rest
        if re.search("[A-Za-z]{2}", DATA.sub("", rest)):
            left.append(rest.strip())
    return left


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("look", ["pl", "ja"])
@pytest.mark.parametrize("name", ABROAD)
async def test_it_has_room_for_our_languages(
    browser: Browser, office: Office, name: str, look: str, width: int
) -> None:
    scene = next(one for one in SCENES if one.name == name)
    page = await shown(office, browser, scene, look, width)
    assert await page.evaluate("document.documentElement.lang") == look
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(SMALL, TARGETS[width]) == []
    assert await page.evaluate(CUT) == []
    await page.context.close()


async def test_the_keyboard_goes_through_a_page_as_it_is_read(
    browser: Browser, office: Office
) -> None:
    scene = next(one for one in SCENES if one.name == "customer to look at")
    page = await shown(office, browser, scene, "light", 1440)
    names = []
    for _ in range(20):
        await page.keyboard.press("Tab")
        names.append(await focused(page))
    assert names == [
        "Skip to the page", "Search customers", "Home", "Set up", "Program", "Customers",
        "Analytics", "Sign out", "Language", "Change",
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
        " (one.closest('label')?.firstChild || one.querySelector('.ad-b') || one)"
        ".textContent.trim()])(document.activeElement)"
    )
    assert found[0] == "solid"
    return found[1]
