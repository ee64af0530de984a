"""Puts the parts together: the composition that web, worker and command line share."""

import gc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from opentelemetry.trace import Tracer
from typing_extensions import override

from connector import database, tracing
from connector.commerce.records import Records
from connector.config import Settings
from connector.kernel import metrics
from connector.kernel.bell import Bell
from connector.kernel.clock import Clock, system_clock
from connector.kernel.ids import random_id
from connector.kernel.vault import Vault
from connector.registry import find_features, find_models, find_platforms
from connector.sync import privacy
from connector.sync.inbox import HAS_WAITING, OLDEST_DELIVERY, Inbox
from connector.sync.listeners import OLDEST_MESSAGE, TELLING, Listeners
from connector.sync.outbox import PUSH_DUE, Outbox
from connector.sync.passes import (
    FETCH_DUE,
    LISTING_DUE,
    OLDEST_DIRTY,
    OLDEST_LISTING,
    Passes,
)
from connector.sync.stores import Stores
from connector.sync.work import Work
from connector.web.api import Endpoints
from connector.web.feature import Feature, Part, Tools
from connector.web.listeners import Webhooks
from connector.web.mail import Mailer
from connector.web.privacy import Privacy
from connector.web.sessions import Sessions
from connector.web.visitors import Visitors
from platforms import http

GARBAGE = 50_000
"""How many objects are made between two looks for cycles: Python's 700 take a sixth of a settle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything that one process needs, wired."""

    settings: Settings
    models: Sequence[str]
    tools: Tools
    bell: Bell
    tracer: Tracer
    records: Records
    inbox: Inbox
    passes: Passes
    outbox: Outbox
    parts: Mapping[str, Part]
    works: Sequence[Work]

    @property
    def stores(self) -> Stores:
        """The connected stores."""
        return self.tools.stores

    @property
    def endpoints(self) -> Endpoints:
        """What merchants' own systems can ask."""
        shared = Webhooks(self.tools.listeners).endpoints()
        return [*(one for part in self.parts.values() for one in part.endpoints), *shared]


class Counted(httpx.AsyncBaseTransport):
    """Counts requests to stores by what came of them."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        status = "none"
        try:
            answer = await self._inner.handle_async_request(request)
            status = f"{answer.status_code // 100}xx"
        finally:
            metrics.CALLS.labels(status).inc()
        return answer


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock = system_clock,
    transport: httpx.AsyncBaseTransport | None = None,
    client: str | None = None,
    traced_as: str = "",
    features: Sequence[Feature] = (),
) -> AsyncIterator[System]:
    """Hold the database and the HTTP client open around a wired system.

    ``transport`` is how stores are reached: by default over the network, checked addresses only.
    ``client`` is the module of another database client than ours, such as one that fails.
    ``traced_as`` is what traces call the process; without it there are none. ``features`` are
    more than those that are found.
    """
    gc.set_threshold(GARBAGE)
    async with AsyncExitStack() as stack:
        otlp_url = settings.otlp_url if traced_as else ""
        tracer = await stack.enter_async_context(tracing.opened(otlp_url, traced_as))
        found = [*find_features(), *features]
        models = [*find_models(), *(one.models for one in features if one.models)]
        await stack.enter_async_context(database.opened(settings.database_url, models, client))
        network = transport or http.SafeTransport(
            allow_loopback=settings.allow_loopback, plain_http=settings.plain_http
        )
        await stack.enter_async_context(network)
        network = Counted(network)
        if tracer is not tracing.OFF:
            network = tracing.Calls(network, tracer)
        vault = Vault(settings.secret_key)
        stores = Stores(
            platforms=find_platforms(settings.platforms),
            vault=vault,
            network=network,
            ids=random_id,
            public_url=settings.public_url,
        )
        bell = Bell()
        if settings.redis_url:
            # The client imports OpenTelemetry's SDK where that is installed: 0.1 s.
            from connector.sync.relay import carried  # noqa: PLC0415

            relay = carried(bell, settings.redis_url, random_id())
            await stack.enter_async_context(relay)
        tools = Tools(
            clock=clock,
            ids=random_id,
            vault=vault,
            stores=stores,
            visitors=Visitors(stores, vault, clock),
            wake=bell.ring,
            listeners=Listeners(vault, network, clock, random_id),
            sessions=Sessions(clock, random_id, vault),
            privacy=Privacy(vault, clock, bell.ring),
            mailer=Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None,
        )
        yield _wired(settings, models, tools, bell, tracer, found)


def _wired(
    settings: Settings,
    models: Sequence[str],
    tools: Tools,
    bell: Bell,
    tracer: Tracer,
    features: Sequence[Feature],
) -> System:
    parts = {feature.name: feature.start(tools) for feature in features}
    for name, part in parts.items():
        if part.segments:
            tools.segments.add(part.segments)
        tools.key_figures.add(part.key_figures, part.prices, part.needs)
        tools.privacy.add(name, part.personal)
    records = Records(tools.vault, [hook for part in parts.values() for hook in part.hooks])
    pushes = {kind: push for part in parts.values() for kind, push in part.pushes.items()}
    inbox = Inbox(tools.stores, records, tools.vault, tools.clock)
    passes = Passes(tools.stores, records, tools.clock)
    outbox = Outbox(pushes, tools.clock)
    return System(
        settings=settings,
        models=models,
        tools=tools,
        bell=bell,
        tracer=tracer,
        records=records,
        inbox=inbox,
        passes=passes,
        outbox=outbox,
        parts=parts,
        works=_works(inbox, passes, outbox, tools, parts),
    )


def _works(
    inbox: Inbox, passes: Passes, outbox: Outbox, tools: Tools, parts: Mapping[str, Part]
) -> list[Work]:
    return [
        Work(
            name="inbox",
            waiting=HAS_WAITING,
            job=inbox.read_some,
            at_once=4,
            oldest=OLDEST_DELIVERY,
        ),
        Work(
            name="fetch",
            waiting=FETCH_DUE,
            job=passes.fetch_due,
            at_once=8,
            oldest=OLDEST_DIRTY,
        ),
        Work(
            name="pass",
            waiting=LISTING_DUE,
            job=passes.run_due,
            at_once=4,
            oldest=OLDEST_LISTING,
        ),
        Work(
            name="push",
            waiting=PUSH_DUE,
            job=outbox.push_some,
            at_once=8,
            oldest=outbox.oldest,
        ),
        Work(
            name="tell",
            waiting=TELLING,
            job=tools.listeners.send_some,
            at_once=8,
            oldest=OLDEST_MESSAGE,
        ),
        Work(
            name="privacy",
            waiting=privacy.WAITING,
            job=tools.privacy.erase_some,
            oldest=privacy.OLDEST,
        ),
        *(work for part in parts.values() for work in part.works),
    ]
