"""Deliveries over HTTP: what is due is posted, each once, and kept in a log."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from platforms.shopify.fake.data import Shop

LOG_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A delivery that was made. ``status`` is 0 where nobody answered; ``message`` says why."""

    url: str
    headers: dict[str, str]
    body: bytes
    status: int
    message: str

    @property
    def topic(self) -> str:
        """What it tells of, such as ``orders/create``."""
        return self.headers["x-shopify-topic"]


class Courier:
    """Posts a store's webhooks."""

    def __init__(self, shop: Shop, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._shop = shop
        self._http = httpx.AsyncClient(transport=transport, timeout=10, trust_env=False)
        self._woken = asyncio.Event()
        self.log: deque[Made] = deque(maxlen=LOG_MAX)

    def wake(self) -> None:
        """Say that something may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Make deliveries as they fall due, for ever."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                await self.catch_up()
        finally:
            await self._http.aclose()

    async def catch_up(self) -> None:
        """Make all deliveries that are due, now."""
        await self._shop.deliver(self._post)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        sent = {"content-type": "application/json", **headers}
        status, message = 0, ""
        try:
            answer = await self._http.post(url, content=body, headers=sent)
            status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            message = str(failed) or type(failed).__name__
        made = Made(url=url, headers=sent, body=body, status=status, message=message)
        self.log.append(made)
        return status
