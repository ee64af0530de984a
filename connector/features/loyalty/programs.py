"""A store's programs: what is published, and from when it holds."""

from datetime import datetime
from functools import lru_cache

from tortoise.transactions import in_transaction

from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import InvalidProgram, KeyReused, RequestInvalid
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.perks import perk_of
from connector.features.loyalty.rules.document import parse, read
from connector.features.loyalty.rules.program import Program, Publication, in_force, publications
from connector.ledger import ledger
from connector.rewards.redemptions import DISCOUNTS
from connector.web.feature import Tools
from platforms.protocol import Capabilities

STORES_KEPT = 1000  # whose published versions a process keeps
Versions = tuple[Publication, ...]
_read = lru_cache(maxsize=1000)(read)


class Programs:
    """The programs that stores publish."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._versions: dict[str, tuple[int, Versions]] = {}
        self._giving: set[str] = set()

    async def publish(
        self,
        store: StoreRow,
        document: str,
        key: str | None = None,
        re_rate_from: datetime | None = None,
    ) -> int:
        """Publish a program for all that happens from now on; return its version.

        The same document as the one in force is no new version, unless under a ``key``: what that
        published once it never publishes again. With ``re_rate_from`` what happened
        since then is rated anew.

        Raises:
            InvalidProgram: with the path of the mistake, or of what the platform cannot do.
            KeyReused: the key published something else.
            RequestInvalid: the past to rate anew is to come, or before there was a program.
        """
        program = parse(document)
        await self.require_possible(store, program)
        said = (document, re_rate_from)
        async with in_transaction():
            await sql.lock(store.id)  # whoever comes meanwhile is priced by what is published
            before = key and await PublicationRow.get_or_none(store=store.id, key=key)
            if before:
                if (before.document, before.re_rate_from) != said:
                    raise KeyReused("this key published something else: use a new one")
                return before.version
            latest = await PublicationRow.filter(store=store.id).order_by("-version").first()
            is_rated = latest and re_rate_from in {None, latest.re_rate_from}
            if latest and latest.document == document and is_rated and key is None:
                return latest.version
            if re_rate_from is not None:
                await self._require_rated(store, re_rate_from)
            version = latest.version + 1 if latest else 1
            await PublicationRow.create(
                store=store.id,
                version=version,
                published_at=self._tools.clock(),
                document=document,
                key=key,
                re_rate_from=re_rate_from,
            )
            reaches_back = version == 1 or re_rate_from is not None
            if reaches_back and program.sign_up_rules:
                await ledger.open_for_customers(store.id)
            await ledger.mark_all_dirty(store.id, self._tools.clock())
        self._tools.wake()
        return version

    async def _require_rated(self, store: StoreRow, since: datetime) -> None:
        """Refuse to rate anew what no program has rated yet.

        Raises:
            RequestInvalid: with the first instant that can be.
        """
        versions = await self.versions(store.id)
        if not versions:
            raise RequestInvalid("there is no past to rate anew: no program was published yet")
        first = versions[0].begins_at
        if not first <= since < self._tools.clock():
            raise RequestInvalid(
                f"what happened since {since:%FT%TZ} cannot be rated anew: the first program holds"
                f" from {first:%FT%TZ}, so write an instant from then until now"
            )

    def can(self, store: StoreRow) -> Capabilities:
        """Return what the store's platform can do."""
        return self._tools.stores.platform(store.platform).capabilities

    async def require_possible(self, store: StoreRow, program: Program) -> None:
        """Refuse a program with something that the store's platform cannot do.

        Raises:
            InvalidProgram: with the path of it.
        """
        can = self.can(store)
        dated = {"fulfilled": can.knows_fulfilled, "delivered": can.knows_delivered}
        for n, reward in enumerate(program.reward):
            if DISCOUNTS[reward.kind] not in can.discount_kinds:
                raise InvalidProgram(f"reward[{n}].kind: {store.platform} has no {reward.kind}")
        for benefits in program.benefits.values():
            for one in benefits:
                discount = perk_of(one, program.currency).discount
                if discount is not None and discount not in can.discount_kinds:
                    raise InvalidProgram(
                        f"tiers.tier.benefits: {store.platform} cannot give {one.id!r}: it has no"
                        f" discounts of the kind {discount}"
                    )
        for n, rule in enumerate(program.earn):
            if rule.pending_until and not dated[rule.pending_until]:
                known = " or ".join(repr(name) for name, is_dated in dated.items() if is_dated)
                instead = f"pending_until = {known}" if known else "pending_days"
                raise InvalidProgram(
                    f"earn[{n}].pending_until: {store.platform} does not say when orders are"
                    f" {rule.pending_until}; write {instead}"
                )
        await self._require_segments(store, program)

    async def _require_segments(self, store: StoreRow, program: Program) -> None:
        """Refuse segments that nobody knows.

        Raises:
            InvalidProgram: with the path of one.
        """
        segments = self._tools.segments
        names = await segments.names(store.id) if program.reads_segments else set()
        for n, one in enumerate(program.multiplier):
            name, path = one.when.segment, f"multiplier[{n}].when.segment"
            if name and not segments.are_known:
                raise InvalidProgram(
                    f"{path}: nothing here says who is in a segment; write a tier, or leave it out"
                )
            if name and name not in names:
                there = f"write one of {', '.join(sorted(names))}" if names else "there are none"
                raise InvalidProgram(f"{path}: there is no segment {name!r}; {there}")

    async def notes_from(self, store: str) -> datetime | None:
        """Return the instant from which orders get notes, None where they get none."""
        now = await self.program(store)
        return await self.live_at(store) if now and now.program.order_notes else None

    @staticmethod
    async def live_at(store: str) -> datetime | None:
        """Return when a program was first published, None if none was."""
        first = await PublicationRow.filter(store=store).order_by("version").first()
        return first.published_at if first else None

    async def document(self, store: StoreRow) -> str | None:
        """Return the newest published document as it was written, if there is one."""
        latest = await PublicationRow.filter(store=store.id).order_by("-version").first()
        return latest.document if latest else None

    async def versions(self, store: str, published: int | None = None) -> Versions:
        """Return the published versions, oldest first.

        Whoever knows how many were ``published`` may be given those that we know already.
        """
        count, held = self._versions.get(store, (0, ()))
        if published is not None and count == published:
            return held
        rows = await PublicationRow.filter(store=store).order_by("version")
        if any(_read(row.document).gives_benefits for row in rows):
            self._giving.add(store)
        found = publications(
            [(row.published_at, _read(row.document), row.re_rate_from) for row in rows]
        )
        if len(self._versions) >= STORES_KEPT:
            self._versions.clear()
        self._versions[store] = len(rows), found
        return found

    def ever_gave(self, store: str) -> bool:
        """Return whether any version gives benefits, of a store whose versions were read here.

        Also one that counts no more, as another rates the past anew.
        """
        return store in self._giving

    async def program(self, store: str) -> Publication | None:
        """Return the version in force now, if any."""
        return in_force(await self.versions(store), self._tools.clock())
