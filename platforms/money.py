"""Money: decimal text to integer minor units and back, by the currency's own decimals."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision

from platforms.errors import Malformed

MINOR_MAX = 10**15  # sums of these fit 64 bits


@lru_cache(maxsize=1000)
def decimals(currency: str) -> int:
    """Return how many decimals the currency has: EUR 2, JPY 0, KWD 3.

    Source: ISO 4217, through CLDR as babel ships it.
    """
    return get_currency_precision(currency)


def nearest_minor(text: str, currency: str) -> int:
    """Return the nearest minor amount, halves away from zero.

    A store may keep prices and taxes finer than its currency's coins; what it charges is whole.

    Raises:
        Malformed: it is no amount.
    """
    places = decimals(currency)
    whole, _, part = text.partition(".")
    digits = whole + part
    try:
        if len(part) <= places and digits.isascii() and digits.isdigit():  # nearly all are so
            minor = int(digits.ljust(len(whole) + places, "0"))
        else:
            minor = int(Decimal(text).scaleb(places).quantize(Decimal(1), ROUND_HALF_UP))
    except (ArithmeticError, ValueError) as error:
        raise Malformed(f"{text!r} is no amount of money") from error
    if abs(minor) > MINOR_MAX:
        raise Malformed(f"{text!r} is more money than there is")
    return minor


def to_text(minor: int, currency: str) -> str:
    """Return the decimal text of an amount, with all its decimals: ``"19.90"``."""
    places = decimals(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"
