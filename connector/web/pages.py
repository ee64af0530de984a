"""Pages for merchants: rendered on the server, never framed, cached or scripted."""

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, Response

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGES = Environment(loader=PackageLoader("connector.web"), autoescape=select_autoescape())


def page(name: str, status: int = 200, **values: object) -> Response:
    """Return a template's page as an answer."""
    text = PAGES.get_template(name).render(**values)
    return HTMLResponse(text, status, HEADERS)
