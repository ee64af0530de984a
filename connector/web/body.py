"""Request bodies, read up to a limit, and as what they should be."""

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
        raise RequestInvalid(f"send a body such as {example}") from error
