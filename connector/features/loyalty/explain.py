"""Every point of a balance, with its cause and its arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.commerce import records
from connector.commerce.identity import customer_account
from connector.commerce.models import OrderRow, StoreRow
from connector.errors import RequestInvalid
from connector.features.loyalty.rules.tiers import Stand
from connector.features.loyalty.standings import stand_of
from connector.kernel.clock import Awaits, awaited, unless_awaited
from connector.ledger import ledger
from connector.ledger.models import AccountRow, EntryRow
from connector.rewards.admissions import short
from connector.rewards.entitlements import Held, held_by, last_uses

USES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry; ``balance`` is what all entries up to it add up to.

    It has no instant while it ``awaits`` that its order is fulfilled or delivered.
    """

    effective_at: datetime | None
    awaits: Awaits | None
    kind: str
    points: int
    balance: int
    cause: str
    why: str
    is_pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What of the points that a cause asked for was ``refused``, as there were no more.

    Those ``waiting`` are decided once nobody is left who may have been earlier.
    """

    cause: str
    at: datetime
    asked: int
    refused: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of a benefit, and what it was used on."""

    benefit: str
    used_on: str
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An account's ledger, in the order in which it takes effect, and where it stands.

    What waited for a delivery that came is left out, with what took it back: it came anew then.
    ``standing`` is None where there are no tiers. ``beyond`` is what the program's budget did not
    give, or not yet. ``perks`` are the benefits that the tier gives, ``uses`` the last of them.
    """

    account: str
    available: int
    pending: int
    lines: list[Line]
    standing: Stand | None
    beyond: list[Beyond]
    perks: list[Held]
    uses: list[Use]


async def explain_account(store: StoreRow, who: str, now: datetime) -> Explanation:
    """Explain the account of a customer id, an e-mail address, an order's guest, or an account key.

    Raises:
        RequestInvalid: nobody here has such an account.
    """
    return await explained(store, await find(store.id, who), now)


async def explained(store: StoreRow, account: str, now: datetime) -> Explanation:
    """Explain an account by its key, whoever's it became since."""
    entries = _without_what_came(await ledger.entries(store.id, account))
    lines, total = [], 0
    for entry in entries:
        total += entry.points
        lines.append(
            Line(
                effective_at=unless_awaited(entry.effective_at),
                awaits=awaited(entry.effective_at),
                kind=entry.kind,
                points=entry.points,
                balance=total,
                cause=entry.cause,
                why=entry.why,
                is_pending=entry.effective_at > now,
            )
        )
    balance = await ledger.balance(store.id, account, now)
    return Explanation(
        account=account,
        available=balance.available,
        pending=balance.pending,
        lines=lines,
        standing=stand_of(await AccountRow.get_or_none(store=store.id, key=account)),
        beyond=await _beyond(store.id, account),
        perks=await held_by(store.id, account),
        uses=[
            Use(benefit=row.benefit, used_on=row.key, used_at=row.used_at)
            for row in await last_uses(store.id, account, USES_MAX)
        ],
    )


def _without_what_came(entries: Sequence[EntryRow]) -> list[EntryRow]:
    waiting: Counter[tuple[str, str, datetime]] = Counter()
    for one in entries:
        if awaited(one.effective_at):
            waiting[one.cause, one.kind, one.effective_at] += one.points
    over = {key for key, points in waiting.items() if not points}
    return [one for one in entries if (one.cause, one.kind, one.effective_at) not in over]


async def _beyond(store: str, account: str) -> list[Beyond]:
    joined = [link.account for link in await ledger.links(store, [account])]
    return [
        Beyond(
            cause=one.claim.cause.removeprefix(f"{account}/"),
            at=one.claim.at,
            asked=one.demanded + one.waiting,
            refused=one.refused,
            waiting=one.waiting,
        )
        for one in await short(store, [account, *joined])
    ]


async def find(store: str, who: str) -> str:
    """Return the account of a customer id, an e-mail address, an order's guest, or an account key.

    Raises:
        RequestInvalid: nobody here has such an account.
    """
    for key in (who, f"customer:{who}"):
        if await AccountRow.exists(store=store, key=key):
            return await ledger.owner(store, key)
    if "@" in who:
        for id_ in await records.by_email(store, who):
            return customer_account(id_)
    if who.startswith("order:"):
        order = await OrderRow.get_or_none(store=store, platform_id=who.removeprefix("order:"))
        if order is not None and order.account:
            return await ledger.owner(store, order.account)
    raise RequestInvalid(
        f"nobody called {who!r}: give a customer id, the e-mail address of a customer,"
        " order:ID for a guest's account, or an account key"
    )
