"""A store, Perennial and a shopper in one process, reached over HTTP without a network.

The store is the WooCommerce fake: it speaks the vendor's protocol. Its clock and ours are one.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import jwt

from connector import worker
from connector.app import create_app
from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.features.loyalty.export import Export, Exported
from connector.features.loyalty.service import Loyalty
from connector.sync.models import InboxRow
from connector.system import System, running
from connector.web.feature import Feature
from platforms.woocommerce.fake import (
    FakeStore,
    Site,
    World,
    create_fake,
    delivering,
    people,
    products,
)
from platforms.woocommerce.fake import orders as fake_orders
from tests import databases

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SHOP, SERVICE = "https://store.example.test", "https://rewards.example.test"
KEY, SECRET = "ck_town", "cs_town"
SITE = Site(url=SHOP, name="Town", currency="EUR", timezone="Europe/Berlin")
PROGRAM = """
name = "Town club"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 5
per_minor = { EUR = 100 }

[[reward]]
id = "5-off"
kind = "amount_off"
cost = 500
value_minor = { EUR = 500 }
minimum_minor = { EUR = 1000 }
"""


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at

    def forward(self, **by):
        self.at += timedelta(**by)


class Wire(httpx.AsyncBaseTransport):
    """Leads each host to its application.

    ``cut`` says which requests never get an answer, ``answers`` what somebody in between says, and
    ``fault`` what becomes of every answer of the store.
    """

    def __init__(self):
        self.apps: dict[str, httpx.ASGITransport] = {}
        self.cut: list[tuple[str, str]] = []
        self.answers: dict[str, httpx.Response] = {}
        self.calls: list[tuple[str, str]] = []
        self.fault: Callable[[httpx.Response], httpx.Response] | None = None

    async def handle_async_request(self, request):
        call = (request.method, request.url.path)
        self.calls.append(call)
        if request.url.path in self.answers:
            said = self.answers[request.url.path]
            return httpx.Response(said.status_code, headers=said.headers, content=said.content)
        answer = await self.apps[request.url.host].handle_async_request(request)
        if call in self.cut:
            self.cut.remove(call)
            raise httpx.ReadTimeout("cut", request=request)
        if self.fault is None or request.url.host not in SHOP:
            return answer
        await answer.aread()
        return self.fault(answer)


class Town:
    """Everybody, and what they do."""

    def __init__(self, system: System, shop: FakeStore, clock: Clock, wire: Wire):
        self.system, self.shop, self.clock, self.wire = system, shop, clock, wire
        self.http = httpx.AsyncClient(transport=wire, base_url=SERVICE)
        self.store = ""

    async def connect(self, program: str | None = PROGRAM) -> StoreRow:
        """Connect by keys, publish, and read what is there."""
        access = {"url": SHOP, "key": KEY, "secret": SECRET}
        row = await self.system.stores.connect("woocommerce", access, self.clock())
        self.store = row.id
        if program is not None:
            await Loyalty(self.system.tools).programs.publish(row, program)
        await self.settle()
        return row

    async def row(self) -> StoreRow:
        """Return the connected store as it is now."""
        return await StoreRow.get(id=self.store)

    async def settle(self) -> None:
        """Let the store deliver, and do all that is due."""
        self.clock.forward(seconds=1)
        await self.shop.deliveries_done()
        await worker.drain(self.system)

    @staticmethod
    def refusal(status: int) -> httpx.Response:
        """Return what somebody in between may answer; see ``Wire.answers``."""
        return httpx.Response(status)

    def shopper(self, email: str = "maya@example.test") -> int:
        body = {"email": email, "first_name": "Maya", "last_name": "L", "password": "shopper"}
        return int(people.create(self.shop, body)["id"])

    def product(self, price: str = "10.00") -> int:
        return int(products.create(self.shop, {"name": "Coffee", "regular_price": price})["id"])

    def order(self, product: int, quantity: int, customer: int = 0, **more: Any) -> dict[str, Any]:
        body = {
            "customer_id": customer,
            "billing": {"email": more.pop("email", "maya@example.test")},
            "line_items": [{"product_id": product, "quantity": quantity}],
            "set_paid": True,
            **more,
        }
        return fake_orders.create(self.shop, body)

    def token(self, customer: int | str, **changes: Any) -> str:
        key_id = changes.pop("kid", "1")
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.store,
            "sub": str(customer),
            "aud": "perennial-storefront",
            "iat": now,
            "exp": now + 600,
            "jti": uuid.uuid4().hex,
        } | changes
        key = self.system.tools.visitors.keys(self.store)["1"]
        return jwt.encode(claims, key, "HS256", headers={"kid": key_id})

    async def state(self, customer: int | None = None, **headers: str) -> httpx.Response:
        if customer is not None:
            headers["Authorization"] = f"Bearer {self.token(customer)}"
        params = {"store": self.store}
        return await self.http.get("/storefront/v1/state", params=params, headers=headers)

    async def visitor(self, customer: int) -> dict[str, Any]:
        return dict((await self.state(customer)).json()["visitor"])

    async def redeem(
        self,
        customer: int | None,
        reward: str = "5-off",
        choice: Mapping[str, object] | None = None,
        **more: str,
    ):
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
            "X-Perennial": "1",
        }
        if customer is not None:
            headers["Authorization"] = f"Bearer {self.token(customer)}"
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return await self.http.post(
            "/storefront/v1/redemptions",
            params={"store": self.store},
            headers={name: value for name, value in headers.items() if value},
            json={"reward": reward, **(choice or {})},
        )

    async def export(self, folder: Path) -> Exported:
        """Write out all that the store's people have."""
        tools = self.system.tools
        writing = Export(Loyalty(tools), await self.row(), tools.vault, self.clock())
        return await writing.write(folder, lambda done: None)

    async def inbox(self) -> list[InboxRow]:
        return await InboxRow.all().order_by("id")


@asynccontextmanager
async def founded(
    empty: str,
    folder: Path,
    site: Site = SITE,
    *,
    otlp_url: str = "",
    smtp_url: str = "",
    features: Sequence[Feature] = (),
    locales: str = "",
) -> AsyncIterator[Town]:
    """Found a town on a copy of an empty database.

    Its traces go to ``otlp_url``, its mail to ``smtp_url``; it has more ``features``, and more
    languages from the folder ``locales``.
    """
    clock, wire = Clock(), Wire()
    world = World(clock=clock, rng=Random(1), transport=wire, delay_s=0.0)
    async with AsyncExitStack() as stack:
        url = stack.enter_context(databases.blank(folder, template=empty))
        settings = Settings(
            database_url=url,
            secret_key="k" * 40,
            public_url=SERVICE,
            otlp_url=otlp_url,
            smtp_url=smtp_url,
            mail_from="Town club <club@town.example>",
            locales=locales,
        )
        shop = FakeStore(site, world)
        shop.add_key("read_write", key=KEY, secret=SECRET)
        system = await stack.enter_async_context(
            running(settings, clock, wire, traced_as="town", features=features)
        )
        wire.apps["store.example.test"] = httpx.ASGITransport(create_fake(shop))
        wire.apps["rewards.example.test"] = httpx.ASGITransport(
            create_app(system), raise_app_exceptions=False
        )
        await stack.enter_async_context(delivering(shop))
        town = Town(system, shop, clock, wire)
        await stack.enter_async_context(town.http)
        yield town
