"""The merchant's pages about webhooks to their own systems: added, looked into and ended."""

from collections.abc import Mapping, Sequence
from typing import get_args

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.database import sql
from connector.errors import RecordUnknown, RequestInvalid
from connector.sync.listeners import EventName
from connector.sync.models import ListenerRow, MessageRow
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.merchant import Done, Toast, View, Visit, again
from connector.web.pages import PAGES
from connector.web.settings import chosen, sentence

WEBHOOKS = "/settings/webhooks"
ENDED, MESSAGES = 10, 50
NEWEST = 2**62  # before no row's number
EVENTS: Mapping[EventName, str] = {
    "points.changed": n_("Points were earned, spent, taken back or lost"),
    "points.expiring": n_("Points end soon, so many days ahead as the program says"),
    "tier.changed": n_("A customer reached a tier, or fell out of one"),
    "redemption.changed": n_("A reward was taken, made, used or given back"),
    "entitlement.used": n_("A benefit was used"),
}
"""What each event is, in words."""
NAMES: tuple[EventName, ...] = get_args(EventName)


class TellingAdmin:
    """Shows webhooks with what they were told, and takes what merchants change of them."""

    def __init__(self, tools: Tools) -> None:
        self._ids = tools.ids
        self._wake = tools.wake
        self._sessions = tools.sessions
        self._listeners = tools.listeners

    def views(self) -> Sequence[View]:
        """Return the views."""
        one = f"{WEBHOOKS}/{{webhook}}"
        return [
            View(method="GET", path=WEBHOOKS, role="owner", serve=self.webhooks),
            View(method="POST", path=WEBHOOKS, role="owner", serve=self.add),
            View(method="GET", path=one, role="owner", serve=self.webhook),
            View(method="POST", path=f"{one}/end", role="owner", serve=self.end),
            View(method="POST", path=f"{one}/send", role="owner", serve=self.send),
        ]

    async def webhooks(self, visit: Visit) -> Response:
        """Show the webhooks, and of those that ended the last."""
        return await self._listed(visit)

    async def add(self, visit: Visit) -> Response | Done:
        """Tell an address of events from now on, and show its secret this once."""
        url, events = visit.form.get("url", "").strip(), chosen(visit.form, "event", NAMES)
        errors = {}
        if not url:
            errors["url"] = t("Write the address, such as https://example.com/hook.")
        if not events:
            errors["event"] = t("Tick at least one thing to be told of.")
        if errors:
            return await self._listed(visit, errors=errors)
        if not await self._sessions.is_first(visit.session, visit.form):
            return Done(path=WEBHOOKS, toast=again())
        try:
            async with in_transaction():
                key = f"page:{self._ids()}"
                row, secret = await self._listeners.add(visit.store, key, url, events)
                said = f"{url}: {', '.join(events)}"
                await self._sessions.note(visit.session, n_("webhook added"), row.id, said)
        except RequestInvalid as error:
            return await self._listed(visit, errors={"url": sentence(error)})
        return await self._listed(visit, made=secret)

    async def webhook(self, visit: Visit) -> Response:
        """Show a webhook, and what it was told in the last month, the newest first."""
        row, before = await _found(visit), visit.query.get("before", "")
        last = int(before) if before.isdecimal() and len(before) < 19 else NEWEST
        rows = MessageRow.filter(listener=row.id, id__lt=last).order_by("-id")
        found = await rows.limit(MESSAGES + 1)
        return visit.page(
            PAGES,
            "webhook.html",
            one=row,
            events=[(name, t(EVENTS[name])) for name in NAMES if name in row.events],
            messages=found[:MESSAGES],
            older=found[MESSAGES - 1].id if len(found) > MESSAGES else None,
            key=self._ids(),
        )

    async def end(self, visit: Visit) -> Done:
        """Tell an address nothing more."""
        async with in_transaction():
            await sql.lock(visit.store.id)
            row = await _found(visit)
            if row.ended_at is not None:
                raise RequestInvalid(t("this webhook has ended already"))
            await self._listeners.end(row)
            await self._sessions.note(visit.session, n_("webhook ended"), row.id, row.url)
        return Done(path=WEBHOOKS, toast=Toast(t("That address is told nothing more")))

    async def send(self, visit: Visit) -> Done:
        """Send a message once more; the same form sent twice is one more time."""
        asked = visit.form.get("message", "")
        key = f"page:{visit.form.get('key', '')[:64]}"
        async with in_transaction():
            await sql.lock(visit.store.id)
            row = await _found(visit)
            id_ = int(asked) if asked.isdecimal() and len(asked) < 19 else 0
            message = await MessageRow.get_or_none(listener=row.id, id=id_)
            if message is None:
                raise RecordUnknown(t("this webhook was not told that, or longer than a month ago"))
            is_new = message.key != key
            await self._listeners.send_again(message, key)
            if is_new:
                said = f"{message.event}, message {message.id}"
                await self._sessions.note(visit.session, n_("message sent again"), row.id, said)
        self._wake()
        return Done(path=f"{WEBHOOKS}/{row.id}", toast=Toast(t("It is being sent again")))

    async def _listed(
        self, visit: Visit, *, made: str = "", errors: Mapping[str, str] | None = None
    ) -> Response:
        form = {} if made else visit.form
        mine = ListenerRow.filter(store=visit.store.id)
        ended = mine.filter(ended_at__not_isnull=True).order_by("-ended_at")
        return visit.page(
            PAGES,
            "webhooks.html",
            status=400 if errors else 200,
            webhooks=await mine.filter(ended_at=None).order_by("created_at", "id"),
            ended=await ended.limit(ENDED),
            made=made,
            events=[(name, name, t(EVENTS[name])) for name in NAMES],
            chosen=chosen(form, "event", NAMES),
            form=form,
            errors=errors or {},
            key=self._ids(),
        )


async def _found(visit: Visit) -> ListenerRow:
    """Return the webhook that an address of ours names.

    Raises:
        RecordUnknown: the store has none such.
    """
    row = await ListenerRow.get_or_none(store=visit.store.id, id=visit.path["webhook"])
    if row is None:
        raise RecordUnknown(t("this store has no such webhook"))
    return row
