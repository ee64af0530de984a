"""Points from elsewhere: a file of customers and balances, tried first and undone if need be.

A file is one batch, named by what is in it: the same file again is the same batch, so that an
import that broke off goes on, and none counts twice.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from tortoise.transactions import in_transaction

from connector.commerce import erasure
from connector.commerce.identity import (
    canonical_email,
    customer_account,
    customer_of,
    guest_account,
    guest_key,
)
from connector.commerce.models import StoreRow
from connector.commerce.records import customer_ids
from connector.database import sql
from connector.errors import RequestInvalid
from connector.features.loyalty.decisions import POINTS_MAX
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.rules.pricing import expires_at
from connector.features.loyalty.service import Loyalty
from connector.kernel import cells
from connector.kernel.vault import Vault
from connector.ledger import ledger

TOGETHER = 200  # accounts of one transaction
ROWS_MAX = 1_000_000
MAILBOX = "mailbox"  # for what sealed addresses are
NO_PROGRAM = "publish a program first: nothing holds points without one"
COLUMNS: Mapping[str, Sequence[str]] = {
    "customer": ("platform_customer_id", "customer id"),
    "email": ("email", "customer email", "email address"),
    "points": ("balance_available", "points balance", "points", "point balance"),
    "expires": ("expires_at", "points expire at", "expiry date"),
}
"""What a column may be called, in lower case: ours first, then as Rivo and Smile export it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file that can be taken over; ``mailbox`` is the sealed address of a guest."""

    number: int
    account: str
    mailbox: bytes | None
    points: int
    expires_at: datetime | None


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a file comes to: its lines, whose of them are known here, and what is wrong with it."""

    batch: str
    lines: list[Line] = field(default_factory=list)
    customers: int = 0
    guests: int = 0
    points: int = 0
    without_points: int = 0
    troubles: list[str] = field(default_factory=list)


async def planned(store: StoreRow, vault: Vault, data: bytes, columns: Mapping[str, str]) -> Plan:
    """Read a file and say what importing it would do; ``columns`` are names that it has else.

    Who is no customer here is a guest: the points wait for whoever proves that mailbox.

    Raises:
        RequestInvalid: it is no such file.
    """
    plan = Plan(batch=hashlib.sha256(data).hexdigest()[:16])
    known = await customer_ids(store.id)
    ids = set(known.values()) - {""}
    whose = partial(guest, vault, store)
    seen: dict[str, int] = {}
    for number, row in _rows(data, columns):
        try:
            line = _line(number, row, known, ids, whose)
        except ValueError as error:
            plan.troubles.append(f"line {number}: {error}")
            continue
        if line.account in seen:
            plan.troubles.append(f"line {number}: the same as line {seen[line.account]}")
        elif line.points == 0:
            plan.without_points += 1
        else:
            plan.lines.append(line)
            plan.points += line.points
            is_guest = customer_of(line.account) is None
            plan.guests += is_guest
            plan.customers += not is_guest
        seen[line.account] = number
    return plan


def _rows(data: bytes, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a file with our names for what we read of it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestInvalid("the file is not in UTF-8: save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    head = [name.strip().lower() for name in next(lines, [])]
    places: dict[str, int] = {}
    for name, called in COLUMNS.items():
        wanted = [columns[name].strip().lower()] if name in columns else called
        if there := [one for one in wanted if one in head]:
            places[name] = head.index(there[0])
    if "points" not in places or not places.keys() & {"customer", "email"}:
        raise RequestInvalid(
            f"the file needs columns for points and for email or customer; it has {', '.join(head)}"
        )
    for row in lines:
        if lines.line_num > ROWS_MAX:
            raise RequestInvalid(f"no more than {ROWS_MAX:,} lines at once")
        if any(cell.strip() for cell in row):
            found = {name: row[at].strip() for name, at in places.items() if at < len(row)}
            yield lines.line_num, {name: cells.read(cell) for name, cell in found.items()}


def _line(
    number: int,
    row: Mapping[str, str],
    known: Mapping[str, str],
    ids: set[str],
    whose: Callable[[str], tuple[str, bytes]],
) -> Line:
    """Read one line; ``whose`` says of a guest's address the account and the sealed mailbox.

    Raises:
        ValueError: with what is wrong.
    """
    customer, email = row.get("customer", ""), canonical_email(row.get("email", ""))
    if customer and customer not in ids:
        raise ValueError(f"there is no customer {customer}")
    if not customer and "@" not in email:
        raise ValueError("there is no customer and no e-mail address")
    if not customer and known.get(email) == "":
        raise ValueError("several customers have this address: give the customer's id")
    text = row.get("points", "").replace(",", "").removesuffix(".0") or "0"
    if not text.isascii() or not text.isdigit() or int(text) > POINTS_MAX:
        raise ValueError(f"{row['points']!r} are no points: write a whole number")
    found = customer or known.get(email)
    account, mailbox = (customer_account(found), None) if found else whose(email)
    return Line(
        number=number,
        account=account,
        mailbox=mailbox,
        points=int(text),
        expires_at=_end(row.get("expires", "")),
    )


def guest(vault: Vault, store: StoreRow, email: str) -> tuple[str, bytes]:
    """Return the account of whoever has an address, and the address sealed for its row."""
    address = canonical_email(email)
    account = guest_account(address, guest_key(vault, store))
    return account, vault.seal(store.id, MAILBOX, address)


def _end(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date: write it as 2027-12-31") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def take_over(
    loyalty: Loyalty,
    store: StoreRow,
    plan: Plan,
    now: datetime,
    ids: Callable[[], str],
    tell: Callable[[int], None],
) -> int:
    """Write a plan down; return how many of its lines are new. Their accounts are to be settled.

    Points without an end of their own get the one that the program gives to those of today. Of
    guests who were erased no mailbox is kept.

    Raises:
        RequestInvalid: no program holds points, or the batch was undone before.
    """
    version = await loyalty.programs.program(store.id)
    if version is None:
        raise RequestInvalid(NO_PROGRAM)
    await require_never_undone(store, plan.batch)
    new = 0
    for first in range(0, len(plan.lines), TOGETHER):
        lines = plan.lines[first : first + TOGETHER]
        accounts = [line.account for line in lines]
        async with in_transaction():
            await sql.lock(store.id)  # nobody is erased meanwhile
            await ledger.locked(store.id, accounts)
            nameless = await erasure.erased(loyalty.vault, store.id, accounts)
            there = await DecisionRow.filter(store=store.id, batch=plan.batch).filter(
                account__in=accounts
            )
            done = {row.account for row in there}
            rows = [
                DecisionRow(
                    id=ids(),
                    store=store.id,
                    account=line.account,
                    key=f"import:{plan.batch}",
                    kind="import",
                    decided_at=now,
                    points=line.points,
                    expires_at=line.expires_at or expires_at(now, version.program),
                    reason=f"batch {plan.batch}, line {line.number}",
                    batch=plan.batch,
                    mailbox=None if line.account in nameless else line.mailbox,
                )
                for line in lines
                if line.account not in done
            ]
            await DecisionRow.bulk_create(rows)
            await ledger.mark_dirty(store.id, {row.account: now for row in rows}, now)
        new += len(rows)
        tell(first + len(lines))
    return new


async def require_never_undone(store: StoreRow, batch: str) -> None:
    """Refuse a file that was taken back: the same file is the same batch.

    Raises:
        RequestInvalid: the batch was undone before.
    """
    if await DecisionRow.exists(store=store.id, batch=batch, undone_at__not_isnull=True):
        raise RequestInvalid("this file was imported and undone: change what was wrong with it")


async def undo(store: StoreRow, batch: str, now: datetime) -> int:
    """Let a batch count as never imported; return how many of its lines did until now.

    Raises:
        RequestInvalid: there is no such batch.
    """
    if not await DecisionRow.exists(store=store.id, batch=batch):
        raise RequestInvalid(f"there is no batch {batch!r} here")
    undone = 0
    while True:
        async with in_transaction():
            counting = DecisionRow.filter(store=store.id, batch=batch, undone_at=None)
            rows = await counting.order_by("account").limit(TOGETHER)
            if not rows:
                break
            await ledger.locked(store.id, [row.account for row in rows])
            await DecisionRow.filter(id__in=[row.id for row in rows]).update(
                undone_at=now, mailbox=None
            )
            since = {row.account: row.decided_at for row in rows}
            await ledger.mark_dirty(store.id, since, now)
        undone += len(rows)
    joined = True
    while joined:
        async with in_transaction():
            await sql.lock(store.id)
            joined = bool(await ledger.part(store.id, batch, TOGETHER, now))
    return undone
