"""How a merchant would connect a memory store in the browser: it asks, and posts a key back."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from platforms.errors import Malformed
from platforms.protocol import Access


class Callback(msgspec.Struct):
    """What the store posts once the merchant has approved."""

    token: str
    key: str


def store_url(typed: str) -> str:
    """Return ``https://host[:port]`` from what a merchant types or pastes.

    Raises:
        Malformed: it is no web address.
    """
    text = typed.strip() if "://" in typed else f"https://{typed.strip()}"
    wrong = Malformed(f"{typed[:200]!r} is no address of a store: type it as https://store.example")
    try:
        parts, url = urlsplit(text), httpx.URL(text)
        is_host = bool(parts.hostname) and " " not in text and parts.port != 0
    except (httpx.InvalidURL, ValueError) as error:
        raise wrong from error
    if url.scheme not in {"http", "https"} or not is_host or url.userinfo:
        raise wrong
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


class Approval:
    """See :class:`platforms.protocol.Install`."""

    has_plugin = True

    def store_url(self, typed: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        return store_url(typed)

    def approval_url(self, store_url: str, *, token: str, callback: str, back: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        query = {"token": token, "callback": callback, "back": back}
        return f"{store_url}/approve?{urlencode(query)}"

    def read_callback(self, body: bytes) -> tuple[str, Access]:
        """See :class:`platforms.protocol.Install`."""
        try:
            came = msgspec.json.decode(body, type=Callback)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"the store's approval can't be read: {error}") from error
        return came.token, {"key": came.key}

    def is_approved(self, query: Mapping[str, str]) -> bool:
        """See :class:`platforms.protocol.Install`."""
        return query.get("approved") == "1"

    def returned_token(self, query: Mapping[str, str]) -> str:
        """See :class:`platforms.protocol.Install`."""
        return query.get("token", "")

    def returned_access(self, _query: str, _now: datetime) -> Access | None:
        """See :class:`platforms.protocol.Install`."""
        return None

    def finished_url(self, store_url: str, *, service: str, pairing: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        return f"{store_url}/connected?{urlencode({'service': service, 'pairing': pairing})}"
