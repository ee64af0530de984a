"""What points are worth in money, at most."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import floor

from connector.features.loyalty.rules.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The reward that gives most money for a point: ``minor`` of ``currency`` for ``cost``."""

    reward: str
    cost: int
    minor: int
    currency: str

    def of(self, points: int) -> int:
        """Return what so many points come to if all of them are spent on it, in minor units."""
        return floor(Fraction(points * self.minor, self.cost))


def best(program: Program, currency: str, at: datetime) -> Worth | None:
    """Return the best reward for an amount off an order at an instant, None if there is none.

    Percentages, shipping and products have no amount that is known before an order is placed.
    """
    found = [
        Worth(
            reward=reward.id,
            cost=reward.cost,
            minor=reward.value_minor[currency],
            currency=currency,
        )
        for reward in program.reward
        if reward.kind == "amount_off" and reward.is_in(currency) and reward.is_offered(at)
    ]
    return max(found, key=lambda one: Fraction(one.minor, one.cost), default=None)
