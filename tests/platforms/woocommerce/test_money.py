"""Taxes, fees, currencies and statuses of all kinds of stores, read to the coin."""

from decimal import Decimal

import httpx
import pytest

from platforms.keeping import opened_by
from platforms.woocommerce.adapter import WooCommerce
from platforms.woocommerce.fake import FakeStore, Site, create_fake, orders, products, refunds
from tests.platforms.woocommerce.conftest import KEY, SECRET, URL

WOO = WooCommerce()


@pytest.fixture
def opened(world):
    """Return a function that puts a store up; it returns the store and the adapter's client."""

    def open_(**site):
        store = FakeStore(Site(url=URL, **site), world)
        store.add_key("read_write", key=KEY, secret=SECRET)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(create_fake(store)))
        return store, opened_by(WOO, {"url": URL, "key": KEY, "secret": SECRET}, http)

    return open_


async def read(store, client, price, quantity=1, **more):
    product = products.create(store, {"name": "A", "regular_price": price})
    line = {"product_id": product["id"], "quantity": quantity}
    made = orders.create(store, {"line_items": [line], "set_paid": True, **more})
    order = (await client.fetch("order", [str(made["id"])]))[str(made["id"])]
    return made, order


@pytest.mark.parametrize(
    ("includes", "price", "net", "tax", "total"),
    [
        (False, "10.00", 1000, 200, 1200),  # 20 % on top
        (True, "12.00", 1000, 200, 1200),  # 20 % inside
        (True, "9.98", 832, 166, 998),  # 9.98 / 1.2 = 8.3167, and 1.6633 is tax
    ],
)
async def test_goods_are_without_tax_whether_prices_include_it_or_not(
    opened, includes, price, net, tax, total
):
    store, client = opened(tax_percent=Decimal(20), prices_include_tax=includes)
    _, order = await read(store, client, price)
    (line,) = order.lines
    assert (line.total_minor, line.tax_minor, order.total_minor) == (net, tax, total)


async def test_a_refunded_line_and_its_tax_explain_the_refund(opened):
    store, client = opened(tax_percent=Decimal(20))
    made, _ = await read(store, client, "10.00", 3)
    line = made["line_items"][0]
    tax = [{"id": 1, "refund_total": "2.00"}]
    part = {"id": line["id"], "quantity": 1, "refund_total": "10.00", "refund_tax": tax}
    refunds.create(store, made, {"amount": "12.00", "line_items": [part]})

    order = (await client.fetch("order", [str(made["id"])]))[str(made["id"])]

    (refund,) = order.refunds
    assert (refund.amount_minor, refund.other_minor) == (1200, 0)
    assert [(one.total_minor, one.tax_minor) for one in refund.lines] == [(1000, 200)]


@pytest.mark.parametrize(
    ("currency", "price"), [("EUR", "12.34"), ("JPY", "1234"), ("KWD", "1.234")]
)
async def test_each_currency_has_its_own_decimals(opened, currency, price):
    store, client = opened(currency=currency)
    _, order = await read(store, client, price, 2)
    assert (order.currency, order.total_minor) == (currency, 2468)
    assert order.lines[0].total_minor == 2468


async def test_an_order_of_a_currency_switcher_is_in_its_own_currency(opened):
    store, client = opened(currency="EUR")
    _, order = await read(store, client, "1234.00", currency="JPY")
    assert (order.currency, order.total_minor) == ("JPY", 1234)  # written with the store's decimals


async def test_a_negative_fee_takes_nothing_off_the_goods(opened):
    store, client = opened()
    _, order = await read(store, client, "10.00", fee_lines=[{"name": "Gift", "total": "-3.00"}])
    assert (order.lines[0].total_minor, order.total_minor) == (1000, 700)


async def test_prices_finer_than_coins_are_read_to_the_nearest(opened):
    store, client = opened(decimals=4)
    _, order = await read(store, client, "0.3350", 3)
    assert (order.lines[0].total_minor, order.total_minor) == (101, 101)  # 1.0050, half up


@pytest.mark.parametrize(
    ("method", "status", "is_paid"),
    [
        ("card", "processing", True),
        ("cod", "processing", False),  # to be paid on delivery
        ("cod", "completed", True),
        ("bacs", "on-hold", False),
        ("card", "cancelled", False),
        ("card", "failed", False),
        ("card", "layaway", False),  # of a plugin: unpaid until the merchant says otherwise
    ],
)
async def test_what_counts_as_paid(opened, method, status, is_paid):
    store, client = opened()
    store.statuses.append("layaway")
    made, _ = await read(store, client, "10.00", payment_method=method, set_paid=False)
    orders.set_status(store, made, status)
    order = (await client.fetch("order", [str(made["id"])]))[str(made["id"])]
    assert (order.status, order.is_paid, order.is_cancelled) == (
        status, is_paid, status == "cancelled",
    )  # fmt: skip
