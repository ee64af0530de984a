"""The memory store as the conformance suite moves it: what shoppers and its people do."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from platforms.conformance.stage import Basket, Sample
from platforms.memory import wire
from platforms.memory.store import Hook, Row, Shop, create_api
from platforms.model import Delivery, Discount, Kind
from platforms.money import nearest_minor, to_text

SAMPLES = Path(__file__).parent / "samples"
URL = "https://memory.example.test"
STATUS = {"now": "paid", "on delivery": "on delivery", "never": "open"}


@asynccontextmanager
async def raised(shop: Shop) -> AsyncIterator["MemoryStage"]:
    """Yield a stage over the store; nothing outlives the process anyway."""
    yield MemoryStage(shop)


class MemoryStage:
    """See :class:`platforms.conformance.stage.Stage`."""

    hook_url = "https://perennial.example.test/webhooks/memory"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._arrived: list[Delivery] = []
        self._refuses = False
        self.access = {"url": URL, "key": shop.key}
        self.transport: httpx.AsyncBaseTransport = httpx.ASGITransport(create_api(shop))

    def now(self) -> datetime:
        """See :class:`platforms.conformance.stage.Stage`."""
        return self._shop.now

    def forward(self, seconds: int) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._shop.now += timedelta(seconds=seconds)

    async def deliveries(self) -> Sequence[Delivery]:
        """See :class:`platforms.conformance.stage.Stage`."""
        await self._shop.deliver(self._receive)
        arrived, self._arrived = self._arrived, []
        return arrived

    async def _receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        if url == self.hook_url:
            self._arrived.append(Delivery(headers=headers, body=body))
        return 500 if self._refuses else 200

    def refuse_deliveries(self, *, refuse: bool) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._refuses = refuse

    async def add_customer(self, email: str) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = {"email": email, "first_name": "Ada", "last_name": "Example", "profile": None}
        return self._put_new("customer", row | {"opened": self._shop.stamp()})

    async def delete_customer(self, id_: str) -> None:
        """Delete an account for good: its orders become a guest's."""
        for order in list(self._shop.records["order"].values()):
            if order["customer"] == id_:
                self._shop.put("order", order | {"customer": None})
        self._shop.remove("customer", id_)

    async def add_product(self, title: str, price: str) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = {"title": title, "price": price, "url": f"{URL}/{title.lower().replace(' ', '-')}"}
        return self._put_new("product", row)

    async def place(self, basket: Basket) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        currency = basket.currency or self._shop.currency
        lines = [self._line(place, *item, currency) for place, item in enumerate(basket.items)]
        codes = self._shop.together(basket.codes)
        for code in codes:
            discount = self._shop.discounts[code]
            discount["used"] += 1
            _take_off(lines, discount, currency)
        total = sum(nearest_minor(line["total"], currency) for line in lines) + basket.fee_minor
        customer = self._shop.records["customer"].get(basket.customer_id or "")
        row = {
            "status": STATUS[basket.pays],
            "placed": self._shop.stamp(),
            "paid": self._shop.stamp() if basket.pays == "now" else None,
            "customer": basket.customer_id,
            "email": customer["email"] if customer else basket.email,
            "currency": currency,
            "total": to_text(total, currency),
            "lines": lines,
            "refunds": [],
            "codes": codes,
            "deleted": False,
        }
        return self._put_new("order", row)

    def _line(self, place: int, product: str, quantity: int, currency: str) -> Row:
        price = nearest_minor(self._shop.records["product"][product]["price"], currency)
        total = to_text(price * quantity, currency)
        zero = to_text(0, currency)
        return {
            "id": str(place + 1),
            "product": product,
            "quantity": quantity,
            "total": total,
            "tax": zero,
        }

    def _put_new(self, kind: str, row: Row) -> str:
        id_ = self._shop.new_id()
        return self._shop.put(kind, {"id": id_, "number": id_} | row)

    def _edit(self, order: str, **changes: Any) -> None:  # noqa: ANN401 - fields of a row
        self._shop.put("order", self._shop.records["order"][order] | changes)

    async def shelve(self, product: str, collections: Sequence[str]) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = self._shop.records["product"][product]
        self._shop.put("product", row | {"shelves": list(collections)})

    async def send(self, order: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(order, sent=self._shop.stamp())

    async def arrive(self, order: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(order, arrived=self._shop.stamp())

    async def cancel(self, order: str) -> None:
        """Cancel an order: its discounts get their use back."""
        for code in self._shop.records["order"][order]["codes"]:
            self._shop.discounts[code]["used"] -= 1
        self._edit(order, status="cancelled", cancelled=self._shop.stamp())

    async def edit(self, order: str, text: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(order, note=text)

    async def give_status(self, order: str, status: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(order, status=status)

    async def refund(self, order: str, amount: str, quantities: Mapping[int, int]) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        row = self._shop.records["order"][order]
        currency = row["currency"]
        lines = []
        for place, quantity in quantities.items():
            line = row["lines"][place]
            each = nearest_minor(line["total"], currency) // line["quantity"]
            lines.append(
                {
                    "line": line["id"],
                    "quantity": quantity,
                    "total": to_text(each * quantity, currency),
                    "tax": to_text(0, currency),
                }
            )
        if lines:
            amount = to_text(sum(nearest_minor(one["total"], currency) for one in lines), currency)
        refund = {
            "id": self._shop.new_id(),
            "at": self._shop.stamp(),
            "amount": amount,
            "lines": lines,
        }
        refunds = [*row["refunds"], refund]
        back = sum(nearest_minor(one["amount"], currency) for one in refunds)
        is_all = back >= nearest_minor(row["total"], currency)
        self._edit(order, refunds=refunds, status="refunded" if is_all else row["status"])
        return str(refund["id"])

    async def delete_refund(self, order: str, refund: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        refunds = self._shop.records["order"][order]["refunds"]
        self._edit(order, refunds=[one for one in refunds if one["id"] != refund])

    async def trash(self, kind: Kind, id_: str) -> None:
        """Mark an order as deleted; of other kinds there is no trash."""
        if kind == "order":
            self._edit(id_, deleted=True)
        else:
            await self.purge(kind, id_)

    async def restore(self, order: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._edit(order, deleted=False)

    async def purge(self, kind: Kind, id_: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        self._shop.remove(kind, id_)

    async def open_draft(self, product: str) -> str:
        """See :class:`platforms.conformance.stage.Stage`."""
        order = await self.place(Basket(items=[(product, 1)], pays="never"))
        self._edit(order, status="typing")
        return order

    async def add_foreign_discount(self, code: str) -> None:
        """See :class:`platforms.conformance.stage.Stage`."""
        terms = Discount(
            code=code,
            redemption_id="",
            currency=self._shop.currency,
            kind="percent",
            basis_points=1000,
        )
        row = wire.write_discount(terms) | {"label": ""}
        self._shop.discounts[code.lower()] = row | {"id": self._shop.new_id(), "used": 0}

    async def replay(self, sample: Sample) -> httpx.Response:
        """Ask a store with a past of its own: the samples tell of one that was not empty."""
        shop = Shop()
        await rehearse(shop)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_api(shop)), base_url=URL
        ) as http:
            key = "wrong" if sample.status == 401 else shop.key
            headers = {"Authorization": f"Bearer {key}"}
            return await http.request(
                sample.method, sample.target, content=sample.sent, headers=headers
            )

    def samples(self) -> Sequence[Sample]:
        """Read ``samples/``: a body each, and beside it what came with it."""
        found = []
        for path in sorted(SAMPLES.glob("*.about.json")):
            about = orjson.loads(path.read_bytes())
            about["sent"] = about.get("sent", "").encode()
            body = path.with_name(path.name.replace(".about.json", ".body")).read_bytes()
            found.append(Sample(name=path.name.removesuffix(".about.json"), body=body, **about))
        return found


def _take_off(lines: list[Row], discount: Row, currency: str) -> None:
    """Lower the lines' totals by the discount, the first lines first."""
    amount = nearest_minor(discount["amount"], currency)
    left = amount if discount["kind"] == "amount" else 0
    for line in lines:
        total = nearest_minor(line["total"], currency)
        off = min(left, total)
        left -= off
        if discount["kind"] == "percent":
            off = total * nearest_minor(discount["percent"], "EUR") // 10_000
        elif discount["kind"] == "product_amount" and line["product"] in discount["products"]:
            off = min(amount * line["quantity"], total)
        elif discount["kind"] == "free_product" and line["product"] in discount["products"]:
            off = total // line["quantity"]
        line["total"] = to_text(total - off, currency)


async def rehearse(shop: Shop) -> None:
    """Play the past that the samples were recorded from."""
    stage = MemoryStage(shop)
    coffee = await stage.add_product("Coffee", "12.50")
    ada = await stage.add_customer("ada@example.test")
    shop.records["customer"][ada]["profile"] = {"points": 120, "tier": "gold"}
    order = await stage.place(Basket(items=[(coffee, 2)], customer_id=ada))
    await stage.refund(order, "", {0: 1})
    await stage.add_foreign_discount("WELCOME10")
    shop.hooks[stage.hook_url] = Hook(stage.hook_url, "s3cret")
    shop.notes[order] = ["Rang the bell twice."]
