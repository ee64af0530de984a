"""What one more order costs an account of 50,000, beside what it costs one of 500.

The time of settling that one account through the database, after the order was stored.
"""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.clones import clone
from tests.benchmarks.figures import Figure, spread
from tests.benchmarks.ground import Ground, Stand
from tests.benchmarks.orders import FIRST

AIM = 5.0
FEW, SOME, MANY = 500, 5000, 50_000
PATIENCE_S = 1.5  # for settling some; where that takes longer, many would take all day


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    with ground.copied() as stand:
        port, _ = stand.serve()
        few, many = Account(stand, port, 1), Account(stand, port, 2)
        few.fill(FEW)
        if many.fill(SOME) <= PATIENCE_S or options.is_full:
            many.fill(MANY)
        turns = [(few.add(), many.add()) for _ in range(options.repeats)]
    base = median(turn[0] for turn in turns)
    ours = [turn[1] for turn in turns]
    yield Figure(
        what=f"one more order, account of {many.size:,}",
        database=options.database,
        ratio=round(median(ours) / base, 2),
        aim=AIM,
        median=round(median(ours) * 1000, 1),
        limit=round(base * 1000, 1),
        spread=round(spread(ours), 3),
        unit="ms",
        better="lower",
        note=f"limit: the account of {FEW}",
    )


class Account:
    """One customer with many orders."""

    def __init__(self, stand: Stand, port: int, customer: int) -> None:
        self._stand = stand
        self._port = port
        self._customer = customer
        self._first = FIRST + customer * 1_000_000
        self.size = 0  # without those added later
        self._added = 0

    def fill(self, size: int) -> float:
        """Have so many orders settled; return the seconds of settling them."""
        if self._added == 0:
            self.add()
        numbers = range(self._first + self._added, self._first + size)
        clone(self._stand.database, self._first, numbers)
        self.size = self._added = size
        account = f"customer:{self._customer}"
        done = self._stand.run("tests.benchmarks.ours", "mark", self._stand.ground.store, account)
        self._check()
        return float(done["seconds"])

    def add(self) -> float:
        """Deliver one more order; return the seconds of settling it."""
        number = self._first + self._added
        self._stand.deliver(self._port, range(number, number + 1), 1, self._customer)
        self._added += 1
        done = self._stand.run("tests.benchmarks.ours", "read")
        self._check()
        return float(done["seconds"])

    def _check(self) -> None:
        sql = f"SELECT count(*) FROM entry WHERE account = 'customer:{self._customer}'"
        ((entries,),) = self._stand.query(sql)
        assert entries == self._added, f"{entries} of {self._added} orders are settled"
