"""Loads an account's facts, lets the rules decide, and posts the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

import structlog
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import StoreRow
from connector.commerce.records import BEGINNING
from connector.database import sql
from connector.errors import (
    InsufficientPoints,
    InvalidProgram,
    KeyReused,
    MailboxTaken,
    RequestInvalid,
    ReservationEnded,
    RewardUnavailable,
)
from connector.features.loyalty import checkpoints
from connector.features.loyalty.acts import acts_of, noted
from connector.features.loyalty.decisions import (
    Decision,
    adjustments,
    checked,
    decisions_of,
    imports,
    kept,
    placements,
    takeovers,
)
from connector.features.loyalty.models import ActRow, DecisionRow, PublicationRow
from connector.features.loyalty.notices import News, Notices
from connector.features.loyalty.rules.budget import (
    has_budget,
    is_act,
    key_of,
    keys,
    limit_at,
    with_admissions,
)
from connector.features.loyalty.rules.document import parse, read
from connector.features.loyalty.rules.facts import Act, Facts, Joined, Redemption, united
from connector.features.loyalty.rules.fold import Folded, fold
from connector.features.loyalty.rules.movements import Checkpoint
from connector.features.loyalty.rules.program import (
    Program,
    Publication,
    Reward,
    in_force,
    publications,
)
from connector.features.loyalty.standings import written
from connector.features.loyalty.views import order_of
from connector.kernel import metrics
from connector.kernel.admission import Admission, Claim
from connector.kernel.posting import Key, difference
from connector.ledger import ledger
from connector.ledger.models import AccountRow, LinkRow
from connector.rewards import admissions, reservations
from connector.rewards.admissions import Note
from connector.rewards.models import RedemptionRow, ReservationRow
from connector.rewards.redemptions import (
    DISCOUNTS,
    Redemptions,
    Terms,
    Who,
    queued,
    redemptions_of,
)
from connector.rewards.reservations import Hold
from connector.sync import listeners
from connector.sync.listeners import Event
from connector.web.feature import Tools
from platforms.model import Customer

SETTLE_BATCH = 100
ENTRIES_MAX = 100  # that other systems are told of at once
TOGETHER = 20  # accounts of one transaction
RETRY_AFTER = timedelta(minutes=1)
STORES_KEPT = 1000  # whose published versions a process keeps
Versions = tuple[Publication, ...]
log = structlog.get_logger()
_read = lru_cache(maxsize=1000)(read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was worked out for an account; ``orders`` says when its orders were placed, by id.

    ``checkpoint`` is one to be kept, ``notes`` what changed of what is claimed of the program's
    budget. The store ``is_told`` where points or the tier changed; the
    account's owner sees more, such as what counts for the next tier.
    """

    settled: ledger.Settled
    folded: Folded
    is_told: bool
    orders: Mapping[str, datetime]
    checkpoint: Checkpoint | None
    notes: Sequence[Note]
    has_come: bool
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
            entries = [asdict(one) for one in changes[:ENTRIES_MAX]]
            has_more = len(changes) > ENTRIES_MAX
            data = {**who, "available": available, "entries": entries, "has_more": has_more}
            yield Event(name="points.changed", data=data)
        stand = self.folded.stand
        is_old = stand is not None and stand.since is not None and stand.since < live_at
        if self.settled.tier != account.tier and not is_old:
            data = {**who, "tier": self.settled.tier, "was": account.tier}
            yield Event(name="tier.changed", data=data)


class Loyalty:
    """Points: published programs, settled accounts, redemptions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._versions: dict[str, tuple[int, Versions]] = {}
        self.redemptions = Redemptions(tools.stores, tools.vault, tools.clock)
        self.notices = Notices(tools.stores, tools.clock)

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
        self.require_possible(store, program)
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

    def require_possible(self, store: StoreRow, program: Program) -> None:
        """Refuse a program with something that the store's platform cannot do.

        Raises:
            InvalidProgram: with the path of it.
        """
        kinds = self._tools.stores.platform(store.platform).capabilities.discount_kinds
        for n, reward in enumerate(program.reward):
            if DISCOUNTS[reward.kind] not in kinds:
                raise InvalidProgram(f"reward[{n}].kind: {store.platform} has no {reward.kind}")

    async def _notes_from(self, store: str) -> datetime | None:
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
        found = publications(
            [(row.published_at, _read(row.document), row.re_rate_from) for row in rows]
        )
        if len(self._versions) >= STORES_KEPT:
            self._versions.clear()
        self._versions[store] = len(rows), found
        return found

    async def program(self, store: str) -> Publication | None:
        """Return the version in force now, if any."""
        return in_force(await self.versions(store), self._tools.clock())

    async def on_stored(self, told: Sequence[records.Stored]) -> None:
        """Have the accounts settled whose points orders move, by themselves or by our codes.

        Once for all of them, so that accounts are locked in their order; see ``mark_dirty``.
        """
        store, lane = told[0].store, told[0].lane
        rows = await self.redemptions.named_by(told)
        changed: dict[str, datetime] = {}
        named = [(account, one.since) for one in told for account in one.accounts]
        named += await self._signed_up(told)
        for account, since in [*named, *((row.account, row.redeemed_at) for row in rows)]:
            changed[account] = min(changed.get(account, since), since)
        await ledger.mark_dirty(store.id, changed, self._tools.clock(), lane)
        renumbered = [account for one in told if one.is_renumbered for account in one.accounts]
        if renumbered:
            await ledger.seen_anew(store.id, renumbered)
        await self.redemptions.follow(store, rows)

    async def _signed_up(self, told: Sequence[records.Stored]) -> list[tuple[str, datetime]]:
        """Return the accounts of customers who are new to us, where signing up earns."""
        found = []
        for one in told:
            was = one.before.created_at if isinstance(one.before, Customer) else None
            if isinstance(one.after, Customer) and one.after.created_at != was:
                since = min(was or one.after.created_at, one.after.created_at)
                found.append((customer_account(one.after.id), since))
        earns = found and _welcomes(await self.versions(told[0].store.id))
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
            versions = await self.versions(store.id)
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
        before = {one.key: (one.dirty_gen, one.version) for one in accounts}
        async with in_transaction():
            now = await ledger.locked(store.id, [one.key for one in accounts])
            same = {one.key for one in now if before[one.key] == (one.dirty_gen, one.version)}
            await self._post(store, [one for one in outcomes if one.settled.account.key in same])

    async def settle(self, store: StoreRow, account: str) -> Folded:
        """Bring an account's ledger to what follows from the facts now. In a transaction."""
        (outcome,) = await self._work_out(store, await ledger.locked(store.id, [account]))
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
        facts = await self.facts(store, keys, begin)
        posted = await ledger.posted(store.id, keys, begin)
        return [
            _outcome(one, facts[one.key], posted.get(one.key, {}), since, now) for one in accounts
        ]

    async def _post(self, store: StoreRow, outcomes: Sequence[Outcome]) -> None:
        """Append what accounts lack, and want the store to hear of it."""
        now = self._tools.clock()
        await ledger.post(store.id, [one.settled for one in outcomes], now)
        if await listeners.heard(store.id):
            live_at = await self.live_at(store.id) or now
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
        changed = [one for one in outcomes if one.is_told]
        if not changed:
            return
        notes_from = await self._notes_from(store.id)
        await self.notices.want(store, [one.news for one in changed], notes_from)

    async def facts(
        self, store: StoreRow, accounts: Sequence[str], since: datetime
    ) -> dict[str, Facts]:
        """Return what the points of accounts follow from, of that which began since an instant.

        Of accounts that became another's nothing does; what became theirs is among their own.
        """
        found = await self._joined_facts(store, accounts, since)
        if any(has_budget(one.versions) for one in found.values()):
            return await _admitted(store.id, found, since)
        return found

    async def _joined_facts(
        self, store: StoreRow, accounts: Sequence[str], since: datetime
    ) -> dict[str, Facts]:
        links = await ledger.links(store.id, accounts)
        if not links:
            return await self._own_facts(store, accounts, since)
        found = dict(await self._own_facts(store, accounts, since))
        joined = [link.account for link in links]
        theirs = await self._own_facts(store, joined, BEGINNING)
        for link in links:
            if link.owner in found:
                found[link.owner] = _united(found[link.owner], link, theirs[link.account], since)
            if link.account in found:
                found[link.account] = Facts(versions=theirs[link.account].versions)
        return found

    async def _own_facts(
        self, store: StoreRow, accounts: Sequence[str], since: datetime
    ) -> dict[str, Facts]:
        rows = await redemptions_of(store.id, accounts, since)
        orders = await records.orders_of(store.id, accounts, since)
        decided = await decisions_of(store.id, accounts, since)
        coded = await records.orders_with(store.id, [row.code for row in rows])
        versions = await self.versions(store.id)
        joined = await records.signed_up(store.id, accounts) if _welcomes(versions) else {}
        pays_acts = any(one.program.act_rules for one in versions)
        done = await acts_of(store.id, accounts, since) if pays_acts else {}
        held = await reservations.reservations_of(store.id, accounts, since)
        spent = [*map(_decision, rows), *map(_reserved, held)]
        whose = [*(row.account for row in rows), *(row.account for row in held)]
        platform = self._tools.stores.platform(store.platform)
        return {
            account: Facts(
                orders=orders[account],
                signed_up_at=_from(since, joined.get(account)),
                coded_orders=coded,
                adjustments=adjustments(decided[account]),
                imports=imports(decided[account]),
                takeovers=takeovers(decided[account]),
                placements=placements(decided[account]),
                acts=done.get(account, ()),
                redemptions=[one for one, by in zip(spent, whose, strict=True) if by == account],
                versions=versions,
                cancel_restores_use=platform.capabilities.cancel_restores_use,
            )
            for account in accounts
        }

    async def decide(self, store: StoreRow, account: str, decision: Decision) -> Folded:
        """Keep what a merchant decided about an account, and settle it; return what then holds.

        Raises:
            RequestInvalid: it cannot be kept, with what would be right.
            KeyReused: its key stands for another decision.
        """
        version = await self.program(store.id)
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
            folded = await self.settle(store, account)
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
            await self.settle(store, guest)
            folded = await self.settle(store, account)
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
                await self.settle(store, account)
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
            folded = await self.settle(store, account)
            available = folded.purse.available()
            if available < hold.points:
                raise InsufficientPoints(f"of {hold.points} points {available} can be spent")
            id_, now = self._tools.ids(), self._tools.clock()
            row = await reservations.hold_back(store.id, id_, account, hold, now)
            await self.settle(store, account)
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
                await self.settle(store, account)
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
        folded = await self.settle(store, who.account)
        if reward.tiers and (folded.stand is None or folded.stand.tier not in reward.tiers):
            raise RewardUnavailable(f"this is for {' or '.join(reward.tiers)} alone")
        available = folded.purse.available()
        if available < terms.cost:
            raise InsufficientPoints(f"this costs {terms.cost} points; {available} can be spent")
        row = await self.redemptions.reserve(store.id, self._tools.ids(), who, terms)
        await self.settle(store, who.account)
        return row

    async def _reward(self, store: StoreRow, reward_id: str) -> Reward:
        version = await self.program(store.id)
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


def _united(facts: Facts, link: LinkRow, theirs: Facts, since: datetime) -> Facts:
    """Return an account's facts since an instant with those of one that joined it."""
    joined = Joined(account=link.account, joined_at=link.joined_at, facts=theirs)
    whole = united(facts, joined, link.order_ids)
    if link.joined_at >= since:
        return whole
    orders = [one for one in whole.orders if one.placed_at >= since]
    return replace(
        whole,
        orders=orders,
        adjustments=[one for one in whole.adjustments if one.adjusted_at >= since],
        imports=[one for one in whole.imports if one.imported_at >= since],
        takeovers=[one for one in whole.takeovers if one.holding.at >= since],
        joined=facts.joined,
    )


def _welcomes(versions: Versions) -> bool:
    return any(one.program.sign_up_rules for one in versions)


def _from(since: datetime, at: datetime | None) -> datetime | None:
    return at if at is not None and at >= since else None


def _together(accounts: Sequence[AccountRow]) -> Iterator[Sequence[AccountRow]]:
    """Yield accounts to settle in one transaction each, so few that nobody waits long for it."""
    for first in range(0, len(accounts), TOGETHER):
        yield accounts[first : first + TOGETHER]


def _outcome(
    account: AccountRow,
    facts: Facts,
    posted: Mapping[Key, ledger.Posted],
    since: Checkpoint | None,
    now: datetime,
) -> Outcome:
    folded = fold(facts, now, since)
    changes = difference(folded.postings, {key: one.points for key, one in posted.items()})
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
    )
    placed = {order.id: order.placed_at for order in facts.orders}
    claimed = [_claimed(claim, facts) for claim in folded.claims]
    waits = any(one.waiting for one in claimed)  # caps don't know yet what of it is granted
    return Outcome(
        settled=settled,
        folded=folded,
        has_come=bool(came),
        is_told=bool(changes or came) or tier != account.tier,
        orders=placed,
        checkpoint=None if waits else checkpoints.taken(facts, now, since),
        notes=[_note(account.key, one) for one in claimed if _is_new(one, facts)],
    )


async def _admitted(store: str, found: Mapping[str, Facts], since: datetime) -> dict[str, Facts]:
    """Return the facts of accounts with what of a budget was decided about their causes."""
    causes = {account: keys(account, facts) for account, facts in found.items()}
    names = sorted({key for one in causes.values() for key in one})
    held = await admissions.admissions_of(store, names)
    if any(one.program.act_rules for facts in found.values() for one in facts.versions):
        others = await admissions.admissions_without_order(store, list(found))
        for account, name, one in others:
            cause = name.removeprefix(f"{account}/")
            if is_act(cause) and one.claim.at >= since:
                held[name], causes[account][name] = one, cause
    return {
        account: with_admissions(
            facts,
            {
                cause: _own(held[key], cause)
                for key, cause in causes[account].items()
                if key in held
            },
        )
        for account, facts in found.items()
    }


def _own(held: Admission, cause: str) -> Admission:
    """Return what was decided about a cause by the name that it has in its account."""
    return replace(held, claim=replace(held.claim, cause=cause))


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


def _same(before: RedemptionRow, reward_id: str) -> RedemptionRow:
    if before.reward_id != reward_id:
        raise KeyReused(f"this Idempotency-Key redeemed {before.reward_id!r}: use a new one")
    return before


def _reserved(row: ReservationRow) -> Redemption:
    return Redemption(
        id=row.id,
        cost=row.points,
        code=None,
        redeemed_at=row.reserved_at,
        released_at=row.ended_at if row.state == reservations.RELEASED else None,
    )


def _decision(row: RedemptionRow) -> Redemption:
    return Redemption(
        id=row.id,
        cost=row.cost,
        code=row.code,
        redeemed_at=row.redeemed_at,
        released_at=row.released_at,
    )
