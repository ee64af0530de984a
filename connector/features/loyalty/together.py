"""Which codes of a program one order cannot have together, as is said before it is published."""

from itertools import combinations_with_replacement

from connector.features.loyalty.perks import perk_of
from connector.features.loyalty.rules.program import Benefit, Program, Reward
from connector.rewards.redemptions import DISCOUNTS
from platforms.model import DiscountKind
from platforms.protocol import Capabilities

Giver = Reward | Benefit


def givers(program: Program) -> list[tuple[Giver, DiscountKind]]:
    """Return the rewards and benefits that come as codes, with what kind of discount each is."""
    perks = {one.id: one for benefits in program.benefits.values() for one in benefits}
    told = [(one, perk_of(one, program.currency).discount) for one in perks.values()]
    return [
        *((one, DISCOUNTS[one.kind]) for one in program.reward),
        *((one, kind) for one, kind in told if kind is not None),
    ]


def apart(program: Program, can: Capabilities) -> list[tuple[Giver, Giver]]:
    """Return of which two an order takes but one code; a thing with itself: one code of it."""
    pairs = combinations_with_replacement(givers(program), 2)
    return [
        (one, other)
        for (one, kind), (other, another) in pairs
        if frozenset({kind, another}) in can.apart
    ]
