"""A WooCommerce in memory that speaks the vendor's protocol over ASGI.

``FakeStore`` holds one store, ``create_fake`` serves it. What it does was recorded from WooCommerce
10.5.0; where the vendor is wrong, so is this.
"""

from platforms.woocommerce.fake.app import create_fake, delivering
from platforms.woocommerce.fake.data import ApiKey, FakeStore, Site, World, load, recorded_site
from platforms.woocommerce.fake.northlight import fill
from platforms.woocommerce.fake.sessions import Sessions

__all__ = [
    "ApiKey",
    "FakeStore",
    "Sessions",
    "Site",
    "World",
    "create_fake",
    "delivering",
    "fill",
    "load",
    "recorded_site",
]
