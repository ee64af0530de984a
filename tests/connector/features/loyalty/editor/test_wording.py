"""Every word of a program has one of ours for it."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

import msgspec

from connector.features.loyalty.editor import wording
from connector.features.loyalty.editor.wording import changes
from connector.features.loyalty.rules.document import read
from connector.features.loyalty.rules.program import Program

TITLED = {"id", "earn", "reward", "benefit", "multiplier", "when"}
"""What is told by titles."""


def fields(kind: object) -> Iterator[tuple[str, object]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for one in msgspec.structs.fields(kind):
            yield one.encode_name, one.type
            yield from fields(one.type)
    for inner in get_args(kind):
        yield from fields(inner)


def literals(kind: object) -> set[object]:
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    return {found for inner in get_args(kind) for found in literals(inner)}


def test_every_field_has_a_label():
    assert {name for name, _ in fields(Program)} - TITLED - {*wording.labels()} == set()


def test_every_choice_is_in_words():
    named = {found for _, kind in fields(Program) for found in literals(kind)}
    assert named - {*wording.choices(), 1} == set()


def test_so_many_months_are_counted_in_words():
    text = """
name = "Club"
engine = 1
timezone = "UTC"
currency = "EUR"
[tiers]
by = "orders"
window = "rolling_months:6"
tier = [{ name = "Silver", from_orders = 3 }]
"""
    before, after = read(text), read(text.replace("months:6", "months:1"))
    assert [tuple(one) for one in changes(before, after)] == [
        ("Tiers, counted over", "the last 6 months", "the last 1 month")
    ]
