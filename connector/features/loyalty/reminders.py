"""Tells other systems ahead that points are going to expire, so many days as the program says."""

from datetime import datetime

from tortoise.transactions import in_transaction

from connector.commerce.identity import customer_of
from connector.commerce.models import StoreRow
from connector.features.loyalty.programs import Programs
from connector.features.loyalty.rules.program import Expiry
from connector.kernel.clock import Clock
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.sync import listeners
from connector.sync.listeners import Event

BATCH = 100


def remind_at(
    account: AccountRow, ends_at: datetime | None, expiry: Expiry | None, now: datetime
) -> datetime | None:
    """Return when next to say of an account that points of it end at an instant.

    What is due already stays so, until it is told.
    """
    if ends_at is None or expiry is None:
        return None
    is_due = account.remind_at is not None and account.remind_at <= now
    if is_due and account.next_expiry_at == ends_at:
        return account.remind_at
    return expiry.next_reminder(ends_at, now)


class Reminders:
    """Tells of whom it is time."""

    def __init__(self, programs: Programs, clock: Clock) -> None:
        self._programs = programs
        self._clock = clock

    async def tell(self, store: StoreRow) -> int:
        """Tell of accounts whose points expire soon; return how many they were."""
        now = self._clock()
        version = await self._programs.program(store.id)
        expiry = version.program.expiry if version else None
        async with in_transaction():
            due = await ledger.to_remind(store.id, now, BATCH)
            held = await ledger.locked(store.id, [row.key for row in due])
            rows = [row for row in held if row.remind_at is not None and row.remind_at <= now]
            ends = [(row, row.next_expiry_at) for row in rows if row.next_expiry_at]
            events = [_event(row, ends_at) for row, ends_at in ends if ends_at > now]
            await listeners.tell(store.id, events, now)
            for row in rows:
                row.remind_at = None  # it is told
                row.remind_at = remind_at(row, row.next_expiry_at, expiry, now)
                await AccountRow.filter(id=row.id).update(remind_at=row.remind_at)
        return len(due)


def _event(row: AccountRow, ends_at: datetime) -> Event:
    data = {
        "member": row.key,
        "customer_id": customer_of(row.key),
        "points": row.next_due_points,
        "at": ends_at,
    }
    return Event(name="points.expiring", data=data)
