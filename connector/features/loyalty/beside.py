"""What a merchant sees of an account beside its ledger.

Lots, orders, rewards that were taken, and the accounts that became this one's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connector.commerce.models import OrderRow, StoreRow
from connector.commerce.records import BEGINNING
from connector.commerce.snapshots import unpack
from connector.features.loyalty.rules.fold import held
from connector.features.loyalty.rules.holding import HeldLot
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.settling import Settling
from connector.ledger import merges
from connector.ledger.models import LinkRow
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import redeemed_by
from platforms.model import Order

ORDERS_MAX = 10


Way = Literal["hand", "code", "import", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedAccount:
    """An account that became this one's, since when and in which way; ``by`` whom if by hand.

    ``orders`` are the numbers of its own, those that the store gave to the customer left out.
    """

    account: str
    joined_at: datetime
    way: Way
    by: str
    orders: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The lots that are left, what ends first before the rest; of all else the newest first."""

    lots: Sequence[HeldLot]
    orders: Sequence[Order]
    redemptions: Sequence[RedemptionRow]
    joined: Sequence[JoinedAccount]


async def beside(settling: Settling, store: StoreRow, account: str, now: datetime) -> Beside:
    """Return what there is of an account, orders of guests' accounts that joined it among them."""
    facts = (await settling.facts(store, [account], BEGINNING))[account]
    lots = sorted(held(facts, now).lots, key=lambda lot: lot.expires_at or NEVER)
    joined = await joined_to(store, account)
    accounts = [account, *(one.account for one in joined)]
    return Beside(
        lots=lots,
        orders=await newest_orders(store, accounts, ORDERS_MAX),
        redemptions=await redeemed_by(store.id, account),
        joined=joined,
    )


async def newest_orders(store: StoreRow, accounts: Sequence[str], limit: int) -> list[Order]:
    """Return the orders of accounts, the last placed first."""
    rows = OrderRow.filter(store=store.id, account__in=list(accounts), body__not_isnull=True)
    newest = await rows.order_by("-placed_at", "-id").limit(limit)
    return [unpack(bytes(row.body or b""), Order) for row in newest]


async def joined_to(store: StoreRow, account: str) -> list[JoinedAccount]:
    """Return the accounts that became one's: by a link, or since the store made them one."""
    found = []
    for link in await LinkRow.filter(store=store.id, owner=account).order_by("-joined_at", "-id"):
        orders = await newest_orders(store, [link.account], ORDERS_MAX)
        found.append(
            JoinedAccount(
                account=link.account,
                joined_at=link.joined_at,
                way="hand" if link.by else "import" if link.batch else "code",
                by=link.by or "",
                orders=[one.number for one in orders],
            )
        )
    merged = (await merges.homes(store.id, [account])).merged
    for name, (owner, at) in merged.items():
        if owner == account:
            one = JoinedAccount(account=name, joined_at=at, way="store", by="", orders=())
            found.append(one)
    return sorted(found, key=lambda one: one.joined_at, reverse=True)
