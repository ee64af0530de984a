"""All that a store's people have and how they came to it, as files that others read.

``accounts.csv`` is for spreadsheets. ``members.jsonl`` is what an import goes on from elsewhere.
The others are for the books: entries, redemptions, decisions and programs, as they were here.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from connector.commerce.identity import canonical_email, customer_of, is_blank
from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.commerce.records import BEGINNING, snapshot
from connector.features.loyalty import members
from connector.features.loyalty.imports import MAILBOX
from connector.features.loyalty.models import DecisionRow, PublicationRow
from connector.features.loyalty.rules.facts import until
from connector.features.loyalty.rules.fold import held
from connector.features.loyalty.service import Loyalty
from connector.kernel import cells
from connector.kernel.clock import awaited
from connector.kernel.vault import Vault
from connector.ledger import ledger
from connector.ledger.models import EntryRow, LinkRow
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import redemptions_of
from platforms.model import Customer, Order

HEADER = ("platform_customer_id", "email", "balance_available", "balance_pending")
ENTRY = ("kind", "points", "effective_at", "posted_at", "cause", "why")
REDEMPTION = (
    "id", "reward_id", "kind", "cost", "code", "state", "amount_minor", "basis_points",
    "minimum_minor", "currency", "product_ids", "redeemed_at", "expires_at", "released_at",
)  # fmt: skip
DECISION = (
    "kind", "points", "tier", "is_locked", "reason", "decided_at", "expires_at", "batch",
    "undone_at",
)  # fmt: skip
FILES = ("members", "entries", "redemptions", "decisions", "programs")


@dataclass(slots=True, kw_only=True)
class Exported:
    """What was written, of the instant ``as_of``.

    ``nameless`` guests, with ``nameless_points``, have no address any more that anybody here
    knows: they are in ``accounts.csv`` alone. ``unused_codes``, which cost ``unused_points``, work
    on at the store, and only here can their points be given back. Of redemptions ``under_way`` it
    is not said yet whether the code or the points go to the customer.
    """

    as_of: datetime
    accounts: int = 0
    members: int = 0
    entries: int = 0
    redemptions: int = 0
    decisions: int = 0
    programs: int = 0
    nameless: int = 0
    nameless_points: int = 0
    unused_codes: int = 0
    unused_points: int = 0
    under_way: int = 0

    def add(self, redemption: RedemptionRow) -> None:
        """Count a redemption."""
        self.redemptions += 1
        is_leaving = redemption.return_at is not None
        if redemption.state in {"used", "returned"}:
            return
        if redemption.state != "issued" or is_leaving:
            self.under_way += 1
        else:
            self.unused_codes += 1
            self.unused_points += redemption.cost


class Writer(Protocol):
    """What writes lines of CSV."""

    def writerow(self, row: Sequence[object], /) -> object:
        """Write one line."""

    def writerows(self, rows: Iterable[Sequence[object]], /) -> object:
        """Write several."""


class Export:
    """Writes a store's files, some accounts at a time."""

    def __init__(self, loyalty: Loyalty, store: StoreRow, vault: Vault, now: datetime) -> None:
        self._loyalty = loyalty
        self._store = store
        self._vault = vault
        self._done = Exported(as_of=now)
        self._files: Mapping[str, IO[bytes]] = {}

    async def write(self, folder: Path, tell: Callable[[int], None]) -> Exported:
        """Write all files into a folder; ``tell`` is called with how many accounts are done."""
        done = self._done
        with ExitStack() as stack:
            accounts = self._open(folder, stack)
            accounts.writerow(HEADER)
            self._put("members", members.Head(format=members.FORMAT, as_of=done.as_of))
            async for keys in ledger.pages(self._store.id):
                addresses = await self._addresses(keys)
                accounts.writerows(await self._balances(keys, addresses))
                await self._members(keys, addresses)
                await self._books(keys, addresses)
                done.accounts += len(keys)
                tell(done.accounts)
            self._put("members", members.End(members=done.members))
            for row in await PublicationRow.filter(store=self._store.id).order_by("version"):
                self._put("programs", _told(row, ("version", "published_at", "document")))
                done.programs += 1
        return done

    def _open(self, folder: Path, stack: ExitStack) -> Writer:
        """Open all files in a folder, and return the writer of accounts."""
        folder.mkdir(parents=True, exist_ok=True)
        self._files = {
            name: stack.enter_context((folder / f"{name}.jsonl").open("wb")) for name in FILES
        }
        accounts = (folder / "accounts.csv").open("w", newline="", encoding="utf-8")
        return csv.writer(stack.enter_context(accounts))

    async def _balances(
        self, keys: Sequence[str], addresses: Mapping[str, str]
    ) -> list[tuple[str, str, int, int]]:
        """Return the lines of accounts, as their entries add up; guests have no customer id."""
        balances = await ledger.balances(self._store.id, keys, self._done.as_of)
        return [
            (
                cells.written(customer_of(key) or ""),
                cells.written(addresses.get(key, "")),
                balance.available,
                balance.pending,
            )
            for key, balance in balances.items()
        ]

    async def _members(self, keys: Sequence[str], addresses: Mapping[str, str]) -> None:
        at, done = self._done.as_of, self._done
        facts = await self._loyalty.settling.facts(self._store, keys, BEGINNING)
        mailboxes = await self._mailboxes(keys)
        for key in keys:
            holding = held(until(facts[key], at)[0], at)
            joined = mailboxes.get(key, ())
            if not holding and not joined:
                continue
            id_, email = customer_of(key) or "", canonical_email(addresses.get(key, ""))
            if not id_ and not email:
                done.nameless += 1
                done.nameless_points += sum(lot.points for lot in holding.lots) - holding.owed
                continue
            member = members.Member(
                customer_id=id_,
                email=email,
                lots=holding.lots,
                owed=holding.owed,
                tier=holding.tier,
                counted=holding.counted,
                entered=holding.entered,
                mailboxes=tuple(sorted(joined)),
            )
            self._put("members", member)
            done.members += 1

    async def _mailboxes(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Return the addresses of the guests that became these accounts."""
        links = await LinkRow.filter(store=self._store.id, owner__in=list(keys))
        addresses = await self._addresses([link.account for link in links])
        found: dict[str, list[str]] = {}
        for link in links:
            if address := addresses.get(link.account):
                found.setdefault(link.owner, []).append(canonical_email(address))
            else:
                self._done.nameless += 1
        return found

    async def _books(self, keys: Sequence[str], addresses: Mapping[str, str]) -> None:
        """Write how these accounts came to what they have."""
        store = self._store.id
        entries = await EntryRow.filter(store=store, account__in=list(keys)).order_by("id")
        redemptions = await redemptions_of(store, keys)
        decided = DecisionRow.filter(store=store, account__in=list(keys))
        decisions = await decided.order_by("decided_at", "id")
        self._note("entries", entries, ENTRY, addresses)
        self._note("redemptions", reversed(redemptions), REDEMPTION, addresses)
        self._note("decisions", decisions, DECISION, addresses)
        self._done.entries += len(entries)
        for redemption in redemptions:
            self._done.add(redemption)
        self._done.decisions += len(decisions)

    def _note(
        self,
        name: str,
        rows: Iterable[EntryRow | RedemptionRow | DecisionRow],
        columns: Sequence[str],
        addresses: Mapping[str, str],
    ) -> None:
        for row in rows:
            who = {
                "customer_id": customer_of(row.account) or "",
                "email": addresses.get(row.account, ""),
            }
            self._put(name, who | _told(row, columns))

    async def _addresses(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the addresses of accounts, of those whose is known.

        A customer's own, and a guest's as on their newest order or as it came with an import.
        """
        store, found = self._store.id, dict[str, str]()
        guests = [key for key in keys if customer_of(key) is None]
        for kind in (DecisionRow, LinkRow):
            rows = kind.filter(store=store, account__in=guests, mailbox__not_isnull=True)
            for row in await rows:
                found[row.account] = self._vault.open(store, MAILBOX, bytes(row.mailbox or b""))
        for one in await OrderRow.filter(store=store, account__in=guests).order_by("updated_at"):
            order = snapshot(one)
            if isinstance(order, Order) and order.email and not is_blank(order.email):
                found[one.account] = order.email
        ids = {id_: key for key in keys if (id_ := customer_of(key))}
        customers = CustomerRow.filter(store=store, platform_id__in=list(ids))
        for each in await customers.filter(body__not_isnull=True):
            customer = snapshot(each)
            if isinstance(customer, Customer):
                found[ids[customer.id]] = customer.email or ""
        return found

    def _put(self, name: str, value: object) -> None:
        self._files[name].write(msgspec.json.encode(value) + b"\n")


def _told(row: object, columns: Sequence[str]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in columns}
    at = told.get("effective_at")
    return told | {"effective_at": None, "awaits": awaited(at)} if at and awaited(at) else told
