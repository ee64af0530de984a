"""Segments of customers: who says that there are some, and who is in them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol


class SegmentSource(Protocol):
    """A feature that knows segments of a store's customers."""

    async def names(self, store: str) -> Collection[str]:
        """Return the segments that there are."""

    async def segments_of(
        self, store: str, customer_ids: Sequence[str]
    ) -> Mapping[str, Collection[str]]:
        """Return in which segments customers are now, of those who are in any.

        Asked while accounts are locked: from the database alone, and nothing is written.
        """


class Segments:
    """The segments of all features together."""

    def __init__(self) -> None:
        self._sources: list[SegmentSource] = []

    def add(self, source: SegmentSource) -> None:
        """Ask one more feature from now on."""
        self._sources.append(source)

    @property
    def are_known(self) -> bool:
        """Whether any feature knows segments."""
        return bool(self._sources)

    async def names(self, store: str) -> set[str]:
        """Return the segments that a store has."""
        return {name for one in self._sources for name in await one.names(store)}

    async def of(self, store: str, customer_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return in which segments each of these customers is now."""
        found: dict[str, set[str]] = {id_: set() for id_ in customer_ids}
        for one in self._sources if found else ():
            for id_, names in (await one.segments_of(store, sorted(found))).items():
                found[id_].update(names)
        return {id_: tuple(sorted(names)) for id_, names in found.items()}
