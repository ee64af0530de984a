"""A merchant's whole way in the browser, on a store and a service that knew nothing of each other.

They connect in the store's back office, are led to a program that fits what the store sold, publish
it, look at what a shopper does with it, put it right by hand, and change it. Each process is its
own, and nothing stands in for anything. ``python -m tests.evidence onboarding`` keeps the figures.
"""

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from connector.demo.shopper import Shopper
from tests.browser.demo import strangers_running

pytestmark = pytest.mark.asyncio(loop_scope="session")
ARRIVES_S = 30.0


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with strangers_running(tmp_path_factory.mktemp("strangers")) as both:
        yield both


@dataclass
class Hand:
    """Somebody with a mouse, whose clicks are counted."""

    page: Page
    clicks: int = 0

    async def click(self, name: str, role: str = "button") -> None:
        self.clicks += 1
        await self.found(name, role).click()
        await self.page.wait_for_load_state()

    def found(self, name: str, role: str = "button") -> Locator:
        by = self.page.get_by_role("link" if role == "link" else "button", name=name, exact=True)
        return by.locator("visible=true").first

    async def sees(self, text: str) -> None:
        await expect(self.page.locator("body")).to_contain_text(text)

    async def waits_for(self, text: str, path: str) -> None:
        """Look again and again until a page says something."""
        end = time.monotonic() + ARRIVES_S
        while text not in " ".join((await self.page.locator("body").inner_text()).split()):
            assert time.monotonic() < end, await self.page.locator("main").inner_text()
            await asyncio.sleep(0.5)
            await self.page.goto(path)


async def installed(hand: Hand, shop: str, service: str) -> None:
    """Connect in the store's back office by wc-auth, and open Perennial from there."""
    page = hand.page
    await page.goto(f"{shop}/wp-admin/admin.php?page=perennial")
    await page.get_by_label("User name or email").fill("admin")
    await page.get_by_label("Password").fill("admin")
    await hand.click("Log in")
    await page.get_by_label("Service address").fill(service)
    await hand.click("Connect")
    await hand.click("Approve", "link")
    await hand.click("Open Perennial")
    await expect(page).to_have_url(f"{service}/admin/")


async def onboarded(hand: Hand, service: str) -> None:
    """Have a program proposed, see what it would have cost, and publish it."""
    await hand.click("Set up", "link")
    await hand.waits_for("2. Customers and orders are read Done", f"{service}/admin/start/")
    await hand.click("Propose a program")
    await hand.sees("this is our template for small baskets")  # the sandbox sold to four people
    await hand.waits_for("In the last 12 months it would have given", f"{service}/admin/start/")
    await hand.click("Publish the program")
    await hand.sees("Version 1 is live")


async def points(page: Page, name: str) -> int:
    """Return a figure of a customer's page."""
    tile = page.locator(".ad-tile").filter(has_text=re.compile(rf"^{name}"))
    return int((await tile.locator(".ad-tile-v").inner_text()).replace(",", ""))


async def adjust(hand: Hand, count: int, reason: str) -> None:
    await hand.page.get_by_label("Points to add").fill(str(count))
    await hand.page.get_by_label("Why").fill(reason)
    await hand.click("Change the points")


async def shopped(hand: Hand, shop: str, service: str) -> tuple[Shopper, int]:
    """Have Maya buy, and find her; return her and her points."""
    await asyncio.sleep(1)  # the store dates orders by the second, and this one is to count
    maya = await asyncio.to_thread(lambda: Shopper(shop))
    await asyncio.to_thread(lambda: maya.buy("house-blend", 2))
    await hand.waits_for("98 points.", f"{service}/admin/start/")  # 5 for each of 2 * 9.80 EUR
    await hand.page.goto(f"{service}/admin/customers/?q=maya")
    await hand.click("Maya Lindqvist", "link")
    return maya, await points(hand.page, "Available")


async def served(hand: Hand, maya: Shopper, before: int) -> None:
    """Give her what a reward costs, see her take it, and undo a mistake."""
    reward = (await asyncio.to_thread(maya.state))["program"]["rewards"][0]
    await adjust(hand, reward["cost"], "A welcome")
    assert await points(hand.page, "Available") == before + reward["cost"]
    taken = await asyncio.to_thread(lambda: maya.redeem(reward["id"]))
    assert taken.status_code in {200, 201}
    await hand.waits_for("Rewards taken", hand.page.url)
    assert await points(hand.page, "Available") == before

    await adjust(hand, 40, "By mistake")
    assert await points(hand.page, "Available") == before + 40
    await hand.click("Undo")
    await hand.sees("That is undone")
    assert await points(hand.page, "Available") == before


async def changed(hand: Hand, service: str) -> None:
    """Make a tier easier to reach, see who moves, and publish that."""
    await hand.click("Program", "link")
    await hand.page.get_by_label("From Regular").fill("1")
    await hand.click("Save draft")
    await hand.waits_for("Published now, these change tier at once", f"{service}/admin/program/")
    await hand.sees("from no tier to Regular")
    await hand.click("Publish")
    await hand.click("Publish version 2")
    await hand.sees("Version 2 is live")


async def test_the_whole_way(browser: Browser, addresses: tuple[str, str]) -> None:
    shop, service = addresses
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(15_000)
    hand, began = Hand(page), time.monotonic()

    await installed(hand, shop, service)
    await onboarded(hand, service)
    took = time.monotonic() - began
    sys.stdout.write(f"published after {hand.clicks} clicks and {took:.0f} s\n")
    assert hand.clicks <= 8
    await hand.click("Look at my storefront")
    await hand.sees("The widget is on your store's first page.")
    maya, before = await shopped(hand, shop, service)
    assert before == 98
    await served(hand, maya, before)
    maya.http.close()
    maya.api.close()
    await changed(hand, service)
    await page.context.close()
