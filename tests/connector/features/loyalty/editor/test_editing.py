"""A program changed by fields: what they say and nothing else, and every change told in words."""

from pathlib import Path

import msgspec
import pytest
import tomli_w
from hypothesis import given

from connector.features.loyalty.editor.editing import (
    FIRST_TIER,
    NEW,
    Mistaken,
    added,
    edited,
    removed,
)
from connector.features.loyalty.editor.fields import Form, texts
from connector.features.loyalty.editor.wording import changes
from connector.features.loyalty.rules.document import parse, read
from connector.features.loyalty.starters import FOLDER, NAMES
from tests.connector.features.loyalty.histories import programs

FASHION = (FOLDER / "fashion.toml").read_text(encoding="utf-8")
KINDS = [
    *(("earn", kind) for kind in NEW["earn"]),
    *(("reward", kind) for kind in NEW["reward"]),
    *(("tiers.tier", kind) for kind in FIRST_TIER),
]


def told(value):
    """Return a document's tables without what is not said."""
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if one is not None}
    return [told(one) for one in value] if isinstance(value, list) else value


def written(program):
    return tomli_w.dumps(told(msgspec.to_builtins(program)))


@given(programs())
def test_a_form_sent_as_it_was_shown_changes_nothing(versions):
    for version in versions:
        document = written(version.program)
        assert read(edited(document, texts(version.program))) == version.program


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
    after = added(before, part, kind)
    program = parse(after)
    counts = {"earn": len(program.earn), "reward": len(program.reward)}
    last = counts.get(part, len(program.tiers.tier) if program.tiers else 0) - 1

    assert len(changes(read(before), read(after))) == 1
    assert read(removed(after, f"{part}[{last}]")) == read(before)


def test_a_new_reward_never_has_an_id_that_another_had():
    taken = {"percent-off", "percent-off-2"}

    assert parse(added(FASHION, "reward", "percent_off", taken)).reward[3].id == "percent-off-3"
    again = added(added(FASHION, "earn", "review"), "earn", "review")
    assert [one.id for one in parse(again).earn[1:]] == ["review", "review-2"]


@pytest.mark.parametrize("path", ["earn[9]", "nothing[0]", "name", "", "earn[x]", "tiers.tier[]"])
def test_what_is_not_there_is_not_removed(path):
    assert removed(FASHION, path) == FASHION


def test_a_form_shows_what_was_published_beside_what_changed():
    draft = edited(
        FASHION, {"earn[0].points": "2", "tiers.tier[0].factor": "", "reward[1].cost": "300"}
    )
    draft = removed(added(draft, "reward", "free_shipping"), "reward[0]")
    form = Form(read(draft), read(FASHION))

    was = {
        one.path: (one.value, one.was)
        for section in form.sections()
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
    new = changes(read(FASHION), read(added(FASHION, "reward", "percent_off")))
    assert [tuple(one) for one in new] == [
        ("New: 10 % off", "", "points it costs: 500; per cent: 10; days a code can be used: 60")
    ]


def test_the_demos_program_can_be_edited():
    document = Path("connector/demo/program.toml").read_text(encoding="utf-8")

    assert read(edited(document, texts(read(document)))) == read(document)
