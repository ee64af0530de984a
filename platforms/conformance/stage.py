"""What an adapter lends the conformance suite: a store on this machine, and hands to move it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx

from platforms.model import Delivery, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Something that a real store once said, byte for byte.

    An answer has the request (``method``, ``target``: path and query, ``sent``: its body if it was
    kept) and the ``status``; a webhook delivery has status 0. Header names are in lower case.
    ``secret`` is what signed a delivery.
    """

    name: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    target: str = ""
    sent: bytes = b""
    status: int = 0
    secret: str = ""

    @property
    def is_delivery(self) -> bool:
        """Whether it is a webhook delivery."""
        return self.status == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """An order to be placed: ``items`` are product ids and quantities.

    ``customer_id`` None is a guest. ``pays`` is ``now``, ``on delivery`` or ``never`` (yet).
    ``currency`` is another than the store's where a currency switcher is at work. ``fee_minor`` may
    be negative.
    """

    items: Sequence[tuple[str, int]]
    customer_id: str | None = None
    email: str = "guest@example.test"
    pays: str = "now"
    codes: Sequence[str] = ()
    currency: str | None = None
    fee_minor: int = 0


class Stage(Protocol):
    """One store, empty at first, that speaks the vendor's protocol through ``transport``.

    Every method acts as the store's own people would, so that webhooks follow. Its clock stands
    still but for ``forward``; each method leaves stamps of that clock.
    """

    @property
    def access(self) -> Mapping[str, str]:
        """What opens the store's API, to read and to write."""

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The way to the store: no network behind it."""

    @property
    def hook_url(self) -> str:
        """An address that takes the store's deliveries, for ``subscribe``."""

    def now(self) -> datetime:
        """Return the store's time, whole seconds."""

    def forward(self, seconds: int) -> None:
        """Let time pass at the store."""

    async def deliveries(self) -> Sequence[Delivery]:
        """Return what was delivered since the last time this was asked, all that is due."""

    def refuse_deliveries(self, *, refuse: bool) -> None:
        """Answer deliveries with 500 from now on, or well again."""

    async def add_customer(self, email: str) -> str:
        """Open a customer's account; return its id."""

    async def delete_customer(self, id_: str) -> None:
        """Delete an account for good."""

    async def add_product(self, title: str, price: str) -> str:
        """Put something on sale, at a price such as ``12.50``; return its id."""

    async def place(self, basket: Basket) -> str:
        """Place an order; return its id."""

    async def shelve(self, product: str, collections: Sequence[str]) -> None:
        """Put a product into collections of these handles, and out of all others."""

    async def send(self, order: str) -> None:
        """Let all of an order leave the store; asked only where the platform knows of it."""

    async def arrive(self, order: str) -> None:
        """Let an order arrive; asked only where the platform knows of it."""

    async def cancel(self, order: str) -> None:
        """Cancel an order."""

    async def edit(self, order: str, text: str) -> None:
        """Write the shopper's note of an order: it changes, and means what it did."""

    async def give_status(self, order: str, status: str) -> None:
        """Give an order a status in the platform's own word, known or not, if it takes any."""

    async def refund(self, order: str, amount: str, quantities: Mapping[int, int]) -> str:
        """Refund an order; return the refund's id.

        ``quantities`` of its lines, by their place, are given back with their price; without any,
        ``amount`` is, for nothing in particular.
        """

    async def delete_refund(self, order: str, refund: str) -> None:
        """Delete a refund: the order is as it was before."""

    async def trash(self, kind: Kind, id_: str) -> None:
        """Delete a record so that the merchant can have it back."""

    async def restore(self, order: str) -> None:
        """Take an order back out of the trash."""

    async def purge(self, kind: Kind, id_: str) -> None:
        """Delete a record for good."""

    async def open_draft(self, product: str) -> str:
        """Leave an order that a shopper is still typing; return its id."""

    async def add_foreign_discount(self, code: str) -> None:
        """Let the merchant make a discount of their own with this code."""

    async def replay(self, sample: Sample) -> httpx.Response:
        """Ask the store what a sample's request line asked."""

    def samples(self) -> Sequence[Sample]:
        """Return the recorded samples that ship with the adapter."""
