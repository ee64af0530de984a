"""What merchants decide by hand about one account: points given or taken, and tiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from connector.errors import KeyReused, RequestInvalid
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.rules.facts import Adjustment, Import, Takeover
from connector.features.loyalty.rules.holding import Holding
from connector.features.loyalty.rules.tiers import Placement

POINTS_MAX = 1_000_000_000
REASON_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided, and why; the same ``key`` again is the same decision."""

    key: str
    reason: str
    points: int = 0
    tier: str | None = None
    is_locked: bool = False

    @property
    def kind(self) -> str:
        """Points make it an adjustment."""
        return "adjust" if self.points else "place"


def checked(decision: Decision, tiers: Sequence[str]) -> Decision:
    """Return a decision that can be kept; ``tiers`` are those that there are.

    Raises:
        RequestInvalid: with what would be right.
    """
    if not 1 <= len(decision.reason.strip()) <= REASON_MAX:
        raise RequestInvalid(f"give a reason, of {REASON_MAX} characters at most")
    if abs(decision.points) > POINTS_MAX:
        raise RequestInvalid(f"no more than {POINTS_MAX:,} points at once")
    if decision.tier is not None and decision.tier not in tiers:
        there = f"write one of {', '.join(tiers)}" if tiers else "the program has none"
        raise RequestInvalid(f"there is no tier {decision.tier!r}: {there}")
    return decision


async def kept(row: DecisionRow, decision: Decision, named: str) -> bool:
    """Write a decision down, once. With the account locked; return whether it is new.

    ``row`` has all but what is decided; it was asked for of the account ``named``, which may have
    become another's since the same was asked first.

    Raises:
        KeyReused: the key was used for another decision about this account.
    """
    said = {
        "kind": decision.kind,
        "points": decision.points,
        "tier": decision.tier,
        "is_locked": decision.is_locked,
    }
    asked = DecisionRow.filter(store=row.store, account__in=[row.account, named], key=row.key)
    before = await asked.first()
    if before is None:
        await row.update_from_dict({**said, "reason": decision.reason}).save(force_create=True)
        return True
    if any(getattr(before, name) != value for name, value in said.items()):
        raise KeyReused("this key stands for another decision: use a new one")
    return False


async def decisions_of(
    store: str, accounts: Sequence[str], since: datetime
) -> dict[str, list[DecisionRow]]:
    """Return what was decided about accounts since an instant."""
    rows = DecisionRow.filter(
        store=store, account__in=list(accounts), decided_at__gte=since, undone_at=None
    )
    found: dict[str, list[DecisionRow]] = {account: [] for account in accounts}
    for row in await rows.order_by("decided_at", "id"):
        found[row.account].append(row)
    return found


def adjustments(rows: Sequence[DecisionRow]) -> list[Adjustment]:
    """Return those about points."""
    return [
        Adjustment(id=row.id, points=row.points, adjusted_at=row.decided_at, reason=row.reason)
        for row in rows
        if row.kind == "adjust"
    ]


def imports(rows: Sequence[DecisionRow]) -> list[Import]:
    """Return those about points from elsewhere."""
    return [
        Import(
            id=row.id,
            points=row.points,
            imported_at=row.decided_at,
            expires_at=row.expires_at,
            batch=row.reason,
        )
        for row in rows
        if row.kind == "import"
    ]


def takeovers(rows: Sequence[DecisionRow]) -> list[Takeover]:
    """Return those about all that an account held in another installation."""
    return [
        Takeover(
            id=row.id,
            holding=msgspec.json.decode(row.body or b"", type=Holding),
            batch=row.reason,
        )
        for row in rows
        if row.kind == "takeover"
    ]


def placements(rows: Sequence[DecisionRow]) -> list[Placement]:
    """Return those about tiers."""
    return [
        Placement(id=row.id, tier=row.tier, is_locked=row.is_locked, placed_at=row.decided_at)
        for row in rows
        if row.kind == "place"
    ]
