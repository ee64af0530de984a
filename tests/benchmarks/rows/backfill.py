"""A store read from its first order to its last and settled, in orders a second.

Two rows of one measurement: beside fetching and decoding the same pages and keeping nothing, and
beside tap-woocommerce, which keeps them in a file.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.alternate import alternated, of_samples
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, run
from tests.benchmarks.load import Sample

AIM, TAP_AIM = 0.05, 1.0
TAP = 1601.0  # orders/s of tap-woocommerce 0.1.2 into a file, 100 a page, on two cores
NAME = Path(__file__).stem
ORDERS, ORDERS_FULL = 10_000, 100_000
FEW = 1000
ORDERS_EACH = 4
PATIENCE_S = 15.0  # for one of ours: a slower one reads fewer orders, and the row says how many


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield both rows."""
    options = ground.options
    orders = affordable(ground)

    def limit() -> Sample:
        stocked(ground, ORDERS)
        done = run(ground.operator.env, f"tests.benchmarks.limits.{NAME}", ground.shop)
        assert done["orders"] == ORDERS, done
        return Sample(done["rate"])

    def ours() -> Sample:
        return Sample(orders / backfilled(ground, orders)["seconds"])

    pairs = alternated(options.repeats, limit, ours)
    figure = of_samples("backfill with settling", NAME, options.database, AIM, pairs)
    figure = replace(figure, note=f"{orders:,} orders, {figure.note}")
    yield figure
    yield replace(
        figure,
        what="backfill against tap-woocommerce",
        ratio=round(figure.median / TAP, 4),
        aim=TAP_AIM,
        limit=TAP,
        reference=TAP,
        note=f"{orders:,} orders",
    )


def affordable(ground: Ground) -> int:
    """Return how many orders a repeat reads: all, or as many as can be waited for."""
    known = ground.held.get("backfills", {})
    few = known.get(FEW) or backfilled(ground, FEW)
    return min(ORDERS, max(int(FEW / few["seconds"] * PATIENCE_S), FEW) // FEW * FEW)


def backfilled(ground: Ground, orders: int) -> dict[str, Any]:
    """Read a store of so many orders into a copy of the database; return what it took."""
    stocked(ground, orders)
    with ground.copied() as stand:
        done = stand.run("tests.benchmarks.ours", "backfill", ground.store)
        entries = stand.count("entry")
    assert (done["orders"], entries) == (orders, orders), (done, entries)
    ground.held.setdefault("backfills", {})[orders] = done
    return done


def stocked(ground: Ground, orders: int) -> None:
    """Give the store so many orders."""
    ground.stock(orders, orders // ORDERS_EACH)
