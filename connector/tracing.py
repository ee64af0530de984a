"""Traces for OpenTelemetry: requests we answer, turns of work, calls to stores. Off unless set.

No personal data: a span has a route's template or a host, never an address; a status; the id of a
store whose work it is; of an exception the type. What strangers send is not taken: no trace of
theirs is continued, none of ours is told to stores. Nobody waits for a collector: a thread sends
what is kept in memory, and what it can't send is lost.

Starlette's middleware and the instrumentation packages are of no use here: they record addresses
with their queries, clients, and the texts of exceptions.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

import httpx
import structlog
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from connector.errors import SettingsInvalid

OFF: Tracer = NoOpTracer()
EXPORT_S = 5.0  # for one batch, with what is tried again
FLUSH_S = 2.0  # for all that is left when told to stop
QUIET_S = 600.0  # between two complaints about the collector
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger()


@asynccontextmanager
async def opened(url: str, process: str) -> AsyncIterator[Tracer]:
    """Hold a tracer open that sends to the collector at ``url``, or ``OFF`` where that is empty.

    Raises:
        SettingsInvalid: the SDK is not installed.
    """
    if not url:
        yield OFF
        return
    try:  # 0.2 s and an extra: for those who want it
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise SettingsInvalid(
            "PERENNIAL_OTLP_URL needs what is not installed: pip install 'perennial[tracing]'"
        ) from error
    library = logging.getLogger("opentelemetry")
    library.addHandler(COMPLAINTS)
    library.propagate = False
    release = version("perennial")
    who = {
        "service.name": "perennial",
        "service.version": release,
        "perennial.process": process,
    }
    provider = TracerProvider(resource=Resource.create(who), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=EXPORT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer("perennial", release)
    finally:  # it would wait for half a minute
        closing = threading.Thread(target=provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_S)


class _Complaints(logging.Handler):
    """Tells in our log what the library complains of, now and then only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next_s = 0.0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + QUIET_S
            log.warning("traces are lost", said=record.getMessage())


COMPLAINTS = _Complaints()


@contextmanager
def span(
    tracer: Tracer,
    name: str,
    attributes: Mapping[str, AttributeValue],
    kind: SpanKind = SpanKind.INTERNAL,
    context: Context | None = None,
) -> Iterator[Span]:
    """Trace a block; of what it raises the type is told, as the text may be about somebody."""
    with tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as one:
        try:
            yield one
        except BaseException as error:  # that it was cancelled is told too
            one.set_attribute("error.type", type(error).__name__)
            one.set_status(StatusCode.ERROR)
            raise


def _answered(one: Span, status: int, error_from: int) -> None:
    one.set_attribute("http.response.status_code", status)
    if status >= error_from:
        one.set_status(StatusCode.ERROR)


class Answers:
    """Traces the requests that an application answers. Pure ASGI, around all else of it."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        about = {"http.request.method": method}
        with span(self._tracer, method, about, SpanKind.SERVER, Context()) as one:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(one, message["status"], error_from=500)
                await send(message)

            try:
                await self._app(scope, receive, noted)
            finally:
                if "route" in scope:  # the router's, with the names of what varies
                    one.set_attribute("http.route", scope["route"].path_format)
                    one.update_name(f"{method} {scope['route'].path_format}")


class Calls(httpx.AsyncBaseTransport):
    """Traces requests to stores, until their answers begin."""

    def __init__(self, inner: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method, host = request.method, request.url.host
        about = {"http.request.method": method, "server.address": host}
        with span(self._tracer, method, about, SpanKind.CLIENT) as one:
            answer = await self._inner.handle_async_request(request)
            _answered(one, answer.status_code, error_from=400)
        return answer
