"""Going on from another installation's ``members.jsonl``: tried first, and undone if need be.

All of it takes effect at the instant that the file is of, so that what matured, ended or was lost
since then did so when it would have. As with any import, the same file again is the same batch.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from tortoise.transactions import in_transaction

from connector.commerce import erasure
from connector.commerce.identity import canonical_email, customer_account
from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.commerce.records import snapshot
from connector.database import sql
from connector.errors import MailboxTaken, RequestInvalid
from connector.features.loyalty.imports import (
    NO_PROGRAM,
    ROWS_MAX,
    TOGETHER,
    guest,
    require_never_undone,
)
from connector.features.loyalty.members import Member, Reader, read, require_sound
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.service import Loyalty
from connector.kernel.vault import Vault
from connector.ledger import ledger
from connector.ledger.models import LinkRow
from platforms.model import Customer


@dataclass(slots=True, kw_only=True)
class Moved:
    """What a file comes to, as of its instant, and what is wrong with it.

    ``unlisted`` customers are none that the store lists: deleted ones, or its own people. Those
    with an ``other_address`` here are gone by their ids; where it is most, the file is another
    store's.
    """

    batch: str
    as_of: datetime
    customers: int = 0
    guests: int = 0
    available: int = 0
    pending: int = 0
    owed: int = 0
    in_tiers: int = 0
    mailboxes: int = 0
    unlisted: int = 0
    other_address: int = 0
    troubles: list[str] = field(default_factory=list)

    def add(self, member: Member) -> None:
        """Count a member."""
        self.customers += bool(member.customer_id)
        self.guests += not member.customer_id
        for lot in member.lots:
            if lot.available_at <= self.as_of and not lot.awaits:
                self.available += lot.points
            else:
                self.pending += lot.points
        self.owed += member.owed
        self.in_tiers += bool(member.tier and member.tier.name)
        self.mailboxes += len(member.mailboxes)


class Coming(NamedTuple):
    """A member on the way in: the account, and the guests' accounts that are its own.

    Of each guest the address too, sealed for its row; ``mailbox`` is a guest member's.
    """

    number: int
    account: str
    member: Member
    mailbox: bytes | None
    joined: Sequence[tuple[str, bytes]]


async def examined(
    loyalty: Loyalty, store: StoreRow, vault: Vault, file: Path, now: datetime
) -> Moved:
    """Read a file and say what importing it would do.

    Raises:
        RequestInvalid: it is no such file or not whole, or can't be gone on from in this store.
    """
    version = await loyalty.programs.program(store.id)
    if version is None:
        raise RequestInvalid(NO_PROGRAM)
    tiers = version.program.tiers.names if version.program.tiers else []
    with file.open("rb") as opened:
        batch = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
        opened.seek(0)
        reader = Reader(opened)
        moved = Moved(batch=batch, as_of=reader.as_of)
        await _require_meeting(loyalty, store, reader.as_of, now)
        seen: dict[str, int] = {}
        for lines in _some(reader.lines()):
            sound = []
            for number, line in lines:
                if number > ROWS_MAX:
                    raise RequestInvalid(f"no more than {ROWS_MAX:,} lines at once")
                try:
                    member = read(line)
                    require_sound(member, reader.as_of, tiers)
                    one = _coming(number, member, store, vault)
                    _require_new(one, seen)
                except ValueError as error:
                    moved.troubles.append(f"{file.name}, line {number}: {error}")
                else:
                    moved.add(member)
                    sound.append(one)
            moved.troubles += await _taken(store, file, sound)
            await _compare(store, sound, moved)
    return moved


async def _require_meeting(
    loyalty: Loyalty, store: StoreRow, as_of: datetime, now: datetime
) -> None:
    """Refuse a file of an instant that what was earned here does not begin at or after."""
    if as_of > now:
        raise RequestInvalid(
            f"the file is of {as_of:%FT%TZ}, which is to come: is the clock right?"
        )
    begins_at = (await loyalty.programs.versions(store.id))[0].begins_at
    ordered = OrderRow.filter(store=store.id, placed_at__gte=begins_at, placed_at__lte=as_of)
    if await ledger.has_earned(store.id, as_of) or await ordered.exists():
        raise RequestInvalid(
            f"orders have earned here since {begins_at:%FT%TZ}, and those until {as_of:%FT%TZ} are"
            " in the file as well: they would count twice. Go on in an installation whose first"
            f" program has earn_from = {as_of.isoformat()}"
        )


def _without_mailboxes(rows: Sequence[DecisionRow | LinkRow], erased: Collection[str]) -> None:
    """Leave out the mailboxes of guests who were erased."""
    for row in rows:
        if row.account in erased:
            row.mailbox = None


def _some(lines: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Yield lines, as many at a time as one transaction takes."""
    while some := list(islice(lines, TOGETHER)):
        yield some


def _coming(number: int, member: Member, store: StoreRow, vault: Vault) -> Coming:
    joined = [guest(vault, store, one) for one in member.mailboxes]
    if member.customer_id:
        account = customer_account(member.customer_id)
        return Coming(number, account, member, None, joined)
    account, mailbox = guest(vault, store, member.email)
    return Coming(number, account, member, mailbox, joined)


def _require_new(one: Coming, seen: dict[str, int]) -> None:
    """Refuse whom an earlier line has, as a member or as another's mailbox.

    Raises:
        ValueError: with that line.
    """
    if one.account in seen:
        raise ValueError(f"the same as line {seen[one.account]}: put all into one line")
    seen[one.account] = one.number
    for account, _ in one.joined:
        if account in seen:
            raise ValueError(f"a mailbox is that of line {seen[account]} as well: whose is it?")
        seen[account] = one.number


async def _taken(store: StoreRow, file: Path, some: Sequence[Coming]) -> list[str]:
    """Return of which mailboxes other customers proved here that they are theirs."""
    owners = {account: one for one in some for account, _ in one.joined}
    links = await ledger.links(store.id, list(owners)) if owners else []
    return [
        f"{file.name}, line {owners[link.account].number}: a mailbox is that of {link.owner} here:"
        " take it out of mailboxes"
        for link in links
        if link.account in owners and link.owner != owners[link.account].account
    ]


async def _compare(store: StoreRow, some: Sequence[Coming], moved: Moved) -> None:
    """Count whom the store does not list, or by another address."""
    wanted = {one.member.customer_id: one.member for one in some if one.member.customer_id}
    listed: dict[str, str] = {}
    rows = CustomerRow.filter(store=store.id, platform_id__in=list(wanted), body__not_isnull=True)
    for row in await rows:
        customer = snapshot(row)
        if isinstance(customer, Customer):
            listed[customer.id] = canonical_email(customer.email or "")
    moved.unlisted += len(wanted.keys() - listed.keys())
    moved.other_address += sum(
        email != canonical_email(wanted[id_].email) for id_, email in listed.items()
    )


class Mover:
    """Takes over what a file has, once it was examined."""

    def __init__(
        self, store: StoreRow, vault: Vault, now: datetime, ids: Callable[[], str]
    ) -> None:
        self._store = store
        self._vault = vault
        self._now = now
        self._ids = ids

    async def take_over(self, moved: Moved, file: Path, tell: Callable[[int], None]) -> int:
        """Write it down; return how many members are new. Their accounts are to be settled.

        Raises:
            RequestInvalid: the file was undone before.
            MailboxTaken: a mailbox became another customer's since the file was examined.
        """
        await require_never_undone(self._store, moved.batch)
        new = done = 0
        with file.open("rb") as opened:
            for lines in _some(Reader(opened).lines()):
                some = [
                    _coming(number, read(line), self._store, self._vault) for number, line in lines
                ]
                new += await self._write(moved, some)
                done += len(some)
                tell(done)
        return new

    async def _write(self, moved: Moved, some: Sequence[Coming]) -> int:
        store, at = self._store.id, moved.as_of
        accounts = [one.account for one in some]
        joined = [account for one in some for account, _ in one.joined]
        async with in_transaction():
            await sql.lock(store)  # whoever takes an order in has read who joined whom
            await ledger.locked(store, [*accounts, *joined])
            nameless = await erasure.erased(self._vault, store, [*accounts, *joined])
            there = DecisionRow.filter(store=store, batch=moved.batch, account__in=accounts)
            done = {row.account for row in await there}
            new = [one for one in some if one.account not in done]
            rows = [self._decision(one, moved) for one in new]
            links = [*self._links(new, moved)]
            _without_mailboxes([*rows, *links], nameless)
            await DecisionRow.bulk_create(rows)
            for link in links:
                if not await ledger.join(link, self._now):
                    raise MailboxTaken(f"a mailbox of {link.owner} is another customer's already")
            await ledger.mark_dirty(
                store, dict.fromkeys((one.account for one in new), at), self._now
            )
        return len(new)

    def _decision(self, one: Coming, moved: Moved) -> DecisionRow:
        holding = one.member.holding(moved.as_of)
        return DecisionRow(
            id=self._ids(),
            store=self._store.id,
            account=one.account,
            key=f"import:{moved.batch}",
            kind="takeover",
            decided_at=moved.as_of,
            points=sum(lot.points for lot in holding.lots) - holding.owed,
            reason=f"batch {moved.batch}, line {one.number}",
            batch=moved.batch,
            body=msgspec.json.encode(holding).decode(),
            mailbox=one.mailbox,
        )

    def _links(self, some: Sequence[Coming], moved: Moved) -> Iterator[LinkRow]:
        for one in some:
            for account, mailbox in one.joined:
                yield LinkRow(
                    store=self._store.id,
                    account=account,
                    owner=one.account,
                    joined_at=moved.as_of,
                    batch=moved.batch,
                    mailbox=mailbox,
                )
