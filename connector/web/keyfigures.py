"""Figures that features tell each other's pages: a store's key figures, and what points cost."""

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


class KeyFigureSource(Protocol):
    """A feature that knows key figures of a store."""

    async def key_figures(self, store: StoreRow) -> Sequence[KeyFigure]:
        """Return what it knows now; nothing while that is being computed."""


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

    def add(self, source: KeyFigureSource | None, price: PriceSource | None) -> None:
        """Ask one more feature from now on."""
        self._sources += [source] if source else []
        self._prices += [price] if price else []

    async def of(self, store: StoreRow) -> list[KeyFigure]:
        """Return the key figures of a store."""
        return [one for source in self._sources for one in await source.key_figures(store)]

    async def cost_minor(self, store: StoreRow, points: int) -> int | None:
        """Return what so many points would cost; see :class:`PriceSource`."""
        found = [await one.cost_minor(store, points) for one in self._prices]
        return max((cost for cost in found if cost is not None), default=None)
