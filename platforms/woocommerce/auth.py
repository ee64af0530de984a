"""How requests to a WooCommerce are signed, and how a merchant lets us in.

Over https the keys travel as HTTP Basic; over plain http WooCommerce refuses them there and
takes OAuth 1.0a query signatures only.
Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication-over-http
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from woocommerce.oauth import OAuth

from platforms.errors import Malformed
from platforms.protocol import Access

URL_MAX = 300


class Callback(msgspec.Struct):
    """What ``wc-auth`` posts to us once the merchant has approved. It carries no signature."""

    user_id: str
    consumer_key: str
    consumer_secret: str
    key_permissions: str


def signed(request: httpx.Request, access: Access) -> httpx.Request:
    """Return the request with the store's keys on it, as its scheme allows."""
    if request.url.scheme == "https":
        basic = httpx.BasicAuth(access["key"], access["secret"])
        return next(basic.auth_flow(request))
    url = OAuth(
        str(request.url), access["key"], access["secret"], method=request.method
    ).get_oauth_url()
    return httpx.Request(request.method, url, headers=request.headers, content=request.content)


def store_url(typed: str) -> str:
    """Return ``https://host[:port][/folder]`` from what a merchant types or pastes.

    Raises:
        Malformed: it is no web address.
    """
    text = typed.strip()
    if "://" not in text:
        text = f"https://{text}"
    wrong = Malformed(f"{typed[:200]!r} is no address of a store: type it as https://store.example")
    try:
        parts, url = urlsplit(text), httpx.URL(text)
        has_port = parts.port is None or parts.port > 0
    except (httpx.InvalidURL, ValueError) as error:
        raise wrong from error
    is_web = url.scheme in {"http", "https"} and bool(parts.hostname) and not url.userinfo
    if not is_web or not has_port or len(text) > URL_MAX:
        raise wrong
    folder = re.sub(r"/(wp-admin|wp-login\.php|wp-json)(/.*)?$", "", url.path).rstrip("/")
    return f"{url.scheme}://{url.netloc.decode('ascii')}{folder}"


class WcAuth:
    """Connecting in the browser, by WooCommerce's own page for it.

    Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#rest-api-keys, and seen:
    the callback comes first, must be https and must be answered with exactly 200.
    """

    def store_url(self, typed: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        return store_url(typed)

    def approval_url(self, store_url: str, *, token: str, callback: str, back: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        query = {
            "app_name": "Perennial",
            "scope": "read_write",
            "user_id": token,
            "return_url": back,
            "callback_url": callback,
        }
        return f"{store_url}/wc-auth/v1/authorize?{urlencode(query)}"

    def read_callback(self, body: bytes) -> tuple[str, Access]:
        """See :class:`platforms.protocol.Install`."""
        try:
            came = msgspec.json.decode(body, type=Callback)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"the answer of wc-auth can't be read: {error}") from error
        if came.key_permissions != "read_write":
            raise Malformed("the store gave keys that may not write")
        return came.user_id, {"key": came.consumer_key, "secret": came.consumer_secret}

    def is_approved(self, query: Mapping[str, str]) -> bool:
        """See :class:`platforms.protocol.Install`."""
        return query.get("success") == "1"

    def returned_token(self, query: Mapping[str, str]) -> str:
        """See :class:`platforms.protocol.Install`."""
        return query.get("user_id", "")

    def finished_url(self, store_url: str, *, service: str, pairing: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        query = urlencode({"page": "perennial", "service": service, "pairing": pairing})
        return f"{store_url}/wp-admin/admin.php?{query}"
