"""A whole store read by bulk operations: Shopify writes a file, and we read it, in any order.

Where a listing goes on is text that outlives the process: which operation, after which record, and
how many operations came to nothing. Whoever goes on with it downloads the file anew, for it is
kept for seven days. What can't be read so in the end is read by pages.
(shopify.dev: /docs/api/usage/bulk-operations/queries)
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import httpx
from typing_extensions import override

from platforms.errors import Malformed, PlatformError, Rejected, TransientError
from platforms.http import UnsafeAddress, streamed
from platforms.model import Kind
from platforms.shopify import answers
from platforms.shopify.api import Api
from platforms.shopify.operations import operation
from platforms.shopify.spool import Root, Spool

WORD = "bulk"
POLL_S = 5.0
BUSY_S = 60.0  # while as many operations run as may
TRIES = 3  # operations; then pages
PAGE = 100
SPOOLS_MAX = 2
FILE_MAX = 50_000_000_000  # bytes
LINE_MAX = 10_000_000
BATCH = 1_000_000  # bytes kept at once
UNDER_WAY = frozenset({"CREATED", "RUNNING", "CANCELING"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing goes on."""

    operation: str = ""
    after: int = 0
    tries: int = 0

    @override
    def __str__(self) -> str:
        return f"{WORD}|{self.operation}|{self.after}|{self.tries}"

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """Return the place that a cursor names."""
        _, gid, after, tries = cursor.split("|")
        return cls(gid, int(after), int(tries))


@dataclass(frozen=True, slots=True)
class Part:
    """Some records; ``place`` is None after the last of them."""

    roots: list[Root]
    place: Place | None
    wait_s: float = 0.0

    @property
    def is_given_up(self) -> bool:
        """Whether bulk operations came to nothing too often."""
        return self.place is not None and self.place.tries >= TRIES


class Bulk:
    """One store's bulk operations."""

    def __init__(self, api: Api, http: httpx.AsyncClient) -> None:
        self._api = api
        self._http = http
        self._spools: dict[str, Spool] = {}
        self._turn = asyncio.Lock()

    async def part(self, kind: Kind, place: Place) -> Part:
        """Return what follows after a place; nothing, while Shopify is at work.

        Raises:
            PlatformError: Shopify did not answer as it must; the place stays good.
        """
        if not place.operation:
            return await self._begin(kind, place)
        async with self._turn:
            spool = self._spools.get(place.operation)
            if spool is None:
                found = await self._spooled(place)
                if isinstance(found, Part):
                    return found
                spool = found
            roots = await asyncio.to_thread(spool.page, place.after, PAGE)
            if len(roots) < PAGE:
                self._spools.pop(place.operation).close()
                return Part(roots, None)
        return Part(roots, replace(place, after=roots[-1].id))

    async def _begin(self, kind: Kind, place: Place) -> Part:
        query = operation(f"bulk_{kind}s")
        told = await self._api.ask("run_bulk", answers.RunBulk, query=query)
        begun = told.bulk_operation_run_query
        if begun.bulk_operation is not None:
            return Part([], replace(place, operation=begun.bulk_operation.id))
        codes = {one.code for one in begun.user_errors}
        if codes & {"LIMIT_REACHED", "OPERATION_IN_PROGRESS"}:
            return Part([], place, wait_s=BUSY_S)
        said = begun.user_errors[0].message[:200] if begun.user_errors else "no reason"
        raise Rejected(f"{kind}s can't be read in bulk: {said}")

    async def _spooled(self, place: Place) -> Spool | Part:
        """Return the results, or what to do while there are none."""
        told = await self._api.ask("bulk_state", answers.BulkState, id=place.operation)
        state = told.bulk_operation
        if state is not None and state.status in UNDER_WAY:
            return Part([], place, wait_s=POLL_S)
        again = Part([], Place(after=place.after, tries=place.tries + 1))
        if state is None or state.status != "COMPLETED":
            return again
        if state.url is None:
            return Part([], None) if state.object_count == "0" else again
        spool = await self._whole(state, state.url)
        if spool is None:
            return again
        while len(self._spools) >= SPOOLS_MAX:
            self._spools.pop(next(iter(self._spools))).close()
        self._spools[place.operation] = spool
        return spool

    async def _whole(self, state: answers.BulkOperation, url: str) -> Spool | None:
        """Return the results, None where they are gone, or not all that Shopify counted.

        Raises:
            TransientError: they can't be had now.
            UnsafeAddress: they lie where we don't go.
        """
        try:
            spool = await self._downloaded(url)
        except (UnsafeAddress, TransientError):
            raise
        except PlatformError:
            return None
        if (str(spool.lines), str(spool.roots)) != (state.object_count, state.root_object_count):
            spool.close()
            return None
        return spool

    async def _downloaded(self, url: str) -> Spool:
        """Return all that a file holds, in order.

        Raises:
            TransientError: it broke off; it is there still.
            PlatformError: it is gone, or not what it should be.
        """
        spool = Spool()
        try:
            file = streamed(self._http, self._http.build_request("GET", url), FILE_MAX)
            async with aclosing(_batches(file)) as batches:
                async for lines in batches:
                    await asyncio.to_thread(spool.add, lines)
            await asyncio.to_thread(spool.end)
        except BaseException:
            spool.close()
            raise
        return spool


async def _batches(file: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """Yield the lines of a file, many at a time.

    Raises:
        Malformed: one has no end.
    """
    rest = b""
    waiting: list[bytes] = []
    size = 0
    async for chunk in file:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_MAX:
            raise Malformed(f"a line is longer than {LINE_MAX} bytes")
        waiting += filter(None, lines)
        size += len(chunk)
        if size >= BATCH:
            yield waiting
            waiting, size = [], 0
    if rest:
        waiting.append(rest)
    yield waiting
