"""One store's GraphQL Admin API: an operation in, its data out, and trouble as errors of ours.

Shopify says most of what went wrong with status 200: that we asked for more than its bucket holds
(``THROTTLED``), that a field needs a scope (``ACCESS_DENIED``), that it failed itself. None of that
is data. (shopify.dev: /docs/api/usage/response-codes and
/docs/apps/build/apis/graphql-admin/rate-limits)
"""

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from platforms.errors import (
    AccessRevoked,
    Malformed,
    PlatformError,
    RateLimited,
    Rejected,
    TransientError,
)
from platforms.http import call, checked, parsed
from platforms.shopify.auth import Token
from platforms.shopify.operations import VERSION, operation

T = TypeVar("T")
PATH = f"/admin/api/{VERSION}/graphql.json"
WAIT_MAX_S = 60.0
NOTHING = msgspec.Raw(b"null")


class Extensions(msgspec.Struct, frozen=True):
    """What an error is called."""

    code: str = ""


class Said(msgspec.Struct, frozen=True):
    """An error as GraphQL tells it."""

    message: str
    extensions: Extensions = Extensions()


class Throttle(msgspec.Struct, rename="camel", frozen=True):
    """What a store's bucket of points holds, and how fast it fills."""

    currently_available: float
    restore_rate: float


class Cost(msgspec.Struct, rename="camel", frozen=True):
    """What an operation was reckoned to cost, in points."""

    requested_query_cost: float
    throttle_status: Throttle


class More(msgspec.Struct, frozen=True):
    """What comes beside data."""

    cost: Cost | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the API answers with."""

    data: msgspec.Raw = NOTHING
    errors: list[Said] = []
    extensions: More = More()


class Api:
    """Asks one store, through the caller's HTTP client."""

    def __init__(self, url: str, http: httpx.AsyncClient, token: Token) -> None:
        self._url = url
        self._http = http
        self._token = token

    async def ask(self, name: str, type_: type[T], **variables: object) -> T:
        """Return what an operation answers.

        Raises:
            RateLimited: the store's bucket is empty; it says for how long.
            AccessRevoked: our token, or a scope of it, is refused.
            PlatformError: as ``platforms.http`` has it.
        """
        try:
            answer = await self._sent(name, variables)
        except AccessRevoked:  # the token may be an old one
            answer = await self._sent(name, variables)
        told = _decoded(parsed(answer), Answer)
        if told.errors:
            raise _error(told, name)
        if bytes(told.data) == b"null":
            raise Malformed(f"{name}: the answer holds neither data nor errors")
        return _decoded(bytes(told.data), type_)

    async def _sent(self, name: str, variables: Mapping[str, object]) -> httpx.Response:
        token = await self._token.get()
        request = self._http.build_request(
            "POST",
            f"{self._url}{PATH}",
            json={"query": operation(name), "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )
        answer = await call(self._http, request)
        if answer.status_code == 401:
            self._token.refuse(token)
        version = answer.headers.get("x-shopify-api-version", VERSION)
        if version != VERSION:  # ours is no longer served; waiting loses nothing, misreading does
            raise TransientError(
                f"Shopify answers as of {version[:20]}, and not of {VERSION}",
                name="api-version",
                advice="update Perennial: Shopify no longer serves the version that it speaks",
            )
        return checked(answer, name)


def _decoded(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"Shopify's answer can't be read: {error}") from error


def _error(told: Answer, name: str) -> PlatformError:
    """Return what stands for the errors of an answer, the first that we know."""
    codes = {one.extensions.code for one in told.errors}
    said = f"{name}: {told.errors[0].message[:200]}"
    if "THROTTLED" in codes:
        wait = _wait_s(told.extensions.cost)
        return RateLimited(f"{name}: the store asks us to wait {wait:.1f} s", retry_after_s=wait)
    if "ACCESS_DENIED" in codes:
        return AccessRevoked(
            said,
            name="scope-missing",
            advice="give the app the scopes that platforms/shopify/README.md lists",
        )
    if "INTERNAL_SERVER_ERROR" in codes:
        return TransientError(said)
    return Rejected(said)


def _wait_s(cost: Cost | None) -> float:
    """Return how long the bucket takes to hold what was asked for."""
    if cost is None or cost.throttle_status.restore_rate <= 0:
        return 1.0
    missing = cost.requested_query_cost - cost.throttle_status.currently_available
    return min(max(missing / cost.throttle_status.restore_rate, 0.1), WAIT_MAX_S)
