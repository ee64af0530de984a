"""Bad weather between a client and a store: transports that spoil what goes through them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from typing_extensions import override

Answer = Callable[[httpx.Request], httpx.Response]
Spoil = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Instead(httpx.AsyncBaseTransport):
    """Answers by itself while ``is_on``, and lets requests through otherwise."""

    def __init__(self, inner: httpx.AsyncBaseTransport, answer: Answer) -> None:
        self._inner = inner
        self._answer = answer
        self.is_on = True
        self.hosts: set[str] = set()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        if not self.is_on:
            return await self._inner.handle_async_request(request)
        return self._answer(request)


@dataclass
class Spoiled(httpx.AsyncBaseTransport):
    """Lets requests through, and changes what comes back."""

    inner: httpx.AsyncBaseTransport
    spoil: Spoil

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        return self.spoil(request, answer)


@dataclass
class Between(httpx.AsyncBaseTransport):
    """Lets requests through, and has something happen after each."""

    inner: httpx.AsyncBaseTransport
    happens: Callable[[], Awaitable[None]]

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        await self.happens()
        return answer


def with_body(answer: httpx.Response, body: bytes) -> httpx.Response:
    """Return the answer with another body."""
    headers = [pair for pair in answer.headers.items() if pair[0] not in FRAMING]
    return httpx.Response(answer.status_code, headers=headers, content=body)


FRAMING = {"content-length", "content-encoding", "transfer-encoding"}


def without_counts(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """Take away the headers that a cache or a proxy takes: all that begin with ``x-``."""
    for name in [name for name in answer.headers if name.lower().startswith("x-")]:
        del answer.headers[name]
    return answer


def lost_after_writing(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """Let the store do what was asked, and lose its answer, unless it was a mere question."""
    if request.method == "GET":
        return answer
    raise httpx.ReadTimeout("the answer was lost", request=request)
