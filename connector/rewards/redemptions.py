"""From points to a discount on the store and, where that fails, safely back.

A discount exists at most once: its code follows from the redemption, so that a second try finds
what the first one made. Points go back only when the store says that the code can't be used and
was not, and no order has turned up with it within the checkout grace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.models import LIVE, StoreRow
from connector.database import sql
from connector.errors import RewardSoldOut, RewardUnavailable
from connector.kernel.clock import Clock
from connector.kernel.vault import Vault
from connector.ledger import ledger, merges
from connector.rewards.codes import Codes, named_in
from connector.rewards.models import RedemptionRow
from connector.sync import listeners, outbox
from connector.sync.listeners import Event
from connector.sync.stores import Stores
from connector.sync.work import oldest
from platforms.errors import PlatformError, Rejected
from platforms.model import Discount, DiscountKind

PUSH = "discount"
CHECKOUT_GRACE = timedelta(hours=1)  # a checkout that began with the code may end so late
LAPSED_BATCH = 100
LAPSED = (
    "(SELECT r.id FROM redemption r WHERE r.store = s.id AND r.lapses_at <= :now"
    " AND r.state <> 'used' ORDER BY r.lapses_at LIMIT 1) IS NOT NULL"
)
"""Whether a store ``s`` has codes that ended unused, for which points go back, at ``:now``."""
OLDEST_LAPSED = oldest(
    "SELECT MIN(r.lapses_at) FROM redemption r WHERE r.store = s.id AND r.lapses_at <= :now"
    " AND r.state <> 'used'"
)
DISCOUNTS: Mapping[str, DiscountKind] = {
    "amount_off": "amount",
    "percent_off": "percent",
    "product_off": "product_amount",
    "free_product": "free_product",
    "part_of_cart": "amount",
    "free_shipping": "free_shipping",
}
"""Which kind of discount a reward's kind is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is redeemed: the reward, for how many points, and what it takes off of what.

    ``stock`` and ``limit`` (of one account) where there are only so many. At ``lapses_at`` the
    points go back if the code was not used, None for never.
    """

    reward_id: str
    kind: str
    stock: int | None
    limit: int | None
    cost: int
    amount_minor: int
    basis_points: int
    product_ids: Sequence[str]
    minimum_minor: int
    currency: str
    expires_at: datetime | None
    lapses_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose redemption, and the key under which they asked."""

    account: str
    customer_id: str
    idempotency_key: str


class Redemptions:
    """Reserves, issues and returns."""

    def __init__(self, stores: Stores, vault: Vault, clock: Clock) -> None:
        self.codes = Codes(stores, vault)
        self._clock = clock

    async def reserve(self, store: str, id_: str, who: Who, terms: Terms) -> RedemptionRow:
        """Write the decision and want its discount. Inside the transaction that admits it.

        Of a limited reward, once :func:`queued` has come to an end.

        Raises:
            RewardSoldOut: all of the reward's stock is taken.
            RewardUnavailable: the account has had as many as one may.
        """
        now = self._clock()
        if terms.limit is not None and await _held(store, who, terms) >= terms.limit:
            times = "once" if terms.limit == 1 else f"{terms.limit} times"
            raise RewardUnavailable(f"everybody can have this {times}")
        if terms.stock is not None:
            there_are = await left(store, {terms.reward_id: terms.stock})
            if not there_are[terms.reward_id]:
                raise RewardSoldOut(f"all {terms.stock} of this reward are taken")
        row = await RedemptionRow.create(
            id=id_,
            store=store,
            account=who.account,
            customer_id=who.customer_id,
            idempotency_key=who.idempotency_key,
            reward_id=terms.reward_id,
            cost=terms.cost,
            kind=terms.kind,
            basis_points=terms.basis_points,
            product_ids=list(terms.product_ids),
            code=self.codes.derive(store, id_),
            amount_minor=terms.amount_minor,
            minimum_minor=terms.minimum_minor,
            currency=terms.currency,
            redeemed_at=now,
            expires_at=terms.expires_at,
            lapses_at=terms.lapses_at,
        )
        await outbox.want(store, PUSH, [id_], now)
        return row

    async def take_back_lapsed(self, store: StoreRow) -> int:
        """Decide to give points back for codes that ended unused; return of how many."""
        lapsed = RedemptionRow.filter(store=store.id, lapses_at__lte=self._clock())
        lapsed = lapsed.exclude(state="used")  # until the store gives the use back
        rows = await lapsed.order_by("lapses_at", "id").limit(LAPSED_BATCH)
        ids = [row.id for row in rows]
        async with in_transaction():
            mine = RedemptionRow.filter(id__in=ids)
            await mine.filter(state__in=["reserved", "issued", "unknown"], return_at=None).update(
                return_at=self._clock()
            )
            await mine.update(lapses_at=None)
            await outbox.want(store.id, PUSH, ids, self._clock())
        return len(ids)

    async def push(self, store: StoreRow, target: str) -> datetime | None:
        """Make the store agree with a redemption; see :data:`connector.sync.outbox.Push`.

        Raises:
            PlatformError: the store didn't answer as it must; the outbox tries again or parks.
        """
        row = await RedemptionRow.get(id=target, store=store.id)
        if row.state in {"used", "returned"}:
            return None
        if row.return_at is not None:
            return await self._give_back(store, row)
        return await self._issue(store, row)

    async def _issue(self, store: StoreRow, row: RedemptionRow) -> datetime | None:
        mine = RedemptionRow.filter(id=row.id)
        if row.expires_at is not None and row.expires_at <= self._clock():
            await mine.update(return_at=self._clock())  # too late to be of use to anybody
            return self._clock()
        try:
            row.email = row.email or await self.codes.email(store, row.customer_id)
            await mine.update(email=row.email)
            seen = await self.codes.issue(store, _discount(row))
        except Rejected:
            await mine.update(return_at=self._clock())
            return self._clock()
        except PlatformError:
            async with in_transaction():
                await ledger.locked(store.id, [row.account])
                await mine.filter(state="reserved").update(state="unknown")
                await ledger.seen_anew(store.id, [row.account])
            raise
        async with in_transaction():
            await ledger.locked(store.id, [row.account])
            await mine.update(discount_id=seen.id)
            await self._refresh(store, await mine)
        return None

    async def _give_back(self, store: StoreRow, row: RedemptionRow) -> datetime | None:
        """Give the points back once the code is dead, and a checkout begun with it has ended."""
        if not await self._is_dead(store, row):
            return self._clock() + CHECKOUT_GRACE
        dead_at = row.dead_at or self._clock()
        await RedemptionRow.filter(id=row.id).update(dead_at=dead_at)
        if self._clock() < dead_at + CHECKOUT_GRACE:
            return dead_at + CHECKOUT_GRACE
        async with in_transaction():
            await ledger.locked(store.id, [row.account])
            if not await self.codes.uses(store, row.code):
                await RedemptionRow.filter(id=row.id).update(released_at=self._clock())
                changed = {row.account: row.redeemed_at}
                await ledger.mark_dirty(store.id, changed, self._clock())
            await self._refresh(store, [await RedemptionRow.get(id=row.id)])
        return None

    async def _is_dead(self, store: StoreRow, row: RedemptionRow) -> bool:
        """Revoke the code, and read whether it is absent or disabled, and was not used."""
        seen = await self.codes.revoke(store, row.code, row.id)
        return seen is None or not (seen.is_usable or seen.times_used)

    async def named_by(self, told: Sequence[records.Stored]) -> list[RedemptionRow]:
        """Return the redemptions whose codes orders of one store carry, or carried."""
        store, ours = told[0].store.id, named_in(told)
        return await RedemptionRow.filter(store=store, code__in=ours).order_by("id") if ours else []

    async def follow(self, store: StoreRow, rows: Sequence[RedemptionRow]) -> list[outbox.Wanted]:
        """Follow what orders say of redemptions whose accounts we hold; return what to push."""
        await self._refresh(store, rows)
        leaving = [row for row in rows if row.return_at is not None and row.released_at is None]
        return [(PUSH, row.id, LIVE) for row in leaving]

    async def _refresh(self, store: StoreRow, rows: Sequence[RedemptionRow]) -> None:
        """Work out the states again, from the orders and what we know of the discounts.

        In a transaction that holds the accounts.
        """
        changed = []
        for row in rows:
            if await self.codes.uses(store, row.code):
                state = "used"
            elif row.released_at is not None:
                state = "returned"
            else:
                was_there = row.discount_id is not None or row.state == "used"
                state = "issued" if was_there else row.state
            await RedemptionRow.filter(id=row.id).update(state=state)
            if state != row.state:
                changed.append(_told(row, state))
        await ledger.seen_anew(store.id, [row.account for row in rows])
        await listeners.tell(store.id, changed, self._clock())


def _told(row: RedemptionRow, state: str) -> Event:
    """Return what other systems are told of a redemption whose state is new."""
    data = {
        "id": row.id,
        "member": row.account,
        "customer_id": row.customer_id,
        "reward_id": row.reward_id,
        "cost": row.cost,
        "state": state,
        "was": row.state,
    }
    return Event(name="redemption.changed", data=data)


async def queued(store: str, reward_id: str, stock: int | None) -> None:
    """Let nobody else have a limited reward before our transaction ends.

    Before it wants any push: whoever waits here holds an account, and nothing else.
    """
    if stock is not None:
        await sql.lock(f"{store} reward {reward_id}")


async def _held(store: str, who: Who, terms: Terms) -> int:
    """Return how many of a reward an account has had; those that it gave back are none."""
    homes = await merges.homes(store, [who.account])
    whole = homes.read([who.account])
    mine = RedemptionRow.filter(store=store, account__in=whole, reward_id=terms.reward_id)
    rows = await mine.exclude(state="returned").limit(terms.limit or 0)
    return sum(homes.of(row.account, row.redeemed_at) == who.account for row in rows)


async def left(store: str, stocks: Mapping[str, int]) -> dict[str, int]:
    """Return how many of each of these rewards can still be had.

    A redemption holds its place until its points are back; then whoever asks next may have it,
    unless the code was used after all.
    """
    counted = {}
    for reward_id, stock in stocks.items():
        (held,) = await sql.rows(
            "SELECT COUNT(*) AS places FROM (SELECT 1 AS place FROM redemption"
            " WHERE store = $1 AND reward_id = $2 AND state <> 'returned' LIMIT $3) held",
            *(store, reward_id, stock),
        )
        counted[reward_id] = stock - held["places"]
    return counted


def _discount(row: RedemptionRow) -> Discount:
    return Discount(
        code=row.code,
        redemption_id=row.id,
        kind=DISCOUNTS[row.kind],
        basis_points=row.basis_points,
        product_ids=tuple(row.product_ids or ()),
        amount_minor=row.amount_minor,
        minimum_minor=row.minimum_minor,
        currency=row.currency,
        email=row.email,
        expires_at=row.expires_at,
    )


async def redeemed_by(store: str, account: str) -> list[RedemptionRow]:
    """Return the redemptions of an account and of those that were merged into it, newest first."""
    homes = await merges.homes(store, [account])
    rows = await redemptions_of(store, homes.read([account]))
    return [one for one in rows if account in {one.account, homes.of(one.account, one.redeemed_at)}]


async def redemptions_of(
    store: str, accounts: Sequence[str], since: datetime = records.BEGINNING
) -> list[RedemptionRow]:
    """Return the redemptions of accounts since an instant, newest first."""
    rows = RedemptionRow.filter(store=store, account__in=list(accounts), redeemed_at__gte=since)
    return await rows.order_by("-redeemed_at", "id")
