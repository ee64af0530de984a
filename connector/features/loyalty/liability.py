"""What a store owes in points at an instant, held against the ledger, and what will be left.

The lots of every account are folded anew and compared with the entries of the ledger: both say
what customers can spend, and ``differs`` is by how many points they don't agree.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from connector.commerce.identity import customer_of
from connector.commerce.models import StoreRow
from connector.commerce.records import BEGINNING
from connector.errors import RequestInvalid
from connector.features.loyalty.rules.liability import INSTANT, Liability, Owed
from connector.features.loyalty.rules.program import in_force
from connector.features.loyalty.service import Loyalty
from connector.kernel.admission import GivenOut
from connector.kernel.clock import add_months, start_of
from connector.ledger import ledger
from connector.rewards.admissions import given_out

MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What a month of the program's zone did to spendable points: by kind of entry, signed."""

    month: str
    opening: int
    kinds: Counter[str]
    closing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """Which part of points is never used, as the last year had it.

    Of the points that were ``spent`` (less those given back) or ``expired`` in the months shown,
    the part that expired; ``unused`` is that part of what is owed.
    """

    spent: int
    expired: int
    rate: float
    unused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is owed, how it came about, and what may never be claimed.

    ``learned_later`` is by how much the entries of until then were corrected after that instant:
    what is owed less that is what this said on the day. ``breakage`` is None where a year's
    figures can't tell. ``budget`` is what became of the program's by now, None where it had none.
    """

    owed: Owed
    months: list[Month]
    differs: int
    learned_later: int
    breakage: Breakage | None
    budget: GivenOut | None


async def statement(
    loyalty: Loyalty, store: StoreRow, at: datetime, tell: Callable[[int], None]
) -> Statement:
    """Return the statement of a store at an instant, which may be past.

    ``tell`` is called with how many accounts are done.

    Raises:
        RequestInvalid: no program was in force then.
    """
    versions = await loyalty.programs.versions(store.id)
    version = in_force(versions, at)
    if version is None:
        raise RequestInvalid(f"no program was in force on {at:%F}: there was nothing to owe")
    liability = Liability(version.program, store.currency, at)
    differs = done = 0
    async for accounts in ledger.pages(store.id):
        facts = await loyalty.settling.facts(store, accounts, BEGINNING)
        posted = await ledger.sums(store.id, accounts, at)
        for account in accounts:
            is_guest = customer_of(account) is None
            available = liability.add(facts[account], is_guest=is_guest)
            differs += abs(available - posted.get(account, 0))
        done += len(accounts)
        tell(done)
    zone = version.program.zone
    begin = add_months(start_of("calendar_month", at, zone), -MONTHS, zone)
    months = await _months(store.id, begin, at, zone)
    budget = version.program.budget
    live_at = await loyalty.programs.live_at(store.id) or at
    return Statement(
        owed=liability.owed,
        months=months,
        differs=differs,
        learned_later=await ledger.learned_later(store.id, at),
        breakage=None if live_at > begin else _breakage(liability.owed, months),
        budget=await given_out(store.id, budget.points) if budget else None,
    )


async def _months(store: str, begin: datetime, at: datetime, zone: ZoneInfo) -> list[Month]:
    """Return twelve months from the first of them on, and the next up to the instant."""
    begins = [add_months(begin, n, zone) for n in range(MONTHS + 1)]
    before, *moved = await ledger.turnover(store, [*begins, at + INSTANT])
    found = []
    opening = before.total()
    for begins_at, kinds in zip(begins, moved, strict=True):
        closing = opening + kinds.total()
        month = f"{begins_at.astimezone(zone):%Y-%m}"
        found.append(Month(month=month, opening=opening, kinds=kinds, closing=closing))
        opening = closing
    return found


def _breakage(owed: Owed, months: Sequence[Month]) -> Breakage | None:
    """Work out what part of the points of the months shown expired, None where it says little."""
    spent = -sum(one.kinds["redeem"] + one.kinds["release"] for one in months)
    expired = -sum(one.kinds["expire"] for one in months)
    if spent + expired <= 0:
        return None
    rate = expired / (spent + expired)
    unused = round((owed.available + owed.pending) * rate)
    return Breakage(spent=spent, expired=expired, rate=rate, unused=unused)
