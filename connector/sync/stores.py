"""Connected stores: their adapters, their secrets, and a client for each."""

import hashlib
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from connector.commerce.models import ID_MAX, URL_MAX, StoreRow
from connector.database import sql
from connector.errors import ConnectFailed, DeliveryForged, RequestInvalid, StoreUnknown
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.sync import outbox
from connector.sync.keeping import Accesses, Kept
from connector.sync.models import InboxRow
from connector.sync.work import Leases
from platforms import http
from platforms.errors import (
    AccessRevoked,
    Malformed,
    PlatformError,
    SignatureInvalid,
    TransientError,
)
from platforms.keeping import Held
from platforms.model import Delivery, StoreInfo
from platforms.pace import Lane, Pace
from platforms.protocol import Access, Platform, StoreClient

OLD = "old_webhook_secret"
OLD_SECRET_LIFE = timedelta(days=1)  # what was signed before a change arrives within it
Terms = tuple[bytes, str, str]  # a store's access, currency and zone
CONNECTED = (
    "name", "currency", "timezone", "storefront", "access", "connected_at", "disconnected_at",
    "webhook_secret",
    "old_webhook_secret", "old_secret_until", "reconcile_at", "trouble", "trouble_name", "failures",
)  # fmt: skip
KNOWN_MAX = 10_000  # stores that a process remembers
KNOWN_S = 60.0
CONNECTING_MAX = timedelta(minutes=5)  # until then the first pass waits for the subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose deliveries, and what signs them: sealed, as in :class:`StoreRow`."""

    store: str
    platform: str
    secret: bytes
    old_secret: bytes | None
    old_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What hardly changes of a store; ``page`` is the address of the pages that shoppers see."""

    platform: str
    page: str
    until: float


class Stores:
    """Finds, opens and connects stores."""

    def __init__(
        self,
        *,
        platforms: Mapping[str, Platform],
        vault: Vault,
        network: httpx.AsyncBaseTransport,
        ids: Ids,
        public_url: str,
    ) -> None:
        self._platforms = platforms
        self._vault = vault
        self._accesses = Accesses(vault, Leases(ids()))
        self._network = network
        self._ids = ids
        self._public_url = public_url
        self._known: dict[str, Known] = {}
        self._paces: dict[str, Pace] = {}
        self._kept: dict[str, Kept] = {}
        self._clients: dict[tuple[str, Lane], tuple[Terms, StoreClient]] = {}

    @property
    def platforms(self) -> Mapping[str, Platform]:
        """The installed adapters by name."""
        return self._platforms

    def platform(self, name: str) -> Platform:
        """Return an adapter.

        Raises:
            StoreUnknown: there is no such platform.
        """
        if name not in self._platforms:
            raise StoreUnknown(f"no platform {name!r}: there are {', '.join(self._platforms)}")
        return self._platforms[name]

    async def find(self, store_id: str, platform: str | None = None) -> StoreRow:
        """Return a store.

        Raises:
            StoreUnknown: there is none of that id (on that platform).
        """
        row = await StoreRow.get_or_none(id=store_id) if may_be_id(store_id) else None
        if row is None or platform not in {None, row.platform}:
            raise StoreUnknown(f"no store {store_id!r}")
        return row

    def budget(self) -> Counter[str]:
        """Return how many requests stores have room for, and who uses it; see ``Pace.shares``."""
        return sum((pace.shares() for pace in self._paces.values()), Counter())

    async def known(self, store_id: str) -> Known:
        """Return what hardly changes of a store; asked for once a minute.

        Raises:
            StoreUnknown: there is none of that id.
        """
        found = self._known.get(store_id)
        if found is None or found.until < time.monotonic():
            row = await self.find(store_id)
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            page, until = row.storefront or row.url, time.monotonic() + KNOWN_S
            found = self._known[store_id] = Known(platform=row.platform, page=page, until=until)
        return found

    def client(self, store: StoreRow, lane: Lane = "live") -> StoreClient:
        """Return the network half for a store, the same until its access or terms change.

        Raises:
            AccessRevoked: the access can't be opened with our ``SECRET_KEY``.
            TransientError: the store is disconnected.
        """
        if store.disconnected_at is not None:
            raise TransientError(
                f"store {store.id} is disconnected", name="disconnected", advice="connect it again"
            )
        terms = (store.access, store.currency, store.timezone)
        known = self._clients.get((store.id, lane))
        if known is not None and known[0] == terms:
            return known[1]
        client = self._opened(store, lane)
        self._clients[store.id, lane] = (terms, client)
        return client

    def _opened(self, store: StoreRow, lane: Lane) -> StoreClient:
        """Return a client whose requests keep to the store's pace."""
        access = self._accesses.open(store.id, store.access)
        pace = self._paces.setdefault(store.id, Pace())
        keep = self._kept.setdefault(store.id, Kept(store.id, self._accesses))
        network = http.client(self._network, pace, lane)
        return self.platform(store.platform).open(access, network, keep)

    def webhook_secret(self, store: StoreRow) -> str:
        """Return the secret that signs the store's deliveries."""
        return self._vault.open(store.id, "webhook_secret", store.webhook_secret)

    async def signers(self, ids: Collection[str]) -> dict[str, Signer]:
        """Return what the deliveries of some stores are verified with.

        In SQL, because every delivery waits for it.
        """
        rows = await sql.rows(
            "SELECT id, platform, webhook_secret, old_webhook_secret, old_secret_until FROM store"
            " WHERE id = ANY($1)",
            list(ids),
        )
        return {
            row["id"]: Signer(
                store=row["id"],
                platform=row["platform"],
                secret=row["webhook_secret"],
                old_secret=row["old_webhook_secret"],
                old_until=sql.at(row["old_secret_until"]),
            )
            for row in rows
        }

    @staticmethod
    def signer(signers: Mapping[str, Signer], store: str, platform: str) -> Signer:
        """Return one of them.

        Raises:
            StoreUnknown: there is none of that id on that platform.
        """
        found = signers.get(store)
        if found is None or found.platform != platform:
            raise StoreUnknown(f"no store {store!r}")
        return found

    async def signer_at(self, platform: str, url: str) -> Signer:
        """Return what the deliveries of a connected store at an address are verified with.

        Raises:
            StoreUnknown: there is none.
        """
        row = await StoreRow.get_or_none(platform=platform, url=url, disconnected_at=None)
        if row is None:
            raise StoreUnknown(f"no store {url!r} is connected")
        return (await self.signers([row.id]))[row.id]

    def secrets(self, signer: Signer, now: datetime) -> list[str]:
        """Return the secrets that a store signs with now: the one before for a while, too."""
        found = [self._vault.open(signer.store, "webhook_secret", signer.secret)]
        if signer.old_secret is not None and (signer.old_until is None or now < signer.old_until):
            found.append(self._vault.open(signer.store, OLD, signer.old_secret))
        apps = self._app_secrets(signer.platform) if "" in found else ()
        return [*filter(None, found), *apps]

    def _app_secrets(self, platform: str) -> Sequence[str]:
        app = self.platform(platform).app
        return app.secrets if app else ()

    def verify(self, signer: Signer, delivery: Delivery, now: datetime) -> None:
        """Check that the store signed something, with its secret or the one before.

        Raises:
            DeliveryForged: neither signed it.
        """
        if not self._is_signed(signer.platform, delivery, self.secrets(signer, now)):
            raise DeliveryForged("the signature does not fit the body")

    def _is_signed(self, platform: str, delivery: Delivery, secrets: Sequence[str]) -> bool:
        for secret in secrets:
            with suppress(SignatureInvalid):
                self.platform(platform).verify(delivery, secret)
                return True
        return False

    async def told_app(self, platform: str, delivery: Delivery, now: datetime) -> str | None:
        """Return the store that a delivery to an app is of, None where that is none of ours.

        Nobody but the app's owner could sign it; a store that is opened by another app than that
        is none of ours here.

        Raises:
            StoreUnknown: the platform has no apps.
            DeliveryForged: neither the store's app nor the operator's signed it.
        """
        adapter = self.platform(platform)
        if adapter.app is None:
            raise StoreUnknown(f"{adapter.title} has no apps that are told anything")
        with suppress(Malformed):
            url = adapter.app.store_url(delivery)
            row = await StoreRow.get_or_none(platform=platform, url=url)
            signers = await self.signers([row.id]) if row else {}
            for signer in signers.values():
                if self._is_signed(platform, delivery, self.secrets(signer, now)):
                    return signer.store
        if not self._is_signed(platform, delivery, adapter.app.secrets):
            raise DeliveryForged("the signature does not fit the body")
        return None

    def webhook_url(self, store: StoreRow) -> str:
        """Return the address that the store delivers to."""
        return f"{self._public_url}/webhooks/{store.platform}/{store.id}"

    def alone(self, platform: str, url: str) -> AbstractAsyncContextManager[None]:
        """Connect the store at an address, which nobody else who asks so does meanwhile.

        Each who did would end the keys of the one before.
        """
        name = hashlib.sha256(f"{platform} {url}".encode()).hexdigest()
        return self._accesses.leases.alone(name, "connect")

    async def connect(self, platform: str, access: Access, now: datetime) -> StoreRow:
        """Prove an access, keep the store, and subscribe its webhooks; again is harmless.

        A store connected before keeps its id, its points and its keys, and takes the new access.

        Raises:
            ConnectFailed: with what to do about it; nothing was changed.
        """
        adapter, held = self.platform(platform), Held(access)
        client = adapter.open(access, http.client(self._network), held)
        try:
            info = await client.info()
        except PlatformError as error:
            raise ConnectFailed(_advice(access["url"], error)) from error
        known = await StoreRow.get_or_none(platform=platform, url=info.url)
        store = known or self._new_store(platform, info.url, now)
        _told(store, info)
        store.access = self._accesses.seal(store.id, held.access)
        store.connected_at, store.disconnected_at = now, None
        if (secret := adapter.signing_secret(access)) is not None:
            self._take_secret(store, secret, now, is_new=known is None)
        if known is None:
            await self._create(store)
        await self._subscribe(store, client, is_new=known is None)
        if store.old_webhook_secret is not None and store.old_secret_until is None:
            store.old_secret_until = now + OLD_SECRET_LIFE  # every webhook has the new one now
        store.reconcile_at, store.trouble, store.trouble_name, store.failures = now, "", "", 0
        store.access = self._accesses.seal(store.id, held.access)
        async with in_transaction():
            await sql.lock(store.id)
            if not await StoreRow.exists(id=store.id, url=store.url):
                raise ConnectFailed(f"{store.url} was erased meanwhile: connect it again")
            await store.save(update_fields=CONNECTED)
            await outbox.unpark(store.id, now)
        return store

    async def _subscribe(self, store: StoreRow, client: StoreClient, *, is_new: bool) -> None:
        """Have a store deliver to us; one that won't, and is new, is forgotten."""
        url = self.webhook_url(store)
        try:
            await client.subscribe(url, self.webhook_secret(store))
        except PlatformError as error:
            if is_new:
                with suppress(PlatformError):  # whatever was subscribed would deliver to nobody
                    await client.unsubscribe(url)
                await self._forget(store)
            raise ConnectFailed(_advice(store.url, error)) from error

    def _take_secret(self, store: StoreRow, secret: str, now: datetime, *, is_new: bool) -> None:
        """Verify by the secret that the platform signs with, and by the one before for a day."""
        if not is_new and secret != self.webhook_secret(store):
            store.old_webhook_secret = self._vault.seal(store.id, OLD, self.webhook_secret(store))
            store.old_secret_until = now + OLD_SECRET_LIFE
        store.webhook_secret = self._vault.seal(store.id, "webhook_secret", secret)

    async def front_page(self, store: StoreRow) -> str:
        """Return the store's first page, as somebody gets it who never was there.

        Raises:
            PlatformError: the store does not show it.
        """
        network = http.client(self._network)
        page = f"{store.storefront or store.url}/"
        answer = await http.call(network, network.build_request("GET", page))
        return (answer if answer.is_success else http.checked(answer)).text

    async def rotate_secret(self, store: StoreRow, now: datetime) -> None:
        """Give the store's webhooks a new secret; the old one verifies for a day longer.

        The new one is kept before the store hears of it, and a rotation that broke off goes on
        with it: whatever the store signs with meanwhile verifies.

        Raises:
            PlatformError: the store did not answer; do it again.
            RequestInvalid: the platform signs with a secret of its own.
        """
        platform = self.platform(store.platform)
        if platform.signing_secret(self._accesses.open(store.id, store.access)) is not None:
            raise RequestInvalid(
                f"{platform.title} signs with a secret of its own: make a new one there, then"
                " connect the store again with it"
            )
        is_unfinished = store.old_webhook_secret is not None and store.old_secret_until is None
        if not is_unfinished:
            old, secret = self.webhook_secret(store), self._ids() + self._ids()
            store.old_webhook_secret = self._vault.seal(store.id, OLD, old)
            store.webhook_secret = self._vault.seal(store.id, "webhook_secret", secret)
            store.old_secret_until = None
            await store.save(update_fields=[OLD, "old_secret_until", "webhook_secret"])
        client = self.client(store)
        await client.subscribe(self.webhook_url(store), self.webhook_secret(store))
        store.old_secret_until = now + OLD_SECRET_LIFE
        await store.save(update_fields=["old_secret_until"])

    async def disconnect(self, store: StoreRow, now: datetime) -> None:
        """Take our webhooks off the store and leave it alone; points and records stay.

        A store that refuses our keys keeps its webhooks, and gives them up by itself.

        Raises:
            PlatformError: the store did not answer; nothing was changed here.
        """
        if store.disconnected_at is not None:
            return
        with suppress(AccessRevoked):
            await self.client(store).unsubscribe(self.webhook_url(store))
        await StoreRow.filter(id=store.id).update(disconnected_at=now)

    async def taken_off(self, store: StoreRow, at: datetime, now: datetime) -> None:
        """Leave a store alone that took us off at an instant, unless it was connected since.

        Its platform has ended our keys already, and what we subscribed with them.
        """
        await StoreRow.filter(id=store.id, connected_at__lte=at, disconnected_at=None).update(
            disconnected_at=now
        )

    @staticmethod
    async def _forget(store: StoreRow) -> None:
        """Forget a store that was never wholly connected, and what it sent meanwhile."""
        async with in_transaction():
            await InboxRow.filter(store=store.id).delete()
            await store.delete()

    @staticmethod
    async def _create(store: StoreRow) -> None:
        """Keep a new store before it subscribes: a webhook greets us the moment it is made."""
        try:
            await store.save(force_create=True)
        except IntegrityError as error:
            raise ConnectFailed(f"{store.url} is being connected already: try again") from error

    def _new_store(self, platform: str, url: str, now: datetime) -> StoreRow:
        id_ = self._ids()
        secrets = {name: self._ids() + self._ids() for name in ("webhook_secret", "guest_key")}
        guest_key = secrets["guest_key"].encode().hex()
        return StoreRow(
            id=id_,
            platform=platform,
            url=url,
            connected_at=now,
            reconcile_at=now + CONNECTING_MAX,
            webhook_secret=self._vault.seal(id_, "webhook_secret", secrets["webhook_secret"]),
            guest_key=self._vault.seal(id_, "guest_key", guest_key),
        )


def _told(store: StoreRow, info: StoreInfo) -> None:
    """Keep what a store says of itself."""
    store.name, store.currency, store.timezone = info.name[:200], info.currency, info.timezone
    store.storefront = info.storefront[:URL_MAX] or None


def may_be_id(text: str) -> bool:
    """Return whether a store may have such an id: anybody may ask for anything."""
    return len(text) <= ID_MAX and text.isascii() and text.isprintable()


def _advice(url: str, error: PlatformError) -> str:
    """Return a sentence that says what went wrong and what to do."""
    return f"{url} could not be connected ({error}): {error.advice}"
