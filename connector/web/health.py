"""For operators: is the process alive, is it fit to work, and what does it count."""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.exceptions import BaseORMException

from connector import database
from connector.commerce.models import LANES
from connector.database import sql
from connector.kernel import metrics
from connector.kernel.clock import Clock
from connector.sync.stores import Stores
from connector.sync.work import Work, asked


class Health:
    """The routes that load balancers, monitors and people ask."""

    def __init__(
        self,
        database_url: str,
        models: Sequence[str],
        works: Sequence[Work],
        stores: Stores,
        clock: Clock,
    ) -> None:
        self._database_url = database_url
        self._models = models
        self._works = works
        self._stores = stores
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/ready", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def health(self, _: Request) -> Response:
        """Answer as long as the process runs."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Answer 200 when work can be done: the database answers and is up to date."""
        try:
            steps = await database.pending(self._database_url, self._models)
            if steps:
                return _not_ready("run `perennial migrate`", migrations=steps)
            lag_s = await self._inbox_lag_s()
        except (BaseORMException, OSError) as error:
            return _not_ready("the database does not answer", database=type(error).__name__)
        return JSONResponse({"status": "ready", "inbox_lag_s": round(lag_s, 1)})

    async def metrics(self, _: Request) -> Response:
        """Tell Prometheus what this process counted, and what waits in the tables for all."""
        now = self._clock()
        for work in self._works:
            text = f"SELECT COUNT(*) AS stores FROM store s WHERE {work.waiting}"
            (row,) = await asked(text, now)
            metrics.WAITING.labels(work.name).set(row["stores"])
            for lane, age_s in (await _ages(work, now)).items():
                metrics.AGE.labels(work.name, lane).set(age_s)
        for share, count in self._stores.budget().items():
            metrics.BUDGET.labels(share).set(count)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _inbox_lag_s(self) -> float:
        (inbox,) = (work for work in self._works if work.name == "inbox")
        (age_s,) = (await _ages(inbox, self._clock())).values()
        return age_s


async def _ages(work: Work, now: datetime) -> dict[str, float]:
    """Return for how many seconds the oldest of such work has waited, by lane."""
    ages: dict[str, float] = {}
    if work.oldest is None:
        return ages
    for row in await asked(work.oldest, now):
        since = sql.at(row["at"])
        ages[LANES[row["lane"]]] = max((now - since).total_seconds(), 0.0) if since else 0.0
    return ages


def _not_ready(advice: str, **details: object) -> Response:
    return JSONResponse({"status": "not ready", "advice": advice, **details}, status_code=503)
