"""The figures in words: as many as the README defines, with whom they count."""

import re
from pathlib import Path

from connector.features.analytics.tiles import tiles
from tests.connector.features.analytics.test_figures import figures, move, order

README = Path("README.md").read_text(encoding="utf-8")


def shown(found, span="30d", cost=None):
    return {one.id: (one.value, one.detail) for one in tiles(found, span, cost)}


def test_the_readme_defines_what_the_page_shows_and_no_more():
    text = README.partition("## What the figures mean")[2].partition("\n## ")[0]

    assert re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE) == [
        one.label for one in tiles(figures(), "90d", None)
    ]


def test_of_nobody_nothing_is_told():
    assert shown(figures()) == {
        "retention": ("\N{EN DASH}", "too few to tell: 0 customers"),
        "churn": ("\N{EN DASH}", "too few to tell: 0 customers"),
        "repeat": ("\N{EN DASH}", "too few to tell: 0 customers"),
        "value": ("\N{EN DASH}", "too few to tell: 0 customers"),
        "owed": ("0 points", "0 points before"),
        "redemption": ("\N{EN DASH}", "of 0 points issued"),
        "active": ("0", "0 before · too few to tell: 0 members"),
        "bought": ("0", "0 before · 0 of them for the first time"),
    }


def test_thirty_are_enough_to_tell():
    people = [f"customer:{n}" for n in range(30)]
    orders = [order(one, 1) for one in people] + [order(one, 40) for one in people[:12]]
    moves = [move(one, "earn", 100) for one in people] + [move(people[0], "redeem", -1)]
    found = shown(figures(orders, moves), cost=29_99)

    assert found["repeat"] == ("40.0%", "0.0% before · n\N{NO-BREAK SPACE}30 customers")
    assert found["retention"] == ("100.0%", "too few to tell: 12 customers")
    assert found["value"] == (
        "€14.00",
        "€10.00 before · median €10.00 · n\N{NO-BREAK SPACE}30 customers",
    )
    assert found["owed"] == ("€29.99", "0 points before · 2,999 points")
    assert found["redemption"] == ("0.0%", "of 3,000 points issued")
    assert found["active"] == ("30", "0 before · n\N{NO-BREAK SPACE}30 members")
    assert found["bought"] == ("30", "12 before · 18 of them for the first time")
