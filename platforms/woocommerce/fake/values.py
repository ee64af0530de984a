"""Money and time as WooCommerce writes them: decimal strings, and naive stamps in two clocks.

Inside the fake, money is whole minor units and times are aware; only records hold the vendor's
spellings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

from platforms.woocommerce.fake.errors import Record, invalid_param

STAMP = "%Y-%m-%dT%H:%M:%S"
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?"
)
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "KWD": "د.ك"}


def number(exact: Decimal) -> int | float:
    """Return a decimal as a JSON number, whole where it can be."""
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def rounded(exact: Decimal) -> int:
    """Round to a whole, halves away from zero, as PHP does."""
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Money:
    """A store's way with money: minor units inside, decimal strings of so many ``places`` outside.

    The places are the store's own setting, also for orders in another currency. A text of more
    places is rounded.
    """

    places: int

    def minor(self, text: object) -> int:
        """Read a decimal string; empty is zero."""
        return rounded(Decimal(str(text or "0")).scaleb(self.places))

    def exact(self, minor: int) -> Decimal:
        """Return minor units as what they are worth."""
        return Decimal(minor).scaleb(-self.places)

    def text(self, minor: int) -> str:
        """Write minor units with all places."""
        return f"{self.exact(minor):.{self.places}f}"

    def short(self, minor: int) -> str:
        """Write minor units without trailing zeros, as coupon lines have them."""
        text = self.text(minor)
        return text.rstrip("0").rstrip(".") if self.places else text


HUNDREDTHS = Money(2)  # what coupons' amounts are shown in, whatever the store's places


@dataclass(frozen=True, slots=True)
class Taxes:
    """A store's one tax rate: ``percent`` of every line, rounded per line.

    ``are_included``: prices are entered with the tax in them. Shipping and fees never are.
    """

    percent: Decimal
    are_included: bool

    def on(self, net: int) -> int:
        """Return the tax on an amount without it."""
        return rounded(net * self.percent / 100)

    def split(self, entered: int) -> tuple[int, int]:
        """Return what an entered price is without tax, and the tax."""
        if not self.are_included:
            return entered, self.on(entered)
        tax = rounded(entered * self.percent / (100 + self.percent))
        return entered - tax, tax

    def entered(self, net: int, tax: int) -> int:
        """Return what was entered for an amount and its tax."""
        return net + tax if self.are_included else net


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount`` over ``weights`` in proportion, to the cent, never above a weight."""
    whole = sum(weights)
    amount = min(amount, whole)
    if amount <= 0:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    left = amount - sum(parts)
    for place, weight in enumerate(weights):
        extra = min(left, weight - parts[place], 1)
        parts[place] += extra
        left -= extra
    return parts


def gmt(at: datetime) -> str:
    """Write an instant as a naive GMT stamp."""
    return at.astimezone(UTC).strftime(STAMP)


def stamp(record: Record, name: str, at: datetime | None, zone: tzinfo) -> None:
    """Write a time in both of a record's spellings: site time and GMT."""
    record[name] = at.astimezone(zone).strftime(STAMP) if at else None
    record[f"{name}_gmt"] = gmt(at) if at else None


def read_time(text: str, zone: tzinfo) -> datetime:
    """Read a stamp as site time unless it names its own zone."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def read_filter(name: str, text: str, zone: tzinfo, *, dates_are_gmt: bool) -> str:
    """Return the naive GMT stamp that a date filter compares with, the vendor's trap included.

    A stamp that names its zone is first moved to site time; ``dates_are_gmt`` then takes that
    for GMT, so it is off by the site's offset (recorded in New York and Berlin).
    """
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise invalid_param(name, "rest_invalid_date", "Invalid date.")
    site = datetime.fromisoformat(text.upper())
    if found["zone"]:
        site = site.astimezone(zone)
    return gmt(site.replace(tzinfo=UTC if dates_are_gmt else zone))


def offset_hours(at: datetime, zone: tzinfo) -> float:
    """Return how far site time is ahead of GMT, in hours."""
    return (at.astimezone(zone).utcoffset() or timedelta()) / timedelta(hours=1)
