"""Traces: what they tell, what they never tell, and that nobody waits for who takes them."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import replace

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from connector import tracing, worker
from connector.sync.work import Work
from tests.collector import collecting, told
from tests.flows.operator import Operator
from tests.ports import free_port
from tests.town import KEY, SECRET, founded

NAMES = {
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_INTERNAL: "internal",
}
ERROR = Status.STATUS_CODE_ERROR
TURN = Work(name="broken", waiting="1 = 1", job=lambda _: failing())


PLANTED = {
    "X-WC-Webhook-Signature": "planted-signature",
    "User-Agent": "planted-agent",
    "X-Forwarded-For": "203.0.113.77",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "planted=1",
    "baggage": "planted=1",
}


async def failing() -> int:
    raise RuntimeError("maya@example.test has no such order")


def said(span, spans=()):
    """Return all that a span tells: kind, name, attributes, and the name of its parent."""
    (parent,) = [one.name for one in spans if one.span_id == span.parent_span_id] or [None]
    return NAMES[span.kind], span.name, told(span.attributes), parent


async def test_an_order_leaves_these_spans_from_its_deliveries_to_the_push(
    empty_database, tmp_path
):
    async with (
        collecting() as collector,
        founded(empty_database, tmp_path, otlp_url=collector.url) as town,
    ):
        await town.connect()
        maya, coffee = town.shopper(), town.product()
        await town.settle()
        collector.forget()
        town.order(coffee, 3, maya)
        await town.settle()
        await town.settle()  # what our own write of the profile brings

    def answered(method, route, status):
        about = {
            "http.request.method": method,
            "http.response.status_code": status,
            "http.route": route,
        }
        return "server", f"{method} {route}", about, None

    def turn(work, done):
        about = {
            "perennial.work": work,
            "perennial.store": town.store,
            "perennial.done": done,
        }
        return "internal", f"turn {work}", about, None

    def call(method):
        about = {
            "http.request.method": method,
            "server.address": "store.example.test",
            "http.response.status_code": 200,
        }
        return "client", method, about, "turn push"

    spans = collector.spans()
    delivery = answered("POST", "/webhooks/{platform}/{store}", 200)
    wanted = [
        delivery,  # the order, created
        delivery,  # and updated
        turn("inbox", 2),
        turn("settle", 1),
        turn("push", 1),
        call("GET"),
        call("PUT"),
        delivery,  # our own write of the profile comes back
        turn("inbox", 1),
    ]
    assert sorted(repr(said(span, spans)) for span in spans) == sorted(map(repr, wanted))
    assert [span for span in spans if span.events or span.links or span.status.code] == []


async def test_each_batch_says_who_sent_it(empty_database, tmp_path):
    async with (
        collecting() as collector,
        founded(empty_database, tmp_path, otlp_url=collector.url) as town,
    ):
        await town.http.get("/health")

    (part,) = collector.parts()
    who = told(part.resource.attributes)
    assert len(str(who.pop("service.instance.id"))) == 36
    assert who.pop("telemetry.sdk.version") is not None
    assert who == {
        "service.name": "perennial",
        "service.version": "0.1.0",
        "perennial.process": "town",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }
    (scope,) = part.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("perennial", "0.1.0")


async def test_nothing_personal_and_no_secret_leaves_us(empty_database, tmp_path):
    async with (
        collecting() as collector,
        founded(empty_database, tmp_path, otlp_url=collector.url) as town,
    ):
        town.shop.seen_id("user", 777_000_122)
        await town.connect()
        maya = town.shopper()
        assert maya == 777_000_123
        town.order(town.product(), 120, maya)
        await town.settle()
        await town.redeem(maya)
        await town.settle()
        token = town.token(maya)
        path = f"/webhooks/maya%40example.test/{maya}?email=maya@example.test"
        await town.http.post(path, headers=PLANTED, content=b"planted-body")
        await town.http.request("MAYA", "/maya@example.test", headers=PLANTED)
        headers = PLANTED | {"Authorization": f"Bearer {token}"}
        query = {"store": town.store, "email": "maya@example.test"}
        await town.http.get("/storefront/v1/state", params=query, headers=headers)
        await town.shop.deliveries_done()  # else one is cut off
        with pytest.raises(RuntimeError):
            await worker.drain(replace(town.system, works=[TURN]))

    names = Counter(span.name for span in collector.spans())
    assert names.keys() >= {"turn settle", "turn push", "turn broken", "GET", "PUT", "POST"}
    assert names["_OTHER"] == 1
    sent = b"".join(collector.bodies)
    secrets = [KEY, SECRET, town.system.settings.secret_key, token, "planted", "Bearer"]
    personal = ["maya@", "maya%40", "Maya", "777000123", "203.0.113.77"]
    texts = ["/wp-json", "email=", "no such order", "Traceback"]
    for text in (*secrets, *personal, *texts):
        assert text.encode() not in sent, text
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") not in sent
    assert {span.trace_state for span in collector.spans()} == {""}


@asynccontextmanager
async def answering(*, url):
    """Yield a client of an application that has one good route and one that fails."""

    async def good(_):
        return Response(status_code=204)

    async def bad(_):
        raise ValueError("maya@example.test")

    routes = [Route("/good/{name:path}", good, methods=["GET"]), Route("/bad", bad)]
    async with tracing.opened(url, "test") as tracer:
        app = httpx.ASGITransport(
            tracing.Answers(Starlette(routes=routes), tracer), raise_app_exceptions=False
        )
        async with httpx.AsyncClient(transport=app, base_url="http://test") as client:
            yield client


@pytest.mark.parametrize(
    ("method", "path", "name", "status", "error"),
    [
        ("GET", "/good/maya", "GET /good/{name}", 204, None),
        ("HEAD", "/good/maya", "HEAD /good/{name}", 204, None),
        ("DELETE", "/good/maya", "DELETE /good/{name}", 405, None),
        ("GET", "/maya", "GET", 404, None),
        ("BREW", "/maya", "_OTHER", 404, None),
        ("GET", "/bad", "GET /bad", 500, "ValueError"),
    ],
)
async def test_a_request_is_told_by_its_route(method, path, name, status, error):
    async with collecting() as collector, answering(url=collector.url) as client:
        await client.request(method, path)

    (span,) = collector.spans()
    about = told(span.attributes)
    assert (span.name, about["http.response.status_code"]) == (name, status)
    assert about.get("error.type") == error
    assert (span.status.code == ERROR, span.status.message) == (error is not None, "")
    assert list(span.events) == []


async def test_of_what_failed_the_type_is_told(empty_database, tmp_path):
    async with (
        collecting() as collector,
        founded(empty_database, tmp_path, otlp_url=collector.url) as town,
    ):
        await town.connect()
        maya = town.shopper()
        town.order(town.product(), 3, maya)
        town.wire.cut.append(("PUT", f"/wp-json/wc/v3/customers/{maya}"))
        collector.forget()
        await town.settle()
        await town.shop.deliveries_done()  # else one is cut off
        with pytest.raises(RuntimeError):
            await worker.drain(replace(town.system, works=[TURN]))

    failed = [span for span in collector.spans() if span.status.code == ERROR]
    assert [(*said(span)[:3], span.status.message) for span in failed] == [
        (
            "client",
            "PUT",
            {
                "http.request.method": "PUT",
                "server.address": "store.example.test",
                "error.type": "ReadTimeout",
            },
            "",
        ),
        (
            "internal",
            "turn broken",
            {
                "perennial.work": "broken",
                "perennial.store": town.store,
                "error.type": "RuntimeError",
            },
            "",
        ),
    ]


async def test_a_collector_that_never_answers_delays_no_answer_and_no_end(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    asked = asyncio.Event()

    async def silent(reader, writer):
        asked.set()
        with closing(writer):
            await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with answering(url=f"http://127.0.0.1:{port}") as client:
            await client.get("/good/first")
            await asyncio.wait_for(asked.wait(), 5)
            for _ in range(2500):  # more than are kept
                began = time.monotonic()
                await client.get("/good/more")
                assert time.monotonic() - began < 1
            began = time.monotonic()
        assert tracing.FLUSH_S - 0.1 < time.monotonic() - began < tracing.FLUSH_S + 8


async def test_a_process_sends_what_is_left_when_it_is_told_to_stop(tmp_path):
    with ExitStack() as processes:
        operator = Operator(tmp_path, processes)
        operator.run("migrate")
        async with collecting() as collector:
            operator.env["PERENNIAL_OTLP_URL"] = f"{collector.url}/"
            url, process = await asyncio.to_thread(operator.serve, free_port())
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{url}/health")).status_code == 200
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 0

    (part,) = collector.parts()
    assert told(part.resource.attributes)["perennial.process"] == "serve"
    assert [span.name for span in collector.spans()] == ["GET /health"]


def test_a_collector_that_is_down_is_complained_of_once(tmp_path):
    with ExitStack() as processes:
        operator = Operator(tmp_path, processes)
        operator.run("migrate")
        port = free_port()
        operator.env["PERENNIAL_OTLP_URL"] = f"http://127.0.0.1:{free_port()}"
        operator.env["OTEL_BSP_SCHEDULE_DELAY"] = "10"
        process, _, err = operator.start("worker", "--port", str(port))
        operator.wait_for(port)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            began = time.monotonic()
            assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
            assert time.monotonic() - began < 1
            time.sleep(0.05)
        began = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0
        assert time.monotonic() - began < tracing.FLUSH_S + 8  # it was 30 s that the library waits
        working, line = err.read_text().splitlines()

    assert working == "working"
    assert 'event="traces are lost"' in line


WITHOUT = """
import asyncio, sys, threading
from connector.app import create_app
from connector.config import Settings
from connector.system import running

async def job():
    async with running(Settings.from_env(), traced_as="serve") as system:
        print(type(create_app(system)).__name__)
        print(sum(name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))
                  for name in sys.modules))
        print(sum("Otel" in thread.name for thread in threading.enumerate()))

asyncio.run(job())
"""
NOT_INSTALLED = """
import sys
sys.modules["opentelemetry.exporter"] = None
sys.argv = ["perennial", "serve"]
from connector.cli import main
main()
"""


def python(code, database_url, **more):
    """Run a program; return what it said on either stream, and its code."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PERENNIAL_")}
    env |= {"PERENNIAL_DATABASE_URL": database_url, "PERENNIAL_SECRET_KEY": "k" * 40} | more
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    return done.stdout.split(), done.stderr.strip(), done.returncode


def test_unset_nothing_is_imported_started_or_put_in_the_way(database_url):
    assert python(WITHOUT, database_url) == (["Starlette", "0", "0"], "", 0)


def test_without_the_extra_it_says_what_to_install(database_url):
    assert python(NOT_INSTALLED, database_url, PERENNIAL_OTLP_URL="http://127.0.0.1:4318") == (
        [],
        "error: PERENNIAL_OTLP_URL needs what is not installed: pip install 'perennial[tracing]'",
        1,
    )
