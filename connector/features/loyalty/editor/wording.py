"""A program in words: its rules, rewards and tiers by name, and two versions by what differs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from connector.features.loyalty.rules.program import (
    Benefit,
    EarnRule,
    Multiplier,
    Program,
    Reward,
)
from connector.features.loyalty.together import Giver, apart, givers
from connector.web.catalogues import t, tn
from connector.web.pages import moment, money, number
from platforms.protocol import Capabilities

WHOLE = ("program", "")
ROLLING = "rolling_months:"
Said = dict[str, str]
"""What is said of a thing, by what it is called."""


class Change(NamedTuple):
    """What differs: ``was`` is empty of what is new, ``now`` of what is gone."""

    what: str
    was: str
    now: str


def earn_title(rule: EarnRule) -> str:
    """Return what a rule is for."""
    titles = {
        "order": t("Buying"),
        "sign_up": t("Opening an account"),
        "newsletter": t("Agreeing to newsletters"),
        "birthday": t("A birthday"),
        "review": t("Writing a review"),
        "social_share": t("Sharing, as they say"),
        "event": t("Doing something: %s") % rule.event,
    }
    return titles[rule.kind]


def reward_title(reward: Reward, currency: str) -> str:
    """Return what a reward gives, its amounts in a currency."""
    value = money(reward.value_minor.get(currency, 0), currency)
    titles = {
        "amount_off": t("%s off") % value,
        "percent_off": t("%s %% off") % reward.percent,
        "product_off": t("%s off chosen products") % value,
        "free_product": t("A free product"),
        "free_shipping": t("Free delivery"),
        "part_of_cart": t("%s off for every step") % value,
    }
    return titles[reward.kind]


def multiplier_title(one: Multiplier, program: Program) -> str:
    """Return whom or what a multiplier is for, its days in the program's zone."""
    when = one.when
    told = [when.tier, when.segment, when.product, when.collection]
    words = [str(one) for one in told if one is not None]
    zone = program.timezone
    if when.begins_at:
        words.append(t("from %s") % moment(when.begins_at, zone))
    if when.ends_at:
        words.append(t("until %s") % moment(when.ends_at, zone))
    return t("More points: %s") % (", ".join(words) or t("everybody"))


def benefit_title(one: Benefit) -> str:
    """Return what a benefit is, and the name that tiers call it by."""
    said = choices()[one.kind]
    return f"{said[:1].upper()}{said[1:]} ({one.id})"


def together(program: Program, can: Capabilities) -> list[str]:
    """Return which codes one order can have together, in sentences; none where nothing is one."""
    told = [_not_both(one, other, program.currency) for one, other in apart(program, can)]
    if givers(program) and not told:
        told = [t("A customer can use the codes of all rewards and tiers together in one order.")]
    return told


def _not_both(one: Giver, other: Giver, currency: str) -> str:
    name, another = _called(one, currency), _called(other, currency)
    if one is other:
        return t("An order takes one code of “%s”, no second one.") % name
    said = t("An order takes a code of “%(one)s” or of “%(other)s”, not both.")
    return said % {"one": name, "other": another}


def _called(one: Giver, currency: str) -> str:
    return reward_title(one, currency) if isinstance(one, Reward) else benefit_title(one)


def changes(before: Program, after: Program) -> list[Change]:
    """Return in words what differs between two programs, and nothing if they are the same."""
    old, new = _described(before), _described(after)
    found: list[Change] = []
    for key in dict.fromkeys([*old, *new]):
        (title, was), (name, now) = old.get(key, ("", {})), new.get(key, ("", {}))
        if not title:
            found.append(Change(t("New: %s") % name, "", _summary(now)))
        elif not name:
            found.append(Change(t("Gone: %s") % title, _summary(was), ""))
        else:
            found += [
                Change(_label(key, name, label), was.get(label, ""), now.get(label, ""))
                for label in dict.fromkeys([*was, *now])
                if was.get(label) != now.get(label)
            ]
    return found


def _label(key: tuple[str, str], name: str, label: str) -> str:
    return label[:1].upper() + label[1:] if key == WHOLE else f"{name}: {label}"


def _summary(said: Said) -> str:
    """Return what is said of a thing that its title does not tell."""
    known = {"id", t("name"), t("kind"), t("place in the list")}
    told = ((label, value) for label, value in said.items() if label not in known)
    return "; ".join(f"{label}: {value}" for label, value in told if value != t("no"))


def _described(program: Program) -> dict[tuple[str, str], tuple[str, Said]]:
    """Return all that a program says, by thing: its title, and what is said of it."""
    of = program.currency
    body: dict[str, Any] = msgspec.to_builtins(program)
    lists = {
        "earn": _named(body.pop("earn"), [earn_title(one) for one in program.earn], "id"),
        "reward": _named(
            body.pop("reward"), [reward_title(one, of) for one in program.reward], "id"
        ),
        "benefit": _named(
            body.pop("benefit"), [benefit_title(one) for one in program.benefit], "id"
        ),
        "multiplier": _multipliers(body.pop("multiplier"), program),
    }
    tiers = body.pop("tiers") or {}
    levels = tiers.pop("tier", [])
    lists["tier"] = _named(levels, [t("Tier %s") % one["name"] for one in levels], "name")
    found = {WHOLE: (t("Program"), _words({**body, "tiers": tiers}, of))}
    for part, things in lists.items():
        for key, (title, fields) in things.items():
            found[part, key] = title, _words(fields, of)
    return found


def _named(
    things: Sequence[dict[str, Any]], titles: Sequence[str], name: str
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return things by what they are called, with their place where there are several."""
    return {
        one[name]: (title, {**one, "place": n})
        for n, (one, title) in enumerate(zip(things, titles, strict=True), start=1)
    }


def _multipliers(
    things: Sequence[dict[str, Any]], program: Program
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return multipliers by what they are for, and their number among those for the same."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for one, row in zip(program.multiplier, things, strict=True):
        key, n = str(msgspec.to_builtins(one.when)), 1
        while f"{key} {n}" in found:
            n += 1
        found[f"{key} {n}"] = multiplier_title(one, program), {"factor": row["factor"]}
    return found


def _words(fields: Mapping[str, Any], currency: str, under: str = "") -> Said:
    """Return what fields say, each by its label; what says nothing is left out."""
    known, found = labels(), Said()
    for name, value in fields.items():
        label = known.get(name, name)
        label = f"{under}, {label}" if under else label
        if isinstance(value, dict) and not name.endswith("_minor"):
            found |= _words(value, currency, label)
        elif value not in (None, [], {}, ""):
            found[label] = _value(name, value, currency)
    return found


def _value(name: str, value: object, currency: str) -> str:
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, dict):
        if name.endswith("_minor"):
            return ", ".join(money(minor, code) for code, minor in sorted(value.items()))
        return _summary(_words(value, currency))
    if isinstance(value, list):
        return ", ".join(_value("", one, currency) for one in value)
    return number(value) if isinstance(value, int) else _choice(str(value))


def _choice(value: str) -> str:
    months = value.removeprefix(ROLLING)
    if months == value:
        return choices().get(value, value)
    return tn("the last %s month", "the last %s months", int(months)) % months


def labels() -> Mapping[str, str]:
    """Return what the fields of a program are called."""
    return {
        "name": t("name"),
        "timezone": t("time zone"),
        "currency": t("currency"),
        "earn_from": t("counts what was bought since"),
        "deleted_orders": t("orders deleted in the store"),
        "negative_balance": t("a balance below zero"),
        "paid_statuses": t("statuses that count as paid"),
        "order_notes": t("notes on orders"),
        "budget": t("budget"),
        "expiry": t("points end"),
        "tiers": t("tiers"),
        "kind": t("kind"),
        "points": t("points"),
        "per_minor": t("for every"),
        "count": t("what counts"),
        "rounding": t("rounding"),
        "pending_days": t("days until points can be spent"),
        "pending_until": t("points wait until orders are"),
        "caps": t("at most"),
        "exclude": t("without"),
        "cooldown_days": t("days between two"),
        "cost": t("points it costs"),
        "cost_in": t("points it costs in tier"),
        "value_minor": t("worth"),
        "percent": t("per cent"),
        "products": t("products"),
        "minimum_minor": t("on orders from"),
        "minimum_points": t("points at least"),
        "maximum_points": t("points at most"),
        "code_expires_days": t("days a code can be used"),
        "stock": t("how many there are"),
        "limit_per_customer": t("how many for each customer"),
        "gives_back": t("unused codes give points back"),
        "months": t("months"),
        "end_of_month": t("at the end of the month"),
        "remind_days": t("days ahead that it is told"),
        "by": t("counted by"),
        "window": t("counted over"),
        "grace_days": t("days of grace"),
        "downgrade_step": t("steps down"),
        "from_minor": t("from"),
        "from_points": t("from, in points"),
        "from_orders": t("from, in orders"),
        "entry_points": t("points for reaching it"),
        "benefits": t("benefits"),
        "factor": t("times"),
        "tier": t("tier"),
        "from": t("from"),
        "until": t("until"),
        "place": t("place in the list"),
        "engine": t("kind of arithmetic"),
        "event": t("what they do"),
        "per": t("for each"),
        "all_or_nothing": t("all of them or none"),
        "product": t("product"),
        "collection": t("collection"),
        "collections": t("collections"),
        "segment": t("segment"),
        "downgrade": t("tiers end"),
    }


def choices() -> Mapping[str, str]:
    """Return what their fixed choices are called."""
    return {
        "order": t("orders"),
        "orders": t("orders"),
        "spend": t("what was spent"),
        "lifetime": t("all time"),
        "calendar_year": t("a calendar year"),
        "lot": t("each some months after it came"),
        "inactivity": t("all, if nothing is bought for some months"),
        "none": t("never"),
        "lines": t("goods"),
        "shipping": t("delivery"),
        "tax": t("tax"),
        "fees": t("fees"),
        "floor": t("down"),
        "half_up": t("to the nearest"),
        "ceil": t("up"),
        "whole": t("as far as the count says"),
        "one": t("one at a time"),
        "allow": t("stays, and the next points pay it"),
        "clamp": t("is forgiven"),
        "block": t("stays, and nothing can be redeemed"),
        "keep": t("keep their points"),
        "void": t("lose their points"),
        "free_shipping": t("free delivery"),
        "free_returns": t("free returns"),
        "member_price": t("a member price"),
        "early_access": t("early access"),
        "points": t("points"),
        "calendar_day": t("a calendar day"),
        "calendar_week": t("a calendar week"),
        "calendar_month": t("a calendar month"),
        "period_end": t("at the end of the period"),
        "fulfilled": t("fulfilled"),
        "delivered": t("delivered"),
        "sign_up": t("Opening an account"),
        "newsletter": t("Agreeing to newsletters"),
        "birthday": t("A birthday"),
        "review": t("Writing a review"),
        "social_share": t("Sharing, as they say"),
        "event": t("Something else they do"),
        "amount_off": t("An amount off"),
        "percent_off": t("A percentage off"),
        "product_off": t("An amount off chosen products"),
        "free_product": t("A free product"),
        "part_of_cart": t("Points pay for part of the cart"),
    }
