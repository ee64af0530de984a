"""Whose points a fact moves: a customer's account, or a guest's.

A guest's key is an HMAC of the canonical address under the store's own key, so that a table of
accounts holds no addresses. Equal addresses never join a guest and a customer. Where a person was
erased, an order has a *blank* in the place of the address: it names the guest's account, no more.
"""

import hmac
import re
import unicodedata

from connector.commerce.models import StoreRow
from connector.kernel.vault import Vault
from platforms.model import Order

BLANK = "@erased.invalid"  # RFC 2606: nobody can have such an address
DIGEST = re.compile("[0-9a-f]{64}")
GUEST = "guest:"


def guest_key(vault: Vault, store: StoreRow) -> bytes:
    """Return the store's own key for guests' accounts."""
    return bytes.fromhex(vault.open(store.id, "guest_key", store.guest_key))


def canonical_email(email: str) -> str:
    """Return the address trimmed, in NFC and lower case; nothing else is made equal."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def customer_account(customer_id: str) -> str:
    """Return the account of a customer."""
    return f"customer:{customer_id}"


def customer_of(account: str) -> str | None:
    """Return the customer whose account this is, None for a guest's."""
    kind, _, id_ = account.partition(":")
    return id_ if kind == "customer" else None


def account_of(order: Order, guest_key: bytes) -> str:
    """Return the account whose points an order moves; empty where it names nobody."""
    if order.customer_id is not None:
        return customer_account(order.customer_id)
    return guest_of(order.email, guest_key)


def guest_of(email: str | None, guest_key: bytes) -> str:
    """Return the account of a guest with an address as an order has it; empty without one."""
    if email is None or not email.strip():
        return ""
    address = canonical_email(email)
    if is_blank(address):
        return f"{GUEST}{address.removesuffix(BLANK)}"
    return guest_account(address, guest_key)


def guest_account(email: str, guest_key: bytes) -> str:
    """Return the account of whoever buys with a canonical address and no customer."""
    return f"{GUEST}{hmac.digest(guest_key, email.encode(), 'sha256').hex()}"


def blank(email: str, guest_key: bytes) -> str:
    """Return what stands for the address of somebody who was erased: it has the same account."""
    return f"{guest_of(email, guest_key).removeprefix(GUEST)}{BLANK}"


def is_blank(email: str) -> bool:
    """Return whether that is what stands for an address, and not one."""
    return email.endswith(BLANK) and DIGEST.fullmatch(email.removesuffix(BLANK)) is not None
