"""Deliveries settled a second: read from the inbox, stored, their accounts brought up to date."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from tests.benchmarks.alternate import alternated, of_samples
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, Stand, run
from tests.benchmarks.load import Sample
from tests.benchmarks.orders import FIRST

AIM = 0.5
NAME = Path(__file__).stem
LEAST, MOST = 100, 2000  # deliveries of one repeat
PATIENCE_S = 4.0  # for one of ours: a slower one settles fewer deliveries
ORDERS_EACH = 2


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    with ground.copied() as stand:
        port, _ = stand.serve()
        numbers = count(FIRST)
        rate = settled(stand, port, numbers, LEAST)
        deliveries = min(MOST, max(LEAST, int(rate * PATIENCE_S) // LEAST * LEAST))

        def limit() -> Sample:
            words = (str(deliveries), str(deliveries // ORDERS_EACH))
            with ground.blank() as empty:
                done = run(stand.env, f"tests.benchmarks.limits.{NAME}", empty, *words)
            return Sample(done["rate"])

        def ours() -> Sample:
            return Sample(settled(stand, port, numbers, deliveries))

        pairs = alternated(options.repeats, limit, ours)
    figure = of_samples("deliveries settled", NAME, options.database, AIM, pairs)
    yield replace(figure, note=f"{deliveries} deliveries, {figure.note}")


def settled(stand: Stand, port: int, numbers: Iterator[int], deliveries: int) -> float:
    """Deliver orders of customers that nobody knows yet; return how many are settled a second."""
    first = next(islice(numbers, deliveries - 1, None)) - deliveries + 1
    customers = deliveries // ORDERS_EACH
    before = stand.count("entry")
    stand.deliver(port, range(first, first + deliveries), customers, first)
    seconds = stand.run("tests.benchmarks.ours", "settle")["seconds"]
    added = stand.count("entry") - before
    assert added == deliveries, f"{added} of {deliveries} were settled"
    return deliveries / float(seconds)
