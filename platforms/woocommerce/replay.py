"""The recorded samples, and the fake's answers to the same requests.

A sample was taken in the middle of a session, so before its request the recorded store is brought
to where it was then: a record that was deleted later is there again, a cart is filled.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from platforms.conformance.stage import Sample
from platforms.woocommerce.fake import (
    FakeStore,
    Sessions,
    World,
    coupons,
    create_fake,
    load,
    notes,
    recorded_site,
)
from platforms.woocommerce.fake.data import Kind
from platforms.woocommerce.fake.errors import Record
from platforms.woocommerce.fake.sessions import LOGIN_COOKIE
from platforms.woocommerce.fake.shapes import blank, links
from platforms.woocommerce.fake.values import gmt, stamp
from platforms.woocommerce.fake.webhooks import HOOKS

HERE = Path(__file__).parent
SIGNED_WITH = 's3cret & "quoted" <é>'
URL = "https://store.example.test"
AT = datetime(2026, 11, 21, 22, tzinfo=UTC)
STORE_API = "/wp-json/wc/store/v1"
HELD: Sequence[Kind] = ("order", "refund", "customer", "product", "coupon")
# Records that were deleted or changed after their sample: each stands in for a recorded one.
GONE: Sequence[tuple[Kind, int, int, Record]] = (
    ("order", 985, 985, {"status": "completed", "refunds": []}),
    ("order", 933, 988, {"status": "pending"}),
    ("order", 1095, 1096, {}),
    ("product", 12, 989, {}),
    ("customer", 2, 202, {"email": "gone@example.test"}),
    ("coupon", 979, 990, {"code": "loyal-7f3k9r"}),
)
ADDRESS = {
    "first_name": "A", "last_name": "B", "address_1": "1 Main St", "city": "New York",
    "state": "NY", "postcode": "10001", "country": "US",
}  # fmt: skip
Step = tuple[str, Record]


def _typed(email: str) -> Step:
    return "cart/update-customer", {"billing_address": ADDRESS | {"email": email}}


def _applied(code: str) -> Step:
    return "cart/apply-coupon", {"code": code}


FILLED: Step = ("cart/add-item", {"id": 17, "quantity": 2})
KNOWN = _typed("customer001@example.test")
MINE = _applied("loyal-7f3k9q")
SCENES: Mapping[str, Sequence[Step]] = {
    "apply-expired": (FILLED,),
    "apply-free-shipping": (FILLED, _typed("customer003@example.test")),
    "apply-loggedin-others": (FILLED,),
    "apply-loggedin-own": (FILLED,),
    "apply-min-spend": (FILLED,),
    "apply-restricted-guest-no-email": (FILLED,),
    "apply-restricted-other-email": (FILLED, _typed("someone@else.test")),
    "apply-restricted-right-email": (FILLED, KNOWN),
    "apply-second-with-individual-use": (FILLED, KNOWN, MINE),
    "apply-twice": (FILLED, KNOWN, MINE),
    "apply-unknown": (FILLED,),
    "apply-used-up": (FILLED, KNOWN),
    "cart-after-checkout-link": (FILLED, _applied("tenoff")),
    "cart-after-checkout-link-restricted": (FILLED,),
    "cart-after-wrong-email": (FILLED, KNOWN),
    "cart-coupons": (FILLED, KNOWN, MINE),
    "checkout-get-draft": (FILLED, KNOWN),
    "checkout-ok": (FILLED,),
    "checkout-ok-with-coupon": (FILLED, KNOWN, MINE),
    "checkout-wrong-email": (FILLED, KNOWN, MINE),
    "update-customer-other-email": (FILLED, KNOWN),
}
SIGNED_IN = {
    "add-item-logged-in": "customer001@example.test",
    "apply-loggedin-others": "customer001@example.test",
    "apply-loggedin-own": "customer002@example.test",
    "cart-logged-in": "customer001@example.test",
}


@cache
def samples() -> Sequence[Sample]:
    """Return every recorded sample, by name."""
    answers = [_answer(path) for path in sorted((HERE / "samples").rglob("*.json"))]
    return [*answers, *(_delivery(path) for path in sorted((HERE / "samples").rglob("*.body")))]


def _name(path: Path) -> str:
    return path.relative_to(HERE / "samples").with_suffix("").as_posix()


def _answer(path: Path) -> Sample:
    """Read an answer. One without headers is an order, as ``wc/v3`` shows it by its id."""
    body = path.read_bytes()
    if not path.with_suffix(".headers").exists():
        target = f"/wp-json/wc/v3/orders/{json.loads(body)['id']}"
        return Sample(name=_name(path), body=body, method="GET", target=target, status=200)
    head, _, rest = path.with_suffix(".headers").read_text("utf-8").partition("\n\n")
    first, *lines = head.splitlines()
    method, url = first.split(" ", 1)
    parts = urlsplit(url)
    told = dict(line.split(" ", 1) for line in lines if " " in line)
    sent = head.partition("request body: ")[2].partition("\nHTTP ")[0] or told.get("body", "")
    return Sample(
        name=_name(path), body=body, headers=_headers(rest.splitlines()), method=method,
        target=f"{parts.path}?{parts.query}".rstrip("?"), status=int(told["HTTP"]),
        sent=b"" if sent == "null" else sent.encode(),
    )  # fmt: skip


def _delivery(path: Path) -> Sample:
    first, *lines = path.with_suffix(".headers").read_text("utf-8").splitlines()
    headers = _headers(lines)
    method, target, _ = first.split(" ")
    secret = SIGNED_WITH if "x-wc-webhook-signature" in headers else ""
    return Sample(
        name=_name(path), body=path.read_bytes(), headers=headers, method=method, target=target,
        secret=secret,
    )  # fmt: skip


def _headers(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in lines if ": " in line)
    return {name.lower(): value for name, value in pairs}


class Replay:
    """The recorded store on the fake, for any number of samples in any order."""

    def __init__(self) -> None:
        self._at = AT
        world = World(
            clock=lambda: self._at, transport=httpx.MockTransport(lambda _: httpx.Response(200))
        )
        site = replace(recorded_site(URL, HERE / "recorded"), tax_percent=Decimal("8.875"))
        self.store = FakeStore(site, world)
        load(self.store, HERE / "recorded")
        self._sessions = Sessions(self.store)
        self._app = create_fake(self.store, sessions=self._sessions)
        self._held = {kind: dict(self.store.records[kind]) for kind in HELD}
        kept = {(kind, of) for kind, of, *_ in GONE}
        kept |= {("coupon", number) for number in self._held["coupon"]}
        self._kept = {one: json.dumps(self.store.get(*one)) for one in kept}
        self._hook = blank("webhook", {
            "id": 19, "name": "fail", "topic": "coupon.updated", "resource": "coupon",
            "event": "updated", "hooks": HOOKS["coupon.updated"], "delivery_url": f"{URL}/hook",
            "_links": links(self.store.site.rest, "webhooks", 19),
        })  # fmt: skip
        stamp(self._hook, "date_created", AT, self.store.zone)
        self.store.touch(self._hook)
        self.store.hub.secrets[19] = SIGNED_WITH
        notes.add(self.store, self.store.get("order", 935), "Order status changed.")
        self._key = self.store.add_key("read_write")
        self._reader = self.store.add_key("read")

    async def ask(self, sample: Sample) -> httpx.Response:
        """Return the fake's answer to a sample's request line."""
        self._bring_back(sample)
        if "/wc/store/" in sample.target:
            async with self._client() as client:
                return await self._browse(client, sample)
        scheme = "http" if sample.name == "error-401-basic-over-http" else "https"
        async with self._client(base_url=URL.replace("https", scheme)) as client:
            return await client.request(
                sample.method, sample.target, content=sample.sent, auth=self._auth(sample.name)
            )

    def _client(self, base_url: str = URL) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url=base_url)

    def _auth(self, name: str) -> tuple[str, str] | None:
        match name:
            case "error-401-no-auth":
                return None
            case "error-401-bad-secret-basic":
                return self._key.key, "cs_wrong"
            case "error-401-readonly-key-post":
                return self._reader.key, self._reader.secret
            case _:
                return self._key.key, self._key.secret

    def _bring_back(self, sample: Sample) -> None:
        """Bring the store to where it was when the sample was taken."""
        used = {} if sample.name == "store-api/apply-used-up" else {"usage_count": 0, "used_by": []}
        told = sample.headers.get("date")
        self._at = parsedate_to_datetime(told) if told else AT
        now = gmt(self._at)
        for kind, held in self._held.items():
            self.store.records[kind] = {
                number: record
                for number, record in held.items()
                if (record["date_created_gmt"] or "") <= now
            }
        for number in list(self.store.records["coupon"]):
            self._put("coupon", number, number, **used)
        for kind, of, number, values in GONE:
            if f"/{kind}s/{number}" in sample.target and sample.status != 404:
                self._put(kind, of, number, **values)
        if sample.name in ("order-get-trashed", "orders-status-trash-1"):
            self._put("order", 933, 988, status="trash")
        if sample.method == "POST" and sample.target.endswith("/coupons") and sample.status == 201:
            self._forget_code(json.loads(sample.sent)["code"])
        self.store.records["webhook"][19] = self._hook
        is_disabled = sample.name == "webhook-after-disable"
        self._hook["status"] = "disabled" if is_disabled else "active"

    def _put(self, kind: Kind, of: int, number: int, **values: object) -> None:
        """Put a recorded record back as it was, or a copy of it under another id."""
        text = self._kept[kind, of].replace(f'/{of}"', f'/{number}"')
        self.store.records[kind][number] = json.loads(text) | {"id": number, **values}

    def _forget_code(self, code: str) -> None:
        found = coupons.find(self.store, code)
        if found is not None:
            del self.store.records["coupon"][found["id"]]

    async def _browse(self, client: httpx.AsyncClient, sample: Sample) -> httpx.Response:
        """Do what the shopper had done, then ask. Nonces are of the session, so ours stands in."""
        name = sample.name.removeprefix("store-api/")
        if name in SIGNED_IN:
            client.cookies.set(LOGIN_COOKIE, self._sessions.start(self._account(SIGNED_IN[name])))
        start = (await client.get(f"{STORE_API}/cart")).headers
        nonce = {"Nonce": start["nonce"]}
        for path, body in SCENES.get(name, ()):
            await client.post(f"{STORE_API}/{path}", json=body, headers=nonce)
        if name == "add-item-cart-token":
            client.cookies.clear()
        own = {
            "add-item-no-nonce": {}, "add-item-bad-nonce": {"Nonce": "abc"},
            "add-item-cart-token": {"Cart-Token": start["cart-token"]},
        }  # fmt: skip
        return await client.request(
            sample.method, sample.target, content=sample.sent, headers=own.get(name, nonce)
        )

    def _account(self, email: str) -> int:
        found = (one["id"] for one in self.store.all("customer") if one["email"] == email)
        return int(next(found))
