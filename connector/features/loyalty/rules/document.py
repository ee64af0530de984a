"""Reads a program as a merchant writes it, a TOML document, and says what is wrong with it.

What this version of Perennial cannot do yet is refused by name, never ignored: a merchant must not
believe in a rule that nobody applies.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import TypeVar
from zoneinfo import available_timezones

import msgspec
from babel.numbers import list_currencies
from msgspec.inspect import (
    ListType,
    LiteralType,
    Metadata,
    StructType,
    Type,
    UnionType,
    type_info,
)

from connector.errors import InvalidProgram
from connector.features.loyalty.rules.benefits import unsound
from connector.features.loyalty.rules.program import (
    ID,
    ORDERS,
    POINTS,
    SPEND,
    WINDOW,
    Benefit,
    EarnRule,
    Multiplier,
    Program,
    Reward,
    Tiers,
    When,
)

One = TypeVar("One")
FACTOR = re.compile(r"0?\.\d{1,4}|\d{1,3}(\.\d{1,4})?", re.ASCII)
STEP = re.compile(r"\[\w*\]|\w+")
UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`")
WORDS = {
    "Object missing required field": "missing the field",
    f"matching regex {ID!r}": "of a-z, 0-9 and hyphens",
    f"matching regex {WINDOW!r}": "such as lifetime, calendar_year or rolling_months:12",
}
"""What msgspec says, as a merchant would."""
TERMS = ("value_minor", "percent", "products", "maximum_points")
GIFTS_MAX = 20  # to choose from
NEEDED: Mapping[str, frozenset[str]] = {
    "amount_off": frozenset({"value_minor"}),
    "percent_off": frozenset({"percent"}),
    "product_off": frozenset({"value_minor", "products"}),
    "free_product": frozenset({"products"}),
    "free_shipping": frozenset(),
    "part_of_cart": frozenset({"value_minor", "maximum_points"}),
}
"""What a reward takes off, by its kind."""
TYPE = re.compile(r"`(\w+)(?: \| null)?`")
TYPES = {
    "object": "a table",
    "array": "a list",
    "int": "a whole number",
    "float": "a number with a point",
    "bool": "true or false",
    "str": "a text",
    "date": "a day",
    "time": "a time of day",
    "datetime": "a time such as 2026-11-27T00:00:00Z",
}
SHARE_MAX = 100
THRESHOLDS = {SPEND: "from_minor", POINTS: "from_points", ORDERS: "from_orders"}


def parse(text: str) -> Program:
    """Read a program document that is to be published.

    Raises:
        InvalidProgram: with the path of the mistake and what would be right.
    """
    program = read(text)
    for problem in _problems(program):
        raise InvalidProgram(problem)
    return program


def read(text: str) -> Program:
    """Read a program document that was published: what is refused today may have been right then.

    Raises:
        InvalidProgram: it has not the shape of a program.
    """
    try:
        return msgspec.convert(tomllib.loads(text), Program)
    except tomllib.TOMLDecodeError as error:
        raise InvalidProgram(f"this is no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise InvalidProgram(_plain(str(error))) from error


def _plain(message: str) -> str:
    """Return msgspec's message with a path that a merchant can find: ``earn[0].points``."""
    said, _, place = message.partition(" - at `$")
    path = place.removesuffix("`").lstrip(".")
    said = TYPE.sub(lambda type_: TYPES.get(type_[1], type_[0]), said)
    for was, becomes in WORDS.items():
        said = said.replace(was, becomes)
    if unknown := UNKNOWN_FIELD.fullmatch(said):
        said = f"this version does not know the field `{unknown[1]}`{_known(unknown[1], path)}"
    elif said.startswith("Invalid enum value"):
        said += f": write {_choices(path)}"
    return f"{path or 'the document'}: {said}"


def _known(field: str, path: str) -> str:
    """Return what was meant by an unknown field, or else which fields there are."""
    structs = (one for one in _meant(path) if isinstance(one, StructType))
    fields = [one.encode_name for struct in structs for one in struct.fields]
    near = get_close_matches(field, fields, n=1)
    return f": did you mean `{near[0]}`?" if near else f"; those here are {', '.join(fields)}"


def _choices(path: str) -> str:
    literals = (one for one in _meant(path) if isinstance(one, LiteralType))
    return " or ".join(repr(value) for one in literals for value in one.values)


def _meant(path: str) -> list[Type]:
    """Return what a document may have at a path, by the shape of a program."""
    found = [*_one_of(type_info(Program))]
    for step in STEP.findall(path):
        inner = [_within(one, step) for one in found]
        found = [one for within in inner if within for one in _one_of(within)]
    return found


def _within(found: Type, step: str) -> Type | None:
    match found:
        case ListType() if step.startswith("["):
            return found.item_type
        case StructType():
            return next((one.type for one in found.fields if one.encode_name == step), None)
    return None


def _one_of(found: Type) -> Iterator[Type]:
    match found:
        case Metadata():
            yield from _one_of(found.type)
        case UnionType():
            for one in found.types:
                yield from _one_of(one)
        case _:
            yield found


def _problems(program: Program) -> Iterator[str]:
    """Yield what is wrong with a document that has the right shape."""
    if program.timezone not in available_timezones():
        yield f"timezone: {program.timezone!r} is none; write one like Europe/Warsaw"
    if program.earn_from is not None and program.earn_from.tzinfo is None:
        yield "earn_from: say the zone too, such as 2025-01-01T00:00:00Z"
    if len({rule.id for rule in program.earn}) < len(program.earn):
        yield "earn: two rules have one id"
    if len({reward.id for reward in program.reward}) < len(program.reward):
        yield "reward: two rewards have one id"
    yield from _nameless(program)
    yield from _each(program.earn, "earn", _at_odds)
    yield from _each(program.multiplier, "multiplier", _problems_of)
    yield from _each(program.reward, "reward", _wrong_with)
    if program.tiers:
        yield from _unclear(program.tiers)
        if program.tiers.by == POINTS and not program.order_rules:
            yield "tiers.by: points that count come of orders, and no earn rule is for them"
    yield from unsound(program)
    yield from _each(program.benefit, "benefit", _no_window)
    yield from _unheard_of(program)
    yield from _no_currencies(program)


def _nameless(program: Program) -> Iterator[str]:
    tiers = program.tiers.names if program.tiers else []
    for path, name in (
        ("name", program.name),
        *((f"tiers.tier[{n}].name", one) for n, one in enumerate(tiers)),
    ):
        if not name.strip() or not name.isprintable():
            yield f"{path}: write it in letters, in one line"


def _each(
    many: Sequence[One], name: str, wrong: Callable[[One, str], Iterator[str]]
) -> Iterator[str]:
    for n, one in enumerate(many):
        yield from wrong(one, f"{name}[{n}]")


def _at_odds(rule: EarnRule, path: str) -> Iterator[str]:
    if rule.kind == "order" and not rule.per_minor:
        yield f"{path}: order needs per_minor"
    if not set(rule.count) - {"tax"}:
        yield f"{path}.count: write lines, shipping or fees; tax is that of what counts"
    is_order, is_once = rule.kind == "order", rule.kind in {"sign_up", "newsletter", "birthday"}
    given = {
        "per_minor": not is_order and rule.per_minor,
        "caps": rule.kind == "sign_up" and rule.caps,
        "exclude": not is_order and rule.exclude,
        "pending_until": not is_order and rule.pending_until,
        "count": not is_order and rule.count != ["lines"],
        "rounding": not is_order and rule.rounding != "floor",
        "event": rule.kind != "event" and rule.event,
        "cooldown_days": (is_order or is_once) and rule.cooldown_days,
    }
    yield from (f"{path}.{name}: {rule.kind} has none" for name, value in given.items() if value)
    if rule.kind == "event" and rule.event is None:
        yield f"{path}.event: say which one, such as quiz"
    if rule.kind == "social_share" and not (rule.caps and rule.points <= SHARE_MAX):
        yield (
            f"{path}: nobody can check that something was shared: give no more than {SHARE_MAX}"
            ' points, and caps such as [{ points = 20, per = "calendar_month" }]'
        )


def _problems_of(one: Multiplier, path: str) -> Iterator[str]:
    if not FACTOR.fullmatch(one.factor) or not Fraction(one.factor):
        yield f'{path}.factor: {one.factor!r} is none; write one like "1.5", above 0'
    yield from _no_window(one.when, f"{path}.when")


def _no_window(one: When | Reward | Benefit, path: str) -> Iterator[str]:
    ends = [at for at in (one.begins_at, one.ends_at) if at is not None]
    if any(at.tzinfo is None for at in ends):
        yield f"{path}: say the zone too, such as 2026-11-27T00:00:00Z"
    elif ends != sorted(set(ends)):
        yield f"{path}: it ends before it begins"


def _wrong_with(one: Reward, path: str) -> Iterator[str]:
    """Yield what a reward of its kind lacks, or has and cannot have."""
    for name in TERMS:
        is_given, is_needed = bool(getattr(one, name)), name in NEEDED[one.kind]
        if is_needed and not is_given:
            yield f"{path}: {one.kind} needs {name}"
        if is_given and not is_needed:
            yield f"{path}.{name}: {one.kind} has none"
    if one.kind == "free_product" and len(set(one.products)) != len(one.products[:GIFTS_MAX]):
        yield f"{path}.products: {GIFTS_MAX} at most to choose from, each once"
    if one.gives_back and one.code_expires_days is None:
        yield f"{path}.gives_back: say when codes end, by code_expires_days"
    yield from _no_steps(one, path)
    yield from _no_window(one, path)


def _no_steps(one: Reward, path: str) -> Iterator[str]:
    """Yield why nobody could say how many points a part of a cart may cost."""
    least, most = one.minimum_points or one.cost, one.maximum_points
    if most is None:
        if one.minimum_points:
            yield f"{path}.minimum_points: {one.kind} has none"
        return
    if one.cost_in:
        yield f"{path}.cost_in: {one.kind} has none"
    for name, points in (("minimum_points", least), ("maximum_points", most)):
        if points % one.cost:
            yield f"{path}.{name}: write a multiple of its cost, {one.cost}"
    if least > most:
        yield f"{path}.maximum_points: less than the minimum"


def _unclear(tiers: Tiers) -> Iterator[str]:
    """Yield why nobody could say who is in which tier."""
    names = [one.name for one in tiers.tier]
    if len(set(names)) < len(names):
        yield "tiers.tier: two tiers have one name"
    threshold = THRESHOLDS[tiers.by]
    for n, one in enumerate(tiers.tier):
        path = f"tiers.tier[{n}]"
        given = [name for name in THRESHOLDS.values() if getattr(one, name)]
        if given != [threshold]:
            yield f"{path}: tiers are by {tiers.by}, so write {threshold} and no other"
        elif n and not _is_above(one.needs, tiers.tier[n - 1].needs):
            yield f"{path}.{threshold}: more than {names[n - 1]} needs, in the same currencies"


def _is_above(upper: Mapping[str, int], lower: Mapping[str, int]) -> bool:
    return upper.keys() == lower.keys() and all(upper[one] > lower[one] for one in lower)


def _unheard_of(program: Program) -> Iterator[str]:
    """Yield tiers that something asks for and the program does not have."""
    has = {one.name for one in program.tiers.tier} if program.tiers else set()
    asked = [
        (f"multiplier[{n}].when.tier", one.when.tier) for n, one in enumerate(program.multiplier)
    ]
    asked += [
        (f"reward[{n}].tiers", tier) for n, one in enumerate(program.reward) for tier in one.tiers
    ]
    asked += [
        (f"reward[{n}].cost_in", tier)
        for n, one in enumerate(program.reward)
        for tier in one.cost_in
    ]
    for path, tier in asked:
        if tier is not None and tier not in has:
            there = f"write one of {', '.join(sorted(has))}" if has else "there are no tiers"
            yield f"{path}: there is no tier {tier!r}; {there}"


def _no_currencies(program: Program) -> Iterator[str]:
    known = list_currencies()
    used = [("currency", {program.currency: 1})]
    used += [(f"earn[{n}].per_minor", rule.per_minor) for n, rule in enumerate(program.earn)]
    for n, reward in enumerate(program.reward):
        used += [(f"reward[{n}].value_minor", reward.value_minor)]
        used += [(f"reward[{n}].minimum_minor", reward.minimum_minor)]
    for n, benefit in enumerate(program.benefit):
        used += [(f"benefit[{n}].value_minor", benefit.value_minor)]
        used += [(f"benefit[{n}].minimum_minor", benefit.minimum_minor)]
    for n, tier in enumerate(program.tiers.tier if program.tiers else ()):
        used += [(f"tiers.tier[{n}].from_minor", tier.from_minor)]
    for path, amounts in used:
        for code in amounts:
            if code not in known:
                yield f"{path}: {code!r} is no currency code; write one like EUR"
