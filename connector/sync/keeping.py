"""Keeps what opens a store in its row, encrypted, while the platform's keys end and are renewed.

One process renews at a time: of two that did, one would keep keys that the other has ended. What
was renewed is kept before it is used.
"""

import asyncio

import orjson

from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import StoreUnknown
from connector.kernel.vault import Vault
from connector.sync.work import Leases
from platforms.errors import AccessRevoked
from platforms.protocol import Access, Renew


class Accesses:
    """Seals and opens what opens stores."""

    def __init__(self, vault: Vault, leases: Leases) -> None:
        self.leases = leases
        self._vault = vault

    def seal(self, store: str, access: Access) -> bytes:
        """Encrypt an access for its row."""
        return self._vault.seal(store, "access", orjson.dumps(dict(access)).decode())

    def open(self, store: str, sealed: bytes) -> Access:
        """Return what opens a store.

        Raises:
            AccessRevoked: it can't be opened with our ``SECRET_KEY``.
        """
        try:
            access: Access = orjson.loads(self._vault.open(store, "access", sealed))
        except ValueError as error:
            raise AccessRevoked(
                str(error),
                name="secret-key",
                advice="start with the PERENNIAL_SECRET_KEY that the store was connected with, or"
                " connect the store again",
            ) from error
        return access


class Kept:
    """One store's access; a :data:`platforms.protocol.Keep`."""

    def __init__(self, store: str, accesses: Accesses) -> None:
        self._store = store
        self._accesses = accesses
        self._lock = asyncio.Lock()  # of one process, one looks into the database

    async def __call__(self, old: Access, renew: Renew) -> Access:
        """See :data:`platforms.protocol.Keep`."""
        async with self._lock:
            if (kept := await self._now())[1] != old:
                return kept[1]
            async with self._accesses.leases.alone(self._store, "access"):
                sealed, access = await self._now()
                return access if access != old else await self._save(sealed, await renew(old))

    async def _now(self) -> tuple[bytes, Access]:
        row = await StoreRow.get_or_none(id=self._store)
        if row is None:
            raise StoreUnknown(f"no store {self._store!r}")
        return row.access, self._accesses.open(self._store, row.access)

    async def _save(self, before: bytes, access: Access) -> Access:
        """Keep an access; where the store was connected again meanwhile, that one holds."""
        is_kept = await sql.rows(
            "UPDATE store SET access = $1 WHERE id = $2 AND access = $3 RETURNING id",
            *(self._accesses.seal(self._store, access), self._store, before),
        )
        return access if is_kept else (await self._now())[1]
