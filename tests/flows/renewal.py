"""Asks a store with a token that has ended, and dies with the new one in hand.

``python -m tests.flows.renewal DATABASE_URL SECRET_KEY STORE``: the process kills itself the moment
the store's answer to the renewal is there, before anybody has read it.
"""

import asyncio
import os
import signal
import sys

import httpx

from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.system import running
from platforms.http import SafeTransport


class Dies(SafeTransport):
    """Kills its process once a token was granted."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.url.path.endswith("/access_token"):
            await answer.aread()
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


async def main(url: str, key: str, store: str) -> None:
    """Ask the store for its name."""
    settings = Settings(database_url=url, secret_key=key, public_url="https://ours.example.test")
    async with running(settings, transport=Dies(allow_loopback=True)) as system:
        await system.stores.client(await StoreRow.get(id=store)).info()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
