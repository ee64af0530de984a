"""Files of the merchant's pages, at addresses that change with what is in them."""

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "static"
NAMES = ("admin.css", "embedded.js", "icons.svg", "look.js", "preview.css")
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


@lru_cache
def asset(name: str) -> str:
    """Return the address of a file."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    return f"/admin/static/{digest[:16]}/{name}"


def routes() -> list[BaseRoute]:
    """Return the route."""
    return [Route("/admin/static/{hash}/{file}", served, methods=["GET"])]


async def served(request: Request) -> Response:
    """Serve a file as it is now; another version's address is not answered."""
    name = request.path_params["file"]
    if name not in NAMES or asset(name) != request.url.path:
        return Response(status_code=404)
    return FileResponse(FOLDER / name, headers=HEADERS, media_type=mimetypes.guess_type(name)[0])
