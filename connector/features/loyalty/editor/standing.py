"""What stands in each field of a program, by its path in the document."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from connector.features.loyalty.rules.program import Program, When
from platforms.money import decimals

NAMED = ("earn[", "reward[", "benefit[", "tiers.tier[")


def texts(program: Program, *, by_name: bool = False) -> dict[str, str]:
    """Return what stands in each field of a program, by its path.

    Amounts are in major units, instants are the clock's in the program's zone. With ``by_name``
    rules are called by their ids, and tiers by their names.
    """
    found: dict[str, str] = {}
    tree = msgspec.to_builtins(program, builtin_types=(datetime,))
    _flatten(tree, "", found, program.zone)
    tiers = program.tiers.names if program.tiers else []
    for one in program.multiplier:
        if is_for_a_tier(one.when) and one.when.tier in tiers:
            found.setdefault(f"tiers.tier[{tiers.index(one.when.tier)}].factor", one.factor)
    if not by_name:
        return found
    named = (path for path in found if path.startswith(NAMED))
    return found | {named_path(path, program): found[path] for path in named}


def is_for_a_tier(when: When) -> bool:
    """Return whether a multiplier is for a tier and for nothing else."""
    return when.tier is not None and msgspec.structs.replace(when, tier=None) == When()


def named_path(path: str, program: Program) -> str:
    """Return a path with the name of a rule in place of its number, which may be another."""
    part, _, rest = path.partition("[")
    number, _, last = rest.partition("]")
    names = {
        "earn": [one.id for one in program.earn],
        "reward": [one.id for one in program.reward],
        "benefit": [one.id for one in program.benefit],
        "tiers.tier": program.tiers.names if program.tiers else [],
    }
    return f"{part}[{names[part][int(number)]}]{last}" if f"{part}[" in NAMED else path


def _flatten(value: object, path: str, found: dict[str, str], zone: ZoneInfo) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            _flatten(one, f"{path}.{name}" if path else name, found, zone)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for n, one in enumerate(value):
            _flatten(one, f"{path}[{n}]", found, zone)
    elif text := said(value, path, zone):
        found[path] = text


def said(value: object, path: str, zone: ZoneInfo) -> str:
    """Return a value as a field has it, empty where there is nothing to say."""
    currency = path.rpartition(".")[2]
    match value:
        case bool():
            return "yes" if value else "no"
        case int() if currency.isupper():
            return f"{Decimal(value).scaleb(-decimals(currency)):f}"
        case int():
            return "" if path.endswith("_days") and not value else str(value)
        case list():
            return ", ".join(map(str, value))
        case datetime():
            is_whole = not value.second and not value.microsecond
            local = value.astimezone(zone).replace(tzinfo=None)
            return local.isoformat(timespec="minutes" if is_whole else "auto")
    return value if isinstance(value, str) else ""
