"""What the store itself is told of points: each customer's profile, and notes on orders.

Both are pushes: what to write is worked out when it is written, so a later change overtakes an
earlier one, and doing it twice is doing it once.
"""

from collections.abc import Iterable
from datetime import datetime

from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import OrderRow, StoreRow
from connector.commerce.records import snapshot
from connector.commerce.snapshots import NO_TIME
from connector.kernel.clock import Clock
from connector.kernel.posting import Posting
from connector.ledger import ledger
from connector.sync import outbox
from connector.sync.stores import Stores
from platforms.errors import Rejected
from platforms.model import Order, Profile

PROFILE, NOTE = "profile", "order-note"
ORDER = "order:"


class Notices:
    """Wants and pushes profiles and notes."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    async def want(
        self, store: StoreRow, account: str, changes: Iterable[Posting], live_at: datetime | None
    ) -> None:
        """Note what the store must hear after an account changed. In that transaction.

        Orders get notes from ``live_at`` on, where there is one: the first publication.
        """
        can = self._stores.platform(store.platform).capabilities
        now = self._clock()
        customer = customer_of(account)
        if can.profiles and customer is not None:
            await outbox.want(store.id, PROFILE, customer, now)
        if not can.order_notes or live_at is None:
            return
        for change in changes:
            order = change.cause.removeprefix(ORDER)
            if change.kind == "earn" and await _placed_at(store.id, order) >= live_at:
                await outbox.want(store.id, NOTE, order, now)

    async def push_profile(self, store: StoreRow, customer: str) -> datetime | None:
        """Write a customer's points; again when the next of those on their way arrive."""
        balance = await ledger.balance(store.id, customer_account(customer), self._clock())
        profile = Profile(points=balance.available)
        try:
            await self._stores.client(store).write_profile(customer, profile)
        except Rejected:  # no such customer: nobody to tell
            return None
        return balance.pending_at

    async def push_note(self, store: StoreRow, order_id: str) -> datetime | None:
        """Write what an order earned, on the order."""
        row = await OrderRow.get(store=store.id, platform_id=order_id)
        earned = await ledger.earned(store.id, row.account, f"{ORDER}{order_id}")
        if earned <= 0:
            return None
        text = f"Perennial: {earned} points for this order."
        try:
            await self._stores.client(store).write_note(order_id, text)
        except Rejected:  # the order is gone
            return None
        return None


async def _placed_at(store: str, order_id: str) -> datetime:
    order = snapshot(await OrderRow.get(store=store, platform_id=order_id))
    return order.placed_at if isinstance(order, Order) else NO_TIME
