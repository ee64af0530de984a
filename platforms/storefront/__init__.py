"""What the storefronts of the sandboxes share: their look, and how a page sends on."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

HERE = Path(__file__).parent
# What a bag is printed in: paper, ink, horizon.
PALETTE = (
    ("#2746d8", "#fff", "#f4b4a8"),
    ("#a9bfae", "#1d2a22", "#5c7f66"),
    ("#f0a35b", "#452512", "#b4662a"),
    ("#2b2c30", "#f2f0ea", "#8d8f98"),
    ("#f4b4a8", "#2a1140", "#c4577a"),
    ("#e9e3d6", "#17181c", "#a8987a"),
    ("#5b2a86", "#f7e9ff", "#f0a35b"),
    ("#c7d4f5", "#14245e", "#2746d8"),
)
ICON = HERE / "static" / "favicon.svg"


def environment(folder: Path) -> Environment:
    """Return an environment with a sandbox's own templates, and the shared ones behind them."""
    loader = FileSystemLoader([folder / "templates", HERE / "templates"])
    return Environment(loader=loader, autoescape=True, trim_blocks=True)


def colors(place: int) -> str:
    """Return the style that prints the bag of the product at this place."""
    paper, ink, horizon = PALETTE[place % len(PALETTE)]
    return f"--c1:{paper};--c2:{ink};--c3:{horizon}"


def routes() -> list[BaseRoute]:
    """Return the routes of the static files."""
    return [
        Route("/assets/store.css", _style, methods=["GET"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
        Route("/favicon.svg", _icon, methods=["GET"]),
    ]


async def form(request: Request) -> dict[str, str]:
    """Return a form's plain fields."""
    return {key: value for key, value in (await request.form()).items() if isinstance(value, str)}


def whole(asked: Mapping[str, str], name: str) -> int:
    """Return a field's whole number, 0 where it has none."""
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 30 else 0


def go(place: str) -> Response:
    """Send the browser on, by GET."""
    return RedirectResponse(place, 303)


def local(place: str, usual: str) -> str:
    """Return a path of this site; an address elsewhere becomes ``usual``."""
    parts = urlsplit(place)
    is_here = place.startswith("/") and not place.startswith(("//", "/\\"))
    return place if is_here and not parts.netloc else usual


async def _style(_: Request) -> Response:
    return FileResponse(HERE / "static" / "store.css", media_type="text/css")


async def _icon(_: Request) -> Response:
    return FileResponse(ICON, media_type="image/svg+xml")
