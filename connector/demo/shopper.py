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
TOPIC = re.compile(r">((?:order|customer|product|refund|fulfillment)s?[./][a-z]+)<")
ORDER_URL = re.compile(r"/(\d+)/?$")


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
    """One person's cookies, at a store; ``map`` is what a sandbox says of its own routes."""

    def __init__(self, shop: str, who: str) -> None:
        self.shop = shop
        self.http = httpx.Client(base_url=shop, timeout=TIMEOUT_S, trust_env=False)
        answer = self.http.get("/sandbox.json")
        expect(answer.is_success, "this platform's sandbox has no storefront to walk through")
        self.map: dict[str, Any] = answer.json()
        self.post(self.map[who]["path"], self.map[who]["form"])

    def post(self, path: str, form: Mapping[str, object] | None = None) -> httpx.Response:
        """Send a form and follow to the page that comes of it."""
        data = {name: str(value) for name, value in (form or {}).items()}
        answer = self.http.post(path, data=data, follow_redirects=True)
        expect(answer.is_success, f"POST {path} answered {answer.status_code}")
        return answer


class Merchant(Browser):
    """Whoever runs the store; signed in to its back office."""

    def __init__(self, shop: str) -> None:
        super().__init__(shop, "admin")

    def access(self) -> dict[str, str] | None:
        """Return what the merchant pastes to connect, None where they approve in the browser."""
        path = self.map["access"]
        return dict(self.http.get(path).json()) if path else None

    def connect(self, service: str, store: str = "") -> str:
        """Set the store up for a service; return its id there.

        Without a ``store``, which the service gave it by what was pasted, the merchant approves the
        service in the browser.
        """
        if store:
            self.post(self.map["app"], {"service": service, "store": store})
        else:
            self._approve(service)
        found = re.search(r'data-store="([^"]+)"', self.http.get("/").text)
        if found is None:
            raise StoryBroken("the storefront does not load the widgets after connecting")
        return found[1]

    def _approve(self, service: str) -> None:
        answer = self.http.post(self.map["app"], data={"service": service})
        for _ in range(10):
            if answer.is_redirect:
                answer = self.http.get(urljoin(str(answer.url), answer.headers["location"]))
            elif approve := FORM_VALUE.search(answer.text):
                href = approve[1].replace("&amp;", "&")
                answer = self.http.get(urljoin(str(answer.url), href))
            else:
                break
        expect(answer.is_success, f"connecting ended at {answer.url}: {answer.text[:300]}")

    def act(self, order: str, action: str, **form: object) -> None:
        """Do something to an order in the back office."""
        self.post(f"{self.map['orders']}/{order}/{action}", form)

    def topics(self) -> list[str]:
        """Return the topics that the back office says are subscribed."""
        page = self.http.get(self.map["webhooks"]).text
        return sorted(set(TOPIC.findall(page)))

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the webhook deliveries that the store made, newest first."""
        rows = self.http.get(self.map["deliveries"]).json()
        return [{**row, "body": base64.b64decode(row["body"])} for row in rows]


class Shopper(Browser):
    """Somebody who shops; signed in."""

    def __init__(self, shop: str) -> None:
        super().__init__(shop, "shopper")
        page = self.http.get("/").text
        loader = re.search(r'src="([^"]+)/widgets/loader.js"', page)
        store = re.search(r'data-store="([^"]+)"', page)
        visitor = re.search(r'data-visitor="([^"]+)"', page)
        if loader is None or store is None or visitor is None:
            raise StoryBroken("the storefront does not load the widgets")
        self.store, self._visitor = store[1], visitor[1]
        self.api = httpx.Client(base_url=loader[1], timeout=TIMEOUT_S, trust_env=False)

    def buy(self, title: str, quantity: int) -> str:
        """Buy so much of a product; return the order's id."""
        self._fill(title, quantity)
        return self._check_out()

    def buy_with(self, code: str, title: str, quantity: int) -> tuple[str, str, str]:
        """Buy with a code; return the order's id, and its total before and after."""
        self._fill(title, quantity)
        before = self._cart_total()
        self._apply(code)
        after = self._cart_total()
        return self._check_out(), before, after

    def _fill(self, title: str, quantity: int) -> None:
        slug = next(
            path
            for path in re.findall(r'href="(/products?/[^"]+)"', self.http.get("/").text)
            if title in path
        )
        product = re.search(r'name="(id|product_id)" value="(\d+)"', self.http.get(slug).text)
        assert product is not None
        self.post("/cart/add", {product[1]: product[2], "quantity": quantity})

    def _check_out(self) -> str:
        page = self.post(self.map["checkout"], {"payment_method": "card"})
        placed = ORDER_URL.search(page.url.path)
        if placed is None:
            raise StoryBroken(f"the checkout ended at {page.url}")
        return placed[1]

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
        """Return a visitor token, as the page is given it."""
        answer = self.http.post(self._visitor)
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
