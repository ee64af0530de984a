"""Every record has every key of the recorded ones, with the same JSON type."""

import pytest

from tests.platforms.woocommerce.conftest import sample

LOOSE = {"_links", "meta_data", "taxes", "tax_lines", "targetHints", "image"}


def differences(real, ours, path=""):
    """Name what ``ours`` lacks or types otherwise; nulls and empty lists say nothing."""
    if isinstance(real, dict) and isinstance(ours, dict):
        yield from (f"{path}.{key} is missing" for key in real.keys() - ours.keys())
        for key in (real.keys() & ours.keys()) - LOOSE:
            yield from differences(real[key], ours[key], f"{path}.{key}")
    elif isinstance(real, list) and isinstance(ours, list):
        for pair in zip(real[:1], ours[:1], strict=False):
            yield from differences(*pair, f"{path}[]")
    elif None not in (real, ours) and kind(real) is not kind(ours):
        yield f"{path}: {kind(real).__name__} became {kind(ours).__name__}"


def kind(value):
    return float if type(value) is int else type(value)


async def test_orders(api):
    refunded = next(one for one in (await api.get("orders")).json() if one["refunds"])
    product = (await api.get("products")).json()[0]["id"]
    coupon = {"code": "five", "amount": "5.00"}
    await api.post("coupons", json=coupon)
    body = {"line_items": [{"product_id": product}], "coupon_lines": [{"code": "five"}]}
    with_coupon = (await api.post("orders", json=body | {"customer_id": 2})).json()

    assert list(differences(sample("order-partial-refund"), refunded)) == []
    assert list(differences(sample("order-with-coupon-lines"), with_coupon)) == []
    assert refunded["line_items"]
    assert with_coupon["coupon_lines"]


async def test_refunds(api):
    listed = (await api.get("refunds")).json()
    lined = next(one for one in listed if one["line_items"])
    own = (await api.get(f"orders/{lined['parent_id']}/refunds")).json()[0]

    assert list(differences(sample("refund-create-partial"), own)) == []
    assert "parent_id" not in own
    assert lined == own | {"parent_id": lined["parent_id"]}


@pytest.mark.parametrize(
    ("name", "path"), [("customers-list-p1", "customers"), ("products-list", "products")]
)
async def test_listed(api, name, path):
    assert list(differences(sample(name), (await api.get(path)).json())) == []


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("coupon-create-fixed-cart", "coupons", {"code": "X", "amount": "10"}),
        (
            "webhook-create-order_created",
            "webhooks",
            {"topic": "order.created", "delivery_url": "https://hook.example.test/"},
        ),
    ],
)
async def test_created(api, name, path, body):
    answer = await api.post(path, json=body)

    assert answer.status_code == 201
    assert list(differences(sample(name), answer.json())) == []
    assert answer.headers["location"] == answer.json()["_links"]["self"][0]["href"]
