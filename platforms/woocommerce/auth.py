"""How requests to a WooCommerce are signed, and how a merchant lets us in.

Over https the keys travel as HTTP Basic; over plain http WooCommerce refuses them there and
takes OAuth 1.0a query signatures only.
Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication-over-http
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, unquote, urlencode, urlsplit

import httpx
import msgspec
from woocommerce.oauth import OAuth

from platforms.errors import Malformed
from platforms.protocol import Access

URL_MAX = 300
VIA = "wp-json/wc/"
ROOTS = ("/wp-json", "/index.php?rest_route=")
"""The ways to a WordPress's API: with pretty permalinks, and where they are switched off."""


class Callback(msgspec.Struct):
    """What ``wc-auth`` posts to us once the merchant has approved. It carries no signature."""

    user_id: str
    consumer_key: str
    consumer_secret: str
    key_permissions: str


def api_url(store: str, root: str, path: str, query: Mapping[str, str]) -> httpx.URL:
    """Return the address of a path such as ``/wc/v3/orders``, by one of ``ROOTS``.

    By the plain one WooCommerce looks at keys only where its prefix stands in the request line as
    it is, so it does, in a parameter that nobody reads; and of ``/`` alone it checks signatures
    without the slash, so it is ``/index.php``. Source: ``WC_REST_Authentication``.
    """
    if root == ROOTS[0]:
        return httpx.URL(f"{store}{root}{path}", params=query or None)
    return _seen(httpx.URL(f"{store}/index.php", params={"rest_route": path, "via": VIA, **query}))


def _seen(url: httpx.URL) -> httpx.URL:
    """Return the address with WooCommerce's prefix written out, which says the same."""
    return httpx.URL(str(url).replace(quote(VIA, safe=""), VIA))


class _OAuth(OAuth):  # type: ignore[misc]
    """The vendor's signing, but with the slashes of values escaped, as its server has them.

    And with nonces of 128 bits: of the vendor's, eight digits from numbers that the whole process
    draws, two came twice in 20,000, and the store refuses the second as if the key were gone.
    """

    @staticmethod
    def generate_nonce() -> str:
        """Return a nonce that no request had before."""
        return secrets.token_hex(16)

    @staticmethod
    def normalize_parameters(params: Mapping[str, object]) -> dict[str, str]:
        """Return names and values as they stand in what is signed, twice escaped."""

        def escaped(text: object) -> str:
            return quote(unquote(str(text)), safe="").replace("%", "%25")

        return {escaped(name): escaped(value) for name, value in params.items()}


def signed(request: httpx.Request, access: Access) -> httpx.Request:
    """Return the request with the store's keys on it, as its scheme allows."""
    if request.url.scheme == "https":
        basic = httpx.BasicAuth(access["key"], access["secret"])
        return next(basic.auth_flow(request))
    url = _OAuth(
        str(request.url), access["key"], access["secret"], method=request.method
    ).get_oauth_url()
    address = _seen(httpx.URL(url))
    return httpx.Request(request.method, address, headers=request.headers, content=request.content)


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
    is_web = url.scheme in {"http", "https"} and not url.userinfo
    has_name = re.fullmatch(r"[^\s/?#%]+", parts.hostname or "") is not None
    if not is_web or not has_name or not has_port or len(text) > URL_MAX:
        raise wrong
    folder = re.sub(r"/(wp-admin|wp-login\.php|wp-json)(/.*)?$", "", url.path).rstrip("/")
    return f"{url.scheme}://{url.netloc.decode('ascii')}{folder}"


class WcAuth:
    """Connecting in the browser, by WooCommerce's own page for it.

    Source: https://woocommerce.github.io/woocommerce-rest-api-docs/#rest-api-keys, and seen:
    the callback comes first, must be https and must be answered with exactly 200.
    """

    has_plugin = True

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

    def returned_access(self, _query: str, _now: datetime) -> Access | None:
        """See :class:`platforms.protocol.Install`."""
        return None

    def finished_url(self, store_url: str, *, service: str, pairing: str) -> str:
        """See :class:`platforms.protocol.Install`."""
        query = urlencode({"page": "perennial", "service": service, "pairing": pairing})
        return f"{store_url}/wp-admin/admin.php?{query}"
