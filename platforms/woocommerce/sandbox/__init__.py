"""A whole store for this machine: the fake, a storefront and a back office in front of it.

The routes that scripts use are in README.md beside this.
"""

from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette

from platforms import storefront
from platforms.woocommerce.fake import (
    FakeStore,
    Sessions,
    Site,
    World,
    create_fake,
    fill,
    load,
    recorded_site,
)
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
    url = url.rstrip("/")
    site = Site(url=url) if folder is None else recorded_site(url, folder)
    store = FakeStore(replace(site, relaxed=True), world)
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
        *storefront.routes(),
    ]
    app = create_fake(store, sessions=sessions, more=more)
    app.add_exception_handler(404, pages.lost)
    app.state.plugin = plugin
    return app
