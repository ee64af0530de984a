"""What an account takes along to another installation, and that all goes on from it as it would.

Laws over drawn histories, and histories made by hand for what must not be missed by luck.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from connector.features.loyalty.rules.facts import Facts, Takeover, as_it_was, until
from connector.features.loyalty.rules.fold import Checkpoint, checkpoint, fold, held
from connector.features.loyalty.rules.holding import Holding
from connector.features.loyalty.rules.program import publications
from tests.connector.features.loyalty.histories import (
    DAY,
    HOUR,
    PLACED_DAYS_MAX,
    START,
    facts,
    histories,
)
from tests.connector.features.loyalty.test_joined_laws import FEWER, JOINED_HOURS, joined, pairs

HOURS = st.integers(PLACED_DAYS_MAX * 24, 120 * 24)
GAPS = st.sampled_from([0, 0, 1, 5 * 24, 40 * 24])


def known(history, at):
    """Return an account's facts as if nothing had happened to it after an instant."""
    lives, redemptions, versions = history
    (then,) = until(facts([life[-1] for life in lives], redemptions, versions), at)
    return as_it_was(then, at)


def gone_on(holding: Holding, versions, begins_at) -> Facts:
    """Return the facts of an installation that begins with what another one knew."""
    program = versions[-1].program
    return Facts(
        takeovers=[Takeover(id="t", holding=holding, batch="b")],
        versions=publications([(begins_at, program)]),
    )


@given(history=histories(), hours=HOURS, gap=GAPS, later=st.integers(0, 400 * 24))
def test_who_moves_has_at_any_later_instant_what_who_stays_has(history, hours, gap, later):
    moved_at = START + hours * HOUR
    begins_at = moved_at + gap * HOUR
    at = begins_at + later * HOUR
    stays = known(history, moved_at)

    moves = gone_on(held(stays, moved_at), stays.versions, begins_at)

    assert held(moves, at) == held(stays, at)
    assert fold(moves, at).purse.available() == fold(stays, at).purse.available()
    assert sum(one.points for one in fold(moves, at).postings) == sum(
        one.points for one in fold(stays, at).postings
    )


@FEWER
@given(pair=pairs(), joined_hours=JOINED_HOURS, hours=HOURS, later=st.integers(0, 400 * 24))
def test_who_was_joined_moves_as_one(pair, joined_hours, hours, later):
    moved_at = START + PLACED_DAYS_MAX * DAY + hours * HOUR
    one = joined(*pair, START + joined_hours * HOUR)
    (then,) = until(one, moved_at)
    stays, at = as_it_was(then, moved_at), moved_at + later * HOUR

    moves = gone_on(held(stays, moved_at), stays.versions, moved_at)

    assert held(moves, at) == held(stays, at)
    assert fold(moves, at).purse.available() == fold(stays, at).purse.available()


@given(history=histories(), hours=HOURS, cut=st.integers(0, 200 * 24), gap=GAPS)
def test_a_checkpoint_forgets_nothing_of_what_was_brought(history, hours, cut, gap):
    moved_at = START + hours * HOUR
    stays = known(history, moved_at)
    moves = gone_on(held(stays, moved_at), stays.versions, moved_at + gap * HOUR)
    cut_at, at = START + hours * HOUR + cut * HOUR, START + 500 * DAY

    since = decode(encode(checkpoint(moves, cut_at)), type=Checkpoint)
    later = replace(moves, takeovers=[one for one in moves.takeovers if one.holding.at >= cut_at])

    whole, rest = fold(moves, at), fold(later, at, since)
    assert (rest.stand, rest.purse.available()) == (whole.stand, whole.purse.available())
    assert {one.key: one.points for one in rest.postings} == {
        one.key: one.points for one in whole.postings if one.effective_at >= cut_at
    }
