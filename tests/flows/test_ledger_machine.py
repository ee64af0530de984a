"""A store, its shoppers and its merchant do as they like, and the ledger keeps its laws.

Everything goes through the database, and what should come of it is reckoned beside it. Each example
has a store of its own in the one database of the test, and its time begins anew.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tortoise.transactions import in_transaction

from connector import worker
from connector.commerce import identity
from connector.commerce.identity import guest_key
from connector.commerce.records import BEGINNING
from connector.errors import InsufficientPoints, KeyReused, RewardSoldOut, RewardUnavailable
from connector.features.loyalty import checkpoints
from connector.features.loyalty.choices import Choice
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.rules.fold import checkpoint
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import AccountRow, EntryRow
from connector.rewards.models import RedemptionRow
from platforms.model import Charge, Order, OrderLine, Refund, RefundLine, Seen
from platforms.woocommerce.fake import coupons
from tests.flows.histories import SPENT, Shop, opened
from tests.flows.reckoning import (
    COSTS,
    GUEST,
    LIMIT,
    STOCK,
    Books,
    ByHand,
    Spending,
    Version,
    document,
)
from tests.town import NOW, Town

T = TypeVar("T")
MANY = 400
EXAMPLES = {"check": 14, "evidence": MANY}[os.environ.get("HYPOTHESIS_PROFILE", "check")]
lively = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes here
)
MUST_HAPPEN = {
    "earn", "clawback", "expire", "redeem", "release", "adjust",
    "InsufficientPoints", "RewardUnavailable", "RewardSoldOut", "KeyReused", "same again",
    "deficit", "tier", "older", "moved", "corrected",
    "checkpoint",
}  # fmt: skip
RARE = {"late use", "merged"}  # where there are few examples
REFUSALS = (InsufficientPoints, KeyReused, RewardSoldOut, RewardUnavailable)
HOUR, DAY = 60, 24 * 60
SHIPPING = 490
VERSIONS = ((1, 220), (2, 250), (1, 10_000))  # points for a euro, and at most a month
CHECKOUT_GRACE = timedelta(hours=1)
ago = st.sampled_from([0, 1, HOUR, DAY, 3 * DAY, 10 * DAY, 30 * DAY])
cents = st.integers(100, 25_000)
customers = st.integers(0, 1)
rewards = st.sampled_from(sorted(COSTS))
anybody = st.integers(0, 2)
keys = st.sampled_from([f"key-{number:05}" for number in range(8)])
hows = st.sampled_from(
    [
        "refund", "use code", "move", "pay", "cancel", "edit", "trash", "refund", "use code",
        "cancel dated", "revive", "no code", "unrefund", "nothing",
    ]
)  # fmt: skip
shown = st.sampled_from([0, None, 0, 1, 2, 0])
"""Which version of an order is shown, counted from the newest."""
then = st.tuples(st.sampled_from([0, 1, HOUR, HOUR, DAY, 4 * DAY, 30 * DAY]), st.booleans())
"""After so many minutes, all that is due is done, or not yet."""


@dataclass
class Place:
    """Where machines run: one town, with a neighbour whose rows nobody may touch."""

    town: Town
    still: Shop
    before: dict[str, list[Any]]
    loop: asyncio.AbstractEventLoop
    happened: Counter[str] = field(default_factory=Counter)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the town's loop, which is not this thread's."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


def bought(id_: str, customer: int | None, minor: int, at: datetime, *, is_paid: bool) -> Order:
    """Return a new order of one line, with shipping."""
    line = OrderLine(id="1", product_id="7", quantity=1, total_minor=minor, tax_minor=0)
    email = "guest@example.test" if int(id_) % 2 else " Guest@Example.TEST"
    return Order(
        id=id_,
        number=id_,
        customer_id=None if customer is None else str(customer),
        email=email,
        status="processing" if is_paid else "pending",
        is_paid=is_paid,
        is_cancelled=False,
        currency="EUR",
        total_minor=minor + SHIPPING,
        placed_at=at,
        paid_at=at if is_paid else None,
        updated_at=at,
        lines=(line,),
        shipping=Charge(total_minor=SHIPPING),
    )


def refunded(order: Order, part: int, at: datetime, *, is_explained: bool) -> Order:
    """Give back so many hundredths of an order: of its line, or of all without a word."""
    of = order.lines[0].total_minor if is_explained else order.total_minor
    left = order.total_minor - sum(one.amount_minor for one in order.refunds)
    minor = min(-(-of * part // 100), left)
    line = RefundLine(line_id="1", quantity=1, total_minor=minor, tax_minor=0)
    id_ = str(len(order.refunds) + 1)
    lines = (line,) if is_explained else ()
    one = Refund(id=id_, amount_minor=minor, refunded_at=at, lines=lines)
    return replace(order, refunds=(*order.refunds, one)) if minor > 0 else order


def changed(order: Order, how: str, minor: int, at: datetime) -> Order:
    """Return what becomes of an order; what has a date has it ``at`` an instant."""
    is_open, paid_at = not order.is_cancelled, order.paid_at
    lines = (replace(order.lines[0], total_minor=minor),)
    new: dict[str, dict[str, Any]] = {
        "pay": {"is_paid": is_open, "paid_at": paid_at or at},
        "cancel": {"is_paid": False, "is_cancelled": True, "cancelled_at": None},
        "cancel dated": {"is_cancelled": True, "cancelled_at": at},
        "revive": {"is_paid": paid_at is not None, "is_cancelled": False, "cancelled_at": None},
        "edit": {"lines": lines, "total_minor": minor + SHIPPING},
        "unrefund": {"refunds": order.refunds[1:]},
        "no code": {"codes": ()},
    }
    return replace(order, **new.get(how, {}))


def trashed(order: Order) -> Order:
    """Return what the trash shows of an order: not whether it was cancelled."""
    return replace(
        order,
        status="trash",
        is_paid=order.paid_at is not None,
        is_cancelled=False,
        cancelled_at=None,
        is_deleted=True,
    )


async def outcome(asked: Awaitable[T]) -> T | Exception:
    """Return what was asked for, or why it was refused."""
    try:
        return await asked
    except REFUSALS as refusal:
        return refusal


class LedgerMachine(RuleBasedStateMachine):
    """All that can happen; orders go by their ids, whoever has them."""

    orders = Bundle("orders")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.town, self.happened = place, place.town, place.happened
        self.town.clock.at = NOW
        self.stack = AsyncExitStack()
        self.books = Books()
        self.live: dict[str, Order] = {}
        self.versions: dict[str, list[Order]] = {}
        self.posted: list[dict[str, Any]] = []
        self.counted: Counter[tuple[str, str, str, datetime]] = Counter()
        self.decided: dict[tuple[str, str], tuple[int, str | None]] = {}
        self.asked: dict[tuple[str, str], Spending] = {}
        self.tiers: dict[str, str | None] = {}
        self.is_well = True
        self.do(self._open())

    def teardown(self) -> None:
        try:
            if self.is_well:
                self.do(self._settle_anew())
                assert self.place.run(self.place.still.rows()) == self.place.before
        finally:
            self.place.run(self.stack.aclose())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something, a second after what was done before."""
        self.is_well = False
        self.town.clock.forward(seconds=1)
        found = self.place.run(work)
        self.place.run(self._added())
        self.is_well = True
        return found

    @property
    def now(self) -> datetime:
        return self.town.clock.at

    async def _open(self) -> None:
        self.shop = await self.stack.enter_async_context(opened(self.town, document(*VERSIONS[0])))
        self.town.store = self.shop.id
        self.loyalty = Loyalty(self.town.system.tools)
        points, cap = VERSIONS[0]
        begins_at = NOW - timedelta(days=300)
        self.books.versions.append(Version(begins_at=begins_at, points=points, cap=cap))
        sealed = guest_key(self.town.system.tools.vault, await self.shop.row())
        guest = bought("1", None, 1, NOW, is_paid=False)
        self.guest = identity.account_of(guest, sealed)

    def _go_on(self, then: tuple[int, bool]) -> None:
        """Let time pass, and have done what is due by then, or not."""
        minutes, is_settled = then
        self.town.clock.forward(minutes=minutes)
        if is_settled:
            self.do(self._settle())

    def _account(self, who: int) -> str:
        """Return the account of a customer, or of the guest."""
        return f"customer:{self.shop.customers[who]}" if who < 2 else GUEST

    def _key(self, account: str) -> str:
        """Return the name that an account has in the database."""
        return self.guest if account == GUEST else account

    @initialize(target=orders, minor=st.integers(15_000, 29_000))
    def begin(self, minor):
        return multiple(*(self._buy(who, minor, 10 * DAY, is_paid=True) for who in (0, 1)))

    @rule(target=orders, who=anybody, minor=cents, minutes=ago, is_paid=st.booleans(), then=then)
    def buy(self, who, minor, minutes, is_paid, then):
        id_ = self._buy(who, minor, minutes, is_paid=is_paid)
        self._go_on(then)
        return id_

    def _buy(self, who: int, minor: int, minutes: int, *, is_paid: bool) -> str:
        id_ = str(len(self.live) + 1)
        customer = self.shop.customers[who] if who < 2 else None
        at = self.now - timedelta(minutes=minutes)
        self._change(bought(id_, customer, minor, at, is_paid=is_paid), is_shown=is_paid)
        return id_

    @rule(id_=orders, how=hows, minor=cents, minutes=ago, shown=shown, then=then)
    def change(self, id_, how, minor, minutes, shown, then):
        """Let something become of an order, and then show it, or what it was before, or nothing."""
        order = self.live[id_]
        at = max(order.placed_at, self.now - timedelta(minutes=minutes))
        if how == "move":
            to = str(self.shop.customers[minor % 2])
            self.happened["moved"] += to != order.customer_id
            order = replace(order, customer_id=to)
        elif how == "refund":
            order = refunded(order, minor % 100 + 1, at, is_explained=minor % 200 < 100)
        elif how == "use code":
            order = self._with_code(order, minor)
        else:
            order = changed(order, how, minor, at)
        self._change(order, is_shown=False, is_deleted=how == "trash")
        if shown is not None:
            self.do(self._show(self.versions[id_][-1 - shown % len(self.versions[id_])]))
        self._go_on(then)

    def _with_code(self, order: Order, which: int) -> Order:
        """Return an order with a code that the store knows, of those given back or soon to be."""
        told = [one for one in self.books.spendings if one.is_told]
        told = [one for one in told if one.is_refused] or told
        return replace(order, codes=(told[which % len(told)].code.lower(),) if told else ())

    def _change(self, order: Order, *, is_shown: bool, is_deleted: bool = False) -> None:
        """Let the store have an order so from now on; in the trash it shows little of it."""
        self.town.clock.forward(seconds=1)
        self.live[order.id] = order = replace(order, updated_at=self.now)
        shown = trashed(order) if is_deleted else order
        self.versions.setdefault(order.id, []).append(shown)
        if is_shown:
            self.do(self._show(shown))

    async def _show(self, order: Order) -> None:
        held = self.books.held.get(order.id)
        self.happened["older"] += held is not None and order.updated_at < held.updated_at
        async with in_transaction():
            row = await self.shop.row()
            await self.town.system.records.take_in(row, [Seen(order)], self.now)
        self.books.show(order, self.now)
        self.happened["merged"] += len(self.books.emptied)

    @rule(
        who=customers,
        asked=st.lists(st.tuples(keys, rewards, st.booleans()), min_size=1, max_size=4),
        then=then,
    )
    def redeem(self, who, asked, then):
        for key, reward, is_refused in asked:
            self.do(self._redeem(self._account(who), reward, key, is_refused=is_refused))
        if any(is_refused for _, _, is_refused in asked):
            self.do(self._settle())  # the store is asked at once, and refuses
        self._go_on(then)

    async def _redeem(self, account: str, reward: str, key: str, *, is_refused: bool) -> None:
        before, row = self.asked.get((account, key)), await self.shop.row()
        reasons = self._reasons(account, reward, before)
        customer = account.removeprefix("customer:")
        found = await outcome(self.loyalty.redeem(row, customer, Choice(reward=reward), key))
        if isinstance(found, Exception):
            self.happened[type(found).__name__] += 1
            assert type(found) in reasons
            return
        assert not reasons
        if before is not None:
            self.happened["same again"] += 1
            assert found.id == before.id
            return
        assert (found.cost, found.redeemed_at) == (COSTS[reward], self.now)
        spending = Spending(
            id=found.id,
            account=account,
            reward=reward,
            code=found.code,
            redeemed_at=self.now,
            is_refused=is_refused,
        )
        if is_refused:  # as somebody has a coupon of that name
            coupons.create(self.shop.fake, {"code": found.code, "amount": "1.00"})
        self.books.spendings.append(spending)
        self.asked[account, key] = spending
        await self._agree(await AccountRow.get(store=self.shop.id, key=account))
        assert (await ledger.balance(self.shop.id, account, self.now)).available >= 0

    def _reasons(self, account: str, reward: str, before: Spending | None) -> set[type[Exception]]:
        """Return for what a redemption may be refused, any of which will do."""
        if before is not None:
            return set() if before.reward == reward else {KeyReused}
        reasons: set[type[Exception]] = set()
        if self.books.reckoned(account, self.now).available < COSTS[reward]:
            reasons.add(InsufficientPoints)
        if reward == "scarce" and self.books.taken(reward) >= STOCK:
            reasons.add(RewardSoldOut)
        if reward == "dear" and self.books.taken(reward, account) >= LIMIT:
            reasons.add(RewardUnavailable)
        return reasons

    @rule(who=anybody, key=keys, points=st.sampled_from([200, 40, 400, -30, -150]), then=then)
    def adjust(self, who, key, points, then):
        self.do(self._decide(self._account(who), key, points, None))
        self._go_on(then)

    @rule(who=customers, reward=rewards, key=keys, more=st.sampled_from([-1, 0]))
    def leave(self, who, reward, key, more):
        """Leave a customer just enough for a reward, or just not, and let them ask for it."""
        account = self._account(who)
        left = self.books.reckoned(account, self.now + timedelta(seconds=1)).available
        if points := COSTS[reward] + more - left:
            self.do(self._decide(account, key, points, None))
        self.do(self._redeem(account, reward, key, is_refused=False))

    @rule(who=anybody, key=keys, tier=st.sampled_from([None, "Silver", "Gold"]), then=then)
    def put(self, who, key, tier, then):
        self.do(self._decide(self._account(who), key, 0, tier))
        self._go_on(then)

    async def _decide(self, account: str, key: str, points: int, tier: str | None) -> None:
        before, row = self.decided.get((account, key)), await self.shop.row()
        is_locked = tier is not None
        decision = Decision(key=key, reason="drawn", points=points, tier=tier, is_locked=is_locked)
        folded = await outcome(self.loyalty.decide(row, self._key(account), decision))
        if isinstance(folded, Exception):
            self.happened["KeyReused"] += 1
            assert before not in {None, (points, tier)}
            return
        assert before in {None, (points, tier)}
        if before is None:
            self.decided[account, key] = points, tier
            kept = await DecisionRow.get(store=row.id, account=self._key(account), key=key)
            one = ByHand(id=kept.id, account=account, at=self.now, points=points, tier=tier)
            self.books.by_hand.append(one)
        self.happened["same again"] += before is not None
        assert folded.purse.available() == self.books.reckoned(account, self.now).available
        await self._agree(await AccountRow.get(store=row.id, key=self._key(account)))

    @precondition(lambda self: len(self.books.versions) < len(VERSIONS))
    @rule()
    def publish(self):
        self.do(self._publish(*VERSIONS[len(self.books.versions)]))
        self.do(self._settle_anew())

    async def _publish(self, points: int, cap: int) -> None:
        number = await self.loyalty.programs.publish(await self.shop.row(), document(points, cap))
        self.books.versions.append(Version(begins_at=self.now, points=points, cap=cap))
        assert number == len(self.books.versions)

    @rule(who=anybody, minutes=ago)
    def keep_checkpoint(self, who, minutes):
        at = self.now - timedelta(minutes=minutes)
        self.do(self._keep_checkpoint(self._key(self._account(who)), at))

    async def _keep_checkpoint(self, key: str, at: datetime) -> None:
        """Let settling begin at an instant, as it does for accounts with very many orders."""
        self.happened["checkpoint"] += 1
        row = await self.shop.row()
        async with in_transaction():
            await self.loyalty.settling.settle(row, key)
            (account,) = await ledger.locked(row.id, [key])
            facts = await self.loyalty.settling.facts(row, [key], BEGINNING)
            await checkpoints.keep(row.id, account, checkpoint(facts[key], at))

    @rule(who=customers)
    def look(self, who):
        self.do(self._look(self.shop.customers[who]))

    async def _look(self, customer: int) -> None:
        """Let a shopper see what they have, which no sweep is needed for but for what is new."""
        account = f"customer:{customer}"
        row = await AccountRow.get_or_none(store=self.shop.id, key=account)
        seen = await self.town.visitor(customer)
        if row is not None and row.dirty_gen == row.settled_gen:
            owed = self.books.reckoned(account, self.now)
            found = (seen["available"], seen["pending"], seen["standing"]["tier"])
            assert found == (owed.available, owed.pending, owed.tier)

    async def _settle_anew(self) -> None:
        """Settle, and then again from the beginning of everybody, which adds nothing."""
        await self._settle()
        count = await EntryRow.filter(store=self.shop.id).count()
        async with in_transaction():
            await ledger.mark_all_dirty(self.shop.id, self.now)
        await self._settle()
        assert await EntryRow.filter(store=self.shop.id).count() == count

    async def _settle(self) -> None:
        await worker.drain(self.town.system)
        redemptions = await RedemptionRow.filter(store=self.shop.id).order_by("redeemed_at")
        for mine, row in zip(self.books.spendings, redemptions, strict=True):
            self._follow(mine, row)
        accounts = await AccountRow.filter(store=self.shop.id)
        assert {one.key for one in accounts} >= {self._key(one) for one in self.books.accounts()}
        for account in accounts:
            assert account.dirty_gen == account.settled_gen
            await self._agree(account)

    def _follow(self, mine: Spending, row: RedemptionRow) -> None:
        """See what has become of a redemption: given back once, and only when that was safe."""
        assert (row.id, row.code, row.reward_id) == (mine.id, mine.code, mine.reward)
        if row.released_at != mine.released_at:
            assert (mine.released_at, row.released_at) == (None, self.now)
            assert mine.is_refused
            assert not self.books.uses(mine)
            assert self.now >= mine.redeemed_at + CHECKOUT_GRACE
            mine.released_at = row.released_at
        waits = row.dead_at is None or self.now < row.dead_at + CHECKOUT_GRACE
        state = self.books.state(mine)
        if mine.is_refused and not waits:
            assert state != "open"
        mine.is_told = True
        self.happened["late use"] += state == "used" and row.released_at is not None
        assert {"reserved": "open", "issued": "open"}.get(row.state, row.state) == state

    async def _agree(self, row: AccountRow) -> None:
        """Compare an account with what it should come to."""
        account = GUEST if row.key == self.guest else row.key
        owed = self.books.reckoned(account, self.now)
        net: Counter[tuple[str, str, datetime]] = Counter()
        for one in await EntryRow.filter(store=self.shop.id, account=row.key):
            net[one.cause, one.kind, one.effective_at] += one.points
        assert {key: points for key, points in net.items() if points} == owed.net
        balance = await ledger.balance(self.shop.id, row.key, self.now)
        assert (balance.available, balance.pending) == (owed.available, owed.pending)
        assert sum(points for (_, _, at), points in net.items() if at <= self.now) == owed.available
        assert row.tier == owed.tier
        self.happened["deficit"] += owed.available < 0
        self.happened["tier"] += self.tiers.get(account) != owed.tier
        self.tiers[account] = owed.tier

    async def _added(self) -> None:
        """See that entries were only ever added: those of now, each the next of its key."""
        rows = await EntryRow.filter(store=self.shop.id).order_by("id").values()
        assert rows[: len(self.posted)] == self.posted
        for row in rows[len(self.posted) :]:
            key = row["account"], row["cause"], row["kind"], row["effective_at"]
            assert (row["n"], row["posted_at"]) == (self.counted[key], self.now)
            assert row["points"]
            assert row["kind"] != "expire" or row["effective_at"] <= self.now
            self.counted[key] += 1
            self.happened[row["kind"]] += 1
            self.happened["corrected"] += row["n"] > 0
        self.posted = rows


async def settled_neighbour(town: Town, shop: Shop) -> None:
    """Let a store have the same ids and keys as those of the machines, and time move nothing."""
    row, loyalty = await shop.row(), Loyalty(town.system.tools)
    customer = shop.customers[0]
    theirs = Seen(bought("1", customer, 9000, NOW, is_paid=True))
    async with in_transaction():
        await town.system.records.take_in(row, [theirs], town.clock())
    decision = Decision(key="key-00001", reason="as theirs", points=70)
    await loyalty.decide(row, f"customer:{customer}", decision)
    await loyalty.redeem(row, str(customer), Choice(reward="off"), "key-00001")
    await worker.drain(town.system)


async def test_whatever_happens_to_a_ledger_it_is_as_reckoned(town):
    async with opened(town, SPENT) as still:
        await settled_neighbour(town, still)
        place = Place(town, still, await still.rows(), asyncio.get_running_loop())

        def begun() -> RuleBasedStateMachine:
            return LedgerMachine(place)

        machine: Any = begun
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=lively)

    seldom = set() if EXAMPLES < MANY else RARE
    assert (+place.happened).keys() >= MUST_HAPPEN | seldom
