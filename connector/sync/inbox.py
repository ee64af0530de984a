"""Deliveries: kept before they are answered, read afterwards.

A correctly signed delivery is kept whatever it holds; only what nobody we know signed is refused.
Deliveries that arrive together are kept in one commit, and none is answered before it.
A body names people: a store where somebody was erased keeps none once it is read.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.commerce.records import Records
from connector.database import sql
from connector.errors import PerennialError, StoreUnknown
from connector.kernel import metrics
from connector.kernel.clock import Clock
from connector.kernel.vault import Vault
from connector.sync import privacy
from connector.sync.stores import Signer, Stores, may_be_id
from connector.sync.work import oldest
from platforms.errors import Malformed
from platforms.model import (
    Change,
    Delivery,
    PersonAsked,
    Seen,
    StoreErased,
    Touched,
    Uninstalled,
)

BATCH = 100
TOGETHER = 25  # read in one transaction, so few that nobody waits long for it
BODY_MAX = 5_000_000  # larger ones are not kept; a reconcile finds what they were about
HEADERS_KEPT = 4000  # characters
WAITING, DONE, PARKED = "waiting", "done", "parked"
HAS_WAITING = "EXISTS (SELECT 1 FROM inbox i WHERE i.store = s.id AND i.state = 'waiting')"
"""Whether a store ``s`` has deliveries that nobody has read."""
OLDEST_DELIVERY = oldest(
    "SELECT i.received_at FROM inbox i WHERE i.store = s.id AND i.state = 'waiting'"
    " ORDER BY i.id LIMIT 1"
)
KEEP = (
    "INSERT INTO inbox (store, key, headers, body, received_at, state, trouble)"
    " VALUES ($1, $2, $3, $4, $5, $6, '') ON CONFLICT DO NOTHING"
)
BODY_KEPT = (
    "CASE WHEN (SELECT s.erasure_key FROM store s WHERE s.id = inbox.store) IS NULL THEN body END"
)
"""What is kept of a body once nobody reads it again: nothing where somebody was erased."""
Wake = Callable[[], None]
Row = tuple[str, str, str, bytes | None, datetime, str]
"""A delivery's store, key, headers, body, the instant that it came, and its state."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A delivery that somebody waits for us to keep; the future says whether we did."""

    platform: str
    store: str
    delivery: Delivery
    kept: asyncio.Future[bool]


class Inbox:
    """Accepts deliveries and reads them."""

    def __init__(self, stores: Stores, records: Records, vault: Vault, clock: Clock) -> None:
        self._stores = stores
        self._records = records
        self._vault = vault
        self._clock = clock
        self._arrived: list[Arrival] = []
        self._keeping: asyncio.Task[None] | None = None

    async def accept(self, platform: str, store: str, delivery: Delivery) -> bool:
        """Keep a delivery; return False where there was nothing to keep. Committed on return.

        Raises:
            StoreUnknown: there is no such store on that platform.
            DeliveryForged: the store's secret did not sign it.
        """
        if not may_be_id(store):  # told before it can spoil what others wait for
            raise StoreUnknown(f"no store {store!r}")
        kept = asyncio.get_running_loop().create_future()
        self._arrived.append(Arrival(platform=platform, store=store, delivery=delivery, kept=kept))
        if self._keeping is None:  # with a context of its own: it outlives this request
            self._keeping = asyncio.create_task(self._keep_all(), context=Context())
        return bool(await asyncio.shield(kept))

    async def _keep_all(self) -> None:
        """Keep what arrived, and what arrives meanwhile, a batch in a commit."""
        try:
            while self._arrived:
                batch, self._arrived = self._arrived[:BATCH], self._arrived[BATCH:]
                await self._keep_batch(batch)
        finally:
            self._keeping = None

    async def _keep_batch(self, batch: Sequence[Arrival]) -> None:
        """Keep deliveries together, and tell each of those who wait what became of theirs."""
        try:
            signers = await self._stores.signers({one.store for one in batch})
            rows = [(one, row) for one in batch if (row := self._admitted(signers, one))]
            await self._insert([row for _, row in rows])
        except BaseException as error:
            for one in batch:
                if not one.kept.done():
                    one.kept.set_exception(error)
                    metrics.DELIVERIES.labels("not-kept").inc()
            if not isinstance(error, Exception):
                raise
            return
        for one, _ in rows:
            one.kept.set_result(True)
            metrics.DELIVERIES.labels("kept").inc()

    def _admitted(self, signers: Mapping[str, Signer], one: Arrival) -> Row | None:
        """Return the row of a delivery; who sent a mere greeting, or forged it, is told at once."""
        try:
            row = self._checked(signers, one)
        except PerennialError as error:
            one.kept.set_exception(error)
            metrics.DELIVERIES.labels(error.code).inc()
            return None
        except Exception as error:  # noqa: BLE001 - of one store: its neighbours are well
            one.kept.set_exception(error)
            metrics.DELIVERIES.labels("not-kept").inc()
            return None
        if row is None:
            one.kept.set_result(False)
            metrics.DELIVERIES.labels("greeting").inc()
        return row

    def _checked(self, signers: Mapping[str, Signer], one: Arrival) -> Row | None:
        """Return the row of a delivery, None where it is a mere greeting."""
        signer = self._stores.signer(signers, one.store, one.platform)
        platform = self._stores.platform(one.platform)
        if platform.is_ping(one.delivery):
            return None
        now = self._clock()
        self._stores.verify(signer, one.delivery, now)
        key = platform.delivery_key(one.delivery)
        body = one.delivery.body if len(one.delivery.body) <= BODY_MAX else None
        state = DONE if body is None else WAITING
        return one.store, key, _headers(one.delivery), body, now, state

    async def _insert(self, rows: Sequence[Row]) -> None:
        """Insert rows unless their keys are there; of bodies too large, ask the listings."""
        if not rows:
            return
        in_turn = sorted(rows, key=lambda row: row[:2])  # so do other processes: none waits for all
        async with in_transaction():
            await sql.many(KEEP, in_turn)
            for store in sorted({row[0] for row in rows if row[3] is None}):
                await StoreRow.filter(id=store).update(reconcile_at=self._clock())

    async def read_some(self, store: StoreRow) -> int:
        """Read the oldest waiting deliveries of a store; return how many there were."""
        rows = await sql.rows(
            "SELECT id, headers, body FROM inbox WHERE store = $1 AND state = 'waiting'"
            " ORDER BY id LIMIT $2",
            *(store.id, BATCH),
        )
        for first in range(0, len(rows), TOGETHER):
            await self._read_all(store, rows[first : first + TOGETHER])
        return len(rows)

    async def _read_all(self, store: StoreRow, rows: Sequence[sql.Row]) -> None:
        """Read deliveries together or, where that fails, one by one."""
        try:
            await self._read(store, rows)
        except Exception as error:  # one broken delivery must not hold up the rest
            if sql.is_down(error):
                raise
            if len(rows) > 1:
                for row in rows:
                    await self._read_all(store, [row])
                return
            if not isinstance(error, Malformed):
                log.exception("reading failed", store=store.id, delivery=rows[0]["id"])
                error = Malformed(f"it could not be taken in: {type(error).__name__}")
            await self._park(store, rows[0]["id"], str(error))

    async def _read(self, store: StoreRow, rows: Sequence[sql.Row]) -> None:
        platform = self._stores.platform(store.platform)
        read = [platform.read(_delivery(row)) for row in rows]
        changes = [one for one in read if isinstance(one, (Seen, Touched))]
        async with in_transaction():
            await self._records.take_in(store, changes, self._clock())
            for one in read:
                await self._heed(store, one)
            await sql.run(
                f"UPDATE inbox SET state = 'done', body = {BODY_KEPT} WHERE id = ANY($1)",
                [row["id"] for row in rows],
            )
        metrics.READ.labels("read").inc(len(rows))

    async def _heed(self, store: StoreRow, told: Change) -> None:
        """Do what a store told us that is about no record."""
        by, now = self._stores.platform(store.platform).title, self._clock()
        match told:
            case PersonAsked(kind, id_, email):
                accounts = privacy.accounts_of(self._vault, store, customer_id=id_, email=email)
                if accounts:
                    await privacy.ask(self._vault, store, kind, accounts, by=by, now=now)
            case Uninstalled(at):
                await self._stores.taken_off(store, at, now)
            case StoreErased():
                await privacy.erase_store(store, by=by, now=now)

    async def _park(self, store: StoreRow, id_: int, why: str) -> None:
        """Keep what nobody can read for somebody to look at, and ask the listings instead."""
        async with in_transaction():
            await sql.lock(store.id)  # whoever erases somebody has seen it
            await sql.run(
                f"UPDATE inbox SET state = $2, trouble = $3, body = {BODY_KEPT} WHERE id = $1",
                *(id_, PARKED, why[:500]),
            )
            await StoreRow.filter(id=store.id).update(reconcile_at=self._clock())
        metrics.READ.labels("parked").inc()


def _delivery(row: sql.Row) -> Delivery:
    return Delivery(headers=orjson.loads(row["headers"]), body=bytes(row["body"] or b""))


def _headers(delivery: Delivery) -> str:
    kept = {name: value[:HEADERS_KEPT] for name, value in delivery.headers.items()}
    return orjson.dumps(kept).decode()
