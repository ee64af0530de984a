"""What a check stands on: the adapter, one store through its client, and mostly a stage."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import httpx

from platforms.conformance.check import Failed
from platforms.conformance.stage import Basket, Stage
from platforms.errors import Malformed, PlatformError
from platforms.http import client as http_client
from platforms.keeping import opened_by
from platforms.model import (
    Change,
    Customer,
    Delivery,
    Discount,
    DiscountSeen,
    Kind,
    Order,
    Product,
    Record,
    Seen,
    Touched,
)
from platforms.protocol import Access, Install, Platform, StoreClient

SECRET = "a secret of this run"  # noqa: S105 - it guards a store that lives for one check
PAGES_MAX = 1000
Wrap = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]


class Ground:
    """One adapter over one store, and what must be undone there when the check has ended."""

    def __init__(
        self,
        platform: Platform,
        *,
        access: Access,
        transport: httpx.AsyncBaseTransport,
        stage: Stage | None = None,
    ) -> None:
        self.platform = platform
        self.access = access
        self._transport = transport
        self._undoing: list[Callable[[], Awaitable[None]]] = []
        self._stage = stage
        self.client = self.through(lambda transport: transport)

    @property
    def stage(self) -> Stage:
        """The hands that move the store."""
        assert self._stage is not None, "this check must say that it needs a stage"
        return self._stage

    def through(self, wrap: Wrap, access: Access | None = None) -> StoreClient:
        """Return another client of the same store, its requests going through ``wrap``."""
        http = http_client(wrap(self._transport))
        return opened_by(self.platform, access or self.access, http)

    def undo(self, step: Callable[[], Awaitable[None]]) -> None:
        """Have a step taken when the check has ended, well or not."""
        self._undoing.append(step)

    async def end(self) -> None:
        """Undo what there is to undo, the last first; what can't be undone is told at the end."""
        stuck: list[PlatformError] = []
        while self._undoing:
            try:
                await self._undoing.pop()()
            except PlatformError as error:
                stuck.append(error)
        if stuck:
            raise Failed(f"what the check wrote is still there: {stuck[0]}")

    def code(self) -> str:
        """Return a discount code that nobody has, revoked when the check has ended."""
        code = f"perennial-conformance-{secrets.token_hex(8)}"
        self.undo(lambda: self.client.revoke_discount(code))
        return code

    @property
    def install(self) -> Install:
        """How a merchant connects in the browser."""
        assert self.platform.install is not None, "this check must rest on install"
        return self.platform.install

    @property
    def secret(self) -> str:
        """What signs the store's deliveries."""
        return self.platform.signing_secret(self.access) or SECRET

    async def currency(self) -> str:
        """Return the store's currency."""
        return (await self.client.info()).currency

    async def listen(self, secret: str | None = None) -> None:
        """Subscribe, and let what was due before go by."""
        await self.client.subscribe(self.stage.hook_url, secret or self.secret)
        await self.stage.deliveries()

    async def arrived(self, secret: str | None = None) -> Sequence[Delivery]:
        """Return the signed deliveries that came since last asked; each must verify."""
        came = [one for one in await self.stage.deliveries() if not self.platform.is_ping(one)]
        for delivery in came:
            self.platform.verify(delivery, secret or self.secret)
        return came

    async def told(self) -> Sequence[Change]:
        """Return what the new deliveries read as; of a record gone meanwhile there may be none."""
        told = []
        for delivery in await self.arrived():
            with suppress(Malformed):
                told.append(self.platform.read(delivery))
        return told

    async def delivery_of(self, kind: Kind) -> Delivery:
        """Listen, make a record of the kind, and return a delivery that shows or names it."""
        await self.listen()
        await self.make(kind)
        for delivery in await self.arrived():
            match self.platform.read(delivery):
                case Seen(record=record) if isinstance(record, TYPES[kind]):
                    return delivery
                case Touched(kind=named) if named == kind:
                    return delivery
        raise Failed(f"a new {kind} brought no delivery about it")

    async def make(self, kind: Kind) -> str:
        """Make a record of the kind; return its id."""
        if kind == "customer":
            return await self.stage.add_customer("new@example.test")
        if kind == "product":
            return await self.stage.add_product("Coffee", "12.00")
        return await self.buy()

    async def buy(self, quantity: int = 1, price: str = "12.00", **basket: object) -> str:
        """Place an order for a new product; ``basket`` as :class:`Basket` has it."""
        product = await self.stage.add_product("Coffee", price)
        return await self.stage.place(Basket(items=[(product, quantity)], **basket))  # type: ignore[arg-type]

    async def fetched(self, kind: Kind, id_: str) -> Record | None:
        """Return one record as a fetch shows it."""
        return (await self.client.fetch(kind, [id_]))[id_]

    async def order(self, id_: str) -> Order:
        """Return one order as a fetch shows it."""
        found = await self.fetched("order", id_)
        if not isinstance(found, Order):
            raise Failed(f"order {id_} was fetched as {found!r}")
        return found

    async def listed(
        self, kind: Kind, since: datetime | None = None, client: StoreClient | None = None
    ) -> Sequence[Seen | Touched]:
        """Return all rows of a listing."""
        items: list[Seen | Touched] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = await (client or self.client).page(kind, cursor, since)
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                return items
        raise Failed(f"the listing of {kind}s has no end")

    async def listed_ids(
        self, kind: Kind, since: datetime | None = None, client: StoreClient | None = None
    ) -> set[str]:
        """Return the ids of a listing, shown or named."""
        return ids_of(await self.listed(kind, since, client))

    async def issue(self, discount: Discount, client: StoreClient | None = None) -> DiscountSeen:
        """Issue one discount; what it came to is raised, if it is an error."""
        (outcome,) = await (client or self.client).issue_discounts([discount])
        if isinstance(outcome, PlatformError):
            raise outcome
        return outcome

    async def is_usable(self, code: str) -> bool:
        """Return whether a discount with this code could be used."""
        seen = await self.client.read_discount(code)
        return seen is not None and seen.is_usable


TYPES: Mapping[Kind, type[Record]] = {"order": Order, "customer": Customer, "product": Product}


def ids_of(changes: Sequence[Change]) -> set[str]:
    """Return the ids that these changes show or name."""
    return {change.id for change in changes if isinstance(change, (Seen, Touched))}


def shown(changes: Sequence[Change], id_: str) -> Seen | None:
    """Return the last of these changes that shows the record, if any does."""
    seen = [change for change in changes if isinstance(change, Seen) and change.id == id_]
    return seen[-1] if seen else None
