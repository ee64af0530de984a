"""What people ask about themselves: for all that is known of them, or to be erased.

Merchants ask for them on their pages, platforms by their own ways. Either way it is a row, so that
it is listed and goes on after a crash; what is done then is in ``connector.web.privacy``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from tortoise.transactions import in_transaction

from connector.commerce import erasure
from connector.commerce.identity import (
    canonical_email,
    customer_account,
    customer_of,
    guest_key,
    guest_of,
)
from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.database import sql
from connector.kernel.vault import Vault
from connector.sync.models import PrivacyRow
from connector.sync.work import oldest

Kind = Literal["export", "erase"]
FIRST = "people"  # the first stage of an erasure
WHOLE_STORE = "store"  # the only one of a store's
BY_MAX = 100
WAITING = (
    "EXISTS (SELECT 1 FROM privacy p WHERE p.store = s.id AND p.kind = 'erase'"
    " AND p.done_at IS NULL)"
)
"""Whether a store ``s`` has people who are to be erased."""
OLDEST = oldest(
    "SELECT MIN(p.asked_at) FROM privacy p WHERE p.store = s.id AND p.kind = 'erase'"
    " AND p.done_at IS NULL"
)


def accounts_of(
    vault: Vault, store: StoreRow, *, customer_id: str | None = None, email: str | None = None
) -> list[str]:
    """Return the accounts of somebody as a platform names them: by an id, an address, or both."""
    guest = guest_of(canonical_email(email or ""), guest_key(vault, store))
    named = [customer_account(customer_id)] if customer_id else []
    return [*named, guest] if guest else named


async def ask(
    vault: Vault, store: StoreRow, kind: Kind, accounts: Sequence[str], *, by: str, now: datetime
) -> PrivacyRow:
    """Note what a person asked for; return it. The same again while it is open is the same.

    ``accounts`` are theirs, at least one; the request goes by the first that is known here. ``by``
    says who asks: a merchant by name, or a platform by its title. From now on nothing is stored
    that names who is to be erased; the worker does the rest, so ring the bell. An export waits for
    a merchant, and is done where there is nothing to take.
    """
    assert accounts
    known = [one for one in accounts if await _is_known(store.id, one)]
    about = (known or accounts)[0]
    async with in_transaction():
        await sql.lock(store.id)
        row = await PrivacyRow.get_or_none(store=store.id, kind=kind, about=about, done_at=None)
        if row is not None:
            return row
        whole = {*accounts}
        if kind == "erase":
            whole = await erasure.same(vault, store, accounts)
            await erasure.remember(vault, store.id, whole, now)
        return await PrivacyRow.create(
            store=store.id,
            kind=kind,
            by=by[:BY_MAX],
            about=about,
            accounts=sorted(whole),
            stage=FIRST,
            asked_at=now,
            done_at=now if kind == "export" and not known else None,
        )


async def erase_store(store: StoreRow, *, by: str, now: datetime) -> None:
    """Note that all of a store is to be erased, if it is not connected (again) by then."""
    await PrivacyRow.create(
        store=store.id,
        kind="erase",
        by=by[:BY_MAX],
        about="",
        accounts=[],
        stage=WHOLE_STORE,
        asked_at=now,
    )


async def _is_known(store: str, account: str) -> bool:
    """Return whether anything was stored of an account's person."""
    customer = CustomerRow.filter(store=store, platform_id=customer_of(account) or "")
    return await customer.exists() or await OrderRow.filter(store=store, account=account).exists()


async def requests(store: str, before: int, limit: int) -> list[PrivacyRow]:
    """Return what was asked for before a row's number, the newest first."""
    return await PrivacyRow.filter(store=store, id__lt=before).order_by("-id").limit(limit)
