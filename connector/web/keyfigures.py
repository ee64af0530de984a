"""What features tell for the first page: key figures, the week's news, and what needs somebody."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from connector.commerce.models import StoreRow


class KeyFigure(NamedTuple):
    """A figure as a tile shows it; ``id`` is a name that stays.

    ``detail`` has the number of those whom it counts, ``definition`` says in a sentence what it is.
    """

    id: str
    label: str
    value: str
    detail: str
    definition: str


class News(NamedTuple):
    """What the last seven days came to, and the seven before."""

    label: str
    now: str
    before: str


class Need(NamedTuple):
    """What waits for a decision of somebody's; the page where it is made, and what to do there."""

    what: str
    advice: str
    path: str
    action: str


class KeyFigureSource(Protocol):
    """A feature that knows key figures of a store."""

    async def key_figures(self, store: StoreRow) -> Sequence[KeyFigure]:
        """Return what it knows now; nothing while that is being computed."""

    async def news(self, store: StoreRow) -> Sequence[News]:
        """Return what the week came to; nothing while that is being computed."""


class NeedSource(Protocol):
    """A feature in which something may wait for somebody."""

    async def needs(self, store: StoreRow) -> Sequence[Need]:
        """Return what waits."""


class PriceSource(Protocol):
    """A feature that knows what points can be spent on."""

    async def cost_minor(self, store: StoreRow, points: int) -> int | None:
        """Return what so many points would cost the store today, at most, in its own currency.

        None where nothing that they can be spent on has a value that is known.
        """


class KeyFigures:
    """The figures of all features together."""

    def __init__(self) -> None:
        self._sources: list[KeyFigureSource] = []
        self._prices: list[PriceSource] = []
        self._needs: list[NeedSource] = []

    def add(
        self, source: KeyFigureSource | None, price: PriceSource | None, need: NeedSource | None
    ) -> None:
        """Ask one more feature from now on."""
        self._sources += [source] if source else []
        self._prices += [price] if price else []
        self._needs += [need] if need else []

    async def of(self, store: StoreRow) -> list[KeyFigure]:
        """Return the key figures of a store."""
        return [one for source in self._sources for one in await source.key_figures(store)]

    async def news(self, store: StoreRow) -> list[News]:
        """Return what the last week came to."""
        return [one for source in self._sources for one in await source.news(store)]

    async def needs(self, store: StoreRow) -> list[Need]:
        """Return what waits for somebody."""
        return [one for source in self._needs for one in await source.needs(store)]

    async def cost_minor(self, store: StoreRow, points: int) -> int | None:
        """Return what so many points would cost; see :class:`PriceSource`."""
        found = [await one.cost_minor(store, points) for one in self._prices]
        return max((cost for cost in found if cost is not None), default=None)
