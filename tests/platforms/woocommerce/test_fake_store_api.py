"""The Store API of the fake: carts, coupons and the checkout."""

import json

import pytest

from tests.platforms.woocommerce.conftest import URL, sample
from tests.platforms.woocommerce.test_fake_shapes import differences

HOME = "/wp-json/wc/store/v1"
ADDRESS = {
    "first_name": "A",
    "last_name": "B",
    "address_1": "1 Main St",
    "city": "Berlin",
    "postcode": "10115",
    "country": "DE",
}


class Shopper:
    """A browser that talks to the Store API with its nonce."""

    def __init__(self, client):
        self.client = client
        client.base_url = URL + HOME + "/"
        self.nonce = {}

    async def post(self, path, **body):
        if not self.nonce:
            self.nonce = {"Nonce": (await self.client.get("cart")).headers["nonce"]}
        return await self.client.post(path, json=body, headers=self.nonce)

    async def cart(self):
        return (await self.client.get("cart")).json()


@pytest.fixture
def guest(browse):
    return Shopper(browse())


@pytest.fixture
def maya(browse, store):
    client = browse()
    account = next(one["id"] for one in store.all("customer") if one["first_name"] == "Maya")
    sessions = client._transport.app.state.sessions
    client.cookies.set("wordpress_logged_in", sessions.start(account))
    return Shopper(client)


@pytest.fixture
def espresso(store):
    return next(one["id"] for one in store.all("product") if one["price"] == "12.50")


@pytest.fixture
def coupon(api):
    async def make(code, amount="5.00", **more):
        answer = await api.post("coupons", json={"code": code, "amount": amount, **more})
        assert answer.status_code == 201

    return make


async def test_writing_needs_the_nonce_or_a_cart_token(browse, espresso):
    bare = Shopper(browse()).client
    item = {"id": espresso, "quantity": 2}
    none = await bare.post("cart/add-item", json=item)
    bad = await bare.post("cart/add-item", json=item, headers={"Nonce": "abc"})
    token = {"Cart-Token": none.headers["cart-token"]}
    other = Shopper(browse()).client
    by_token = await other.post("cart/add-item", json=item, headers=token)

    assert (none.status_code, none.json()) == (401, sample("store-api/add-item-no-nonce"))
    assert (bad.status_code, bad.json()) == (403, sample("store-api/add-item-bad-nonce"))
    assert by_token.status_code == 201
    assert "set-cookie" not in by_token.headers
    assert (await other.get("cart", headers=token)).json()["items_count"] == 2
    assert (await other.get("cart")).json()["items_count"] == 0
    forged = {"Cart-Token": token["Cart-Token"][:-3] + "abc"}
    assert (await other.post("cart/add-item", json=item, headers=forged)).status_code == 401


async def test_a_cart_looks_like_the_recorded_one(guest, espresso):
    added = await guest.post("cart/add-item", id=espresso, quantity=2)

    assert added.status_code == 201
    assert list(differences(sample("store-api/add-item-nonce"), added.json())) == []
    totals = added.json()["totals"]
    assert (totals["total_items"], totals["total_shipping"]) == ("2500", "490")
    assert totals["total_price"] == "2990"
    assert (totals["currency_code"], totals["currency_minor_unit"]) == ("EUR", 2)


async def test_lines_change_and_shipping_becomes_free(guest, espresso):
    key = (await guest.post("cart/add-item", id=espresso, quantity=3)).json()["items"][0]["key"]
    more = (await guest.post("cart/update-item", key=key, quantity=4)).json()
    none = (await guest.post("cart/remove-item", key=key)).json()

    assert (more["totals"]["total_items"], more["totals"]["total_shipping"]) == ("5000", "0")
    assert (none["items"], none["totals"]["total_shipping"]) == ([], None)
    gone = await guest.post("cart/update-item", key=key, quantity=1)
    assert (gone.status_code, gone.json()["code"]) == (409, "woocommerce_rest_cart_invalid_key")


async def refusal(shopper, code):
    answer = await shopper.post("cart/apply-coupon", code=code)
    assert answer.json()["code"] == "woocommerce_rest_cart_coupon_error"
    assert answer.status_code == 400
    return answer.json()


async def test_refusals_in_the_recorded_words(guest, espresso, coupon, api):
    await guest.post("cart/add-item", id=espresso, quantity=2)
    await coupon("loyal-7f3k9q", individual_use=True)
    await coupon("tenoff")
    await coupon("min500", minimum_amount="500")
    await coupon("expired1", date_expires="2026-11-20T00:00:00")
    await coupon("used", usage_limit=1)
    used = {"line_items": [{"product_id": espresso}], "coupon_lines": [{"code": "used"}]}
    await api.post("orders", json=used)

    assert await refusal(guest, "nope") == sample("store-api/apply-unknown")
    assert (await refusal(guest, "EXPIRED1"))["message"] == (
        "Coupon &quot;expired1&quot; has expired."
    )
    assert (await refusal(guest, "Min500"))["message"] == (
        "The minimum spend for coupon &quot;min500&quot; is &euro;500.00."
    )
    assert (await refusal(guest, "used"))["message"].startswith(
        "Usage limit for coupon &quot;used&quot; has been reached."
    )
    assert (await guest.post("cart/apply-coupon", code="LOYAL-7F3K9Q")).status_code == 200
    assert await refusal(guest, "loyal-7F3K9Q") == sample("store-api/apply-twice")
    assert await refusal(guest, "tenoff") == sample("store-api/apply-second-with-individual-use")
    assert [one["code"] for one in (await guest.cart())["coupons"]] == ["loyal-7f3k9q"]


async def test_a_restricted_coupon_and_a_guest(guest, espresso, coupon, api, store):
    mine = {"email_restrictions": ["maya@example.test"], "usage_limit": 1}
    await coupon("loyal-7f3k9q", **mine)
    await guest.post("cart/add-item", id=espresso, quantity=2)

    assert await refusal(guest, "LOYAL-7F3K9Q") == sample(
        "store-api/apply-restricted-guest-no-email"
    )
    await guest.post("cart/update-customer", billing_address={"email": "thief@else.test"})
    await refusal(guest, "loyal-7f3k9q")
    await guest.post("cart/update-customer", billing_address={"email": "MAYA@example.test"})
    applied = (await guest.post("cart/apply-coupon", code="loyal-7f3k9q")).json()
    assert applied["totals"]["total_discount"] == "500"

    before = len(store.records["order"])
    billing = ADDRESS | {"email": "thief@else.test"}
    wrong = await guest.post("checkout", billing_address=billing, payment_method="cod")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "woocommerce_rest_cart_coupon_errors")
    assert wrong.json()["data"]["removed_coupons"].keys() == {"loyal-7f3k9q"}
    assert wrong.json()["data"]["cart"]["coupons"] == []
    assert len(store.records["order"]) == before

    paid = await guest.post("checkout", billing_address=billing, payment_method="cod")
    order = (await api.get(f"orders/{paid.json()['order_id']}")).json()
    assert (order["total"], order["coupon_lines"]) == ("29.90", [])
    assert (await api.get("coupons?code=loyal-7f3k9q")).json()[0]["usage_count"] == 0


async def test_a_shoppers_own_coupon_applies_at_once(maya, espresso, coupon, api):
    await coupon("hers", email_restrictions=["maya@example.test"], usage_limit=1)
    await coupon("his", email_restrictions=["tomas@example.test"])
    await maya.post("cart/add-item", id=espresso, quantity=2)

    await refusal(maya, "his")
    assert (await maya.post("cart/apply-coupon", code="hers")).status_code == 200
    done = await maya.post("checkout", payment_method="card")
    order = (await api.get(f"orders/{done.json()['order_id']}")).json()
    used = (await api.get("coupons?code=hers")).json()[0]

    assert list(differences(sample("store-api/checkout-ok"), done.json())) == []
    assert (order["status"], order["date_paid_gmt"]) == ("processing", "2026-11-21T12:00:00")
    assert (order["total"], order["discount_total"]) == ("24.90", "5.00")
    assert order["customer_id"] == int(used["used_by"][0])
    assert (used["usage_count"], order["billing"]["email"]) == (1, "maya@example.test")
    assert (await maya.cart())["items"] == []


async def test_falling_under_the_minimum_takes_the_coupon_off(guest, espresso, coupon):
    await coupon("min20", minimum_amount="20")
    key = (await guest.post("cart/add-item", id=espresso, quantity=2)).json()["items"][0]["key"]
    await guest.post("cart/apply-coupon", code="min20")
    less = (await guest.post("cart/update-item", key=key, quantity=1)).json()

    assert less["coupons"] == []
    assert [one["message"] for one in less["errors"]] == [
        "The minimum spend for coupon &quot;min20&quot; is &euro;20.00."
    ]


async def test_a_coupon_for_itself_sends_the_others_off(guest, espresso, coupon):
    await coupon("first")
    await coupon("alone", individual_use=True)
    await guest.post("cart/add-item", id=espresso, quantity=2)
    await guest.post("cart/apply-coupon", code="first")
    cart = (await guest.post("cart/apply-coupon", code="alone")).json()

    assert [one["code"] for one in cart["coupons"]] == ["alone"]


async def test_removing_a_coupon(guest, espresso, coupon):
    await coupon("off")
    await guest.post("cart/add-item", id=espresso, quantity=2)
    await guest.post("cart/apply-coupon", code="off")
    removed = await guest.post("cart/remove-coupon", code="OFF")

    assert removed.json()["totals"]["total_discount"] == "0"
    assert (await guest.post("cart/remove-coupon", code="off")).status_code == 400


async def test_percent_and_free_shipping(guest, espresso, coupon):
    await coupon("half", "15", discount_type="percent")
    await coupon("ship", "0", free_shipping=True)
    await guest.post("cart/add-item", id=espresso, quantity=2)
    await guest.post("cart/apply-coupon", code="half")
    totals = (await guest.post("cart/apply-coupon", code="ship")).json()["totals"]

    assert (totals["total_discount"], totals["total_shipping"]) == ("375", "0")
    assert totals["total_price"] == "2125"


async def test_opening_the_checkout_makes_a_draft_that_the_order_becomes(
    guest, espresso, api, receiver, deliveries
):
    for topic in ("order.created", "order.updated"):
        url = "https://hook.example.test/"
        hook = {"topic": topic, "delivery_url": url, "secret": "s"}
        await api.post("webhooks", json=hook)
    receiver.got.clear()
    await guest.post("cart/add-item", id=espresso, quantity=2)
    opened = (await guest.client.get("checkout")).json()
    listed = (await api.get("orders?per_page=1")).json()[0]
    await deliveries()

    assert (opened["status"], listed["status"]) == ("checkout-draft", "checkout-draft")
    assert (listed["id"], listed["total"]) == (opened["order_id"], "29.90")
    assert receiver.got == []

    billing = ADDRESS | {"email": "a@example.test"}
    placed = await guest.post("checkout", billing_address=billing, payment_method="cod")
    await deliveries()
    order = (await api.get(f"orders/{opened['order_id']}")).json()
    assert placed.json()["order_id"] == opened["order_id"]
    assert (order["status"], order["date_paid"]) == ("processing", None)
    assert receiver.topics() == ["order.updated", "order.created"]
    assert json.loads(receiver.got[0][2]) == order


async def test_an_empty_cart_or_no_address_makes_no_order(guest, espresso, store):
    before = len(store.records["order"])
    empty = await guest.post("checkout", payment_method="cod")
    await guest.post("cart/add-item", id=espresso)
    nameless = await guest.post("checkout", payment_method="cod")

    assert empty.json()["code"] == "woocommerce_rest_cart_empty"
    assert nameless.json()["code"] == "woocommerce_rest_invalid_email_address"
    assert len(store.records["order"]) == before
