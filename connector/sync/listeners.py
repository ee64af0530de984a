"""What merchants' own systems are told: signed, tried again, kept for a month, sent anew if wanted.

A message is written in the transaction of what it tells, so that none is ever lost, and is sent at
least once; its id says which ones are the same. Signed as Standard Webhooks says
(https://github.com/standard-webhooks/standard-webhooks, read 2026-11): ``webhook-id``,
``webhook-timestamp`` and, of both and the body, ``webhook-signature``.
"""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal
from urllib.parse import urlsplit

import httpx
import orjson
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.commerce.records import retry_delay
from connector.database import sql
from connector.errors import KeyReused, RequestInvalid
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.sync.models import ListenerRow, MessageRow
from connector.sync.work import oldest
from platforms.errors import PlatformError

TELLING = (
    "EXISTS (SELECT 1 FROM listener l WHERE l.store = s.id AND l.ended_at IS NULL"
    " AND (l.retry_at IS NULL OR l.retry_at <= :now)"
    " AND EXISTS (SELECT 1 FROM message m WHERE m.listener = l.id AND m.due_at <= :now))"
)
"""Whether a store ``s`` has messages to send at the instant ``:now``."""
OLDEST_MESSAGE = oldest(
    "SELECT MIN(m.due_at) FROM listener l JOIN message m ON m.listener = l.id"
    " WHERE l.store = s.id AND l.ended_at IS NULL AND m.due_at <= :now"
)
LISTENERS_MAX = 10  # of a store
URL_MAX = 500
TIMEOUT_S = 5.0
BATCH = 10  # messages to one listener at once
PATIENCE = timedelta(days=3)  # how long a message is tried
FAILURES_MAX = 9  # more in a row wait no longer: 512 seconds
TRANSPORT = (PlatformError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
"""What can go wrong with a request."""
PREFIX = "whsec_"  # of all keys of Standard Webhooks


EventName = Literal[
    "points.changed",
    "points.expiring",
    "tier.changed",
    "redemption.changed",
    "entitlement.used",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, by its name, with what there is to say of it.

    To whom, as the ``member`` of the data: their account.
    """

    name: EventName
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How sending a message went: the status of the answer, 0 for none, and what was wrong."""

    status: int
    trouble: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the other side has it."""
        return 200 <= self.status < 300


class Listeners:
    """Adds and ends listeners, and sends them what they are told."""

    def __init__(
        self, vault: Vault, network: httpx.AsyncBaseTransport, clock: Clock, ids: Ids
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._ids = ids
        nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # whoever they are from
        self._http = httpx.AsyncClient(transport=network, timeout=TIMEOUT_S, cookies=nobodys)

    async def add(
        self, store: StoreRow, key: str, url: str, events: Sequence[str]
    ) -> tuple[ListenerRow, str]:
        """Tell an address of events from now on; return it with its secret.

        The same ``key`` again is the same listener.

        Raises:
            RequestInvalid: the address cannot be one, or there are too many.
            KeyReused: the key added another address.
        """
        asked = (_checked(url), sorted(set(events)))
        async with in_transaction():
            await sql.lock(store.id)
            row = await ListenerRow.get_or_none(store=store.id, key=key)
            if row is None:
                row = await self._added(store, key, *asked)
        if (row.url, row.events) != asked:
            raise KeyReused("this key added another webhook: use a new one")
        return row, self._secret(row)

    async def _added(self, store: StoreRow, key: str, url: str, events: list[str]) -> ListenerRow:
        if await ListenerRow.filter(store=store.id, ended_at=None).count() >= LISTENERS_MAX:
            raise RequestInvalid(f"a store has {LISTENERS_MAX} webhooks at most: end one first")
        secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        return await ListenerRow.create(
            id=self._ids(),
            store=store.id,
            key=key,
            url=url,
            events=events,
            secret=self._vault.seal(store.id, "listener_secret", secret),
            created_at=self._clock(),
        )

    async def end(self, row: ListenerRow) -> None:
        """Tell an address nothing more; what waited for it is tried no more."""
        now = self._clock()
        async with in_transaction():
            await ListenerRow.filter(id=row.id, ended_at=None).update(ended_at=now)
            await MessageRow.filter(listener=row.id, due_at__not_isnull=True).update(due_at=None)
        await row.refresh_from_db()

    async def send_again(self, message: MessageRow, key: str) -> None:
        """Send a message once more, under the id that it had; once for one ``key``.

        Raises:
            RequestInvalid: its webhook has ended.
        """
        listener = await ListenerRow.get(id=message.listener)
        if listener.ended_at is not None:
            raise RequestInvalid("this webhook has ended: add it anew")
        now = self._clock()
        async with in_transaction():
            await ListenerRow.filter(id=listener.id).update(retry_at=None)
            mine = MessageRow.filter(id=message.id).exclude(key=key)
            await mine.update(due_at=now, told_at=now, attempts=0, key=key)
        await message.refresh_from_db()

    async def send_some(self, store: StoreRow) -> int:
        """Send what is due; return how much that was. Listeners do not wait for each other."""
        now = self._clock()
        rows = ListenerRow.filter(Q(retry_at=None) | Q(retry_at__lte=now))
        listeners = await rows.filter(store=store.id, ended_at=None)
        return sum(await asyncio.gather(*map(self._send_to, listeners)))

    async def _send_to(self, listener: ListenerRow) -> int:
        """Send a listener the messages that wait for longest."""
        now, secret = self._clock(), self._secret(listener)
        late = MessageRow.filter(listener=listener.id, told_at__lt=now - PATIENCE)
        await late.filter(due_at__not_isnull=True).update(due_at=None)
        rows = MessageRow.filter(listener=listener.id, due_at__lte=now).order_by("due_at", "id")
        messages = await rows.limit(BATCH)
        outcomes = await asyncio.gather(
            *(self._sent(listener.url, secret, message) for message in messages)
        )
        if messages:
            await self._noted(listener, messages, outcomes)
        return len(messages)

    async def _sent(self, url: str, secret: str, message: MessageRow) -> Outcome:
        headers = signed(secret, f"msg_{message.id}", self._clock(), message.body)
        sending = self._http.stream("POST", url, content=message.body, headers=headers)
        try:
            async with asyncio.timeout(TIMEOUT_S), sending as answer:
                status = answer.status_code  # nobody reads what else it says
        except TRANSPORT as error:
            return Outcome(status=0, trouble=f"{type(error).__name__}: {error}"[:200])
        outcome = Outcome(status=status)
        return outcome if outcome.is_taken else Outcome(status=status, trouble=f"answered {status}")

    async def _noted(
        self, listener: ListenerRow, messages: Sequence[MessageRow], outcomes: Sequence[Outcome]
    ) -> None:
        """Write down how it went; who took none of the messages is left alone for a while."""
        now = self._clock()
        failed = [one.trouble for one in outcomes if not one.is_taken]
        is_deaf = len(failed) == len(outcomes)
        failures = min(listener.failures + 1, FAILURES_MAX) if is_deaf else 0
        async with in_transaction():
            await ListenerRow.filter(id=listener.id).update(  # before its messages: as `end` does
                failures=failures,
                retry_at=now + retry_delay(failures) if is_deaf else None,
                trouble=failed[-1] if failed else "",
            )
            for message, outcome in zip(messages, outcomes, strict=True):
                attempts = message.attempts + 1
                mine = MessageRow.filter(id=message.id, due_at=message.due_at)
                await mine.update(
                    attempts=attempts,
                    status=outcome.status,
                    trouble=outcome.trouble,
                    due_at=None if outcome.is_taken else now + retry_delay(attempts),
                    delivered_at=now if outcome.is_taken else message.delivered_at,
                )

    def _secret(self, row: ListenerRow) -> str:
        return self._vault.open(row.store, "listener_secret", bytes(row.secret))


async def heard(store: str) -> frozenset[str]:
    """Return the events of which somebody is told at a store."""
    rows = await ListenerRow.filter(store=store, ended_at=None).only("id", "events")
    return frozenset(name for row in rows for name in row.events)


async def tell(store: str, events: Sequence[Event], now: datetime) -> None:
    """Note what is to be told. Inside the transaction of what happened."""
    if not events:
        return
    rows = await ListenerRow.filter(store=store, ended_at=None).only("id", "events")
    await sql.many(
        "INSERT INTO message"
        " (store, listener, event, body, told_at, due_at, attempts, status, trouble, key, member)"
        " VALUES ($1, $2, $3, $4, $5, $5, 0, 0, '', '', $6)",
        (
            (store, row.id, event.name, body, now, event.data.get("member"))
            for event in events
            for body in [_body(event, now)]
            for row in rows
            if event.name in row.events
        ),
    )


def _body(event: Event, now: datetime) -> str:
    said = {"type": event.name, "timestamp": now, "data": event.data}
    return orjson.dumps(said, option=orjson.OPT_UTC_Z).decode()


def signed(secret: str, id_: str, at: datetime, body: str) -> dict[str, str]:
    """Return the headers of a message that is sent at an instant."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    stamp = str(int(at.timestamp()))
    digest = hmac.digest(key, f"{id_}.{stamp}.{body}".encode(), "sha256")
    return {
        "Content-Type": "application/json",
        "User-Agent": "Perennial",
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _checked(url: str) -> str:
    """Return an address that may be one of a system; whether it is public shows when it is used.

    Raises:
        RequestInvalid: it is none.
    """
    wrong = RequestInvalid(f"{url[:100]!r} cannot be told: write https://host/path")
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.Request("POST", url)  # which knows more of what a host can be
    except (ValueError, httpx.InvalidURL) as error:
        raise wrong from error
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_MAX
    has_more = parts.username is not None or parts.fragment or port == 0
    if parts.scheme not in {"https", "http"} or not parts.hostname or has_more or not is_plain:
        raise wrong
    return url
