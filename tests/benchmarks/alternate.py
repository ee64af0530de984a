"""Two measurements in turn, so that what slows the machine slows both; ratios are of medians."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.figures import REFERENCE, Figure, spread
from tests.benchmarks.ground import Options
from tests.benchmarks.load import Sample

WARM_S = 0.5


@dataclass(frozen=True)
class Pairs:
    """The repeats of a limit and of ours."""

    limit: Sequence[Sample]
    ours: Sequence[Sample]


def alternated(repeats: int, limit: Callable[[], Sample], ours: Callable[[], Sample]) -> Pairs:
    """Measure limit, ours, limit, ours ..."""
    turns = [(limit(), ours()) for _ in range(repeats)]
    return Pairs([turn[0] for turn in turns], [turn[1] for turn in turns])


def of_servers(
    options: Options, bare: int, ours: int, one: Callable[[int, float], Sample]
) -> Pairs:
    """Measure two servers by ``one(port, seconds)``, each warmed first."""
    for port in (bare, ours):
        one(port, WARM_S)
    return alternated(
        options.repeats,
        lambda: one(bare, options.seconds),
        lambda: one(ours, options.seconds),
    )


def of_samples(
    what: str, limit: str, database: str, aim: float, pairs: Pairs, unit: str = "/s"
) -> Figure:
    """Return the row of rates, and of times where there are any."""
    ours = [one.rate for one in pairs.ours]
    bound = median(one.rate for one in pairs.limit)
    times = [median(one.milliseconds[place] for one in pairs.ours) for place in range(3)]
    p50, p95, p99 = [round(ms, 2) or None for ms in times]
    return Figure(
        what=what,
        database=database,
        ratio=round(median(ours) / bound, 4),
        aim=aim,
        median=round(median(ours), 1),
        limit=round(bound, 1),
        spread=round(spread(ours), 3),
        unit=unit,
        reference=REFERENCE.get((limit, database)),
        note=f"limit's spread {spread([one.rate for one in pairs.limit]):.0%}",
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )
