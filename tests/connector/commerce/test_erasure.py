"""What hiding a person leaves of a record: whose points it moves, and nothing that names them."""

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from connector.commerce import erasure
from connector.commerce.erasure import hiding
from connector.commerce.identity import (
    account_of,
    blank,
    guest_account,
    guest_key,
    guest_of,
    is_blank,
)
from platforms.model import Customer, Order
from tests.connector.commerce.test_snapshots import HELD
from tests.town import NOW

KEY = b"a key"
ADDRESSES = st.emails().map(str) | st.text(min_size=1).filter(str.strip)
EMAIL = "Ada@Example.test"
ADA = Customer(
    id="5", email=EMAIL, first_name="Ada", last_name="L", created_at=NOW,
    updated_at=NOW,
)  # fmt: skip
PERSONAL = {Customer: {"email", "first_name", "last_name"}, Order: {"email"}}
"""Whoever adds a field that names somebody hides it, and adds it here."""
KEPT = {
    Customer: {"id", "created_at", "updated_at"},
    Order: {
        "id", "number", "customer_id", "status", "is_paid", "is_cancelled", "currency",
        "total_minor", "placed_at", "paid_at", "updated_at", "lines", "refunds", "codes",
        "is_deleted", "cancelled_at", "shipping", "fees", "fulfilled_at", "delivered_at",
    },
}  # fmt: skip


def test_every_field_of_a_person_is_known_to_name_them_or_not():
    for type_ in (Customer, Order):
        assert {one.name for one in fields(type_)} == PERSONAL[type_] | KEPT[type_]


@given(email=ADDRESSES)
def test_a_blank_has_the_same_account_and_is_its_own_blank(email):
    hidden = blank(email, KEY)

    assert is_blank(hidden)
    assert guest_of(hidden, KEY) == guest_of(email, KEY)
    assert blank(hidden, KEY) == hidden
    order = replace(HELD, customer_id=None, email=email)
    assert account_of(replace(order, email=hidden), KEY) == account_of(order, KEY)


def test_an_address_that_only_looks_like_a_blank_is_one():
    for email in ("ada@erased.invalid", f"{'g' * 64}@erased.invalid", f"{'a' * 63}@erased.invalid"):
        assert not is_blank(email)
        assert guest_of(email, KEY) == guest_account(email, KEY)


async def hidden(town, accounts, *records):
    """Erase accounts' people now; return records without them, None where nobody is hidden."""
    row, vault = await town.connect(program=None), town.system.tools.vault
    async with in_transaction():
        await erasure.remember(vault, row.id, accounts, NOW)
    row = await town.row()
    hide = await hiding(vault, row, records)
    return [hide(one) for one in records] if hide else None


async def test_where_nobody_was_erased_nobody_is_hidden(town):
    row = await town.connect(program=None)
    assert await hiding(town.system.tools.vault, row, [ADA, HELD]) is None


async def test_an_id_stays_erased_whenever_it_is_shown(town):
    later = NOW + timedelta(days=9)
    order = replace(HELD, customer_id="5", email=None, placed_at=later)
    found = await hidden(town, ["customer:5"], replace(ADA, created_at=later), order)
    assert found == [
        replace(ADA, created_at=later, email=None, first_name="", last_name=""),
        order,
    ]


async def test_an_address_stays_erased_for_guests_and_for_what_was_before(town):
    row, vault = await town.connect(program=None), town.system.tools.vault
    key = guest_key(vault, row)
    guest = guest_of(EMAIL, key)
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    order = replace(HELD, email=EMAIL)
    shown = [
        replace(ADA, created_at=before),
        replace(ADA, created_at=after),
        replace(order, customer_id="6", placed_at=before),
        replace(order, customer_id="6", placed_at=after),
        replace(order, customer_id=None, placed_at=after),
    ]
    found = await hidden(town, [guest], *shown)
    assert [one == was for one, was in zip(found, shown, strict=True)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert {found[2].email, found[4].email} == {blank(EMAIL, key)}
