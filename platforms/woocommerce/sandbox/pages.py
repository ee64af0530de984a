"""Pages of the sandbox: templates, and what every page knows."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from platforms import storefront
from platforms.woocommerce.fake import FakeStore, Sessions, carts
from platforms.woocommerce.fake.coupons import money
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.sandbox.plugin import Plugin

HERE = Path(__file__).parent


class Pages:
    """Renders templates with the shopper, the bag and the plugin's script in them."""

    def __init__(self, store: FakeStore, sessions: Sessions, plugin: Plugin) -> None:
        self._store = store
        self._sessions = sessions
        self._plugin = plugin
        self._env = storefront.environment(HERE)
        self._env.filters["money"] = self.money
        self._env.filters["colors"] = self.colors

    def money(self, amount: int | str) -> str:
        """Write minor units, or a decimal string, in the store's currency."""
        text = self._store.money.text(amount) if isinstance(amount, int) else amount
        return money(self._store, text)

    def colors(self, product: Record) -> str:
        """Return the style that prints a product's bag."""
        place = list(self._store.records["product"]).index(product["id"])
        return storefront.colors(place)

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
