"""What is wrong with the benefits of a program's tiers: names that nothing has, terms that miss."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from connector.features.loyalty.rules.program import PLAIN, Benefit, Program

TERMS: Mapping[str, frozenset[str]] = {
    "free_shipping": frozenset({"minimum_minor"}),
    "member_price": frozenset({"percent", "value_minor", "products", "minimum_minor"}),
    "early_access": frozenset({"products", "from", "until"}),
    "free_returns": frozenset(),
}
"""What a benefit can have, by its kind."""


def unsound(program: Program) -> Iterator[str]:
    """Yield what is wrong with the benefits that a program defines and with those of its tiers."""
    if len({one.id for one in program.benefit}) < len(program.benefit):
        yield "benefit: two benefits have one id"
    for n, one in enumerate(program.benefit):
        yield from _wrong_with(one, f"benefit[{n}]")
    has = [*PLAIN, *(one.id for one in program.benefit)]
    for n, tier in enumerate(program.tiers.tier if program.tiers else ()):
        path = f"tiers.tier[{n}].benefits"
        if len(set(tier.benefits)) < len(tier.benefits):
            yield f"{path}: each once"
        for place, name in enumerate(tier.benefits):
            if name not in has:
                yield f"{path}[{place}]: there is no benefit {name!r}{_meant(name, has)}"


def _meant(name: str, has: list[str]) -> str:
    near = get_close_matches(name, has, n=1)
    return f": did you mean `{near[0]}`?" if near else f"; write one of {', '.join(has)}"


def _wrong_with(one: Benefit, path: str) -> Iterator[str]:
    """Yield what a benefit of its kind lacks, or has and cannot have."""
    given = {
        "percent": one.percent,
        "value_minor": one.value_minor,
        "products": one.products,
        "minimum_minor": one.minimum_minor,
        "from": one.begins_at,
        "until": one.ends_at,
    }
    for name, value in given.items():
        if value and name not in TERMS[one.kind]:
            yield f"{path}.{name}: {one.kind} has none"
    if one.kind == "early_access" and not one.products:
        yield f"{path}: early_access needs products"
    is_amount = bool(one.value_minor or one.products)
    if one.kind == "member_price" and is_amount == bool(one.percent):
        yield f"{path}: member_price needs percent, or else value_minor and products"
    elif one.kind == "member_price" and bool(one.value_minor) != bool(one.products):
        missing = "products" if one.value_minor else "value_minor"
        yield f"{path}: an amount off products needs {missing} too"
