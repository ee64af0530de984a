"""What customers earn besides buying: once, again, capped, and on their birthdays."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from connector.features.loyalty.rules.facts import Act, Facts
from connector.features.loyalty.rules.fold import checkpoint, fold
from connector.features.loyalty.rules.program import publications
from tests.connector.features.loyalty.histories import DAY, HOUR, START, program

VERSIONS = publications([(START, program())])
"""Rules as :data:`histories.ACTED`: quiz 10, reviews 20 (30 a week), news 15, birthdays 50."""


def act(id_, kind, at, name=""):
    return Act(id=id_, kind=kind, at=at, name=name)


def earned(acts, days, versions=VERSIONS):
    """Return the points by their causes after so many days."""
    folded = fold(Facts(acts=acts, versions=versions), START + days * DAY)
    assert len({one.key for one in folded.postings}) == len(folded.postings)
    assert folded.purse.available() == sum(one.points for one in folded.postings)
    return {one.cause: one.points for one in folded.postings}


def test_a_review_is_paid_as_far_as_the_week_goes():
    acts = [act(f"v{n}", "review", START + n * HOUR) for n in range(3)]  # 1 January, a Thursday
    acts += [act("v7", "review", START + 5 * DAY)]

    assert earned(acts, 9) == {
        "review:v0/rule:review": 20,
        "review:v1/rule:review": 10,
        "review:v7/rule:review": 20,
    }


def test_an_event_waits_for_its_cooldown_by_the_wall_clock():
    at = START + 85 * DAY  # 27 March: on the 29th Warsaw's clocks go forward
    acts = [act("q0", "event", at, "quiz")]
    early = act("q1", "event", at + timedelta(days=3, hours=-1, seconds=-1), "quiz")
    late = act("q2", "event", at + timedelta(days=3, hours=-1), "quiz")

    assert earned([*acts, early], 200) == {"event:q0/rule:quiz": 10}
    assert earned([*acts, early, late], 200) == {
        "event:q0/rule:quiz": 10,
        "event:q2/rule:quiz": 10,
    }
    assert earned([act("q3", "event", at, "poll")], 200) == {}


def test_consent_is_paid_once_and_after_its_days():
    acts = [
        act("n1", "newsletter", START + HOUR, "no"),
        act("n2", "newsletter", START + 2 * HOUR, "yes"),
        act("n3", "newsletter", START + 9 * DAY, "yes"),
    ]
    (posting,) = fold(Facts(acts=acts, versions=VERSIONS), START + 400 * DAY).postings

    assert (posting.cause, posting.points) == ("newsletter:n2/rule:news", 15)
    assert posting.effective_at == START + 2 * HOUR + 2 * DAY
    assert posting.why == "newsletter, program version 1"


@pytest.mark.parametrize(
    ("said_on", "birthday", "after", "years"),
    [
        (0, "01-31", 300, []),  # 31 January begins at 23:00 UTC of the 30th: 30 days less an hour
        (0, "02-01", 30, []),
        (0, "02-01", 31, ["2026"]),
        (0, "02-01", 31 + 365, ["2026", "2027"]),
        (0, "02-29", 57, []),  # in 2026 it is the 28th, from 23:00 UTC of the 27th
        (0, "02-29", 58, ["2026"]),
        (0, "02-29", 3 * 365, ["2026", "2027", "2028"]),
        (40, "02-01", 300, []),  # it was before they said it
    ],
)
def test_a_birthday_comes_every_year_once_it_is_known_for_a_month(said_on, birthday, after, years):
    acts = [act("b1", "birthday", START + said_on * DAY, birthday)]

    assert list(earned(acts, after)) == [
        f"birthday:{year}-{birthday}/rule:birthday" for year in years
    ]


def test_another_birthday_is_no_second_one_in_a_year():
    acts = [
        act("b1", "birthday", START, "03-01"),
        act("b2", "birthday", START + 60 * DAY, "05-01"),  # 1 March was theirs before that
        act("b3", "birthday", START + 130 * DAY, "12-20"),
    ]

    assert earned(acts, 2 * 365) == {
        "birthday:2026-03-01/rule:birthday": 50,
        "birthday:2027-12-20/rule:birthday": 50,
    }
    assert fold(Facts(acts=acts, versions=VERSIONS), START + 300 * DAY).purse.available() == 50


def test_an_account_is_due_at_the_next_birthday():
    known = Facts(acts=[act("b1", "birthday", START, "06-15")], versions=VERSIONS)
    day = START + timedelta(days=165, hours=-2)  # midnight in Warsaw's summer

    assert fold(known, START + DAY).next_change == day
    assert fold(known, day).next_change == day + timedelta(days=365)
    assert [one.points for one in fold(known, day).postings] == [50]


def test_a_checkpoint_knows_what_was_paid_before_it():
    acts = [
        act("q0", "event", START + DAY, "quiz"),
        act("n1", "newsletter", START + DAY, "yes"),
        act("v0", "review", START + 5 * DAY),  # Tuesday
        act("b1", "birthday", START, "02-14"),
        act("v1", "review", START + 6 * DAY),
        act("q1", "event", START + 3 * DAY, "quiz"),
        act("n2", "newsletter", START + 6 * DAY, "yes"),
    ]
    at = START + 2 * DAY
    for hours in range(0, 24 * 60, 7):
        at = START + hours * HOUR
        since = checkpoint(Facts(acts=acts, versions=VERSIONS), at)
        later = Facts(acts=[one for one in acts if one.at >= at], versions=VERSIONS)
        whole = fold(Facts(acts=acts, versions=VERSIONS), START + 800 * DAY)
        rest = fold(later, START + 800 * DAY, since)

        found = {one.cause for one in rest.postings if one.effective_at >= at}
        assert found == {one.cause for one in whole.postings if one.effective_at >= at}
        assert rest.purse.available() == whole.purse.available()


def test_a_birthday_said_again_is_no_news():
    acts = [act(f"b{n}", "birthday", START + n * 28 * DAY, "06-15") for n in range(40)]

    assert list(earned(acts, 3 * 365)) == [
        f"birthday:{year}-06-15/rule:birthday" for year in (2026, 2027, 2028)
    ]


def test_two_birthdays_in_one_year_are_two():
    acts = [act("b1", "birthday", START - 300 * DAY, "01-10")]
    acts += [act("b2", "birthday", START + 180 * DAY, "11-20")]
    versions = publications([(START - 400 * DAY, program())])

    assert earned(acts, 360, versions) == {
        "birthday:2026-01-10/rule:birthday": 50,
        "birthday:2026-11-20/rule:birthday": 50,
    }


def test_another_zone_moves_no_birthday_that_was_paid():
    acts = [act("b1", "birthday", START, "06-15")]
    there = structs.replace(program(), timezone="Pacific/Auckland")
    here = structs.replace(program(), timezone="America/New_York")
    noon = datetime(2026, 6, 14, 12, tzinfo=UTC)  # midnight in Auckland

    known = Facts(acts=acts, versions=publications([(START, there), (noon + 8 * HOUR, here)]))
    (paid,) = fold(known, noon + 3 * DAY).postings
    assert paid.effective_at == noon
