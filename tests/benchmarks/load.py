"""The sender: raw HTTP/1.1 over kept-alive connections, since it shares the cores it measures.

``hammer`` sends as fast as answers come, from many connections at once.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles
from typing import cast

from typing_extensions import override

CONNECTIONS = 32
BODYLESS = (b"204", b"304")
END, LENGTH = b"\r\n\r\n", b"content-length:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``seconds`` from the first byte sent to the last received."""

    status: int
    seconds: float
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw.partition(END)[2]

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(END)[0].decode().split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run came to."""

    rate: float
    milliseconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """p50, p95 and p99."""


def percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Return p50, p95 and p99 in milliseconds."""
    if len(seconds) < 2:
        return (0.0, 0.0, 0.0)
    cuts = quantiles(seconds, n=100)
    return (cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000)


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._came = b""
        self._began = 0.0

    @classmethod
    async def open(cls, port: int) -> "Line":
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: cls(port), "127.0.0.1", port)
        return line

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    @property
    def is_open(self) -> bool:
        """Whether nobody has hung up; a server does where nothing was asked for a while."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        assert self._transport is not None
        self._came = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._began = time.perf_counter()
        self._transport.write(request)
        return self._answer

    @override
    def data_received(self, data: bytes) -> None:
        came = self._came = self._came + data if self._came else data
        if self._answer is not None and is_whole(came):
            took = time.perf_counter() - self._began
            answer, self._answer = self._answer, None
            answer.set_result(Answer(int(came[9:12]), took, came))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def is_whole(came: bytes) -> bool:
    """Return whether an answer is there to its last byte."""
    end = came.find(END)
    if end < 0:
        return False
    if came[9:12] in BODYLESS:
        return True
    head = came[:end].lower()
    at = head.find(LENGTH)
    assert at >= 0, f"an answer without a length: {came[:end]!r}"
    length = int(head[at + len(LENGTH) :].partition(b"\r\n")[0])
    return len(came) >= end + len(END) + length


async def ask(port: int, request: bytes) -> Answer:
    """Send one request."""
    line = await Line.open(port)
    try:
        return await line.ask(request)
    finally:
        line.close()


async def hammer(
    port: int,
    requests: Iterator[bytes],
    seconds: float,
    expected: int = 200,
    connections: int = CONNECTIONS,
) -> Sample:
    """Send requests until they or the seconds are used up.

    Raises:
        AssertionError: an answer had another status than expected.
    """
    lines = [await Line.open(port) for _ in range(connections)]
    took: list[float] = []
    began = time.perf_counter()

    async def use(line: Line) -> None:
        while time.perf_counter() < began + seconds:
            request = next(requests, None)
            if request is None:
                return
            answer = await line.ask(request)
            assert answer.status == expected, answer.raw[:2000]
            took.append(answer.seconds)

    try:
        await asyncio.gather(*(use(line) for line in lines))
    finally:
        for line in lines:
            line.close()
    return Sample(len(took) / (time.perf_counter() - began), percentiles(took))
