"""The storefront's routes for points: the state, and redemptions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Annotated

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import StoreUnknown, VisitorUnknown
from connector.features.loyalty import views
from connector.features.loyalty.choices import Choice
from connector.features.loyalty.claims import Claims
from connector.features.loyalty.rules.program import Publication, in_force
from connector.features.loyalty.rules.tiers import Stand
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.standings import stand_of
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.rewards.entitlements import held_by
from connector.rewards.passes import PASS_MAX
from connector.rewards.redemptions import left, redeemed_by
from connector.web import looks
from connector.web.body import bounded_body, decoded
from connector.web.feature import Tools
from connector.web.looks import Look
from connector.web.visitors import meant_key

PUBLIC_CACHE, PERSONAL_CACHE = "public, max-age=30", "private, no-cache"
PUBLIC_KEPT = timedelta(seconds=1)
PUBLIC_MAX = 1000  # stores whose public part is kept
BUILD = version("perennial")  # another release may tell the same in other words
BODY_MAX = 10_000


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a redemption."""

    reward: str
    points: int | None = None
    product: str | None = None


class AskPass(msgspec.Struct, forbid_unknown_fields=True):
    """The body that asks for a pass: by which benefit."""

    benefit: str


class ShownPass(msgspec.Struct, forbid_unknown_fields=True):
    """The body that asks whether a pass is good."""

    token: Annotated[str, msgspec.Meta(max_length=PASS_MAX)] = msgspec.field(name="pass")


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a claim; without the ``code`` it asks for one, in the words of a ``locale``."""

    email: str
    code: str | None = None
    locale: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What anybody is told, until when."""

    body: bytes
    headers: Mapping[str, str]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many there are of a version's limited rewards, by id, and until when we say so."""

    version: int
    left: Mapping[str, int]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """What was chosen of the widgets' look, and until when we say so."""

    look: Look | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """All that a visitor's state follows from, and whether it changed with time."""

    account: str
    is_due: bool
    parts: list[object]


class Storefront:
    """What the widgets call."""

    def __init__(self, tools: Tools, loyalty: Loyalty, claims: Claims) -> None:
        self._tools = tools
        self._loyalty = loyalty
        self._claims = claims
        self._public_answers: dict[str, Answer] = {}
        self._counts: dict[str, Counts] = {}
        self._worn: dict[str, Worn] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/storefront/v1/state", self.state, methods=["GET"]),
            Route("/storefront/v1/redemptions", self.redeem, methods=["POST"]),
            Route("/storefront/v1/claims", self.claim, methods=["POST"]),
            Route("/storefront/v1/passes", self.give_pass, methods=["POST"]),
            Route("/storefront/v1/passes/check", self.check_pass, methods=["POST"]),
        ]

    async def state(self, request: Request) -> Response:
        """Answer with the public part and, with a token, the visitor's own."""
        store_id = self._tools.visitors.store_of(request)
        known = await self._tools.stores.known(store_id)
        customer_id = self._tools.visitors.customer_of(request, store_id, known.platform)
        if customer_id is None:
            return _unless_known(request, await self._public(store_id))
        return await self._personal(request, store_id, customer_id)

    async def redeem(self, request: Request) -> Response:
        """Redeem a reward and answer with the new state."""
        store, customer_id = await self._signed_in(request)
        key = meant_key(request)
        body = await bounded_body(request, BODY_MAX)
        ask = decoded(body, Ask, example='{"reward": "5-off"}')
        choice = Choice(reward=ask.reward, points=ask.points, product=ask.product)
        await self._loyalty.redeem(store, customer_id, choice, key)
        self._counts.pop(store.id, None)
        glance = await self._glance(store.id, customer_id)
        return await self._body(store, customer_id, self._tag(glance), status=201)

    async def claim(self, request: Request) -> Response:
        """Have a code mailed or, with the code, claim what its mailbox bought."""
        store, customer_id = await self._signed_in(request)
        key = meant_key(request)
        body = await bounded_body(request, BODY_MAX)
        claim = decoded(body, Claim, example='{"email": "ada@example.com"}')
        if claim.code is None:
            await self._claims.ask(store, customer_id, claim.email, claim.locale, key)
        else:
            await self._claims.take(store, customer_id, claim.email, claim.code)
        glance = await self._glance(store.id, customer_id)
        status = 202 if claim.code is None else 201
        return await self._body(store, customer_id, self._tag(glance), status=status)

    async def give_pass(self, request: Request) -> Response:
        """Give who holds early access a pass for it, which the store's pages can have checked."""
        store, customer_id = await self._signed_in(request)
        meant_key(request)
        body = await bounded_body(request, BODY_MAX)
        ask = decoded(body, AskPass, example='{"benefit": "first-look"}')
        token, ends_at, products = await self._loyalty.give_pass(store, customer_id, ask.benefit)
        said = {"pass": token, "ends_at": ends_at, "benefit": ask.benefit, "products": products}
        return _told(said, status=201)

    async def check_pass(self, request: Request) -> Response:
        """Say whose a pass is and what for, to whoever was shown it."""
        store = await self._tools.stores.find(self._tools.visitors.store_of(request))
        body = await bounded_body(request, BODY_MAX)
        shown = decoded(body, ShownPass, example='{"pass": "eyJ..."}')
        one, products = await self._loyalty.checked_pass(store, shown.token)
        said = {
            "customer_id": one.customer_id,
            "benefit": one.benefit,
            "products": products,
            "ends_at": one.ends_at,
        }
        return _told(said)

    async def _signed_in(self, request: Request) -> tuple[StoreRow, str]:
        """Return the store, and which of its customers asks.

        Raises:
            VisitorUnknown: nobody is signed in.
        """
        store = await self._tools.stores.find(self._tools.visitors.store_of(request))
        customer_id = self._tools.visitors.customer_of(request, store.id, store.platform)
        if customer_id is None:
            raise VisitorUnknown("sign in at the store to use points")
        return store, customer_id

    async def _public(self, store_id: str) -> Answer:
        """Return what anybody is told; worked out at most once a second for a store."""
        now = self._tools.clock()
        held = self._public_answers.get(store_id)
        if held is not None and now < held.until:
            return held
        store = await self._tools.stores.find(store_id)
        view = views.StateView(
            store=views.view_store(store),
            look=await looks.chosen(store_id),
            program=await self.program(store_id),
            visitor=None,
            can_claim=self._claims.can_be_made,
        )
        body = orjson.dumps(view, option=orjson.OPT_UTC_Z)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        answer = Answer(body=body, headers=_headers(tag, PUBLIC_CACHE), until=now + PUBLIC_KEPT)
        if len(self._public_answers) >= PUBLIC_MAX:
            self._public_answers.clear()
        self._public_answers[store_id] = answer
        return answer

    async def _personal(self, request: Request, store_id: str, customer_id: str) -> Response:
        """Answer one visitor; with nothing but a glance where they know it all."""
        glance = await self._glance(store_id, customer_id)
        if glance.is_due:
            store = await self._tools.stores.find(store_id)
            async with in_transaction():
                await self._loyalty.settling.settle(store, glance.account)
            glance = await self._glance(store_id, customer_id)
        tag = self._tag(glance)
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=_headers(tag, PERSONAL_CACHE))
        return await self._body(await self._tools.stores.find(store_id), customer_id, tag)

    async def _glance(self, store_id: str, customer_id: str) -> Glance:
        """Read what a visitor's state follows from, but for the state itself.

        One statement in SQL: most page views of a signed-in shopper ask for no more.
        """
        account, now = customer_account(customer_id), self._tools.clock()
        found = await sql.rows(
            "SELECT s.name AS name, s.currency AS currency, a.version AS version,"
            " a.next_due_at AS due_at, a.until AS until, c.content_hash AS customer,"
            " (SELECT COUNT(*) FROM publication p WHERE p.store = s.id) AS published"
            " FROM store s LEFT JOIN account a ON a.store = s.id AND a.key = $2"
            " LEFT JOIN customer c ON c.store = s.id AND c.platform_id = $3 WHERE s.id = $1",
            *(store_id, account, customer_id),
        )
        if not found:
            raise StoreUnknown(f"no store {store_id!r}")
        row = found[0]
        ends = [sql.at(row[name]) for name in ("due_at", "until")]
        program = in_force(await self._loyalty.programs.versions(store_id, row["published"]), now)
        seen = [row["name"], row["currency"], row["version"], row["customer"]]
        offered = [program.version if program else 0, await self._left(store_id, program)]
        look = await self._look(store_id)
        return Glance(
            account=account,
            is_due=any(at is not None and at <= now for at in ends),
            parts=[BUILD, store_id, account, *seen, *offered, look],
        )

    @staticmethod
    def _tag(glance: Glance) -> str:
        return f'"{hashlib.sha256(orjson.dumps(glance.parts)).hexdigest()[:32]}"'

    async def program(self, store_id: str) -> views.ProgramView | None:
        """Return the program in force as shoppers see it, if there is one."""
        published = await self._loyalty.programs.program(store_id)
        return await self.view_program(store_id, published) if published else None

    async def view_program(self, store_id: str, version: Publication) -> views.ProgramView:
        """Return a program as shoppers see it."""
        rewards = version.program.reward
        gifts = {id_ for one in rewards if one.kind == "free_product" for id_ in one.products}
        products = await records.products(store_id, gifts) if gifts else {}
        return views.view_program(version, await self._left(store_id, version), products)

    async def _look(self, store_id: str) -> Look | None:
        """Return what was chosen of the widgets' look; read at most once a second for a store."""
        now = self._tools.clock()
        held = self._worn.get(store_id)
        if held is None or held.until <= now:
            held = Worn(look=await looks.chosen(store_id), until=now + PUBLIC_KEPT)
            if len(self._worn) >= PUBLIC_MAX:
                self._worn.clear()
            self._worn[store_id] = held
        return held.look

    async def _left(self, store_id: str, version: Publication | None) -> Mapping[str, int]:
        """Return how many there are of a version's limited rewards; counted once a second."""
        rewards = version.program.reward if version else []
        stocks = {one.id: one.stock for one in rewards if one.stock is not None}
        if version is None or not stocks:
            return {}
        now = self._tools.clock()
        held = self._counts.get(store_id)
        if held is None or held.version != version.version or held.until <= now:
            counted = await left(store_id, stocks)
            held = Counts(version=version.version, left=counted, until=now + PUBLIC_KEPT)
            if len(self._counts) >= PUBLIC_MAX:
                self._counts.clear()
            self._counts[store_id] = held
        return held.left

    async def _body(
        self, store: StoreRow, customer_id: str, tag: str, status: int = 200
    ) -> Response:
        view = views.StateView(
            store=views.view_store(store),
            look=await self._look(store.id),
            program=await self.program(store.id),
            visitor=await self._visitor(store, customer_id),
            can_claim=self._claims.can_be_made,
        )
        body = orjson.dumps(view, option=orjson.OPT_UTC_Z)
        return Response(body, status, _headers(tag, PERSONAL_CACHE), media_type="application/json")

    async def _visitor(self, store: StoreRow, customer_id: str) -> views.VisitorView:
        account = customer_account(customer_id)
        now = self._tools.clock()
        version = await self._loyalty.programs.program(store.id)
        row = await AccountRow.get_or_none(store=store.id, key=account)
        who = await records.customer(store.id, customer_id)
        lines = await ledger.latest(store.id, account, views.HISTORY_MAX)
        orders = {views.order_of(line.cause) for line in lines}
        held = views.Holdings(
            first_name=(who.first_name or None) if who else None,
            balance=await ledger.balance(store.id, account, now),
            next_expiry=views.next_expiry(row),
            standing=_standing(row, version, store.currency),
            perks=await held_by(store.id, account),
            redemptions=await redeemed_by(store.id, account),
            limits=_limits(version),
            lines=lines,
            orders=await records.order_numbers(store.id, orders),
        )
        return views.view_visitor(held, now)


def _told(said: Mapping[str, object], status: int = 200) -> Response:
    body = orjson.dumps(said, option=orjson.OPT_UTC_Z)
    headers = {"Cache-Control": "no-store"}
    return Response(body, status, headers, media_type="application/json")


def _headers(tag: str, cache: str) -> Mapping[str, str]:
    return {"ETag": tag, "Cache-Control": cache, "Vary": "Authorization, Origin"}


def _unless_known(request: Request, answer: Answer) -> Response:
    if request.headers.get("if-none-match") == answer.headers["ETag"]:
        return Response(status_code=304, headers=answer.headers)
    return Response(answer.body, headers=answer.headers, media_type="application/json")


def _limits(version: Publication | None) -> dict[str, int]:
    rewards = version.program.reward if version else []
    return {one.id: one.limit_per_customer for one in rewards if one.limit_per_customer}


def _standing(
    row: AccountRow | None, version: Publication | None, currency: str
) -> views.StandingView | None:
    tiers = version.program.tiers if version else None
    if tiers is None:
        return None
    known = stand_of(row) or Stand(tier=None, since=None, counted={})
    return views.view_standing(known, tiers, currency)
