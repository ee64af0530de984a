"""What a Shopify store holds: records in the shapes of its schema, and what it tells of them.

A record is a dict of its type's fields, lists in the place of connections. Every change stamps it
with the store's clock, in whole seconds, and is told to whoever subscribed the topic.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from platforms.model import Kind
from platforms.shopify.fake.bodies import body_of
from platforms.shopify.operations import VERSION

Row = dict[str, Any]
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
START = datetime(2026, 10, 24, 12, tzinfo=UTC)  # the day before the clocks change in Berlin
HOST = "perennial-test.myshopify.com"
FAILURES_MAX = 8  # in a row; then Shopify deletes a subscription (reference: webhook retries)
TOKEN_LIFE = timedelta(days=1)
RENEWED_LIFE = timedelta(hours=1)
APP = "app"  # in the place of a subscription
FIRST_ID = 9_007_199_254_740_993  # 2^53 + 1: no number of JavaScript's
TYPES: Mapping[Kind, str] = {"order": "Order", "customer": "Customer", "product": "Product"}


@dataclass
class Bucket:
    """The points that an app may still use; it fills by time that passes."""

    size: float = 20_000.0
    rate: float = 1_000.0
    level: float = 20_000.0

    @classmethod
    def endless(cls) -> "Bucket":
        """Return one that nobody empties."""
        return cls(size=1e9, level=1e9)


@dataclass
class BulkWays:
    """How bulk operations go: what they take, where results lie and for how long, what goes wrong.

    ``fates`` are the ends of the next ones, such as ``FAILED TIMEOUT``; ``spoiled`` is what becomes
    of the lines on their way; ``ready`` holds results that were made beforehand, by query.
    """

    seconds: float = 0.0
    life_s: float = 7 * 86_400.0
    at_once: int = 5
    seed: int = 0
    storage: str = "https://storage.example.test"
    fates: list[str] = field(default_factory=list)
    spoiled: Callable[[Iterator[bytes]], Iterable[bytes]] = iter
    ready: dict[str, Any] = field(default_factory=dict)


@dataclass
class Shop:
    """One store."""

    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    market: tuple[str, int] | None = None  # its currency, and how much of it one of ours is
    name: str = "A Shopify store"
    storefront: str = "https://club.example.test"
    domain: str = HOST
    app_address: str = ""
    version: str = VERSION
    client_id: str = "c11e47-1d"
    client_secret: str = "shpss_5ec7e7"  # noqa: S105 - it opens nothing but this store
    now: datetime = START
    bucket: Bucket = field(default_factory=Bucket)
    bulk: BulkWays = field(default_factory=BulkWays)
    records: dict[str, Row] = field(default_factory=dict)
    hooks: dict[str, Row] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, datetime] = field(default_factory=dict)
    refresh_tokens: list[str] = field(default_factory=list)
    endless: set[str] = field(default_factory=set)
    approvals: set[str] = field(default_factory=set)
    _last: int = FIRST_ID
    _due: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    def gid(self, type_: str) -> str:
        """Return a gid that nothing here has."""
        self._last += 1
        return f"gid://shopify/{type_}/{self._last}"

    def stamp(self) -> str:
        """Return the store's time as its API writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def grant(self) -> str:
        """Return a token that is good for a day."""
        return self._granted("shpat", TOKEN_LIFE)

    def grant_pair(self) -> tuple[str, str]:
        """Return the only token that is good, for an hour, and what renews it once."""
        self.tokens.clear()
        self.refresh_tokens.append(self._secret("shprt"))
        return self._granted("shpua", RENEWED_LIFE), self.refresh_tokens[-1]

    def approve(self) -> str:
        """Return the code that a merchant's browser brings back once they approved the app."""
        self.approvals.add(code := self._secret("code"))
        return code

    def grant_for_ever(self) -> str:
        """Return a token that never ends, which the API takes from no app of many stores."""
        self.endless.add(token := self._granted("shpat", timedelta(days=36_500)))
        return token

    def renew(self, refresh_token: str) -> tuple[str, str] | None:
        """Return the next pair; the one before is good until somebody used what came of it."""
        if refresh_token not in self.refresh_tokens:
            return None
        self.refresh_tokens = [refresh_token]
        return self.grant_pair()

    def _granted(self, kind: str, life: timedelta) -> str:
        token = self._secret(kind)
        self.tokens[token] = self.now + life
        return token

    def _secret(self, kind: str) -> str:
        self._last += 1
        said = f"{self.client_id} {self._last}"
        return f"{kind}_{hmac.digest(b'tokens', said.encode(), 'sha256').hex()[:32]}"

    def is_good(self, token: str) -> bool:
        """Return whether a token opens the API now, and use it if it does."""
        until = self.tokens.get(token)
        if until is None or self.now >= until:
            return False
        if token.startswith("shpua"):
            del self.refresh_tokens[:-1]
        return True

    def money(self, amount: str) -> Row:
        """Return an amount as money bags hold it: the store's, and what its market shows."""
        currency, rate = self.market or (self.currency, 1)
        shown = {"amount": str(Decimal(amount) * rate), "currencyCode": currency}
        return {
            "shopMoney": {"amount": amount, "currencyCode": self.currency},
            "presentmentMoney": shown,
        }

    def of(self, kind: Kind) -> list[Row]:
        """Return all records of a kind, those changed last at the end."""
        found = [row for row in self.records.values() if row["__typename"] == TYPES[kind]]
        return sorted(found, key=place)

    def put(self, row: Row, *topics: str) -> str:
        """Keep a record as changed now, and tell these topics of it; return its gid."""
        self.records[row["id"]] = row | {"updatedAt": self.stamp()}
        for topic in topics:
            self.tell(topic, self.records[row["id"]])
        return str(row["id"])

    def remove(self, gid: str, topic: str) -> None:
        """Forget a record, and have that told."""
        self.tell(topic, self.records.pop(gid))

    def tell(self, topic: str, row: Row) -> None:
        """Have a record told as it is now."""
        body, at = orjson.dumps(body_of(topic, row)), self.stamp()
        self._due += [
            (id_, topic, body, at) for id_, one in self.hooks.items() if topic == one["topic"]
        ]

    def tell_app(self, topic: str, **body: object) -> None:
        """Have an app told of this store, at the address of its own settings."""
        named = {"shop_id": FIRST_ID, "shop_domain": self.domain}
        self._due.append((APP, topic, orjson.dumps(named | body), self.stamp()))

    def uninstall(self) -> None:
        """Take the app off: its tokens and subscriptions end at once, and it is told afterwards."""
        self.tokens.clear()
        self.refresh_tokens.clear()
        self.hooks.clear()
        self.tell_app("APP_UNINSTALLED", myshopify_domain=self.domain)

    async def deliver(self, post: Post) -> None:
        """Post all deliveries that are due, each once; ``post`` returns the answer's status.

        However late that is, they say when it happened.
        """
        due, self._due = self._due, []
        for id_, topic, body, at in due:
            app: Row = {"uri": self.app_address, "failures": 0}
            hook = app if id_ == APP else self.hooks.get(id_)
            if hook is None or not hook["uri"]:
                continue
            self._last += 1
            digest = hmac.digest(self.client_secret.encode(), body, "sha256")
            headers = {
                "x-shopify-topic": topic.lower().replace("_", "/", 1),
                "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
                "x-shopify-shop-domain": self.domain,
                "x-shopify-api-version": self.version,
                "x-shopify-webhook-id": str(UUID(int=self._last)),
                "x-shopify-triggered-at": at,
            }
            answered = await post(hook["uri"], headers, body)
            hook["failures"] = 0 if 200 <= answered < 300 else hook["failures"] + 1
            if hook["failures"] >= FAILURES_MAX:  # an app's own settings stay
                del self.hooks[id_]


def place(row: Row) -> tuple[str, int]:
    """Return where a record stands in a listing by the instant of its change."""
    return row["updatedAt"], int(row["id"].rpartition("/")[2])
