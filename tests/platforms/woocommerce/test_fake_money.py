"""Money of the fake: the store's own number of decimals, taxes, fees, and what coupons show."""

from decimal import Decimal

import httpx
import pytest

from platforms.woocommerce.fake import FakeStore, Site, create_fake
from tests.platforms.woocommerce.conftest import KEY, SECRET, URL


@pytest.fixture
def open_store(world):
    """Return the API of an empty store of a site like this."""

    def client(**site):
        store = FakeStore(Site(url=URL, **site), world)
        store.add_key("read_write", key=KEY, secret=SECRET)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(create_fake(store)),
            base_url=f"{URL}/wp-json/",
            auth=(KEY, SECRET),
        )

    return client


async def order_of(api, price, quantity=1, **more):
    product = (await api.post("wc/v3/products", json={"name": "A", "regular_price": price})).json()
    lines = [{"product_id": product["id"], "quantity": quantity}]
    answer = await api.post("wc/v3/orders", json={"line_items": lines, **more})
    assert answer.status_code == 201
    return answer.json()


def amounts(order):
    return [
        order[name] for name in ("total", "total_tax", "cart_tax", "shipping_tax", "discount_total")
    ]


@pytest.mark.parametrize(
    ("site", "price", "total", "refunded"),
    [
        ({"currency": "JPY"}, "1234", "2468", "1234"),
        ({"currency": "KWD"}, "1.234", "2.468", "1.234"),
        ({"currency": "EUR"}, "1.234", "2.46", "1.23"),
        ({"currency": "EUR", "decimals": 3}, "1.234", "2.468", "1.234"),
        ({"currency": "EUR", "decimals": 0}, "12.60", "26", "13"),
    ],
)
async def test_amounts_have_the_stores_decimals(open_store, site, price, total, refunded):
    api = open_store(**site)
    order = await order_of(api, price, 2)
    line = order["line_items"][0]
    back = {"id": line["id"], "quantity": 1, "refund_total": refunded}
    path = f"wc/v3/orders/{order['id']}/refunds"
    refund = (await api.post(path, json={"line_items": [back]})).json()

    assert (order["total"], line["total"]) == (total, total)
    assert (refund["amount"], refund["line_items"][0]["total"]) == (refunded, f"-{refunded}")


async def test_another_currency_keeps_the_stores_decimals(open_store):
    order = await order_of(open_store(currency="EUR"), "1234", currency="JPY")

    assert (order["currency"], order["currency_symbol"], order["total"]) == ("JPY", "¥", "1234.00")


async def test_the_store_api_counts_in_the_stores_own_minor_units(open_store):
    api = open_store(currency="KWD")
    order = await order_of(api, "1.234")
    nonce = (await api.get("wc/store/v1/cart")).headers["nonce"]
    item = {"id": order["line_items"][0]["product_id"], "quantity": 2}
    added = await api.post("wc/store/v1/cart/add-item", json=item, headers={"Nonce": nonce})
    totals, prices = added.json()["totals"], added.json()["items"][0]["prices"]

    assert (totals["total_items"], totals["currency_minor_unit"]) == ("2468", 3)
    assert (prices["raw_prices"]["price"], prices["raw_prices"]["precision"]) == ("1234000", 6)


@pytest.mark.parametrize(
    ("currency", "asked", "shown", "total"),
    [("KWD", "1.234", "1.23", "8.766"), ("JPY", "500", "500.00", "9500")],
)
async def test_coupons_show_two_places_and_take_off_the_exact_amount(
    open_store, currency, asked, shown, total
):
    api = open_store(currency=currency)
    made = (await api.post("wc/v3/coupons", json={"code": "X", "amount": asked})).json()
    listed = (await api.get("wc/v3/coupons")).json()
    price = "10" if currency == "KWD" else "10000"
    order = await order_of(api, price, coupon_lines=[{"code": "x"}])

    assert (made["amount"], listed[0]["amount"]) == (shown, shown)
    assert order["total"] == total


async def test_tax_stands_beside_the_lines_and_in_the_total(open_store):
    api = open_store(tax_percent=Decimal("8.875"))
    shipping = [{"method_id": "flat_rate", "total": "4.90"}]
    order = await order_of(api, "2.05", 3, shipping_lines=shipping)
    line = order["line_items"][0]

    assert (line["subtotal"], line["total"], line["total_tax"]) == ("6.15", "6.15", "0.55")
    assert line["taxes"] == [{"id": 1, "total": "0.55", "subtotal": "0.55"}]
    assert amounts(order) == ["12.03", "0.98", "0.55", "0.43", "0.00"]
    assert [one["rate_percent"] for one in order["tax_lines"]] == [8.875]
    assert order["prices_include_tax"] is False


async def test_prices_that_include_tax_keep_their_sum(open_store):
    api = open_store(tax_percent=Decimal(19), prices_include_tax=True)
    await api.post("wc/v3/coupons", json={"code": "X", "amount": "2.00"})
    order = await order_of(api, "14.50", 1, coupon_lines=[{"code": "x"}])
    line = order["line_items"][0]

    assert (line["subtotal"], line["subtotal_tax"]) == ("12.18", "2.32")
    assert (line["total"], line["total_tax"]) == ("10.50", "2.00")
    assert amounts(order) == ["12.50", "2.00", "2.00", "0.00", "1.68"]
    assert order["prices_include_tax"] is True
    coupon = order["coupon_lines"][0]
    assert (coupon["discount"], coupon["discount_tax"]) == ("1.68", "0.32")


async def test_a_refund_gives_tax_back_apart(open_store):
    api = open_store(tax_percent=Decimal(19))
    order = await order_of(api, "10.00", 2)
    line = order["line_items"][0]
    back = {"id": line["id"], "quantity": 1, "refund_total": "10.00"}
    back["refund_tax"] = [{"id": 1, "refund_total": "1.90"}]
    path = f"wc/v3/orders/{order['id']}/refunds"
    refund = (await api.post(path, json={"line_items": [back]})).json()
    given = refund["line_items"][0]

    assert (refund["amount"], given["total"], given["total_tax"]) == ("11.90", "-10.00", "-1.90")
    assert given["taxes"] == [{"id": 1, "total": "-1.90", "subtotal": "-1.90"}]
    assert [one["tax_total"] for one in refund["tax_lines"]] == ["-1.90"]


async def test_tax_is_rounded_line_by_line(open_store):
    api = open_store(tax_percent=Decimal(10))
    one = (await api.post("wc/v3/products", json={"name": "A", "regular_price": "0.05"})).json()
    lines = [{"product_id": one["id"]}, {"product_id": one["id"]}]
    order = (await api.post("wc/v3/orders", json={"line_items": lines})).json()

    assert (order["total"], order["total_tax"]) == ("0.12", "0.02")


@pytest.mark.parametrize(("fee", "total"), [("-2.50", "7.50"), ("3", "13.00"), ("-99", "0.00")])
async def test_fees_may_be_below_zero_but_not_the_total(open_store, fee, total):
    order = await order_of(open_store(), "10.00", fee_lines=[{"name": "Fee", "total": fee}])

    assert order["total"] == total
