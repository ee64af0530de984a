"""Edits a program's document by a form whose fields are named by their places in it.

``earn[0].points`` is a field's name as it is the path of a mistake in ``rules.document``, so that
what is wrong with it is said beside it. What a form does not name stays as it was; comments are
gone with the first change, as they would go on saying what was.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import tomli_w

from connector.errors import RequestInvalid
from connector.features.loyalty.editor.standing import said
from connector.features.loyalty.rules.document import FACTOR, THRESHOLDS, read
from connector.features.loyalty.rules.program import ORDERS, POINTS, SPEND, Program
from connector.web.catalogues import t
from platforms.money import decimals

STEP = re.compile(r"\[(\d+)\]|(\w+)")
NUMBERS_MAX = 11  # digits
PARTS = ("earn", "multiplier", "reward", "benefit", "tiers.tier")
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


def _factor(text: str, _: str) -> str:
    text = text.replace(",", ".")
    if not (FACTOR.fullmatch(text) and Decimal(text)):
        raise ValueError(t("Write by how much, such as 1.5."))
    return text


def _moment(text: str, _: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ValueError(t("Write a day and a time, such as 2026-11-27T00:00.")) from None


def _days(text: str, path: str) -> list[int]:
    return [_whole(one, path) for one in _list(text, path)]


def _text(text: str, _: str) -> str:
    return text


def _is_on(text: str, _: str) -> bool:
    return text == "yes"


def _list(text: str, _: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


AMOUNT = r"\.[A-Z]{3}"
NEEDED: Sequence[tuple[str, Reader]] = (
    (r"earn\[\d+\]\.points|reward\[\d+\]\.(cost|maximum_points)", _whole),
    (r"(reward|benefit)\[\d+\]\.percent", _whole),
    (r"tiers\.tier\[\d+\]\.from_(points|orders)|expiry\.months", _whole),
    (rf"(earn\[\d+\]\.per_minor|(reward|benefit)\[\d+\]\.value_minor){AMOUNT}", _money),
    (rf"tiers\.tier\[\d+\]\.from_minor{AMOUNT}", _money),
    (r"name|tiers\.tier\[\d+\]\.name|earn\[\d+\]\.event", _text),
    (r"expiry\.kind|tiers\.(window|downgrade_step)|negative_balance", _text),
    (r"expiry\.end_of_month|reward\[\d+\]\.gives_back", _is_on),
    (r"(reward|benefit)\[\d+\]\.products", _list),
    (r"multiplier\[\d+\]\.factor", _factor),
)
OPTIONAL: Sequence[tuple[str, Reader]] = (
    (r"earn\[\d+\]\.(pending_days|cooldown_days)", _whole),
    (r"reward\[\d+\]\.(code_expires_days|stock|limit_per_customer)", _whole),
    (r"tiers\.tier\[\d+\]\.entry_points|tiers\.grace_days|budget\.points", _whole),
    (rf"(reward|benefit)\[\d+\]\.minimum_minor{AMOUNT}", _money),
    (r"earn\[\d+\]\.pending_until|multiplier\[\d+\]\.when\.(tier|collection|product)", _text),
    (r"earn\[\d+\]\.exclude\.(products|collections)|reward\[\d+\]\.tiers", _list),
    (r"tiers\.tier\[\d+\]\.benefits|paid_statuses", _list),
    (r"expiry\.remind_days", _days),
    (r"(multiplier\[\d+\]\.when|reward\[\d+\]|benefit\[\d+\])\.(from|until)", _moment),
)
"""The fields that a form may have, and how each is read."""
CAP = re.compile(r"earn\[(\d+)\]\.caps\[0\]\.(points|per)")
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
                _change(tree, path, text, read_text)
    if found := CAP.fullmatch(path):
        _cap(tree["earn"][int(found[1])], found[2], text)


def _change(tree: Table, path: str, text: str, read_text: Reader) -> None:
    """Write what a text says; lists and instants that are shown so already stay as they are."""
    zone, now = ZoneInfo(tree["timezone"]), _at(tree, path)
    if isinstance(now, (list, datetime)) and text == said(now, path, zone):
        return
    value = read_text(text, path) if text else None
    if value in (None, []) and now is None:
        return
    if isinstance(value, datetime):
        value = value.replace(tzinfo=zone)
    _put(tree, path, None if value == [] else value)


def _cap(rule: Table, name: str, text: str) -> None:
    """Write the first cap of a way to earn; without points there is none."""
    caps = rule.setdefault("caps", [])
    if name == "per":
        caps[:1] = [{**one, "per": text} for one in caps[:1]]
    elif text:
        first = caps[0] if caps else {"per": "calendar_month"}
        caps[:1] = [{**first, "points": _whole(text, name)}]
    else:
        del caps[:1]
    if not caps:
        del rule["caps"]


def _write_factor(tree: Table, path: str, text: str) -> None:
    if found := TIER_FACTOR.fullmatch(path):
        _multiply(tree, _tiers(tree)[int(found[1])]["name"], text)


class Given(NamedTuple):
    """What something new begins with: a product of the store's, and when a day begins."""

    currency: str
    product: str
    begins_at: datetime


def added(
    document: str,
    part: str,
    kind: str,
    *,
    now: datetime,
    product: str = "",
    taken: Collection[str] = (),
) -> str:
    """Return a document with one more rule, reward or tier, of a kind, ready to be changed.

    What is for a ``product`` begins with this one, what is for a time with tomorrow. Ids that are
    ``taken`` belonged to others before.

    Raises:
        RequestInvalid: there is no such kind, or no product.
    """
    tree, program = tomllib.loads(document), read(document)
    if part == "tiers.tier":
        _add_tier(tree, program, kind)
    elif part in PARTS and kind in NEW[part]:
        if kind in OF_PRODUCTS and not product:
            raise RequestInvalid(t("your store has no product yet that it could be for"))
        tomorrow = (now.astimezone(program.zone) + timedelta(days=1)).date()
        given = Given(program.currency, product, datetime.combine(tomorrow, time(), program.zone))
        ids = {*taken, *(one.id for one in program.earn), *(one.id for one in program.reward)}
        ids |= {one.id for one in program.benefit}
        fresh = kind.replace("_", "-")
        names = (fresh if n == 1 else f"{fresh}-{n}" for n in range(1, len(ids) + 2))
        id_ = {"id": next(one for one in names if one not in ids)} if kind else {}
        tree.setdefault(part, []).append({**id_, **NEW[part][kind](given)})
    else:
        raise RequestInvalid(f"nothing of the kind {kind!r} can be added to {part!r}")
    return tomli_w.dumps(tree)


def removed(document: str, path: str) -> str:
    """Return a document without one rule, reward or tier; one without any is as it was.

    With a tier goes what was for it alone: its multipliers, and that rewards name it. With a
    benefit goes that tiers have it.
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
    if part == "benefit":
        _forget_benefit(tree, tree[part][int(number)]["id"])
    holder = tree["tiers"] if part == "tiers.tier" else tree
    name = part.rpartition(".")[2]
    del holder[name][int(number)]
    if not holder[name]:
        del holder[name]
    return tomli_w.dumps(tree)


def _major(minor: int, currency: str) -> dict[str, int]:
    """Return an amount that was thought of in hundredths, in a currency's own minor units."""
    return {currency: minor * 10 ** decimals(currency) // 100}


def _for_a_day(given: Given) -> dict[str, datetime]:
    return {"from": given.begins_at, "until": given.begins_at + timedelta(days=1)}


OF_PRODUCTS = ("free_product", "product_off", "early_access")
NEW: Mapping[str, Mapping[str, Callable[[Given], dict[str, Any]]]] = {
    "earn": {
        "order": lambda given: {
            "kind": "order",
            "points": 5,
            "per_minor": _major(100, given.currency),
        },
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
    "multiplier": {"": lambda given: {"when": _for_a_day(given), "factor": "2"}},
    "benefit": {
        "member_price": lambda _: {"kind": "member_price", "percent": 10},
        "free_shipping": lambda given: {
            "kind": "free_shipping",
            "minimum_minor": _major(3000, given.currency),
        },
        "early_access": lambda given: {
            "kind": "early_access",
            "products": [given.product],
            **_for_a_day(given),
        },
    },
    "reward": {
        "amount_off": lambda given: {
            "kind": "amount_off",
            "cost": 500,
            "value_minor": _major(500, given.currency),
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
        "part_of_cart": lambda given: {
            "kind": "part_of_cart",
            "cost": 100,
            "value_minor": _major(100, given.currency),
            "maximum_points": 2000,
            "code_expires_days": 60,
        },
        "free_product": lambda given: {
            "kind": "free_product",
            "cost": 1000,
            "products": [given.product],
            "code_expires_days": 60,
        },
        "product_off": lambda given: {
            "kind": "product_off",
            "cost": 300,
            "value_minor": _major(300, given.currency),
            "products": [given.product],
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


def _at(tree: Table, path: str) -> object:
    """Return what a document has at a path, None where there is nothing."""
    here: Any = tree
    for step in _steps(path):
        here = here.get(step) if isinstance(step, str) else here[step]
        if here is None:
            return None
    return here


def _put(tree: Table, path: str, value: object) -> None:
    """Write a value at a path, or take away what is there."""
    *way, last = _steps(path)
    here: Any = tree
    for step in way:
        here = here.setdefault(step, {}) if isinstance(step, str) else here[step]
    if value is not None:
        here[last] = value
    elif here.pop(last, None) and not here and way[-1:] != ["when"]:  # which there always is
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
    factor = _factor(factor, tier) if factor else ""
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


def _forget_benefit(tree: Table, id_: str) -> None:
    for one in _tiers(tree):
        one["benefits"] = [other for other in one.get("benefits", []) if other != id_]


def _forget_tier(tree: Table, name: str) -> None:
    there = tree.get("multiplier", [])
    tree["multiplier"] = [one for one in there if one["when"].get("tier") != name]
    if not tree["multiplier"]:
        del tree["multiplier"]
    for one in tree.get("reward", []):
        one["tiers"] = [other for other in one.get("tiers", []) if other != name]
        one.get("cost_in", {}).pop(name, None)
