"""The page that shows the help; see ``manual``."""

from collections.abc import Sequence

from starlette.responses import Response

from connector.errors import RecordUnknown
from connector.web.catalogues import t
from connector.web.manual import HELP, parts
from connector.web.merchant import BASE, View, Visit
from connector.web.pages import PAGES


class Help:
    """Shows the parts."""

    def views(self) -> Sequence[View]:
        """Return the views."""
        first = HELP.removeprefix(BASE)
        return [
            View(method="GET", path=path, role="analyst", serve=self.part)
            for path in (first, f"{first}{{part}}")
        ]

    async def part(self, visit: Visit) -> Response:
        """Show a part, the first where none is named."""
        found = parts()
        name = visit.path.get("part", next(iter(found)))
        if name not in found:
            raise RecordUnknown(t("there is no such part: look at the contents"))
        return visit.page(PAGES, "help.html", part=found[name], parts=[*found.values()])
