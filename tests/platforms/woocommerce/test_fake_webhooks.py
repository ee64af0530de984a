"""Webhooks of the fake: what is sent, when, how it is signed, and when one is given up."""

import base64
import hmac
import json

import httpx
import pytest

from platforms.woocommerce.fake import FakeStore, Site, create_fake, delivering, fill
from tests.platforms.woocommerce.conftest import KEY, SAMPLES, SECRET, URL, sample

CREATED = "01-order-create-processing--order_created"
SIGNING = 's3cret & "quoted" <é>'


async def subscribe(api, topic, **more):
    body = {"topic": topic, "delivery_url": f"https://hook.example.test/{topic}", "secret": SIGNING}
    answer = await api.post("webhooks", json=body | more)
    assert answer.status_code == 201
    return answer.json()


async def new_order(api, store, **more):
    lines = [{"product_id": next(store.all("product"))["id"]}]
    return (await api.post("orders", json={"line_items": lines, **more})).json()


async def test_a_new_webhook_is_pinged_unsigned(api, receiver):
    hook = await subscribe(api, "order.created")
    path, headers, body = receiver.got[0]

    assert (path, body) == ("/order.created", f"webhook_id={hook['id']}".encode())
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in headers if name.startswith("x-wc-")]
    assert SIGNING not in (await api.get("webhooks")).text


async def test_a_failing_ping_is_no_failure(api, receiver):
    receiver.status = 500
    hook = await subscribe(api, "order.created")
    await api.put(f"webhooks/{hook['id']}", json={"delivery_url": "https://hook.example.test/2"})

    assert [path for path, _, _ in receiver.got] == ["/order.created", "/2"]
    assert hook["status"] == "active"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"topic": "order.exploded", "delivery_url": "https://x/"}, "error-400-webhook-topic"),
        ({"topic": "order.created", "delivery_url": "ftp://x/"}, "error-400-webhook-url"),
    ],
)
async def test_webhooks_that_are_refused(api, receiver, body, name):
    answer = await api.post("webhooks", json=body)

    assert (answer.status_code, answer.json()) == (400, sample(name))
    assert receiver.got == []
    assert (await api.get("webhooks")).json() == []


async def test_a_delivery_looks_and_signs_like_the_real_one(api, store, receiver, deliveries):
    hook = await subscribe(api, "order.created")
    order = await new_order(api, store, customer_note="merci — ☕")
    await deliveries()
    _, headers, body = receiver.got[1]
    recorded = (SAMPLES / "webhooks" / f"{CREATED}.headers").read_text().splitlines()[1:]
    names = {line.partition(":")[0].lower() for line in recorded if ":" in line}

    assert names - {"connection", "content-length"} <= set(headers)
    signature = base64.b64encode(hmac.digest(SIGNING.encode(), body, "sha256")).decode()
    assert headers["x-wc-webhook-signature"] == signature
    assert headers["x-wc-webhook-source"] == f"{URL}/"
    assert headers["x-wc-webhook-id"] == str(hook["id"])
    assert (headers["x-wc-webhook-resource"], headers["x-wc-webhook-event"]) == ("order", "created")
    assert json.loads(body) == (await api.get(f"orders/{order['id']}")).json()
    assert b"\\u2615" in body
    assert b"\\/wp-json\\/" in body


async def test_which_changes_tell_which_topics(api, store, receiver, deliveries):
    topics = ["created", "updated", "deleted", "restored"]
    for topic in topics:
        await subscribe(api, f"order.{topic}")
    receiver.got.clear()

    async def heard():
        await deliveries()
        told = [topic.removeprefix("order.") for topic in receiver.topics()]
        receiver.got.clear()
        return told

    order = await new_order(api, store, set_paid=True)
    path = f"orders/{order['id']}"
    assert await heard() == ["created", "updated"]
    refund = (await api.post(f"{path}/refunds", json={"amount": "1.00"})).json()
    assert await heard() == ["updated"]
    await api.delete(f"{path}/refunds/{refund['id']}?force=true")
    assert await heard() == []
    await api.delete(path)
    await deliveries()
    assert receiver.got[-1][2] == json.dumps({"id": order["id"]}, separators=(",", ":")).encode()
    assert await heard() == ["deleted"]
    await api.put(path, json={"status": "processing"})
    assert await heard() == ["restored", "updated"]
    await api.delete(f"{path}?force=true")
    assert await heard() == []


async def test_customers_products_and_coupons_tell_too(api, store, receiver, deliveries):
    for kind in ("customer", "product", "coupon"):
        for event in ("created", "updated", "deleted"):
            await subscribe(api, f"{kind}.{event}")
    receiver.got.clear()

    async def heard():
        await deliveries()
        told = receiver.topics()
        receiver.got.clear()
        return told

    one = (await api.post("customers", json={"email": "new@example.test"})).json()
    assert await heard() == ["customer.created", "customer.updated"]
    await api.delete(f"customers/{one['id']}?force=true")
    assert await heard() == ["customer.deleted"]
    product = (await api.post("products", json={"name": "Mug", "regular_price": "9"})).json()
    assert await heard() == ["product.created"]
    await api.put(f"products/{product['id']}", json={"name": "Cup"})
    assert await heard() == ["product.updated"]
    await api.delete(f"products/{product['id']}")
    assert await heard() == ["product.deleted", "coupon.deleted"]  # the vendor's mistake
    coupon = (await api.post("coupons", json={"code": "c", "amount": "1"})).json()
    assert await heard() == ["coupon.created"]
    await api.put(f"coupons/{coupon['id']}", json={"amount": "2"})
    await api.delete(f"coupons/{coupon['id']}?force=true")
    assert await heard() == ["coupon.updated"]
    assert store.records["coupon"] == {}


async def test_bodies_are_built_late_and_pending_ones_are_one(api, store, receiver):
    await subscribe(api, "order.updated")
    order = await new_order(api, store)
    gone = await new_order(api, store)
    for note in ("a", "b", "c"):
        await api.put(f"orders/{order['id']}", json={"customer_note": note})
    await api.delete(f"orders/{gone['id']}?force=true")
    receiver.got.clear()
    async with delivering(store):
        await store.deliveries_done()
    bodies = [json.loads(body) for _, _, body in receiver.got]

    assert len(bodies) == 2
    assert bodies[0]["customer_note"] == "c"
    assert bodies[1] == sample("error-404-order")


async def test_the_seventh_failure_in_a_row_disables(api, receiver, deliveries):
    hook = await subscribe(api, "customer.updated")
    path, receiver.status = f"webhooks/{hook['id']}", 410

    async def change(times):
        for _ in range(times):
            await api.put("customers/2", json={"last_name": "x"})
            await deliveries()
        return (await api.get(path)).json()["status"]

    assert await change(6) == "active"
    receiver.status = 302
    assert await change(1) == "active"
    receiver.status = 500
    assert await change(6) == "active"
    assert await change(1) == "disabled"
    sent = len(receiver.got)
    await change(1)
    assert len(receiver.got) == sent

    await api.put(path, json={"status": "active"})
    assert await change(1) == "disabled"  # the count was kept
    await api.put(path, json={"status": "active"})
    receiver.status = 200
    await change(1)
    receiver.status = 500
    assert await change(6) == "active"


async def test_a_receiver_that_breaks_does_not_end_the_deliveries(api, store, receiver, deliveries):
    hook = await subscribe(api, "customer.updated")
    receiver.status = "broken"
    await api.put("customers/2", json={"last_name": "x"})
    await deliveries()
    receiver.status = 200
    await api.put("customers/2", json={"last_name": "y"})
    await deliveries()

    assert [made.status for made in store.hub.log] == [200, 0, 200]
    assert store.hub.failures[hook["id"]] == 0


@pytest.mark.parametrize(("relaxed", "sent"), [(False, 0), (True, 2)])
async def test_only_a_relaxed_store_delivers_to_any_port(world, receiver, relaxed, sent):
    store = FakeStore(Site(url=URL, relaxed=relaxed), world)
    store.add_key("read_write", key=KEY, secret=SECRET)
    fill(store)
    transport = httpx.ASGITransport(create_fake(store))
    home = f"{URL}/wp-json/wc/v3/"
    api = httpx.AsyncClient(transport=transport, base_url=home, auth=(KEY, SECRET))
    hook = await subscribe(api, "customer.updated", delivery_url="http://127.0.0.1:7777/x")
    async with delivering(store):
        await api.put("customers/2", json={"last_name": "x"})
        await store.deliveries_done()

    assert len(receiver.got) == sent
    assert store.hub.failures[hook["id"]] == (0 if relaxed else 1)
    last = store.hub.log[-1]
    assert last.message == ("" if relaxed else "A valid URL was not provided.")


async def test_a_refund_tells_its_action_and_the_product(api, store, receiver, deliveries):
    actions = [f"action.woocommerce_order_{how}_refunded" for how in ("partially", "fully")]
    for topic in ("order.updated", "product.updated", *actions):
        await subscribe(api, topic)
    order = await new_order(api, store, set_paid=True)
    line = order["line_items"][0]
    await deliveries()
    receiver.got.clear()
    back = {"id": line["id"], "quantity": 1, "refund_total": "1.00"}
    await api.post(f"orders/{order['id']}/refunds", json={"line_items": [back]})
    await deliveries()

    assert sorted(receiver.topics()) == [actions[0], "order.updated", "product.updated"]
    bodies = {headers["x-wc-webhook-topic"]: body for _, headers, body in receiver.got}
    told = {"action": actions[0].removeprefix("action."), "arg": order["id"]}
    assert json.loads(bodies[actions[0]]) == told
    assert len(json.loads(bodies["order.updated"])["refunds"]) == 1
    receiver.got.clear()
    left = f"{float(order['total']) - 1:.2f}"
    await api.post(f"orders/{order['id']}/refunds", json={"amount": left})
    await deliveries()
    assert receiver.topics() == ["order.updated", actions[1]]


async def test_only_notes_to_the_customer_are_told(api, store, receiver, deliveries):
    for topic in ("order.updated", "action.woocommerce_new_customer_note"):
        await subscribe(api, topic)
    order = await new_order(api, store)
    await deliveries()
    receiver.got.clear()
    path = f"orders/{order['id']}/notes"
    await api.post(path, json={"note": "ours"})
    await deliveries()

    assert receiver.got == []
    await api.post(path, json={"note": "hello", "customer_note": True})
    await deliveries()
    arg = {"order_id": order["id"], "customer_note": "hello"}
    assert [json.loads(body) for _, _, body in receiver.got] == [
        {"action": "woocommerce_new_customer_note", "arg": arg}
    ]


async def test_a_webhook_without_a_secret_gets_one_that_nobody_learns(api, store):
    hook = await subscribe(api, "order.created", secret="")
    other = await subscribe(api, "order.updated", secret="")
    secrets = [store.hub.secrets[one["id"]] for one in (hook, other)]
    shown = (await api.get("webhooks")).text

    assert all(secrets)
    assert secrets[0] != secrets[1]
    assert not any(secret in shown for secret in secrets)


async def test_the_end_of_an_account_tells_nothing_of_its_orders(api, store, receiver, deliveries):
    for topic in ("order.updated", "customer.deleted"):
        await subscribe(api, topic)
    order = await new_order(api, store, customer_id=2)
    await deliveries()
    receiver.got.clear()
    await api.delete("customers/2?force=true")
    await deliveries()

    assert receiver.topics() == ["customer.deleted"]
    assert (await api.get(f"orders/{order['id']}")).json()["customer_id"] == 0
