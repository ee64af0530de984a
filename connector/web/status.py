"""What there is and what needs somebody: for ``doctor`` and the merchant's status page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.ledger import ledger
from connector.ledger.models import EntryRow
from connector.sync.inbox import PARKED, WAITING
from connector.sync.models import InboxRow, OutboxRow
from connector.sync.outbox import unagreed
from connector.sync.passes import BEGINNING
from connector.sync.stores import Stores
from platforms.errors import PlatformError

LINES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Figures of one store, or of all. Points are those effective by now."""

    customers: int
    orders: int
    entries: int
    points: int
    guest_points: int
    inbox_waiting: int
    outbox_waiting: int
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that an operator should know, and what to do about it."""

    is_ok: bool
    what: str
    advice: str = ""


async def counts(now: datetime, store: str | None = None) -> Counts:
    """Count one store's rows, or everybody's."""
    mine: dict[str, Any] = {"store": store} if store else {}
    effective = EntryRow.filter(effective_at__lte=now, **mine)
    guests = effective.filter(account__startswith="guest:")
    parked_out = await OutboxRow.filter(is_parked=True, **mine).count()
    parked_in = await InboxRow.filter(state=PARKED, **mine).count()
    return Counts(
        customers=await CustomerRow.filter(body__not_isnull=True, **mine).count(),
        orders=await OrderRow.filter(body__not_isnull=True, **mine).count(),
        entries=await EntryRow.filter(**mine).count(),
        points=await ledger.total(effective),
        guest_points=await ledger.total(guests),
        inbox_waiting=await InboxRow.filter(state=WAITING, **mine).count(),
        outbox_waiting=await unagreed(store).filter(is_parked=False).count(),
        parked=parked_in + parked_out,
    )


async def findings(store: StoreRow, stores: Stores) -> list[Finding]:
    """Say how a store's connection is: its webhooks (asked now), passes, and what is parked."""
    found = [await _webhooks(store, stores)]
    if store.trouble:
        found.append(Finding(is_ok=False, what="last sync failed", advice=store.trouble))
    elif store.watermark is None:
        found.append(Finding(is_ok=False, what="first sync not finished", advice="run the worker"))
    else:
        has_orders = store.watermark > BEGINNING
        seen = store.watermark.astimezone(ZoneInfo(store.timezone))
        until = f"with all changes up to {seen:%-d %B %Y, %H:%M} ({store.timezone})"
        advice = until if has_orders else "which has no orders yet"
        found.append(Finding(is_ok=True, what="in step with the store", advice=advice))
    for row in await InboxRow.filter(store=store.id, state=PARKED).order_by("-id").limit(LINES_MAX):
        topic = next((v for k, v in row.headers.items() if k.endswith("topic")), "unknown topic")
        what = f"delivery {row.id} ({topic}) can't be read: {row.trouble}"
        advice = "it is kept, and the store's listing was read instead"
        found.append(Finding(is_ok=False, what=what, advice=advice))
    rows = OutboxRow.filter(store=store.id, is_parked=True).order_by("-id").limit(LINES_MAX)
    for push in await rows:
        what = f"{push.kind} {push.target} can't be pushed: {push.trouble}"
        found.append(Finding(is_ok=False, what=what, advice="connect the store again to retry"))
    return found


async def _webhooks(store: StoreRow, stores: Stores) -> Finding:
    try:
        url = stores.webhook_url(store)
        there = await stores.client(store).subscriptions(url)
    except (PlatformError, ValueError) as error:
        return Finding(
            is_ok=False, what="the store does not answer", advice=f"{error}: connect it again"
        )
    idle = [one.topic for one in there if not one.is_active]
    if idle or not there:
        what = f"webhooks not delivering: {', '.join(idle) or 'none subscribed'}"
        return Finding(is_ok=False, what=what, advice="connect the store again")
    what = f"the store tells us of changes at once ({len(there)} webhooks, all active)"
    return Finding(is_ok=True, what=what)
