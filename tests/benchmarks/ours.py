"""What of ours is timed without a process's start: ``python -m tests.benchmarks.ours JOB ...``.

Each job opens Perennial by the settings in the environment and prints one JSON object.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

import httpx

from connector import worker
from connector.app import create_app
from connector.commerce.models import CustomerRow, StoreRow
from connector.commerce.records import BEGINNING
from connector.config import Settings
from connector.database import sql
from connector.features.analytics.models import FiguresRow
from connector.features.loyalty import simulation as trying
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.system import System, running
from connector.web.sessions import COOKIE, admin_link
from tests.benchmarks.memory import most_mb
from tests.flows.books import BEGAN, FULL
from tests.flows.test_tiers import TIERED
from tests.town import NOW

INBOX, SETTLE = frozenset({"inbox"}), frozenset({"settle"})


async def settle(system: System) -> dict[str, Any]:
    """Read all deliveries that wait and settle what they moved."""
    return {"seconds": await _timed(worker.drain(system, INBOX | SETTLE))}


async def read(system: System) -> dict[str, Any]:
    """Read all deliveries that wait, settle nothing, then settle."""
    before = await _timed(worker.drain(system, INBOX))
    return {"read_seconds": before, "seconds": await _timed(worker.drain(system, SETTLE))}


async def mark(system: System, store: str, account: str) -> dict[str, Any]:
    """Have one account settled whole."""
    await ledger.mark_dirty(store, {account: BEGINNING}, system.tools.clock())
    return {"seconds": await _timed(worker.drain(system, SETTLE))}


async def backfill(system: System, store: str) -> dict[str, Any]:
    """Read a whole store and settle every account."""
    row = await StoreRow.get(id=store)
    began = time.perf_counter()
    progress = await system.passes.run(row, "sync")
    listed = time.perf_counter() - began
    await worker.drain(system, SETTLE)
    seconds = time.perf_counter() - began
    orders = progress.seen["order"]
    return {"orders": orders, "listed": listed, "seconds": seconds, "memory_mb": most_mb("self")}


async def simulate(system: System, store: str) -> dict[str, Any]:
    """Try a full program on all that a store sold."""
    simulation = Simulation(parse(FULL), "EUR", BEGAN, NOW)

    async def job() -> None:
        async for _ in trying.simulate(store, simulation):
            pass

    seconds = await _timed(job())
    (row,) = await sql.rows('SELECT COUNT(*) AS there FROM "order" WHERE store = $1', store)
    assert simulation.report.total.issued
    return {"orders": row["there"], "seconds": seconds, "memory_mb": most_mb("self")}


async def analytics(system: System, store: str) -> dict[str, Any]:
    """Compute a store's figures; ``held_up_ms`` is how long nothing else could go on meanwhile."""
    await system.tools.key_figures.of(await system.stores.find(store))  # which asks for them
    before, held_up = most_mb("self"), 0.0

    async def tick() -> None:
        nonlocal held_up
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            held_up = max(held_up, time.perf_counter() - began - 0.01)

    ticking = asyncio.create_task(tick())
    seconds = await _timed(worker.drain(system, ["analytics"]))
    ticking.cancel()
    row = await FiguresRow.get(store=store)
    assert row.body
    return {
        "orders": sum(one["orders"] for one in json.loads(row.body)["months"]),
        "seconds": seconds,
        "before_mb": before,
        "memory_mb": most_mb("self"),
        "held_up_ms": held_up * 1000,
        "bytes": len(row.body),
    }


async def pages(system: System, store: str) -> dict[str, Any]:
    """Return what each page takes at the server, in milliseconds: the median of seven."""
    tools = system.tools
    await Loyalty(tools).programs.publish(await system.stores.find(store), TIERED)
    await tools.key_figures.of(await system.stores.find(store))  # which asks for them
    await worker.drain(system, ["analytics"])
    link = await admin_link(tools.ids, tools.clock, HOST, store)
    wire = httpx.ASGITransport(create_app(system))
    found = {}
    async with httpx.AsyncClient(transport=wire, base_url=HOST) as browser:
        browser.cookies.set(COOKIE, await tools.sessions.open(link.partition("ticket=")[2]))
        somebody = await CustomerRow.filter(store=store).order_by("id").first()
        assert somebody
        for path in (*PAGES, f"/customers/customer:{somebody.platform_id}"):
            took = [await _timed(_shown(browser, path)) for _ in range(7)]
            found[path] = round(median(took) * 1000, 1)
    return found


async def _shown(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"/admin{path}")
    assert answer.status_code == 200, (path, answer.text)


async def _timed(job: Awaitable[None]) -> float:
    began = time.perf_counter()
    await job
    return time.perf_counter() - began


HOST = "http://127.0.0.1"
PAGES = (
    "/",
    "/start/",
    "/look/",
    "/program/",
    "/program/history",
    "/program/text",
    "/customers/",
    "/customers/?q=m",
    "/customers/?q=maya",
    "/customers/?q=surname19",
    "/customers/?tier=in:Gold",
    "/customers/?tier=in:Silver",
    "/customers/?tier=none",
    "/customers/?points=some",
    "/customers/?points=none",
    "/customers/?store=deleted",
    "/customers/?q=m&tier=in:Gold&points=some",
    "/analytics/",
    "/analytics/?period=12m",
    "/settings/",
    "/settings/keys",
    "/settings/webhooks",
    "/access/",
)
Job = Callable[..., Awaitable[dict[str, Any]]]
JOBS: Mapping[str, Job] = {
    "settle": settle,
    "read": read,
    "mark": mark,
    "backfill": backfill,
    "simulate": simulate,
    "analytics": analytics,
    "pages": pages,
}


async def main(job: str, *words: str) -> None:
    async with running(Settings.from_env(), lambda: datetime.now(UTC)) as system:
        done = await JOBS[job](system, *words)
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
