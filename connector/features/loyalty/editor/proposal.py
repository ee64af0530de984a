"""A program to begin with, fitted to what a store has sold: what is typical of it, and then prices.

Buying gives 5 points for each unit of the currency. The first reward is had after about three
typical orders and gives 4 % back, the second twice as much; tiers begin where a quarter and a
twentieth of the customers of a year are above. A merchant changes all of it before publishing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor, log10
from statistics import median, quantiles

import tomli_w

from connector.commerce import records
from connector.commerce.models import StoreRow
from connector.ledger import ledger
from platforms.money import decimals

SAMPLE_MAX = 2000  # accounts that are looked at
ORDERS_MIN = 20  # below that nothing is typical
POINTS = 5  # for each unit of the currency
BACK = 4  # per cent of what earned it that a reward is worth
ORDERS_TO_REWARD = 3
ROUND = (1, 2, 3, 5, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """What a year at a store looks like: orders, customers, and what they spend, in minor units."""

    orders: int
    customers: int
    order_minor: int
    quarter_minor: int
    twentieth_minor: int


async def typical(store: StoreRow, since: datetime) -> Typical | None:
    """Return what is typical of some customers' paid orders since an instant, None of too few.

    Only of those in the store's own currency.
    """
    totals: list[list[int]] = []
    looked_at = 0
    async for accounts in ledger.pages(store.id):
        for orders in (await records.orders_of(store.id, accounts, since)).values():
            paid = [
                order.total_minor
                for order in orders
                if order.is_paid and not order.is_cancelled and order.currency == store.currency
            ]
            totals += [paid] if paid else []
        looked_at += len(accounts)
        if looked_at >= SAMPLE_MAX:
            break
    return summed(totals)


def summed(totals: Sequence[Sequence[int]]) -> Typical | None:
    """Return what is typical of customers by what their orders came to, if there are enough."""
    count = sum(map(len, totals))
    if count < ORDERS_MIN or len(totals) < ORDERS_MIN // 2:
        return None
    years = quantiles((sum(one) for one in totals), n=20, method="inclusive")
    return Typical(
        orders=count,
        customers=len(totals),
        order_minor=round(median(total for one in totals for total in one)),
        quarter_minor=round(years[14]),
        twentieth_minor=round(years[18]),
    )


def proposed(store: StoreRow, found: Typical) -> str:
    """Return the document of the program that is proposed to a store."""
    unit = 10 ** decimals(store.currency)
    off = rounded(found.order_minor * ORDERS_TO_REWARD * BACK / 100, unit)
    cost = max(round(off / unit * 100 / BACK * POINTS / 50), 1) * 50
    silver = rounded(found.quarter_minor, unit)
    gold = max(rounded(found.twentieth_minor, unit), rounded(2 * silver, unit))
    rewards = [
        {
            "id": f"reward-{n}",
            "kind": "amount_off",
            "cost": n * cost,
            "value_minor": {store.currency: n * off},
            "minimum_minor": {store.currency: 2 * n * off},
            "code_expires_days": 60,
        }
        for n in (1, 2)
    ]
    tiers = [("Silver", silver), ("Gold", gold)]
    document = {
        "name": f"{store.name[:80].strip()} Rewards".strip(),
        "engine": 1,
        "timezone": store.timezone,
        "currency": store.currency,
        "earn": [
            {
                "id": "orders",
                "kind": "order",
                "points": POINTS,
                "per_minor": {store.currency: unit},
                "pending_days": 14,
            },
            {"id": "welcome", "kind": "sign_up", "points": max(cost // 10, 1)},
        ],
        "multiplier": [
            {"when": {"tier": "Silver"}, "factor": "1.25"},
            {"when": {"tier": "Gold"}, "factor": "1.5"},
        ],
        "expiry": {"kind": "inactivity", "months": 12, "remind_days": [30]},
        "reward": rewards,
        "tiers": {
            "by": "spend",
            "window": "calendar_year",
            "tier": [
                {"name": name, "from_minor": {store.currency: minor}} for name, minor in tiers
            ],
        },
    }
    return tomli_w.dumps(document)


def rounded(minor: float, unit: int) -> int:
    """Return an amount near another that is easy to say: 1, 2, 3, 5 or 8 and noughts, of units."""
    units = max(minor / unit, 1)
    power = int(10 ** floor(log10(units)))
    near = min((*ROUND, 10), key=lambda one: abs(one * power - units))
    return near * power * unit
