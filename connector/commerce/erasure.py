"""People who were erased: nothing that names them is kept, and that they are to stay away is.

What is kept is an HMAC of each of their accounts under a key of the store's own, made at its first
erasure and never changed. The account of a customer is their id, that of a guest the address; so
whatever the store shows of them later is known, and loses what names them before it is stored.

An id that was erased stays so. An address stays so for guests, and for customers of before: whoever
signs up anew after the erasure, under a new id, is somebody who gave their name again.
"""

import hmac
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from connector.commerce.identity import (
    blank,
    canonical_email,
    customer_account,
    customer_of,
    guest_key,
    guest_of,
)
from connector.commerce.models import EMAIL_MAX, StoreRow
from connector.commerce.snapshots import unpack
from connector.database import sql
from connector.kernel.vault import Vault
from platforms.model import Customer, Order, Record

WORD = "erased"  # what stands for what somebody wrote about a person
KEY = "erasure_key"
KEY_BYTES = 32
Hide = Callable[[Record], Record]
"""Returns a record without what names a person who was erased; the same one where there is none."""


async def remember(vault: Vault, store: str, accounts: Collection[str], now: datetime) -> None:
    """Have accounts' people stay erased. In a transaction; the store gets locked."""
    await sql.lock(store)
    key = await _key(vault, store)
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = vault.seal(store, KEY, key.hex())
        await sql.run("UPDATE store SET erasure_key = $2 WHERE id = $1", store, sealed)
    await sql.many(
        "INSERT INTO erased (store, digest, erased_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (store, digest) DO UPDATE SET erased_at = excluded.erased_at",
        [(store, _digest(key, one), now) for one in sorted(accounts)],
    )


async def erased(vault: Vault, store: str, accounts: Iterable[str]) -> dict[str, datetime]:
    """Return which of these accounts' people were erased, and when.

    At a store where nobody was, that is one look at its row.
    """
    key = await _key(vault, store)
    if key is None:
        return {}
    of = {_digest(key, account): account for account in accounts if account}
    rows = await sql.rows(
        "SELECT digest, erased_at FROM erased WHERE store = $1 AND digest = ANY($2)",
        *(store, list(of)),
    )
    times = ((of[row["digest"]], sql.at(row["erased_at"])) for row in rows)
    return {account: at for account, at in times if at is not None}


async def digest_of(vault: Vault, store: str, account: str) -> str:
    """Return what is kept of an account at a store where somebody was erased."""
    key = await _key(vault, store)
    assert key is not None
    return _digest(key, account)


async def hiding(vault: Vault, store: StoreRow, records: Sequence[Record]) -> Hide | None:
    """Return how to hide those of these records' people who were erased; None where none was.

    With the store locked: whoever is erased later finds what was stored before.
    """
    people = [one for one in records if isinstance(one, (Customer, Order))]
    if not people or await _key(vault, store.id) is None:
        return None
    key = guest_key(vault, store)
    named = {account for one in people for account in _accounts(one, key)}
    found = await erased(vault, store.id, named)
    return partial(_hidden, erased=found, guest_key=key) if found else None


async def same(vault: Vault, store: StoreRow, accounts: Collection[str]) -> set[str]:
    """Return accounts with those of guests and customers who have the same addresses."""
    key = guest_key(vault, store)
    addresses = await _addresses(store.id, accounts)
    rows = await sql.rows(
        "SELECT platform_id FROM customer WHERE store = $1 AND email = ANY($2)",
        *(store.id, [address[:EMAIL_MAX] for address in addresses]),
    )
    found = {*accounts, *(guest_of(address, key) for address in addresses)}
    return found | {customer_account(row["platform_id"]) for row in rows}


async def _addresses(store: str, accounts: Collection[str]) -> set[str]:
    """Return the canonical addresses of customers, and of guests who have ordered."""
    ids = [id_ for account in accounts if (id_ := customer_of(account)) is not None]
    customers = await sql.rows(
        "SELECT body FROM customer WHERE store = $1 AND platform_id = ANY($2) AND body IS NOT NULL",
        *(store, ids),
    )
    found = {unpack(row["body"], Customer).email for row in customers}
    for account in accounts:
        if customer_of(account) is None:
            orders = await sql.rows(
                'SELECT body FROM "order" WHERE store = $1 AND account = $2 AND body IS NOT NULL'
                " LIMIT 1",
                *(store, account),
            )
            found |= {unpack(row["body"], Order).email for row in orders}
    return {canonical_email(email) for email in found if email and email.strip()}


async def _key(vault: Vault, store: str) -> bytes | None:
    rows = await sql.rows("SELECT erasure_key FROM store WHERE id = $1", store)
    sealed = rows[0]["erasure_key"] if rows else None
    return bytes.fromhex(vault.open(store, KEY, sealed)) if sealed is not None else None


def _digest(key: bytes, account: str) -> str:
    return hmac.digest(key, account.encode(), "sha256").hex()


def _accounts(one: Customer | Order, guest_key: bytes) -> tuple[str, str]:
    """Return the accounts that a record names: by a customer's id, and by an address."""
    id_ = one.id if isinstance(one, Customer) else one.customer_id
    return customer_account(id_) if id_ is not None else "", guest_of(one.email, guest_key)


def _hidden(record: Record, erased: Mapping[str, datetime], guest_key: bytes) -> Record:
    if not isinstance(record, (Customer, Order)):
        return record
    customer, guest = _accounts(record, guest_key)
    began_at = record.created_at if isinstance(record, Customer) else record.placed_at
    is_of_before = guest in erased and (not customer or began_at < erased[guest])
    if customer not in erased and not is_of_before:
        return record
    if isinstance(record, Customer):
        return replace(record, email=None, first_name="", last_name="")
    email = record.email
    return replace(record, email=blank(email, guest_key) if email and guest else email)
