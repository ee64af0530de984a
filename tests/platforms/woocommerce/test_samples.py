"""The fake answers every recorded request, and delivers every recorded topic, as the store did."""

import base64
import hmac
import json

import pytest

from platforms.woocommerce.fake import (
    carts,
    coupons,
    notes,
    orders,
    people,
    products,
    refunds,
    webhooks,
)
from platforms.woocommerce.fake.sessions import Cart
from platforms.woocommerce.replay import Replay, samples

ANSWERS = [one for one in samples() if not one.is_delivery]
DELIVERIES = [one for one in samples() if one.is_delivery]
LINE = {"product_id": 12, "quantity": 3}
ORDER = {
    "line_items": [LINE], "shipping_lines": [{"method_id": "flat_rate", "total": "7.50"}],
    "customer_id": 2, "payment_method": "cod",
}  # fmt: skip
GUEST = ORDER | {"customer_id": 0, "billing": {"email": "guest@example.test"}}


@pytest.fixture(scope="module")
def replay():
    return Replay()


@pytest.fixture
def store(replay):
    """Return the recorded store without its webhooks."""
    replay.store.records["webhook"].clear()
    return replay.store


def differences(real, ours, path="$"):
    """Name where keys or types differ; nulls and empty lists and objects say nothing."""
    if real in (None, [], {}) or ours in (None, [], {}):
        return
    if isinstance(real, dict) and isinstance(ours, dict):
        yield from (f"{path}.{key} in one only" for key in real.keys() ^ ours.keys())
        for key in real.keys() & ours.keys():
            yield from differences(real[key], ours[key], f"{path}.{key}")
    elif isinstance(real, list) and isinstance(ours, list):
        yield from differences(real[0], ours[0], f"{path}[]")
    elif kind(real) is not kind(ours):
        yield f"{path}: {kind(real).__name__} became {kind(ours).__name__}"


def kind(value):
    return float if type(value) is int else type(value)


def test_every_file_is_a_sample_of_its_own():
    assert len({one.name for one in samples()}) == len(samples()) == 214
    assert all(one.method and one.target.startswith("/") for one in samples())
    assert all(one.headers for one in samples() if "order-made-by-store-api" not in one.name)


@pytest.mark.parametrize("sample", ANSWERS, ids=lambda one: one.name)
async def test_the_fake_answers_alike(replay, sample):
    answer = await replay.ask(sample)
    real, ours = json.loads(sample.body), answer.json()
    told = {"x-wp-total", "x-wp-totalpages", "location", "nonce", "cart-token"}

    assert answer.status_code == sample.status
    assert sorted(differences(real, ours)) == []
    assert told & set(answer.headers) == told & set(sample.headers) or not sample.headers
    if sample.status >= 400:
        assert (ours["code"], ours["message"]) == (real["code"], real["message"])


def ordered(store, **more):
    return orders.create(store, ORDER | more)


def refund_one(store):
    order = ordered(store, status="processing")
    part = refunds.share(store, order["line_items"][0], 1)
    refunds.create(store, order, {"line_items": [part], "reason": "one item damaged"})


def check_out(store):
    cart = Cart(items={12: 2})
    cart.billing["email"] = "guest@example.test"
    carts.place(store, cart, "cod")


def trash_and_restore(store):
    order = orders.create(store, GUEST | {"status": "completed"})
    orders.delete(store, order, force=False)
    orders.restore(store, order)


def use_coupon(store):
    coupon = coupons.create(store, {"code": store.token(8), "amount": "5"})
    ordered(store, status="processing", coupon_lines=[{"code": coupon["code"]}])


def update_twice(store):
    order = ordered(store)
    orders.update(store, order, {"customer_note": "a"})
    orders.update(store, order, {"customer_note": "b"})


ACTS = {
    "01": lambda store: ordered(store, status="processing"),
    "02": lambda store: orders.update(store, ordered(store), {"status": "completed"}),
    "04": lambda store: notes.create(
        store, ordered(store), {"note": "hello", "customer_note": True}
    ),
    "05": refund_one,
    "08": lambda store: orders.create(store, GUEST),
    "09": lambda store: orders.update(store, orders.create(store, GUEST), {"set_paid": True}),
    "10": trash_and_restore,
    "11": trash_and_restore,
    "13": lambda store: people.create(store, {"email": f"{store.token(8)}@example.test"}),
    "14": lambda store: people.update(store, store.get("customer", 2), {"first_name": "Hana"}),
    "15": lambda store: people.delete(store, store.get("customer", 3)),
    "16": lambda store: products.create(store, {"name": "New", "regular_price": "9.00"}),
    "17": lambda store: products.update(store, store.get("product", 12), {"name": "Changed"}),
    "19": lambda store: coupons.create(store, {"code": store.token(8), "amount": "5"}),
    "20": lambda store: coupons.update(store, store.get("coupon", 87), {"amount": "6"}),
    "21": use_coupon,
    "24": update_twice,
    "40": check_out,
}


@pytest.mark.parametrize("sample", DELIVERIES, ids=lambda one: one.name)
async def test_the_fake_delivers_alike(store, sample):
    ping = sample.name.removeprefix("webhooks/ping--hook_")
    topic = sample.headers.get("x-wc-webhook-topic", ping.replace("_", ".", 1))
    hook = {"topic": topic, "delivery_url": "https://hooks.example.test/", "secret": sample.secret}
    await webhooks.create(store, hook)
    if sample.secret:
        ACTS[sample.name.removeprefix("webhooks/")[:2]](store)
    await store.hub.catch_up()
    made = store.hub.log[-1]
    ours = {name.lower(): value for name, value in made.headers.items()}
    own = {name for name in sample.headers if name.startswith("x-wc-")} | {"content-type"}

    assert own == {name for name in ours if name.startswith("x-wc-")} | {"content-type"}
    assert ours["content-type"] == sample.headers["content-type"]
    if not sample.secret:
        assert made.body.partition(b"=")[0] == sample.body.partition(b"=")[0] == b"webhook_id"
        return
    real = json.loads(sample.body)
    assert sorted(differences(real, json.loads(made.body))) == []
    for body, given in ((sample.body, sample.headers), (made.body, ours)):
        digest = hmac.digest(sample.secret.encode(), body, "sha256")
        assert given["x-wc-webhook-signature"] == base64.b64encode(digest).decode()
