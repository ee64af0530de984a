"""Request bodies, read up to a limit, and as what they should be; and the keys of writes."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from connector.errors import BodyTooLarge, RequestInvalid

T = TypeVar("T")


async def bounded_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        BodyTooLarge: it is longer than ``limit`` bytes; the rest is not read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(f"the body is longer than {limit} bytes")
    return bytes(body)


def decoded(body: bytes, type_: type[T], *, example: str) -> T:
    """Return a body as what it should be.

    Raises:
        RequestInvalid: it isn't that; the message has the ``example``.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid(f"send a body such as {example}: {error}") from error


def idempotency_key(request: Request) -> str:
    """Return the key of a write in JSON.

    Raises:
        RequestInvalid: it is not JSON, or has no key.
    """
    key = request.headers.get("idempotency-key", "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise RequestInvalid("send JSON, with Content-Type: application/json")
    if not (8 <= len(key) <= 100 and key.isascii() and key.isprintable()):
        raise RequestInvalid("send an Idempotency-Key of 8 to 100 characters of ASCII")
    return key
