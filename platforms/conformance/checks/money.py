"""Money is exact in the currency's own minor units: cents, whole yen, thousandths of a dinar."""

from dataclasses import dataclass
from functools import partial

from platforms.conformance.check import Terms, expect_equal
from platforms.conformance.ground import Ground
from platforms.model import Discount

PRICE_MINOR = 1234


@dataclass(frozen=True, slots=True)
class Money:
    """A currency and how it writes 1234, 100 and 1 of its minor units."""

    currency: str
    price: str
    hundred: str
    one: str


MONIES = (
    Money("EUR", "12.34", "1.00", "0.01"),
    Money("JPY", "1234", "100", "1"),
    Money("KWD", "1.234", "0.100", "0.001"),
)


async def _store(on: Ground, money: Money) -> None:
    expect_equal((await on.client.info()).currency, money.currency, "the store's currency")


async def _lines(on: Ground, money: Money) -> None:
    order = await on.order(await on.buy(3, money.price))
    expect_equal(order.currency, money.currency, "the currency")
    expect_equal(order.lines[0].total_minor, 3 * PRICE_MINOR, "the line")
    expect_equal(order.total_minor, 3 * PRICE_MINOR, "the total")


async def _fee(on: Ground, money: Money) -> None:
    order = await on.order(await on.buy(1, money.price, fee_minor=7))
    expect_equal(order.total_minor, PRICE_MINOR + 7, "the total")


async def _refunds(on: Ground, money: Money) -> None:
    id_ = await on.buy(3, money.price)
    await on.stage.refund(id_, money.hundred, {})
    await on.stage.refund(id_, money.one, {})
    amounts = [one.amount_minor for one in (await on.order(id_)).refunds]
    expect_equal(sorted(amounts), [1, 100], "the refunds")


async def _refund_lines(on: Ground, money: Money) -> None:
    id_ = await on.buy(3, money.price)
    await on.stage.refund(id_, "", {0: 2})
    (made,) = (await on.order(id_)).refunds
    expect_equal(made.amount_minor, 2 * PRICE_MINOR, "the refund")
    expect_equal([line.total_minor for line in made.lines], [2 * PRICE_MINOR], "its lines")


async def _discount(on: Ground, money: Money) -> None:
    wanted = Discount(
        code=on.code(),
        redemption_id="r",
        currency=money.currency,
        amount_minor=101,
        minimum_minor=999,
    )
    expect_equal((await on.issue(wanted)).discount, wanted, "the discount")
    order = await on.order(await on.buy(2, money.price, codes=[wanted.code]))
    expect_equal(sum(line.total_minor for line in order.lines), 2 * PRICE_MINOR - 101, "the goods")


CASES = (
    ("store", "the store's currency is {}", _store, ""),
    ("lines", "lines and totals in {} are exact", _lines, ""),
    ("fee", "a fee in {} is exact", _fee, ""),
    ("refunds", "refunds in {} are exact, to the smallest", _refunds, ""),
    ("refund-lines", "refunded lines in {} are exact", _refund_lines, ""),
    ("discount", "a discount in {} is exact, and takes off just that", _discount, "amount"),
)

for _money in MONIES:
    for _name, _says, _run, _rests_on in CASES:
        Terms(read="platforms/money.py", rests_on=_rests_on, currency=_money.currency).check(
            f"money.{_name}.{_money.currency}", _says.format(_money.currency)
        )(partial(_run, money=_money))
