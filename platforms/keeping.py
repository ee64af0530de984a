"""Keeps what opens a store in memory, for whoever has no other place for it (yet)."""

import asyncio

import httpx

from platforms.protocol import Access, Platform, Renew, StoreClient


class Held:
    """One store's access; a :data:`platforms.protocol.Keep`."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = asyncio.Lock()

    async def __call__(self, old: Access, renew: Renew) -> Access:
        """See :data:`platforms.protocol.Keep`."""
        async with self._lock:
            if self.access == old:
                self.access = await renew(old)
            return self.access


def opened_by(platform: Platform, access: Access, http: httpx.AsyncClient) -> StoreClient:
    """Return the network half of a store that nobody else has opened."""
    return platform.open(access, http, Held(access))
