"""Products: what the store sells, and its stock."""

import html
import re

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.shapes import blank, known, links
from platforms.woocommerce.fake.values import SYMBOLS, stamp

_CLOSED = frozenset({"permalink", "price", "price_html", "date_created", "date_modified"})


def create(store: FakeStore, body: Record) -> Record:
    """Make a product."""
    product = blank("product", {"id": store.next_id(), "slug": slug(str(body.get("name", "")))})
    stamp(product, "date_created", store.now(), store.zone)
    _write(store, product, body)
    product["_links"] = links(store.site.rest, "products", product["id"])
    store.records["product"][product["id"]] = product
    store.emit("product.created", product["id"])
    return product


def update(store: FakeStore, product: Record, body: Record) -> Record:
    """Change a product."""
    _write(store, product, body)
    store.emit("product.updated", product["id"])
    return product


def delete(store: FakeStore, product: Record, *, force: bool) -> Record:
    """Trash a product, or remove it for ever. The answer shows it as it was.

    Trashing also tells the webhooks of ``coupon.deleted``, with the product's id: both topics
    hang on ``wp_trash_post`` (recorded).
    """
    before = dict(product)
    if force:
        del store.records["product"][product["id"]]
        return before
    product["status"] = "trash"
    store.touch(product)
    store.emit("product.deleted", product["id"])
    store.emit("coupon.deleted", product["id"])
    return before


def for_editing(store: FakeStore, product: Record) -> Record:
    """Return a product as the answer to a change of it shows it: with what its address is made of.

    Source: ``WC_REST_Products_Controller`` answers writes in the context ``edit``.
    """
    return product | {
        "permalink_template": f"{store.site.url}/product/%pagename%/",
        "generated_slug": product["slug"],
    }


def slug(name: str) -> str:
    """Return a name as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def move_stock(store: FakeStore, number: int, quantity: int) -> None:
    """Take ``quantity`` off a product's stock (put it back if negative), where it is kept."""
    product = store.records["product"].get(number)
    if product is None or not product["manage_stock"]:
        return
    product["stock_quantity"] -= quantity
    product["total_sales"] += quantity
    store.touch(product)
    store.emit("product.updated", number)


def _write(store: FakeStore, product: Record, body: Record) -> None:
    product |= known("product", body, but=_CLOSED)
    store.write_meta(product, body)
    product["price"] = product["sale_price"] or product["regular_price"] or product["price"]
    product["on_sale"] = bool(product["sale_price"])
    product["permalink"] = f"{store.site.url}/product/{product['slug']}/"
    symbol = html.escape(SYMBOLS.get(store.site.currency, store.site.currency))
    price = store.money.text(store.money.minor(product["price"]))
    product["price_html"] = f'<span class="woocommerce-Price-amount amount">{symbol}{price}</span>'
    store.touch(product)
