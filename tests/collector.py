"""A collector of traces that speaks OTLP over HTTP, in this process."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.web import servers


class Collector:
    """Keeps what it was sent, as it came."""

    def __init__(self, url: str):
        self.url = url
        self.bodies: list[bytes] = []
        self.since_ns = 0

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        body = ExportTraceServiceResponse().SerializeToString()
        return Response(body, media_type="application/x-protobuf")

    def forget(self) -> None:
        """Leave out of ``spans`` what began before now."""
        self.since_ns = time.time_ns()

    def parts(self) -> list[ResourceSpans]:
        """Return what was sent, a part for each batch."""
        read = ExportTraceServiceRequest.FromString
        return [part for body in self.bodies for part in read(body).resource_spans]

    def spans(self) -> list[Span]:
        """Return the spans in the order in which they began."""
        sent = [one for part in self.parts() for scope in part.scope_spans for one in scope.spans]
        chosen = [one for one in sent if one.start_time_unix_nano >= self.since_ns]
        return sorted(chosen, key=lambda one: one.start_time_unix_nano)


def told(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    """Return attributes as a mapping."""
    values = {one.key: one.value for one in attributes}
    return {key: getattr(value, value.WhichOneof("value") or "") for key, value in values.items()}


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector."""
    bound = servers.listen("127.0.0.1", 0)
    bound.listen()  # whoever is early waits
    collector = Collector(f"http://127.0.0.1:{bound.getsockname()[1]}")
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(servers.serve([(app, bound)], stop))
        yield collector
        stop.set()
