"""Answers a second to shoppers who are not signed in."""

import json
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import uvloop

from tests.benchmarks.alternate import of_samples, of_servers
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground
from tests.benchmarks.load import Sample, ask, hammer

AIM = 0.7
NAME = Path(__file__).stem
OWN = ("date", "server", "content-length")  # which every server writes itself


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    with ground.copied() as stand:
        ours, _ = stand.serve()
        request = asking(ground.store, ours)
        answer = uvloop.run(ask(ours, request))
        assert answer.status == 200, answer.raw
        headers = {name: value for name, value in answer.headers.items() if name not in OWN}
        file = ground.folder / "state.json"
        file.write_text(json.dumps({"body": answer.body.decode(), "headers": headers}))
        bare = stand.limit(NAME, str(file))
        assert uvloop.run(ask(bare, request)).body == answer.body

        def one(port: int, seconds: float) -> Sample:
            return uvloop.run(hammer(port, repeat(request), seconds))

        pairs = of_servers(options, bare, ours, one)
    yield of_samples("GET state, public", NAME, options.database, AIM, pairs)


def asking(store: str, port: int, *more: str) -> bytes:
    """Return the request of a page for the state."""
    lines = (
        f"GET /storefront/v1/state?store={store} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: Mozilla/5.0",
        "Accept: application/json",
        *more,
    )
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
