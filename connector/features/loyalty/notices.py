"""What the store itself is told of points: each customer's profile, and notes on orders.

Both are pushes: what to write is worked out when it is written, so a later change overtakes an
earlier one, and doing it twice is doing it once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import OrderRow, StoreRow
from connector.commerce.snapshots import NO_TIME
from connector.kernel.clock import Clock
from connector.kernel.posting import Posting
from connector.ledger import ledger
from connector.sync import outbox
from connector.sync.stores import Stores
from platforms.errors import Rejected
from platforms.model import Profile

PROFILE, NOTE = "profile", "order-note"
ORDER = "order:"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed of an account; ``orders`` says when its orders were placed, by id."""

    account: str
    lane: int
    changes: Sequence[Posting]
    orders: Mapping[str, datetime]


class Notices:
    """Wants and pushes profiles and notes."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    async def want(
        self,
        store: StoreRow,
        news: Sequence[News],
        notes_from: datetime | None,
        more: Sequence[outbox.Wanted] = (),
    ) -> None:
        """Note what the store must hear after accounts changed, and ``more``. In that transaction.

        Orders placed from ``notes_from`` on get notes, where there is such an instant.
        """
        can = self._stores.platform(store.platform).capabilities
        now = self._clock()
        wanted: list[outbox.Wanted] = [*more]
        for one in news:
            customer = customer_of(one.account)
            if can.profiles and customer:
                wanted.append((PROFILE, customer, one.lane))
            if can.order_notes and notes_from is not None:
                wanted += [(NOTE, order, one.lane) for order in _earning(one, notes_from)]
        await outbox.want_all(store.id, wanted, now)

    async def push_profile(self, store: StoreRow, customer: str) -> datetime | None:
        """Write a customer's points and tier."""
        account = customer_account(customer)
        balance = await ledger.balance(store.id, account, self._clock())
        profile = Profile(points=balance.available, tier=await ledger.tier(store.id, account))
        try:
            await self._stores.client(store).write_profile(customer, profile)
        except Rejected:  # no such customer: nobody to tell
            return None
        return None

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


def _earning(one: News, since: datetime) -> Iterator[str]:
    """Yield the orders placed since an instant whose earnings changed."""
    for change in one.changes:
        order = change.cause.partition("/")[0].removeprefix(ORDER)
        if change.kind == "earn" and one.orders.get(order, NO_TIME) >= since:
            yield order
