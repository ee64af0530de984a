"""What the editor shows of a program: sections of rules, with their fields and mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import msgspec

from connector.features.loyalty.editor.wording import ROLLING, earn_title, reward_title
from connector.features.loyalty.rules.program import ORDERS, POINTS, SPEND, Program, When
from connector.web.catalogues import t, tn
from connector.web.pages import number
from platforms.money import decimals

TIMES = "\N{MULTIPLICATION SIGN}"
MANY = 10
"""Units are named as for so many: what stands in a field changes, and they do not."""
DASHES = str.maketrans("[].", "---")
Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: its ``path`` in the document, what stands in it, and what ``was`` published."""

    path: str
    id: str
    label: str
    value: str
    unit: str = ""
    help: str = ""
    error: str = ""
    was: str = ""
    options: Options = ()
    is_number: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, reward or tier; ``path`` where it can be removed."""

    title: str
    fields: Sequence[Field]
    path: str = ""
    note: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the program; ``part`` and ``kinds`` where something can be added to it."""

    id: str
    title: str
    note: str = ""
    rules: Sequence[Rule]
    part: str = ""
    kinds: Options = ()
    add: str = ""
    nothing: str = ""


class Form:
    """A program as it is shown: with what was typed, what is wrong with it, and what is live.

    ``counts`` says how many customers are in each tier now.
    """

    def __init__(
        self,
        program: Program,
        published: Program | None = None,
        typed: Mapping[str, str] = MappingProxyType({}),
        mistakes: Mapping[str, str] = MappingProxyType({}),
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.program = program
        self._typed = typed
        self._mistakes = mistakes
        self._counts = counts
        self._now = texts(program)
        self._live = texts(published, by_name=True) if published else None

    def sections(self) -> list[Section]:
        """Return all that can be edited by fields."""
        return [self._earning(), self._rewards(), self._tiers(), self._expiry()]

    def others(self) -> list[str]:
        """Return what is wrong that is said beside no field and no rule."""
        rules = [rule for section in self.sections() for rule in section.rules]
        told = [one.error for one in rules]
        told += [one.error for rule in rules for one in rule.fields]
        return [
            f"{path}: {said}" if path else said
            for path, said in self._mistakes.items()
            if said not in told
        ]

    def _earning(self) -> Section:
        kinds = (
            ("order", t("Buying")),
            ("sign_up", t("Opening an account")),
            ("birthday", t("A birthday")),
            ("review", t("Writing a review")),
            ("newsletter", t("Agreeing to newsletters")),
            ("social_share", t("Sharing, as they say")),
            ("event", t("Something else they do")),
        )
        return Section(
            id="earning",
            title=t("Earning"),
            rules=[self._earn(n) for n in range(len(self.program.earn))],
            part="earn",
            kinds=kinds,
            add=t("Add a way to earn"),
            nothing=t("Nobody earns points yet. Add a way to earn them."),
        )

    def _earn(self, n: int) -> Rule:
        rule, path, currency = self.program.earn[n], f"earn[{n}]", self.program.currency
        fields = [self._field(f"{path}.points", t("Points"))]
        if rule.kind == "order":
            counted = t("Counted are goods, after discounts.")
            fields += [
                self._field(f"{path}.per_minor.{currency}", t("For every"), currency, counted),
            ]
        if rule.kind == "event":
            label, about = t("Which"), t("By the name that your own system tells us.")
            fields.append(self._field(f"{path}.event", label, about=about, is_number=False))
        about = t("As long as things can be sent back, so that nobody ends up owing points.")
        days = self._field(
            f"{path}.pending_days",
            t("Can be spent after"),
            tn("day", "days", MANY),
            about if rule.kind == "order" else "",
        )
        more = [
            tn("Limited to %s point", "Limited to %s points", one.points) % number(one.points)
            for one in rule.caps
        ]
        more += [t("Some goods do not count")] if rule.exclude else []
        return self._rule(path, earn_title(rule), [*fields, days], more)

    def _rewards(self) -> Section:
        kinds = (
            ("amount_off", t("An amount off")),
            ("percent_off", t("A percentage off")),
            ("free_shipping", t("Free delivery")),
            ("part_of_cart", t("Points pay for part of the cart")),
        )
        return Section(
            id="rewards",
            title=t("Rewards"),
            rules=[self._reward(n) for n in range(len(self.program.reward))],
            part="reward",
            kinds=kinds,
            add=t("Add a reward"),
            nothing=t("There is nothing to spend points on yet. Add a reward."),
        )

    def _reward(self, n: int) -> Rule:
        one, path, currency = self.program.reward[n], f"reward[{n}]", self.program.currency
        is_part = one.kind == "part_of_cart"
        label = t("Points for each step") if is_part else t("Costs")
        fields = [self._field(f"{path}.cost", label, tn("point", "points", MANY))]
        if currency in one.value_minor:
            label = t("Each step is worth") if is_part else t("Takes off")
            fields.append(self._field(f"{path}.value_minor.{currency}", label, currency))
        if one.percent is not None:
            fields.append(self._field(f"{path}.percent", t("Takes off"), "%"))
        if is_part:
            fields.append(
                self._field(f"{path}.maximum_points", t("At most"), tn("point", "points", MANY))
            )
        if one.products:
            about = t("The numbers of products in your store, with commas between.")
            fields.append(
                self._field(f"{path}.products", t("Products"), about=about, is_number=False)
            )
        least = self._field(
            f"{path}.minimum_minor.{currency}", t("On orders from"), currency, t("Empty: on all.")
        )
        days = self._field(
            f"{path}.code_expires_days",
            t("Codes are good for"),
            tn("day", "days", MANY),
            t("Empty: for good."),
        )
        more = [t("For %s") % ", ".join(one.tiers)] if one.tiers else []
        more += [t("%s in all") % one.stock] if one.stock else []
        return self._rule(path, reward_title(one, currency), [*fields, least, days], more)

    def _tiers(self) -> Section:
        tiers = self.program.tiers
        kinds = ((SPEND, t("By spend")), (ORDERS, t("By orders")), (POINTS, t("By points")))
        rules = [self._tier(n) for n in range(len(tiers.tier))] if tiers else []
        if tiers:
            rules.append(self._rule("tiers", t("How they are counted"), [self._window()]))
        return Section(
            id="tiers",
            title=t("Tiers"),
            rules=rules,
            part="tiers.tier",
            kinds=() if tiers else kinds,
            add=t("Add a tier"),
            nothing=t("All customers are alike. Add a tier for those who buy most."),
        )

    def _window(self) -> Field:
        options = [
            ("calendar_year", t("A calendar year, and the next through")),
            ("lifetime", t("All time")),
        ]
        options += [(f"{ROLLING}{n}", _last(n)) for n in (6, 12, 24)]
        current = self.program.tiers.window if self.program.tiers else ""
        if current not in dict(options):
            options.append((current, _last(int(current.removeprefix(ROLLING)))))
        return self._field("tiers.window", t("Counted over"), options=options)

    def _tier(self, n: int) -> Rule:
        if self.program.tiers is None:
            raise ValueError("there are no tiers")
        one, path, currency = self.program.tiers.tier[n], f"tiers.tier[{n}]", self.program.currency
        needs = {
            SPEND: (f"{path}.from_minor.{currency}", currency),
            POINTS: (f"{path}.from_points", tn("point", "points", MANY)),
            ORDERS: (f"{path}.from_orders", tn("order", "orders", MANY)),
        }
        where, unit = needs[self.program.tiers.by]
        fields = [
            self._field(f"{path}.name", t("Name"), is_number=False),
            self._field(where, t("From"), unit),
            self._field(f"{path}.factor", t("Points"), TIMES, t("Empty: as everybody.")),
            self._field(f"{path}.entry_points", t("For reaching it"), tn("point", "points", MANY)),
        ]
        count = self._counts.get(one.name, 0)
        now = tn("%s customer now", "%s customers now", count) % number(count)
        more = [now] if self._live is not None else []
        return self._rule(path, one.name, fields, [*more, *one.benefits])

    def _expiry(self) -> Section:
        options = (
            ("none", t("Never")),
            ("lot", t("Some months after they came")),
            ("inactivity", t("When nothing was bought for some months")),
        )
        fields = [
            self._field("expiry.kind", t("Points end"), options=options),
            self._field("expiry.months", t("After"), tn("month", "months", MANY)),
        ]
        rule = self._rule("expiry", "", fields)
        return Section(id="expiry", title=t("Expiry"), rules=[rule])

    def _rule(
        self, path: str, title: str, fields: Sequence[Field], more: Sequence[str] = ()
    ) -> Rule:
        return Rule(
            title=title,
            fields=fields,
            path=path if path.endswith("]") else "",
            note=" · ".join(more),
            error=self._mistakes.get(path, ""),
        )

    def _field(
        self,
        path: str,
        label: str,
        unit: str = "",
        about: str = "",
        *,
        options: Options = (),
        is_number: bool = True,
    ) -> Field:
        value = self._now.get(path, "")
        was = self._was(path, value)
        return Field(
            path=path,
            id=path.translate(DASHES),
            label=label,
            value=self._typed.get(path, value),
            unit=unit,
            help=about,
            error=self._mistakes.get(path) or self._mistakes.get(_amounts(path), ""),
            was="" if was == value else dict(options).get(was, was) or t("nothing"),
            options=options,
            is_number=is_number,
        )

    def _was(self, path: str, value: str) -> str:
        """Return what is published in place of a value: the same if its rule is new."""
        if self._live is None:
            return value
        key = _by_name(path, self.program)
        thing = key.partition("]")[0]
        is_old = "[" not in key or any(one.startswith(thing) for one in self._live)
        return self._live.get(key, "") if is_old else value


def _last(months: int) -> str:
    return tn("The last %s month", "The last %s months", months) % months


def _amounts(path: str) -> str:
    """Return the path of the amounts that one in a currency is among, or the same."""
    before, _, last = path.rpartition(".")
    return before if last.isupper() else path


def _by_name(path: str, program: Program) -> str:
    """Return a path with the name of a rule in place of its number, which may be another."""
    part, _, rest = path.partition("[")
    number, _, last = rest.partition("]")
    names = {
        "earn": [one.id for one in program.earn],
        "reward": [one.id for one in program.reward],
        "tiers.tier": program.tiers.names if program.tiers else [],
    }
    return f"{part}[{names[part][int(number)]}]{last}" if rest else path


def texts(program: Program, *, by_name: bool = False) -> dict[str, str]:
    """Return what stands in each field of a program, by its path; amounts are in major units.

    With ``by_name`` rules are called by their ids, and tiers by their names.
    """
    found: dict[str, str] = {}
    _flatten(msgspec.to_builtins(program), "", found)
    tiers = program.tiers.names if program.tiers else []
    for one in program.multiplier:
        if msgspec.structs.replace(one.when, tier=None) == When() and one.when.tier in tiers:
            found.setdefault(f"tiers.tier[{tiers.index(one.when.tier)}].factor", one.factor)
    if not by_name:
        return found
    named = (path for path in found if path.startswith(("earn[", "reward[", "tiers.tier[")))
    return found | {_by_name(path, program): found[path] for path in named}


def _flatten(value: object, path: str, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            _flatten(one, f"{path}.{name}" if path else name, found)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for n, one in enumerate(value):
            _flatten(one, f"{path}[{n}]", found)
    elif said := _said(value, path):
        found[path] = said


def _said(value: object, path: str) -> str:
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
        case str():
            return value
    return ""
