"""Explaining a balance and exporting all of them."""

import csv

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.explain import explain_account
from platforms.woocommerce.fake import refunds


async def lived(town):
    store = await town.connect()
    maya, coffee = town.shopper(), town.product()
    order = town.order(coffee, 3, maya)
    town.order(coffee, 2, email="Guest@Example.test")
    town.order(coffee, 1, email="")
    await town.settle()
    refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()
    return store, maya, order


@pytest.mark.parametrize("by", ["id", "email", "account"])
async def test_a_customer_is_explained_line_by_line(town, by):
    store, maya, _ = await lived(town)
    who = {"id": str(maya), "email": "MAYA@example.test", "account": f"customer:{maya}"}[by]

    told = await explain_account(store, who, town.clock())

    assert (told.account, told.available, told.pending) == (f"customer:{maya}", 100, 0)
    assert [(one.kind, one.points, one.balance) for one in told.lines] == [
        ("earn", 150, 150),
        ("clawback", -50, 100),
    ]
    assert "refund of 10.00 EUR leaves goods of 20.00 EUR, worth 100 points" in told.lines[1].why


async def test_a_guest_is_found_by_their_order(town):
    store, _, order = await lived(town)

    told = await explain_account(store, f"order:{order['id'] + 1}", town.clock())

    assert told.account.startswith("guest:")
    assert told.available == 100


async def test_an_orders_number_is_nobodys_customer_id(town):
    store, _, order = await lived(town)
    with pytest.raises(RequestInvalid):
        await explain_account(store, str(order["id"]), town.clock())


async def test_somebody_unknown_is_told_with_what_would_be_right(town):
    store, _, _ = await lived(town)
    with pytest.raises(RequestInvalid, match="give a customer id"):
        await explain_account(store, "nobody@example.test", town.clock())


async def test_the_export_has_every_account(town, tmp_path):
    _, maya, _ = await lived(town)

    done = await town.export(tmp_path / "out")

    with (tmp_path / "out" / "accounts.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["platform_customer_id", "email", "balance_available", "balance_pending"],
        [str(maya), "maya@example.test", "100", "0"],
        ["", "Guest@Example.test", "100", "0"],
    ]
    assert done.accounts == 2
