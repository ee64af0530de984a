"""Stamps: what no platform dates, as it was when an order was first settled. Pure.

A collection or a segment is what it is today. So what a rule reads of it is written down beside
the order, once, and never read again: who leaves one later changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connector.features.loyalty.rules.program import Program
from platforms.model import Order

NO_PRODUCT = frozenset({"", "0"})
"""What lines name that are of no product, such as one that is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The ``collections`` that each product of an order was in, and its customer's ``segments``.

    Segments are None while nobody had to know. A product that is not among them is in none.
    """

    collections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    segments: tuple[str, ...] | None = None

    def of(self, product: str) -> tuple[str, ...]:
        """Return the collections that a product was in."""
        return self.collections.get(product, ())

    def lacks_products(self, order: Order, program: Program) -> set[str]:
        """Return the products whose collections a program has to know and are not written down."""
        if not program.reads_collections:
            return set()
        return {line.product_id for line in order.lines} - {*self.collections} - NO_PRODUCT

    def lacks_segments(self, program: Program) -> bool:
        """Return whether a program has to know the segments and they are not written down."""
        return program.reads_segments and self.segments is None

    def more(
        self, collections: Mapping[str, tuple[str, ...]], segments: tuple[str, ...] | None
    ) -> "Stamp":
        """Return a stamp with what this one lacks; what it has stays as it is."""
        kept = self.segments if self.segments is not None else segments
        return replace(self, collections={**collections, **self.collections}, segments=kept)


BLANK = Stamp()
