"""What accounts come to, reckoned the slow way from what was shown and what was decided.

It shares no arithmetic with the product and knows one program alone, ``document``: points for goods
in euros, three days on their way and two months to live from then, a cap a month, and half as much
again for who has spent enough in two months. A tier by hand is held until it is given up.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import NamedTuple

from platforms.model import Order

Key = tuple[str, str, datetime]
"""A ledger key: the cause, the kind, and from when on it counts."""
GUEST = "guest"
PENDING = timedelta(days=3)
MONTHS = 2
GRACE = timedelta(days=30)  # what is given back lasts at least so long
TIERS = (("Gold", 30_000), ("Silver", 15_000))
COSTS = {"scarce": 30, "dear": 40}
STOCK, LIMIT = 2, 1  # of the scarce one in all; of the dear one for each
EXPIRE, CLAWBACK, OPEN, REDEEM, RELEASE, LATE_USE, GIVE, TAKE = range(8)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A published program: when it begins, and where it differs from the others."""

    begins_at: datetime
    points: int
    cap: int


@dataclass(kw_only=True)
class Spending:
    """A redemption. The store has its code once it ``is_told``, or refused it then."""

    id: str
    account: str
    reward: str
    code: str
    redeemed_at: datetime
    is_refused: bool
    is_told: bool = False
    released_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What a merchant decided: points, or else the tier to be in, None for what counts."""

    id: str
    account: str
    at: datetime
    points: int
    tier: str | None


class Move(NamedTuple):
    """A step in the life of an account's lots."""

    at: datetime
    rank: int
    cause: str
    points: int = 0


@dataclass
class Lot:
    """Points that came together, and end together."""

    points: int
    opens_at: datetime
    ends_at: datetime
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Reckoned:
    """What the keys of an account come to, and so what it has."""

    net: dict[Key, int]
    available: int
    pending: int
    tier: str | None


def document(points: int, cap: int) -> str:
    """Return the program as a merchant writes it."""
    tiers = "".join(
        f'\n[[tiers.tier]]\nname = "{name}"\nfrom_minor = {{ EUR = {least} }}\n'
        for name, least in reversed(TIERS)
    )
    return f"""
name = "Reckoned"
engine = 1
timezone = "UTC"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"
deleted_orders = "void"

[[earn]]
id = "orders"
kind = "order"
points = {points}
per_minor = {{ EUR = 100 }}
pending_days = {PENDING.days}
caps = [{{ points = {cap}, per = "calendar_month" }}]

[[multiplier]]
when = {{ tier = "Gold" }}
factor = "1.5"

[expiry]
kind = "lot"
months = {MONTHS}

[[reward]]
id = "scarce"
kind = "amount_off"
cost = {COSTS["scarce"]}
value_minor = {{ EUR = 500 }}
stock = {STOCK}

[[reward]]
id = "dear"
kind = "amount_off"
cost = {COSTS["dear"]}
value_minor = {{ EUR = 800 }}
limit_per_customer = {LIMIT}

[tiers]
by = "spend"
window = "rolling_months:{MONTHS}"
{tiers}"""


def account_of(order: Order) -> str:
    """Return whose order it is; of guests there is one."""
    return GUEST if order.customer_id is None else f"customer:{order.customer_id}"


def months_later(at: datetime) -> datetime:
    """Return the same time of day when the months have gone by, on the last day if need be."""
    years, month = divmod(at.month - 1 + MONTHS, 12)
    for day in range(at.day, 0, -1):
        try:
            return at.replace(year=at.year + years, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def kept(order: Order) -> list[tuple[datetime, str, Fraction]]:
    """Return when what took something of an order, and the goods that were left then."""
    end = order.cancelled_at or datetime.max.replace(tzinfo=UTC)
    refunds = sorted(order.refunds, key=lambda one: (one.refunded_at, one.id))
    refunds = [one for one in refunds if one.refunded_at <= end]
    found = [(order.placed_at, "", Fraction(sum(one.total_minor for one in order.lines)))]
    for count, refund in enumerate(refunds, start=1):
        named = sum(line.total_minor for one in refunds[:count] for line in one.lines)
        paid = sum(one.amount_minor for one in refunds[:count])
        rest = order.total_minor - named
        share = Fraction(rest - (paid - named), rest) if rest > paid - named else Fraction(0)
        goods = max(found[0][2] - named, Fraction(0)) * share
        found.append((refund.refunded_at, f"/refund:{refund.id}", goods))
    return found + ([(end, "/cancel", Fraction(0))] if order.cancelled_at else [])


@dataclass
class Books:
    """Everything that is known of a store."""

    versions: list[Version] = field(default_factory=list)
    held: dict[str, Order] = field(default_factory=dict)
    spendings: list[Spending] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)
    emptied: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def show(self, order: Order, now: datetime) -> bool:
        """Keep what is newer than what is held; the trash keeps what it can't show."""
        before = self.held.get(order.id)
        if before is not None and order.updated_at <= before.updated_at:
            return False
        if before is not None and order.is_deleted:
            order = replace(
                order,
                status=before.status,
                is_paid=before.is_paid,
                is_cancelled=before.is_cancelled,
                cancelled_at=before.cancelled_at,
            )
        self.held[order.id] = order
        if before is None or account_of(before) != account_of(order):
            self._comes(order, account_of(before) if before else "", now)
        return True

    def _comes(self, order: Order, was: str, now: datetime) -> None:
        """Note whose an order is now, and whether that leaves the other with none."""
        owner = account_of(order)
        if owner in self.emptied and order.placed_at < self.emptied[owner][1]:
            del self.emptied[owner]
        is_left = GUEST in map(account_of, self.held.values())
        is_free = self.emptied.get(was, (owner,))[0] == owner
        if was == GUEST and is_free and not is_left:  # the other accounts' customers are there
            self.emptied[was] = owner, now

    def home(self, account: str, at: datetime) -> str:
        """Return whose is what an account was given or spent at an instant."""
        while account in self.emptied and at < self.emptied[account][1]:
            account, at = self.emptied[account]
        return account

    def version_at(self, at: datetime) -> Version | None:
        """Return the version by which something is judged."""
        begun = [one for one in self.versions if one.begins_at <= at]
        return begun[-1] if begun else None

    def uses(self, spending: Spending) -> list[Order]:
        """Return the orders that use a code up."""
        code = spending.code.lower()
        orders = [one for one in self.held.values() if code in one.codes and not one.is_cancelled]
        return sorted(orders, key=lambda one: (one.placed_at, one.id))

    def state(self, spending: Spending) -> str:
        """Return where a redemption's discount has come to."""
        if self.uses(spending):
            return "used"
        return "returned" if spending.released_at else "open"

    def taken(self, reward: str, account: str | None = None) -> int:
        """Return how many of a reward are taken, by an account or in all."""
        return sum(
            one.reward == reward and account in {None, one.account}
            for one in self.spendings
            if self.state(one) != "returned"
        )

    def accounts(self) -> set[str]:
        """Return everybody of whom something is known."""
        buyers = {account_of(order) for order in self.held.values()}
        decided = {one.account for one in self.by_hand}
        return buyers | decided | {one.account for one in self.spendings}

    def reckoned(self, account: str, now: datetime) -> Reckoned:
        """Return what an account comes to."""
        net: Counter[Key] = Counter()
        lots: dict[str, Lot] = {}
        moves = [*self._earned(account, net, lots), *self._decided(account, net, lots)]
        available = _walked(moves, lots, net, now)
        return Reckoned(
            net={key: points for key, points in net.items() if points},
            available=available,
            pending=sum(points for (_, _, at), points in net.items() if at > now),
            tier=self._tier(self._orders(account), account, now, 1),
        )

    def _orders(self, account: str) -> list[Order]:
        mine = [one for one in self.held.values() if account_of(one) == account]
        mine = [one for one in mine if one.is_paid and not one.is_deleted]
        mine = [one for one in mine if self.version_at(one.placed_at)]
        return sorted(mine, key=lambda one: (one.placed_at, one.id))

    def _tier(self, orders: list[Order], account: str, at: datetime, rank: int) -> str | None:
        """Return the tier at an instant, with what is of that very instant if the rank says so."""
        put = [one for one in self.by_hand if not one.points]
        put = [one for one in put if self.home(one.account, one.at) == account]
        put = [one for one in put if (one.at, 1) <= (at, rank)]
        if put and put[-1].tier:
            return put[-1].tier
        counted = 0
        for order in orders:
            steps = [(order.placed_at, 0, kept(order)[0][2])]
            steps += [(when, 1, goods) for when, _, goods in kept(order)[1:]]
            if months_later(order.placed_at) > at:
                counted += floor([goods for *step, goods in steps if step <= [at, rank]][-1])
        return next((name for name, least in TIERS if counted >= least), None)

    def _earned(self, account: str, net: Counter[Key], lots: dict[str, Lot]) -> Iterator[Move]:
        """Post what orders earn and give back."""
        orders, given = self._orders(account), Counter[tuple[int, int]]()
        for number, order in enumerate(orders):
            version = self.version_at(order.placed_at)
            assert version is not None
            is_gold = self._tier(orders[:number], account, order.placed_at, 0) == "Gold"
            each = version.points * (Fraction(3, 2) if is_gold else 1)
            month = (order.placed_at.year, order.placed_at.month)
            (_, _, goods), *later = kept(order)
            gross = min(floor(goods * each / 100), max(version.cap - given[month], 0))
            if gross:
                given[month] += gross
                cause = f"order:{order.id}"
                opens_at = max(order.placed_at, order.paid_at or order.placed_at) + PENDING
                net[cause, "earn", opens_at] = gross
                lots[cause] = Lot(gross, opens_at, months_later(opens_at))
                yield Move(opens_at, OPEN, cause)
                for when, what, rest in later:
                    left = min(floor(rest * each / 100), gross)
                    if left < gross:
                        key = (cause + what, "clawback", max(when, opens_at))
                        net[key] = left - gross
                        yield Move(key[2], CLAWBACK, key[0], gross - left)
                    gross = left

    def _decided(self, account: str, net: Counter[Key], lots: dict[str, Lot]) -> Iterator[Move]:
        """Post what was spent, and given and taken by hand."""
        for one in self.by_hand:
            if self.home(one.account, one.at) == account and one.points:
                cause = f"adjustment:{one.id}"
                net[cause, "adjust", one.at] = one.points
                if one.points > 0:
                    lots[cause] = Lot(one.points, one.at, months_later(one.at))
                yield Move(one.at, GIVE if one.points > 0 else TAKE, cause, abs(one.points))
        for spending in self.spendings:
            if self.home(spending.account, spending.redeemed_at) == account:
                yield from self._spent(spending, net)

    def _spent(self, one: Spending, net: Counter[Key]) -> Iterator[Move]:
        cause, cost = f"redemption:{one.id}", COSTS[one.reward]
        net[cause, "redeem", one.redeemed_at] = -cost
        yield Move(one.redeemed_at, REDEEM, cause, cost)
        if one.released_at:
            net[cause, "release", one.released_at] = cost
            yield Move(one.released_at, RELEASE, cause, cost)
            for order in self.uses(one)[:1]:
                when = max(order.placed_at, one.released_at)
                net[cause, "redeem", when] = -cost
                yield Move(when, LATE_USE, cause, cost)


def _walked(moves: list[Move], lots: dict[str, Lot], net: Counter[Key], now: datetime) -> int:
    """Take every step until now, post what expires, and return what can be spent in the end."""
    owed, spent_until = 0, dict[str, datetime]()
    moves += [Move(lot.ends_at, EXPIRE, cause) for cause, lot in lots.items()]
    while due := [one for one in moves if one.at <= now]:
        move = min(due)
        moves.remove(move)
        own = move.cause.split("/")[0]
        if move.rank == EXPIRE:
            net[own, "expire", move.at] -= lots[own].points
            lots[own].points = 0
        elif move.rank in {OPEN, GIVE, RELEASE}:
            if move.rank == RELEASE:
                lots[own] = Lot(move.points, move.at, max(spent_until[own], move.at + GRACE))
                moves.append(Move(lots[own].ends_at, EXPIRE, own))
            paid = min(owed, lots[own].points)
            owed, lots[own].points, lots[own].is_open = owed - paid, lots[own].points - paid, True
        else:
            left, spent_until[own] = _take(move.points, own, lots)
            owed += left
    return sum(lot.points for lot in lots.values() if lot.is_open) - owed


def _take(points: int, own: str, lots: dict[str, Lot]) -> tuple[int, datetime]:
    """Take points from their own lot and then from who ends first; return what was not there.

    And when the first of the lots that were used ends.
    """
    in_turn = sorted(lots, key=lambda one: (one != own, lots[one].ends_at, lots[one].opens_at, one))
    ends = []
    for cause in in_turn:
        lot = lots[cause]
        part = min(points, lot.points) if lot.is_open or cause == own else 0
        lot.points -= part
        points -= part
        ends += [lot.ends_at] if part else []
    return points, min(ends, default=datetime.min.replace(tzinfo=UTC))
