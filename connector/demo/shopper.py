"""A merchant and a shopper, over HTTP alone, as browsers do it: forms, cookies and redirects.

Imports nothing of ours, so that what it proves is what the outside sees.
"""

import base64
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

TIMEOUT_S = 20.0
FORM_VALUE = re.compile(r'<a[^>]+href="([^"]*access_granted[^"]*)"')
ORDER_URL = re.compile(r"/checkout/order-received/(\d+)/")


class StoryBroken(Exception):
    """What should have happened did not; the message says what came instead."""


def expect(holds: object, what: str) -> None:
    """Go on only if it holds.

    Raises:
        StoryBroken: it does not.
    """
    if not holds:
        raise StoryBroken(what)


class Browser:
    """One person's cookies, at a store."""

    def __init__(self, shop: str) -> None:
        self.shop = shop
        self.http = httpx.Client(base_url=shop, timeout=TIMEOUT_S, trust_env=False)

    def post(self, path: str, form: Mapping[str, object] | None = None) -> httpx.Response:
        """Send a form and follow to the page that comes of it."""
        data = {name: str(value) for name, value in (form or {}).items()}
        answer = self.http.post(path, data=data, follow_redirects=True)
        expect(answer.is_success, f"POST {path} answered {answer.status_code}")
        return answer


class Merchant(Browser):
    """Whoever runs the store; signed in to its back office."""

    def __init__(self, shop: str) -> None:
        super().__init__(shop)
        self.post("/wp-login.php", {"login": "admin", "password": "admin"})

    def connect(self, service: str) -> str:
        """Connect the store to a service by wc-auth and the plugin; return the store's id there."""
        answer = self.http.post("/wp-admin/admin.php", data={"service": service})
        for _ in range(10):
            if answer.is_redirect:
                answer = self.http.get(urljoin(str(answer.url), answer.headers["location"]))
            elif approve := FORM_VALUE.search(answer.text):
                href = approve[1].replace("&amp;", "&")
                answer = self.http.get(urljoin(str(answer.url), href))
            else:
                break
        expect(answer.is_success, f"connecting ended at {answer.url}: {answer.text[:300]}")
        page = self.http.get("/").text
        found = re.search(r'data-store="([^"]+)"', page)
        if found is None:
            raise StoryBroken("the storefront does not load the widgets after connecting")
        return found[1]

    def act(self, order: str, action: str, **form: object) -> None:
        """Do something to an order in the back office."""
        self.post(f"/wp-admin/orders/{order}/{action}", form)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the webhook deliveries that the store made, newest first."""
        rows = self.http.get("/wp-admin/deliveries.json").json()
        return [{**row, "body": base64.b64decode(row["body"])} for row in rows]


class Shopper(Browser):
    """Somebody who shops; signed in."""

    def __init__(self, shop: str, email: str) -> None:
        super().__init__(shop)
        self.post("/my-account/login", {"login": email, "password": "shopper"})
        page = self.http.get("/").text
        loader = re.search(r'src="([^"]+)/widgets/loader.js"', page)
        store = re.search(r'data-store="([^"]+)"', page)
        if loader is None or store is None:
            raise StoryBroken("the storefront does not load the widgets")
        self.store = store[1]
        self.api = httpx.Client(base_url=loader[1], timeout=TIMEOUT_S, trust_env=False)

    def buy(self, title: str, quantity: int, code: str | None = None) -> tuple[str, str, str]:
        """Buy so much of a product; return the order's id, and its total before and after."""
        slug = next(
            path
            for path in re.findall(r'href="(/product/[^"]+)"', self.http.get("/").text)
            if title in path
        )
        product = re.search(r'name="product_id" value="(\d+)"', self.http.get(slug).text)
        assert product is not None
        self.post("/cart/add", {"product_id": product[1], "quantity": quantity})
        before = self._cart_total()
        if code is not None:
            self._apply(code)
        after = self._cart_total()
        page = self.post("/checkout/", {"payment_method": "card"})
        placed = ORDER_URL.search(str(page.url))
        if placed is None:
            raise StoryBroken(f"the checkout ended at {page.url}")
        return placed[1], before, after

    def _cart(self) -> httpx.Response:
        return self.http.get("/wp-json/wc/store/v1/cart")

    def _cart_total(self) -> str:
        totals = self._cart().json()["totals"]
        unit = totals["currency_minor_unit"]
        return f"{int(totals['total_price']) / 10**unit:.{unit}f} {totals['currency_code']}"

    def _apply(self, code: str) -> None:
        answer = self.http.post(
            "/wp-json/wc/store/v1/cart/apply-coupon",
            json={"code": code},
            headers={"Nonce": self._cart().headers["nonce"]},
        )
        expect(answer.is_success, f"the code was refused: {answer.text[:300]}")

    def token(self) -> str:
        """Return a visitor token, as the plugin gives it to the page."""
        answer = self.http.post("/wp-json/perennial/v1/visitor")
        expect(answer.status_code == 200, f"no visitor token: {answer.status_code}")
        return str(answer.json()["token"])

    def state(self) -> dict[str, Any]:
        """Return what the widgets are told."""
        answer = self.api.get(
            "/storefront/v1/state",
            params={"store": self.store},
            headers={"Authorization": f"Bearer {self.token()}", "Origin": _origin(self.shop)},
        )
        expect(answer.status_code == 200, f"state answered {answer.status_code}: {answer.text}")
        return dict(answer.json())

    def redeem(self, reward: str, key: str | None = None) -> httpx.Response:
        """Ask for a reward, and return the answer of any status."""
        return self.api.post(
            "/storefront/v1/redemptions",
            params={"store": self.store},
            json={"reward": reward},
            headers={
                "Authorization": f"Bearer {self.token()}",
                "Idempotency-Key": key or str(uuid.uuid4()),
                "X-Perennial": "1",
                "Origin": _origin(self.shop),
            },
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
