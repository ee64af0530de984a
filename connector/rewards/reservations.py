"""Points that another system holds back until its sale is made, or lets go.

Reserving is a decision like a redemption: the points are spent from that instant. Capturing says
that it stays so; releasing, or the time that ran out, is the later decision to give them back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.commerce.records import BEGINNING
from connector.errors import KeyReused, ReservationEnded
from connector.ledger import ledger
from connector.rewards.models import ReservationRow
from connector.sync.work import oldest

HELD, CAPTURED, RELEASED = "held", "captured", "released"
BATCH = 100
ENDING = (
    "(SELECT r.id FROM reservation r WHERE r.store = s.id AND r.state = 'held'"
    " AND r.ends_at <= :now ORDER BY r.ends_at LIMIT 1) IS NOT NULL"
)
"""Whether a store ``s`` has reservations whose time ran out at the instant ``:now``."""
OLDEST_ENDING = oldest(
    "SELECT MIN(r.ends_at) FROM reservation r WHERE r.store = s.id AND r.state = 'held'"
    " AND r.ends_at <= :now"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is asked: so many points for so long; the same ``key`` again is the same one."""

    key: str
    points: int
    lasts: timedelta
    note: str


async def found(store: str, accounts: Collection[str], hold: Hold) -> ReservationRow | None:
    """Return what the same request made before, of any of these accounts that are one by now.

    Raises:
        KeyReused: its key stands for another request about this account.
    """
    rows = ReservationRow.filter(store=store, account__in=list(accounts), key=hold.key)
    row, asked = await rows.first(), (hold.points, hold.lasts, hold.note)
    if row is not None and (row.points, row.ends_at - row.reserved_at, row.note) != asked:
        raise KeyReused("this key reserved something else: use a new one")
    return row


async def hold_back(
    store: str, id_: str, account: str, hold: Hold, now: datetime
) -> ReservationRow:
    """Write the decision down. With the account locked, which has as many points."""
    return await ReservationRow.create(
        id=id_,
        store=store,
        account=account,
        key=hold.key,
        points=hold.points,
        note=hold.note,
        reserved_at=now,
        ends_at=now + hold.lasts,
    )


async def end(row: ReservationRow, state: str, now: datetime) -> bool:
    """Capture or release a reservation whose account is locked; return whether that is new.

    What has ended so already stays as it is. Capturing is late once the time ran out, whoever
    noticed that yet.

    Raises:
        ReservationEnded: it has ended the other way.
    """
    if row.state == HELD and state == CAPTURED and row.ends_at <= now:
        raise ReservationEnded("its time ran out: the points go back, reserve them anew")
    if row.state not in {HELD, state}:
        raise ReservationEnded(f"the points are {row.state} already")
    if row.state == state:
        return False
    row.state, row.ended_at = state, min(now, row.ends_at)
    await row.save(update_fields=["state", "ended_at"])
    if state == RELEASED:
        await ledger.mark_dirty(row.store, {row.account: row.reserved_at}, now)
    return True


async def ending(store: str, now: datetime) -> list[ReservationRow]:
    """Return reservations whose time ran out, the first of them."""
    rows = ReservationRow.filter(store=store, state=HELD, ends_at__lte=now)
    return await rows.order_by("ends_at", "id").limit(BATCH)


async def reservations_of(
    store: str, accounts: Sequence[str], since: datetime = BEGINNING
) -> list[ReservationRow]:
    """Return the reservations of accounts since an instant, oldest first."""
    rows = ReservationRow.filter(store=store, account__in=list(accounts), reserved_at__gte=since)
    return await rows.order_by("reserved_at", "id")
