"""The widgets' built bundles: a loader at a steady address, everything else immutable."""

import mimetypes
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "bundles"
LOADER_MAX_AGE_S = 300
IMMUTABLE = "public, max-age=31536000, immutable"
OPEN = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class Manifest(msgspec.Struct):
    """What a build wrote: the hash over all its files names their folder."""

    hash: str


def built(folder: Path = FOLDER) -> Manifest | None:
    """Return the manifest of the last build, None where the widgets are not built."""
    file = folder / "manifest.json"
    return msgspec.json.decode(file.read_bytes(), type=Manifest) if file.is_file() else None


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        Route("/widgets/loader.js", loader, methods=["GET"]),
        Route("/widgets/{hash}/{file}", bundle, methods=["GET"]),
    ]


async def loader(_: Request) -> Response:
    """Serve the loader; pages name it without a version."""
    file = FOLDER / "loader.js"
    if not file.is_file():
        return Response(status_code=404)
    headers = {**OPEN, "Cache-Control": f"public, max-age={LOADER_MAX_AGE_S}"}
    return FileResponse(file, headers=headers, media_type="text/javascript")


async def bundle(request: Request) -> Response:
    """Serve a file of the current build; another build's address is not answered."""
    name, manifest = request.path_params["file"], built()
    file = FOLDER / name
    is_ours = manifest is not None and manifest.hash == request.path_params["hash"]
    if not is_ours or "/" in name or name.startswith(".") or not file.is_file():
        return Response(status_code=404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FileResponse(file, headers={**OPEN, "Cache-Control": IMMUTABLE}, media_type=kind)
