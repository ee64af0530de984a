"""What other systems say that customers did: written down once, and judged by the fold."""

from collections.abc import Sequence
from datetime import date, datetime

from connector.errors import KeyReused, RequestInvalid
from connector.features.loyalty.models import ActRow
from connector.features.loyalty.rules.facts import Act


def birthday(text: str) -> str:
    """Return the day of a date such as ``1992-02-29`` or ``02-29``; the year is nobody's business.

    Raises:
        RequestInvalid: there is no such day.
    """
    day = text[-5:]
    try:
        date.fromisoformat(f"2000-{day}")
        if text != day:
            date.fromisoformat(text)
    except ValueError as error:
        raise RequestInvalid(f"{text!r} is no day: write 1992-02-29 or 02-29") from error
    return day


async def noted(store: str, account: str, key: str, act: Act, now: datetime) -> tuple[ActRow, bool]:
    """Write an act down, once by its key. With the account locked; return whether it is new.

    Raises:
        KeyReused: the key stands for another act of this account.
    """
    row = await ActRow.get_or_none(store=store, account=account, key=key)
    if row is None:
        made = {"id": act.id, "kind": act.kind, "name": act.name, "happened_at": act.at}
        row = ActRow(store=store, account=account, key=key, noted_at=now, **made)
        await row.save(force_create=True)
        return row, True
    if (row.kind, row.name) != (act.kind, act.name):
        raise KeyReused("this key stands for something else that was done: use a new one")
    return row, False


async def acts_of(store: str, accounts: Sequence[str], since: datetime) -> dict[str, list[Act]]:
    """Return what customers did since an instant, by their accounts."""
    rows = ActRow.filter(store=store, account__in=list(accounts), happened_at__gte=since)
    found: dict[str, list[Act]] = {account: [] for account in accounts}
    for row in await rows.order_by("happened_at", "id"):
        act = Act(id=row.id, kind=row.kind, at=row.happened_at, name=row.name)
        found[row.account].append(act)
    return found
