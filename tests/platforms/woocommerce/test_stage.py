"""The stage moves the fake as an admin or a shopper would, and hands over what was delivered."""

import httpx
import pytest

from platforms.conformance.stage import Basket
from platforms.errors import Unsupported
from platforms.woocommerce.adapter import PLATFORM
from platforms.woocommerce.stage import staged

TOPICS = (
    "order.created", "order.updated", "order.deleted", "order.restored", "customer.created",
    "customer.updated", "customer.deleted", "product.created", "product.updated",
    "product.deleted",
)  # fmt: skip
SIGNING = "stage-secret"


@pytest.fixture
async def stage():
    async with staged(currency="EUR", timezone="Europe/Berlin") as made:
        yield made


@pytest.fixture
async def api(stage):
    access = stage.access
    async with httpx.AsyncClient(
        transport=stage.transport,
        base_url=f"{access['url']}/wp-json/wc/v3/",
        auth=(access["key"], access["secret"]),
    ) as client:
        yield client


@pytest.fixture
async def subscribed(stage, api):
    """Subscribe to all that we read, and forget the pings."""
    for topic in TOPICS:
        body = {"topic": topic, "delivery_url": stage.hook_url, "secret": SIGNING}
        assert (await api.post("webhooks", json=body)).status_code == 201
    assert [PLATFORM.is_ping(one) for one in await stage.deliveries()] == [True] * len(TOPICS)


async def topics(stage):
    return [one.headers["x-wc-webhook-topic"] for one in await stage.deliveries()]


async def basket(stage, **more):
    return Basket(items=[(await stage.add_product("Kiri, Kenya", "16.00"), 2)], **more)


@pytest.mark.usefixtures("subscribed")
async def test_each_act_is_told_as_recorded(stage):
    customer = await stage.add_customer("maya@example.test")
    assert await topics(stage) == ["customer.created", "customer.updated"]

    wanted = await basket(stage, customer_id=customer)
    assert await topics(stage) == ["product.created"]

    order = await stage.place(wanted)
    told = await stage.deliveries()
    assert [one.headers["x-wc-webhook-topic"] for one in told] == ["order.updated", "order.created"]
    for one in told:
        PLATFORM.verify(one, SIGNING)
        assert all(name == name.lower() for name in one.headers)

    refund = await stage.refund(order, "5.00", {})
    assert await topics(stage) == ["order.updated"]
    await stage.delete_refund(order, refund)
    assert await topics(stage) == []

    await stage.trash("order", order)
    assert await topics(stage) == ["order.deleted"]
    await stage.restore(order)
    assert await topics(stage) == ["order.restored", "order.updated"]
    await stage.purge("order", order)
    assert await topics(stage) == []

    await stage.delete_customer(customer)
    await stage.trash("product", wanted.items[0][0])
    assert await topics(stage) == ["customer.deleted", "product.deleted"]


async def test_the_clock_stands_still_but_for_forward(stage, api):
    order = await stage.place(await basket(stage))
    placed = (await api.get(f"orders/{order}")).json()
    stage.forward(61)
    await stage.give_status(order, "wc-lost-in-space")
    moved = (await api.get(f"orders/{order}")).json()

    assert placed["date_created_gmt"] == placed["date_modified_gmt"] == "2026-11-21T12:00:00"
    assert moved["date_modified_gmt"] == "2026-11-21T12:01:01"
    assert moved["status"] == "lost-in-space"
    assert [one["status"] for one in (await api.get("orders")).json()] == ["lost-in-space"]
    listed = await api.get("orders", params={"status": "lost-in-space"})
    assert [one["id"] for one in listed.json()] == [int(order)]


async def test_restoring_gives_the_status_back(stage, api):
    order = await stage.place(await basket(stage))
    await stage.give_status(order, "on-hold")
    await stage.trash("order", order)
    await stage.restore(order)

    assert (await api.get(f"orders/{order}")).json()["status"] == "on-hold"


@pytest.mark.parametrize(
    ("pays", "status", "is_paid"),
    [
        ("now", "processing", True),
        ("on delivery", "processing", False),
        ("never", "pending", False),
    ],
)
async def test_how_an_order_is_paid(stage, api, pays, status, is_paid):
    order = await stage.place(await basket(stage, pays=pays))
    shown = (await api.get(f"orders/{order}")).json()

    assert (shown["status"], shown["date_paid"] is not None) == (status, is_paid)


async def test_an_order_of_a_guest_with_a_code_a_fee_and_another_currency(stage, api):
    await stage.add_foreign_discount("FIVE")
    wanted = await basket(stage, codes=["five"], currency="USD", fee_minor=-150)
    shown = (await api.get(f"orders/{await stage.place(wanted)}")).json()

    assert (shown["customer_id"], shown["billing"]["email"]) == (0, "guest@example.test")
    assert (shown["currency"], shown["currency_symbol"]) == ("USD", "$")
    assert (shown["total"], shown["discount_total"]) == ("25.50", "5.00")
    assert [one["total"] for one in shown["fee_lines"]] == ["-1.50"]
    assert [one["code"] for one in shown["coupon_lines"]] == ["five"]


async def test_a_refund_of_lines(stage, api):
    order = await stage.place(await basket(stage))
    refund = await stage.refund(order, "", {0: 1})
    shown = (await api.get(f"orders/{order}/refunds/{refund}")).json()

    assert shown["amount"] == "16.00"
    assert [(one["quantity"], one["total"]) for one in shown["line_items"]] == [(-1, "-16.00")]


async def test_a_draft_is_listed_and_not_told(stage, api, subscribed):
    product = await stage.add_product("Kiri, Kenya", "16.00")
    draft = await stage.open_draft(product)
    shown = (await api.get("orders")).json()

    assert await topics(stage) == ["product.created"]
    assert [(one["id"], one["status"]) for one in shown] == [(int(draft), "checkout-draft")]
    assert shown[0]["billing"]["email"]


@pytest.mark.usefixtures("subscribed")
async def test_refused_deliveries_are_lost_and_the_seventh_disables(stage, api):
    order = await stage.place(await basket(stage))
    await stage.deliveries()
    stage.refuse_deliveries(refuse=True)
    for _ in range(7):
        await stage.give_status(order, "completed")
        assert await stage.deliveries() == []
    stage.refuse_deliveries(refuse=False)
    hooks = (await api.get("webhooks", params={"per_page": 100})).json()

    assert [one["topic"] for one in hooks if one["status"] == "disabled"] == ["order.updated"]
    await stage.trash("order", order)
    assert await topics(stage) == ["order.deleted"]


async def test_customers_have_no_trash(stage):
    customer = await stage.add_customer("maya@example.test")

    with pytest.raises(Unsupported):
        await stage.trash("customer", customer)
    await stage.purge("customer", customer)
    assert list(stage.store.all("customer")) == []


async def test_samples_are_asked_of_a_store_of_their_own(stage, api):
    named = {one.name: one for one in stage.samples()}
    answer = await stage.replay(named["order-guest"])

    assert (answer.status_code, answer.json()["id"]) == (200, 933)
    assert (await api.get("orders")).json() == []
