"""Who is asking the REST API: Basic over https, OAuth 1.0a over http, as WooCommerce has it.

Source: ``WC_REST_Authentication`` of WooCommerce 10.5.0; codes and words as recorded.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request

from platforms.woocommerce.fake.data import ApiKey, FakeStore
from platforms.woocommerce.fake.errors import ApiError

PREFIX = "wp-json/wc/"
WINDOW_S = 15 * 60
READS = ("GET", "HEAD", "OPTIONS")
_OAUTH = ("consumer_key", "timestamp", "nonce", "signature", "signature_method")
_DENIED = {
    "list": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "POST": (
        "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources.",
    ),
    "PUT": (
        "woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource.",
    ),
    "DELETE": (
        "woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource.",
    ),
}  # fmt: skip


class Gate:
    """Lets requests in by their keys, and remembers the nonces that were used."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._nonces: dict[tuple[str, str], int] = {}

    def enter(self, request: Request) -> ApiKey | None:
        """Return the key that a request proves, None if it shows none that we know.

        WooCommerce looks for keys only where its own prefix is in the request line, so a request
        through ``rest_route`` is nobody's. Source: ``is_request_to_rest_api`` there, and
        https://github.com/woocommerce/woocommerce/issues/41191.

        Raises:
            ApiError: what it shows is wrong, or the key may not do this.
        """
        if not self._is_ours(request):
            return None
        key = self._basic(request) if request.url.scheme == "https" else None
        key = key or self._oauth(request)
        if key is not None:
            word = "read" if request.method in READS else "write"
            if word not in key.permissions:
                raise _wrong(f"The API key provided does not have {word} permissions.")
        return key

    @staticmethod
    def _is_ours(request: Request) -> bool:
        query = request.scope["query_string"].decode("latin-1")
        return PREFIX in f"{request.scope['wp_path']}?{query}"

    def _basic(self, request: Request) -> ApiKey | None:
        shown, secret = _credentials(request)
        key = self._store.keys.get(shown)
        if key is not None and not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _wrong("Consumer secret is invalid.")
        return key

    def _oauth(self, request: Request) -> ApiKey | None:
        pairs = request.query_params.multi_items()
        shown = dict(pairs)
        missing = [f"oauth_{name}" for name in _OAUTH if not shown.get(f"oauth_{name}")]
        if len(missing) == len(_OAUTH):
            return None
        if missing:
            words = "parameter" if len(missing) == 1 else "parameters"
            raise _wrong(f"Missing OAuth {words} {', '.join(missing)}")
        key = self._store.keys.get(shown["oauth_consumer_key"])
        if key is None:
            raise _wrong("Consumer key is invalid.")
        self._check_signature(request, pairs, key)
        self._check_time(key, shown["oauth_timestamp"], shown["oauth_nonce"])
        return key

    def _check_signature(
        self, request: Request, pairs: Sequence[tuple[str, str]], key: ApiKey
    ) -> None:
        given = dict(pairs)
        method = given["oauth_signature_method"]
        if method not in ("HMAC-SHA1", "HMAC-SHA256"):
            raise _wrong("Invalid signature - signature method is invalid.")
        # At the root WordPress's own address of the site has no slash.
        path = request.scope["wp_path"]
        url = f"{self._store.site.url}{'' if path == '/' else path}"
        base = signature_base(request.method, url, pairs)
        digest = method.removeprefix("HMAC-").lower()
        right = base64.b64encode(hmac.digest(f"{key.secret}&".encode(), base.encode(), digest))
        if not hmac.compare_digest(right, given["oauth_signature"].encode()):
            raise _wrong("Invalid signature - provided signature does not match.")

    def _check_time(self, key: ApiKey, stamp: str, nonce: str) -> None:
        now = int(self._store.now().timestamp())
        if not stamp.isdigit() or abs(now - int(stamp)) > WINDOW_S:
            raise _wrong("Invalid timestamp.")
        self._nonces = {pair: at for pair, at in self._nonces.items() if now - at <= WINDOW_S}
        if (key.key, nonce) in self._nonces:
            raise _wrong("Invalid nonce - nonce has already been used.")
        self._nonces[key.key, nonce] = int(stamp)


def signature_base(method: str, url: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return the string that OAuth 1.0a signs. Source: RFC 5849, 3.4.1.

    Of a name that comes twice only the last value counts, as in PHP; the vendor's own Python
    client sends its query twice.
    """
    signed = sorted(
        (quote(key, safe=""), quote(value, safe=""))
        for key, value in dict(pairs).items()
        if key != "oauth_signature"
    )
    words = "&".join(f"{key}={value}" for key, value in signed)
    return f"{method.upper()}&{quote(url, safe='')}&{quote(words, safe='')}"


def denied(method: str, *, is_list: bool) -> ApiError:
    """Return the refusal for somebody unknown."""
    word = "list" if is_list and method in READS else "PUT" if method == "PATCH" else method
    code, message = _DENIED["PUT" if word == "POST" and not is_list else word]
    return ApiError(401, code, message)


def _credentials(request: Request) -> tuple[str, str]:
    kind, _, words = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        query = request.query_params
        return query.get("consumer_key", ""), query.get("consumer_secret", "")
    try:
        user, _, password = base64.b64decode(words, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _wrong(message: str) -> ApiError:
    return ApiError(401, "woocommerce_rest_authentication_error", message)
