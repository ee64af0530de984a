"""Merchant pages in the browser: in every state they can be read, reached and operated."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page

from connector.web.models import LookRow
from tests.browser.office import ABROAD, LONG, SCENES, SIZES, Office, Scene, opened, shown
from tests.house.texts import BEGIN, END
from tests.town import SHOP

OF_LOOK = Scene("look", "/admin/look/")
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
    const apart = '.ad-lang, textarea, .ad-sum p.ad-num, main [lang=en]'
    if (!at.parentElement.closest(apart)) said.push(at.data)
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
    | \b[0-9a-f]{{37}}(\.\.\.)? | \b\w+\.(changed|expiring|used)\b
    | \b(events|points|programs|read|redemptions|webhooks)\b
    | \b(analytics|analyst|program|widgets)\b | (accent|scheme|position)=\S+
    | Access[ ]of[ ]store[ ]new[ ]cannot[ ]be[ ]opened.*
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
    for _ in range(22):
        await page.keyboard.press("Tab")
        names.append(await focused(page))
    assert names == [
        "Skip to the page", "Search customers", "Home", "Set up", "Program", "Widget look",
        "Customers", "Analytics", "Sign out", "Language", "Change", "Help: Customers",
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


async def chosen(page: Page, **look: str) -> None:
    """Choose some of a look on its page."""
    for name, value in look.items():
        field = page.locator(f"#{name}")
        await (field.fill(value) if name == "accent" else field.select_option(value))


async def worn(launcher: Locator) -> tuple[str, str, str]:
    """Return colour, scheme and corner of the button, once it is there."""
    await launcher.locator("button").wait_for()
    found: list[str] = await launcher.evaluate(
        "host => [getComputedStyle(host.shadowRoot.querySelector('button')).backgroundColor,"
        " host.dataset.pnScheme, host.dataset.pnPosition]"
    )
    return found[0], found[1], found[2]


@pytest.mark.parametrize("is_scripted", [True, False])
async def test_the_preview_wears_what_is_not_saved(
    browser: Browser, office: Office, *, is_scripted: bool
) -> None:
    page = await shown(office, browser, OF_LOOK, "light", 1440)
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    if not is_scripted:
        await page.route("**/look.js", lambda route: route.abort())
        await page.reload()
    launcher = page.frame_locator("iframe").locator("perennial-launcher")
    assert await worn(launcher) == ("rgb(39, 70, 216)", "light", "end")

    await chosen(page, accent="#b5462f", scheme="dark", position="start")
    if not is_scripted:
        await page.get_by_role("button", name="Show it").click()
        await page.frame_locator("iframe").locator("html[data-scheme=dark]").wait_for()

    assert await worn(launcher) == ("rgb(181, 70, 47)", "dark", "start")
    assert await LookRow.all().count() == 0
    assert await page.get_by_role("button", name="Show it").is_visible() is not is_scripted
    assert [line for line in said if "ERR_FAILED" not in line] == []
    await page.context.close()


async def test_the_preview_follows_each_choice_with_its_panel_open(
    browser: Browser, office: Office
) -> None:
    page = await shown(office, browser, OF_LOOK, "light", 1440)
    preview = page.frame_locator("iframe")
    launcher, dialog = preview.locator("perennial-launcher"), preview.get_by_role("dialog")
    await launcher.locator("button").click()
    await dialog.wait_for()

    for colour, shown_as in (("#0f0", "rgb(0, 255, 0)"), ("", "rgb(39, 70, 216)")):
        await chosen(page, accent=colour)
        assert await worn(launcher) == (shown_as, "light", "end")
    await page.locator("#picker").fill("#112233")
    assert await page.locator("#accent").input_value() == "#112233"
    assert (await worn(launcher))[0] == "rgb(17, 34, 51)"
    await chosen(page, accent="#11223", scheme="dark")
    assert await worn(launcher) == ("rgb(17, 34, 51)", "light", "end")
    await chosen(page, accent="#123")
    assert await worn(launcher) == ("rgb(17, 34, 51)", "dark", "end")
    assert await dialog.is_visible()
    await page.context.close()


async def test_the_preview_has_nothing_for_axe(browser: Browser, office: Office) -> None:
    page = await shown(office, browser, OF_LOOK, "light", 390)
    await chosen(page, accent="#ffd400", scheme="dark")
    frame = page.frames[1]
    await worn(frame.locator("perennial-launcher"))
    await frame.evaluate(AXE.read_text(encoding="utf-8"))
    found = await frame.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
    assert found == []
    await page.context.close()


async def test_a_storefront_wears_what_is_saved(browser: Browser, office: Office) -> None:
    page = await shown(office, browser, OF_LOOK, "light", 1440)
    await chosen(page, accent="#b5462f", position="start")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").wait_for()
    office.town.clock.forward(seconds=1)

    tag = f'src="{office.base}/widgets/loader.js" data-store="{office.town.store}"'
    html = f"<!doctype html><body><script {tag} data-accent=teal data-scheme=dark defer></script>"
    store = await browser.new_context(permissions=["local-network-access"])
    await store.route(f"{SHOP}/", lambda route: route.fulfill(body=html, content_type="text/html"))
    visit = await store.new_page()
    await visit.goto(f"{SHOP}/")

    launcher = visit.locator("perennial-launcher")
    assert await worn(launcher) == ("rgb(181, 70, 47)", "dark", "start")
    await store.close()
    await page.context.close()
