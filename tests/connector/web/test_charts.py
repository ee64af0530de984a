"""Charts as geometry: round ticks, bars as high as their values, labels that do not meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.charts import HEIGHT, LETTER, NARROW, TOP, WIDE, bars, ticks

VALUES = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9).map(lambda value: round(value, 3))
)
MONTHS = st.lists(st.text("mwi ", min_size=1, max_size=8), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("least", "most", "found"),
    [
        (0, 0, [0, 1]),
        (0, 1, [0, 1]),
        (3, 4, [0, 2, 4]),
        (0, 1499, [0, 500, 1000, 1500]),
        (0, 16_480, [0, 10_000, 20_000]),
        (-40, 90, [-50, 0, 50, 100]),
        (0, 0.25, [0, 0.1, 0.2, 0.3]),
    ],
)
def test_ticks_are_round(least, most, found):
    assert ticks(least, most) == found


@given(one=VALUES, other=VALUES)
def test_ticks_are_three_or_four_and_hold_all_values(one, other):
    found = ticks(min(one, other), max(one, other))

    assert found[0] <= min(one, other, 0)
    assert found[-1] >= max(one, other, 0)
    assert 0 in found
    assert 3 <= len(found) <= 4 or found in ([0, 1], [-1, 0])


def test_a_bar_is_as_high_as_its_value():
    chart = bars([("Oct", 50, 100), ("Nov", -50, 0)])

    assert [tick.value for tick in chart.ticks] == [-50, 0, 50, 100]
    assert chart.base == TOP + HEIGHT * 2 / 3
    assert [(bar.label, bar.value, bar.is_other, bar.y, bar.height) for bar in chart.bars] == [
        ("Oct", 100, True, 12, 120),
        ("Oct", 50, False, 72, 60),
        ("Nov", 0, True, 132, 0),
        ("Nov", -50, False, 132, 60),
    ]
    assert [(bar.x, bar.width) for bar in chart.bars] == [(17, 8), (25, 8), (67, 8), (75, 8)]


def test_no_points_are_an_empty_plot():
    chart = bars([])

    assert (chart.bars, chart.labels, [tick.value for tick in chart.ticks]) == ([], [], [0, 1])


@given(points=st.lists(st.tuples(st.just("x"), VALUES, VALUES), min_size=1, max_size=40))
def test_bars_stand_in_the_plot_and_apart(points):
    chart = bars(points)

    assert len(chart.bars) == 2 * len(points)
    ends = [0.0]
    for bar in chart.bars:
        assert bar.x >= ends[-1] - 0.01
        assert TOP <= bar.y <= bar.y + bar.height <= TOP + HEIGHT + 0.01
        ends.append(bar.x + bar.width)
    assert ends[-1] <= 100


@given(texts=MONTHS)
def test_labels_never_meet_and_the_last_is_there(texts):
    labels = bars([(text, 1) for text in texts]).labels
    on_phone = [one for one in labels if not one.is_wide]

    assert labels[-1].text == on_phone[-1].text == texts[-1]
    for shown, plot in ((labels, WIDE), (on_phone, NARROW)):
        end = 0.0
        for one in shown:
            size = len(one.text) * LETTER
            share = {"start": 0, "middle": 0.5, "end": 1}[one.anchor]
            start = one.x / 100 * plot - size * share
            assert start >= end - 0.01
            end = start + size
        assert end <= plot + 0.01
