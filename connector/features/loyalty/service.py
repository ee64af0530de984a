"""Loads an account's facts, lets the rules decide, and posts the difference."""

from datetime import datetime, timedelta
from functools import lru_cache

import structlog
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.errors import InsufficientPoints, KeyReused, RewardUnavailable
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.notices import Notices
from connector.features.loyalty.rules.fold import Facts, Folded, Redemption, fold
from connector.features.loyalty.rules.program import (
    Publication,
    Reward,
    in_force,
    parse,
    publications,
)
from connector.ledger import ledger
from connector.rewards.models import RedemptionRow
from connector.rewards.redemptions import Redemptions, Terms, Who, redemptions_of
from connector.web.feature import Tools

SETTLE_BATCH = 100
RETRY_AFTER = timedelta(minutes=1)
log = structlog.get_logger()
_parsed = lru_cache(maxsize=1000)(parse)


class Loyalty:
    """Points: published programs, settled accounts, redemptions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.redemptions = Redemptions(tools.stores, tools.vault, tools.clock)
        self.notices = Notices(tools.stores, tools.clock)

    async def publish(self, store: StoreRow, document: str) -> int:
        """Publish a program for all that happens from now on; return its version.

        The same document as the one in force is no new version.

        Raises:
            InvalidProgram: with the path of the mistake.
        """
        parse(document)
        async with in_transaction():
            latest = await PublicationRow.filter(store=store.id).order_by("-version").first()
            if latest is not None and latest.document == document:
                return latest.version
            version = latest.version + 1 if latest else 1
            await PublicationRow.create(
                store=store.id,
                version=version,
                published_at=self._tools.clock(),
                document=document,
            )
            await ledger.mark_all_dirty(store.id)
        self._tools.wake()
        return version

    async def _notes_from(self, store: str) -> datetime | None:
        """Return the instant from which orders get notes, None where they get none."""
        now = await self.program(store)
        if now is None or not now.program.order_notes:
            return None
        first = await PublicationRow.filter(store=store).order_by("version").first()
        return first.published_at if first else None

    async def document(self, store: StoreRow) -> str | None:
        """Return the newest published document as it was written, if there is one."""
        latest = await PublicationRow.filter(store=store.id).order_by("-version").first()
        return latest.document if latest else None

    async def versions(self, store: str) -> tuple[Publication, ...]:
        """Return the published versions, oldest first."""
        rows = await PublicationRow.filter(store=store).order_by("version")
        return publications([(row.published_at, _parsed(row.document)) for row in rows])

    async def program(self, store: str) -> Publication | None:
        """Return the version in force now, if any."""
        return in_force(await self.versions(store), self._tools.clock())

    async def on_stored(self, stored: records.Stored) -> None:
        """Have the accounts settled whose points an order moves."""
        await ledger.mark_dirty(stored.store.id, stored.accounts)

    async def settle_some(self) -> int:
        """Settle accounts that are dirty or due; return how many.

        One that fails is logged and left for later; the others go on.
        """
        settled = 0
        for row in await ledger.to_settle(self._tools.clock(), SETTLE_BATCH):
            try:
                store = await StoreRow.get(id=row.store)
                async with in_transaction():
                    await self.settle(store, row.key)
                settled += 1
            except Exception:
                log.exception("settling failed", store=row.store, account=row.id)
                await ledger.postpone(row, self._tools.clock() + RETRY_AFTER)
        return settled

    async def settle(self, store: StoreRow, account: str) -> Folded:
        """Bring an account's ledger to what follows from the facts now. In a transaction."""
        locked = await ledger.locked(store.id, account)
        now = self._tools.clock()
        folded = fold(await self._facts(store, account), now)
        changes = await ledger.post(locked, folded.postings, folded.next_expiry, now)
        if changes:
            await self.notices.want(store, account, changes, await self._notes_from(store.id))
        return folded

    async def _facts(self, store: StoreRow, account: str) -> Facts:
        rows = await redemptions_of(store.id, account)
        platform = self._tools.stores.platform(store.platform)
        return Facts(
            orders=await records.orders_of(store.id, account),
            coded_orders=await records.orders_with(store.id, [row.code for row in rows]),
            redemptions=[_decision(row) for row in rows],
            versions=await self.versions(store.id),
            cancel_restores_use=platform.capabilities.cancel_restores_use,
        )

    async def redeem(
        self, store: StoreRow, customer_id: str, reward_id: str, idempotency_key: str
    ) -> RedemptionRow:
        """Spend points on a reward; the same key again is the same redemption.

        Raises:
            RewardUnavailable: the program in force has no such reward in the store's currency.
            InsufficientPoints: the balance, settled to now, is less than it costs.
            KeyReused: the key was used for another reward.
        """
        who = Who(
            account=customer_account(customer_id),
            customer_id=customer_id,
            idempotency_key=idempotency_key,
        )
        async with in_transaction():
            await ledger.locked(store.id, who.account)
            before = await RedemptionRow.get_or_none(
                store=store.id, account=who.account, idempotency_key=idempotency_key
            )
            if before is not None:
                return _same(before, reward_id)
            row = await self._admit(store, who, reward_id)
        self._tools.wake()
        return row

    async def _admit(self, store: StoreRow, who: Who, reward_id: str) -> RedemptionRow:
        terms = await self._terms(store, reward_id)
        folded = await self.settle(store, who.account)
        available = folded.purse.available()
        if available < terms.cost:
            raise InsufficientPoints(f"this costs {terms.cost} points; {available} can be spent")
        row = await self.redemptions.reserve(store.id, self._tools.ids(), who, terms)
        await self.settle(store, who.account)
        return row

    async def _terms(self, store: StoreRow, reward_id: str) -> Terms:
        version = await self.program(store.id)
        reward = version.program.find_reward(reward_id) if version else None
        if version is None or reward is None or store.currency not in reward.value_minor:
            raise RewardUnavailable(f"there is no reward {reward_id!r} now")
        return self._terms_of(reward, store.currency)

    def _terms_of(self, reward: Reward, currency: str) -> Terms:
        days = reward.code_expires_days
        return Terms(
            reward_id=reward.id,
            cost=reward.cost,
            amount_minor=reward.value_minor[currency],
            minimum_minor=reward.minimum_minor.get(currency, 0),
            currency=currency,
            expires_at=self._tools.clock() + timedelta(days=days) if days else None,
        )


def _same(before: RedemptionRow, reward_id: str) -> RedemptionRow:
    if before.reward_id != reward_id:
        raise KeyReused(f"this Idempotency-Key redeemed {before.reward_id!r}: use a new one")
    return before


def _decision(row: RedemptionRow) -> Redemption:
    return Redemption(
        id=row.id,
        cost=row.cost,
        code=row.code,
        redeemed_at=row.redeemed_at,
        released_at=row.released_at,
    )
