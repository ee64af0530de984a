"""A program changed by fields: what they say and nothing else, and every change told in words."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import tomli_w
from hypothesis import given

from connector.errors import RequestInvalid
from connector.features.loyalty.editor.editing import (
    FIRST_TIER,
    NEW,
    Mistaken,
    added,
    edited,
    removed,
)
from connector.features.loyalty.editor.fields import Form
from connector.features.loyalty.editor.sections import sections
from connector.features.loyalty.editor.standing import texts
from connector.features.loyalty.editor.wording import changes
from connector.features.loyalty.rules.document import parse, read
from connector.features.loyalty.rules.program import Budget, Cap, Exclude, Multiplier, When
from connector.features.loyalty.starters import FOLDER, NAMES
from tests.connector.features.loyalty.histories import programs

FASHION = (FOLDER / "fashion.toml").read_text(encoding="utf-8")
WARSAW = FASHION.replace('timezone = "UTC"', 'timezone = "Europe/Warsaw"')
KINDS = [
    *(("earn", kind) for kind in NEW["earn"]),
    ("multiplier", ""),
    *(("reward", kind) for kind in NEW["reward"]),
    *(("benefit", kind) for kind in NEW["benefit"]),
    *(("tiers.tier", kind) for kind in FIRST_TIER),
]


def told(value):
    """Return a document's tables without what is not said."""
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if one is not None}
    return [told(one) for one in value] if isinstance(value, list) else value


def one_more(document, part, kind, **given):
    """Return a document with one more, on 20 November 2026 at eleven in the evening, UTC."""
    given = {"now": datetime(2026, 11, 20, 23, tzinfo=UTC), "product": "42", **given}
    return added(document, part, kind, **given)


def written(program):
    return tomli_w.dumps(told(msgspec.to_builtins(program)))


@given(programs())
def test_a_form_sent_as_it_was_shown_changes_nothing(versions):
    for version in versions:
        document = written(version.program)
        assert read(edited(document, texts(version.program))) == version.program
        shown = sections(Form(version.program))
        rules = [rule for section in shown for rule in section.rules]
        sent = {one.path: one.value for rule in rules for one in (*rule.fields, *rule.more)}
        assert read(edited(document, sent)) == version.program


@given(programs())
def test_words_say_something_exactly_of_what_differs(versions):
    first, second = (version.program for version in versions)

    assert changes(first, first) == []
    assert (changes(first, second) == []) == (first == second)


def test_fields_are_written_where_they_belong():
    document = edited(
        FASHION,
        {
            "earn[0].points": "7",
            "earn[0].per_minor.EUR": "1.50",
            "earn[0].pending_days": "",
            "reward[0].minimum_minor.EUR": "",
            "reward[1].minimum_minor.EUR": "49,99",
            "reward[0].limit_per_customer": "3",
            "expiry.end_of_month": "no",
            "tiers.tier[1].factor": "2,25",
            "tiers.tier[0].entry_points": "50",
            "csrf": "x",
            "name.x[0]": "x",
            "earn[7].points": "x",
        },
    )
    program = parse(document)

    earn, (five, fifteen, _) = program.earn[0], program.reward
    assert (earn.points, earn.per_minor, earn.pending_days) == (7, {"EUR": 150}, 0)
    assert (five.minimum_minor, five.limit_per_customer) == ({}, 3)
    assert fifteen.minimum_minor == {"EUR": 4999}
    assert program.expiry.end_of_month is False
    assert [(one.when.tier, one.factor) for one in program.multiplier] == [
        ("Silver", "1.25"),
        ("Gold", "2.25"),
    ]
    assert program.tiers is not None
    assert program.tiers.tier[0].entry_points == 50


def test_what_few_need_is_written_where_it_belongs():
    document = one_more(one_more(WARSAW, "multiplier", ""), "benefit", "member_price")
    program = parse(
        edited(
            document,
            {
                "earn[0].caps[0].points": "500",
                "earn[0].caps[0].per": "calendar_day",
                "earn[0].pending_until": "delivered",
                "earn[0].exclude.products": "7, 8",
                "earn[0].exclude.collections": "gift-cards",
                "multiplier[2].factor": "3,5",
                "multiplier[2].when.from": "2026-11-27T00:00",
                "multiplier[2].when.until": "2026-11-30T12:30",
                "multiplier[2].when.tier": "Gold",
                "multiplier[2].when.collection": "sale",
                "reward[0].tiers": "Gold, Silver",
                "reward[0].stock": "20",
                "reward[0].until": "2027-07-01T00:00",
                "reward[0].gives_back": "yes",
                "benefit[0].percent": "15",
                "tiers.tier[1].benefits": "free_returns, member-price",
                "tiers.grace_days": "14",
                "tiers.downgrade_step": "one",
                "budget.points": "1000000",
                "negative_balance": "clamp",
                "paid_statuses": "processing, shipped",
                "expiry.remind_days": "30, 7",
            },
        )
    )

    earn, campaign, five = program.earn[0], program.multiplier[2], program.reward[0]
    assert earn.caps == [Cap(points=500, per="calendar_day")]
    assert (earn.pending_until, earn.exclude) == (
        "delivered",
        Exclude(products=["7", "8"], collections=["gift-cards"]),
    )
    # in Warsaw it is an hour later than UTC in winter, two in summer
    assert campaign == Multiplier(
        when=When(
            tier="Gold",
            collection="sale",
            begins_at=datetime(2026, 11, 26, 23, tzinfo=UTC),
            ends_at=datetime(2026, 11, 30, 11, 30, tzinfo=UTC),
        ),
        factor="3.5",
    )
    assert (five.tiers, five.stock, five.gives_back) == (["Gold", "Silver"], 20, True)
    assert five.ends_at == datetime(2027, 6, 30, 22, tzinfo=UTC)
    assert program.benefit[0].percent == 15
    assert program.tiers is not None
    assert program.tiers.tier[1].benefits == ["free_returns", "member-price"]
    assert (program.tiers.grace_days, program.tiers.downgrade_step) == (14, "one")
    assert program.budget == Budget(points=1_000_000)
    assert program.negative_balance == "clamp"
    assert program.paid_statuses == ["processing", "shipped"]
    assert program.expiry.remind_days == [30, 7]


def test_what_is_emptied_is_gone():
    full = edited(
        one_more(FASHION, "multiplier", ""),
        {
            "earn[0].caps[0].points": "500",
            "earn[0].exclude.products": "7",
            "reward[0].tiers": "Gold",
            "budget.points": "10",
            "paid_statuses": "shipped",
        },
    )
    program = parse(
        edited(
            full,
            {
                "earn[0].caps[0].points": "",
                "earn[0].caps[0].per": "calendar_day",
                "earn[0].exclude.products": " , ",
                "multiplier[2].when.from": "",
                "multiplier[2].when.until": "",
                "reward[0].tiers": "",
                "budget.points": "",
                "paid_statuses": "",
            },
        )
    )

    assert program.multiplier[2] == Multiplier(when=When(), factor="2")
    fashion = read(FASHION)
    assert msgspec.structs.replace(program, multiplier=fashion.multiplier) == fashion


def test_a_campaign_begins_as_tomorrow_in_the_programs_zone():
    # eleven in the evening, UTC, is the next day in Warsaw already
    when = parse(one_more(WARSAW, "multiplier", "")).multiplier[2].when
    assert (when.begins_at, when.ends_at) == (
        datetime(2026, 11, 21, 23, tzinfo=UTC),
        datetime(2026, 11, 22, 23, tzinfo=UTC),
    )


def test_an_instant_that_two_clocks_show_stays_as_it_was():
    # the clocks of Warsaw go back at 01:00 UTC on 25 October 2026: it is half past two twice
    for instant in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        document = one_more(WARSAW, "multiplier", "")
        begins = read(document).multiplier[2].when.begins_at
        document = document.replace(str(begins), instant)
        shown = texts(read(document))
        assert shown["multiplier[2].when.from"] == "2026-10-25T02:30"
        when = read(edited(document, shown)).multiplier[2].when
        assert when.begins_at == datetime.fromisoformat(instant)


def test_with_a_benefit_goes_that_tiers_have_it():
    document = one_more(FASHION, "benefit", "member_price")
    document = edited(document, {"tiers.tier[1].benefits": "free_returns, member-price"})
    program = parse(removed(document, "benefit[0]"))

    assert program.tiers is not None
    assert (program.benefit, program.tiers.tier[1].benefits) == ([], ["free_returns"])


@pytest.mark.parametrize("kind", ["free_product", "product_off"])
def test_nothing_is_for_a_product_where_the_store_has_none(kind):
    with pytest.raises(RequestInvalid, match="no product yet"):
        one_more(FASHION, "reward", kind, product="")


def test_amounts_are_in_the_currencys_own_units():
    yen = FASHION.replace("EUR", "JPY")

    assert read(edited(yen, {"earn[0].per_minor.JPY": "150"})).earn[0].per_minor == {"JPY": 150}
    with pytest.raises(Mistaken) as caught:
        edited(yen, {"earn[0].per_minor.JPY": "1.5"})
    assert caught.value.mistakes == {
        "earn[0].per_minor.JPY": "Write an amount above zero, such as 500."
    }


def test_every_mistake_is_told_at_its_field():
    wrong = {
        "earn[0].points": "a lot",
        "earn[0].per_minor.EUR": "0",
        "reward[0].cost": "",
        "reward[0].value_minor.EUR": "1.005",
        "tiers.tier[0].factor": "twice",
        "tiers.tier[1].factor": "0",
        "expiry.months": "²",
        "reward[1].until": "tomorrow",
        "expiry.remind_days": "30, soon",
    }
    with pytest.raises(Mistaken) as caught:
        edited(FASHION, wrong)
    number, amount, factor = (
        "Write a whole number, such as 100.",
        "Write an amount above zero, such as 5.00.",
        "Write by how much, such as 1.5.",
    )
    assert caught.value.mistakes == {
        "earn[0].points": number,
        "earn[0].per_minor.EUR": amount,
        "reward[0].cost": "This has to be filled in.",
        "reward[0].value_minor.EUR": amount,
        "expiry.months": number,
        "reward[1].until": "Write a day and a time, such as 2026-11-27T00:00.",
        "expiry.remind_days": number,
        "tiers.tier[0].factor": factor,
        "tiers.tier[1].factor": factor,
    }


def test_a_tier_under_a_new_name_keeps_what_was_for_it():
    program = read(edited(FASHION, {"tiers.tier[1].name": "Atelier"}))

    assert program.tiers is not None
    assert program.tiers.names == ["Silver", "Atelier"]
    assert [one.when.tier for one in program.multiplier] == ["Silver", "Atelier"]
    assert program.reward[2].tiers == ["Atelier"]


def test_with_a_tier_goes_what_was_for_it_alone():
    program = parse(removed(FASHION, "tiers.tier[1]"))

    assert program.tiers is not None
    assert program.tiers.names == ["Silver"]
    assert [one.when.tier for one in program.multiplier] == ["Silver"]
    assert program.reward[2].tiers == []
    none = parse(removed(removed(FASHION, "tiers.tier[1]"), "tiers.tier[0]"))
    assert (none.tiers, none.multiplier) == (None, [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("part", "kind"), KINDS)
def test_what_is_added_can_be_published_and_removed_again(name, part, kind):
    before = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    after = one_more(before, part, kind)
    program = parse(after)
    tiers = program.tiers.tier if program.tiers else []
    last = len(tiers if part == "tiers.tier" else getattr(program, part)) - 1

    assert len(changes(read(before), read(after))) == 1
    assert read(removed(after, f"{part}[{last}]")) == read(before)


def test_a_new_reward_never_has_an_id_that_another_had():
    taken = {"percent-off", "percent-off-2"}

    assert (
        parse(one_more(FASHION, "reward", "percent_off", taken=taken)).reward[3].id
        == "percent-off-3"
    )
    again = one_more(one_more(FASHION, "earn", "review"), "earn", "review")
    assert [one.id for one in parse(again).earn[1:]] == ["review", "review-2"]


@pytest.mark.parametrize("path", ["earn[9]", "nothing[0]", "name", "", "earn[x]", "tiers.tier[]"])
def test_what_is_not_there_is_not_removed(path):
    assert removed(FASHION, path) == FASHION


def test_a_form_shows_what_was_published_beside_what_changed():
    draft = edited(
        FASHION, {"earn[0].points": "2", "tiers.tier[0].factor": "", "reward[1].cost": "300"}
    )
    draft = removed(one_more(draft, "reward", "free_shipping"), "reward[0]")
    form = Form(read(draft), read(FASHION))

    was = {
        one.path: (one.value, one.was)
        for section in sections(form)
        for rule in section.rules
        for one in rule.fields
        if one.was
    }
    assert was == {
        "earn[0].points": ("2", "1"),
        "tiers.tier[0].factor": ("", "1.25"),
        "reward[0].cost": ("300", "250"),
    }


def test_changes_are_told_as_a_merchant_would():
    after = edited(FASHION, {"earn[0].points": "2", "expiry.months": "18", "reward[0].cost": "90"})

    assert [tuple(one) for one in changes(read(FASHION), read(after))] == [
        ("Points end, months", "12", "18"),
        ("Buying: points", "1", "2"),
        ("€5.00 off: points it costs", "100", "90"),
    ]
    new = changes(read(FASHION), read(one_more(FASHION, "reward", "percent_off")))
    assert [tuple(one) for one in new] == [
        ("New: 10 % off", "", "points it costs: 500; per cent: 10; days a code can be used: 60")
    ]


def test_the_demos_program_can_be_edited():
    document = Path("connector/demo/program.toml").read_text(encoding="utf-8")

    assert read(edited(document, texts(read(document)))) == read(document)
