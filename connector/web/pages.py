"""Pages for merchants: rendered on the server, never cached, nor framed or scripted by others.

What they say, they say in the reader's language; figures and days follow its customs.
"""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_datetime_format
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, Response

from connector.web import charts
from connector.web.assets import asset
from connector.web.catalogues import offered, spoken, t, tn
from platforms.money import decimals

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}


def policy(**more: str) -> str:
    """Return what a page may load and do; ``script_src="'self'"`` is what one may do besides."""
    rules = POLICY | {name.replace("_", "-"): rule for name, rule in more.items()}
    return "; ".join(f"{name} {rule}" for name, rule in rules.items())


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": policy(),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """Return a number as people read it, with a real minus."""
    return format_decimal(value, locale=spoken().locale).replace("-", MINUS)


def compact(value: float) -> str:
    """Return a round number as short as it is clear: 20K."""
    short = format_compact_decimal(value, locale=spoken().locale, fraction_digits=1)
    return short.replace("-", MINUS)


def signed(value: int) -> str:
    """Return what came or went, with its sign."""
    return f"+{number(value)}" if value > 0 else number(value)


def percent(share: Fraction) -> str:
    """Return a share in percent with one decimal, halves away from zero."""
    locale = spoken().locale
    tenths = Decimal(share.numerator * 1000) / share.denominator
    whole = tenths.quantize(Decimal(1), ROUND_HALF_UP).scaleb(-3)
    pattern = locale.percent_formats[None].pattern.replace("##0", "##0.0")
    return format_percent(whole, pattern, locale=locale).replace("-", MINUS)


def money(minor: int, currency: str) -> str:
    """Return an amount with its currency."""
    amount = Decimal(minor).scaleb(-decimals(currency))
    return format_currency(amount, currency, locale=spoken().locale).replace("-", MINUS)


def day(at: datetime, zone: str) -> str:
    """Return the day of an instant in a store's zone."""
    return format_date(at.astimezone(ZoneInfo(zone)), "long", locale=spoken().locale)


def short_day(at: datetime, zone: str) -> str:
    """Return the day of an instant in a store's zone, as short as it is clear."""
    return format_date(at.astimezone(ZoneInfo(zone)), "medium", locale=spoken().locale)


def month(at: datetime, zone: str) -> str:
    """Return the month of an instant in a store's zone."""
    return format_skeleton("yMMM", at, ZoneInfo(zone), locale=spoken().locale)


def moment(at: datetime, zone: str) -> str:
    """Return the day and the minute of an instant in a store's zone."""
    locale = spoken().locale
    time = format_time(at, "short", ZoneInfo(zone), locale=locale)
    together = str(get_datetime_format("medium", locale=locale))
    return together.replace("{0}", time).replace("{1}", day(at, zone))


def templates_of(package: str) -> Environment:
    """Return the templates of a package and, of those that it has not, ours."""
    loaders = [PackageLoader(name) for name in dict.fromkeys((package, "connector.web"))]
    pages = Environment(loader=ChoiceLoader(loaders), autoescape=select_autoescape())
    pages.filters |= {
        "number": number,
        "compact": compact,
        "signed": signed,
        "money": money,
        "percent": percent,
        "day": day,
        "short_day": short_day,
        "month": month,
        "moment": moment,
    }
    pages.globals |= {
        "asset": asset,
        "bar_chart": charts.bars,
        "t": t,
        "tn": tn,
        "spoken": spoken,
        "offered": offered,
        "nav": (),
        "toast": None,
    }
    return pages


PAGES = templates_of("connector.web")


def shown(pages: Environment, name: str, status: int = 200, **values: object) -> Response:
    """Return a template's page as an answer."""
    return HTMLResponse(pages.get_template(name).render(**values), status, HEADERS)


def page(name: str, status: int = 200, **values: object) -> Response:
    """Return the page of one of our templates as an answer."""
    return shown(PAGES, name, status, **values)
