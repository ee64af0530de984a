"""Connected stores: their adapters, their secrets, and a client for each."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
import orjson
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.errors import ConnectFailed, StoreUnknown
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.sync import outbox
from connector.sync.models import InboxRow
from platforms.errors import AccessRevoked, PlatformError, TransientError
from platforms.protocol import Access, Platform, StoreClient

CONNECTING_MAX = timedelta(minutes=5)  # until then the first pass waits for the subscriptions


class Stores:
    """Finds, opens and connects stores."""

    def __init__(
        self,
        *,
        platforms: Mapping[str, Platform],
        vault: Vault,
        http: httpx.AsyncClient,
        ids: Ids,
        public_url: str,
    ) -> None:
        self._platforms = platforms
        self._vault = vault
        self._http = http
        self._ids = ids
        self._public_url = public_url

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
        row = await StoreRow.get_or_none(id=store_id)
        if row is None or platform not in {None, row.platform}:
            raise StoreUnknown(f"no store {store_id!r}")
        return row

    def client(self, store: StoreRow) -> StoreClient:
        """Return the network half for a store.

        Raises:
            AccessRevoked: the access can't be opened with our ``SECRET_KEY``.
        """
        try:
            access = orjson.loads(self._vault.open(store.id, "access", store.access))
        except ValueError as error:
            raise AccessRevoked(str(error)) from error
        return self.platform(store.platform).open(access, self._http)

    def webhook_secret(self, store: StoreRow) -> str:
        """Return the secret that signs the store's deliveries."""
        return self._vault.open(store.id, "webhook_secret", store.webhook_secret)

    def webhook_url(self, store: StoreRow) -> str:
        """Return the address that the store delivers to."""
        return f"{self._public_url}/webhooks/{store.platform}/{store.id}"

    async def connect(self, platform: str, access: Access, now: datetime) -> StoreRow:
        """Prove an access, keep the store, and subscribe its webhooks; again is harmless.

        A store connected before keeps its id, its points and its keys, and takes the new access.

        Raises:
            ConnectFailed: with what to do about it; nothing was changed.
        """
        adapter = self.platform(platform)
        try:
            info = await adapter.open(access, self._http).info()
        except PlatformError as error:
            raise ConnectFailed(_advice(access["url"], error)) from error
        known = await StoreRow.get_or_none(platform=platform, url=info.url)
        store = known or self._new_store(platform, info.url, now)
        store.name, store.currency, store.timezone = info.name[:200], info.currency, info.timezone
        store.access = self._vault.seal(store.id, "access", orjson.dumps(dict(access)).decode())
        if known is None:
            await self._create(store)
        try:
            client = adapter.open(access, self._http)
            await client.subscribe(self.webhook_url(store), self.webhook_secret(store))
        except PlatformError as error:
            if known is None:
                await self._forget(store)
            raise ConnectFailed(_advice(access["url"], error)) from error
        store.reconcile_at, store.trouble = now, ""
        async with in_transaction():
            await store.save()
            await outbox.unpark(store.id, now)
        return store

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


def _advice(url: str, error: PlatformError) -> str:
    """Return a sentence that says what went wrong and what to do."""
    match error:
        case AccessRevoked():
            todo = "check that the key is not revoked and may read and write"
        case TransientError():
            todo = "check the address, and try again when the store answers"
        case _:
            todo = "check the address"
    return f"{url} could not be connected ({error}): {todo}"
