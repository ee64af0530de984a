"""Which language a merchant's pages are in: what they chose, what their browser asks for, English.

The choice is a cookie of their browser's, so that it outlives a session, and pages without one are
in it too.
"""

import re
from functools import cache
from pathlib import Path

from babel import negotiate_locale
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.web.catalogues import ENGLISH, OURS, Language, read, speaking

COOKIE = "perennial_language"
COOKIE_S = 365 * 24 * 3600
PAGES = ("/admin", "/install")
ASKED = re.compile(r"([A-Za-z-]+)\s*(?:;\s*q=([01](?:\.\d{1,3})?))?")
ASKED_MAX = 1000


@cache
def ours() -> tuple[Language, ...]:
    """Return the languages that we have catalogues of."""
    return tuple(read(one) for one in sorted(OURS.glob("*.po")))


class Languages:
    """English, ours, and those of the catalogues in a ``folder``, which go before ours.

    Raises:
        SettingsInvalid: a catalogue is broken.
    """

    def __init__(self, folder: str = "") -> None:
        theirs = [read(one) for one in sorted(Path(folder).glob("*.po"))] if folder else []
        self._by_tag = {one.tag.lower(): one for one in (ENGLISH, *ours(), *theirs)}

    @property
    def offered(self) -> tuple[Language, ...]:
        """All of them."""
        return tuple(self._by_tag.values())

    def for_reader(self, chosen: str, asked: str) -> Language:
        """Return the language that somebody ``chosen``, or that their browser ``asked`` for best.

        What was asked is a header Accept-Language.
        """
        found = negotiate_locale([chosen, *wished(asked)], self._by_tag, sep="-", aliases={})
        return self._by_tag[found.lower()] if found else ENGLISH


def wished(header: str) -> list[str]:
    """Return the languages that a header Accept-Language asks for, the dearest first.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-accept-language
    """
    asked = [(float(much or 1), tag) for tag, much in ASKED.findall(header[:ASKED_MAX])]
    return [tag for much, tag in sorted(asked, key=lambda one: -one[0]) if much]


class Spoken:
    """Has pages for merchants answered in their language."""

    def __init__(self, app: ASGIApp, languages: Languages) -> None:
        self._app = app
        self._languages = languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].startswith(PAGES):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        language = self._languages.for_reader(
            asked.cookies.get(COOKIE, ""), asked.headers.get("accept-language", "")
        )
        with speaking(language, self._languages.offered):
            await self._app(scope, receive, send)
