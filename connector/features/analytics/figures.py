"""What analytics says of a store: counts and sums, from which every share is a division. Pure.

A period is what comes after ``begins_at``, up to and with ``ends_at``. Money is in minor units of
the store's currency, points are whole. README, "What the figures mean", has the definitions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from msgspec import Struct

GAPS_MIN = 30
"""Days between orders that it takes to learn from them when a customer is lost."""
CHURN_DAYS, CHURN_DAYS_MIN, CHURN_DAYS_MAX = 180, 30, 365
"""After how many days without an order, where there are too few to learn from; and bounds."""
FEW = 30
"""Fewer customers than these tell too little."""


class Period(Struct, frozen=True, kw_only=True):
    """What a period came to.

    ``active_before`` and ``active_after`` are the customers at its begin and its end, of whom
    ``newly_active`` were none at its begin. ``bought`` counts customers: ``bought_again`` of them
    had two orders or more by the end, ``newcomers`` none before. ``spenders`` ever bought in the
    store's currency until the end, for ``spent_minor`` in all; ``median_minor`` is that of one.
    ``members`` had points by the end, of whom ``active_members`` earned or spent any in the period.
    ``owed`` are the points that could be spent at the end.
    """

    begins_at: datetime
    ends_at: datetime
    active_before: int
    active_after: int
    newly_active: int
    bought: int
    bought_again: int
    newcomers: int
    orders: int
    sales_minor: int
    spenders: int
    spent_minor: int
    median_minor: int
    issued: int
    spent: int
    expired: int
    taken_back: int
    owed: int
    members: int
    active_members: int

    @property
    def retained(self) -> int:
        """Customers at the begin who are customers at the end."""
        return self.active_after - self.newly_active

    @property
    def retention(self) -> Fraction | None:
        """The customer retention rate."""
        return share(self.retained, self.active_before)

    @property
    def churn(self) -> Fraction | None:
        """The share of customers who were lost."""
        return share(self.active_before - self.retained, self.active_before)

    @property
    def repeat(self) -> Fraction | None:
        """The repeat-purchase rate."""
        return share(self.bought_again, self.bought)

    @property
    def redemption(self) -> Fraction | None:
        """The redemption rate of points."""
        return share(self.spent, self.issued)

    @property
    def activity(self) -> Fraction | None:
        """The share of members who are active."""
        return share(self.active_members, self.members)

    @property
    def mean_minor(self) -> int | None:
        """The value per customer to date, to the nearest minor unit."""
        return nearest(self.spent_minor, self.spenders) if self.spenders else None


class Span(Struct, frozen=True, kw_only=True):
    """A period, and the one of the same length before it."""

    now: Period
    before: Period


class Month(Struct, frozen=True, kw_only=True):
    """What a month of the store's zone came to; ``owed`` is of its end, or of now."""

    begins_at: datetime
    bought: int
    newcomers: int
    orders: int
    sales_minor: int
    issued: int
    spent: int
    expired: int
    taken_back: int
    owed: int


class Cohort(Struct, frozen=True, kw_only=True):
    """The customers whose first order was in a month, and how many bought in it and in each since.

    All bought in the first.
    """

    begins_at: datetime
    bought: Sequence[int]

    @property
    def customers(self) -> int:
        """How many they are."""
        return self.bought[0]


class Figures(Struct, frozen=True, kw_only=True):
    """All that is said of a store at an instant.

    A customer is lost after ``churn_days`` without an order, which ``gaps`` between orders say.
    ``other_orders`` counts the orders of other currencies than the store's, by these. ``months``
    are the last ones in which there was anything, oldest first; of each there is a cohort.
    """

    at: datetime
    currency: str
    zone: str
    churn_days: int
    gaps: int
    other_orders: Mapping[str, int]
    pending: int
    spans: Mapping[str, Span]
    months: Sequence[Month]
    cohorts: Sequence[Cohort]

    @property
    def is_learned(self) -> bool:
        """Whether the store's own orders say when a customer is lost."""
        return self.gaps >= GAPS_MIN


def share(part: int, of: int) -> Fraction | None:
    """Return a part of a whole, None of nothing."""
    return Fraction(part, of) if of > 0 else None


def nearest(total: int, of: int) -> int:
    """Return the mean to the nearest whole, halves up."""
    return (2 * total + of) // (2 * of)


def churn_days(gaps: Mapping[int, int]) -> int:
    """Return after how many days without an order a customer is lost.

    ``gaps`` says how often so many days lay between two orders of one customer. Nine in ten who
    came back had done so by then: the 90th percentile by nearest rank, within the bounds.
    """
    count = sum(gaps.values())
    if count < GAPS_MIN:
        return CHURN_DAYS
    rank, seen, days = -(-9 * count // 10), 0, 0
    for days in sorted(gaps):
        seen += gaps[days]
        if seen >= rank:
            break
    return min(max(days, CHURN_DAYS_MIN), CHURN_DAYS_MAX)
