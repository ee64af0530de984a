"""Pictures of the real demo: what its shopper and its merchant see, in the order they see it."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.demo import Demo, demo_running

SIZES = {390: 844, 1440: 900, 320: 720}
COFFEE = "/product/house-blend/"
BALANCE = "perennial-launcher .pn-num > [aria-hidden]"
EARNED = 588  # twelve bags at 9.80, 5 points for each whole euro
WAIT_MS = 15_000


@dataclass
class Reel:
    """One page's pictures by width and name; a page that scrolls sideways is told by its name."""

    page: Page
    pictures: Mapping[int, dict[str, bytes]]
    faults: list[str] = field(default_factory=list)

    async def snap(self, name: str, *, is_whole: bool = True) -> None:
        """Picture what the page shows at every width."""
        page = self.page
        await page.wait_for_load_state("networkidle")
        for width, shots in self.pictures.items():
            await page.set_viewport_size({"width": width, "height": SIZES[width]})
            await page.wait_for_timeout(150)
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.faults.append(f"{name} at {width}: scrolls sideways")
            shots[name] = await page.screenshot(full_page=is_whole)

    async def go(self, path: str, name: str) -> None:
        """Open a page and picture it."""
        await self.page.goto(path)
        await self.snap(name)

    async def send(self, path: str, **form: str | float | bool) -> None:
        """Post a form in the page's place."""
        await self.page.request.post(path, form=form)


async def pictures(browser: Browser) -> tuple[Mapping[int, dict[str, bytes]], list[str]]:
    """Run a demo, picture it at each width, and say what is wrong with what can be measured."""
    found: dict[int, dict[str, bytes]] = {width: {} for width in SIZES}
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, demo_running(Path(folder)) as demo:
        for tour in (shop_tour, office_tour):
            context = await browser.new_context(
                base_url=demo.shop, reduced_motion="reduce", timezone_id="Europe/Berlin"
            )
            context.set_default_timeout(WAIT_MS)
            reel = Reel(await context.new_page(), found)
            await tour(reel, demo)
            faults += reel.faults
            await context.close()
    return found, faults


async def shop_tour(reel: Reel, _: Demo) -> None:
    """Maya buys twelve bags, swaps her points for a code, and uses it."""
    page = reel.page
    await reel.go("/my-account/", "log in")
    await reel.send("/my-account/login", login="maya@example.test", password="shopper")
    await reel.go("/", "store")
    before = int((await page.locator(BALANCE).inner_text()).replace(",", ""))
    await reel.go(COFFEE, "product")
    await reel.go("/cart/", "empty bag")
    await buying_at_full_price(reel, before)
    await redeeming(reel)
    await reel.go("/checkout/", "checkout")
    await check_out(page)
    await reel.snap("thank you")
    await reel.go("/my-account/", "account")
    await reel.go("/no-such-page/", "lost")


async def buying_at_full_price(reel: Reel, before: int) -> None:
    """Buy until there are points to show."""
    page = reel.page
    await fill_bag(page, 12)
    await reel.snap("bag")
    await page.get_by_label("Coupon code").fill("NO-SUCH-CODE")
    await press(page, "Apply")
    await reel.snap("bag refuses")
    await check_out(page)
    await expect(page.locator(BALANCE)).to_have_text(f"{before + EARNED:,}")
    await page.goto("/")
    await open_panel(page)
    await reel.snap("points came", is_whole=False)


async def redeeming(reel: Reel) -> None:
    """Swap points for a code, and put it into the bag."""
    page = reel.page
    await panel_button(page, "Rewards").click()
    await panel_button(page, "Use 500 points for €5 off").click()
    await page.locator("perennial-panel code").wait_for()
    await reel.snap("code came", is_whole=False)
    await fill_bag(page, 2)
    await open_panel(page)
    await panel_button(page, "See it").click()
    async with page.expect_navigation():
        await panel_button(page, "Apply to my cart").click()
    await reel.snap("bag with code")


async def office_tour(reel: Reel, demo: Demo) -> None:
    """The merchant looks at orders and at everything that connects the store."""
    page = reel.page
    await reel.go("/wp-admin/", "office log in")
    await reel.send("/wp-login.php", login="admin", password="admin")
    await reel.go("/wp-admin/", "orders")
    await page.locator("tbody a").first.click()
    await reel.snap("order")
    await reel.go("/wp-admin/webhooks", "webhooks")
    await reel.go("/wp-admin/admin.php?page=perennial", "plugin")
    await reel.go("/wp-admin/admin.php?page=perennial&pairing=x&service=nowhere", "not paired")
    await reel.go(f"/wc-auth/v1/authorize?{urlencode(asked(demo))}", "approve")
    await page.goto(demo.admin_link)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await reel.snap(f"status {scheme}")


def asked(demo: Demo) -> Mapping[str, str]:
    """What an application asks a merchant to approve."""
    return {
        "app_name": "Perennial",
        "scope": "read_write",
        "user_id": "1",
        "return_url": f"{demo.service}/",
        "callback_url": f"{demo.service}/",
    }


async def press(page: Page, name: str) -> None:
    """Press the store's own button of that name."""
    await page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def panel_button(page: Page, name: str) -> Locator:
    """Return the panel's button of that name."""
    return page.get_by_role("dialog").get_by_role("button", name=name, exact=True)


async def open_panel(page: Page) -> None:
    """Open the panel."""
    await page.locator("perennial-launcher button").click()
    await page.locator("perennial-panel .pn-balance").wait_for()


async def fill_bag(page: Page, bags: int) -> None:
    """Put so many bags of the first coffee into the bag."""
    await page.goto(COFFEE)
    await page.get_by_label("How many").fill(str(bags))
    await press(page, "Add to bag")


async def check_out(page: Page) -> None:
    """Pay for the bag by card."""
    await page.goto("/checkout/")
    await press(page, "Place order")
    await page.wait_for_url(re.compile("order-received"))
