"""Which codes an order cannot have together is told of pairs, and of one thing's own codes."""

from dataclasses import replace

from connector.features.loyalty.editor.wording import together
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.together import apart
from platforms.memory.adapter import Memory
from platforms.model import DiscountKind

FIRST = """
name = "Pairs"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = { EUR = 100 }
"""
REWARDS = """
[[reward]]
id = "five"
kind = "amount_off"
cost = 500
value_minor = { EUR = 500 }

[[reward]]
id = "tenth"
kind = "percent_off"
cost = 800
percent = 10

[tiers]
by = "spend"
window = "lifetime"

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 100000 }
benefits = ["free_shipping", "free_returns", "members"]

[[benefit]]
id = "members"
kind = "member_price"
percent = 5
"""
PERCENTS: frozenset[DiscountKind] = frozenset({"percent"})
MIXED: frozenset[DiscountKind] = frozenset({"percent", "free_shipping"})


def test_pairs_and_one_things_own_codes_are_told():
    can = replace(Memory.capabilities, apart=frozenset({PERCENTS, MIXED}))
    found = apart(parse(FIRST + REWARDS), can)
    assert [(one.id, other.id) for one, other in found] == [
        ("tenth", "tenth"),
        ("tenth", "free_shipping"),
        ("tenth", "members"),
        ("free_shipping", "members"),
        ("members", "members"),
    ]


def test_it_is_said_in_sentences():
    can = replace(Memory.capabilities, apart=frozenset({PERCENTS}))
    assert together(parse(FIRST + REWARDS), can) == [
        "An order takes one code of “10 % off”, no second one.",
        "An order takes a code of “10 % off” or of “A member price (members)”, not both.",
        "An order takes one code of “A member price (members)”, no second one.",
    ]


def test_where_all_go_together_that_is_said():
    can = replace(Memory.capabilities, apart=frozenset())
    said = "A customer can use the codes of all rewards and tiers together in one order."
    assert together(parse(FIRST + REWARDS), can) == [said]


def test_where_nothing_is_a_code_nothing_is_said():
    assert together(parse(FIRST), Memory.capabilities) == []
