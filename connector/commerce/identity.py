"""Whose points a fact moves: a customer's account, or a guest's.

A guest's key is an HMAC of the canonical address under the store's own key, so that a table of
accounts holds no addresses. Equal addresses never join a guest and a customer.
"""

import hmac
import unicodedata

from platforms.model import Order


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
    if order.email is None or not order.email.strip():
        return ""
    return guest_account(canonical_email(order.email), guest_key)


def guest_account(email: str, guest_key: bytes) -> str:
    """Return the account of whoever buys with a canonical address and no customer."""
    return f"guest:{hmac.digest(guest_key, email.encode(), 'sha256').hex()}"
