"""What stands before a store's routes: its folder, its permalinks, and the theme's own pages."""

from urllib.parse import parse_qsl

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from platforms.woocommerce.fake.data import FakeStore, Site

ENTRANCES = ("/", "/index.php")


class Front:
    """Finds the route that WordPress would, and leaves the rest to the application behind it.

    That one sees the store as if it stood at the root with permalinks on. ``wp_path`` in the scope
    is the path as it was asked for, beneath the folder.
    """

    def __init__(self, app: ASGIApp, store: FakeStore) -> None:
        self._app = app
        self._site = store.site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, folder = scope["path"], self._site.folder
        if folder and not f"{path}/".startswith(f"{folder}/"):
            await HTMLResponse("<h1>Not Found</h1>", 404)(scope, receive, send)
            return
        asked = path.removeprefix(folder) or "/"
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        route = query.get("rest_route") if asked in ENTRANCES else None
        if not self._site.has_permalinks and asked.startswith("/wp-json"):
            await theme(self._site, 404)(scope, receive, send)
            return
        inner = f"/wp-json{route}" if route else asked
        await self._app({**scope, "path": inner, "wp_path": asked}, receive, send)


def theme(site: Site, status: int) -> Response:
    """Return a page of the theme, which says in a header where the API is."""
    title = site.name if status == 200 else "Page not found"
    body = f"<!doctype html><title>{title}</title><h1>{title}</h1>"
    link = f'<{site.rest}/>; rel="https://api.w.org/"'
    return HTMLResponse(body, status, headers={"Link": link})
