"""Edits a program's document by a form whose fields are named by their places in it.

``earn[0].points`` is a field's name as it is the path of a mistake in ``rules.document``, so that
what is wrong with it is said beside it. What a form does not name stays as it was; comments are
gone with the first change, as they would go on saying what was.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import tomli_w

from connector.errors import RequestInvalid
from connector.features.loyalty.rules.document import FACTOR, THRESHOLDS, read
from connector.features.loyalty.rules.program import ORDERS, POINTS, SPEND, Program
from connector.web.catalogues import t
from platforms.money import decimals

STEP = re.compile(r"\[(\d+)\]|(\w+)")
NUMBERS_MAX = 11  # digits
PARTS = ("earn", "reward", "tiers.tier")
Table = dict[str, Any]
Reader = Callable[[str, str], Any]
"""Reads the text of the field at a path; raises ValueError with what would be right."""


class Mistaken(Exception):
    """A form has mistakes; ``mistakes`` says of each field what would be right."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__("; ".join(mistakes.values()))
        self.mistakes = mistakes


def _whole(text: str, _: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < NUMBERS_MAX):
        raise ValueError(t("Write a whole number, such as 100."))
    return int(text)


def _money(text: str, path: str) -> int:
    places = decimals(path.rpartition(".")[2])
    try:
        minor = Decimal(text.replace(",", ".")).scaleb(places)
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != int(minor) or not 0 < minor < 10**NUMBERS_MAX:
        like = f"5.{'0' * places}" if places else "500"
        raise ValueError(t("Write an amount above zero, such as %s.") % like)
    return int(minor)


def _text(text: str, _: str) -> str:
    return text


def _is_on(text: str, _: str) -> bool:
    return text == "yes"


def _list(text: str, _: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


AMOUNT = r"\.[A-Z]{3}"
NEEDED: Sequence[tuple[str, Reader]] = (
    (r"earn\[\d+\]\.points|reward\[\d+\]\.(cost|percent|maximum_points)", _whole),
    (r"tiers\.tier\[\d+\]\.from_(points|orders)|expiry\.months", _whole),
    (rf"(earn\[\d+\]\.per_minor|reward\[\d+\]\.value_minor){AMOUNT}", _money),
    (rf"tiers\.tier\[\d+\]\.from_minor{AMOUNT}", _money),
    (r"name|tiers\.tier\[\d+\]\.name|earn\[\d+\]\.event", _text),
    (r"expiry\.kind|tiers\.(window|downgrade_step)|negative_balance", _text),
    (r"expiry\.end_of_month", _is_on),
    (r"reward\[\d+\]\.products", _list),
)
OPTIONAL: Sequence[tuple[str, Reader]] = (
    (r"earn\[\d+\]\.(pending_days|cooldown_days)", _whole),
    (r"reward\[\d+\]\.(code_expires_days|stock|limit_per_customer)", _whole),
    (r"tiers\.tier\[\d+\]\.entry_points|tiers\.grace_days", _whole),
    (rf"reward\[\d+\]\.minimum_minor{AMOUNT}", _money),
)
"""The fields that a form may have, and how each is read."""
TIER_FACTOR = re.compile(r"tiers\.tier\[(\d+)\]\.factor")


def edited(document: str, form: Mapping[str, str]) -> str:
    """Return a document with the fields of a form written into it.

    Raises:
        Mistaken: fields that cannot be read.
    """
    tree = tomllib.loads(document)
    before = [one["name"] for one in _tiers(tree)]
    fields = {path: text.strip() for path, text in form.items() if _is_there(tree, path)}
    mistakes = _tried(fields, lambda path, text: _write(tree, path, text))
    _rename_tiers(tree, before)
    mistakes |= _tried(fields, lambda path, text: _write_factor(tree, path, text))
    if mistakes:
        raise Mistaken(mistakes)
    return tomli_w.dumps(tree)


def _tried(fields: Mapping[str, str], write: Callable[[str, str], None]) -> dict[str, str]:
    """Write fields; return what is wrong with those that cannot be read."""
    mistakes = {}
    for path, text in fields.items():
        try:
            write(path, text)
        except ValueError as error:
            mistakes[path] = str(error)
    return mistakes


def _write(tree: Table, path: str, text: str) -> None:
    for kinds in (NEEDED, OPTIONAL):
        for pattern, read_text in kinds:
            if re.fullmatch(pattern, path):
                if not text and kinds is NEEDED:
                    raise ValueError(t("This has to be filled in."))
                _put(tree, path, read_text(text, path) if text else None)


def _write_factor(tree: Table, path: str, text: str) -> None:
    if found := TIER_FACTOR.fullmatch(path):
        _multiply(tree, _tiers(tree)[int(found[1])]["name"], text)


def added(document: str, part: str, kind: str, taken: Collection[str] = ()) -> str:
    """Return a document with one more way to earn, reward or tier, of a kind, ready to be changed.

    Ids that are ``taken`` belonged to others before.

    Raises:
        RequestInvalid: there is no such kind.
    """
    tree, program = tomllib.loads(document), read(document)
    if part == "tiers.tier":
        _add_tier(tree, program, kind)
    elif part in PARTS and kind in NEW[part]:
        ids = {*taken, *(one.id for one in program.earn), *(one.id for one in program.reward)}
        fresh = kind.replace("_", "-")
        names = (fresh if n == 1 else f"{fresh}-{n}" for n in range(1, len(ids) + 2))
        new = NEW[part][kind](program.currency)
        fields = {"id": next(one for one in names if one not in ids), **new}
        tree.setdefault(part, []).append(fields)
    else:
        raise RequestInvalid(f"nothing of the kind {kind!r} can be added to {part!r}")
    return tomli_w.dumps(tree)


def removed(document: str, path: str) -> str:
    """Return a document without one way to earn, reward or tier; one without any is as it was.

    With a tier goes what was for it alone: its multipliers, and that rewards name it.
    """
    tree = tomllib.loads(document)
    part, _, rest = path.partition("[")
    number = rest.removesuffix("]")
    if part not in PARTS or not number.isdecimal() or not _is_there(tree, path):
        return document
    if part == "tiers.tier":
        _forget_tier(tree, _tiers(tree)[int(number)]["name"])
    if part == "tiers.tier" and len(_tiers(tree)) == 1:
        del tree["tiers"]
        return tomli_w.dumps(tree)
    holder = tree["tiers"] if part == "tiers.tier" else tree
    name = part.rpartition(".")[2]
    del holder[name][int(number)]
    if not holder[name]:
        del holder[name]
    return tomli_w.dumps(tree)


def _major(minor: int, currency: str) -> dict[str, int]:
    """Return an amount that was thought of in hundredths, in a currency's own minor units."""
    return {currency: minor * 10 ** decimals(currency) // 100}


NEW: Mapping[str, Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "earn": {
        "order": lambda of: {"kind": "order", "points": 5, "per_minor": _major(100, of)},
        "sign_up": lambda _: {"kind": "sign_up", "points": 100},
        "newsletter": lambda _: {"kind": "newsletter", "points": 50},
        "birthday": lambda _: {"kind": "birthday", "points": 200},
        "review": lambda _: {
            "kind": "review",
            "points": 50,
            "caps": [{"points": 200, "per": "calendar_month"}],
        },
        "social_share": lambda _: {
            "kind": "social_share",
            "points": 10,
            "caps": [{"points": 20, "per": "calendar_month"}],
        },
        "event": lambda _: {"kind": "event", "points": 20, "event": "quiz"},
    },
    "reward": {
        "amount_off": lambda of: {
            "kind": "amount_off",
            "cost": 500,
            "value_minor": _major(500, of),
            "code_expires_days": 60,
        },
        "percent_off": lambda _: {
            "kind": "percent_off",
            "cost": 500,
            "percent": 10,
            "code_expires_days": 60,
        },
        "free_shipping": lambda _: {
            "kind": "free_shipping",
            "cost": 300,
            "code_expires_days": 60,
        },
        "part_of_cart": lambda of: {
            "kind": "part_of_cart",
            "cost": 100,
            "value_minor": _major(100, of),
            "maximum_points": 2000,
            "code_expires_days": 60,
        },
    },
}
"""What is added begins as this; the amounts are in a currency."""
FIRST_TIER: Mapping[str, Any] = {SPEND: 15000, POINTS: 500, ORDERS: 3}


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name for index, name in STEP.findall(path)]


def _is_there(tree: Table, path: str) -> bool:
    """Return whether a document has the rule, reward or tier that a path leads into, if any."""
    here: Any = tree
    for step in _steps(path):
        if isinstance(step, int):
            return isinstance(here, list) and step < len(here)
        here = here.get(step) if isinstance(here, dict) else None
    return "[" not in path


def _put(tree: Table, path: str, value: object) -> None:
    """Write a value at a path, or take away what is there."""
    *way, last = _steps(path)
    here: Any = tree
    for step in way:
        here = here.setdefault(step, {}) if isinstance(step, str) else here[step]
    if value is not None:
        here[last] = value
    elif here.pop(last, None) and not here:
        _put(tree, path.rpartition(".")[0], None)


def _tiers(tree: Table) -> list[Table]:
    tiers: Table = tree.get("tiers", {})
    found: list[Table] = tiers.get("tier", [])
    return found


def _add_tier(tree: Table, program: Program, by: str) -> None:
    """Add a tier that takes twice as much as the last; the first is by what was chosen."""
    if program.tiers is None:
        if by not in FIRST_TIER:
            raise RequestInvalid(f"tiers are by {', '.join(FIRST_TIER)}, not by {by!r}")
        tree["tiers"] = {"by": by, "window": "calendar_year", "tier": []}
        first = FIRST_TIER[by]
        needs = _major(first, program.currency) if by == SPEND else first
    else:
        by, last = program.tiers.by, program.tiers.tier[-1]
        doubled = {measure: 2 * value for measure, value in last.needs.items()}
        needs = doubled if by == SPEND else doubled[by]
    names = program.tiers.names if program.tiers else []
    numbers = range(len(names) + 1, 2 * len(names) + 2)
    name = next(f"Tier {n}" for n in numbers if f"Tier {n}" not in names)
    _tiers(tree).append({"name": name, THRESHOLDS[by]: needs})


def _multiplier(tree: Table, tier: str) -> int | None:
    """Return the place of the multiplier that is for a tier and for nothing else."""
    there = enumerate(tree.get("multiplier", []))
    return next((n for n, one in there if one["when"] == {"tier": tier}), None)


def _multiply(tree: Table, tier: str, factor: str) -> None:
    factor = factor.replace(",", ".")
    if factor and not (FACTOR.fullmatch(factor) and Decimal(factor)):
        raise ValueError(t("Write by how much, such as 1.5."))
    place = _multiplier(tree, tier)
    if factor and Decimal(factor) != 1:
        if place is None:
            new = {"when": {"tier": tier}, "factor": factor}
            tree.setdefault("multiplier", []).append(new)
        else:
            tree["multiplier"][place]["factor"] = factor
    elif place is not None:
        del tree["multiplier"][place]
        if not tree["multiplier"]:
            del tree["multiplier"]


def _rename_tiers(tree: Table, before: list[str]) -> None:
    """Let what is for a tier be for it under its new name."""
    after = [one["name"] for one in _tiers(tree)]
    names = {was: now for was, now in zip(before, after, strict=True) if was != now}
    if not names:
        return
    for one in tree.get("multiplier", []):
        if one["when"].get("tier") in names:
            one["when"]["tier"] = names[one["when"]["tier"]]
    for one in tree.get("reward", []):
        if "tiers" in one:
            one["tiers"] = [names.get(name, name) for name in one["tiers"]]
        if "cost_in" in one:
            one["cost_in"] = {names.get(name, name): of for name, of in one["cost_in"].items()}


def _forget_tier(tree: Table, name: str) -> None:
    there = tree.get("multiplier", [])
    tree["multiplier"] = [one for one in there if one["when"].get("tier") != name]
    if not tree["multiplier"]:
        del tree["multiplier"]
    for one in tree.get("reward", []):
        one["tiers"] = [other for other in one.get("tiers", []) if other != name]
        one.get("cost_in", {}).pop(name, None)
