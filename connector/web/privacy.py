"""Persons: all that is kept of one as a file, and one erased from all that is kept.

The file is one object in JSON, with instants in ISO 8601, money in minor units and points whole:

``format`` is ``perennial/person/1``, ``as_of`` the instant, ``store`` its ``id``, ``name`` and
``url``. ``accounts`` are the keys of the person's: the one that was asked for, and those that were
proved to be theirs or that the store made theirs; an equal address proves nothing.
``customers`` and ``orders`` are the snapshots, as ``platforms.model`` has them. ``links`` and
``merges`` say how accounts became one. ``redemptions`` (with their codes), ``perk_codes``,
``entitlements``, ``perk_uses`` and ``reservations`` are what was taken. ``messages`` are what the
merchant's own systems were told in the last month, ``audit`` what merchants did about the person,
and ``requests`` what was asked by them. Each feature adds an object by its own name: see its
``personal.py``.

Erasing walks over the records of the store, as any order may name anybody, some at a time; each
step is one transaction that also notes how far it came, so that it goes on after a crash. The
ledger holds ids, not people: it stays as it is, but for what merchants wrote about somebody.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import structlog
from tortoise.models import Model
from tortoise.transactions import in_transaction

from connector import database
from connector.commerce import erasure
from connector.commerce.identity import customer_of
from connector.commerce.models import CustomerRow, OrderRow, StoreRow
from connector.commerce.records import TABLE_NAMES, Records, snapshot
from connector.commerce.snapshots import TYPES, unpack
from connector.database import sql
from connector.kernel.clock import Clock
from connector.kernel.vault import Vault
from connector.ledger import merges
from connector.ledger.models import CheckpointRow, LinkRow, MergeRow
from connector.rewards import personal
from connector.sync import privacy
from connector.sync.models import MessageRow, PrivacyRow
from connector.web.catalogues import n_
from connector.web.models import DeedRow
from platforms.model import Customer, Kind

FORMAT = "perennial/person/1"
PAGE = 500  # rows that are looked at in a step
ERASED_AT_ONCE = 5_000  # rows of a store that are deleted in a step
OUR_WORK = {"privacy", "lease"}  # what says that there are steps to do
TOGETHER = 100  # records that are written in a transaction
ERASED = n_("person erased")
LINK = ("account", "owner", "joined_at", "order_ids")
MERGE = ("account", "owner", "merged_at")
DEED = ("at", "who", "role", "what", "about", "said")
REQUEST = ("kind", "by", "about", "asked_at", "done_at")

log = structlog.get_logger()


class PersonalSource(Protocol):
    """A feature that keeps something of persons."""

    async def told(self, store: StoreRow, accounts: Sequence[str]) -> Mapping[str, object]:
        """Return all that is kept of accounts, to be written as JSON."""

    async def erase(self, store: StoreRow, accounts: Sequence[str]) -> None:
        """Take out what names whose accounts these are. In a transaction; again is harmless."""


class Told(msgspec.Struct):
    """As much of a message as tells whom it is about."""

    data: dict[str, object]


class Privacy:
    """Tells what is kept of persons, and erases them."""

    def __init__(self, vault: Vault, clock: Clock, wake: Callable[[], None]) -> None:
        self._vault = vault
        self._clock = clock
        self._wake = wake
        self._records = Records(vault, ())
        self._sources: dict[str, PersonalSource] = {}
        self._stages: Mapping[str, Callable[[StoreRow, PrivacyRow], Awaitable[None]]] = {
            privacy.FIRST: self._gather,
            "customer": self._hide_customers,
            "order": self._hide_orders,
            "delivery": self._empty_deliveries,
            "message": self._clean_messages,
            "rest": self._erase_rest,
            privacy.WHOLE_STORE: self._erase_store,
        }

    def add(self, feature: str, source: PersonalSource | None) -> None:
        """Ask one more feature from now on."""
        if source:
            self._sources[feature] = source

    async def ask(self, store: StoreRow, kind: privacy.Kind, account: str, by: str) -> PrivacyRow:
        """Note what somebody asked for about an account; see :func:`connector.sync.privacy.ask`."""
        row = await privacy.ask(self._vault, store, kind, [account], by=by, now=self._clock())
        self._wake()
        return row

    async def erased_at(self, store: StoreRow, account: str) -> datetime | None:
        """Return when it was asked for that an account's person be erased, None if it never was."""
        return (await erasure.erased(self._vault, store.id, [account])).get(account)

    async def taken(self, store: StoreRow, account: str, by: str) -> None:
        """Note that a merchant took the file of a person, who may have asked before."""
        row = await self.ask(store, "export", account, by)
        await PrivacyRow.filter(id=row.id).update(done_at=self._clock())

    async def export(self, store: StoreRow, account: str) -> bytes:
        """Return the file of an account's person."""
        accounts = sorted(await merges.whole(store.id, [account]))
        told = await self._told(store, accounts)
        for feature, source in self._sources.items():
            told[feature] = await source.told(store, accounts)
        return msgspec.json.format(msgspec.json.encode(told), indent=1)

    async def _told(self, store: StoreRow, accounts: Sequence[str]) -> dict[str, object]:
        ids = [id_ for each in accounts if (id_ := customer_of(each))]
        customers = await CustomerRow.filter(store=store.id, platform_id__in=ids).order_by("id")
        orders = await OrderRow.filter(store=store.id, account__in=accounts).order_by(
            "placed_at", "id"
        )
        links = await LinkRow.filter(store=store.id, owner__in=accounts).order_by("id")
        merged = await MergeRow.filter(store=store.id, owner__in=accounts).order_by("id")
        deeds = await DeedRow.filter(store=store.id, about__in=accounts).order_by("id")
        asked = await PrivacyRow.filter(store=store.id, about__in=accounts).order_by("id")
        return {
            "format": FORMAT,
            "as_of": self._clock(),
            "store": {"id": store.id, "name": store.name, "url": store.url},
            "accounts": accounts,
            "customers": [one for row in customers if (one := snapshot(row))],
            "orders": [one for row in orders if (one := snapshot(row))],
            "links": _listed(links, LINK),
            "merges": _listed(merged, MERGE),
            **await personal.told(store.id, accounts),
            "messages": await _messages(store.id, accounts),
            "audit": _listed(deeds, DEED),
            "requests": _listed(asked, REQUEST),
        }

    async def erase_some(self, store: StoreRow) -> int:
        """Do a step of the erasure that was asked for first; return 0 when there is none."""
        rows = PrivacyRow.filter(store=store.id, kind="erase", done_at=None)
        row = await rows.order_by("id").first()
        if row is None:
            return 0
        await self._stages[row.stage](store, row)
        return 1

    async def _gather(self, store: StoreRow, row: PrivacyRow) -> None:
        """Find all accounts that are the person's, and have none of them come back."""
        async with in_transaction():
            await sql.lock(store.id)
            found, more = set[str](), {*row.accounts}
            while more - found:
                found = more
                more = await erasure.same(self._vault, store, await merges.whole(store.id, found))
            await erasure.remember(self._vault, store.id, found, row.asked_at)
            row.accounts = sorted(found)
            await self._goes_on(row)

    async def _hide_customers(self, store: StoreRow, row: PrivacyRow) -> None:
        await self._hide(store, row, "customer")

    async def _hide_orders(self, store: StoreRow, row: PrivacyRow) -> None:
        await self._hide(store, row, "order")

    async def _hide(self, store: StoreRow, row: PrivacyRow, kind: Kind) -> None:
        """Hide the person in some snapshots of a kind."""
        page = await sql.rows(
            f"SELECT platform_id, body FROM {TABLE_NAMES[kind]} WHERE store = $1"
            " AND platform_id > $2 AND body IS NOT NULL ORDER BY platform_id LIMIT $3",
            *(store.id, row.after, PAGE),
        )
        records = {one["platform_id"]: unpack(one["body"], TYPES[kind]) for one in page}
        hide = await erasure.hiding(self._vault, store, [*records.values()])
        ids = [id_ for id_, one in records.items() if hide and hide(one) != one]
        some = ids[:TOGETHER]
        async with in_transaction():
            await self._records.hide(store, kind, some)
            is_all = len(some) == len(ids)
            await self._goes_on(row, [*records] if is_all else some)

    async def _empty_deliveries(self, store: StoreRow, row: PrivacyRow) -> None:
        """Empty some deliveries, whosever: what they said is in the records.

        One that waits is emptied by whoever reads it.
        """
        page = await sql.rows(
            "SELECT id, key FROM inbox WHERE store = $1 AND key > $2 ORDER BY key LIMIT $3",
            *(store.id, row.after, PAGE),
        )
        async with in_transaction():
            await sql.run(
                "UPDATE inbox SET body = NULL WHERE id = ANY($1) AND state <> 'waiting'",
                [one["id"] for one in page],
            )
            await self._goes_on(row, [one["key"] for one in page])

    async def _clean_messages(self, store: StoreRow, row: PrivacyRow) -> None:
        """Take out of some messages what merchants wrote about the person."""
        page = await _page_of_messages(store.id, int(row.after or 0))
        async with in_transaction():
            for one in page:
                if _member(one) in row.accounts:
                    await MessageRow.filter(id=one.id).update(body=_cleaned(one.body))
            await self._goes_on(row, [str(one.id) for one in page])

    async def _erase_rest(self, store: StoreRow, row: PrivacyRow) -> None:
        """Erase what is found by the person's accounts, and be done."""
        now, accounts = self._clock(), row.accounts
        async with in_transaction():
            await sql.lock(store.id)
            await LinkRow.filter(store=store.id, account__in=accounts).update(mailbox=None)
            await CheckpointRow.filter(store=store.id, account__in=accounts).delete()
            await personal.erase(store.id, accounts)
            for source in self._sources.values():
                await source.erase(store, accounts)
            for deed in await DeedRow.filter(store=store.id, about__in=accounts):
                said, _, wrote = deed.said.partition(": ")
                if wrote:
                    said = f"{said}: {erasure.WORD}"
                    await DeedRow.filter(id=deed.id).update(said=said)
            row.about = await erasure.digest_of(self._vault, store.id, row.about)
            row.accounts, row.done_at = [], now
            await row.save(update_fields=["about", "accounts", "done_at"])
            await DeedRow.create(
                store=store.id, at=now, who=row.by, role="", what=ERASED, about=row.about, said=""
            )

    async def _erase_store(self, store: StoreRow, row: PrivacyRow) -> None:
        """Delete some rows of a store that is not connected; after the last, the store.

        From the first on it has another address: whoever connects there again has a new store.
        """
        async with in_transaction():
            await sql.lock(store.id)
            address = f"erased:{store.id}"
            gone = StoreRow.filter(id=store.id, disconnected_at__isnull=False)
            if not await gone.update(url=address):
                await PrivacyRow.filter(id=row.id).update(done_at=self._clock())
            elif not await _delete_some(store.id):
                await PrivacyRow.filter(store=store.id).delete()
                await gone.delete()
                log.info("store erased", store=store.id)

    async def _goes_on(self, row: PrivacyRow, seen: Sequence[str] = ()) -> None:
        """Note how far an erasure came: after what was seen or, where that is none, a stage on."""
        row.after = seen[-1] if seen else ""
        if not seen:
            stages = [*self._stages]
            row.stage = stages[stages.index(row.stage) + 1]
        await row.save(update_fields=["stage", "after", "accounts"])


def names_of(person: Customer) -> list[str]:
    """Return by what somebody is known, of which one is typed to erase them."""
    whole = " ".join(f"{person.first_name} {person.last_name}".split())
    return [one for one in (whole, person.email) if one] or [person.id]


def _listed(rows: Sequence[Model], columns: Sequence[str]) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in columns} for row in rows]


async def _messages(store: str, accounts: Sequence[str]) -> list[dict[str, object]]:
    """Return the messages about accounts, the oldest first."""
    found = await MessageRow.filter(store=store, member__in=list(accounts)).order_by("id")
    return [
        {"told_at": one.told_at, "delivered_at": one.delivered_at, "body": msgspec.Raw(one.body)}
        for one in found
    ]


async def _delete_some(store: str) -> bool:
    """Delete some rows that are a store's; return whether there were any."""
    row = {"sqlite": "rowid", "postgres": "ctid"}[sql.dialect()]
    for table in sorted(database.tables_with("store") - OUR_WORK):
        some = f'SELECT {row} FROM "{table}" WHERE store = $1 LIMIT {ERASED_AT_ONCE}'
        text = f'DELETE FROM "{table}" WHERE {row} IN ({some}) RETURNING 1'
        if await sql.rows(text, store):
            return True
    return False


async def _page_of_messages(store: str, after: int) -> list[MessageRow]:
    return await MessageRow.filter(store=store, id__gt=after).order_by("id").limit(PAGE)


def _member(one: MessageRow) -> object:
    return msgspec.json.decode(one.body, type=Told).data.get("member")


def _cleaned(body: str) -> str:
    """Return a message with another word for each reason that it gives."""
    said = msgspec.json.decode(body)
    for entry in said["data"].get("entries", ()):
        entry["why"] = erasure.WORD
    return msgspec.json.encode(said).decode()
