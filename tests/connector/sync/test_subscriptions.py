"""The store's webhooks: mended when given up, their secret changed, and taken away again."""

import pytest

from connector.commerce.models import StoreRow
from connector.errors import DeliveryForged
from connector.sync.models import InboxRow
from connector.web import status
from platforms.errors import TransientError
from platforms.model import Delivery
from platforms.woocommerce.fake import orders
from platforms.woocommerce.fake.webhooks import sign
from tests.town import KEY, SECRET, SHOP


async def row(town):
    return await StoreRow.get(id=town.store)


async def names(town):
    return [
        one.name for one in await status.findings(await row(town), town.system.stores, town.clock())
    ]


def hook(town, topic):
    (found,) = [one for one in town.shop.all("webhook") if one["topic"] == topic]
    return found


async def test_what_the_store_gave_up_is_made_anew_with_no_failures_counted(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    town.wire.answers[f"/webhooks/woocommerce/{town.store}"] = town.refusal(500)
    order = town.order(coffee, 1, maya)
    for _ in range(7):
        orders.update(town.shop, order, {"customer_note": "again"})
        await town.shop.deliveries_done()
    given_up = hook(town, "order.updated")
    assert given_up["status"] == "disabled"
    assert "webhooks-idle" in await names(town)

    town.wire.answers.clear()
    town.clock.forward(minutes=11)
    await town.settle()

    mended = hook(town, "order.updated")
    assert mended["id"] != given_up["id"]
    assert mended["status"] == "active"
    assert town.shop.hub.failures[mended["id"]] == 0
    assert await names(town) == ["webhooks-active", "in-step", "webhooks-mended"]
    assert (await town.visitor(maya))["available"] == 50  # and the pass read what they didn't tell


async def test_one_that_was_deleted_is_made_anew(town):
    await town.connect()
    lost = hook(town, "order.created")
    del town.shop.records["webhook"][lost["id"]]

    town.clock.forward(minutes=11)
    await town.settle()

    assert hook(town, "order.created")["status"] == "active"


async def test_one_that_somebody_paused_is_left_alone_and_told(town):
    await town.connect()
    hook(town, "product.updated")["status"] = "paused"

    town.clock.forward(minutes=11)
    await town.settle()

    assert hook(town, "product.updated")["status"] == "paused"
    found = await status.findings(await row(town), town.system.stores, town.clock())
    assert [one.what for one in found if not one.is_ok] == [
        "webhooks not delivering: product.updated"
    ]
    await town.connect(program=None)
    assert hook(town, "product.updated")["status"] == "paused"


async def signer(town):
    stores = town.system.stores
    return stores.signer(await stores.signers([town.store]), town.store, "woocommerce")


async def test_while_the_secret_changes_both_verify_and_a_day_later_only_the_new(town):
    await town.connect()
    stores = town.system.stores
    old = stores.webhook_secret(await row(town))

    await stores.rotate_secret(await row(town), town.clock())

    new = stores.webhook_secret(await row(town))
    assert new != old
    assert set(town.shop.hub.secrets.values()) == {new}
    for secret in (old, new):
        stores.verify(await signer(town), signed(secret), town.clock())
    town.clock.forward(days=1)
    stores.verify(await signer(town), signed(new), town.clock())
    with pytest.raises(DeliveryForged):
        stores.verify(await signer(town), signed(old), town.clock())


async def test_a_change_of_secret_that_broke_off_goes_on_with_the_same_secret(town):
    await town.connect()
    stores = town.system.stores
    old = stores.webhook_secret(await row(town))
    half = hook(town, "order.updated")
    town.wire.cut = [("PUT", f"/wp-json/wc/v3/webhooks/{half['id']}")]
    with pytest.raises(TransientError):
        await stores.rotate_secret(await row(town), town.clock())
    new = stores.webhook_secret(await row(town))
    assert set(town.shop.hub.secrets.values()) == {old, new}

    maya = town.shopper()
    town.order(town.product(), 1, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 50  # whichever secret signed, it arrived
    assert {one.status for one in town.shop.hub.log} == {200}

    await stores.rotate_secret(await row(town), town.clock())
    assert set(town.shop.hub.secrets.values()) == {new}


async def test_disconnected_the_store_is_left_alone_and_connected_again_it_goes_on(town):
    await town.connect()
    maya, coffee = town.shopper(), town.product()
    town.order(coffee, 1, maya)
    await town.settle()

    await town.system.stores.disconnect(await row(town), town.clock())

    assert list(town.shop.all("webhook")) == []
    assert await names(town) == ["disconnected"]
    town.order(coffee, 2, maya)
    town.clock.forward(days=1)
    town.wire.calls.clear()
    await town.settle()
    assert town.wire.calls == []
    assert (await town.visitor(maya))["available"] == 50

    access = {"url": SHOP, "key": KEY, "secret": SECRET}
    again = await town.system.stores.connect("woocommerce", access, town.clock())
    await town.settle()
    assert again.id == town.store
    assert (await town.visitor(maya))["available"] == 150


async def test_a_store_that_does_not_answer_stays_connected(town):
    await town.connect()
    town.wire.cut = [("GET", "/wp-json/wc/v3/webhooks")]
    with pytest.raises(TransientError):
        await town.system.stores.disconnect(await row(town), town.clock())
    assert (await row(town)).disconnected_at is None
    assert len(list(town.shop.all("webhook"))) == 10


async def test_a_late_delivery_of_a_store_that_was_disconnected_is_kept(town):
    await town.connect()
    await town.system.stores.disconnect(await row(town), town.clock())
    secret = town.system.stores.webhook_secret(await row(town))
    body = b'{"id":1}'
    headers = {
        "X-WC-Webhook-Topic": "order.deleted",
        "X-WC-Webhook-Signature": sign(secret, body),
    }

    path = f"/webhooks/woocommerce/{town.store}"
    answer = await town.http.post(path, content=body, headers=headers)
    await town.settle()

    assert answer.status_code == 200
    assert [one.state for one in await InboxRow.all() if one.body == b'{"id":1}'] == ["done"]


def signed(secret):
    body = b'{"id": 1}'
    return Delivery(headers={"x-wc-webhook-signature": sign(secret, body)}, body=body)
