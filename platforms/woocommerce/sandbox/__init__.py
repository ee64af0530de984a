"""A whole store for this machine: the fake, a storefront and a back office in front of it.

The routes that scripts use are in README.md beside this.
"""

import gzip
import json
from collections import Counter
from pathlib import Path

from starlette.applications import Starlette

from platforms.woocommerce.fake import FakeStore, Sessions, Site, World, create_fake, fill, load
from platforms.woocommerce.sandbox.office import Office
from platforms.woocommerce.sandbox.pages import Pages
from platforms.woocommerce.sandbox.plugin import Plugin
from platforms.woocommerce.sandbox.shop import Shop


def create_sandbox(
    *, url: str, folder: Path | None, key: str, secret: str, world: World | None = None
) -> Starlette:
    """Return the store at ``url`` as an ASGI application; its lifespan delivers webhooks.

    ``folder`` holds a recorded store, else Northlight is invented. ``key`` and ``secret`` open its
    REST API. It is relaxed (``app.state.store.site.relaxed``): see ``Site``.
    """
    store = FakeStore(_site(url.rstrip("/"), folder), world)
    store.add_key("read_write", key=key, secret=secret)
    if folder is None:
        fill(store)
    else:
        load(store, folder)
    sessions = Sessions(store)
    plugin = Plugin(store, sessions)
    pages = Pages(store, sessions, plugin)
    more = [
        *Shop(store, sessions, pages).routes(),
        *Office(store, sessions, pages, plugin).routes(),
        *plugin.routes(),
        *pages.routes(),
    ]
    app = create_fake(store, sessions=sessions, more=more)
    app.add_exception_handler(404, pages.lost)
    app.state.plugin = plugin
    return app


def _site(url: str, folder: Path | None) -> Site:
    if folder is None:
        return Site(url=url, relaxed=True)
    if not (folder / "site.json").exists():
        currency = _usual_currency(folder)
        return Site(url=url, name=folder.name, currency=currency, timezone="UTC", relaxed=True)
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    return Site(
        url=url,
        name=told["name"],
        currency=told["currency"],
        timezone=told["timezone"],
        relaxed=True,
    )


def _usual_currency(folder: Path) -> str:
    """Return the currency of most recorded orders: nothing else says what the store's is."""
    with gzip.open(folder / "orders.jsonl.gz", "rt", encoding="utf-8") as lines:
        counts = Counter(json.loads(line)["currency"] for line in lines)
    return counts.most_common(1)[0][0] if counts else "USD"
