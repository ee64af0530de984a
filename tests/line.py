"""A line to a server of this machine that tests make slow, silent or dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

from tests.ports import free_port

State = Literal["well", "slow", "silent"]
DRIP_S = 5.0  # before each byte of an answer, where the line is slow


class Line:
    """Leads to the server of an address from another, ``url``.

    What is asked comes through, and answers as ``become`` says.
    """

    def __init__(self, to: str) -> None:
        self.host, _, port = urlsplit(to).netloc.partition(":")
        self.to, self.port = int(port), free_port()
        self.url = to.replace(f":{port}", f":{self.port}")
        self._is_slow = False
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    def become(self, state: State) -> None:
        """Lead answers on at once, byte by byte, or not at all."""
        self._is_slow = state == "slow"
        if state == "silent":
            self._speaks.clear()
        else:
            self._speaks.set()

    def forget(self) -> None:
        """Lead nothing on of what is connected, and tell neither side, as firewalls do."""
        for pump in self._pumps:
            pump.cancel()

    async def take(self, asks: asyncio.StreamReader, told: asyncio.StreamWriter) -> None:
        """Lead a connection on, if the server is there."""
        self._writers.add(told)
        try:
            answers, asked = await asyncio.open_connection(self.host, self.to)
        except OSError:
            told.close()
            return
        self._writers.add(asked)
        for pump in (self._ask(asks, asked), self._answer(answers, told)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _ask(self, asks: asyncio.StreamReader, asked: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await asks.read(65_536):
                asked.write(some)
                await asked.drain()
        asked.close()

    async def _answer(self, answers: asyncio.StreamReader, told: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await answers.read(1 if self._is_slow else 65_536):
                await self._speaks.wait()
                await asyncio.sleep(DRIP_S if self._is_slow else 0)
                told.write(some)
                await told.drain()
        told.close()

    async def end(self) -> None:
        """Cut what is connected."""
        pumps = list(self._pumps)
        self.forget()
        await asyncio.gather(*pumps, return_exceptions=True)
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def line(to: str) -> AsyncIterator[Line]:
    """Hold a line to the server of an address."""
    one = Line(to)
    server = await asyncio.start_server(one.take, "127.0.0.1", one.port)
    try:
        yield one
    finally:
        server.close()
        await one.end()
