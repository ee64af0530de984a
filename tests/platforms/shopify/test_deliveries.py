"""Documented payloads name a record, or are ignored on purpose; what is spoiled is Malformed."""

import base64
import hmac
import random
from datetime import UTC, datetime

import orjson
import pytest

from platforms.errors import Malformed, SignatureInvalid
from platforms.model import (
    Delivery,
    Ignored,
    PersonAsked,
    StoreErased,
    Touched,
    Uninstalled,
)
from platforms.shopify.adapter import ABOUT, Shopify
from platforms.shopify.app import TOLD
from platforms.shopify.fake.stage import SAMPLES

ORDER, CUSTOMER, PRODUCT = "820982911946154508", "706405506930370084", "788032119674292922"
NAMED = {
    "orders_create": Touched("order", ORDER),
    "orders_updated": Touched("order", ORDER),
    "orders_paid": Touched("order", ORDER),
    "orders_cancelled": Touched("order", ORDER),
    "orders_edited": Touched("order", ORDER),
    "orders_delete": Touched("order", ORDER),
    "refunds_create": Touched("order", ORDER),
    "fulfillments_create": Touched("order", ORDER),
    "fulfillments_update": Touched("order", ORDER),
    "customers_create": Touched("customer", CUSTOMER),
    "customers_update": Touched("customer", CUSTOMER),
    "customers_delete": Touched("customer", CUSTOMER),
    "products_create": Touched("product", PRODUCT),
    "products_update": Touched("product", PRODUCT),
    "products_delete": Touched("product", PRODUCT),
    "app_uninstalled": Uninstalled(datetime(2026, 11, 21, 12, 0, 1, 500_000, tzinfo=UTC)),
    "customers_data_request": PersonAsked("export", "191167", "john@example.com"),
    "customers_redact": PersonAsked("erase", "191167", "john@example.com"),
    "shop_redact": StoreErased(),
}
"""What the documented bodies are about, as one reads them there."""
SHOPIFY = Shopify()
ALL = sorted(path.stem for path in SAMPLES.glob("*.json"))


def delivery(name, body=None):
    body = (SAMPLES / f"{name}.json").read_bytes() if body is None else body
    at = "2026-11-21T12:00:01.5Z"
    topic = {"x-shopify-topic": name.replace("_", "/", 1)}
    return Delivery(headers={**topic, "x-shopify-triggered-at": at}, body=body)


@pytest.mark.parametrize("name", ALL)
def test_a_documented_body_names_its_record_or_is_ignored(name):
    found = SHOPIFY.read(delivery(name))
    if name in NAMED:
        assert found == NAMED[name]
    else:
        assert isinstance(found, Ignored)


def test_every_topic_that_we_subscribe_has_a_documented_body():
    assert {name.replace("/", "_") for name in ABOUT} <= {*ALL}
    known = {name.replace("/", "_") for name in (*ABOUT, *TOLD)}
    assert {*NAMED} == known - {"customers_merge"}


def test_who_was_merged_into_another_is_looked_at():
    body = orjson.loads((SAMPLES / "customers_merge.json").read_bytes())
    assert SHOPIFY.read(delivery("customers_merge")) == Ignored("customers who were not merged")
    done = delivery("customers_merge", orjson.dumps(body | {"status": "completed"}))
    assert SHOPIFY.read(done) == Touched("customer", "2")


@pytest.mark.parametrize("topic", sorted((*ABOUT, *TOLD)))
def test_spoiled_bodies_end_in_a_change_or_malformed(topic):
    name = topic.replace("/", "_")
    whole, rng = (SAMPLES / f"{name}.json").read_bytes(), random.Random(topic)
    for _ in range(100):
        body = bytearray(whole)
        for _ in range(rng.randint(1, 20)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        cut = body[: rng.randint(0, len(body))] if rng.random() < 0.3 else body
        try:
            found = SHOPIFY.read(delivery(name, bytes(cut)))
        except Malformed:
            continue
        match found:
            case Touched(kind, id_):
                assert kind == ABOUT[topic][0]
                assert str(int(id_)) == id_
            case PersonAsked(kind, id_, email):
                assert kind == ("erase" if topic == "customers/redact" else "export")
                assert id_ or email
            case Ignored(reason):
                assert reason == "customers who were not merged"
            case _:
                assert found == NAMED[name]


@pytest.mark.parametrize(
    "id_", [None, True, False, 0, -1, 1.5, "", "1", [], {}, "gid://shopify/Order/", "gid://shopify/Order/1x"]
)  # fmt: skip
def test_no_record_is_named_by_what_is_no_id(id_):
    with pytest.raises(Malformed, match="names no record"):
        SHOPIFY.read(delivery("orders_create", orjson.dumps({"id": id_})))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T12:00:01", "1", "9" * 400])
def test_an_app_that_was_taken_off_at_no_instant_is_malformed(text):
    headers = {"x-shopify-topic": "app/uninstalled", "x-shopify-triggered-at": text}
    with pytest.raises(Malformed, match="instant"):
        SHOPIFY.read(Delivery(headers=headers, body=b"{}"))


@pytest.mark.parametrize("customer", [None, [], "1", {}, {"id": True}, {"id": -1, "email": ""}])
@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact"])
def test_nobody_is_asked_about_who_is_not_named(topic, customer):
    with pytest.raises(Malformed, match="names no customer"):
        SHOPIFY.read(delivery(topic.replace("/", "_", 1), orjson.dumps({"customer": customer})))


# openssl dgst -sha256 -hmac 'hush' -binary | base64, over exactly these bytes
BODY = b'{"note":"caf\\u00e9 \\/ \xc3\xa9","id":1}\n'
SIGNED = "9oXFcGnBwe/i/wEjITXZrh1DFmf7+gsfvTzGS7iSWOI="


def signed(body=BODY, signature=SIGNED):
    return Delivery(headers={"x-shopify-hmac-sha256": signature}, body=body)


def test_a_body_signed_by_openssl_verifies():
    SHOPIFY.verify(signed(), "hush")


@pytest.mark.parametrize("place", range(len(BODY)))
def test_one_byte_changed_does_not(place):
    body = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
    with pytest.raises(SignatureInvalid):
        SHOPIFY.verify(signed(body), "hush")


def test_the_same_json_written_otherwise_does_not_verify():
    again = orjson.dumps(orjson.loads(BODY))
    assert orjson.loads(again) == orjson.loads(BODY)
    with pytest.raises(SignatureInvalid):
        SHOPIFY.verify(signed(again), "hush")


def test_an_empty_body_and_a_large_one_are_verified_as_they_are():
    for body in (b"", b"x" * 2_000_000):
        digest = base64.b64encode(hmac.digest(b"hush", body, "sha256")).decode()
        SHOPIFY.verify(signed(body, digest), "hush")
