"""What a merchant sees of an account beside its ledger: lots, orders, rewards that were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.commerce.models import OrderRow, StoreRow
from connector.commerce.records import BEGINNING
from connector.commerce.snapshots import unpack
from connector.features.loyalty.rules.fold import held
from connector.features.loyalty.rules.holding import HeldLot
from connector.features.loyalty.rules.lots import NEVER
from connector.features.loyalty.settling import Settling
from connector.ledger import ledger
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import redeemed_by
from platforms.model import Order

ORDERS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The lots that are left, what ends first before the rest; of all else the newest first."""

    lots: Sequence[HeldLot]
    orders: Sequence[Order]
    redemptions: Sequence[RedemptionRow]


async def beside(settling: Settling, store: StoreRow, account: str, now: datetime) -> Beside:
    """Return what there is of an account, orders of guests' accounts that joined it among them."""
    facts = (await settling.facts(store, [account], BEGINNING))[account]
    lots = sorted(held(facts, now).lots, key=lambda lot: lot.expires_at or NEVER)
    joined = [link.account for link in await ledger.links(store.id, [account])]
    rows = OrderRow.filter(store=store.id, account__in=[account, *joined], body__not_isnull=True)
    newest = await rows.order_by("-placed_at", "-id").limit(ORDERS_MAX)
    return Beside(
        lots=lots,
        orders=[unpack(bytes(row.body or b""), Order) for row in newest],
        redemptions=await redeemed_by(store.id, account),
    )
