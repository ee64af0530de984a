"""wc-auth: a merchant approves an application, and the store posts it a key of its own.

Authorize, log in, approve; then the callback, and only then the way back. Source: ``WC_Auth``
and the recorded flow: any answer but 200 deletes the key, and the merchant sees a 401.
"""

import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.sessions import Sessions

SCOPES = ("read", "write", "read_write")
NEEDED = ("app_name", "user_id", "return_url", "callback_url", "scope")
PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


class Wrong(Exception):
    """The merchant sees this, with HTTP 401."""


class WcAuth:
    """The pages under ``/wc-auth/v1``."""

    def __init__(self, store: FakeStore, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        return [
            Route("/wc-auth/v1/authorize", self._authorize, methods=["GET"]),
            Route("/wc-auth/v1/access_granted", self._granted, methods=["GET"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        try:
            asked = self._read(request.query_params)
            account = self._account(request)
        except Wrong as wrong:
            return _page("error.html", 401, message=str(wrong))
        if not account:
            folder = self._store.site.folder
            here = urlencode({"redirect_to": f"{folder}{request.url.path}?{request.url.query}"})
            return RedirectResponse(f"{folder}/wp-login.php?{here}", 302)
        query = urlencode({**asked, "wc_auth_nonce": self._nonce(account, asked)})
        approve = f"{self._store.site.folder}/wc-auth/v1/access_granted?{query}"
        deny = _with(asked["return_url"], success="0", user_id=asked["user_id"])
        return _page(
            "authorize.html", app=asked["app_name"], scope=asked["scope"].replace("_", " and "),
            site=self._store.site.name, deny=deny, approve=approve,
        )  # fmt: skip

    async def _granted(self, request: Request) -> Response:
        try:
            asked = self._read(request.query_params)
            self._check_nonce(request, asked)
            await self._hand_over(asked)
        except Wrong as wrong:
            return _page("error.html", 401, message=str(wrong))
        back = _with(asked["return_url"], success="1", user_id=asked["user_id"])
        return RedirectResponse(back, 302)

    def _read(self, query: Mapping[str, str]) -> dict[str, str]:
        for name in NEEDED:
            if not query.get(name):
                raise Wrong(f"Missing parameter {name}")
        if query["scope"] not in SCOPES:
            raise Wrong(f"Invalid scope {query['scope']}")
        for name in ("return_url", "callback_url"):
            if urlsplit(query[name]).scheme not in ("http", "https"):
                raise Wrong(f"The {name} is not a valid URL")
        is_safe = query["callback_url"].startswith("https://") or self._store.site.relaxed
        if not is_safe:
            raise Wrong("The callback_url needs to be over SSL")
        return {name: query[name] for name in NEEDED}

    def _check_nonce(self, request: Request, asked: Mapping[str, str]) -> None:
        account = self._account(request)
        shown = request.query_params.get("wc_auth_nonce", "")
        if not account or not hmac.compare_digest(shown, self._nonce(account, asked)):
            raise Wrong("Invalid nonce verification")

    def _account(self, request: Request) -> int:
        account = self._sessions.account(request)
        if account and self._store.get("customer", account)["role"] != "administrator":
            raise Wrong("You do not have permissions to access this page")
        return account

    def _nonce(self, account: int, asked: Mapping[str, str]) -> str:
        words = f"{account}|{json.dumps(asked, sort_keys=True)}"
        return hmac.new(self._sessions.salt, words.encode(), "sha256").hexdigest()[:10]

    async def _hand_over(self, asked: Mapping[str, str]) -> None:
        key = self._store.add_key(asked["scope"])
        body = {
            "key_id": key.id, "user_id": asked["user_id"], "consumer_key": key.key,
            "consumer_secret": key.secret, "key_permissions": key.permissions,
        }  # fmt: skip
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        try:
            answer = await self._store.http.post(
                asked["callback_url"], content=json.dumps(body), headers=headers
            )
            status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            status = 0
        if status != 200:
            del self._store.keys[key.key]
            words = "An error occurred in the request and at the time were unable to send"
            raise Wrong(f"{words} the consumer data")


def _with(url: str, **more: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(more)}"


def _page(name: str, status: int = 200, **values: str) -> Response:
    text = PAGES.get_template(name).render(**values)
    return Response(text, status, media_type="text/html; charset=utf-8")
