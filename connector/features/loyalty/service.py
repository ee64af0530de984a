"""Decides what is asked for about accounts: under a lock, on what holds now."""

from datetime import timedelta

import structlog
from tortoise.transactions import in_transaction

from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import (
    InsufficientPoints,
    KeyReused,
    MailboxTaken,
    RequestInvalid,
    ReservationEnded,
    RewardUnavailable,
)
from connector.features.loyalty.acts import noted
from connector.features.loyalty.decisions import Decision, checked, kept
from connector.features.loyalty.models import ActRow, DecisionRow
from connector.features.loyalty.programs import Programs
from connector.features.loyalty.rules.facts import Act
from connector.features.loyalty.rules.fold import Folded
from connector.features.loyalty.rules.program import Reward
from connector.features.loyalty.settling import Settling
from connector.ledger import ledger
from connector.ledger.models import LinkRow
from connector.rewards import reservations
from connector.rewards.models import RedemptionRow, ReservationRow
from connector.rewards.redemptions import Redemptions, Terms, Who, queued
from connector.rewards.reservations import Hold
from connector.web.feature import Tools

log = structlog.get_logger()


class Loyalty:
    """Points: published programs, settled accounts, redemptions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.segments = tools.segments
        self.programs = Programs(tools)
        self.redemptions = Redemptions(tools.stores, tools.vault, tools.clock)
        self.settling = Settling(tools, self.programs, self.redemptions)

    async def decide(self, store: StoreRow, account: str, decision: Decision) -> Folded:
        """Keep what a merchant decided about an account, and settle it; return what then holds.

        Raises:
            RequestInvalid: it cannot be kept, with what would be right.
            KeyReused: its key stands for another decision.
        """
        version = await self.programs.program(store.id)
        if version is None:
            raise RequestInvalid("publish a program first: nothing holds points without one")
        tiers = version.program.tiers.names if version.program.tiers else []
        checked(decision, tiers)
        now = self._tools.clock()
        async with in_transaction():
            await sql.lock(store.id)  # nobody joins meanwhile
            named, account = account, await ledger.owner(store.id, account)
            await ledger.locked(store.id, [account])
            row = DecisionRow(id=self._tools.ids(), store=store.id, account=account)
            await row.update_from_dict({"key": decision.key, "decided_at": now})
            if await kept(row, decision, named):
                await ledger.mark_dirty(store.id, {account: now}, now)
            folded = await self.settling.settle(store, account)
        self._tools.wake()
        return folded

    async def join(self, store: StoreRow, guest: str, customer_id: str) -> Folded:
        """Make a guest's account a customer's, who proved that the mailbox is theirs.

        Raises:
            MailboxTaken: it was another customer's before.
        """
        account = customer_account(customer_id)
        async with in_transaction():
            await sql.lock(store.id)  # whoever takes an order in has read who joined whom
            await ledger.locked(store.id, [guest, account])
            now = self._tools.clock()
            link = LinkRow(store=store.id, account=guest, owner=account, joined_at=now)
            if not await ledger.join(link, now):
                raise MailboxTaken("orders under this address are another customer's already")
            await self.settling.settle(store, guest)
            folded = await self.settling.settle(store, account)
        self._tools.wake()
        return folded

    async def redeem(
        self, store: StoreRow, customer_id: str, reward_id: str, idempotency_key: str
    ) -> RedemptionRow:
        """Spend points on a reward; the same key again is the same redemption.

        Raises:
            RewardUnavailable: the program in force has no such reward in the store's currency, or
                not for their tier.
            RewardSoldOut: as many as there are of it are taken.
            InsufficientPoints: the balance, settled to now, is less than it costs.
            KeyReused: the key was used for another reward.
        """
        who = Who(
            account=customer_account(customer_id),
            customer_id=customer_id,
            idempotency_key=idempotency_key,
        )
        async with in_transaction():
            await ledger.locked(store.id, [who.account])
            before = await RedemptionRow.get_or_none(
                store=store.id, account=who.account, idempotency_key=idempotency_key
            )
            if before is not None:
                return _same(before, reward_id)
            row = await self._admit(store, who, reward_id)
        self._tools.wake()
        return row

    async def note(self, store: StoreRow, account: str, key: str, act: Act) -> tuple[ActRow, int]:
        """Write down what a customer did; return it, and the points that it earned.

        Raises:
            KeyReused: the key stands for something else.
        """
        now = self._tools.clock()
        async with in_transaction():
            await sql.lock(store.id)  # whoever rates the past anew sees the account
            await ledger.locked(store.id, [account])
            row, is_new = await noted(store.id, account, key, act, now)
            if is_new:
                await ledger.mark_dirty(store.id, {account: act.at}, now)
                await self.settling.settle(store, account)
        self._tools.wake()
        return row, await ledger.earned(store.id, account, f"{row.kind}:{row.id}")

    async def reserve(self, store: StoreRow, account: str, hold: Hold) -> ReservationRow:
        """Hold points back until they are captured, or given back; the same key is the same.

        Raises:
            InsufficientPoints: the balance, settled to now, is less.
            KeyReused: the key stands for another request.
        """
        async with in_transaction():
            await sql.lock(store.id)  # nobody joins meanwhile
            named, account = account, await ledger.owner(store.id, account)
            await ledger.locked(store.id, [account])
            if before := await reservations.found(store.id, {named, account}, hold):
                return before
            folded = await self.settling.settle(store, account)
            available = folded.purse.available()
            if available < hold.points:
                raise InsufficientPoints(f"of {hold.points} points {available} can be spent")
            id_, now = self._tools.ids(), self._tools.clock()
            row = await reservations.hold_back(store.id, id_, account, hold, now)
            await self.settling.settle(store, account)
        self._tools.wake()
        return row

    async def end_reservation(self, row: ReservationRow, store: StoreRow, state: str) -> None:
        """Capture a reservation, or give its points back.

        Raises:
            ReservationEnded: it has ended the other way.
        """
        async with in_transaction():
            await sql.lock(store.id)  # nobody joins meanwhile
            account = await ledger.owner(store.id, row.account)
            await ledger.locked(store.id, [account, row.account])
            await row.refresh_from_db()
            if await reservations.end(row, state, self._tools.clock()):
                await self.settling.settle(store, account)
        self._tools.wake()

    async def end_late_reservations(self, store: StoreRow) -> int:
        """Give back what was reserved for so long that its time ran out; return how many."""
        ended = 0
        for row in await reservations.ending(store.id, self._tools.clock()):
            try:
                await self.end_reservation(row, store, reservations.RELEASED)
                ended += 1
            except ReservationEnded:  # captured in the last moment
                ended += 1
            except Exception as error:
                if sql.is_down(error):
                    raise
                log.exception("a reservation cannot be ended", store=store.id, reservation=row.id)
        return ended

    async def _admit(self, store: StoreRow, who: Who, reward_id: str) -> RedemptionRow:
        reward = await self._reward(store, reward_id)
        terms = self._terms(reward, store.currency)
        await queued(store.id, terms)
        folded = await self.settling.settle(store, who.account)
        if reward.tiers and (folded.stand is None or folded.stand.tier not in reward.tiers):
            raise RewardUnavailable(f"this is for {' or '.join(reward.tiers)} alone")
        available = folded.purse.available()
        if available < terms.cost:
            raise InsufficientPoints(f"this costs {terms.cost} points; {available} can be spent")
        row = await self.redemptions.reserve(store.id, self._tools.ids(), who, terms)
        await self.settling.settle(store, who.account)
        return row

    async def _reward(self, store: StoreRow, reward_id: str) -> Reward:
        version = await self.programs.program(store.id)
        reward = version.program.find_reward(reward_id) if version else None
        now = self._tools.clock()
        if reward is None or not reward.is_in(store.currency) or not reward.is_offered(now):
            raise RewardUnavailable(f"there is no reward {reward_id!r} now")
        return reward

    def _terms(self, reward: Reward, currency: str) -> Terms:
        days = reward.code_expires_days
        return Terms(
            reward_id=reward.id,
            kind=reward.kind,
            stock=reward.stock,
            limit=reward.limit_per_customer,
            cost=reward.cost,
            amount_minor=reward.value_minor.get(currency, 0),
            basis_points=(reward.percent or 0) * 100,
            product_ids=reward.products,
            minimum_minor=reward.minimum_minor.get(currency, 0),
            currency=currency,
            expires_at=self._tools.clock() + timedelta(days=days) if days else None,
        )


def _same(before: RedemptionRow, reward_id: str) -> RedemptionRow:
    if before.reward_id != reward_id:
        raise KeyReused(f"this Idempotency-Key redeemed {before.reward_id!r}: use a new one")
    return before
