"""The storefront's routes for points: the state, and redemptions."""

import hashlib
from datetime import datetime

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.errors import VisitorUnknown
from connector.features.loyalty import views
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.rewards.redemptions import redemptions_of
from connector.web.body import bounded_body, decoded
from connector.web.feature import Tools
from connector.web.visitors import idempotency_key

PUBLIC_MAX_AGE_S = 30
BODY_MAX = 10_000


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a redemption."""

    reward: str


class Storefront:
    """What the widgets call."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._tools = tools
        self._loyalty = loyalty

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/storefront/v1/state", self.state, methods=["GET"]),
            Route("/storefront/v1/redemptions", self.redeem, methods=["POST"]),
        ]

    async def state(self, request: Request) -> Response:
        """Answer with the public part and, with a token, the visitor's own."""
        store = await self._tools.visitors.store_of(request)
        customer_id = self._tools.visitors.customer_of(request, store)
        return await self._answer(request, store, customer_id)

    async def redeem(self, request: Request) -> Response:
        """Redeem a reward and answer with the new state."""
        store = await self._tools.visitors.store_of(request)
        customer_id = self._tools.visitors.customer_of(request, store)
        if customer_id is None:
            raise VisitorUnknown("sign in at the store to use points")
        key = idempotency_key(request)
        body = await bounded_body(request, BODY_MAX)
        ask = decoded(body, Ask, example='{"reward": "5-off"}')
        await self._loyalty.redeem(store, customer_id, ask.reward, key)
        return await self._answer(request, store, customer_id, status=201)

    async def _answer(
        self, request: Request, store: StoreRow, customer_id: str | None, status: int = 200
    ) -> Response:
        version = await self._loyalty.program(store.id)
        view = views.StateView(
            store=views.view_store(store),
            program=views.view_program(version) if version else None,
            visitor=await self._visitor(store, customer_id) if customer_id else None,
        )
        body = orjson.dumps(view, option=orjson.OPT_UTC_Z)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        cache = "private, no-cache" if customer_id else f"public, max-age={PUBLIC_MAX_AGE_S}"
        headers = {"ETag": tag, "Cache-Control": cache, "Vary": "Authorization, Origin"}
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, media_type="application/json")

    async def _visitor(self, store: StoreRow, customer_id: str) -> views.VisitorView:
        account = customer_account(customer_id)
        now = self._tools.clock()
        row = await self._settled(store, account, now)
        rows = await redemptions_of(store.id, account)
        who = await records.customer(store.id, customer_id)
        orders = await records.orders_of(store.id, account)
        held = views.Holdings(
            first_name=(who.first_name or None) if who else None,
            balance=await ledger.balance(store.id, account, now),
            next_expiry=_next_expiry(row),
            redemptions=rows,
            entries=await ledger.entries(store.id, account),
            orders={order.id: order.number for order in orders},
        )
        return views.view_visitor(held, now)

    async def _settled(self, store: StoreRow, account: str, now: datetime) -> AccountRow | None:
        """Return the account, settled first where points changed by the mere passing of time."""
        row = await AccountRow.get_or_none(store=store.id, key=account)
        if row is None or row.next_due_at is None or row.next_due_at > now:
            return row
        async with in_transaction():
            await self._loyalty.settle(store, account)
        return await AccountRow.get(id=row.id)


def _next_expiry(row: AccountRow | None) -> views.ExpiryView | None:
    if row is None or row.next_due_at is None:
        return None
    return views.ExpiryView(points=row.next_due_points, at=row.next_due_at)
