"""A store and a retention service on one loopback port, for the browser to visit.

The store is ``http://localhost:PORT``, the service ``http://127.0.0.1:PORT``: two origins, so that
CORS, preflights and the store's own endpoints are real. A test bends what they answer through
the :class:`Play` that it shares with them.
"""

import asyncio
import copy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

HERE = Path(__file__).parent
BUNDLES = HERE.parents[1] / "connector" / "web" / "bundles"
NOW = "2026-11-20T14:02:00"
CODE = "7QK3M2XD6FTAW5HB"

Json = dict[str, Any]


def reward(
    cost: int, value: int, *, minimum: int = 0, days: int | None = None, left: int | None = None
) -> Json:
    return {
        "id": f"{value // 100}-off",
        "kind": "amount_off",
        "cost": cost,
        "value_minor": {"EUR": value},
        "percent": None,
        "begins_at": None,
        "ends_at": None,
        "limit_per_customer": None,
        "minimum_minor": {"EUR": minimum} if minimum else {},
        "code_expires_days": days,
        "left": left,
        "tiers": [],
        "cost_in": {},
        "minimum_points": None,
        "maximum_points": None,
        "gives_back": False,
        "gifts": [],
    }


def part(least: int, most: int, *, days: int | None = None) -> Json:
    """Points for a part of a cart: 50 points are 50 cents."""
    more = {"id": "part", "kind": "part_of_cart", "gives_back": bool(days)}
    return reward(50, 50, days=days) | more | {"minimum_points": least, "maximum_points": most}


def gift(cost: int, *titles: str) -> Json:
    """A product for nothing, of those with ids from 71 on."""
    gifts = [
        {"id": str(n), "title": title, "url": f"https://store.example/product/{n}"}
        for n, title in enumerate(titles, 71)
    ]
    more = {"id": "gift", "kind": "free_product", "value_minor": {}, "gifts": gifts}
    return reward(cost, 0, days=30) | more | {"gives_back": True}


def tier(name: str, **needs: int) -> Json:
    return {"name": name, "needs": needs, "entry_points": None, "benefits": []}


def benefit(id_: str, kind: str, **more: Any) -> Json:
    plain: Json = {"percent": None, "value_minor": {}, "minimum_minor": {}}
    return {"id": id_, "kind": kind, **plain, "begins_at": None, "ends_at": None, **more}


def perk(of: Json, *, code: str | None = None, used_at: str | None = None) -> Json:
    return {
        "benefit": of["id"],
        "kind": of["kind"],
        "since": "2026-07-05T10:00:00Z",
        "has_code": of["kind"] in {"free_shipping", "member_price"},
        "code": code,
        "used_at": used_at,
    }


def times(factor: str, **more: Any) -> Json:
    plain = {"tier": None, "product": None, "collection": None, "begins_at": None, "ends_at": None}
    return {"factor": factor, **plain, **more}


def redemption(number: int, state: str, *, value: int = 500, code: str | None = None) -> Json:
    return {
        "id": f"r{number}",
        "reward_id": f"{value // 100}-off",
        "kind": "amount_off",
        "percent": 0,
        "cost": value,
        "state": state,
        "code": code,
        "value_minor": value,
        "minimum_minor": 2000,
        "currency": "EUR",
        "products": [],
        "gives_back": False,
        "expires_at": "2027-01-19T12:00:00Z",
        "redeemed_at": f"2026-11-{18 - number % 18 + 1:02}T10:00:00Z",
    }


def entry(kind: str, points: int, at: str, **more: Any) -> Json:
    plain = {"is_pending": False, "awaits": None, "order_number": None, "reward_id": None}
    about = "redemption" if kind in {"redeem", "release"} else "order"
    return {
        "kind": kind,
        "about": about,
        "points": points,
        "at": f"{at}T10:00:00Z",
        **plain,
        **more,
    }


PROGRAM: Json = {
    "name": "Northlight Rewards",
    "version": 3,
    "pending_days": 14,
    "pending_until": None,
    "expiry": "lot",
    "expiry_months": 12,
    "earn": [
        {"id": "orders", "kind": "order", "points": 5, "per_minor": {"EUR": 100}, "caps": []},
        {"id": "welcome", "kind": "sign_up", "points": 100, "per_minor": {}, "caps": []},
    ],
    "multipliers": [times("1.25", tier="Silver"), times("1.5", tier="Gold")],
    "rewards": [
        reward(500, 500, minimum=2000, days=60),
        reward(1000, 1000, minimum=3000, days=60),
        reward(1500, 1500, minimum=4000, days=60),
    ],
    "tiers": {
        "window": "months",
        "months": 12,
        "tiers": [tier("Bronze", EUR=10000), tier("Silver", EUR=20000), tier("Gold", EUR=60000)],
    },
}
HISTORY = [
    entry("earn", 118, "2026-11-20", is_pending=True, order_number="10482"),
    entry("redeem", -500, "2026-11-18", reward_id="5-off"),
    entry("earn", 293, "2026-09-23", order_number="10244"),
    entry("clawback", -112, "2026-07-12", order_number="9987"),
    entry("earn", 452, "2026-07-05", order_number="9987"),
    entry("release", 500, "2026-06-02", reward_id="5-off"),
    entry("expire", -80, "2026-05-04"),
    entry("earn", 100, "2026-01-08", about="sign_up"),
]
MAYA: Json = {
    "first_name": "Maya",
    "available": 1240,
    "pending": 118,
    "pending_at": "2026-12-04T09:00:00Z",
    "next_expiry": {"points": 107, "at": "2027-05-04T12:00:00Z"},
    "standing": {
        "tier": "Silver",
        "since": "2026-07-05T10:00:00Z",
        "reach": {
            "tier": "Gold",
            "measure": "EUR",
            "counted": 48170,
            "needed": 60000,
            "until": None,
        },
        "keep": {
            "tier": "Silver",
            "measure": "EUR",
            "counted": 9800,
            "needed": 20000,
            "until": "2027-08-04T10:00:00Z",
        },
    },
    "perks": [],
    "redemptions": [],
    "used_up": [],
    "history": HISTORY,
}
TOMAS: Json = {
    "first_name": "Tomás",
    "available": 0,
    "pending": 0,
    "pending_at": None,
    "next_expiry": None,
    "standing": {
        "tier": None,
        "since": None,
        "reach": {
            "tier": "Bronze",
            "measure": "EUR",
            "counted": 0,
            "needed": 10000,
            "until": None,
        },
        "keep": None,
    },
    "perks": [],
    "redemptions": [],
    "used_up": [],
    "history": [],
}


@dataclass
class Play:
    """What the store and the service know and do; a test changes it while the page is open."""

    look: Json | None = None
    program: Json | None = field(default_factory=lambda: copy.deepcopy(PROGRAM))
    visitor: Json | None = field(default_factory=lambda: copy.deepcopy(MAYA))
    state_status: int = 200
    personal_delay_s: float = 0
    redeem_problems: list[tuple[int, str]] = field(default_factory=list)
    """Answers to the next redemptions, first to last; a 504 is answered after it went through."""
    can_claim: bool = True
    claim_problems: list[tuple[int, str]] = field(default_factory=list)
    claims: list[Json] = field(default_factory=list)
    polls_until_issued: int = 2
    cart_refusal: str = ""
    cart: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    token: str = "token-1"
    visits: int = 0

    def state(self, *, is_known: bool) -> Json:
        store = {"id": "northlight", "name": "Northlight", "currency": "EUR"}
        visitor = self.visitor if is_known else None
        told = {"store": store, "look": self.look, "program": self.program, "visitor": visitor}
        return {**told, "can_claim": self.can_claim}

    def redeem(self, asked: Json, key: str) -> None:
        """Spend points once for each key; the code comes with a later poll."""
        assert self.visitor
        assert self.program
        if key in self.keys:
            return
        self.keys.append(key)
        self.asked.append(asked)
        chosen = next(each for each in self.program["rewards"] if each["id"] == asked["reward"])
        tier = (self.visitor["standing"] or {}).get("tier")
        cost = asked.get("points") or chosen["cost_in"].get(tier, chosen["cost"])
        value = chosen["value_minor"].get("EUR", 0) * (cost // chosen["cost"] or 1)
        made = redemption(len(self.keys), "reserved", value=value)
        made |= {"reward_id": chosen["id"], "kind": chosen["kind"], "cost": cost}
        made |= {"products": [asked["product"]] if "product" in asked else []}
        made |= {"gives_back": chosen["gives_back"]}
        self.visitor["available"] -= cost
        self.visitor["redemptions"].insert(0, made)

    def tick(self) -> None:
        """Issue what was reserved, once it was asked for often enough."""
        for each in (self.visitor or {}).get("redemptions", ()):
            if each["state"] == "reserved":
                self.polls_until_issued -= 1
                if self.polls_until_issued <= 0:
                    each.update(state="issued", code=CODE)


def problem(status: int, code: str) -> JSONResponse:
    body = {"type": f"/problems/{code}", "title": code, "status": status, "code": code}
    return JSONResponse(body, status, media_type="application/problem+json")


class Stage:
    """The endpoints, over the play that is on."""

    def __init__(self) -> None:
        self.play = Play()
        self.base = ""

    async def page(self, request: Request) -> Response:
        ask = {**PAGE, **request.query_params}
        html = Template((HERE / "store.html").read_text("utf-8"))
        service = self.base.replace("localhost", "127.0.0.1")
        return HTMLResponse(html.substitute(service=service, **ask))

    async def visitor(self, request: Request) -> Response:
        assert request.method == "POST"
        self.play.visits += 1
        if self.play.visitor is None:
            return Response(status_code=204)
        return JSONResponse({"token": self.play.token, "expires_in": 600})

    async def state(self, request: Request) -> Response:
        assert request.query_params["store"] == "northlight"
        bearer = request.headers.get("authorization", "")
        if bearer:
            await asyncio.sleep(self.play.personal_delay_s)
        if self.play.state_status != 200:
            return problem(self.play.state_status, "not-ready")
        if bearer and bearer != f"Bearer {self.play.token}":
            return problem(401, "visitor-unknown")
        body = self.play.state(is_known=bool(bearer))
        self.play.tick()
        return JSONResponse(body, headers={"cache-control": "private, no-cache"})

    async def redeem(self, request: Request) -> Response:
        assert request.headers["x-perennial"] == "1"
        assert request.headers["authorization"]
        asked = json.loads(await request.body())
        key = request.headers["idempotency-key"]
        if self.play.redeem_problems:
            status, code = self.play.redeem_problems.pop(0)
            if status == 504:
                self.play.redeem(asked, key)
            return problem(status, code)
        self.play.redeem(asked, key)
        return JSONResponse(self.play.state(is_known=True), 201)

    async def claim(self, request: Request) -> Response:
        assert request.headers["authorization"]
        assert self.play.visitor
        body = json.loads(await request.body())
        self.play.claims.append(body | {"key": request.headers["idempotency-key"]})
        if self.play.claim_problems:
            return problem(*self.play.claim_problems.pop(0))
        if "code" in body:
            self.play.visitor["available"] += 400
        return JSONResponse(self.play.state(is_known=True), 201 if "code" in body else 202)

    async def cart(self, _request: Request) -> Response:
        coupons = [{"code": code.lower()} for code in self.play.cart]
        return JSONResponse({"coupons": coupons}, headers={"Nonce": "nonce-1"})

    async def apply(self, request: Request) -> Response:
        if request.headers.get("nonce") != "nonce-1":
            return JSONResponse({"message": "Invalid nonce"}, 403)
        if self.play.cart_refusal:
            return JSONResponse({"message": self.play.cart_refusal}, 400)
        self.play.cart.append(json.loads(await request.body())["code"])
        return JSONResponse({"coupons": []})

    async def bundle(self, request: Request) -> Response:
        return FileResponse(BUNDLES / request.path_params["file"])

    def app(self) -> Starlette:
        cors = Middleware(
            CORSMiddleware,
            allow_origin_regex=r"http://localhost:\d+",
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Perennial"],
        )
        store_api = [
            Route("/perennial/v1/visitor", self.visitor, methods=["POST"]),
            Route("/wc/store/v1/cart", self.cart),
            Route("/wc/store/v1/cart/apply-coupon", self.apply, methods=["POST"]),
        ]
        storefront = [
            Route("/state", self.state),
            Route("/redemptions", self.redeem, methods=["POST"]),
            Route("/claims", self.claim, methods=["POST"]),
        ]
        bundles = [Route("/{file}", self.bundle), Route("/{hash}/{file}", self.bundle)]
        return Starlette(
            routes=[
                Route("/", self.page),
                Mount("/wp-json", routes=store_api),
                Mount("/storefront/v1", routes=storefront, middleware=[cors]),
                Mount("/widgets", routes=bundles, middleware=[cors]),
            ]
        )


PAGE = {
    "lang": "en",
    "dir": "ltr",
    "body_class": "",
    "platform": "woocommerce",
    "accent": "#2746d8",
    "scheme": "light",
    "position": "end",
}


@contextmanager
def served() -> Iterator[Stage]:
    """Serve a stage from a thread until the block ends."""
    assert (BUNDLES / "manifest.json").is_file(), "run `npm ci && npm run build` first"
    stage = Stage()
    listener = socket.create_server(("127.0.0.1", 0))
    stage.base = f"http://localhost:{listener.getsockname()[1]}"
    config = uvicorn.Config(stage.app(), log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
