"""Request bodies, read up to a limit."""

from starlette.requests import Request

from connector.errors import BodyTooLarge


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
