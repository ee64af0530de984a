"""The figures of a period in words: what each is, of how many, and what it was before."""

from collections.abc import Callable
from fractions import Fraction

from connector.features.analytics.figures import FEW, Figures, Period
from connector.web.catalogues import t, tn
from connector.web.keyfigures import KeyFigure, News
from connector.web.pages import money, number, percent

HOME, WEEK = "90d", "7d"
NONE = "\N{EN DASH}"


def tiles(figures: Figures, span: str, cost_minor: int | None) -> list[KeyFigure]:
    """Return the figures of a span as tiles; the points owed now cost ``cost_minor``."""
    now, before = figures.spans[span].now, figures.spans[span].before
    return [*_customers(figures, now, before), *_points(figures, now, before, cost_minor)]


def _customers(figures: Figures, now: Period, before: Period) -> list[KeyFigure]:
    days = number(figures.churn_days)

    def amount(minor: int) -> str:
        return money(minor, figures.currency)

    def people(count: int) -> str:
        return _enough(count, tn("%s customer", "%s customers", count))

    return [
        KeyFigure(
            "retention",
            t("Customer retention"),
            _share(now.retention),
            _beside(_share(before.retention), people(now.active_before)),
            t(
                "Of those who were customers when the period began, the share who still are:"
                " (E \N{MINUS SIGN} N) ÷ S. A customer is who ordered within %s days."
            )
            % days,
        ),
        KeyFigure(
            "churn",
            t("Churn"),
            _share(now.churn),
            _beside(_share(before.churn), people(now.active_before)),
            t(
                "Of those who were customers when the period began, the share who had not ordered"
                " for %s days when it ended."
            )
            % days,
        ),
        KeyFigure(
            "repeat",
            t("Bought again"),
            _share(now.repeat),
            _beside(_share(before.repeat), people(now.bought)),
            t(
                "The repeat-purchase rate: of the customers who ordered in the period, the share"
                " with two orders or more by its end."
            ),
        ),
        KeyFigure(
            "value",
            t("Value per customer to date"),
            _or_none(now.mean_minor, amount),
            _beside(
                _or_none(before.mean_minor, amount),
                *([t("median %s") % amount(now.median_minor)] if now.spenders else []),
                people(now.spenders),
            ),
            t(
                "What everybody who ever ordered has paid until the end of the period, less"
                " refunds, with tax and shipping, divided by how many they are."
            ),
        ),
    ]


def _points(
    figures: Figures, now: Period, before: Period, cost_minor: int | None
) -> list[KeyFigure]:
    def points(count: int) -> str:
        return tn("%s point", "%s points", count) % number(count)

    def members(count: int) -> str:
        return _enough(count, tn("%s member", "%s members", count))

    owed = points(now.owed) if cost_minor is None else money(cost_minor, figures.currency)
    return [
        KeyFigure(
            "owed",
            t("Points owed"),
            owed,
            _beside(points(before.owed), *([points(now.owed)] if cost_minor is not None else [])),
            t(
                "All points that can be spent when the period ends, and what they would cost"
                " today if all were spent on the reward that gives most. Points on their way are"
                " left out."
            ),
        ),
        KeyFigure(
            "redemption",
            t("Redemption rate"),
            _share(now.redemption),
            _beside(_share(before.redemption), t("of %s issued") % points(now.issued)),
            t(
                "Points spent in the period, less those given back, divided by the points"
                " issued in it."
            ),
        ),
        KeyFigure(
            "active",
            t("Active members"),
            number(now.active_members),
            _beside(number(before.active_members), members(now.members)),
            t(
                "Customers and guests who earned or spent points in the period, of all who had any"
                " by its end."
            ),
        ),
        KeyFigure(
            "bought",
            t("Customers who ordered"),
            number(now.bought),
            _beside(
                number(before.bought), t("%s of them for the first time") % number(now.newcomers)
            ),
            t(
                "Customers and guests with an order in the period that is paid, not cancelled and"
                " not refunded in full."
            ),
        ),
    ]


def week(figures: Figures) -> list[News]:
    """Return what the last seven days came to, beside the seven before."""
    now, before = figures.spans[WEEK].now, figures.spans[WEEK].before
    sales = (money(one.sales_minor, figures.currency) for one in (now, before))
    return [
        News(t("Orders"), number(now.orders), number(before.orders)),
        News(t("Net sales"), *sales),
        News(t("Customers who ordered"), number(now.bought), number(before.bought)),
        News(t("Of them for the first time"), number(now.newcomers), number(before.newcomers)),
        News(t("Points issued"), number(now.issued), number(before.issued)),
        News(t("Points spent"), number(now.spent), number(before.spent)),
        News(t("Points ended unused"), number(now.expired), number(before.expired)),
    ]


def _share(share: Fraction | None) -> str:
    return NONE if share is None else percent(share)


def _or_none(value: int | None, said: Callable[[int], str]) -> str:
    return NONE if value is None else said(value)


def _enough(count: int, who: str) -> str:
    """Return how many are counted, and say so where they are too few."""
    said = who % number(count)
    return t("too few to tell: %s") % said if count < FEW else t("n\N{NO-BREAK SPACE}%s") % said


def _beside(before: str, *more: str) -> str:
    known = [] if before == NONE else [t("%s before") % before]
    return " · ".join([*known, *more])
