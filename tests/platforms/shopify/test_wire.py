"""Nodes become records: sums reckoned by hand, in the store's own money."""

from datetime import UTC, datetime

import orjson
import pytest

from platforms.errors import Malformed
from platforms.model import Charge, OrderLine, Refund, RefundLine
from platforms.shopify import wire
from platforms.shopify.wire import OrderNode, ProductNode, RefundNode, decode


def money(amount, shown="99.99"):
    """Return money of 1 EUR for what a shopper in another market is shown."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": "EUR"},
        "presentmentMoney": {"amount": shown, "currencyCode": "USD"},
    }


def line(number, total, *, quantity=1, off=(), taxes=(), product=7):
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "quantity": quantity,
        "product": {"id": f"gid://shopify/Product/{product}"} if product else None,
        "originalTotalSet": money(total),
        "discountAllocations": [{"allocatedAmountSet": money(one)} for one in off],
        "taxLines": [{"priceSet": money(one)} for one in taxes],
    }


def connection(*nodes, more=False):
    info = {"hasNextPage": more, "endCursor": "c" if nodes else None}
    return {"nodes": list(nodes), "pageInfo": info}


def order(**more):
    return {
        "id": "gid://shopify/Order/820982911946154508",
        "name": "#1001",
        "email": "jon@example.com",
        "customer": {"id": "gid://shopify/Customer/115310627314723954"},
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "cancelledAt": None,
        "createdAt": "2026-11-01T10:00:05Z",
        "processedAt": "2026-11-01T10:00:00Z",
        "updatedAt": "2026-11-02T00:00:00Z",
        "currencyCode": "EUR",
        "test": False,
        "taxesIncluded": False,
        "discountCodes": [],
        "totalPriceSet": money("40.00"),
        "transactions": [],
        "fulfillments": [],
        "additionalFees": [],
        "shippingLines": connection(),
        "lineItems": connection(line(1, "40.00")),
        "refunds": [],
    } | more


def refund(**more):
    return {
        "id": "gid://shopify/Refund/9",
        "createdAt": "2026-11-03T10:00:05Z",
        "processedAt": "2026-11-03T10:00:00Z",
        "totalRefundedSet": money("12.00"),
        "refundLineItems": connection(),
        "refundShippingLines": connection(),
    } | more


def read(*refunds, **more):
    node = decode(orjson.dumps(order(**more)), OrderNode)
    return wire.read_order(node, [decode(orjson.dumps(one), RefundNode) for one in refunds])


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def paid(kind, status, when):
    return {"kind": kind, "status": status, "processedAt": when}


def test_ids_are_the_numbers_that_webhooks_have():
    found = read()
    assert (found.id, found.customer_id) == ("820982911946154508", "115310627314723954")
    assert found.lines[0].product_id == "7"
    assert found.number == "1001"


def test_an_order_that_tested_payments_was_never_paid():
    sale = paid("SALE", "SUCCESS", "2026-11-01T10:00:00Z")
    found = read(test=True, transactions=[sale])
    assert (found.status, found.is_paid, found.paid_at) == ("test", False, None)
    assert found.total_minor == 4000


def test_a_line_is_net_of_discounts_and_tax_beside_it():
    goods = line(1, "30.00", quantity=3, off=["4.50", "0.50"], taxes=["2.00", "2.75"])
    (only,) = read(lineItems=connection(goods)).lines
    assert only == OrderLine(id="1", product_id="7", quantity=3, total_minor=2500, tax_minor=475)


def test_where_prices_include_tax_it_is_taken_out():
    goods = line(1, "30.00", off=["6.20"], taxes=["3.80"])
    way = {"discountedPriceSet": money("5.95"), "taxLines": [{"priceSet": money("0.95")}]}
    found = read(taxesIncluded=True, lineItems=connection(goods), shippingLines=connection(way))
    assert (found.lines[0].total_minor, found.lines[0].tax_minor) == (2000, 380)
    assert found.shipping == Charge(total_minor=500, tax_minor=95)


def test_fees_and_several_ways_of_delivery_are_added_up():
    ways = [
        {"discountedPriceSet": money(one), "taxLines": [{"priceSet": money("0.10")}]}
        for one in ("4.00", "1.50")
    ]
    fees = [{"price": money("2.00"), "taxLines": [{"priceSet": money("0.38")}]}]
    found = read(shippingLines=connection(*ways), additionalFees=fees)
    assert found.shipping == Charge(total_minor=550, tax_minor=20)
    assert found.fees == Charge(total_minor=200, tax_minor=38)


def test_money_is_the_stores_own_not_what_a_market_shows():
    found = read(totalPriceSet=money("40.00", shown="43.21"))
    assert (found.currency, found.total_minor) == ("EUR", 4000)


def test_goods_that_are_no_product_any_more_are_a_line():
    (only,) = read(lineItems=connection(line(1, "40.00", product=None))).lines
    assert only.product_id == ""


@pytest.mark.parametrize(
    ("status", "is_paid"),
    [
        ("PAID", True),
        ("PARTIALLY_REFUNDED", True),
        ("REFUNDED", True),
        ("PENDING", False),
        ("AUTHORIZED", False),
        ("PARTIALLY_PAID", False),
        ("VOIDED", False),
        ("EXPIRED", False),
        ("A_NEW_WORD", False),
        (None, False),
    ],
)
def test_paid_is_what_was_paid_in_full_once(status, is_paid):
    found = read(displayFinancialStatus=status)
    assert (found.is_paid, found.paid_at is not None) == (is_paid, is_paid)
    assert found.status == (status or "").lower()


def test_it_was_paid_when_money_was_first_taken():
    moves = [
        paid("AUTHORIZATION", "SUCCESS", "2026-11-01T10:00:00Z"),
        paid("CAPTURE", "FAILURE", "2026-11-01T11:00:00Z"),
        paid("CAPTURE", "SUCCESS", "2026-11-02T12:00:00Z"),
        paid("SALE", "SUCCESS", "2026-11-05T12:00:00Z"),
    ]
    assert read(transactions=moves).paid_at == at("2026-11-02T12:00:00")


def test_what_nobody_took_money_for_was_paid_when_it_was_placed():
    assert read(totalPriceSet=money("0.00")).paid_at == at("2026-11-01T10:00:00")


def test_a_cancelled_order_says_when_and_was_paid_or_not():
    found = read(cancelledAt="2026-11-02T00:00:00Z")
    assert (found.is_cancelled, found.is_paid) == (True, True)
    assert found.cancelled_at == at("2026-11-02T00:00:00")


def parcel(status="SUCCESS", sent="2026-11-03T00:00:00Z", came=None):
    return {"status": status, "createdAt": sent, "deliveredAt": came}


@pytest.mark.parametrize(
    ("status", "parcels", "sent", "came"),
    [
        ("FULFILLED", [parcel()], "2026-11-03T00:00:00", None),
        (
            "FULFILLED",
            [
                parcel(),
                parcel(sent="2026-11-04T00:00:00Z"),
                parcel("CANCELLED", "2026-11-09T00:00:00Z"),
            ],
            "2026-11-04T00:00:00",
            None,
        ),
        (
            "FULFILLED",
            [parcel(came="2026-11-08T00:00:00Z"), parcel(came="2026-11-07T00:00:00Z")],
            "2026-11-03T00:00:00",
            "2026-11-08T00:00:00",
        ),
        ("FULFILLED", [parcel(came="2026-11-08T00:00:00Z"), parcel()], "2026-11-03T00:00:00", None),
        ("PARTIALLY_FULFILLED", [parcel(came="2026-11-08T00:00:00Z")], None, None),
        ("FULFILLED", [], None, None),
    ],
)  # fmt: skip
def test_it_left_with_the_last_parcel_and_arrived_with_the_last(status, parcels, sent, came):
    found = read(displayFulfillmentStatus=status, fulfillments=parcels)
    assert found.fulfilled_at == (sent and at(sent))
    assert found.delivered_at == (came and at(came))


def test_a_refund_names_its_lines_and_its_shipping():
    back = {
        "quantity": 2,
        "lineItem": {"id": "gid://shopify/LineItem/1"},
        "subtotalSet": money("10.00"),
        "totalTaxSet": money("1.90"),
    }
    way = {"subtotalAmountSet": money("4.00"), "taxAmountSet": money("0.76")}
    made = refund(
        totalRefundedSet=money("16.66"),
        refundLineItems=connection(back),
        refundShippingLines={"nodes": [way]},
    )
    (found,) = read(made).refunds
    assert found == Refund(
        id="9",
        amount_minor=1666,
        refunded_at=at("2026-11-03T10:00:00"),
        lines=(RefundLine(line_id="1", quantity=2, total_minor=1000, tax_minor=190),),
        other_minor=476,
        shipping=Charge(total_minor=400, tax_minor=76),
    )


def test_a_store_without_approval_for_personal_data_shows_no_names():
    said = {
        "id": "gid://shopify/Customer/5",
        "defaultEmailAddress": None,
        "firstName": None,
        "lastName": None,
        "createdAt": "2026-11-01T10:00:00Z",
        "updatedAt": "2026-11-01T10:00:00Z",
    }
    found = wire.read_customer(decode(orjson.dumps(said), wire.CustomerNode))
    assert (found.email, found.first_name, found.last_name) == (None, "", "")


@pytest.mark.parametrize(
    ("shown", "url"),
    [
        ("https://club.example/products/tea", "https://club.example/products/tea"),
        (None, "https://a.myshopify.com/products/green%20tea"),
    ],
)
def test_a_product_has_an_address_on_sale_or_not(shown, url):
    said = {
        "id": "gid://shopify/Product/5",
        "title": "Tea",
        "handle": "green tea",
        "onlineStoreUrl": shown,
        "updatedAt": "2026-11-01T10:00:00Z",
        "collections": connection({"handle": "new"}, {"handle": "hot"}),
    }
    found = wire.read_product(decode(orjson.dumps(said), ProductNode), "https://a.myshopify.com")
    assert (found.url, found.collections) == (url, ("hot", "new"))


@pytest.mark.parametrize("gid", ["", "gid://shopify/Order/", "gid://shopify/Order/x1", "Order"])
def test_what_is_no_gid_has_no_id(gid):
    with pytest.raises(Malformed, match="is no id"):
        wire.id_of(gid)


@pytest.mark.parametrize(
    ("more", "is_whole"),
    [
        ({}, True),
        ({"refunds": [{"id": "gid://shopify/Refund/9"}]}, False),
        ({"lineItems": connection(line(1, "40.00"), more=True)}, False),
        ({"transactions": [paid("SALE", "SUCCESS", None)] * 5}, False),
        ({"fulfillments": [parcel()] * 5}, False),
        ({"shippingLines": connection(more=True)}, False),
    ],
)
def test_what_is_not_all_there_is_not_taken_for_whole(more, is_whole):
    assert decode(orjson.dumps(order(**more)), OrderNode).is_whole is is_whole
