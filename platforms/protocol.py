"""What a platform must do for Perennial, in two halves.

``Platform`` is pure: it verifies and reads what arrives. ``StoreClient`` is one store, over the
network. Every write converges: doing it twice is doing it once. Errors are those of
``platforms.errors``; nothing else may leave an adapter.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx
from starlette.types import ASGIApp

from platforms.conformance.stage import Sample, Stage
from platforms.errors import PlatformError
from platforms.model import (
    Change,
    Delivery,
    Discount,
    DiscountKind,
    DiscountSeen,
    Kind,
    Page,
    Profile,
    Record,
    StoreInfo,
    Subscription,
)

Access = Mapping[str, str]
"""What opens one store: its address and keys, as the adapter names them. Encrypted at rest."""
Renew = Callable[[Access], Awaitable[Access]]
"""Asks the platform for keys in the place of those that end."""
Keep = Callable[[Access, Renew], Awaitable[Access]]
"""Returns what opens the store now, in the place of an access that ended: what another has renewed
meanwhile or else what ``Renew`` makes of it, kept before it is returned. One renewal of a store
goes on at a time, in whatever process. Whatever ``Renew`` raises is raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What differs between platforms in a way that features must know.

    ``cancel_restores_use``: cancelling an order gives its discount codes back their use.
    ``discount_kinds``: the kinds of discount that it can issue. ``apart``: those of which one order
    takes but one code, two kinds or a kind with itself. ``profiles``: a customer's points
    and tier can be written where themes read them. ``order_notes``: an order takes notes for the
    merchant. ``knows_fulfilled`` and ``knows_delivered``: orders say when they left the store, and
    when they arrived. What is false, or not among the kinds, raises ``Unsupported``.

    ``lacks`` says what else stores of this platform don't have, each with why: ``install`` (a
    merchant connects in the browser), ``own_secret`` (deliveries are signed with a secret of ours),
    ``trash`` (an order that is deleted can be had back), ``any_status`` (plugins add statuses),
    ``negative_fees``, ``other_currencies`` (an order is in another than the store's).
    """

    cancel_restores_use: bool
    discount_kinds: frozenset[DiscountKind]
    apart: frozenset[frozenset[DiscountKind]]
    profiles: bool
    order_notes: bool
    knows_fulfilled: bool
    knows_delivered: bool
    lacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnectOption:
    """One thing a merchant pastes to connect a store; the command line makes a flag of it."""

    name: str
    help: str
    is_needed: bool = True


class StoreClient(Protocol):
    """One store's API, through the caller's HTTP client."""

    async def info(self) -> StoreInfo:
        """Return what the store says of itself; proves that the access may read."""

    async def newest(self) -> datetime | None:
        """Return the stamp of the order changed last, None where there is none.

        Asked before a listing begins, it is where the next one must begin to miss nothing.
        """

    async def count(self, kind: Kind) -> int | None:
        """Return about how many records there are, None where the platform does not say.

        Only people are told, who want to know how far a listing of all is. What is in the trash may
        be counted or not.
        """

    async def page(self, kind: Kind, cursor: str | None, since: datetime | None) -> Page:
        """List records, a page at a time; ``cursor`` is None first, then what the page before said.

        With ``since``, what changed at or after it, as far as the platform can tell; without, all
        there are, the trash included. A record that is there from before the first page until
        after the last is listed at least once, whatever arrives, changes or leaves meanwhile. A
        cursor outlives the process that was given it.
        """

    async def fetch(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Record | None]:
        """Return these records, complete; None for what the platform no longer has."""

    async def subscribe(self, url: str, secret: str) -> None:
        """Have all topics that we read delivered to ``url``, signed with ``secret``.

        A subscription that the platform gave up is made anew; one that somebody paused stays so.
        """

    async def subscriptions(self, url: str) -> Sequence[Subscription]:
        """Return the webhook subscriptions that deliver to ``url``."""

    async def unsubscribe(self, url: str) -> None:
        """Have nothing delivered to ``url`` any more."""

    async def issue_discounts(
        self, discounts: Sequence[Discount]
    ) -> Sequence[DiscountSeen | PlatformError]:
        """Make the discounts exist; return, in their order, each as it is or why it isn't.

        One that is there is adopted only if it is ours and reads back equal; an error is
        ``Rejected`` where the platform refuses it, or another's discount has the code.

        Raises:
            PlatformError: the store did not answer as it must; any of them may exist.
        """

    async def read_discount(self, code: str) -> DiscountSeen | None:
        """Return the discount with this code, if there is one."""

    async def revoke_discount(self, code: str) -> None:
        """Make the code unusable; where it is already, this is done.

        Raises:
            Rejected: the code is somebody else's discount.
        """

    async def write_profile(self, customer_id: str, profile: Profile) -> None:
        """Keep a customer's points and tier where themes read them.

        Raises:
            Rejected: there is no such customer.
        """

    async def read_profile(self, customer_id: str) -> Profile | None:
        """Return the profile that we keep on a customer, None where there is none."""

    async def write_note(self, order_id: str, text: str) -> None:
        """Leave a note for the merchant on an order, once for the same text.

        Raises:
            Rejected: there is no such order.
        """

    async def read_notes(self, order_id: str) -> Sequence[str]:
        """Return the notes on an order, whoever wrote them."""


class Install(Protocol):
    """How a merchant connects in the browser: they approve on their store, which calls back.

    Or their browser brings what opens the store, signed, as it comes back.
    """

    @property
    def has_plugin(self) -> bool:
        """Whether stores have a plugin of ours, which is paired after connecting."""

    def store_url(self, typed: str) -> str:
        """Return the store's canonical address from what the merchant typed.

        Raises:
            Malformed: it is no address; the message says what to type.
        """

    def approval_url(self, store_url: str, *, token: str, callback: str, back: str) -> str:
        """Return the store's page on which the merchant approves; it answers to ``callback``."""

    def read_callback(self, body: bytes, /) -> tuple[str, Access]:
        """Return the token that we sent along and the access that came back (without ``url``)."""

    def is_approved(self, query: Mapping[str, str]) -> bool:
        """Return whether the browser came back with a yes; ``query`` is that request's."""

    def returned_token(self, query: Mapping[str, str]) -> str:
        """Return the token that came back with the browser, or an empty text."""

    def returned_access(self, query: str, now: datetime, /) -> Access | None:
        """Return the access that the browser brings, None where the store has sent it.

        Raises:
            SignatureInvalid: the platform did not sign this query, or not now.
        """

    def finished_url(self, store_url: str, *, service: str, pairing: str) -> str:
        """Return the store's own page that takes over, with the one-time code for its plugin."""


class Proxy(Protocol):
    """How a platform's storefront leads requests on to us: signed, by who is signed in there."""

    def store_url(self, query: str) -> str:
        """Return the canonical address of the store that a query says it came from, unproved.

        Raises:
            Malformed: it says none.
        """

    def customer_of(self, query: str, secret: str, now: datetime) -> str | None:
        """Return the id of the customer who is signed in, None for a guest.

        Raises:
            SignatureInvalid: the secret did not sign this query, or not now.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody who is at our pages inside the platform's own admin, as its token says.

    ``url`` is the store's canonical address, ``user`` the platform's id of them. ``access`` opens
    the store, once, where it is not connected, or not any more.
    """

    url: str
    user: str
    access: Access


class App(Protocol):
    """An app of the operator's, which many stores install by the platform's own ways."""

    @property
    def secrets(self) -> Sequence[str]:
        """What signs for it, the newest first; none where the operator has no app."""

    def store_url(self, delivery: Delivery) -> str:
        """Return the canonical address of the store that a delivery to the app is of, unproved.

        Raises:
            Malformed: it says none, or two.
        """

    @property
    def retry(self) -> Mapping[str, str]:
        """The headers by which a ``fetch`` that was refused is sent again with a new token."""

    @property
    def reload(self) -> str:
        """The parameter at whose address the script comes again, with a token."""

    def framed_by(self, query: Mapping[str, str]) -> str | None:
        """Return the store, unproved, in whose admin a page is asked for; None where in none."""

    def visit(self, token: str, now: datetime) -> Visit:
        """Return who asks for a page.

        Raises:
            SignatureInvalid: the token is not the platform's, not for this app, or not of now.
        """

    def ancestors(self, url: str) -> Sequence[str]:
        """Return the origins whose pages may frame ours of a store."""

    def script(self, url: str) -> tuple[str, str]:
        """Return the address of the platform's script for framed pages, and the app's public key.

        The script is given the key as ``data-api-key``. It signs same-origin ``fetch`` requests
        with ``Authorization: Bearer``, and keeps the admin's address bar in step. A page that it
        asks for anew has a token as ``id_token``.
        """


class Platform(Protocol):
    """The pure half of an adapter."""

    @property
    def name(self) -> str:
        """The word in addresses and tables, such as ``woocommerce``."""

    @property
    def title(self) -> str:
        """The word for people, such as WooCommerce."""

    @property
    def capabilities(self) -> Capabilities:
        """What this platform can do."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics that ``subscribe`` subscribes."""

    @property
    def connect_options(self) -> Sequence[ConnectOption]:
        """What a merchant pastes to connect without the browser."""

    @property
    def install(self) -> Install | None:
        """How a merchant connects in the browser, None where they can't."""

    @property
    def proxy(self) -> Proxy | None:
        """How its storefront leads requests on to us, None where it doesn't."""

    @property
    def settings(self) -> Sequence[ConnectOption]:
        """What an operator may set, each as ``PERENNIAL_<PLATFORM>_<NAME>`` in upper case."""

    @property
    def app(self) -> App | None:
        """How an app is told of its stores and shown inside the platform's admin, if it can be."""

    def configured(self, settings: Mapping[str, str], /) -> "Platform":
        """Return this platform with what an operator set.

        Raises:
            Malformed: a setting can't be right; the message says what would be.
        """

    def access(self, options: Mapping[str, str]) -> Access:
        """Return the access that these ``connect_options`` describe.

        Raises:
            Malformed: an option can't be right; the message says what would be.
        """

    def signing_secret(self, access: Access) -> str | None:
        """Return the secret that signs a store's deliveries, None where that is one of ours.

        An empty text says that the app's own secrets do; see :class:`App`.
        """

    def is_ping(self, delivery: Delivery) -> bool:
        """Return whether this is the platform's unsigned greeting, to be answered and forgotten."""

    def verify(self, delivery: Delivery, secret: str) -> None:
        """Check the signature of the raw body, in constant time.

        Raises:
            SignatureInvalid: the secret did not sign this body.
        """

    def delivery_key(self, delivery: Delivery) -> str:
        """Return what repeats when a delivery repeats. It saves work; nothing rests on it."""

    def read(self, delivery: Delivery) -> Change:
        """Turn a verified delivery into a change.

        Raises:
            Malformed: the body is not what its topic promises.
        """

    def verify_visitor(
        self, token: str, store: str, keys: Mapping[str, bytes], now: datetime
    ) -> str:
        """Return the customer id that a storefront token speaks for; ``keys`` by key id.

        Raises:
            SignatureInvalid: it is not ours, not for this store, or too old.
        """

    def open(self, access: Access, http: httpx.AsyncClient, keep: Keep, /) -> StoreClient:
        """Return the network half for one store; ``keep`` is for keys that end while in use."""

    def sandbox(self, *, url: str, folder: Path | None, key: str, secret: str) -> ASGIApp:
        """Return a store for this machine: the vendor's protocol, a storefront, a back office.

        ``folder`` holds a recorded store; without it a small invented one is served. ``key`` and
        ``secret`` open its API.

        One that the demo walks through answers ``/sandbox.json`` with its own routes: ``shopper``
        and ``admin`` (each a log-in's ``path`` and ``form``), ``office``, ``orders``, ``webhooks``,
        ``deliveries``, ``checkout`` and ``app``, which takes ``service`` and, where there is an
        ``access``, the ``store``'s id; ``access`` is where an admin reads what ``connect`` asks
        for, null where a merchant approves in the browser; ``numbered_by`` is the header that
        numbers deliveries.
        """

    def stage(
        self, *, currency: str = "EUR", timezone: str = "Europe/Berlin"
    ) -> AbstractAsyncContextManager[Stage]:
        """Return an empty store on this machine, for the conformance suite to move and to watch."""

    async def read_sample(self, sample: Sample) -> None:
        """Read one recorded answer or delivery as this adapter would, whatever kind it is of.

        Raises:
            PlatformError: it can't be read; the same error as where a store had sent it.
        """
