"""Listings that miss nothing: positions that are checked against the row read before.

WooCommerce pages by position, so what leaves a listing while it is read moves the rest up, and a
plain next page misses as many. Here each request begins at the last row that the one before it
showed. Where another row stands there, something left: then it begins earlier, until it meets what
was read already. What arrives or changes meanwhile goes to the end, since the order is ascending.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx
from typing_extensions import override

from platforms.errors import Malformed
from platforms.model import Kind
from platforms.woocommerce import wire

PER_PAGE = 100  # 101 is refused
AT_ONCE = (
    2  # requests: 8 pages took a store of two cores 14.6 s singly, 6.2 s by two, 6.7 s by four
)

Key = tuple[int, ...]
Ask = Callable[[int], Awaitable[httpx.Response]]
"""Asks for the ``PER_PAGE`` rows from a position on."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a listing was read: how many rows, and the key of the last (empty at first)."""

    position: int = 0
    last: Key = ()

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that a cursor names.

        Raises:
            Malformed: it is none of ours.
        """
        position, _, last = text.partition(":")
        try:
            return cls(int(position), tuple(int(part) for part in last.split(",") if part))
        except ValueError as error:
            raise Malformed(f"{text!r} is no place in a listing") from error

    @override
    def __str__(self) -> str:
        """Return the cursor that ``read`` takes."""
        return f"{self.position}:{','.join(str(part) for part in self.last)}"


@dataclass(frozen=True, slots=True)
class Walk:
    """One listing: what asks for it, and the key by which it ascends."""

    kind: Kind
    ask: Ask
    key: Callable[[wire.Row], Key]
    host: str

    async def step(self, place: Place) -> tuple[list[wire.Row], Place, bool]:
        """Return the next rows, the place after them, and whether that is the end."""
        begin = max(place.position - 1, 0)
        while True:
            answers = await asyncio.gather(
                *(self.ask(begin + number * (PER_PAGE - 1)) for number in range(AT_ONCE))
            )
            rows, after, is_end = self._taken(begin, place, answers)
            if after is not None:
                return rows, after, is_end
            begin = max(begin - PER_PAGE + 1, 0)

    def _taken(
        self, begin: int, place: Place, answers: Sequence[httpx.Response]
    ) -> tuple[list[wire.Row], Place | None, bool]:
        """Take the answers that join on to each other; no place where not even the first does."""
        taken: list[wire.Row] = []
        after: Place | None = None
        last = place.last
        for number, answer in enumerate(answers):
            at = begin + number * (PER_PAGE - 1)
            rows = wire.decode_rows(self.kind, answer, self.host)
            if at > 0 and last and (not rows or self.key(rows[0]) > last):
                return taken, after, False
            taken += [row for row in rows if isinstance(row, wire.WireId) or self.key(row) > last]
            shows_more = [self.key(row) for row in rows] not in ([], [last])
            last = self.key(rows[-1]) if rows else last
            after = Place(at + len(rows), last)
            if is_last(answer, after.position, shows_more=shows_more):
                return taken, after, True
            if len(rows) < PER_PAGE:  # something keeps pages short: the next one begins elsewhere
                return taken, after, False
        return taken, after, False


def is_last(answer: httpx.Response, position: int, *, shows_more: bool) -> bool:
    """Return whether nothing comes after a position: as the headers say, or nothing is shown.

    A store may count what it doesn't show to us; and something between us may take the headers
    away: then a page that shows more is not the last.
    """
    total = counted(answer)
    return not shows_more or (total is not None and position >= total)


def counted(answer: httpx.Response) -> int | None:
    """Return how many rows a listing has, as its header says, if it does."""
    total = answer.headers.get("x-wp-total", "")
    return int(total) if total.isdigit() else None


def page_count(answer: httpx.Response, rows: int) -> float:
    """Return how many pages a listing by page number has, as its header says.

    Where something between us took the header away, a full page means that there are more.
    """
    text = answer.headers.get("x-wp-totalpages", "")
    if text.isdigit():
        return int(text)
    return float("inf") if rows >= PER_PAGE else 1
