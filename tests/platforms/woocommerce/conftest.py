"""A store on the fake, its clock, and clients that reach it without a network."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import platforms.woocommerce
from platforms.woocommerce.fake import FakeStore, Site, World, create_fake, delivering, fill

SAMPLES = Path(platforms.woocommerce.__file__).parent / "samples"
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
URL = "https://store.example.test"
KEY, SECRET = "ck_test", "cs_test"


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at

    def forward(self, **by):
        self.at += timedelta(**by)


class Receiver:
    """Answers webhooks and callbacks, and remembers them."""

    def __init__(self):
        self.status = 200
        self.got: list[tuple[str, httpx.Headers, bytes]] = []
        self.transport = httpx.ASGITransport(
            Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        )

    async def _take(self, request: Request) -> Response:
        headers = httpx.Headers(dict(request.headers))
        self.got.append((request.url.path, headers, await request.body()))
        return Response(status_code=self.status)

    def topics(self):
        return [headers.get("x-wc-webhook-topic") for _, headers, _ in self.got]


def sample(name):
    return orjson.loads((SAMPLES / f"{name}.json").read_bytes())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def world(clock, receiver):
    rng = random.Random(7)
    return World(clock=clock, rng=rng, transport=receiver.transport, delay_s=0)


@pytest.fixture
def store(world):
    made = FakeStore(Site(url=URL), world)
    made.add_key("read_write", key=KEY, secret=SECRET)
    fill(made)
    return made


@pytest.fixture
def browse(store) -> Callable[..., httpx.AsyncClient]:
    """Return clients of the store's pages, each with cookies of its own."""
    app = create_fake(store)

    def client(**options):
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url=URL, **options)

    return client


@pytest.fixture
def api(browse):
    """Return the REST API as the key's holder sees it."""
    client = browse(auth=(KEY, SECRET))
    client.base_url = httpx.URL(f"{URL}/wp-json/wc/v3/")
    return client


@pytest.fixture
async def deliveries(store):
    """Make the store's deliveries while the test runs."""
    async with delivering(store):
        yield store.deliveries_done
