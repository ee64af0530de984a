"""Puts the parts together: the composition that web, worker and command line share."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from connector import database
from connector.commerce.records import Records
from connector.config import Settings
from connector.kernel.bell import Bell
from connector.kernel.clock import Clock, system_clock
from connector.kernel.ids import random_id
from connector.kernel.vault import Vault
from connector.registry import find_features, find_models, find_platforms
from connector.sync.inbox import Inbox
from connector.sync.outbox import Outbox
from connector.sync.passes import Passes
from connector.sync.stores import Stores
from connector.web.feature import Part, Tools
from connector.web.visitors import Visitors
from platforms import http


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything that one process needs, wired."""

    settings: Settings
    models: Sequence[str]
    tools: Tools
    bell: Bell
    records: Records
    inbox: Inbox
    passes: Passes
    outbox: Outbox
    parts: Mapping[str, Part]

    @property
    def stores(self) -> Stores:
        """The connected stores."""
        return self.tools.stores


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock = system_clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[System]:
    """Hold the database and the HTTP client open around a wired system.

    ``transport`` is how stores are reached: by default over the network, checked addresses only.
    """
    async with AsyncExitStack() as stack:
        models = find_models()
        await stack.enter_async_context(database.opened(settings.database_url, models))
        network = transport or http.SafeTransport(
            allow_loopback=settings.allow_loopback, plain_http=settings.plain_http
        )
        await stack.enter_async_context(network)
        vault = Vault(settings.secret_key)
        stores = Stores(
            platforms=find_platforms(),
            vault=vault,
            network=network,
            ids=random_id,
            public_url=settings.public_url,
        )
        bell = Bell()
        tools = Tools(
            clock=clock,
            ids=random_id,
            vault=vault,
            stores=stores,
            visitors=Visitors(stores, vault, clock),
            wake=bell.ring,
        )
        yield _wired(settings, models, tools, bell)


def _wired(settings: Settings, models: Sequence[str], tools: Tools, bell: Bell) -> System:
    parts = {feature.name: feature.start(tools) for feature in find_features()}
    records = Records(tools.vault, [hook for part in parts.values() for hook in part.hooks])
    pushes = {kind: push for part in parts.values() for kind, push in part.pushes.items()}
    return System(
        settings=settings,
        models=models,
        tools=tools,
        bell=bell,
        records=records,
        inbox=Inbox(tools.stores, records, tools.clock),
        passes=Passes(tools.stores, records, tools.clock),
        outbox=Outbox(pushes, tools.clock),
        parts=parts,
    )
