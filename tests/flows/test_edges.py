"""The edges of the HTTP surface: what is refused, what is kept, and that nothing else happens."""

import base64
import hmac

import orjson

from connector.commerce.models import OrderRow, StoreRow
from connector.ledger.models import EntryRow
from connector.rewards.models import RedemptionRow
from connector.sync.inbox import BODY_MAX
from connector.web import status
from connector.web.webhooks import READ_MAX
from tests.town import PROGRAM, SERVICE


async def delivery(town, body, topic="order.updated", **headers):
    """Deliver a body as the store would, signed with its secret unless ``signature`` is given."""
    store = await StoreRow.get(id=town.store)
    secret = town.system.stores.webhook_secret(store)
    mac = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    signed = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-ID": "1",
        "X-WC-Webhook-Delivery-ID": "d1",
        "X-WC-Webhook-Signature": headers.pop("signature", mac),
    }
    return await town.http.post(
        f"/webhooks/woocommerce/{town.store}", content=body, headers=signed | headers
    )


async def an_order(town):
    """Connect, place an order of 30.00, and return its body as the store lists it."""
    await town.connect()
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()
    await town.settle()  # our own write of the profile comes back
    return maya, order


async def test_a_forged_delivery_is_401_and_nothing_is_kept(town):
    _, order = await an_order(town)
    kept = len(await town.inbox())

    for signature in ("", "AAAA", base64.b64encode(b"x" * 32).decode()):
        answer = await delivery(town, orjson.dumps(order), signature=signature)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "delivery-forged"
    assert len(await town.inbox()) == kept


async def test_an_unsigned_ping_is_200_without_effect(town):
    await an_order(town)
    kept = len(await town.inbox())

    answer = await town.http.post(
        f"/webhooks/woocommerce/{town.store}",
        content=b"webhook_id=7",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, len(await town.inbox())) == (200, kept)


async def test_signed_but_unreadable_is_200_kept_parked_and_in_doctor(town):
    await an_order(town)

    answer = await delivery(town, b'{"id": "not an order"')
    await town.settle()

    assert answer.status_code == 200
    row = (await town.inbox())[-1]
    assert (row.state, bytes(row.body or b"")) == ("parked", b'{"id": "not an order"')
    store = await StoreRow.get(id=town.store)
    found = await status.findings(store, town.system.stores, town.clock())
    assert [one.what.split(":")[0] for one in found if not one.is_ok] == [
        f"delivery {row.id} (order.updated) can't be read"
    ]
    assert (await status.counts(town.clock())).parked == 1


async def test_an_order_gone_before_its_delivery_was_built_is_kept_and_changes_nothing(town):
    maya, _ = await an_order(town)
    body = b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID."}'

    assert (await delivery(town, body)).status_code == 200
    await town.settle()

    assert (await town.visitor(maya))["available"] == 150


async def test_over_5_mb_signed_is_200_and_reconciled_later(town):
    maya, order = await an_order(town)
    town.shop.records["order"][order["id"]]["status"] = "cancelled"  # nobody is told
    town.shop.touch(order)
    big = orjson.dumps({"id": order["id"], "customer_note": "x" * BODY_MAX})

    answer = await delivery(town, big)
    await town.settle()

    assert answer.status_code == 200
    (row,) = [one for one in await town.inbox() if one.body is None]
    assert row.headers["x-wc-webhook-topic"] == "order.updated"
    assert (await town.visitor(maya))["available"] == 0


async def test_over_5_mb_unsigned_is_401_and_beyond_all_measure_is_413(town):
    await an_order(town)

    assert (await delivery(town, b"x" * (BODY_MAX + 1), signature="AAAA")).status_code == 401
    assert (await delivery(town, b"x" * (READ_MAX + 1))).status_code == 413


async def test_an_unknown_topic_is_200_without_effect(town):
    await an_order(town)
    entries = await EntryRow.all().count()

    answer = await delivery(town, b'{"action":"x","arg":1}', topic="action.woocommerce_x")
    await town.settle()

    assert answer.status_code == 200
    assert ((await town.inbox())[-1].state, await EntryRow.all().count()) == ("done", entries)


async def test_a_replay_is_200_without_effect(town):
    maya, _ = await an_order(town)
    sent = town.shop.hub.log[-1]
    kept, entries = len(await town.inbox()), await EntryRow.all().count()

    answer = await town.http.post(
        sent.url.removeprefix(SERVICE), content=sent.body, headers=sent.headers
    )
    await town.settle()

    assert answer.status_code == 200
    assert len(await town.inbox()) == kept
    assert await EntryRow.all().count() == entries
    assert (await town.visitor(maya))["available"] == 150


async def test_an_older_delivery_after_a_newer_one_changes_nothing(town):
    maya, order = await an_order(town)
    old = orjson.dumps(order)
    town.clock.forward(hours=1)
    town.shop.records["order"][order["id"]]["status"] = "cancelled"
    town.shop.touch(order)
    await delivery(town, orjson.dumps(order))
    await town.settle()
    assert (await town.visitor(maya))["available"] == 0

    await delivery(town, old, **{"X-WC-Webhook-Delivery-ID": "d0"})
    await town.settle()

    assert (await town.visitor(maya))["available"] == 0


async def test_nobodys_store_is_404(town):
    await an_order(town)

    for path in ("/webhooks/woocommerce/nobody", f"/webhooks/elsewhere/{town.store}"):
        assert (await town.http.post(path, content=b"{}")).json()["code"] == "store-unknown"
    answer = await town.http.get("/storefront/v1/state", params={"store": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "store-unknown")


async def test_a_bad_visitor_token_is_401(town):
    maya, _ = await an_order(town)
    other = "iss-of-another-store"
    bad = [
        "x.y.z",
        town.token(maya, iss=other),
        town.token(maya, aud="admin"),
        town.token(maya, exp=1),
        town.token(maya, exp=4_000_000_000),
        town.token(maya, kid="2"),
        town.token(""),
    ]
    for token in bad:
        answer = await town.state(Authorization=f"Bearer {token}")
        assert (answer.status_code, answer.json()["code"]) == (401, "visitor-unknown")


async def test_a_redemption_unsigned_is_401_and_without_our_header_400(town):
    maya, _ = await an_order(town)
    town.order(next(iter(town.shop.records["product"])), 20, maya)
    await town.settle()

    assert (await town.redeem(None)).status_code == 401
    for changed in ({"X_Perennial": ""}, {"Idempotency_Key": ""}, {"Content_Type": "text/plain"}):
        answer = await town.redeem(maya, **changed)
        assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert await RedemptionRow.all().count() == 0


async def test_a_redemption_twice_with_one_key_is_once(town):
    maya, _ = await an_order(town)
    town.order(next(iter(town.shop.records["product"])), 20, maya)
    await town.settle()

    first = await town.redeem(maya, Idempotency_Key="key-key-1")
    again = await town.redeem(maya, Idempotency_Key="key-key-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert await RedemptionRow.all().count() == 1
    assert (await town.visitor(maya))["available"] == 1150 - 500
    other = await town.redeem(maya, "10-off", Idempotency_Key="key-key-1")
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")


async def test_too_small_a_balance_is_409_and_spends_nothing(town):
    maya, _ = await an_order(town)

    answer = await town.redeem(maya)

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient-points")
    assert await RedemptionRow.all().count() == 0
    assert (await town.visitor(maya))["available"] == 150


async def test_a_reward_that_is_not_there_is_404(town):
    maya, _ = await an_order(town)

    answer = await town.redeem(maya, "free-yacht")

    assert (answer.status_code, answer.json()["code"]) == (404, "reward-unavailable")


async def test_only_the_stores_own_pages_may_read(town):
    maya, _ = await an_order(town)

    own = await town.state(maya, Origin="https://store.example.test")
    other = await town.state(maya, Origin="https://evil.example")

    assert own.headers["access-control-allow-origin"] == "https://store.example.test"
    assert "access-control-allow-credentials" not in own.headers
    assert "access-control-allow-origin" not in other.headers


async def test_a_store_named_twice_is_answered_to_its_own_pages_only(town):
    await an_order(town)

    answer = await town.http.get(
        f"/storefront/v1/state?store=another&store={town.store}",
        headers={"Origin": "https://evil.example"},
    )

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_a_redemption_that_is_no_json_is_400(town):
    maya, _ = await an_order(town)
    headers = {
        "Authorization": f"Bearer {town.token(maya)}", "Content-Type": "application/json",
        "Idempotency-Key": "key-key-1", "X-Perennial": "1",
    }  # fmt: skip
    for body in (b'{"reward": "\xff"}', b'{"reward": 5}', b'{"reward": "5-off", "x": 1}', b"[["):
        answer = await town.http.post(
            f"/storefront/v1/redemptions?store={town.store}", content=body, headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert await RedemptionRow.all().count() == 0


async def test_an_unchanged_state_is_304_and_private(town):
    maya, _ = await an_order(town)
    first = await town.state(maya)

    again = await town.state(maya, **{"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
    assert (await town.state()).headers["cache-control"] == "public, max-age=30"
    assert (await town.state()).json()["visitor"] is None


async def test_a_customer_sees_nobody_elses(town):
    maya, _ = await an_order(town)
    jude = town.shopper("jude@example.test")

    visitor = await town.visitor(jude)

    assert (visitor["available"], visitor["history"]) == (0, [])
    assert (await town.visitor(maya))["available"] == 150


async def test_a_deletion_that_is_not_true_deletes_nothing(town):
    head, rest = PROGRAM.split("\n\n", 1)
    await town.connect(f'{head}\ndeleted_orders = "void"\n\n{rest}')
    maya = town.shopper()
    order = town.order(town.product(), 3, maya)
    await town.settle()

    for id_ in (order["id"], 99_999):
        answer = await delivery(town, orjson.dumps({"id": id_}), topic="order.deleted")
        assert answer.status_code == 200
        await town.settle()

    assert (await town.visitor(maya))["available"] == 150
    assert await OrderRow.filter(body__not_isnull=True).count() == 1


async def test_a_draft_never_becomes_an_order(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product(), 3, maya, status="checkout-draft", set_paid=False)
    await town.settle()

    assert await OrderRow.filter(body__not_isnull=True).count() == 0
