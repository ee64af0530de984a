"""Entitlements: perks that customers hold because of their tier, enforced, with a log of each use.

What is held follows from the tier, whenever its account is settled. A perk that is a discount is a
code of the customer's own, good for one order, once: with each use the next one is made, for as
long as the perk is held; then it is revoked. Whoever enforces another kind says when it was used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import canonical_email, customer_account, customer_of
from connector.commerce.models import LIVE, StoreRow
from connector.database import sql
from connector.errors import BenefitUnavailable
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.ledger import ledger
from connector.rewards.codes import Codes, named_in
from connector.rewards.models import EntitlementRow, PerkCodeRow, PerkUseRow
from connector.sync import listeners
from connector.sync.listeners import Event
from connector.sync.outbox import Wanted
from connector.sync.stores import Stores
from platforms.errors import PlatformError, Rejected
from platforms.model import Customer, Discount, DiscountKind, Order

PUSH = "perk-code"
AGAIN_AFTER = timedelta(minutes=1)  # where a code is there still
KINDS: Mapping[str, DiscountKind] = {kind: kind for kind in get_args(DiscountKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Perk:
    """What a tier gives: a ``discount`` with its terms, as a redemption has them, or none."""

    benefit: str
    kind: str
    discount: DiscountKind | None = None
    basis_points: int = 0
    amount_minor: int = 0
    product_ids: tuple[str, ...] = ()
    minimum_minor: int = 0
    currency: str

    @property
    def terms(self) -> dict[str, Any]:
        """Return the terms as a row has them."""
        names = ("kind", "discount", "basis_points", "amount_minor", "minimum_minor", "currency")
        found = {name: getattr(self, name) for name in names}
        return {**found, "product_ids": list(self.product_ids)}


class Entitlements:
    """Grants perks and takes them away, has their codes issued, and logs their uses."""

    def __init__(self, stores: Stores, vault: Vault, clock: Clock, ids: Ids) -> None:
        self._codes = Codes(stores, vault)
        self._clock = clock
        self._ids = ids

    async def hold(
        self, store: str, perks: Mapping[str, Sequence[Perk]], lanes: Mapping[str, int]
    ) -> list[Wanted]:
        """Let accounts hold just these perks from now on; return what to push.

        In a transaction that holds the accounts. Guests hold none.
        """
        customers = {key: customer_of(key) for key in perks}
        rows = EntitlementRow.filter(store=store, account__in=list(perks), ended_at=None)
        held: dict[str, list[EntitlementRow]] = {key: [] for key in perks}
        for row in await rows:
            held[row.account].append(row)
        ended, begun = list[EntitlementRow](), list[EntitlementRow]()
        for account, wanted in sorted(perks.items()):
            customer_id = customers[account]
            due = {one.benefit: one for one in wanted} if customer_id else {}
            for row in held[account]:
                if row.benefit in due and _is_same(row, due[row.benefit]):
                    del due[row.benefit]
                else:
                    ended.append(row)
            begun += [self._row(store, account, customer_id or "", one) for one in due.values()]
        if not ended and not begun:
            return []
        pushes = await self._end(ended) if ended else []
        await EntitlementRow.bulk_create(begun)
        pushes += await self._next_codes([row for row in begun if row.discount])
        changed = {row.account for row in (*ended, *begun)}
        await ledger.seen_anew(store, sorted(changed))
        return [(PUSH, row.id, lanes[row.account]) for row in pushes]

    def _row(self, store: str, account: str, customer_id: str, perk: Perk) -> EntitlementRow:
        return EntitlementRow(
            id=self._ids(),
            store=store,
            account=account,
            customer_id=customer_id,
            benefit=perk.benefit,
            since=self._clock(),
            **perk.terms,
        )

    async def _end(self, rows: Sequence[EntitlementRow]) -> list[PerkCodeRow]:
        """Take perks away; return the codes that the store must not have any more."""
        ids = [row.id for row in rows]
        await EntitlementRow.filter(id__in=ids).update(ended_at=self._clock())
        codes = PerkCodeRow.filter(entitlement__in=ids).exclude(state__in=["used", "revoked"])
        found = await codes
        await PerkCodeRow.filter(id__in=[row.id for row in found]).update(is_wanted=False)
        return found

    async def _next_codes(self, rows: Sequence[EntitlementRow]) -> list[PerkCodeRow]:
        """Make the code to use next of each of these."""
        now, made = self._clock(), []
        for row in rows:
            id_ = self._ids()
            made.append(
                PerkCodeRow(
                    id=id_,
                    store=row.store,
                    account=row.account,
                    customer_id=row.customer_id,
                    entitlement=row.id,
                    code=self._codes.derive(row.store, id_),
                    made_at=now,
                )
            )
        await PerkCodeRow.bulk_create(made)
        return made

    async def push(self, store: StoreRow, target: str) -> datetime | None:
        """Make the store agree with a code; see :data:`connector.sync.outbox.Push`.

        Raises:
            PlatformError: the store didn't answer as it must; the outbox tries again or parks.
        """
        row = await PerkCodeRow.get(id=target, store=store.id)
        if row.state in {"used", "revoked"}:
            return None
        if row.is_wanted:
            await self._issue(store, row)
            return None
        if row.state != "reserved" or row.email is not None:  # else the store never heard of it
            seen = await self._codes.revoke(store, row.code, row.id)
            if seen is not None and seen.is_usable:
                return self._clock() + AGAIN_AFTER
        await self._become(store, row, "revoked")
        return None

    async def _issue(self, store: StoreRow, row: PerkCodeRow) -> None:
        """Have the store issue a code.

        Raises:
            Rejected: the store takes no such discount, or the customer has no address for it.
            PlatformError: the store didn't answer as it must.
        """
        held = await EntitlementRow.get(id=row.entitlement)
        row.email = row.email or await self._codes.email(store, row.customer_id)
        await PerkCodeRow.filter(id=row.id).update(email=row.email)
        try:
            await self._codes.issue(store, _discount(row, held))
        except Rejected:
            raise
        except PlatformError:
            await self._become(store, row, "unknown")
            raise
        await self._become(store, row, "issued")

    async def _become(self, store: StoreRow, row: PerkCodeRow, state: str) -> None:
        """Note a code's state, unless an order with it came meanwhile."""
        async with in_transaction():
            await ledger.locked(store.id, [row.account])
            await PerkCodeRow.filter(id=row.id).exclude(state="used").update(state=state)
            await ledger.seen_anew(store.id, [row.account])

    async def named_by(self, told: Sequence[records.Stored]) -> list[PerkCodeRow]:
        """Return the codes of ours that what is told of one store is about.

        Those of orders, and those of customers whose address is new.
        """
        store, ours = told[0].store.id, named_in(told)
        found = await PerkCodeRow.filter(store=store, code__in=ours).order_by("id") if ours else []
        if moved := [*_with_new_address(told)]:
            accounts = [customer_account(id_) for id_ in moved]
            rows = PerkCodeRow.filter(store=store, account__in=accounts, is_wanted=True)
            rows = rows.exclude(state__in=["used", "revoked"])
            known = {row.id for row in found}
            found += [row for row in await rows if row.id not in known]
        return found

    async def follow(self, store: StoreRow, rows: Sequence[PerkCodeRow]) -> list[Wanted]:
        """Follow what orders say of codes whose accounts we hold; return what to push."""
        pushes, events = [row for row in rows if row.state == "reserved"], list[Event]()
        emails = await records.emails_of(store.id, [row.account for row in rows])
        for row in rows:
            uses = await self._codes.uses(store, row.code)
            if uses and row.state != "used":
                made, told = await self._used(row, uses[0])
                pushes += made
                events += told
            elif not uses and row.state == "used":  # the store gave the use back
                await PerkCodeRow.filter(id=row.id).update(state="issued")
                pushes.append(row)
            elif _is_anothers(row, emails.get(row.account)):
                pushes += await self._replaced(row)
        if rows:
            await ledger.seen_anew(store.id, sorted({row.account for row in rows}))
            await listeners.tell(store.id, events, self._clock())
        return [(PUSH, id_, LIVE) for id_ in dict.fromkeys(row.id for row in pushes)]

    async def _used(self, row: PerkCodeRow, order: Order) -> tuple[list[PerkCodeRow], list[Event]]:
        """Log an order's use of a code, and make the next; return that, and what to tell."""
        await PerkCodeRow.filter(id=row.id).update(state="used", is_wanted=False)
        held = await EntitlementRow.get(id=row.entitlement)
        event = await _logged(held, f"order:{order.id}", order.placed_at)
        is_next = row.is_wanted and held.ended_at is None
        made = await self._next_codes([held]) if is_next else []
        return made, [event] if event else []

    async def _replaced(self, row: PerkCodeRow) -> list[PerkCodeRow]:
        """Take back a code that is for an address of before, and make the next; return both."""
        await PerkCodeRow.filter(id=row.id).update(is_wanted=False)
        held = await EntitlementRow.get(id=row.entitlement)
        made = await self._next_codes([held]) if row.is_wanted and held.ended_at is None else []
        return [row, *made]

    async def use(
        self, store: str, account: str, benefit: str, key: str, *, kind: str
    ) -> EntitlementRow:
        """Log that a perk of a kind was used on something, once for its key; return the perk.

        In a transaction that holds the account, settled to now.

        Raises:
            BenefitUnavailable: the account does not hold it.
        """
        row = await holding(store, account, benefit)
        if row is None or row.kind != kind:
            raise BenefitUnavailable(f"your tier does not have {benefit!r}")
        event = await _logged(row, key, self._clock())
        if event:
            await ledger.seen_anew(store, [account])
            await listeners.tell(store, [event], self._clock())
        return row


def _with_new_address(told: Sequence[records.Stored]) -> Iterator[str]:
    """Yield the customers who have another e-mail address than before, or had none."""
    for one in told:
        had = one.before.email if isinstance(one.before, Customer) else None
        if isinstance(one.after, Customer) and one.after.email not in {None, had}:
            yield one.after.id


def _is_anothers(row: PerkCodeRow, email: str | None) -> bool:
    """Return whether a code is for another address than the customer's is now."""
    if row.email is None or email is None or not row.is_wanted:
        return False
    return canonical_email(row.email) != canonical_email(email)


def _is_same(row: EntitlementRow, perk: Perk) -> bool:
    return all(getattr(row, name) == value for name, value in perk.terms.items())


def _discount(row: PerkCodeRow, held: EntitlementRow) -> Discount:
    return Discount(
        code=row.code,
        redemption_id=row.id,
        kind=KINDS[held.discount or ""],
        basis_points=held.basis_points,
        product_ids=tuple(held.product_ids or ()),
        amount_minor=held.amount_minor,
        minimum_minor=held.minimum_minor,
        currency=held.currency,
        email=row.email,
    )


async def _logged(held: EntitlementRow, key: str, used_at: datetime) -> Event | None:
    """Write a use down; return what to tell of it, None where it is known."""
    row = PerkUseRow(store=held.store, account=held.account, benefit=held.benefit, key=key)
    row.kind, row.used_at = held.kind, used_at
    mine = PerkUseRow.filter(store=held.store, account=held.account, benefit=held.benefit)
    if await mine.filter(key=key).exists():
        return None
    await row.save(force_create=True)
    data = {
        "member": held.account,
        "customer_id": held.customer_id,
        "benefit": held.benefit,
        "kind": held.kind,
        "used_on": key,
        "used_at": used_at,
    }
    return Event(name="entitlement.used", data=data)


async def holding(store: str, account: str, benefit: str) -> EntitlementRow | None:
    """Return the perk of a benefit that an account holds."""
    return await EntitlementRow.get_or_none(
        store=store, account=account, benefit=benefit, ended_at=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A perk that is held ``since`` then; its code once the store has it; when it was used last.

    It ``has_code`` where it is a discount.
    """

    benefit: str
    kind: str
    since: datetime
    has_code: bool
    code: str | None
    used_at: datetime | None


async def held_by(store: str, account: str) -> list[Held]:
    """Return the perks that an account holds, in the order of their names."""
    rows = await EntitlementRow.filter(store=store, account=account, ended_at=None)
    codes = PerkCodeRow.filter(entitlement__in=[row.id for row in rows], is_wanted=True)
    code_of = {one.entitlement: one.code for one in await codes.filter(state="issued")}
    uses = await sql.rows(
        "SELECT benefit, MAX(used_at) AS used_at FROM perk_use WHERE store = $1 AND account = $2"
        " GROUP BY benefit",
        *(store, account),
    )
    last = {one["benefit"]: sql.at(one["used_at"]) for one in uses}
    return [
        Held(
            benefit=row.benefit,
            kind=row.kind,
            since=row.since,
            has_code=row.discount is not None,
            code=code_of.get(row.id),
            used_at=last.get(row.benefit),
        )
        for row in sorted(rows, key=lambda row: row.benefit)
    ]


async def uses_of(store: str, account: str, after: int, limit: int) -> list[PerkUseRow]:
    """Return uses of an account's perks after one, in the order in which they were written down."""
    rows = PerkUseRow.filter(store=store, account=account, id__gt=after)
    return await rows.order_by("id").limit(limit)


async def last_uses(store: str, account: str, limit: int) -> list[PerkUseRow]:
    """Return the uses of an account's perks that were written down last, oldest first."""
    rows = await PerkUseRow.filter(store=store, account=account).order_by("-id").limit(limit)
    return rows[::-1]
