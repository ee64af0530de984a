"""What the editor shows of a program: its parts, and in each the rules with their fields."""

from collections.abc import Sequence

from connector.features.loyalty.editor.fields import Field, Form, Options, Rule, Section
from connector.features.loyalty.editor.standing import is_for_a_tier
from connector.features.loyalty.editor.wording import (
    ROLLING,
    benefit_title,
    choices,
    earn_title,
    multiplier_title,
    reward_title,
)
from connector.features.loyalty.rules.benefits import TERMS
from connector.features.loyalty.rules.program import ORDERS, POINTS, SPEND, Program
from connector.web.catalogues import t, tn
from connector.web.pages import number

TIMES = "\N{MULTIPLICATION SIGN}"
MANY = 10
"""Units are named as for so many: what stands in a field changes, and they do not."""
BELOW_ZERO = ("allow", "clamp", "block")
PERIODS = ("calendar_month", "calendar_week", "calendar_day", "calendar_year", "lifetime")


def sections(form: Form) -> list[Section]:
    """Return all that can be edited by fields."""
    return [
        _earning(form),
        _campaigns(form),
        _rewards(form),
        _tiers(form),
        _benefits(form),
        _expiry(form),
        _limits(form),
    ]


def untold(form: Form, shown: Sequence[Section]) -> list[str]:
    """Return what is wrong that is said beside no field and no rule."""
    rules = [rule for section in shown for rule in section.rules]
    told = {one.error for one in rules}
    told |= {one.error for rule in rules for one in (*rule.fields, *rule.more)}
    return [
        f"{path}: {said}" if path else said
        for path, said in form.mistakes.items()
        if said not in told
    ]


def named_products(program: Program) -> set[str]:
    """Return the ids of all products that a program names."""
    lists = [one.products for one in program.reward]
    lists += [one.products for one in program.benefit]
    lists += [one.exclude.products for one in program.earn]
    lists += [[one.when.product] for one in program.multiplier if one.when.product]
    return {id_ for ids in lists for id_ in ids}


def _earning(form: Form) -> Section:
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
        rules=[_earn(form, n) for n in range(len(form.program.earn))],
        part="earn",
        kinds=kinds,
        add=t("Add a way to earn"),
        nothing=t("Nobody earns points yet. Add a way to earn them."),
    )


def _earn(form: Form, n: int) -> Rule:
    rule, path, currency = form.program.earn[n], f"earn[{n}]", form.program.currency
    fields = [form.field(f"{path}.points", t("Points"))]
    if rule.kind == "order":
        counted = t("Counted are goods, after discounts.")
        fields += [form.field(f"{path}.per_minor.{currency}", t("For every"), currency, counted)]
    if rule.kind == "event":
        label, about = t("Which"), t("By the name that your own system tells us.")
        fields.append(form.field(f"{path}.event", label, about=about, kind="text"))
    about = t("As long as things can be sent back, so that nobody ends up owing points.")
    days = form.field(
        f"{path}.pending_days",
        t("Can be spent after"),
        tn("day", "days", MANY),
        about if rule.kind == "order" else "",
    )
    note = [
        tn("Limited to %s point", "Limited to %s points", one.points) % number(one.points)
        for one in rule.caps
    ]
    note += [t("Some goods do not count")] if rule.exclude else []
    return form.rule(path, earn_title(rule), [*fields, days], _earn_more(form, n), note)


def _earn_more(form: Form, n: int) -> list[Field]:
    rule, path = form.program.earn[n], f"earn[{n}]"
    found: list[Field] = []
    if rule.kind != "sign_up":
        about = t("Of one customer. Empty: as many as they earn.")
        found += [
            form.field(f"{path}.caps[0].points", t("At most"), tn("point", "points", MANY), about),
            form.field(f"{path}.caps[0].per", t("Within"), options=_options(PERIODS)),
        ]
    if rule.kind in {"review", "event", "social_share"}:
        label, days = t("Not again for"), tn("day", "days", MANY)
        found.append(form.field(f"{path}.cooldown_days", label, days))
    if rule.kind == "order":
        waits = [
            ("", t("Nothing more")),
            ("fulfilled", t("The order is fulfilled")),
            ("delivered", t("The order is delivered")),
        ]
        label, about = t("Without these products"), _by_numbers(form, rule.exclude.products)
        found += [
            form.field(f"{path}.pending_until", t("Points wait until"), options=waits),
            form.field(f"{path}.exclude.products", label, about=about, kind="text"),
            form.field(
                f"{path}.exclude.collections",
                t("Without these categories"),
                about=t("As in their addresses, with commas between: gift-cards, sale."),
                kind="text",
            ),
        ]
    return found


def _options(values: Sequence[str]) -> Options:
    """Return values with what they are called."""
    words = choices()
    return [(one, words[one][:1].upper() + words[one][1:]) for one in values]


def _by_numbers(form: Form, products: Sequence[str]) -> str:
    """Return what a field of products says: what they are called, or how they are written."""
    called = form.called(products)
    about = t("The numbers of products in your store, with commas between.")
    return t("Now: %s.") % ", ".join(called) if called else about


def _campaigns(form: Form) -> Section:
    there = enumerate(form.program.multiplier)
    return Section(
        id="campaigns",
        title=t("Campaigns"),
        rules=[_campaign(form, n) for n, one in there if not is_for_a_tier(one.when)],
        part="multiplier",
        add=t("Add a campaign"),
        nothing=t("Every day is alike. Add a campaign for days or goods that earn more."),
    )


def _campaign(form: Form, n: int) -> Rule:
    one, path = form.program.multiplier[n], f"multiplier[{n}]"
    fields = [
        form.field(f"{path}.when.from", t("From"), kind="moment"),
        form.field(f"{path}.when.until", t("Until"), kind="moment"),
        form.field(f"{path}.factor", t("Points"), TIMES),
    ]
    tiers = form.program.tiers.names if form.program.tiers else []
    who = [("", t("Everybody")), *((name, name) for name in tiers)]
    products = [one.when.product] if one.when.product else []
    more = [
        form.field(f"{path}.when.tier", t("For"), options=who),
        form.field(
            f"{path}.when.collection",
            t("Goods of the category"),
            about=t("As in its address: sale. Empty: all goods."),
            kind="text",
        ),
        form.field(
            f"{path}.when.product",
            t("One product alone"),
            about=", ".join(form.called(products)) or t("Its number in your store."),
            kind="text",
        ),
    ]
    return form.rule(path, multiplier_title(one, form.program), fields, more)


def _rewards(form: Form) -> Section:
    kinds = (
        ("amount_off", t("An amount off")),
        ("percent_off", t("A percentage off")),
        ("free_shipping", t("Free delivery")),
        ("part_of_cart", t("Points pay for part of the cart")),
        ("free_product", t("A free product")),
        ("product_off", t("An amount off chosen products")),
    )
    return Section(
        id="rewards",
        title=t("Rewards"),
        rules=[_reward(form, n) for n in range(len(form.program.reward))],
        part="reward",
        kinds=kinds,
        add=t("Add a reward"),
        nothing=t("There is nothing to spend points on yet. Add a reward."),
    )


def _reward(form: Form, n: int) -> Rule:
    one, path, currency = form.program.reward[n], f"reward[{n}]", form.program.currency
    is_part = one.kind == "part_of_cart"
    label = t("Points for each step") if is_part else t("Costs")
    fields = [form.field(f"{path}.cost", label, tn("point", "points", MANY))]
    if currency in one.value_minor:
        label = t("Each step is worth") if is_part else t("Takes off")
        fields.append(form.field(f"{path}.value_minor.{currency}", label, currency))
    if one.percent is not None:
        fields.append(form.field(f"{path}.percent", t("Takes off"), "%"))
    if is_part:
        fields.append(
            form.field(f"{path}.maximum_points", t("At most"), tn("point", "points", MANY))
        )
    if one.products:
        about = _by_numbers(form, one.products)
        fields.append(form.field(f"{path}.products", t("Products"), about=about, kind="text"))
    least = _least(form, path)
    days = form.field(
        f"{path}.code_expires_days",
        t("Codes are good for"),
        tn("day", "days", MANY),
        t("Empty: for good."),
    )
    note = [t("For %s") % ", ".join(one.tiers)] if one.tiers else []
    note += [t("%s in all") % one.stock] if one.stock else []
    more = _reward_more(form, n)
    return form.rule(path, reward_title(one, currency), [*fields, least, days], more, note)


def _least(form: Form, path: str) -> Field:
    currency = form.program.currency
    where = f"{path}.minimum_minor.{currency}"
    return form.field(where, t("On orders from"), currency, t("Empty: on all."))


def _reward_more(form: Form, n: int) -> list[Field]:
    path, found = f"reward[{n}]", []
    if form.program.tiers:
        about = t("Names of tiers, with commas between. Empty: for everybody.")
        found.append(form.field(f"{path}.tiers", t("For"), about=about, kind="text"))
    return [
        *found,
        form.field(f"{path}.stock", t("In all"), about=t("Empty: as many as are wanted.")),
        form.field(f"{path}.limit_per_customer", t("For each customer")),
        form.field(f"{path}.from", t("From"), kind="moment"),
        form.field(f"{path}.until", t("Until"), kind="moment"),
        form.field(
            f"{path}.gives_back",
            t("When a code ends unused"),
            options=[("no", t("The points are gone")), ("yes", t("The points come back"))],
        ),
    ]


def _tiers(form: Form) -> Section:
    tiers = form.program.tiers
    kinds = ((SPEND, t("By spend")), (ORDERS, t("By orders")), (POINTS, t("By points")))
    rules = [_tier(form, n) for n in range(len(tiers.tier))] if tiers else []
    if tiers:
        steps = _options(("whole", "one"))
        more = [
            form.field("tiers.downgrade_step", t("Who has too little falls"), options=steps),
            form.field("tiers.grace_days", t("And keeps the tier for"), tn("day", "days", MANY)),
        ]
        rules.append(form.rule("tiers", t("How they are counted"), [_window(form)], more))
    return Section(
        id="tiers",
        title=t("Tiers"),
        rules=rules,
        part="tiers.tier",
        kinds=() if tiers else kinds,
        add=t("Add a tier"),
        nothing=t("All customers are alike. Add a tier for those who buy most."),
    )


def _window(form: Form) -> Field:
    options = [
        ("calendar_year", t("A calendar year, and the next through")),
        ("lifetime", t("All time")),
    ]
    options += [(f"{ROLLING}{n}", _last(n)) for n in (6, 12, 24)]
    current = form.program.tiers.window if form.program.tiers else ""
    if current not in dict(options):
        options.append((current, _last(int(current.removeprefix(ROLLING)))))
    return form.field("tiers.window", t("Counted over"), options=options)


def _last(months: int) -> str:
    return tn("The last %s month", "The last %s months", months) % months


def _tier(form: Form, n: int) -> Rule:
    if form.program.tiers is None:
        raise ValueError("there are no tiers")
    one, path, currency = form.program.tiers.tier[n], f"tiers.tier[{n}]", form.program.currency
    needs = {
        SPEND: (f"{path}.from_minor.{currency}", currency),
        POINTS: (f"{path}.from_points", tn("point", "points", MANY)),
        ORDERS: (f"{path}.from_orders", tn("order", "orders", MANY)),
    }
    where, unit = needs[form.program.tiers.by]
    fields = [
        form.field(f"{path}.name", t("Name"), kind="text"),
        form.field(where, t("From"), unit),
        form.field(f"{path}.factor", t("Points"), TIMES, t("Empty: as everybody.")),
        form.field(f"{path}.entry_points", t("For reaching it"), tn("point", "points", MANY)),
    ]
    has = ["free_shipping", "free_returns", *(one.id for one in form.program.benefit)]
    about = t("With commas between, of these: %s.") % ", ".join(has)
    more = [form.field(f"{path}.benefits", t("Benefits"), about=about, kind="text")]
    note = []
    if form.counts is not None:
        count = form.counts.get(one.name, 0)
        note = [tn("%s customer now", "%s customers now", count) % number(count)]
    return form.rule(path, one.name, fields, more, [*note, *one.benefits])


def _benefits(form: Form) -> Section:
    kinds = (
        ("member_price", t("A member price")),
        ("free_shipping", t("Free delivery")),
        ("early_access", t("Early access")),
    )
    return Section(
        id="benefits",
        title=t("Benefits of tiers"),
        rules=[_benefit(form, n) for n in range(len(form.program.benefit))],
        part="benefit",
        kinds=kinds,
        add=t("Add a benefit"),
        nothing=t("A tier can give free delivery and free returns without more. Add others here."),
    )


def _benefit(form: Form, n: int) -> Rule:
    one, path, currency = form.program.benefit[n], f"benefit[{n}]", form.program.currency
    fields: list[Field] = []
    if one.percent is not None:
        fields.append(form.field(f"{path}.percent", t("Takes off"), "%"))
    if currency in one.value_minor:
        fields.append(form.field(f"{path}.value_minor.{currency}", t("Takes off"), currency))
    if one.products:
        about = _by_numbers(form, one.products)
        fields.append(form.field(f"{path}.products", t("Products"), about=about, kind="text"))
    if "minimum_minor" in TERMS[one.kind]:
        fields.append(_least(form, path))
    if "from" in TERMS[one.kind]:
        fields.append(form.field(f"{path}.from", t("From"), kind="moment"))
        fields.append(form.field(f"{path}.until", t("Until"), kind="moment"))
    tiers = form.program.tiers.tier if form.program.tiers else []
    held = [tier.name for tier in tiers if one.id in tier.benefits]
    note = [
        t("For %s") % ", ".join(held)
        if held
        else t("No tier has it yet: write %s among the benefits of one") % one.id
    ]
    return form.rule(path, benefit_title(one), fields, note=note)


def _expiry(form: Form) -> Section:
    options = (
        ("none", t("Never")),
        ("lot", t("Some months after they came")),
        ("inactivity", t("When nothing was bought for some months")),
    )
    fields = [
        form.field("expiry.kind", t("Points end"), options=options),
        form.field("expiry.months", t("After"), tn("month", "months", MANY)),
    ]
    at_once, at_end = t("To the day"), t("At the end of that month")
    more = [
        form.field("expiry.end_of_month", t("When"), options=[("no", at_once), ("yes", at_end)]),
        form.field(
            "expiry.remind_days",
            t("Told ahead"),
            about=t("So many days before, with commas between: 30, 7."),
            kind="text",
        ),
    ]
    return Section(id="expiry", title=t("Expiry"), rules=[form.rule("expiry", "", fields, more)])


def _limits(form: Form) -> Section:
    paid = t(
        "By the names that your store has for them, with commas between. Empty: as the store says."
    )
    fields = [
        form.field(
            "budget.points",
            t("Points given in all"),
            tn("point", "points", MANY),
            t("Nobody earns more once they are given. Empty: no end."),
        ),
        form.field("negative_balance", t("A balance below zero"), options=_options(BELOW_ZERO)),
        form.field("paid_statuses", t("Statuses that count as paid"), about=paid, kind="text"),
    ]
    rule = form.rule("limits", "", fields)
    return Section(id="limits", title=t("Limits"), rules=[rule])
