"""Codes at a store: one customer's own, good for one order, once.

A code follows from what it is for, so that a second try finds what the first one made.
"""

import base64
import hmac
from collections.abc import Iterable, Sequence

from connector.commerce import erasure, records
from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.kernel.vault import Vault
from connector.sync.stores import Stores
from platforms.errors import PlatformError, Rejected
from platforms.model import Customer, Discount, DiscountSeen, Order

CODE_BYTES = 10
CODE_LENGTH = 16  # of ten bytes in base32; other codes are not ours


class Codes:
    """Derives codes, has stores issue them and take them back, and finds the orders with them."""

    def __init__(self, stores: Stores, vault: Vault) -> None:
        self._stores = stores
        self._vault = vault

    def derive(self, store: str, of: str) -> str:
        """Return the code of a thing: 80 bits that nobody can guess."""
        key = self._vault.derive("code", store)
        digest = hmac.digest(key, of.encode(), "sha256")
        return base64.b32encode(digest[:CODE_BYTES]).decode()

    async def email(self, store: StoreRow, customer_id: str) -> str:
        """Return the address that a code is for: without one it would be open to everybody.

        Raises:
            Rejected: the customer is gone or was erased, or has none.
        """
        account = customer_account(customer_id)
        if await erasure.erased(self._vault, store.id, [account]):
            raise Rejected(f"customer {customer_id} was erased: there is no address for a code")
        found = await records.customer(store.id, customer_id)
        if found is None:
            client = self._stores.client(store)
            fetched = (await client.fetch("customer", [customer_id]))[customer_id]
            found = fetched if isinstance(fetched, Customer) else None
        if found is None or found.email is None:
            raise Rejected(f"customer {customer_id} has no e-mail address to issue a code to")
        return found.email

    async def issue(self, store: StoreRow, discount: Discount) -> DiscountSeen:
        """Have the store issue a discount, or find that it has it.

        Raises:
            PlatformError: it did not, or we can't tell.
        """
        (outcome,) = await self._stores.client(store).issue_discounts([discount])
        if isinstance(outcome, PlatformError):
            raise outcome
        return outcome

    async def revoke(self, store: StoreRow, code: str, of: str) -> DiscountSeen | None:
        """Revoke a code, and read what is left of it; None where it is gone, or never was ours.

        Raises:
            PlatformError: we can't tell.
        """
        client = self._stores.client(store)
        seen = await client.read_discount(code)
        if seen is None or seen.redemption_id != of:
            return None
        if seen.is_usable:
            await client.revoke_discount(code)
            seen = await client.read_discount(code)
        return seen

    async def uses(self, store: StoreRow, code: str) -> list[Order]:
        """Return the orders that use a code up, oldest first.

        Where a cancelled order does not, it is none.
        """
        gives_back = self._stores.platform(store.platform).capabilities.cancel_restores_use
        orders = await records.orders_with(store.id, [code])
        found = [order for order in orders if not (order.is_cancelled and gives_back)]
        return sorted(found, key=lambda order: (order.placed_at, order.id))


def named_in(told: Sequence[records.Stored]) -> list[str]:
    """Return the codes, of those that may be ours, that orders carry, or carried."""
    both: Iterable[object] = [record for one in told for record in (one.before, one.after)]
    codes = {code.upper() for one in both if isinstance(one, Order) for code in one.codes}
    return [code for code in codes if len(code) == CODE_LENGTH]
