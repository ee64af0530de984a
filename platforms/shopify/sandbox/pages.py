"""Pages of the sandbox: templates, and what every page knows."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from platforms import storefront
from platforms.shopify.fake.data import Row
from platforms.shopify.sandbox.store import Store, number


class Pages:
    """Renders templates with the shopper, the bag and the theme's script in them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._env = storefront.environment(Path(__file__).parent)
        self._env.filters |= {
            "money": self.money,
            "colors": self.colors,
            "number": number,
            "words": words,
            "goods": self.goods,
        }

    def money(self, amount: int | str | Row) -> str:
        """Write minor units, a decimal text or a money bag, in the store's currency."""
        if isinstance(amount, dict):
            amount = str(amount["shopMoney"]["amount"])
        minor = amount if isinstance(amount, int) else self._store.minor(amount)
        return f"€{minor / 100:,.2f}"

    def colors(self, product: Row) -> str:
        """Return the style that prints a product's bag."""
        return storefront.colors([one["id"] for one in self._store.products()].index(product["id"]))

    def goods(self, line: Row) -> str:
        """Return the title of what a line of an order is of."""
        product = line["product"] and self._store.shop.records.get(line["product"]["id"])
        return str(product["title"]) if product else "No longer sold"

    def show(self, request: Request, name: str, status: int = 200, **values: object) -> Response:
        """Answer with a page."""
        session = self._store.session(request)
        text = self._env.get_template(name).render(
            site=self._store.shop,
            account=self._store.customer(session),
            session=session,
            bag=sum(session.bag.values()),
            app=self._store.app,
            **values,
        )
        return Response(text, status, media_type="text/html; charset=utf-8")

    async def lost(self, request: Request, _: Exception) -> Response:
        """Answer for an address that nothing has."""
        return self.show(request, "lost.html", 404)


def words(order: Row) -> str:
    """Say how an order stands, in the words of Shopify's admin."""
    if order["cancelledAt"]:
        return "Cancelled"
    return str(order["displayFinancialStatus"]).replace("_", " ").capitalize()
