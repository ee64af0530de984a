"""Has figures computed, and reads those that are there.

A store that nobody looks at costs nothing. One that was looked at once has figures of the last day;
of the last hour, a moment after somebody looks.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, Self, TypeVar

import msgspec

from connector.commerce.models import StoreRow
from connector.database import sql
from connector.features.analytics import reading
from connector.features.analytics.columns import Columns
from connector.features.analytics.figures import Figures
from connector.features.analytics.models import FiguresRow
from connector.features.analytics.tiles import HOME, tiles, week
from connector.sync.work import oldest
from connector.web.feature import Tools
from connector.web.keyfigures import KeyFigure, News

P = ParamSpec("P")
T = TypeVar("T")
DAILY, STALE = timedelta(days=1), timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=15)
APART = timedelta(minutes=1)  # between two times, whoever asks
DUE = "(SELECT f.due_at FROM figures f WHERE f.store = s.id) <= :now"
"""Whether figures of a store ``s`` are to be computed at the instant ``:now``."""
OLDEST_DUE = oldest("SELECT f.due_at FROM figures f WHERE f.store = s.id AND f.due_at <= :now")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The figures that there are, and whether others are on their way.

    ``failed_at`` is when they could not be computed, at ``retry_at`` that is tried again.
    """

    figures: Figures | None
    is_awaited: bool
    failed_at: datetime | None
    retry_at: datetime


class Analytics:
    """The figures of all stores."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def state(self, store: str) -> State:
        """Return the figures of a store; where they are old, new ones are asked for."""
        now = self._tools.clock()
        row = await FiguresRow.get_or_none(store=store)
        found = _figures(row)
        if row is None or (row.failed_at is None and (found is None or found.at + STALE <= now)):
            row = await self._due(store, now)
        return State(
            figures=found,
            is_awaited=row.due_at <= now or (found is not None and row.due_at < found.at + DAILY),
            failed_at=row.failed_at,
            retry_at=row.due_at,
        )

    async def ask(self, store: str) -> None:
        """Have figures computed anew, a minute after the last at the earliest."""
        now = self._tools.clock()
        row = await FiguresRow.get_or_none(store=store)
        done = row.computed_at if row else None
        await self._due(store, max(now, done + APART) if done else now)

    async def key_figures(self, store: StoreRow) -> Sequence[KeyFigure]:
        """Return what is worth knowing at first sight; nothing while it is being computed."""
        figures = (await self.state(store.id)).figures
        if figures is None or not figures.months:
            return []
        cost = await self._tools.key_figures.cost_minor(store, figures.spans[HOME].now.owed)
        known = {one.id: one for one in tiles(figures, HOME, cost)}
        return [known[name] for name in ("owed", "active", "redemption", "repeat")]

    async def news(self, store: StoreRow) -> Sequence[News]:
        """Return what the last seven days came to; nothing while that is being computed."""
        figures = (await self.state(store.id)).figures
        return week(figures) if figures and figures.months else []

    async def refresh(self, store: StoreRow) -> int:
        """Compute a store's figures if that is due; return how often that was.

        Whoever asks meanwhile gets these.
        """
        at = self._tools.clock()
        row = await FiguresRow.get_or_none(store=store.id)
        if row is None or row.due_at > at:
            return 0
        rows = FiguresRow.filter(store=store.id)
        try:
            figures = await compute(store, at)
        except Exception as error:
            if not sql.is_down(error):
                await rows.update(due_at=at + RETRY_AFTER, failed_at=at)
            raise
        body = msgspec.json.encode(figures).decode()
        await rows.update(due_at=at + DAILY, computed_at=at, failed_at=None, body=body)
        return 1

    async def _due(self, store: str, at: datetime) -> FiguresRow:
        await sql.run(
            "INSERT INTO figures (store, due_at) VALUES ($1, $2) ON CONFLICT (store) DO UPDATE"
            " SET due_at = excluded.due_at WHERE figures.due_at > excluded.due_at",
            *(store, at),
        )
        self._tools.wake()
        return await FiguresRow.get(store=store)


async def compute(store: StoreRow, at: datetime) -> Figures:
    """Return the figures of a store at an instant.

    The database is read here, some rows at a time; what takes long is done in a thread of its own.
    """
    owners = await reading.owners(store.id)
    with _Thread() as thread:
        columns = Columns(store, at, owners)
        try:
            await thread.does(columns.open)
            async for rows in reading.orders(store.id):
                await thread.does(columns.add_orders, rows)
            async for rows in reading.entries(store.id):
                await thread.does(columns.add_entries, rows)
            return await thread.does(columns.figures)
        finally:
            await thread.does(columns.close)


class _Thread:
    """One thread: what is asked of it is done in turn, also where nobody waits for it any more."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "analytics")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False)

    async def does(self, job: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Return what a function returns there."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(job, *given, **named))


def _figures(row: FiguresRow | None) -> Figures | None:
    """Return the figures of a row, None where there are none or they are another release's."""
    if row is None or row.body is None:
        return None
    try:
        return msgspec.json.decode(row.body, type=Figures)
    except msgspec.ValidationError:
        return None
