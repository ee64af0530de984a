"""Which customers are in a tier, and which have points: conditions for a search of people.

By what their accounts were settled to last; who has no account is in no tier and has no points.
"""

from connector.commerce.people import Only

HOLDS = (
    "EXISTS (SELECT 1 FROM account a WHERE a.store = customer.store"
    " AND a.key = 'customer:' || customer.platform_id AND {})"
)
WITHOUT_TIER = Only(f"NOT {HOLDS.format('a.tier IS NOT NULL')}")
WITH_POINTS = Only(HOLDS.format("a.available > 0"))
WITHOUT_POINTS = Only(f"NOT {HOLDS.format('a.available > 0')}")
"""Nothing that could be spent: they may owe some, or wait for some."""


def in_tier(name: str) -> Only:
    """Return the condition to be in a tier."""
    return Only(HOLDS.format("a.tier = {value}"), name)
