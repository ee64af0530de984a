"""Every component of the merchant's pages in every state: one page, with no store behind it.

``python -m tests.browser.gallery OUT_DIR`` pictures it; ``/?dir=rtl`` is from right to left.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.commerce.models import StoreRow
from connector.web import assets
from connector.web.merchant import Item, Toast, Undo
from connector.web.models import SessionRow
from connector.web.pages import page as answer
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.screenshots import write
from tests.ports import free_port

SIZES = {320: 720, 390: 844, 1100: 800, 1281: 800, 1440: 900}
LOOKS = ("light", "dark", "rtl")
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"
NAV = (
    Item("Home", "home", "/admin/"),
    Item("Customers", "people", "/admin/customers/"),
    Item(LONG, "gear", "/admin/long/"),
)
TOAST = Toast("150 points added", Undo("/admin/undo", {"decision": "1"}))


async def gallery(request: Request) -> Response:
    """Show the gallery to somebody with a long name, while the store is in trouble."""
    return answer(
        "gallery.html",
        dir=request.query_params.get("dir", "ltr"),
        nav=NAV,
        here="/admin/customers/",
        store=StoreRow(name=LONG, trouble="it answers 503"),
        who=SessionRow(who=LONG, role="owner"),
        csrf="none",
        toast=TOAST,
    )


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Serve the gallery; yield its address."""
    port = free_port(2)
    app = Starlette(routes=[Route("/", gallery), *assets.routes()])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def shown(browser: Browser, base: str, look: str, width: int) -> Page:
    """Return the gallery in one look."""
    page = await browser.new_page(
        base_url=base,
        reduced_motion="reduce",
        color_scheme="dark" if look == "dark" else "light",
        viewport={"width": width, "height": SIZES[width]},
    )
    await page.goto(f"/?dir={'rtl' if look == 'rtl' else 'ltr'}")
    return page


async def main(out: Path) -> None:
    """Write a picture of each look and width."""
    async with served() as base, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width in SIZES:
            shots = {}
            for look in LOOKS:
                page = await shown(browser, base, look, width)
                await page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
                name = "gallery" if look == "light" else f"gallery {look}"
                shots[name] = await page.screenshot(full_page=True)
                await page.close()
            await write(browser, shots, width, out, "gallery-")
        await browser.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(folder))
