"""Customers: accounts of the store, and what their coming and going does to orders."""

import hashlib

from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record, missing_param
from platforms.woocommerce.fake.shapes import BILLING, SHIPPING, blank, known, links
from platforms.woocommerce.fake.values import stamp

_CLOSED = frozenset({"date_created", "date_modified", "is_paying_customer", "avatar_url"})


def create(store: FakeStore, body: Record) -> Record:
    """Make an account. Past guest orders with its address stay guest orders."""
    email = str(body.get("email") or "")
    if not email:
        raise missing_param("email")
    if any(one["email"].lower() == email.lower() for one in store.all("customer")):
        words = (
            f"An account is already registered with {email}. "
            "Please log in or use a different email address."
        )
        raise ApiError(400, "registration-error-email-exists", words)
    one = blank("customer", {"id": store.next_id("user")})
    one["username"] = email.partition("@")[0]
    _write(one, body)
    store.write_meta(one, body)
    stamp(one, "date_created", store.now(), store.zone)
    store.touch(one)
    one["avatar_url"] = _avatar(email)
    one["_links"] = links(store.site.rest, "customers", one["id"])
    store.records["customer"][one["id"]] = one
    store.passwords[one["id"]] = str(body.get("password") or store.token(12))
    store.emit("customer.created", one["id"])
    store.emit("customer.updated", one["id"])
    return one


def update(store: FakeStore, one: Record, body: Record) -> Record:
    """Change an account. Its e-mail address moves; the one on its billing address stays."""
    _write(one, body)
    store.write_meta(one, body)
    if "password" in body:
        store.passwords[one["id"]] = str(body["password"])
    store.touch(one)
    store.emit("customer.updated", one["id"])
    return one


def delete(store: FakeStore, one: Record) -> Record:
    """Remove an account: its orders become guest orders, and only ``customer.deleted`` is told.

    The answer's link has no more hints of what may be done to it (recorded).
    """
    for order in store.all("order"):
        if order["customer_id"] == one["id"]:
            order["customer_id"] = 0
            order["_links"].pop("customer", None)
            store.touch(order)
    store.passwords.pop(one["id"], None)
    store.emit("customer.deleted", one["id"])
    one["_links"]["self"][0].pop("targetHints")
    return store.records["customer"].pop(one["id"])


def _write(one: Record, body: Record) -> None:
    plain = known("customer", body, but=_CLOSED | {"billing", "shipping"})
    one |= plain
    for name, shape in (("billing", BILLING), ("shipping", SHIPPING)):
        given = body.get(name) or {}
        one[name] |= {key: given[key] for key in shape if key in given}


def _avatar(email: str) -> str:
    name = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    return f"https://secure.gravatar.com/avatar/{name}?s=96&d=mm&r=g"
