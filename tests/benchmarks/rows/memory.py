"""What ``serve`` holds, idle and after many requests, and ``sync`` of a small and a large store."""

from collections.abc import Iterator
from itertools import count, cycle

import uvloop

from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, Process
from tests.benchmarks.load import hammer
from tests.benchmarks.memory import now_mb
from tests.benchmarks.orders import FIRST, Desk
from tests.benchmarks.rows.backfill import FEW, ORDERS_FULL, affordable, backfilled
from tests.benchmarks.rows.state_public import asking

SERVE_MB = 150.0
FLAT = 1.3
REQUESTS, REQUESTS_FULL = 20_000, 1_000_000
WEBHOOK_EVERY = 5  # requests; the others ask for the state
CUSTOMERS = 500
PATIENCE_S = 30.0  # then the row says how many requests there were


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the rows."""
    yield from served(ground)
    yield synced(ground)


def served(ground: Ground) -> Iterator[Figure]:
    """Yield what ``serve`` holds."""
    options = ground.options
    asked, patience_s = REQUESTS, PATIENCE_S
    if options.is_full:
        asked, patience_s = REQUESTS_FULL, float("inf")
    with ground.copied() as stand:
        port, process = stand.serve()
        requests = mixed(stand.desk(port), asking(ground.store, port))
        idle = now_mb(process.pid)
        warm, sent = sending(port, process, requests, asked // 10, patience_s / 10)
        late, more = sending(port, process, requests, asked - sent, patience_s)
    yield held("memory of serve, idle", ground, idle)
    yield held(f"memory of serve, {sent + more:,} requests", ground, late)
    what = f"memory of serve, {sent:,} to {sent + more:,}"
    yield held(what, ground, late, warm, FLAT)


def sending(
    port: int, process: Process, requests: Iterator[bytes], wanted: int, seconds: float
) -> tuple[float, int]:
    """Send requests; return what the process holds then, and how many were sent."""
    sent = count()

    def counted() -> Iterator[bytes]:
        for _ in range(wanted):
            next(sent)
            yield next(requests)

    uvloop.run(hammer(port, counted(), seconds))
    return now_mb(process.pid), next(sent)


def mixed(desk: Desk, state: bytes) -> Iterator[bytes]:
    """Yield deliveries, each another, with requests for the state between them."""
    deliveries = desk.deliveries(count(FIRST), CUSTOMERS)
    for place in cycle(range(WEBHOOK_EVERY)):
        yield next(deliveries) if place == 0 else state


def synced(ground: Ground) -> Figure:
    """Return what reading a large store holds at most, beside a small one."""
    few, many = FEW, affordable(ground)
    if ground.options.is_full:
        few, many = ORDERS_FULL // 10, ORDERS_FULL
    many = max(many, few * 2)
    known = ground.held.get("backfills", {})
    done = [known.get(one) or backfilled(ground, one) for one in (few, many)]
    small, large = (float(one["memory_mb"]) for one in done)
    return held(f"memory of sync, {few:,} to {many:,} orders", ground, large, small, FLAT)


def held(what: str, ground: Ground, mb: float, limit: float = SERVE_MB, aim: float = 1.0) -> Figure:
    """Return a row of megabytes."""
    return Figure(
        what=what,
        database=ground.options.database,
        ratio=round(mb / limit, 3),
        aim=aim,
        median=round(mb, 1),
        limit=round(limit, 1),
        spread=0.0,
        unit="MB",
        better="lower",
    )
