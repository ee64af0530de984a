"""Deliveries accepted a second, each on the disk before it is answered."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import uvloop

from tests.benchmarks.alternate import of_samples, of_servers
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground
from tests.benchmarks.load import Sample, hammer
from tests.benchmarks.orders import FIRST, Desk

AIM = 0.8
RATE_MAX = 5000  # requests made ahead for each second
CUSTOMERS = 500
NAME = Path(__file__).stem


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    numbers = count(FIRST)
    with ground.copied() as stand, ground.blank() as empty:
        ours, _ = stand.serve()
        bare = stand.limit(NAME, empty, ground.secret)
        desk = stand.desk(ours)

        def one(port: int, seconds: float) -> Sample:
            return uvloop.run(_sent(desk, port, numbers, seconds))

        pairs = of_servers(options, bare, ours, one)
    yield of_samples("webhook accepted", NAME, options.database, AIM, pairs)


async def _sent(desk: Desk, port: int, numbers: Iterator[int], seconds: float) -> Sample:
    many = [next(numbers) for _ in range(int(RATE_MAX * seconds))]
    requests = list(desk.deliveries(many, CUSTOMERS))
    return await hammer(port, iter(requests), seconds)
