"""Decides what is asked for about accounts: under a lock, on what holds now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from tortoise.transactions import in_transaction

from connector.commerce.identity import customer_account
from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import (
    BenefitUnavailable,
    InsufficientPoints,
    MailboxTaken,
    PassInvalid,
    RequestInvalid,
    ReservationEnded,
    RewardUnavailable,
)
from connector.features.loyalty.acts import noted
from connector.features.loyalty.choices import Choice, terms_of
from connector.features.loyalty.decisions import Decision, checked, kept
from connector.features.loyalty.models import ActRow, DecisionRow
from connector.features.loyalty.perks import opened
from connector.features.loyalty.programs import Programs
from connector.features.loyalty.rules.facts import Act
from connector.features.loyalty.rules.fold import Folded
from connector.features.loyalty.rules.program import Benefit, Reward
from connector.features.loyalty.settling import Settling
from connector.ledger import ledger
from connector.ledger.ledger import Balance
from connector.ledger.models import LinkRow
from connector.rewards import passes, reservations
from connector.rewards.entitlements import holding
from connector.rewards.models import RedemptionRow, ReservationRow
from connector.rewards.passes import Pass
from connector.rewards.redemptions import Redemptions, Who, queued
from connector.rewards.reservations import Hold
from connector.web.feature import Tools

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a customer's balance would be after a joining, and the tiers of before and after.

    Before it they could spend what it ``was``.
    """

    balance: Balance
    was: int
    tiers: tuple[str | None, str | None]


class Loyalty:
    """Points: published programs, settled accounts, redemptions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.vault = tools.vault
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

    async def undo(self, store: StoreRow, account: str, decision: str) -> tuple[DecisionRow, bool]:
        """Let points that were given or taken by hand count as never decided.

        Return which, and whether that is new: once undone it stays so.

        Raises:
            RequestInvalid: nothing of that id was decided about the account.
        """
        now = self._tools.clock()
        async with in_transaction():
            await sql.lock(store.id)
            account = await ledger.owner(store.id, account)
            await ledger.locked(store.id, [account])
            asked = DecisionRow.filter(store=store.id, account=account, id=decision, kind="adjust")
            row = await asked.first()
            if row is None:
                raise RequestInvalid("there is no such change of points on this account")
            is_new = row.undone_at is None
            if is_new:
                row.undone_at = now
                await row.save(update_fields=["undone_at"])
                await ledger.mark_dirty(store.id, {account: row.decided_at}, now)
            await self.settling.settle(store, account)
        self._tools.wake()
        return row, is_new

    async def join(
        self, store: StoreRow, guest: str, customer_id: str, by: str | None = None
    ) -> Folded:
        """Make a guest's account a customer's, who proved that the mailbox is theirs.

        Or a merchant says that it is, ``by`` whom it was joined.

        Raises:
            MailboxTaken: it was another customer's before.
        """
        async with in_transaction():
            folded = await self._join(store, guest, customer_account(customer_id), by)
        self._tools.wake()
        return folded

    async def try_join(self, store: StoreRow, guest: str, customer_id: str) -> Tried:
        """Return what joining a guest's account to a customer's would come to; it is rolled back.

        Raises:
            MailboxTaken: it was another customer's before.
        """
        account = customer_account(customer_id)
        async with in_transaction() as transaction:
            await sql.lock(store.id)
            before = await self.settling.settle(store, account)
            folded = await self._join(store, guest, account, by="")
            balance = await ledger.balance(store.id, account, self._tools.clock())
            await transaction.rollback()
        was, becomes = (one.stand.tier if one.stand else None for one in (before, folded))
        return Tried(balance=balance, was=before.purse.available(), tiers=(was, becomes))

    async def _join(self, store: StoreRow, guest: str, account: str, by: str | None) -> Folded:
        """Join and settle accounts. In a transaction."""
        await sql.lock(store.id)  # whoever takes an order in has read who joined whom
        await ledger.locked(store.id, [guest, account])
        now = self._tools.clock()
        link = LinkRow(store=store.id, account=guest, owner=account, joined_at=now, by=by)
        if not await ledger.join(link, now):
            raise MailboxTaken("orders under this address are another customer's already")
        await self.settling.settle(store, guest)
        return await self.settling.settle(store, account)

    async def part(self, store: StoreRow, guest: str, account: str) -> bool:
        """Let a guest's account that a merchant joined be its own again; return whether it was.

        All is as if it had never been joined, but for what was decided meanwhile: that was the
        customer's, and stays so.
        """
        async with in_transaction():
            await sql.lock(store.id)
            is_new = await ledger.part_by_hand(store.id, guest, account, self._tools.clock())
            if is_new:
                await self.settling.settle(store, guest)
                await self.settling.settle(store, account)
        self._tools.wake()
        return is_new

    async def redeem(
        self, store: StoreRow, customer_id: str, choice: Choice, idempotency_key: str
    ) -> RedemptionRow:
        """Spend points on a reward; the same key again is the same redemption.

        Raises:
            RequestInvalid: of this reward nobody can choose that.
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
                choice.require_same(before)
                return before
            row = await self._admit(store, who, choice)
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

    async def give_pass(
        self, store: StoreRow, customer_id: str, benefit: str
    ) -> tuple[str, datetime, Sequence[str]]:
        """Return a pass for early access, until when it is good, and to which products.

        In five minutes it is one pass, and logged as one use.

        Raises:
            BenefitUnavailable: the customer's tier does not have it, or it is not open now.
        """
        account, now = customer_account(customer_id), self._tools.clock()
        one = await self._early(store, benefit, now)
        async with in_transaction():
            await ledger.locked(store.id, [account])
            await self.settling.settle(store, account)
            key = f"pass:{passes.turn_of(now):%FT%TZ}"
            await self.settling.entitlements.use(store.id, account, benefit, key, kind=one.kind)
        token = passes.signed(self._tools.vault, store.id, customer_id, benefit, now)
        ends_at = passes.read(self._tools.vault, store.id, token, now).ends_at
        return token, ends_at, one.products

    async def checked_pass(self, store: StoreRow, token: str) -> tuple[Pass, Sequence[str]]:
        """Return what a pass says that is good now, and to which products it gives early access.

        Raises:
            PassInvalid: it is not good, or whoever has it lost the benefit since.
        """
        now = self._tools.clock()
        one = passes.read(self._tools.vault, store.id, token, now)
        try:
            benefit = await self._early(store, one.benefit, now)
        except BenefitUnavailable as error:
            raise PassInvalid(str(error)) from error
        account = customer_account(one.customer_id)
        row = await self.settling.settled(store, account)
        if await holding(store.id, row.key, one.benefit) is None:
            raise PassInvalid(f"whoever has this pass has lost {one.benefit!r} since")
        return one, benefit.products

    async def _early(self, store: StoreRow, benefit: str, now: datetime) -> Benefit:
        version = await self.programs.program(store.id)
        if version is None:
            raise BenefitUnavailable("there is no program")
        return opened(version.program, benefit, now)

    async def use(self, store: StoreRow, account: str, benefit: str, key: str) -> None:
        """Log that a benefit was used which others enforce, such as free returns; once for its key.

        Raises:
            BenefitUnavailable: the account's tier does not have it.
        """
        async with in_transaction():
            await sql.lock(store.id)  # nobody joins meanwhile
            account = await ledger.owner(store.id, account)
            await ledger.locked(store.id, [account])
            await self.settling.settle(store, account)
            await self.settling.entitlements.use(
                store.id, account, benefit, key, kind="free_returns"
            )

    async def _admit(self, store: StoreRow, who: Who, choice: Choice) -> RedemptionRow:
        reward = await self._reward(store, choice.reward)
        await queued(store.id, reward.id, reward.stock)
        folded = await self.settling.settle(store, who.account)
        tier = folded.stand.tier if folded.stand else None
        if reward.tiers and tier not in reward.tiers:
            raise RewardUnavailable(f"this is for {' or '.join(reward.tiers)} alone")
        terms = terms_of(reward, choice, tier, store.currency, self._tools.clock())
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
