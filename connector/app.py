"""The web application: routes, errors and headers, over a wired system."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from connector import tracing
from connector.errors import PerennialError, StoreUnknown
from connector.sync.stores import Stores
from connector.system import System
from connector.web import assets, bundles, problem
from connector.web.admin import ITEMS, LAST_ITEMS, Admin
from connector.web.api import Api
from connector.web.callers import Callers
from connector.web.cors import OriginOf, StorefrontCors
from connector.web.health import Health
from connector.web.help import Help
from connector.web.install import Install
from connector.web.languages import Languages, Spoken
from connector.web.merchant import Merchant
from connector.web.proxied import Proxied
from connector.web.sender import SenderAdmin
from connector.web.settings import ITEMS as SETTINGS
from connector.web.settings import SettingsAdmin
from connector.web.telling import TellingAdmin
from connector.web.visitors import origin_of
from connector.web.webhooks import Webhooks


def create_app(system: System) -> ASGIApp:
    """Return the application."""
    app = Starlette(
        routes=_routes(system),
        middleware=[
            Middleware(StorefrontCors, prefix="/storefront/", origin_of=_origins(system.stores)),
            Middleware(Spoken, languages=Languages(system.settings.locales)),
        ],
        exception_handlers={
            PerennialError: problem.of_ours,
            HTTPException: problem.of_http,
            Exception: problem.of_anything,
        },
    )
    return _traced(app, system)


def create_watch(system: System) -> ASGIApp:
    """Return what a worker answers: whether it is well, and its figures."""
    return _traced(Starlette(routes=_watch(system)), system)


def _traced(app: ASGIApp, system: System) -> ASGIApp:
    return app if system.tracer is tracing.OFF else tracing.Answers(app, system.tracer)


def _watch(system: System) -> list[BaseRoute]:
    tools = system.tools
    health = Health(
        system.settings.database_url, system.models, system.works, tools.stores, tools.clock
    )
    return health.routes()


def _routes(system: System) -> list[BaseRoute]:
    tools, settings = system.tools, system.settings
    install = Install(tools, settings.public_url)
    return [  # the busiest first: they are tried in turn
        *(route for part in system.parts.values() for route in part.routes),
        *Api(tools.stores, system.endpoints).routes(),
        *Webhooks(system.inbox, system.stores, system.tools.clock, system.bell.ring).routes(),
        *_watch(system),
        *install.routes(),
        *Proxied(tools.stores, tools.visitors).routes(),
        *_merchants(system),
        *bundles.routes(),
    ]


def _merchants(system: System) -> list[BaseRoute]:
    tools, parts = system.tools, system.parts.values()
    is_secure = system.settings.public_url.startswith("https://")
    sessions = tools.sessions
    admin = Admin(tools, sessions, system.settings.public_url, is_secure=is_secure)
    callers = Callers(tools.stores, sessions, tools.clock)
    shared = SettingsAdmin(tools, {one.scope for one in system.endpoints})
    pages = Merchant(
        callers,
        tools.vault,
        views=[
            *admin.views(),
            *(one for part in parts for one in part.views),
            *shared.views(),
            *TellingAdmin(tools).views(),
            *SenderAdmin(tools).views(),
            *Help().views(),
        ],
        items=[*ITEMS, *(one for part in parts for one in part.items), *SETTINGS, *LAST_ITEMS],
        is_secure=is_secure,
    )
    return [*assets.routes(), *admin.routes(), *callers.routes(), *pages.routes()]


def _origins(stores: Stores) -> OriginOf:
    async def origin(store_id: str) -> str | None:
        try:
            return origin_of((await stores.known(store_id)).page)
        except StoreUnknown:
            return None

    return origin
