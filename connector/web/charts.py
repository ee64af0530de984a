"""Bars, from numbers to geometry: x and widths in percent of the plot, y and heights in pixels.

Percent lets a chart have any width without a script, and its text keep its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import ceil

TOP, HEIGHT = 12, 180  # where the highest tick is, and the lowest is so far below
INTERVALS_MAX = 3
LETTER = 7  # px a letter of a label takes at most, in the mean
APART = 10  # px between labels
NARROW, WIDE = 250, 640  # px of the plot on a phone and on a desk, at least
BAND, BAR_MAX = 0.7, 8.0  # share of its place that a bar fills; percent of the plot

Value = int | float
Point = tuple[str, Value] | tuple[str, Value, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line across the plot."""

    value: Value
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar, of the second series if ``is_other``."""

    label: str
    value: Value
    is_other: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What stands under a bar; only a wide chart has room for it if ``is_wide``."""

    text: str
    x: float
    anchor: str
    is_wide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn, in a plot of ``height`` pixels."""

    ticks: Sequence[Tick]
    bars: Sequence[Bar]
    labels: Sequence[Label]
    base: float
    height: int


def bars(points: Sequence[Point]) -> Chart:
    """Return the chart of some points, oldest first, each with one value or with two."""
    values = [value for point in points for value in point[1:]]
    marks = ticks(min(values, default=0), max(values, default=0))
    low, high = marks[0], marks[-1]

    def y(value: Value) -> float:
        return round(TOP + HEIGHT * (high - value) / (high - low), 2)

    return Chart(
        ticks=[Tick(value=mark, y=y(mark)) for mark in marks],
        bars=[
            Bar(
                label=point[0],
                value=value,
                is_other=is_other,
                x=x,
                y=y(max(value, 0)),
                width=width,
                height=round(abs(y(value) - y(0)), 2),
            )
            for index, point in enumerate(points)
            for x, width, value, is_other in _places(index, len(points), point[1:])
        ],
        labels=_labels([point[0] for point in points]),
        base=y(0),
        height=TOP + HEIGHT + 24,
    )


def ticks(least: Value, most: Value) -> list[Value]:
    """Return round numbers from ``least`` or below to ``most`` or above, 0 among them.

    They are 1, 2 or 5 times a power of ten apart, 2 or 3 times; whole numbers are at least 1 apart,
    so that of none and one there are two.
    """
    low, high = Fraction(min(least, 0)), Fraction(max(most, 0))
    is_whole = low.denominator == high.denominator == 1
    if low == high:
        return [0, 1]
    first = 0 if is_whole else -12
    step = next(
        size
        for power in count(first)
        for size in (Fraction(10) ** power * digit for digit in (1, 2, 5))
        if ceil(high / size) + ceil(-low / size) <= INTERVALS_MAX
    )
    found = [step * index for index in range(-ceil(-low / step), ceil(high / step) + 1)]
    return [int(one) if one.denominator == 1 else float(one) for one in found]


def _places(index: int, of: int, values: Sequence[Value]) -> list[tuple[float, float, Value, bool]]:
    """Return where the bars of a point are, the second series first: x, width, value, whether."""
    band = 100 / of
    width = min(band * BAND, BAR_MAX * len(values)) / len(values)
    left = band * (index + 0.5) - width * len(values) / 2
    drawn = reversed([(value, number > 0) for number, value in enumerate(values)])
    return [
        (round(left + width * place, 3), round(width, 3), value, is_other)
        for place, (value, is_other) in enumerate(drawn)
    ]


def _labels(texts: Sequence[str]) -> list[Label]:
    """Return the labels that do not meet, the last among them.

    The first and the last keep to the plot's edges where they might stick out, which takes half
    their size from the room of the next one.
    """
    longest = max((len(text) for text in texts), default=0) * LETTER
    is_tight = len(texts) * longest > NARROW
    size = longest * 3 / 2 + APART if is_tight else longest + APART
    wide = max(ceil(len(texts) * size / WIDE), 1)
    narrow = wide * ceil(len(texts) * size / NARROW / wide)
    labels = []
    for index in range((len(texts) - 1) % wide, len(texts), wide):
        is_last = index == len(texts) - 1
        at, anchor = index + 0.5, "middle"
        if is_tight and (index == 0 or is_last):
            at, anchor = (index + 1, "end") if is_last else (0, "start")
        labels.append(
            Label(
                text=texts[index],
                x=round(100 / len(texts) * at, 3),
                anchor=anchor,
                is_wide=(len(texts) - 1 - index) % narrow > 0,
            )
        )
    return labels
