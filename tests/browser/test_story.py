"""A shopper's whole story by keyboard alone, on the real demo: nothing stands in for anything.

They sign in, buy, see their points come, swap them for a code, and pay less the next time. Every
figure is worked out here from the prices and the demo's program.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from tests.browser.demo import Demo, demo_running

pytestmark = pytest.mark.asyncio(loop_scope="session")

COFFEE, PRICE = "House Blend", Decimal("9.80")
POINTS_PER_EURO, COST, WORTH = 5, 500, Decimal("5.00")
SHIPPING, FREE_FROM = Decimal("4.90"), Decimal("50.00")
TABS_MAX = 60
ARRIVES_MS = 20_000
NOTHING = Decimal("0.00")
MINUS = "\N{MINUS SIGN}"


def earned(goods: Decimal) -> int:
    """Five points for every euro of goods, rounded down once per order."""
    return int(goods * POINTS_PER_EURO)


def euros(amount: Decimal) -> str:
    return f"€{amount:,.2f}"


def shipping(goods: Decimal) -> Decimal:
    return NOTHING if goods >= FREE_FROM else SHIPPING


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo_running(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@dataclass
class Shopper:
    """Somebody with a keyboard and no mouse; everything that goes wrong is kept in ``noise``."""

    page: Page
    noise: list[str] = field(default_factory=list)

    def listen(self) -> None:
        page, noise = self.page, self.noise

        def hear(line: ConsoleMessage) -> None:
            noise.append(f"console {line.type}: {line.text}")

        def thrown(error: Error) -> None:
            noise.append(f"thrown: {error}")

        def failed(request: Request) -> None:
            noise.append(f"failed: {request.method} {request.url} {request.failure}")

        def answered(response: Response) -> None:
            if response.status >= 400:
                noise.append(f"{response.status}: {response.request.method} {response.url}")

        page.on("console", hear)
        page.on("pageerror", thrown)
        page.on("requestfailed", failed)
        page.on("response", answered)

    async def reach(self, wanted: Locator, key: str = "Tab") -> None:
        """Press Tab until this has the focus, in whichever shadow root it is."""
        for _ in range(TABS_MAX):
            if await wanted.evaluate_all(
                "nodes => nodes.some(node => node.getRootNode().activeElement === node)"
            ):
                return
            await self.page.keyboard.press(key)
        pytest.fail(f"no way by keyboard to {wanted}")

    async def press(self, wanted: Locator, key: str = "Enter") -> None:
        await self.reach(wanted)
        await self.page.keyboard.press(key)

    async def write(self, wanted: Locator, text: str) -> None:
        await self.reach(wanted)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def follow(self, wanted: Locator, to: str, key: str = "Enter") -> None:
        """Press what leads to another page, and wait until that page is at rest."""
        async with self.page.expect_navigation(url=to):
            await self.press(wanted, key)
        await self.page.wait_for_load_state("networkidle")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    @property
    def launcher(self) -> Locator:
        return self.page.locator("perennial-launcher button")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog", name="Northlight Rewards")

    async def balance_is(self, points: int) -> None:
        """The launcher says so, by and by, without anybody reloading the page."""
        said = "point" if points == 1 else "points"
        wanted = re.compile(rf"^Rewards\s*{points:,} {said}$")
        await expect(self.launcher).to_have_accessible_name(wanted, timeout=ARRIVES_MS)

    async def open_panel(self) -> None:
        await self.press(self.launcher)
        await expect(self.dialog).to_be_visible()

    async def fill_bag(self, bags: int) -> None:
        page = self.page
        await self.follow(self.link("Coffee"), "/")
        await self.follow(page.get_by_role("link", name=re.compile(COFFEE)), "/product/**")
        await self.write(page.get_by_role("spinbutton", name="How many"), str(bags))
        await self.follow(self.button("Add to bag"), "/cart/")

    async def check_out(self) -> None:
        """Pay by card; where to send it is typed unless the store knows it."""
        page = self.page
        await self.follow(self.link("Go to checkout"), "/checkout/")
        for label, text in ADDRESS.items():
            field = page.get_by_label(label, exact=True)
            if not await field.input_value():
                await self.write(field, text)
        card = page.get_by_role("radio", name="Card (test)")
        await self.press(card, "Space")
        await expect(card).to_be_checked()
        await self.follow(self.button("Place order"), "/checkout/order-received/**", "Space")

    def sums(self, name: str) -> Locator:
        """A figure of the page's own list of sums."""
        terms = self.page.get_by_role("main").locator("dl.totals > div")
        return terms.filter(has_text=re.compile(rf"^\s*{name}")).locator("dd")

    async def sums_are(self, goods: Decimal, off: Decimal = NOTHING) -> None:
        """What the page asks for is the goods, less the discount, and shipping."""
        total = goods - off + shipping(goods - off)
        await expect(self.sums("Total")).to_have_text(euros(total))
        discount = self.sums("Coupon")
        if off:
            await expect(discount).to_have_text(f"{MINUS}{euros(off)}")
        else:
            await expect(discount).to_have_count(0)


ADDRESS = {
    "First name": "Robin",
    "Last name": "Sommer",
    "Street and number": "Kastanienallee 1",
    "Postcode": "10435",
    "City": "Berlin",
}


@pytest_asyncio.fixture(loop_scope="session", params=[(1440, 900), (390, 844)], ids=["1440", "390"])
async def shopper(
    browser: Browser, demo: Demo, request: pytest.FixtureRequest
) -> AsyncIterator[Shopper]:
    width, height = request.param
    context = await browser.new_context(
        base_url=demo.shop, viewport={"width": width, "height": height}
    )
    context.set_default_timeout(10_000)
    shopper = Shopper(await context.new_page())
    shopper.listen()
    yield shopper
    await context.close()
    assert shopper.noise == []


async def enter_known(shopper: Shopper) -> None:
    """Log in with an account that has a history in the store."""
    page = shopper.page
    await shopper.follow(shopper.link("Log in"), "/my-account/")
    form = page.locator("form").filter(has=page.get_by_role("heading", name="Log in"))
    await shopper.write(form.get_by_label("Email or user name"), "maya@example.test")
    await shopper.write(form.get_by_label("Password"), "shopper")
    await shopper.press(form.get_by_role("button", name="Log in"))
    await expect(page.get_by_role("heading", name="Hello, Maya")).to_be_visible()


async def enter_new(shopper: Shopper) -> None:
    """Open an account."""
    page = shopper.page
    await shopper.follow(shopper.link("Log in"), "/my-account/")
    form = page.locator("form").filter(has=page.get_by_role("heading", name="New here?"))
    await shopper.write(form.get_by_label("First name"), "Robin")
    await shopper.write(form.get_by_label("Email"), "robin@example.test")
    await shopper.write(form.get_by_label("Password"), "a long one")
    await shopper.press(form.get_by_role("button", name="Open an account"))
    await expect(page.get_by_role("heading", name="Hello, Robin")).to_be_visible()


async def test_earns_redeems_and_pays_less(shopper: Shopper) -> None:
    page = shopper.page
    assert page.viewport_size
    is_known = page.viewport_size["width"] > 640
    await page.goto("/")
    await page.wait_for_load_state("networkidle")
    await (enter_known if is_known else enter_new)(shopper)
    await page.wait_for_load_state("networkidle")
    before = await points_at_first(shopper)
    assert is_known or before == 0

    after = before + await buy_first(shopper)
    await shopper.balance_is(after)
    await shopper.open_panel()
    await expect(shopper.dialog.locator(".pn-balance-n")).to_contain_text(f"{after:,}")

    code = await redeem(shopper, by_list=is_known)
    await shopper.balance_is(after - COST)
    await page.keyboard.press("Escape")
    await expect(shopper.launcher).to_be_focused()

    again = await buy_for_less(shopper, code)
    await shopper.balance_is(after - COST + again)
    await shopper.open_panel()
    await shopper.press(shopper.button("Rewards"))
    await shopper.press(shopper.dialog.get_by_text("Used codes"))
    await expect(shopper.button(f"Copy the code {code}")).to_have_count(0)
    await page.wait_for_load_state("networkidle")


async def points_at_first(shopper: Shopper) -> int:
    number = shopper.launcher.locator(".pn-num > [aria-hidden]")
    await expect(number).to_be_visible()
    return int((await number.inner_text()).replace(",", ""))


async def buy_first(shopper: Shopper) -> int:
    """Buy twelve bags at full price; return what they earn."""
    goods = 12 * PRICE
    await shopper.fill_bag(12)
    await shopper.sums_are(goods)
    await shopper.check_out()
    await expect(shopper.page.get_by_role("heading", name="Thank you")).to_be_visible()
    await shopper.sums_are(goods)
    return earned(goods)


async def redeem(shopper: Shopper, *, by_list: bool) -> str:
    """Swap 500 points for a code, from the list of rewards or from the panel's first view."""
    if by_list:
        await shopper.press(shopper.button("Rewards"))
    await shopper.press(shopper.button(f"Use {COST} points for €5 off"))
    code = shopper.dialog.locator("code")
    await expect(code).to_have_text(re.compile(r"^\S{8,}$"), timeout=ARRIVES_MS)
    return await code.inner_text()


async def buy_for_less(shopper: Shopper, code: str) -> int:
    """Buy two bags with the code, put into the cart from the panel; return what they earn."""
    page, goods = shopper.page, 2 * PRICE
    await shopper.fill_bag(2)
    await shopper.sums_are(goods)
    await shopper.open_panel()
    await shopper.press(shopper.button("See it"))
    await expect(shopper.dialog.locator("code")).to_have_text(code)
    await shopper.press(shopper.button("Apply to my cart"))
    await shopper.sums_are(goods, off=WORTH)
    await page.wait_for_load_state("networkidle")
    await shopper.check_out()
    await shopper.sums_are(goods, off=WORTH)
    await expect(page.get_by_text(f"Coupon {code.lower()}")).to_be_visible()
    return earned(goods - WORTH)
