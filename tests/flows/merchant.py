"""Somebody at a merchant's pages, as a browser without scripts: links, forms and what is read."""

from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

import httpx

from connector.web.sessions import Role, admin_link
from tests.town import SERVICE, Town

FIELDS = {"input", "textarea", "select"}


class Page(HTMLParser):
    """What is on a page: its words, and its forms with their fields."""

    def __init__(self, answer: httpx.Response):
        super().__init__()
        self.status, self.url = answer.status_code, answer.url
        self.words = ""
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.links: dict[str, str] = {}
        self._href = self._name = ""
        self._is_first = False  # of the options of a select
        self.feed(answer.text)
        self.words = " ".join(unescape(self.words).split())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("action") or "", {}))
        is_unticked = given.get("type") == "checkbox" and "checked" not in given
        if tag in FIELDS and self.forms and given.get("name") and not is_unticked:
            self.forms[-1][1][given["name"]] = given.get("value") or ""
        self._name = (given.get("name") or "") if tag in {"textarea", "select"} else self._name
        self._is_first = tag == "select" or self._is_first
        if tag == "option" and self.forms and ("selected" in given or self._is_first):
            self.forms[-1][1][self._name] = given.get("value") or ""
            self._is_first = False
        self._href = given.get("href", "") if tag == "a" else self._href

    def handle_endtag(self, tag):
        self._href = "" if tag == "a" else self._href
        self._name = "" if tag in {"textarea", "select"} else self._name

    def handle_data(self, data):
        self.words += f" {data}"
        if self.lasttag == "textarea" and self._name:
            self.forms[-1][1][self._name] += data
        if self._href and data.strip():
            self.links[" ".join(data.split())] = self._href

    def form(self, action: str) -> dict[str, str]:
        """Return the fields of the first form that goes to an address with that end."""
        return dict(next(fields for to, fields in self.forms if to.endswith(action)))


@dataclass
class Merchant:
    """A browser with its cookies."""

    http: httpx.AsyncClient

    async def get(self, path: str, **query: str) -> Page:
        return Page(await self.http.get(f"/admin{path}", params=query, follow_redirects=True))

    async def send(self, path: str, fields: dict[str, str]) -> Page:
        answer = await self.http.post(f"/admin{path}", data=fields, follow_redirects=True)
        return Page(answer)


async def merchant(town: Town, role: Role = "owner", who: str = "Ada") -> Merchant:
    """Return somebody who came in by a link."""
    tools = town.system.tools
    link = await admin_link(tools.ids, tools.clock, SERVICE, town.store, who=who, role=role)
    headers = {"Accept": "text/html"}
    http = httpx.AsyncClient(transport=town.wire, base_url=SERVICE, headers=headers)
    assert (await http.get(link)).status_code == 303
    return Merchant(http)
