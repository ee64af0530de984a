"""The web application: routes, errors and headers, over a wired system."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from connector.commerce.models import StoreRow
from connector.errors import PerennialError
from connector.system import System
from connector.web import bundles, problem
from connector.web.admin import Admin
from connector.web.cors import StorefrontCors
from connector.web.health import Health
from connector.web.install import Install
from connector.web.visitors import origin_of
from connector.web.webhooks import Webhooks


def create_app(system: System) -> Starlette:
    """Return the application."""
    return Starlette(
        routes=_routes(system),
        middleware=[Middleware(StorefrontCors, prefix="/storefront/", origin_of=_origin_of)],
        exception_handlers={
            PerennialError: problem.of_ours,
            HTTPException: problem.of_http,
            Exception: problem.of_anything,
        },
    )


def _routes(system: System) -> list[BaseRoute]:
    tools, settings = system.tools, system.settings
    install = Install(
        tools.stores, tools.visitors, tools.vault, tools.clock, tools.ids, settings.public_url
    )
    return [
        *Health(settings.database_url, system.models, tools.clock).routes(),
        *Webhooks(tools.stores, system.inbox, system.bell.ring).routes(),
        *install.routes(),
        *Admin(tools, settings.public_url).routes(),
        *bundles.routes(),
        *(route for part in system.parts.values() for route in part.routes),
    ]


async def _origin_of(store_id: str) -> str | None:
    store = await StoreRow.get_or_none(id=store_id)
    return origin_of(store) if store else None
