"""The fake's HTTP half: tokens for client credentials, and the GraphQL Admin API."""

import asyncio
import base64
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    execute_sync,
    get_named_type,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from platforms.model import Kind
from platforms.shopify.fake.bulk import BulkOperations
from platforms.shopify.fake.data import Row, Shop, place
from platforms.shopify.fake.schema import cost, prepared, schema
from platforms.shopify.operations import VERSION

Info = GraphQLResolveInfo[None]
COST_MAX = 1000
SINCE = re.compile(r"updated_at:>='([^']+)'")
ROWS_MAX = 250
EXCHANGED = (
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:shopify:params:oauth:token-type:offline-access-token",
)
"""What is given, and what is wanted for it."""
SESSION_LIFE_S = 60


class _Refused(Exception):
    """What Shopify says in ``errors`` and with status 200."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _Api:
    """The handlers of one store."""

    def __init__(self, shop: Shop, clock: Callable[[], float]) -> None:
        self._shop = shop
        self._clock = clock
        self._at = clock()
        self._bulk = BulkOperations(shop, clock)

    async def token(self, request: Request) -> Response:
        """Grant a token for client credentials, a session token, a code, or what renews one."""
        asked = orjson.loads(await request.body())
        given = f"{asked.get('client_id')} {asked.get('client_secret')}"
        right = f"{self._shop.client_id} {self._shop.client_secret}"
        if not hmac.compare_digest(given.encode(), right.encode()):
            return _json({"error": "invalid_client"}, 400)
        grants = {
            "client_credentials": self._credentials,
            "refresh_token": self._refreshed,
            "urn:ietf:params:oauth:grant-type:token-exchange": self._exchanged,
            None: self._approved,
        }
        grant = grants.get(asked.get("grant_type"))
        return grant(asked) if grant else _json({"error": "unsupported_grant_type"}, 400)

    def _credentials(self, _: Row) -> Response:
        return _json({"access_token": self._shop.grant(), "scope": "", "expires_in": 86_399})

    def _refreshed(self, asked: Row) -> Response:
        pair = self._shop.renew(str(asked.get("refresh_token")))
        return _json(_pair(*pair)) if pair else _json({"error": "invalid_grant"}, 400)

    def _approved(self, asked: Row) -> Response:
        """Exchange the code of an installation, once."""
        if asked.get("code") not in self._shop.approvals:
            return _json({"error": "invalid_request"}, 400)
        self._shop.approvals.remove(asked["code"])
        return self._offline(asked)

    def _exchanged(self, asked: Row) -> Response:
        """Exchange a session token."""
        types = asked.get("subject_token_type"), asked.get("requested_token_type")
        if types != EXCHANGED:
            return _json({"error": "invalid_request"}, 400)
        given = str(asked.get("subject_token"))
        try:
            said = jwt.decode(
                given,
                self._shop.client_secret,
                ["HS256"],
                audience=self._shop.client_id,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return _json({"error": "invalid_subject_token"}, 400)
        if abs(self._shop.now.timestamp() - said["iat"]) > SESSION_LIFE_S:
            return _json({"error": "invalid_subject_token"}, 400)
        return self._offline(asked)

    def _offline(self, asked: Row) -> Response:
        """Grant a token that ends; one that was not asked to is good for nothing."""
        if str(asked.get("expiring")) != "1":
            return _json({"access_token": self._shop.grant_for_ever(), "scope": ""})
        return _json(_pair(*self._shop.grant_pair()))

    async def graphql(self, request: Request) -> Response:
        """Answer an operation, or refuse it as Shopify does."""
        if not self._shop.is_good(request.headers.get("x-shopify-access-token", "")):
            said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return _json({"errors": said}, 401)
        if request.headers["x-shopify-access-token"] in self._shop.endless:
            said = "[API] Non-expiring access tokens are no longer accepted for the Admin API."
            return _json({"errors": said}, 403)
        asked = orjson.loads(await request.body())
        variables = asked.get("variables") or {}
        await asyncio.sleep(0)
        found = prepared(str(asked.get("query", "")))
        if not isinstance(found, DocumentNode):
            return _json({"errors": [{"message": one.message} for one in found]})
        points = cost(found, variables)
        try:
            self._spend(points)
            answer = self._answer(found, variables)
        except _Refused as refused:
            error = {"message": str(refused), "extensions": {"code": refused.code}}
            answer = {"errors": [error]}
        told = _json(answer | {"extensions": {"cost": self._told(points)}})
        told.headers["X-Shopify-API-Version"] = self._shop.version
        return told

    async def results(self, request: Request) -> Response:
        """Serve a bulk operation's results, to whoever knows the address and says nothing else."""
        if "x-shopify-access-token" in request.headers:
            return _json({"error": "this is not the store"}, 400)
        lines = self._bulk.file(request.path_params["number"])
        if lines is None:
            return Response("<Error><Code>ExpiredToken</Code></Error>", 400)
        return StreamingResponse(lines, media_type="application/jsonl")

    def _spend(self, points: int) -> None:
        """Take points out of the bucket, which has filled since the last time."""
        bucket, now = self._shop.bucket, self._clock()
        bucket.level = min(bucket.size, bucket.level + (now - self._at) * bucket.rate)
        self._at = now
        if points > COST_MAX:
            raise _Refused(
                f"Query cost is {points}, which exceeds the single query max cost limit"
                f" ({COST_MAX}).",
                "MAX_COST_EXCEEDED",
            )
        if points > bucket.level:
            raise _Refused("Throttled", "THROTTLED")
        bucket.level -= points

    def _told(self, points: int) -> Row:
        bucket = self._shop.bucket
        return {
            "requestedQueryCost": points,
            "actualQueryCost": points,
            "throttleStatus": {
                "maximumAvailable": bucket.size,
                "currentlyAvailable": int(bucket.level),
                "restoreRate": bucket.rate,
            },
        }

    def _answer(self, document: DocumentNode, variables: Mapping[str, Any]) -> Row:
        done = execute_sync(
            schema(),
            document,
            Root(self._shop).fields() | self._bulk.fields(),
            variable_values=dict(variables),
            field_resolver=_resolved,
            type_resolver=lambda value, *_: value["__typename"],
        )
        answer: Row = {"data": done.data}
        if done.errors:
            answer["errors"] = [_error(one) for one in done.errors]
        return answer


class Root:
    """What the operations that we know are answered with."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def fields(self) -> Row:
        """Return the root's fields; one that is not here is null, or an error."""
        kinds: tuple[Kind, ...] = ("order", "customer", "product")
        return {
            "shop": self._about(),
            "nodes": lambda _, ids: [self._node(one) for one in ids],
            "node": lambda _, **asked: self._node(asked["id"]),
            "webhookSubscriptions": self._subscriptions,
            "webhookSubscriptionCreate": self._subscribe,
            "webhookSubscriptionDelete": self._unsubscribe,
            **{kind: lambda _, **asked: self._node(asked["id"]) for kind in kinds},
            **{f"{kind}s": self._listing(kind) for kind in kinds},
            **{f"{kind}sCount": self._count(kind) for kind in kinds},
        }

    def _about(self) -> Row:
        shop = self._shop
        return {
            "name": shop.name,
            "currencyCode": shop.currency,
            "ianaTimezone": shop.timezone,
            "primaryDomain": {"url": shop.storefront},
        }

    def _node(self, gid: str) -> Row | None:
        if "/Refund/" not in gid:
            return self._shop.records.get(gid)
        refunds = (one for order in self._shop.of("order") for one in order["refunds"])
        return next((one for one in refunds if one["id"] == gid), None)

    def _count(self, kind: Kind) -> Callable[..., Row]:
        return lambda _, **__: {"count": len(self._shop.of(kind)), "precision": "EXACT"}

    def _listing(self, kind: Kind) -> Callable[..., Row]:
        """Return a listing by the instant of the last change, which is all that we ask for."""

        def listed(_: Info, **asked: Any) -> Row:  # noqa: ANN401
            if asked["sortKey"] != "UPDATED_AT":
                raise GraphQLError("this store lists by UPDATED_AT alone")
            since = SINCE.fullmatch(asked["query"]) if asked.get("query") else None
            if asked.get("query") and since is None:
                raise GraphQLError(f"this store does not know the query {asked['query']!r}")
            rows = [row for row in self._shop.of(kind) if not since or row["updatedAt"] >= since[1]]
            rows = rows[::-1] if asked["reverse"] else rows
            if after := asked.get("after"):
                value, number = orjson.loads(base64.b64decode(after))
                rows = [row for row in rows if place(row) > (value, number)]
            return _connection(rows, asked.get("first"), lambda row: _cursor(place(row)))

        return listed

    def _subscriptions(self, _: Info, **asked: Any) -> Row:  # noqa: ANN401
        uri = asked.get("uri")
        rows = [one for one in self._shop.hooks.values() if uri in {None, one["uri"]}]
        return _page(rows, asked)

    def _subscribe(
        self,
        _: Info,
        topic: str,
        webhookSubscription: Row,  # noqa: N803 - the field's
    ) -> Row:
        uri = webhookSubscription["uri"]
        if any((one["topic"], one["uri"]) == (topic, uri) for one in self._shop.hooks.values()):
            said = "Address for this topic has already been taken"
            return {"userErrors": [{"field": ["webhookSubscription", "uri"], "message": said}]}
        hook = {
            "__typename": "WebhookSubscription",
            "id": self._shop.gid("WebhookSubscription"),
            "topic": topic,
            "uri": uri,
            "failures": 0,
        }
        self._shop.hooks[hook["id"]] = hook
        return {"webhookSubscription": hook, "userErrors": []}

    def _unsubscribe(self, _: Info, id: str) -> Row:  # noqa: A002 - the argument's
        if self._shop.hooks.pop(id, None) is None:
            said = "Webhook subscription does not exist"
            return {"userErrors": [{"field": ["id"], "message": said}]}
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}


def create_api(shop: Shop, clock: Callable[[], float] = time.monotonic) -> Starlette:
    """Return a store's API as an application; ``clock`` is what its bucket fills by, in seconds."""
    api = _Api(shop, clock)
    return Starlette(
        routes=[
            Route("/admin/oauth/access_token", api.token, methods=["POST"]),
            Route(f"/admin/api/{VERSION}/graphql.json", api.graphql, methods=["POST"]),
            Route("/bulk/{number}.jsonl", api.results),
        ]
    )


def _pair(token: str, refresh_token: str) -> Row:
    return {
        "access_token": token,
        "scope": "",
        "expires_in": 3600,
        "refresh_token": refresh_token,
        "refresh_token_expires_in": 7_776_000,
    }


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _error(one: GraphQLError) -> Row:
    return {"message": one.message, "path": one.path}


def _resolved(source: Any, info: Info, **asked: Any) -> Any:  # noqa: ANN401
    """Return a field of a record: a list where a connection belongs is paged."""
    value = source.get(info.field_name)
    if callable(value):
        return value(info, **asked)
    if isinstance(value, list) and get_named_type(info.return_type).name.endswith("Connection"):
        return _page(value, asked)
    if isinstance(value, list) and asked.get("first") is not None:
        return value[: asked["first"]]
    return value


def _page(rows: Sequence[Row], asked: Mapping[str, Any]) -> Row:
    """Return a connection whose cursors are places."""
    begin = int(base64.b64decode(asked["after"])) + 1 if asked.get("after") else 0
    places = iter(range(begin, len(rows)))
    return _connection(rows[begin:], asked.get("first"), lambda _: _cursor(next(places)))


def _connection(rows: Sequence[Row], first: int | None, cursor: Callable[[Row], str]) -> Row:
    if first is None or not 0 < first <= ROWS_MAX:
        raise GraphQLError(f"you must provide first, from 1 to {ROWS_MAX}")
    nodes = rows[:first]
    cursors = [cursor(row) for row in nodes]
    return {
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": len(rows) > first,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _cursor(at: object) -> str:
    return base64.b64encode(orjson.dumps(at)).decode()
