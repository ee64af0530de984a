"""What changing records of the fake does, and how it refuses."""

import pytest

from tests.platforms.woocommerce.conftest import sample


async def order_of(api, *, quantity=2, **more):
    product = (await api.get("products?search=Sunday")).json()[0]["id"]  # 12.50 each
    body = {"line_items": [{"product_id": product, "quantity": quantity}], **more}
    answer = await api.post("orders", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def status_of(api, order):
    return (await api.get(f"orders/{order['id']}")).json()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("coupons/99999", "error-404-coupon"),
        ("customers/99999", "error-404-customer"),
        ("orders/99999", "error-404-order"),
        ("nonsense", "error-404-route"),
    ],
)
async def test_what_is_not_there(api, path, name):
    answer = await api.get(path)

    assert (answer.status_code, answer.json()) == (404, sample(name))


async def test_a_wrong_method_is_no_route(api):
    answer = await api.patch("coupons", json={})

    assert (answer.status_code, answer.json()) == (404, sample("error-405-or-404-method"))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"amount": "1"}, "error-coupon-no-code"),
        ({"code": "LOYAL-FIX10", "amount": "1"}, "error-coupon-exists"),
        ({"code": "n", "discount_type": "percent", "amount": "-5"}, "error-coupon-negative"),
        ({"code": "o", "discount_type": "percent", "amount": "150"}, "error-coupon-negative"),
        ({"code": "b", "discount_type": "half_off"}, "error-coupon-bad-type"),
    ],
)
async def test_coupons_that_are_refused(api, store, body, name):
    await api.post("coupons", json={"code": "loyal-fix10", "amount": "10"})
    answer = await api.post("coupons", json=body)

    assert (answer.status_code, answer.json()) == (400, sample(name))
    assert len(list(store.all("coupon"))) == 1


async def test_bad_json_is_refused(api):
    answer = await api.post("coupons", content=b'{"code": ')

    assert (answer.status_code, answer.json()) == (400, sample("error-400-bad-json"))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("coupons", {"code": "x", "amount": "ten"}),
        ("coupons", {"code": "x", "amount": "Infinity"}),
        ("coupons", {"code": "x", "date_expires": "soon"}),
        ("orders", {"line_items": [{"product_id": "many"}]}),
        ("orders", {"line_items": ["x"]}),
    ],
)
async def test_values_that_cannot_be_read_make_nothing(api, store, path, body):
    before = {kind: len(records) for kind, records in store.records.items()}
    answer = await api.post(path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_param")
    assert {kind: len(records) for kind, records in store.records.items()} == before


async def test_a_coupon_reads_back_as_the_store_understood_it(api):
    given = {
        "code": "SAVE-5",
        "amount": "5",
        "email_restrictions": ["not an email", "maya@example.test", "*@vip.example.test"],
        "date_expires": "2026-12-24T00:00:00",
        "meta_data": [{"key": "_ours", "value": "r1"}],
        "usage_limit": 1,
    }
    made = (await api.post("coupons", json=given)).json()
    found = (await api.get("coupons?code=Save-5")).json()

    assert found == [made]
    assert (made["code"], made["amount"]) == ("save-5", "5.00")
    assert made["email_restrictions"] == ["maya@example.test", "*@vip.example.test"]
    assert made["date_expires_gmt"] == "2026-12-23T23:00:00"
    assert [(one["key"], one["value"]) for one in made["meta_data"]] == [("_ours", "r1")]
    assert (await api.get("coupons?code=nope")).json() == []


async def test_a_refused_change_leaves_the_coupon(api):
    made = (await api.post("coupons", json={"code": "a", "amount": "5"})).json()
    path = f"coupons/{made['id']}"
    refused = await api.put(path, json={"amount": "-1"})
    unread = await api.put(path, json={"amount": "7", "date_expires": "soon"})

    assert (refused.status_code, unread.status_code) == (400, 400)
    assert (await api.get(f"coupons/{made['id']}")).json() == made
    await api.delete(f"coupons/{made['id']}?force=true")
    assert (await api.get("coupons?code=a")).json() == []


async def test_paying_and_completing_set_the_dates(api, clock):
    card = await order_of(api, set_paid=True, payment_method="card")
    cash = await order_of(api, status="processing", payment_method="cod")
    clock.forward(hours=1)
    await api.put(f"orders/{cash['id']}", json={"status": "completed"})
    done = await status_of(api, cash)

    assert (card["status"], card["date_paid_gmt"]) == ("processing", "2026-11-21T12:00:00")
    assert (card["date_paid"], card["date_completed"]) == ("2026-11-21T13:00:00", None)
    assert (cash["status"], cash["date_paid"]) == ("processing", None)
    assert done["date_paid_gmt"] == done["date_completed_gmt"] == "2026-11-21T13:00:00"
    assert done["date_modified_gmt"] == "2026-11-21T13:00:00"


async def test_a_coupon_on_an_order_spreads_to_the_cent(api):
    await api.post("coupons", json={"code": "ten", "amount": "10.00"})
    products = {one["name"]: one["id"] for one in (await api.get("products")).json()}
    lines = [
        {"product_id": products["House Blend"], "quantity": 1},  # 9.80
        {"product_id": products["Slow Decaf"], "quantity": 1},  # 13.50
        {"product_id": products["Duromina, Ethiopia"], "quantity": 2},  # 29.00
    ]
    body = {"line_items": lines, "coupon_lines": [{"code": "TEN"}]}
    order = (await api.post("orders", json=body)).json()

    assert [one["subtotal"] for one in order["line_items"]] == ["9.80", "13.50", "29.00"]
    assert [one["total"] for one in order["line_items"]] == ["7.92", "10.92", "23.46"]
    assert (order["discount_total"], order["total"]) == ("10.00", "42.30")
    assert [(one["code"], one["discount"]) for one in order["coupon_lines"]] == [("ten", "10")]


async def test_a_coupon_never_takes_more_than_there_is(api):
    await api.post("coupons", json={"code": "big", "amount": "500.00"})
    order = await order_of(api, coupon_lines=[{"code": "big"}])

    assert (order["discount_total"], order["total"]) == ("25.00", "0.00")


async def test_orders_keep_a_coupons_email_restrictions(api, store):
    restricted = {"code": "m", "amount": "5", "email_restrictions": ["maya@example.test"]}
    await api.post("coupons", json=restricted)
    product = next(store.all("product"))["id"]
    body = {
        "line_items": [{"product_id": product}],
        "coupon_lines": [{"code": "m"}],
        "billing": {"email": "other@example.test"},
    }
    before = len(store.records["order"])
    refused = await api.post("orders", json=body)

    assert (refused.status_code, refused.json()["code"]) == (400, "woocommerce_rest_invalid_coupon")
    assert len(store.records["order"]) == before
    body["billing"] = {"email": "Maya@Example.test"}
    assert (await api.post("orders", json=body)).status_code == 201


async def uses(api):
    coupon = (await api.get("coupons?code=once")).json()[0]
    return coupon["usage_count"], coupon["used_by"]


async def test_cancelling_gives_a_use_back_and_refunds_do_not(api):
    await api.post("coupons", json={"code": "once", "amount": "5", "usage_limit": 1})
    guest = {"email": "Guest@Example.test"}
    order = await order_of(api, coupon_lines=[{"code": "once"}], billing=guest, status="processing")
    path = f"orders/{order['id']}"

    assert await uses(api) == (1, ["Guest@Example.test"])
    await api.put(path, json={"status": "completed"})
    assert await uses(api) == (1, ["Guest@Example.test"])
    await api.put(path, json={"status": "cancelled"})
    assert await uses(api) == (0, [])
    await api.put(path, json={"status": "processing"})
    assert await uses(api) == (1, ["Guest@Example.test"])
    await api.post(f"{path}/refunds", json={"amount": order["total"]})
    assert (await status_of(api, order))["status"] == "refunded"
    assert await uses(api) == (1, ["Guest@Example.test"])
    await api.delete(f"{path}?force=true")
    assert await uses(api) == (1, ["Guest@Example.test"])


async def test_a_refund_with_lines(api, clock):
    order = await order_of(api, quantity=3, set_paid=True)
    line = order["line_items"][0]
    clock.forward(minutes=5)
    back = {"id": line["id"], "quantity": 1, "refund_total": "12.50"}
    body = {"amount": "12.50", "reason": "Damaged", "line_items": [back]}
    refund = (await api.post(f"orders/{order['id']}/refunds", json=body)).json()
    after = await status_of(api, order)
    returned = refund["line_items"][0]

    assert (refund["amount"], returned["quantity"], returned["total"]) == ("12.50", -1, "-12.50")
    assert [(one["key"], one["value"]) for one in returned["meta_data"]] == [
        ("_refunded_item_id", str(line["id"]))
    ]
    assert (after["total"], after["status"]) == (order["total"], "processing")
    assert after["refunds"] == [{"id": refund["id"], "reason": "Damaged", "total": "-12.50"}]
    assert after["date_modified_gmt"] == "2026-11-21T12:05:00"


async def test_deleting_a_refund_does_not_move_the_order(api, clock):
    order = await order_of(api, set_paid=True)
    path = f"orders/{order['id']}/refunds"
    refund = (await api.post(path, json={"amount": "5.00"})).json()
    moved = (await status_of(api, order))["date_modified_gmt"]
    clock.forward(minutes=5)
    unforced = await api.delete(f"{path}/{refund['id']}")
    deleted = await api.delete(f"{path}/{refund['id']}?force=true")
    after = await status_of(api, order)

    assert (refund["line_items"], unforced.status_code) == ([], 501)
    assert (deleted.status_code, after["refunds"]) == (200, [])
    assert after["date_modified_gmt"] == moved
    assert (await api.get(path)).json() == []


async def test_refunding_too_much_is_a_500(api):
    order = await order_of(api, set_paid=True)
    path = f"orders/{order['id']}/refunds"
    await api.post(path, json={"amount": "20.00"})
    answer = await api.post(path, json={"amount": "5.01"})

    assert (answer.status_code, answer.json()["data"]) == (500, 500)
    assert [one["amount"] for one in (await api.get(path)).json()] == ["20.00"]
    assert (await status_of(api, order))["status"] == "processing"
    await api.post(path, json={"amount": "5.00"})
    assert (await status_of(api, order))["status"] == "refunded"


async def test_the_trash(api, clock):
    order = await order_of(api, set_paid=True)
    path, since = f"orders/{order['id']}", "modified_after=2026-11-21T12:30:00&dates_are_gmt=1"
    clock.forward(hours=1)
    answer = await api.delete(path)

    assert answer.json()["status"] == "processing"  # as it was
    assert (await status_of(api, order))["status"] == "trash"
    assert (await api.get(f"orders?{since}")).json() == []
    assert (await api.get(f"orders?include={order['id']}")).json() == []
    trashed = (await api.get(f"orders?{since}&status=trash")).json()
    assert [one["id"] for one in trashed] == [order["id"]]
    assert (await api.delete(path)).status_code == 410

    await api.put(path, json={"status": "processing"})
    assert (await status_of(api, order))["status"] == "processing"
    await api.delete(f"{path}?force=true")
    assert (await api.get(path)).json() == sample("error-404-order")


async def test_lines_can_be_edited(api):
    order = await order_of(api, quantity=2)
    line = order["line_items"][0]
    edit = {"line_items": [{"id": line["id"], "quantity": 1, "total": "10.00"}]}
    edited = (await api.put(f"orders/{order['id']}", json=edit)).json()

    assert (edited["line_items"][0]["quantity"], edited["total"]) == (1, "10.00")
    gone = {"line_items": [{"id": line["id"], "quantity": 0}]}
    emptied = (await api.put(f"orders/{order['id']}", json=gone)).json()
    assert (emptied["line_items"], emptied["total"]) == ([], "0.00")


async def test_an_account_does_not_claim_guest_orders_and_its_end_frees_its_own(api, clock):
    guests = (await api.get("orders?search=ines@example.test")).json()
    one = (await api.post("customers", json={"email": "ines@example.test"})).json()
    taken = await api.post("customers", json={"email": "INES@example.test"})
    own = await order_of(api, customer_id=one["id"])

    assert [(await status_of(api, order))["customer_id"] for order in guests] == [0]
    assert taken.json()["code"] == "registration-error-email-exists"
    clock.forward(minutes=1)
    assert (await api.delete(f"customers/{one['id']}")).status_code == 501
    await api.delete(f"customers/{one['id']}?force=true")
    after = await status_of(api, own)
    assert (after["customer_id"], after["date_modified_gmt"]) == (0, "2026-11-21T12:01:00")
    assert (await api.get(f"customers/{one['id']}")).json() == sample("error-404-customer")


async def test_a_moved_address_leaves_the_billing_address(api):
    maya = (await api.get("customers?email=maya@example.test")).json()[0]
    body = {"email": "maya.l@example.test", "first_name": "May"}
    moved = (await api.put(f"customers/{maya['id']}", json=body)).json()

    assert (moved["email"], moved["first_name"]) == ("maya.l@example.test", "May")
    assert moved["billing"]["email"] == "maya@example.test"


async def test_selling_moves_the_stock_once(api, store):
    order = await order_of(api, quantity=3, status="processing")
    product = store.records["product"][order["line_items"][0]["product_id"]]
    sold = product["stock_quantity"]
    await api.put(f"orders/{order['id']}", json={"status": "completed"})
    assert product["stock_quantity"] == sold
    await api.put(f"orders/{order['id']}", json={"status": "cancelled"})
    assert product["stock_quantity"] == sold + 3


async def test_notes_are_the_stores_own_and_others(api, clock):
    order = await order_of(api, set_paid=True)
    path = f"orders/{order['id']}/notes"
    clock.forward(minutes=5)
    made = await api.post(path, json={"note": "We gave 25 points."})
    notes = (await api.get(path)).json()
    note = made.json()

    assert (made.status_code, made.headers["location"]) == (201, note["_links"]["self"][0]["href"])
    assert [one["note"] for one in notes] == [
        "Order status changed from Pending payment to Processing.",
        "We gave 25 points.",
    ]
    assert (note["author"], note["customer_note"]) == ("WooCommerce", False)
    assert note["date_created_gmt"] == "2026-11-21T12:05:00"
    assert (await api.get(f"{path}/{note['id']}")).json() == note
    assert (await status_of(api, order))["date_modified_gmt"] == order["date_modified_gmt"]
    assert (await api.post(path, json={})).json()["code"] == "rest_missing_callback_param"
    assert (await api.delete(f"{path}/{note['id']}?force=true")).status_code == 200
    assert len((await api.get(path)).json()) == 1
    assert (await api.get("orders/99999/notes")).status_code == 404


async def test_a_batch_says_in_its_place_what_is_refused(api):
    taken = (await api.post("coupons", json={"code": "taken", "amount": "1"})).json()
    body = {
        "create": [{"code": "fresh", "amount": "2"}, {"code": "TAKEN", "amount": "2"}],
        "update": [{"id": taken["id"], "amount": "3"}, {"id": 99999, "amount": "3"}],
    }
    answer = await api.post("coupons/batch", json=body)
    done = answer.json()
    gone = (await api.post("coupons/batch", json={"delete": [taken["id"]]})).json()

    assert answer.status_code == 200
    assert [one.get("code") for one in done["create"]] == ["fresh", None]
    assert done["create"][1] == {"id": 0, "error": sample("error-coupon-exists")}
    assert [one.get("amount") for one in done["update"]] == ["3.00", None]
    assert done["update"][1] == {"id": 99999, "error": sample("error-404-coupon")}
    assert [one["code"] for one in gone["delete"]] == ["taken"]
    assert [one["code"] for one in (await api.get("coupons")).json()] == ["fresh"]


async def test_a_batch_of_more_than_a_hundred_makes_nothing(api):
    body = {"create": [{"code": f"c{number}", "amount": "1"} for number in range(101)]}
    answer = await api.post("coupons/batch", json=body)

    assert (answer.status_code, answer.json()) == (413, sample("error-batch-over-100"))
    assert (await api.get("coupons")).json() == []


async def test_a_full_refund_by_amount_keeps_the_total(api):
    order = await order_of(api, set_paid=True)
    refund = await api.post(f"orders/{order['id']}/refunds", json={"amount": order["total"]})
    after = await status_of(api, order)

    assert (after["status"], after["total"]) == ("refunded", order["total"])
    assert [one["total"] for one in after["refunds"]] == [f"-{order['total']}"]
    assert refund.json()["line_items"] == []
    assert after["number"] == str(after["id"])
