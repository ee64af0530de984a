"""For operators: is the process alive, and is it fit to serve."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from tortoise.exceptions import BaseORMException

from connector import database
from connector.kernel.clock import Clock
from connector.sync.models import InboxRow


class Health:
    """The routes that load balancers and people ask."""

    def __init__(self, database_url: str, models: Sequence[str], clock: Clock) -> None:
        self._database_url = database_url
        self._models = models
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/ready", self.ready, methods=["GET"]),
        ]

    async def health(self, _: Request) -> Response:
        """Answer as long as the process runs."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Answer 200 when requests can be served: the database answers and is up to date."""
        try:
            steps = await database.pending(self._database_url, self._models)
            if steps:
                return _not_ready("run `perennial migrate`", migrations=steps)
            oldest = await InboxRow.filter(state="waiting").order_by("id").first()
        except (BaseORMException, OSError) as error:
            return _not_ready("the database does not answer", database=type(error).__name__)
        lag_s = (self._clock() - oldest.received_at).total_seconds() if oldest else 0.0
        return JSONResponse({"status": "ready", "inbox_lag_s": round(lag_s, 1)})


def _not_ready(advice: str, **details: object) -> Response:
    return JSONResponse({"status": "not ready", "advice": advice, **details}, status_code=503)
