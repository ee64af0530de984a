"""What happens to lots, step by step, and what is kept of it.

What an account's facts come to is a set of grants and of movements; the walk takes these in
canonical order. A checkpoint keeps what the earlier ones still mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from connector.features.loyalty.rules.acts import Done
from connector.features.loyalty.rules.caps import Quarters
from connector.features.loyalty.rules.lots import Lot
from connector.features.loyalty.rules.tiers import Kept
from connector.kernel.posting import Posting


class Rank(IntEnum):
    """The order of movements at one instant, and what each does."""

    EXPIRY = 0
    JOINING = 1
    ORDER = 2
    REFUND = 3
    MATURITY = 4
    REDEMPTION = 5
    RELEASE = 6
    LATE_USE = 7
    CREDIT = 8
    DEBIT = 9
    BROUGHT = 10
    OWED = 11


ALIVE = {Rank.ORDER, Rank.MATURITY, Rank.CREDIT, Rank.REDEMPTION}
"""What keeps points alive that end by inactivity."""


class Movement(NamedTuple):
    """One step of the walk: what happens to the lot of ``cause``, or because of it."""

    at: datetime
    rank: Rank
    id: str
    cause: str
    points: int = 0


def moved(posting: Posting, rank: Rank, cause: str) -> Movement:
    """Return the step that a posting takes, on the lot of ``cause``."""
    return Movement(posting.effective_at, rank, posting.cause, cause, abs(posting.points))


class Grant(NamedTuple):
    """What one order grants: its postings, its lot as first credited, and that lot's life."""

    postings: Sequence[Posting]
    lot: Lot
    movements: Sequence[Movement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that facts of before an instant still mean: fold from here, with the later facts alone.

    ``given`` is what caps have to know of what was granted, ``acts`` what later acts have to, and
    ``standing`` what tiers have to of what counts. ``used`` says when the points that a redemption
    took would have expired, ``ahead`` what is yet to happen, and ``tail`` what earlier facts want
    to be posted at the instant or after it. ``is_refused``: something was, of the program's budget.
    """

    at: datetime
    given: Quarters
    acts: Done
    standing: Kept
    lots: tuple[Lot, ...]
    ends: dict[int, datetime]
    deficit: int
    used: dict[str, datetime]
    ahead: tuple[Movement, ...]
    tail: tuple[Posting, ...]
    is_refused: bool = False
