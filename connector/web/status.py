"""What there is and what needs somebody: for ``doctor`` and the merchant's status page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.ledger import ledger
from connector.ledger.models import EntryRow
from connector.sync.inbox import PARKED, WAITING
from connector.sync.models import InboxRow, OutboxRow
from connector.sync.outbox import unagreed
from connector.sync.passes import BEGINNING
from connector.sync.stores import Stores
from connector.web.catalogues import t, tn
from connector.web.pages import moment
from platforms.errors import PlatformError

LINES_MAX = 20
IDLE_MAX = timedelta(hours=1)  # a pass that long overdue


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
    """Something that an operator should know, by a name that stays, and what to do about it."""

    name: str
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


async def findings(store: StoreRow, stores: Stores, now: datetime) -> list[Finding]:
    """Say how a store's connection is: its webhooks (asked now), passes, and what is parked."""
    if store.disconnected_at is not None:
        what = t("disconnected since %s") % _day(store, store.disconnected_at)
        advice = t("connect the store again; its points are kept")
        return [Finding(name="disconnected", is_ok=True, what=what, advice=advice)]
    asked, held = await _webhooks(store, stores), await known(store, now)
    is_told = asked.name == held[0].name  # one trouble, told once
    return held if is_told else [asked, *held]


async def known(store: StoreRow, now: datetime) -> list[Finding]:
    """Say how a connected store's passes are, and what is parked, without asking the store."""
    found = [_passes(store, now)]
    if store.webhooks_mended_at is not None:
        what = t("the store had given up webhooks; they were made anew on %s") % _day(
            store, store.webhooks_mended_at
        )
        advice = t("what they did not tell was read from its listings")
        found.append(Finding(name="webhooks-mended", is_ok=True, what=what, advice=advice))
    return found + await _parked(store)


def _day(store: StoreRow, at: datetime) -> str:
    return f"{moment(at, store.timezone)} ({store.timezone})"


def _passes(store: StoreRow, now: datetime) -> Finding:
    if store.trouble:
        return Finding(
            name=store.trouble_name,
            is_ok=False,
            what=t("the last sync broke off: %s") % store.trouble,
            advice=t("%(advice)s; next try: %(when)s")
            % {"advice": t(store.trouble_advice), "when": _day(store, store.reconcile_at)},
        )
    if store.watermark is None:
        what = t("the first sync is not finished")
        return Finding(name="first-sync", is_ok=False, what=what, advice=t("run the worker"))
    if store.reconcile_at < now - IDLE_MAX:
        what = t("nobody has read the store since %s") % _day(store, store.reconcile_at)
        advice = t("see whether `perennial worker` runs")
        return Finding(name="worker-idle", is_ok=False, what=what, advice=advice)
    has_orders = store.watermark > BEGINNING
    until = t("with all changes up to %s") % _day(store, store.watermark)
    advice = until if has_orders else t("which has no orders yet")
    return Finding(name="in-step", is_ok=True, what=t("in step with the store"), advice=advice)


async def _parked(store: StoreRow) -> list[Finding]:
    found = []
    for row in await InboxRow.filter(store=store.id, state=PARKED).order_by("-id").limit(LINES_MAX):
        topic = next((v for k, v in row.headers.items() if k.endswith("topic")), None)
        what = t("delivery %(number)s (%(topic)s) can't be read: %(trouble)s") % {
            "number": row.id,
            "topic": topic or t("unknown topic"),
            "trouble": row.trouble,
        }
        advice = t("it is kept, and the store's listing was read instead")
        found.append(Finding(name="delivery-parked", is_ok=False, what=what, advice=advice))
    rows = OutboxRow.filter(store=store.id, is_parked=True).order_by("-id").limit(LINES_MAX)
    for push in await rows:
        what = t("%(what)s can't be pushed: %(trouble)s") % {
            "what": f"{push.kind} {push.target}",
            "trouble": push.trouble,
        }
        advice = t("connect the store again to retry")
        found.append(Finding(name="push-parked", is_ok=False, what=what, advice=advice))
    return found


async def _webhooks(store: StoreRow, stores: Stores) -> Finding:
    try:
        url = stores.webhook_url(store)
        there = await stores.client(store).subscriptions(url)
    except PlatformError as error:
        return Finding(name=error.name, is_ok=False, what=str(error), advice=t(error.advice))
    topics = stores.platform(store.platform).topics
    idle = sorted({*topics} - {one.topic for one in there if one.status == "active"})
    if idle:
        what = t("webhooks not delivering: %s") % ", ".join(idle)
        advice = t(
            "the worker makes anew what the store gave up; paused ones are switched on in the store"
        )
        return Finding(name="webhooks-idle", is_ok=False, what=what, advice=advice)
    what = tn(
        "the store tells us of changes at once (%s webhook, active)",
        "the store tells us of changes at once (%s webhooks, all active)",
        len(topics),
    ) % len(topics)
    return Finding(name="webhooks-active", is_ok=True, what=what)
