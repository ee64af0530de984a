"""A request to ``wc/v3`` that was let in, as endpoints take it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from platforms.woocommerce.fake.data import FakeStore, Kind
from platforms.woocommerce.fake.errors import ApiError, Record
from platforms.woocommerce.fake.listing import Answer, Query


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: ``parts`` are what its path names, ids and words."""

    store: FakeStore
    query: Query
    body: Record
    parts: tuple[str, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the ids in the path."""
        return tuple(int(part) for part in self.parts)

    def record(self, kind: Kind) -> Record:
        """Return the record that the path's first id names."""
        return self.store.get(kind, self.ids[0])

    def forced(self, name: str) -> None:
        """Refuse unless ``force=true``: this kind can't be trashed."""
        if not self.query.flag("force"):
            words = f"{name} do not support trashing."
            raise ApiError(501, "woocommerce_rest_trash_not_supported", words)


Endpoint = Callable[[Call], Awaitable[Answer]]
Table = Mapping[str, Mapping[str, Endpoint]]
"""Endpoints by path and method; in a path, ``N`` is an id and ``W`` a word."""
