"""Brings accounts' ledgers to what follows from their facts, and tells whoever asked."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import StoreRow
from connector.commerce.records import BEGINNING
from connector.database import sql
from connector.features.loyalty import checkpoints
from connector.features.loyalty.notices import News, Notices
from connector.features.loyalty.perks import perks_of
from connector.features.loyalty.programs import Programs
from connector.features.loyalty.reminders import remind_at
from connector.features.loyalty.rules.budget import key_of, limit_at
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.fold import Folded, fold
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import in_force
from connector.features.loyalty.sources import Shared, facts_of, welcomes
from connector.features.loyalty.stamps import AGAIN, Change, Stamped, completed, keep
from connector.features.loyalty.standings import written
from connector.features.loyalty.views import order_of
from connector.kernel import metrics
from connector.kernel.admission import Admission, Claim
from connector.kernel.clock import unless_awaited
from connector.kernel.posting import Key, Posting, difference
from connector.ledger import ledger, merges
from connector.ledger.models import AccountRow
from connector.rewards import admissions
from connector.rewards.admissions import Note
from connector.rewards.entitlements import Entitlements
from connector.rewards.redemptions import Redemptions
from connector.sync import listeners, outbox
from connector.sync.listeners import Event
from connector.sync.outbox import Wanted
from connector.web.feature import Tools
from platforms.model import Customer

SETTLE_BATCH = 100
ENTRIES_MAX = 100  # that other systems are told of at once
TOGETHER = 40  # accounts of one transaction
RETRY_AFTER = timedelta(minutes=1)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was worked out for an account; ``orders`` says when its orders were placed, by id.

    ``checkpoint`` is one to be kept, ``notes`` what changed of what is claimed of the program's
    budget, ``stamps`` what is to be written down of orders; it ``awaits`` products, and
    ``is_held_back`` where an order that is left out for them has entries already. The store
    ``is_told`` where points or the tier changed; the account's owner sees more, such as what counts
    for the next tier.
    """

    settled: ledger.Settled
    folded: Folded
    is_told: bool
    orders: Mapping[str, datetime]
    checkpoint: Checkpoint | None
    notes: Sequence[Note]
    has_come: bool
    stamps: Mapping[str, Change]
    awaits: Collection[str]
    is_held_back: bool
    has_checkpoints: bool = False

    @property
    def news(self) -> News:
        """What the store may have to hear of it."""
        account = self.settled.account
        return News(
            account=account.key,
            lane=account.lane,
            changes=self.settled.changes,
            orders=self.orders,
        )

    def events(self, live_at: datetime) -> Iterator[Event]:
        """Yield what other systems are told; nothing of what took effect before ``live_at``."""
        account = self.settled.account
        who = {"member": account.key, "customer_id": customer_of(account.key)}
        changes = [
            one
            for one in self.settled.changes
            if one.effective_at >= live_at and one.kind != "import"
        ]
        if changes or self.has_come:
            available = self.folded.purse.available()
            entries = [_told(one) for one in changes[:ENTRIES_MAX]]
            has_more = len(changes) > ENTRIES_MAX
            data = {**who, "available": available, "entries": entries, "has_more": has_more}
            yield Event(name="points.changed", data=data)
        stand = self.folded.stand
        is_old = stand is not None and stand.since is not None and stand.since < live_at
        if self.settled.tier != account.tier and not is_old:
            data = {**who, "tier": self.settled.tier, "was": account.tier}
            yield Event(name="tier.changed", data=data)


class Settling:
    """Settles accounts: reads their facts, lets the rules decide, and posts the difference."""

    def __init__(self, tools: Tools, programs: Programs, redemptions: Redemptions) -> None:
        self._tools = tools
        self._programs = programs
        self._redemptions = redemptions
        self.notices = Notices(tools.stores, tools.clock)
        self.entitlements = Entitlements(tools.stores, tools.vault, tools.clock, tools.ids)

    async def on_stored(self, told: Sequence[records.Stored]) -> None:
        """Have the accounts settled whose points orders move, by themselves or by our codes.

        Once for all of them, so that accounts are locked in their order; see ``mark_dirty``.
        """
        store, lane = told[0].store, told[0].lane
        rows = await self._redemptions.named_by(told)
        codes = await self.entitlements.named_by(told)
        now = self._tools.clock()
        changed: dict[str, datetime] = {}
        named = [(account, one.since) for one in told for account in one.accounts]
        named += await self._signed_up(told)
        named += [(account, BEGINNING) for account in await self._merged(told)]
        named += [(row.account, row.redeemed_at) for row in rows]
        named += [(row.account, now) for row in codes]
        for account, since in named:
            changed[account] = min(changed.get(account, since), since)
        await ledger.mark_dirty(store.id, changed, now, lane)
        renumbered = [account for one in told if one.is_renumbered for account in one.accounts]
        if renumbered:
            await ledger.seen_anew(store.id, renumbered)
        pushes = await self._redemptions.follow(store, rows)
        pushes += await self.entitlements.follow(store, codes)
        await outbox.want_all(store.id, pushes, now)

    async def _merged(self, told: Sequence[records.Stored]) -> set[str]:
        """Merge the accounts that these orders moved from; return whose points may differ."""
        moved: dict[str, str] = {}
        bought: dict[str, datetime] = {}
        for one in told:
            if one.is_of and one.is_of != one.was_of:
                bought[one.is_of] = min(one.since, bought.get(one.is_of, one.since))
                if one.was_of:
                    moved[one.was_of] = one.is_of
        store, now = told[0].store.id, self._tools.clock()
        left = [one.after.id for one in told if one.is_gone and isinstance(one.after, Customer)]
        changed = await merges.gone(store, [customer_account(id_) for id_ in left])
        return changed | await merges.follow(store, moved, bought, now)

    async def _signed_up(self, told: Sequence[records.Stored]) -> list[tuple[str, datetime]]:
        """Return the accounts of customers who are new to us, where signing up earns."""
        found = []
        for one in told:
            was = one.before.created_at if isinstance(one.before, Customer) else None
            if isinstance(one.after, Customer) and one.after.created_at != was:
                since = min(was or one.after.created_at, one.after.created_at)
                found.append((customer_account(one.after.id), since))
        earns = found and welcomes(await self._programs.versions(told[0].store.id))
        return found if earns else []

    async def settle_dirty(self, store: StoreRow) -> int:
        """Settle accounts of a store that changed; return how many there were.

        Once none is left, give out of the program's budget what they ask for: in the order of
        their facts then, not of our work. Return how many causes asked.
        """
        now = self._tools.clock()
        accounts = await ledger.to_settle(store.id, now, SETTLE_BATCH)
        if accounts:
            return await self._settle_all(store, accounts)
        if not await admissions.waits(store.id):
            return 0
        async with in_transaction():
            await sql.lock(store.id)  # nobody else decides, or publishes, or moves an order
            versions = await self._programs.versions(store.id)
            return await admissions.decide(store.id, lambda at: limit_at(versions, at), now)

    async def settle_due(self, store: StoreRow) -> int:
        """Settle accounts of a store whose points came or went with time; return how many."""
        now = self._tools.clock()
        return await self._settle_all(store, await ledger.due(store.id, now, SETTLE_BATCH))

    async def _settle_all(self, store: StoreRow, accounts: Sequence[AccountRow]) -> int:
        """Settle accounts together or, where that fails, one by one.

        One that fails is logged and left for later; the others go on.
        """
        for one in _together(accounts):
            try:
                await self._settle_unlocked(store, one)
            except Exception as error:
                if sql.is_down(error):
                    raise
                if len(one) > 1:
                    for alone in one:
                        await self._settle_all(store, [alone])
                    continue
                log.exception("settling failed", store=store.id, account=one[0].id)
                await ledger.postpone(one[0], self._tools.clock() + RETRY_AFTER)
        return len(accounts)

    async def _settle_unlocked(self, store: StoreRow, accounts: Sequence[AccountRow]) -> None:
        """Work out without a lock what accounts lack, and post it where nothing came between.

        Who did change meanwhile stays dirty, for the next turn. So transactions stay short: one
        writer at a time is all that SQLite has.
        """
        outcomes = await self._work_out(store, accounts)
        if awaited := {id_ for one in outcomes for id_ in one.awaits}:
            async with in_transaction():
                await records.ask_for_products(store.id, awaited, self._tools.clock())
        async with in_transaction():
            same = await ledger.unchanged(store.id, accounts)
            await self._post(store, [one for one in outcomes if one.settled.account.key in same])
        for one in outcomes:
            if one.is_held_back:
                await ledger.postpone(one.settled.account, self._tools.clock() + AGAIN)

    async def settle(self, store: StoreRow, account: str) -> Folded:
        """Bring an account's ledger to what follows from the facts now. In a transaction."""
        rows = await ledger.locked(store.id, [account])
        (outcome,) = await self._work_out(store, rows)
        if outcome.is_held_back:
            return outcome.folded
        if not await self._post(store, [outcome]):  # somebody stamped an order meanwhile
            (outcome,) = await self._work_out(store, rows)
            await self._post(store, [outcome])
        return outcome.folded

    async def settled(self, store: StoreRow, account: str) -> AccountRow:
        """Return an account to be shown, settled where time has changed what it says."""
        row = await AccountRow.get_or_none(store=store.id, key=account)
        if row is not None and not row.is_past(self._tools.clock()):
            return row
        async with in_transaction():
            await sql.lock(store.id)  # whoever rates the past anew sees the account
            await self.settle(store, account)
        return await AccountRow.get(store=store.id, key=account)

    async def facts(
        self, store: StoreRow, accounts: Sequence[str], since: datetime
    ) -> dict[str, Facts]:
        """Return what the points of accounts follow from; see :func:`facts_of`."""
        found = await self._stamped(store, accounts, since)
        return {account: one.facts for account, one in found.items()}

    async def _stamped(
        self, store: StoreRow, accounts: Sequence[str], since: datetime
    ) -> dict[str, Stamped]:
        platform = self._tools.stores.platform(store.platform)
        shared = Shared(
            store=store.id,
            versions=await self._programs.versions(store.id),
            cancel_restores_use=platform.capabilities.cancel_restores_use,
        )
        found = await facts_of(shared, accounts, since)
        return await completed(self._tools.segments, store.id, found, self._tools.clock())

    async def _work_out(self, store: StoreRow, accounts: Sequence[AccountRow]) -> list[Outcome]:
        """Return what accounts of a store lack now; those with checkpoints begin there."""
        known = await checkpoints.usable(store.id, accounts)
        plain = [one for one in accounts if known.get(one.key) is None]
        outcomes = await self._from(store, plain, None) if plain else []
        for one in accounts:
            if since := known.get(one.key):
                outcomes += await self._from(store, [one], since)
        return [replace(one, has_checkpoints=one.settled.account.key in known) for one in outcomes]

    async def _from(
        self, store: StoreRow, accounts: Sequence[AccountRow], since: Checkpoint | None
    ) -> list[Outcome]:
        """Return what accounts lack, folded from their beginning or from a checkpoint."""
        now = self._tools.clock()
        keys = [one.key for one in accounts]
        begin = since.at if since else BEGINNING
        facts = await self._stamped(store, keys, begin)
        posted = await ledger.posted(store.id, keys, begin)
        return [
            _outcome(one, facts[one.key], posted.get(one.key, {}), since, now) for one in accounts
        ]

    async def _post(self, store: StoreRow, worked_out: Sequence[Outcome]) -> Sequence[Outcome]:
        """Append what accounts lack, and want the store to hear of it; return whose was.

        Not where an order of theirs was stamped otherwise meanwhile: they are to be worked out
        again, and stay dirty.
        """
        now = self._tools.clock()
        stamps = {id_: stamp for one in worked_out for id_, stamp in one.stamps.items()}
        others = await keep(store.id, stamps, now)
        known = [one for one in worked_out if not one.is_held_back]
        outcomes = [one for one in known if one.stamps.keys().isdisjoint(others)]
        await ledger.post(store.id, [one.settled for one in outcomes], now)
        if await listeners.heard(store.id):
            live_at = await self._programs.live_at(store.id) or now
            events = [event for one in outcomes for event in one.events(live_at)]
            await listeners.tell(store.id, events, now)
        metrics.SETTLED.inc(len(outcomes))
        for one in outcomes:
            if one.has_checkpoints:
                await checkpoints.drop(store.id, one.settled.account)
            if one.checkpoint:
                await checkpoints.keep(store.id, one.settled.account, one.checkpoint)
            if one.notes:
                account = one.settled.account
                await admissions.note(store.id, account.key, account.lane, one.notes)
        pushes = await self._entitle(store, outcomes)
        changed = [one for one in outcomes if one.is_told]
        if not changed and not pushes:
            return outcomes
        notes_from = await self._programs.notes_from(store.id)
        await self.notices.want(store, [one.news for one in changed], notes_from, pushes)
        return outcomes

    async def _entitle(self, store: StoreRow, outcomes: Sequence[Outcome]) -> list[Wanted]:
        """Let customers hold the perks of their tiers, and no others; return what to push."""
        if not self._programs.ever_gave(store.id):
            return []
        version = await self._programs.program(store.id)
        settled = [one.settled for one in outcomes if customer_of(one.settled.account.key)]
        perks = {
            one.account.key: perks_of(version.program, one.tier, store.currency) if version else []
            for one in settled
        }
        lanes = {one.account.key: one.account.lane for one in settled}
        return await self.entitlements.hold(store.id, perks, lanes)


def _together(accounts: Sequence[AccountRow]) -> Iterator[Sequence[AccountRow]]:
    """Yield accounts to settle in one transaction each, so few that nobody waits long for it."""
    for first in range(0, len(accounts), TOGETHER):
        yield accounts[first : first + TOGETHER]


def _told(change: Posting) -> dict[str, Any]:
    """Return a change as other systems are told it."""
    return change._asdict() | {"effective_at": unless_awaited(change.effective_at)}


def _outcome(
    account: AccountRow,
    stamped: Stamped,
    posted: Mapping[Key, ledger.Posted],
    since: Checkpoint | None,
    now: datetime,
) -> Outcome:
    facts = stamped.facts
    folded, changes = _folded(account, facts, posted, since, now)
    standing = written(folded.stand)
    due_at = account.next_due_at
    was_due = due_at is not None and due_at <= now
    came = due_at and any(due_at <= one.effective_at <= now for one in folded.postings)
    tier = folded.stand.tier if folded.stand else None
    settled = ledger.Settled(
        account=account,
        changes=changes,
        counts={key: one.entries for key, one in posted.items()},
        next_due_at=folded.next_change,
        next_expiry=folded.next_expiry,
        tier=tier,
        standing=standing,
        until=folded.stand.until if folded.stand else None,
        is_news=bool(changes) or was_due or standing != account.standing,
        available=folded.purse.available(),
        remind_at=_remind_at(account, folded, facts, now),
        again_at=now + AGAIN if stamped.awaits else None,
    )
    placed = {order.id: order.placed_at for order in facts.orders}
    claimed = [_claimed(claim, facts) for claim in folded.claims]
    # caps don't know yet what of it is granted
    waits = any(one.waiting for one in claimed) or bool(stamped.awaits)
    return Outcome(
        settled=settled,
        folded=folded,
        has_come=bool(came),
        stamps=stamped.changes,
        awaits=stamped.awaits,
        is_held_back=any(order_of(cause) in stamped.left_out for cause, _, _ in posted),
        is_told=bool(changes or came) or tier != account.tier,
        orders=placed,
        checkpoint=None if waits else checkpoints.taken(facts, now, since),
        notes=[_note(account.key, one) for one in claimed if _is_new(one, facts)],
    )


def _remind_at(account: AccountRow, folded: Folded, facts: Facts, now: datetime) -> datetime | None:
    version = in_force(facts.versions, now)
    ends_at = folded.next_expiry[0] if folded.next_expiry else None
    return remind_at(account, ends_at, version.program.expiry if version else None, now)


def _folded(
    account: AccountRow,
    facts: Facts,
    posted: Mapping[Key, ledger.Posted],
    since: Checkpoint | None,
    now: datetime,
) -> tuple[Folded, list[Posting]]:
    """Return what an account comes to, and what it lacks.

    Where only time went by, orders earn what they did: so their arithmetic is put into words only
    if it turns out that they don't.
    """
    held = {key: one.points for key, one in posted.items()}
    if account.dirty_gen == account.settled_gen:
        folded = fold(replace(facts, explains=False), now, since)
        changes = difference(folded.postings, held)
        if not any(one.kind == "earn" for one in changes):
            return folded, changes
    folded = fold(facts, now, since)
    return folded, difference(folded.postings, held)


def _claimed(claim: Claim, facts: Facts) -> Admission:
    """Return what was decided about a cause, with what it claims now."""
    held = facts.admissions.get(claim.cause)
    return replace(held, claim=claim) if held else Admission(claim)


def _is_new(one: Admission, facts: Facts) -> bool:
    """Return whether a claim is to be written down."""
    held = facts.admissions.get(one.claim.cause)
    return held.claim != one.claim if held else bool(one.waiting)


def _note(account: str, one: Admission) -> Note:
    cause = one.claim.cause
    return Note(cause=key_of(account, cause), order_id=order_of(cause), admission=one)
