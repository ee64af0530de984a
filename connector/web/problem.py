"""Errors as RFC 9457 ``application/problem+json``, with a stable ``code``. Rendered here only."""

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from connector.errors import AdminUnknown, PerennialError
from connector.web.frames import frame_of, in_frame
from connector.web.pages import page

TYPE_BASE = "urn:perennial:problem:"
log = structlog.get_logger()


def problem(status: int, code: str, title: str, detail: str = "") -> Response:
    """Return a problem document as an answer."""
    body = {
        "type": TYPE_BASE + code,
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    }
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


async def of_ours(request: Request, error: Exception) -> Response:
    """Tell an error of ours; to somebody who looks at it in a browser, as a page."""
    assert isinstance(error, PerennialError)
    if "text/html" in request.headers.get("accept", ""):
        is_in = request.url.path.startswith("/admin/") and error.status != AdminUnknown.status
        framed = frame_of(request)
        shown = page("problem.html", error.status, detail=str(error), is_in=is_in, framed=framed)
        return in_frame(request, shown)
    title = error.code.replace("-", " ").capitalize()
    return problem(error.status, error.code, title, str(error))


async def of_http(_: Request, error: Exception) -> Response:
    """Tell what starlette found wrong, such as an address that leads nowhere."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, f"http-{error.status_code}", error.detail)


async def of_anything(request: Request, error: Exception) -> Response:
    """Tell our own failure without its details; the log has them."""
    route = getattr(request.scope.get("route"), "path_format", "")
    log.error("request failed", method=request.method, route=route, exc_info=error)
    return problem(503, "not-ready", "Not ready", "Our own trouble. Try again in a moment.")
