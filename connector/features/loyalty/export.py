"""Accounts and balances as a file that any spreadsheet and any other system reads."""

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from connector.commerce.models import CustomerRow, OrderRow
from connector.commerce.records import snapshot
from connector.ledger import ledger
from platforms.model import Customer, Order

HEADER = ("platform_customer_id", "email", "balance_available", "balance_pending")


async def write_accounts(store: str, folder: Path, now: datetime) -> int:
    """Write ``accounts.csv``, an account a line, guests without a customer id; return how many."""
    emails = await _emails(store)
    rows = [
        (
            account.removeprefix("customer:") if account.startswith("customer:") else "",
            emails.get(account, ""),
            balance.available,
            balance.pending,
        )
        for account, balance in (await ledger.balances(store, now)).items()
    ]
    _write(folder / "accounts.csv", rows)
    return len(rows)


def _write(path: Path, rows: Iterable[tuple[str, str, int, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)


async def _emails(store: str) -> dict[str, str]:
    """Return each account's address: a customer's own, a guest's as on their newest order."""
    emails: dict[str, str] = {}
    for row in await OrderRow.filter(store=store, account__startswith="guest:").order_by(
        "updated_at"
    ):
        order = snapshot(row)
        if isinstance(order, Order):
            emails[row.account] = order.email or ""
    for one in await CustomerRow.filter(store=store, body__not_isnull=True):
        customer = snapshot(one)
        if isinstance(customer, Customer):
            emails[f"customer:{customer.id}"] = customer.email or ""
    return emails
