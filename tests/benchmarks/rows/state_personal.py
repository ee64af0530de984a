"""Answers a second to signed-in shoppers for whom nothing changed: a 304."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import jwt
import uvloop

from tests.benchmarks.alternate import of_samples, of_servers
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import Ground, Stand
from tests.benchmarks.load import Answer, Sample, ask, hammer
from tests.benchmarks.orders import FIRST
from tests.benchmarks.rows.state_public import OWN, asking
from tests.flows.operator import KEY, SECRET

AIM = 0.7
NAME = Path(__file__).stem
CUSTOMERS, ORDERS_EACH = 50, 5


def measure(ground: Ground) -> Iterator[Figure]:
    """Yield the row."""
    options = ground.options
    with ground.copied() as stand, ground.blank() as empty:
        ours, _ = stand.serve()
        stand.deliver(ours, range(FIRST, FIRST + CUSTOMERS * ORDERS_EACH), CUSTOMERS)
        stand.run("tests.benchmarks.ours", "settle")
        lines = signed_in(stand, ours)
        tags = uvloop.run(tags_of(ground.store, ours, lines))
        file = ground.folder / "personal.json"
        file.write_text(json.dumps(tags))
        bare = stand.limit(NAME, empty, str(file))
        requests = [
            asking(ground.store, ours, f"Authorization: {who}", f"If-None-Match: {tag}")
            for who, tag in tags["tags"].items()
        ]

        def one(port: int, seconds: float) -> Sample:
            return uvloop.run(hammer(port, cycle(requests), seconds, expected=304))

        pairs = of_servers(options, bare, ours, one)
    yield of_samples("GET state, personal unchanged", NAME, options.database, AIM, pairs)


def signed_in(stand: Stand, port: int) -> list[str]:
    """Return the ``Authorization`` of every customer, signed as the store's plugin would."""
    key = paired(stand, port)
    now = int(time.time())
    fixed = {"iss": stand.ground.store, "aud": "perennial-storefront", "iat": now, "exp": now + 600}
    secret = base64.urlsafe_b64decode(key["key"] + "=" * (-len(key["key"]) % 4))
    tokens = (
        jwt.encode(
            {**fixed, "sub": str(customer), "jti": uuid.uuid4().hex},
            secret,
            "HS256",
            headers={"kid": key["key_id"]},
        )
        for customer in range(1, CUSTOMERS + 1)
    )
    return [f"Bearer {token}" for token in tokens]


def paired(stand: Stand, port: int) -> dict[str, str]:
    """Connect again, which is harmless, for a pairing code; return the key that it opens."""
    words = ("--url", stand.ground.shop, "--key", KEY, "--secret", SECRET, "--json")
    code = stand.run("connector.cli", "connect", "woocommerce", *words)["pairing_code"]
    body = json.dumps({"code": code}).encode()
    digest = hmac.digest(stand.ground.secret.encode(), body, hashlib.sha256)
    head = (
        "POST /install/woocommerce/pair HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        f"X-WC-Webhook-Signature: {base64.b64encode(digest).decode()}",
        f"Content-Length: {len(body)}",
        "",
        "",
    )
    answer = uvloop.run(ask(port, "\r\n".join(head).encode() + body))
    assert answer.status == 200, answer.raw
    key: dict[str, str] = json.loads(answer.body)
    return key


async def tags_of(store: str, port: int, lines: list[str]) -> dict[str, dict[str, str]]:
    """Return every customer's tag, and the headers that an answer has."""
    tags: dict[str, str] = {}
    answer: Answer | None = None
    for line in lines:
        answer = await ask(port, asking(store, port, f"Authorization: {line}"))
        visitor = json.loads(answer.body)["visitor"]
        assert visitor["available"] > 0, visitor
        tags[line] = answer.headers["etag"]
    assert answer is not None
    left_out = (*OWN, "etag", "content-type")
    headers = {name: value for name, value in answer.headers.items() if name not in left_out}
    return {"tags": tags, "headers": headers}
