"""Webhooks to merchants' own systems, as these add, read and end them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from connector.errors import RecordUnknown
from connector.sync.listeners import URL_MAX, EventName, Listeners
from connector.sync.models import ListenerRow, MessageRow
from connector.web.api import (
    BIGINT,
    Asked,
    Endpoint,
    Endpoints,
    Listed,
    Nothing,
    cut,
    id_of,
    known,
    number,
)


class Listening(msgspec.Struct, forbid_unknown_fields=True):
    """An address to tell, and of what."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_MAX)]
    events: Annotated[list[EventName], Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of events; ``trouble`` is what went wrong last, ``failures`` times.

    The ``secret`` is told where it is added, and verifies as Standard Webhooks says.
    """

    id: str
    url: str
    events: list[str]
    created_at: datetime
    ended_at: datetime | None
    failures: int
    retry_at: datetime | None
    trouble: str
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookList:
    """Webhooks, by their ids."""

    data: list[Webhook]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a webhook was told: with which body, how often it was tried and how that went.

    It is tried again at ``due_at``; null: it was delivered, or tried in vain for three days.
    """

    id: str
    webhook: str
    event: str
    body: str
    told_at: datetime
    due_at: datetime | None
    attempts: int
    status: int
    trouble: str
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageList:
    """Messages to one webhook of the last month, oldest first."""

    data: list[Message]
    has_more: bool


class Webhooks:
    """What the endpoints do."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def endpoints(self) -> Endpoints:
        """Return the endpoints."""
        example = '{"url": "https://example.com/hook", "events": ["points.changed"]}'
        gone, scope = (RecordUnknown,), "webhooks"
        return [
            Endpoint("POST", "/webhooks", scope, self.add, example=example),
            Endpoint("GET", "/webhooks", scope, self.all, gone),
            Endpoint("GET", "/webhooks/{id}", scope, self.one, gone),
            Endpoint("POST", "/webhooks/{id}/end", scope, self.end, gone),
            Endpoint("GET", "/webhooks/{id}/messages", scope, self.messages, gone),
            Endpoint("POST", "/messages/{id}/send", scope, self.send, gone),
        ]

    async def add(self, asked: Asked[Nothing, Listening]) -> Webhook:
        """Tell an address of events from now on; only this answer has the secret."""
        said = asked.body
        row, secret = await self._listeners.add(asked.store, asked.key, said.url, said.events)
        return _webhook(row, secret)

    async def all(self, asked: Asked[Listed, Nothing]) -> WebhookList:
        """List webhooks, those that ended too."""
        page = asked.query
        rows = ListenerRow.filter(store=asked.store.id, id__gt=known(page.after)).order_by("id")
        found, has_more = cut(await rows.limit(page.limit + 1), page.limit)
        return WebhookList(data=[_webhook(row) for row in found], has_more=has_more)

    async def one(self, asked: Asked[Nothing, Nothing]) -> Webhook:
        """Show a webhook, and how it goes."""
        return _webhook(await _listener(asked))

    async def end(self, asked: Asked[Nothing, Nothing]) -> Webhook:
        """Tell an address nothing more."""
        row = await _listener(asked)
        await self._listeners.end(row)
        return _webhook(row)

    async def messages(self, asked: Asked[Listed, Nothing]) -> MessageList:
        """List what a webhook was told, and how that went."""
        row, page = await _listener(asked), asked.query
        rows = MessageRow.filter(listener=row.id, id__gt=number(page.after, BIGINT))
        found, has_more = cut(await rows.order_by("id").limit(page.limit + 1), page.limit)
        return MessageList(data=[_message(one) for one in found], has_more=has_more)

    async def send(self, asked: Asked[Nothing, Nothing]) -> Message:
        """Send a message once more, under the id that it had."""
        id_ = number(id_of(asked), BIGINT)
        row = await MessageRow.get_or_none(store=asked.store.id, id=id_)
        if row is None:
            raise RecordUnknown(f"there is no message {id_}")
        await self._listeners.send_again(row, asked.key)
        return _message(row)


async def _listener(asked: Asked[Any, Any]) -> ListenerRow:
    """Return the webhook that a path names.

    Raises:
        RecordUnknown: the store has none of that id.
    """
    id_ = id_of(asked)
    row = await ListenerRow.get_or_none(store=asked.store.id, id=id_)
    if row is None:
        raise RecordUnknown(f"there is no webhook {id_!r}")
    return row


def _webhook(row: ListenerRow, secret: str | None = None) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        events=row.events,
        created_at=row.created_at,
        ended_at=row.ended_at,
        failures=row.failures,
        retry_at=row.retry_at,
        trouble=row.trouble,
        secret=secret,
    )


def _message(row: MessageRow) -> Message:
    return Message(
        id=str(row.id),
        webhook=row.listener,
        event=row.event,
        body=row.body,
        told_at=row.told_at,
        due_at=row.due_at,
        attempts=row.attempts,
        status=row.status,
        trouble=row.trouble,
        delivered_at=row.delivered_at,
    )
