"""What an account has at an instant, with no word of where it came from: what moves with it.

Who moves to another installation takes this along, and no ledger. From it all goes on as it would
have: lots mature and end, what is owed is paid by what comes, tiers are kept and lost. Pure; these
are also the rows of ``members.jsonl``. Points are whole, money is in minor units, times are aware.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from connector.kernel.clock import Awaits

POINTS_MAX = 10**15
Aware = Annotated[datetime, Meta(tz=True)]
Points = Annotated[int, Meta(ge=1, le=POINTS_MAX)]
Owed = Annotated[int, Meta(ge=0, le=POINTS_MAX)]


class Awaited(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What has to happen to an ``order`` before its points can be spent, ``days`` later.

    From then on they last so many ``months``, or for ever; perhaps to the end of that month.
    """

    order: Annotated[str, Meta(min_length=1, max_length=64)]
    until: Awaits
    days: Annotated[int, Meta(ge=0, le=3650)] = 0
    months: Annotated[int, Meta(ge=0, le=120)] = 0
    end_of_month: bool = False


class HeldLot(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):  # fmt: skip
    """Points that can be spent from ``available_at`` on and end at ``expires_at``, None for never.

    With ``idle_months`` they end where nothing happens for so long: at ``expires_at`` if nothing
    does, which for points on their way may be earlier, since their coming is something. What it
    ``awaits``, if anything, has to happen first.
    """

    points: Points
    available_at: Aware
    expires_at: Aware | None = None
    idle_months: Annotated[int, Meta(ge=0, le=1200)] = 0
    awaits: Awaited | None = None


class HeldTier(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):  # fmt: skip
    """The tier that an account is in, or into none of which it ``is_locked``; see tiers.State."""

    name: str | None = None
    since: Aware | None = None
    lapses_at: Aware | None = None
    falls_to: str | None = None
    judged_at: Aware | None = None
    is_locked: bool = False


class Counted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left of an order, by measure: a currency, points or orders."""

    placed_at: Aware
    amounts: dict[str, Annotated[int, Meta(ge=-POINTS_MAX, le=POINTS_MAX)]]


class Holding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that an account holds, and ``owed`` points.

    Lots are oldest first; of those that come and end together, the one that is spent first.
    Tiers ``entered`` once pay nothing when they are reached again.
    """

    at: Aware
    lots: tuple[HeldLot, ...] = ()
    owed: Owed = 0
    tier: HeldTier | None = None
    counted: tuple[Counted, ...] = ()
    entered: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to take along."""
        return bool(self.lots or self.owed or self.tier or self.counted or self.entered)
