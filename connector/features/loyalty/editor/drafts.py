"""The draft of a store's program: kept as it is written, tried on what was sold, and published."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from fractions import Fraction

import msgspec
from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import InvalidProgram, PerennialError
from connector.features.loyalty.editor.editing import Mistaken
from connector.features.loyalty.models import DraftRow, PublicationRow
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Report
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import Trial, trial
from connector.kernel.clock import add_months
from connector.sync.work import oldest
from connector.web.catalogues import t
from connector.web.feature import Tools
from connector.web.pages import month

MONTHS = 12
TELL_S = 1.0
WAITING = "EXISTS (SELECT 1 FROM draft d WHERE d.store = s.id AND d.asked_at <= :now)"
"""Whether a store ``s`` has a draft that is to be tried."""
OLDEST_WAITING = oldest(
    "SELECT d.asked_at FROM draft d WHERE d.store = s.id AND d.asked_at <= :now"
)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one program comes to, in points; ``cost_minor`` at most, None where nobody can say.

    ``share`` is the cost in tenths of a per cent of sales.
    """

    issued: int
    taken_back: int
    expired: int
    owed: int
    cost_minor: int | None
    share: int | None
    months: dict[str, int]
    tiers: dict[str, int]
    can_redeem: dict[str, int]

    @property
    def of_sales(self) -> Fraction | None:
        """The cost as a share of sales."""
        return None if self.share is None else Fraction(self.share, 1000)


class Moved(msgspec.Struct, frozen=True):
    """So many who go from one tier to another at once, None for no tier."""

    before: str | None
    after: str | None
    accounts: int


class Sooner(msgspec.Struct, frozen=True):
    """So many who lose a tier sooner than they would, the first of them at an instant."""

    tier: str
    accounts: int
    first_at: datetime


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft would have come to between two instants, beside the program in force, if any."""

    begins_at: datetime
    at: datetime
    orders: int
    accounts: int
    new: Side
    now: Side | None
    moves: list[Moved]
    sooner: list[Sooner]

    def rows(self) -> list[tuple[str, int] | tuple[str, int, int]]:
        """Return the points that were given in each month, by the draft and by what is live."""
        live = self.now.months if self.now else {}
        months = sorted({*self.new.months, *live})
        new = [(_named(one), self.new.months.get(one, 0)) for one in months]
        if self.now is None:
            return [*new]
        return [
            (name, points, live.get(one, 0))
            for one, (name, points) in zip(months, new, strict=True)
        ]


def _named(written: str) -> str:
    """Return what a month is called that is written ``2026-11``."""
    return month(datetime.fromisoformat(f"{written}-01T00:00:00Z"), "UTC")


class Drafts:
    """Keeps one draft for each store."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._clock = tools.clock
        self._wake = tools.wake
        self._loyalty = loyalty

    async def find(self, store: str) -> DraftRow | None:
        """Return a store's draft, None where there is none or it was thrown away."""
        return await DraftRow.get_or_none(store=store, discarded_at=None)

    async def save(self, store: StoreRow, document: str, revision: int, who: str) -> None:
        """Keep a document as the draft that follows a ``revision``, 0 for none; have it tried.

        Raises:
            Mistaken: it could not be published, or somebody saved meanwhile.
        """
        await self._require_sound(store, document)
        now = self._clock()
        async with in_transaction():
            await sql.lock(store.id)
            row = await self._expected(store.id, revision)
            held = row or await PublicationRow.filter(store=store.id).order_by("-version").first()
            if held is not None and held.document == document:
                return
            last = await DraftRow.get_or_none(store=store.id)
            values = {
                "document": document,
                "revision": last.revision + 1 if last else 1,
                "saved_at": now,
                "who": who,
                "discarded_at": None,
                "asked_at": now,
                "seen": 0,
                "tried": None,
                "trouble": None,
            }
            await DraftRow.update_or_create(store=store.id, defaults=values)
        self._wake()

    async def _require_sound(self, store: StoreRow, document: str) -> None:
        try:
            await self._loyalty.programs.require_possible(store, parse(document))
        except InvalidProgram as error:
            path, _, said = str(error).partition(": ")
            raise Mistaken({path: said}) from None

    @staticmethod
    async def _expected(store: str, revision: int) -> DraftRow | None:
        """Return the draft of a revision, None for 0.

        Raises:
            Mistaken: it is not the newest.
        """
        row = await DraftRow.get_or_none(store=store, discarded_at=None)
        if (row.revision if row else 0) != revision:
            raise Mistaken({"": t("The draft was changed meanwhile: look at it anew, then go on.")})
        return row

    async def discard(self, store: str, revision: int) -> None:
        """Throw a draft away.

        Raises:
            Mistaken: somebody saved meanwhile.
        """
        async with in_transaction():
            await sql.lock(store)
            await self._expected(store, revision)
            now = self._clock()
            await DraftRow.filter(store=store).update(discarded_at=now, asked_at=None)

    async def take_back(self, store: str) -> None:
        """Have the draft again that was thrown away, if none was begun since."""
        gone = DraftRow.filter(store=store, discarded_at__isnull=False)
        await gone.update(discarded_at=None, asked_at=self._clock(), seen=0)
        self._wake()

    async def publish(self, store: StoreRow) -> int:
        """Publish the draft, or what is published as it is where there is none; return the version.

        Raises:
            Mistaken: there is neither.
        """
        async with in_transaction():
            await sql.lock(store.id)
            row, rows = await self.find(store.id), await published(store.id)
            if row is None and not rows:
                raise Mistaken({"": t("Begin with a template: there is no program yet.")})
            if row is None:
                return rows[-1].version
            version = await self._loyalty.programs.publish(store, row.document)
            await row.delete()
        return version

    async def undo(self, store: StoreRow, version: int) -> int:
        """Publish again what was in force before a version, the newest; return the new version.

        Raises:
            Mistaken: it is not the newest, or there was nothing before it.
        """
        async with in_transaction():
            await sql.lock(store.id)
            rows = await published(store.id)
            if version < 2 or len(rows) != version:
                raise Mistaken({"": t("This was changed since: choose a version in the history.")})
            return await self._loyalty.programs.publish(store, rows[version - 2].document)

    async def try_out(self, store: StoreRow) -> int:
        """Try the draft that waits for it; return how many did."""
        row = await DraftRow.get_or_none(store=store.id, asked_at__isnull=False)
        if row is None:
            return 0
        mine = DraftRow.filter(store=store.id, revision=row.revision)
        told = asyncio.create_task(_telling(store.id, seen := [0]))
        try:
            tried = await self._tried(store, row.document, seen)
            await mine.update(tried=msgspec.json.encode(tried).decode(), asked_at=None)
        except PerennialError as error:
            await mine.update(trouble=str(error), asked_at=None)
        finally:
            told.cancel()
            with suppress(asyncio.CancelledError):
                await told
        return 1

    async def _tried(self, store: StoreRow, document: str, seen: list[int]) -> Tried:
        program, now = parse(document), self._clock()
        begins_at = add_months(now, -MONTHS, program.zone)

        def tell(done: int) -> None:
            seen[0] = done

        return _summed(await trial(self._loyalty, store, program, begins_at, now, tell))


async def published(store: str) -> Sequence[PublicationRow]:
    """Return what a store published, the first version first."""
    return await PublicationRow.filter(store=store).order_by("version")


async def _telling(store: str, seen: Sequence[int]) -> None:
    """Say now and then how many accounts have been looked at."""
    while True:
        await asyncio.sleep(TELL_S)
        await DraftRow.filter(store=store).update(seen=seen[0])


def _summed(found: Trial) -> Tried:
    return Tried(
        begins_at=found.new.begins_at,
        at=found.new.at,
        orders=found.new.orders,
        accounts=found.new.accounts,
        new=_side(found.new),
        now=_side(found.now) if found.now else None,
        moves=[Moved(one.before, one.after, one.accounts) for one in found.moves],
        sooner=[Sooner(one.tier, one.accounts, one.first_at) for one in found.sooner],
    )


def _side(report: Report) -> Side:
    total, worth = report.total, report.worth
    cost = worth.of(total.issued - total.taken_back) if worth else None
    sales = report.sales[worth.currency] if worth and len(report.sales) == 1 else 0
    return Side(
        issued=total.issued,
        taken_back=total.taken_back,
        expired=total.expired,
        owed=report.available + report.pending,
        cost_minor=cost,
        share=round(1000 * cost / sales) if cost is not None and sales > 0 else None,
        months={month: sums.issued for month, sums in sorted(report.months.items())},
        tiers=report.tiers,
        can_redeem=report.can_redeem,
    )
