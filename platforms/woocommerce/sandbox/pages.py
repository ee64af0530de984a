"""Pages of the sandbox: templates, what every page knows, and the few static files."""

from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from platforms.woocommerce.fake import FakeStore, Sessions, carts
from platforms.woocommerce.fake.coupons import money
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.sandbox.plugin import Plugin

HERE = Path(__file__).parent
# What a bag is printed in: paper, ink, horizon.
PALETTE = (
    ("#2746d8", "#fff", "#f4b4a8"),
    ("#a9bfae", "#1d2a22", "#5c7f66"),
    ("#f0a35b", "#452512", "#b4662a"),
    ("#2b2c30", "#f2f0ea", "#8d8f98"),
    ("#f4b4a8", "#2a1140", "#c4577a"),
    ("#e9e3d6", "#17181c", "#a8987a"),
    ("#5b2a86", "#f7e9ff", "#f0a35b"),
    ("#c7d4f5", "#14245e", "#2746d8"),
)
ICON = HERE / "static" / "favicon.svg"


class Pages:
    """Renders templates with the shopper, the bag and the plugin's script in them."""

    def __init__(self, store: FakeStore, sessions: Sessions, plugin: Plugin) -> None:
        self._store = store
        self._sessions = sessions
        self._plugin = plugin
        self._env = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True
        )
        self._env.filters["money"] = self.money
        self._env.filters["colors"] = self.colors

    def money(self, amount: int | str) -> str:
        """Write minor units, or a decimal string, in the store's currency."""
        text = self._store.money.text(amount) if isinstance(amount, int) else amount
        return money(self._store, text)

    def colors(self, product: Record) -> str:
        """Return the style that prints a product's bag."""
        place = list(self._store.records["product"]).index(product["id"])
        paper, ink, horizon = PALETTE[place % len(PALETTE)]
        return f"--c1:{paper};--c2:{ink};--c3:{horizon}"

    def show(self, request: Request, name: str, status: int = 200, **values: object) -> Response:
        """Answer with a page. A visitor without a cart gets none by looking."""
        visitor = self._sessions.visitor(request)
        held = self._sessions.cart(visitor) if self._sessions.has_cart(visitor) else None
        text = self._env.get_template(name).render(
            site=self._store.site,
            account=self._store.records["customer"].get(self._sessions.account(request)),
            bag=carts.price(self._store, held).count if held else 0,
            plugin=self._plugin.pairing,
            **values,
        )
        answer = Response(text, status, media_type="text/html; charset=utf-8")
        self._sessions.remember(answer, visitor)
        return answer

    async def lost(self, request: Request, _: Exception) -> Response:
        """Answer for an address that nothing has."""
        return self.show(request, "lost.html", 404)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the static files."""
        return [
            Route("/assets/store.css", self._style, methods=["GET"]),
            Route("/favicon.ico", self._icon, methods=["GET"]),
            Route("/favicon.svg", self._icon, methods=["GET"]),
        ]

    async def _style(self, _: Request) -> Response:
        return FileResponse(HERE / "static" / "store.css", media_type="text/css")

    async def _icon(self, _: Request) -> Response:
        return FileResponse(ICON, media_type="image/svg+xml")


def go(place: str) -> Response:
    """Send the browser on, by GET."""
    return RedirectResponse(place, 303)


def local(place: str, usual: str) -> str:
    """Return a path of this site; an address elsewhere becomes ``usual``."""
    parts = urlsplit(place)
    is_here = place.startswith("/") and not place.startswith(("//", "/\\"))
    return place if is_here and not parts.netloc else usual
