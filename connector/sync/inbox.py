"""Deliveries: kept before they are answered, read afterwards.

A correctly signed delivery is kept whatever it holds; only what nobody we know signed is refused.
"""

from collections.abc import Callable

import orjson
import structlog
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.commerce.records import Records
from connector.kernel.clock import Clock
from connector.sync.models import InboxRow
from connector.sync.stores import Stores
from platforms.errors import Malformed
from platforms.model import Change, Delivery, Ignored, Seen, Touched

BATCH = 100
BODY_MAX = 5_000_000  # larger ones are not kept; a reconcile finds what they were about
HEADERS_KEPT = 4000  # characters
WAITING, DONE, PARKED = "waiting", "done", "parked"
Wake = Callable[[], None]
log = structlog.get_logger()


class Inbox:
    """Accepts deliveries and reads them."""

    def __init__(self, stores: Stores, records: Records, clock: Clock) -> None:
        self._stores = stores
        self._records = records
        self._clock = clock

    async def accept(self, store: StoreRow, delivery: Delivery) -> bool:
        """Keep a delivery; return False where there was nothing to keep. Committed on return.

        Raises:
            DeliveryForged: the store's secret did not sign it.
        """
        platform = self._stores.platform(store.platform)
        if platform.is_ping(delivery):
            return False
        self._stores.verify(store, delivery, self._clock())
        await self._keep(store, platform.delivery_key(delivery), delivery)
        return True

    async def _keep(self, store: StoreRow, key: str, delivery: Delivery) -> None:
        """Insert the row unless its key is there.

        In SQL, because every page view of a busy store waits behind this statement, and because
        a conflict must not end the transaction that it happens in.
        """
        body = delivery.body if len(delivery.body) <= BODY_MAX else None
        now = self._clock()
        async with in_transaction() as connection:
            await connection.execute_query(
                "INSERT INTO inbox (store, key, headers, body, received_at, state, trouble)"
                " VALUES (?, ?, ?, ?, ?, ?, '') ON CONFLICT DO NOTHING",
                [store.id, key, _headers(delivery), body, now, DONE if body is None else WAITING],
            )
            if body is None:
                await StoreRow.filter(id=store.id).update(reconcile_at=now)

    async def read_some(self) -> int:
        """Read the oldest waiting deliveries; return how many there were."""
        rows = await InboxRow.filter(state=WAITING).order_by("id").limit(BATCH)
        for row in rows:
            try:
                await self._read(row)
            except Malformed as error:
                await self._park(row, str(error))
            except (OSError, OperationalError):  # the database's trouble, not this delivery's
                raise
            except Exception as error:  # one broken delivery must not hold up the rest
                log.exception("reading failed", store=row.store, delivery=row.id)
                await self._park(row, f"it could not be taken in: {type(error).__name__}")
        return len(rows)

    async def _read(self, row: InboxRow) -> None:
        store = await self._stores.find(row.store)
        delivery = Delivery(headers=row.headers, body=bytes(row.body or b""))
        change = self._stores.platform(store.platform).read(delivery)
        async with in_transaction():
            await self._take(store, change)
            await InboxRow.filter(id=row.id).update(state=DONE)

    async def _take(self, store: StoreRow, change: Change) -> None:
        match change:
            case Seen():
                await self._records.observe(store, change)
            case Touched(kind, id_):
                await self._records.touch(store, kind, id_)
            case Ignored():
                pass

    async def _park(self, row: InboxRow, why: str) -> None:
        """Keep what nobody can read for somebody to look at, and ask the listings instead."""
        async with in_transaction():
            await InboxRow.filter(id=row.id).update(state=PARKED, trouble=why[:500])
            await StoreRow.filter(id=row.store).update(reconcile_at=self._clock())


def _headers(delivery: Delivery) -> str:
    kept = {name: value[:HEADERS_KEPT] for name, value in delivery.headers.items()}
    return orjson.dumps(kept).decode()
