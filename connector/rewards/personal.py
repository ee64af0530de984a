"""What of persons is kept with what they took: an address of codes, and notes of tills."""

from collections.abc import Sequence

from tortoise.models import Model

from connector.database import sql
from connector.rewards.models import (
    EntitlementRow,
    PerkCodeRow,
    PerkUseRow,
    RedemptionRow,
    ReservationRow,
)

REDEMPTION = (
    "id", "account", "reward_id", "kind", "cost", "code", "email", "state", "amount_minor",
    "basis_points", "minimum_minor", "currency", "product_ids", "redeemed_at", "expires_at",
    "released_at",
)  # fmt: skip
PERK_CODE = ("id", "account", "entitlement", "code", "email", "made_at", "state")
ENTITLEMENT = ("id", "account", "benefit", "kind", "since", "ended_at")
PERK_USE = ("id", "account", "benefit", "kind", "key", "used_at")
RESERVATION = ("id", "account", "points", "note", "reserved_at", "ends_at", "state", "ended_at")
KEPT: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "redemptions": (RedemptionRow, REDEMPTION),
    "perk_codes": (PerkCodeRow, PERK_CODE),
    "entitlements": (EntitlementRow, ENTITLEMENT),
    "perk_uses": (PerkUseRow, PERK_USE),
    "reservations": (ReservationRow, RESERVATION),
}
"""What is told of each table."""


async def told(store: str, accounts: Sequence[str]) -> dict[str, object]:
    """Return what accounts took, by table, in the order of ids."""
    found: dict[str, object] = {}
    for name, (table, columns) in KEPT.items():
        rows = table.filter(store=store, account__in=list(accounts))
        found[name] = await rows.order_by("id").values(*columns)
    return found


async def erase(store: str, accounts: Sequence[str]) -> None:
    """Take out addresses and notes, and what stores said of codes. In a transaction."""
    of = {"store": store, "account__in": list(accounts)}
    await RedemptionRow.filter(**of).update(email=None)
    await PerkCodeRow.filter(**of).update(email=None)
    await ReservationRow.filter(**of).update(note="")
    await sql.run(
        "UPDATE outbox SET trouble = '' WHERE store = $1 AND trouble <> '' AND target IN"
        " (SELECT id FROM redemption WHERE store = $1 AND account = ANY($2)"
        " UNION SELECT id FROM perk_code WHERE store = $1 AND account = ANY($2))",
        *(store, list(accounts)),
    )
