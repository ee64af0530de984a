"""The figures of analytics, reckoned once more: plain loops over raw rows, by the README's words.

``python -m tests.flows.analytics [ORDERS]`` reckons those of the recorded store from its own raw
records, and those of a store of drawn orders, seen from several zones and currencies: with refunds,
cancellations, guests, people who became one, and orders at the very edges of months and periods. It
prints how many figures were compared and how many differ. Nothing here is shared with the feature.
"""

import asyncio
import gzip
import json
import random
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector import worker
from connector.commerce.models import CustomerRow, StoreRow
from connector.features.analytics.figures import Figures
from connector.features.analytics.service import compute
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import LinkRow, MergeRow
from platforms.model import Customer, Order, Seen
from platforms.woocommerce.fake import load
from tests import databases
from tests.flows import books, recorded_ways
from tests.flows.operator import RECORDED
from tests.town import NOW, Town, founded

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
VIEWS = (
    ("Europe/Warsaw", "EUR"),
    ("America/New_York", "JPY"),
    ("Asia/Kolkata", "USD"),
    ("Pacific/Apia", "EUR"),
)
TOGETHER = 500


@dataclass(frozen=True)
class Bought:
    """An order that counts: whose, when, and what of it was kept."""

    who: str
    at: datetime
    net: int
    currency: str


@dataclass(frozen=True)
class Moved:
    """Points that came or went."""

    who: str
    kind: str
    at: datetime
    points: int


@dataclass(frozen=True)
class Outcome:
    """How many figures were compared, and which differ."""

    compared: int
    differ: Sequence[str]


def reckoned(
    bought: Sequence[Bought], moved: Sequence[Moved], at: datetime, zone: str, currency: str
) -> dict[str, Any]:
    """Return all figures at an instant, by their names."""
    past = sorted((one for one in bought if one.at <= at), key=lambda one: one.at)
    gaps = days_between(past)
    days = lost_after(gaps)
    local = at.astimezone(ZoneInfo(zone))
    months = months_until(local)
    found: dict[str, Any] = {
        "at": at,
        "currency": currency,
        "zone": zone,
        "churn_days": days,
        "gaps": len(gaps),
        "other_orders": dict(Counter(o.currency for o in past if o.currency != currency)),
        "pending": sum(one.points for one in moved if one.at > at),
        "months": [],
        "cohorts": [],
    }
    for name, first, begin in (
        ("7d", earlier(local, days=14), earlier(local, days=7)),
        ("30d", earlier(local, days=60), earlier(local, days=30)),
        ("90d", earlier(local, days=180), earlier(local, days=90)),
        ("12m", years_ago(local, 2), years_ago(local, 1)),
    ):
        window = timedelta(days=days)
        for which, after, until in (("now", begin, at), ("before", first, begin)):
            figures = in_period(past, moved, after, until, window, currency)
            found |= {f"{name} {which} {key}": value for key, value in figures.items()}
    for figures in by_month(past, moved, at, ZoneInfo(zone), months, currency):
        found["months"].append(figures)
    for figures in by_cohort(past, ZoneInfo(zone), months):
        found["cohorts"].append(figures)
    empty = 0
    for one in found["months"]:
        if any(value for key, value in one.items() if key not in {"month", "orders", "sales"}):
            break
        empty += 1
    found["months"], found["cohorts"] = found["months"][empty:], found["cohorts"][empty:]
    return found


def days_between(past: Sequence[Bought]) -> list[int]:
    """Return the days between each order and the next of the same customer, begun ones whole."""
    last: dict[str, datetime] = {}
    found = []
    for one in past:
        if one.who in last:
            gap = one.at - last[one.who]
            found.append(gap.days + (gap > timedelta(days=gap.days)))
        last[one.who] = one.at
    return sorted(found)


def lost_after(gaps: Sequence[int]) -> int:
    """Return the least of the days within which nine in ten came back, from 30 to 365."""
    if len(gaps) < 30:
        return 180
    for days in gaps:
        if sum(one <= days for one in gaps) * 10 >= len(gaps) * 9:
            return 30 if days < 30 else min(days, 365)
    raise AssertionError


def earlier(local: datetime, days: int) -> datetime:
    return (local - timedelta(days=days)).astimezone(UTC)


def years_ago(local: datetime, years: int) -> datetime:
    year = local.year - years
    try:
        return local.replace(year=year).astimezone(UTC)
    except ValueError:  # 29 February
        return local.replace(year=year, day=28).astimezone(UTC)


def months_until(local: datetime) -> list[tuple[int, int]]:
    year, month = local.year, local.month
    found = []
    for _ in range(36):
        found.append((year, month))
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return found[::-1]


def in_period(
    past: Sequence[Bought],
    moved: Sequence[Moved],
    after: datetime,
    until: datetime,
    window: timedelta,
    currency: str,
) -> dict[str, Any]:
    """Return the figures of a period: after one instant, and until another one."""

    def customers(instant: datetime) -> set[str]:
        return {one.who for one in past if instant - window < one.at <= instant}

    begin, end = customers(after), customers(until)
    new = end - begin
    inside = [one for one in past if after < one.at <= until]
    orders = Counter(one.who for one in past if one.at <= until)
    before = {one.who for one in past if one.at <= after}
    shoppers = {one.who for one in inside}
    paid: dict[str, int] = defaultdict(int)
    for one in past:
        if one.at <= until and one.currency == currency:
            paid[one.who] += one.net
    points: dict[str, int] = defaultdict(int)
    for move in moved:
        if after < move.at <= until:
            points[move.kind] += move.points
    issued, spent, expired, taken = sums(points)
    again = {who for who in shoppers if orders[who] > 1}
    return {
        "begins_at": after,
        "ends_at": until,
        "S": len(begin),
        "E": len(end),
        "N": len(new),
        "CRR": Fraction(len(end) - len(new), len(begin)) if begin else None,
        "churn": Fraction(len(begin - end), len(begin)) if begin else None,
        "bought": len(shoppers),
        "again": len(again),
        "repeat": Fraction(len(again), len(shoppers)) if shoppers else None,
        "newcomers": len({who for who in orders if who not in before}),
        "orders": len(inside),
        "sales": sum(one.net for one in inside if one.currency == currency),
        "spenders": len(paid),
        "spent money": sum(paid.values()),
        "mean": floor(Fraction(sum(paid.values()), len(paid)) + Fraction(1, 2)) if paid else None,
        "median": median(list(paid.values())),
        "issued": issued,
        "spent": spent,
        "expired": expired,
        "taken back": taken,
        "redemption": Fraction(spent, issued) if issued > 0 else None,
        "owed": sum(one.points for one in moved if one.at <= until),
        "members": len({one.who for one in moved if one.at <= until}),
        "active": len(
            {one.who for one in moved if after < one.at <= until and one.kind in {"earn", "redeem"}}
        ),
    }


def sums(points: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Return the points issued, spent, expired and taken back among those of each kind."""
    known = defaultdict(int, points)
    issued = known["earn"] + known["adjust"] + known["import"]
    spent = -known["redeem"] - known["release"]
    return issued, spent, -known["expire"], -known["clawback"] - known["forgive"]


def median(values: list[int]) -> int:
    if not values:
        return 0
    values.sort()
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    return floor(Fraction(values[middle - 1] + values[middle], 2) + Fraction(1, 2))


def by_month(
    past: Sequence[Bought],
    moved: Sequence[Moved],
    at: datetime,
    zone: ZoneInfo,
    months: Sequence[tuple[int, int]],
    currency: str,
) -> Iterator[dict[str, Any]]:
    """Yield the figures of each month, by what its calendar shows in the zone."""
    first: dict[str, tuple[int, int]] = {}
    orders: dict[tuple[int, int], list[Bought]] = defaultdict(list)
    points: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for one in past:
        there = one.at.astimezone(zone)
        first.setdefault(one.who, (there.year, there.month))
        orders[there.year, there.month].append(one)
    for move in moved:
        if move.at <= at:
            there = move.at.astimezone(zone)
            points[there.year, there.month][move.kind] += move.points
    for month in months:
        shoppers = {one.who for one in orders[month]}
        issued, spent, expired, taken = sums(points[month])
        yield {
            "month": month,
            "bought": len(shoppers),
            "newcomers": sum(first[who] == month for who in shoppers),
            "orders": len(orders[month]),
            "sales": sum(one.net for one in orders[month] if one.currency == currency),
            "issued": issued,
            "spent": spent,
            "expired": expired,
            "taken back": taken,
            "owed": sum(sum(of.values()) for one, of in points.items() if one <= month),
        }


def by_cohort(
    past: Sequence[Bought], zone: ZoneInfo, months: Sequence[tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    """Yield who bought first in each month, and how many of them in each month from then on."""
    shopped: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in past:
        there = one.at.astimezone(zone)
        shopped[one.who].append((there.year, there.month))
    of_month: dict[tuple[int, int], list[list[tuple[int, int]]]] = defaultdict(list)
    for theirs in shopped.values():
        of_month[theirs[0]].append(theirs)
    for place, month in enumerate(months):
        cohort = of_month[month]
        later = [sum(then in theirs for theirs in cohort) for then in months[place:]]
        yield {"month": month, "bought": later}


def told(figures: Figures) -> dict[str, Any]:
    """Return what the feature says, by the same names."""
    kept = ("at", "currency", "zone", "churn_days", "gaps", "other_orders", "pending")
    found: dict[str, Any] = {name: getattr(figures, name) for name in kept}
    for name, span in figures.spans.items():
        for which, one in (("now", span.now), ("before", span.before)):
            said = {
                "begins_at": one.begins_at, "ends_at": one.ends_at, "S": one.active_before,
                "E": one.active_after, "N": one.newly_active, "CRR": one.retention,
                "churn": one.churn, "bought": one.bought, "again": one.bought_again,
                "repeat": one.repeat, "newcomers": one.newcomers, "orders": one.orders,
                "sales": one.sales_minor, "spenders": one.spenders, "spent money": one.spent_minor,
                "mean": one.mean_minor, "median": one.median_minor, "issued": one.issued,
                "spent": one.spent, "expired": one.expired, "taken back": one.taken_back,
                "redemption": one.redemption, "owed": one.owed, "members": one.members,
                "active": one.active_members,
            }  # fmt: skip
            found |= {f"{name} {which} {key}": value for key, value in said.items()}
    zone = ZoneInfo(figures.zone)
    found["months"] = [
        {
            "month": month_of(one.begins_at, zone), "bought": one.bought,
            "newcomers": one.newcomers, "orders": one.orders, "sales": one.sales_minor,
            "issued": one.issued, "spent": one.spent, "expired": one.expired,
            "taken back": one.taken_back, "owed": one.owed,
        }
        for one in figures.months
    ]  # fmt: skip
    found["cohorts"] = [
        {"month": month_of(one.begins_at, zone), "bought": list(one.bought)}
        for one in figures.cohorts
    ]
    return found


def month_of(at: datetime, zone: ZoneInfo) -> tuple[int, int]:
    there = at.astimezone(zone)
    return there.year, there.month


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single figure, with its name."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in items:
            yield from leaves(one, f"{name} {key}".strip())
    else:
        yield name, value


def compared(said: Figures, reckoning: Mapping[str, Any]) -> Outcome:
    """Hold what the feature says against what was reckoned."""
    ours, theirs = dict(leaves(dict(reckoning))), dict(leaves(told(said)))
    names = ours.keys() | theirs.keys()
    differ = [
        f"{name}: {theirs.get(name)}, and reckoned {ours.get(name)}"
        for name in sorted(names)
        if ours.get(name, "nothing") != theirs.get(name, "nothing")
    ]
    return Outcome(len(names), differ)


# --- raw rows of ours


def rows_of(url: str, store: str) -> tuple[list[Bought], list[Moved]]:
    """Return what a database holds of a store, read row by row."""
    owner = owners_of(url, store)
    bought = []
    for account, body in databases.query(
        url, f"SELECT account, body FROM \"order\" WHERE store = '{store}' AND body IS NOT NULL"
    ):
        order = json.loads(body)
        back = sum(one["amount_minor"] for one in order["refunds"])
        is_kept = back == 0 or back < order["total_minor"]
        if account and order["is_paid"] and not order["is_cancelled"] and is_kept:
            at = datetime.fromisoformat(order["placed_at"]).astimezone(UTC)
            net = order["total_minor"] - back
            bought.append(Bought(owner.get(account, account), at, net, order["currency"]))
    keys: Counter[tuple[str, str, str, datetime]] = Counter()
    for account, cause, kind, at, points in databases.query(
        url,
        f"SELECT account, cause, kind, effective_at, points FROM entry WHERE store = '{store}'",
    ):
        keys[account, cause, kind, instant(at)] += points
    moved = [
        Moved(owner.get(account, account), kind, at, points)
        for (account, _, kind, at), points in keys.items()
        if points
    ]
    return bought, moved


def owners_of(url: str, store: str) -> dict[str, str]:
    """Return whose each joined account is; of whom the store merged since, the one who is left."""
    gone = {
        f"customer:{id_}"
        for (id_,) in databases.query(
            url, f"SELECT platform_id FROM customer WHERE store = '{store}' AND is_gone"
        )
    }
    merged = {
        account: (owner, instant(at))
        for account, owner, at in databases.query(
            url, f"SELECT account, owner, merged_at FROM merge WHERE store = '{store}'"
        )
        if account in gone or not account.startswith("customer:")
    }
    found = {}
    for account, owner, at in databases.query(
        url, f"SELECT account, owner, joined_at FROM link WHERE store = '{store}'"
    ):
        who, since = owner, instant(at)
        while who in merged and since < merged[who][1]:
            who, since = merged[who]
        found[account] = who
    return found


def instant(value: datetime | str) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(UTC)


# --- the recorded store, from its own raw records


def recorded_orders(folder: Path = RECORDED) -> list[Bought]:
    """Return the orders that count among WooCommerce's own records."""
    back: dict[int, Decimal] = defaultdict(Decimal)
    for refund in lines(folder / "refunds.jsonl.gz"):
        back[refund["parent_id"]] += Decimal(refund["amount"])
    found = []
    for order in lines(folder / "orders.jsonl.gz"):
        is_dated = order["status"] in {"processing", "refunded"} and order["date_paid"]
        total, refunded = Decimal(order["total"]), back[order["id"]]
        email = unicodedata.normalize("NFC", (order["billing"]["email"] or "").strip()).lower()
        who = str(order["customer_id"] or email)
        is_back = refunded > 0 and refunded >= total
        if (order["status"] == "completed" or is_dated) and not is_back and who:
            at = datetime.fromisoformat(order["date_created_gmt"]).replace(tzinfo=UTC)
            found.append(Bought(who, at, int((total - refunded) * 100), order["currency"]))
    return found


def lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


async def of_recorded(empty: str, folder: Path) -> Outcome:
    """Compare over the recorded store: orders from its records, points from raw entries."""
    async with founded(empty, folder, recorded_ways.SITE) as town:
        load(town.shop, RECORDED)
        await recorded_ways.begun(town)
        await recorded_ways.passed(town, "sync")
        row, at = await town.row(), town.clock()
        said = await compute(row, at)
        _, moved = rows_of(town.system.settings.database_url, row.id)
        return compared(said, reckoned(recorded_orders(), moved, at, row.timezone, row.currency))


# --- a store of drawn orders


async def of_drawn(town: Town, rng: random.Random, count: int) -> Outcome:
    """Compare over drawn orders, from several zones and currencies."""
    row = await traded(town, rng, count)
    url, at = town.system.settings.database_url, town.clock()
    bought, moved = rows_of(url, row.id)
    days = lost_after(days_between(sorted(bought, key=lambda one: one.at)))
    await take_in(town, row, [Seen(one) for one in edges(at, days)])
    bought, moved = rows_of(url, row.id)
    number, differ = 0, []
    for zone, currency in VIEWS:
        row.timezone, row.currency = zone, currency
        one = compared(await compute(row, at), reckoned(bought, moved, at, zone, currency))
        number += one.compared
        differ += [f"{zone} {name}" for name in one.differ]
    return Outcome(number, differ)


async def traded(town: Town, rng: random.Random, count: int) -> StoreRow:
    """Let a store sell, let some spend and be given points, and let people become one."""
    customers = max(count // 8, 12)
    row = await town.connect(books.FULL)
    await recorded_ways.quiet(town)
    people = [
        Customer(
            id=str(number), email=f"{number}@example.test", first_name="", last_name="",
            created_at=books.BEGAN, updated_at=NOW,
        )
        for number in range(customers)
    ]  # fmt: skip
    orders = books.orders_of(rng, count, customers)
    seen: list[Seen] = [*map(Seen, people), *map(Seen, orders)]
    rng.shuffle(seen)
    await take_in(town, row, seen)
    await books._decide(town, rng, customers)
    await joined(town, row)
    await merged(town, row, orders)
    return row


async def take_in(town: Town, row: StoreRow, seen: Sequence[Seen]) -> None:
    for first in range(0, len(seen), TOGETHER):
        await town.system.records.take_in(row, seen[first : first + TOGETHER], town.clock())
    await worker.drain(town.system)


async def joined(town: Town, row: StoreRow) -> None:
    """Let every third guest prove to be a customer."""
    url = town.system.settings.database_url
    guests = databases.query(
        url, "SELECT DISTINCT account FROM \"order\" WHERE account LIKE 'guest:%' ORDER BY account"
    )
    loyalty = Loyalty(town.system.tools)
    for number, (account,) in enumerate(guests[::3]):
        await loyalty.join(row, account, str(number % 5))
    await worker.drain(town.system)
    assert await LinkRow.filter(store=row.id).exists()


async def merged(town: Town, row: StoreRow, orders: Sequence[Order]) -> None:
    """Let the store make customer 0, whose guests are joined, one with customer 7; 0 is gone."""
    town.clock.forward(minutes=1)
    moved = [
        Seen(replace(one, customer_id="7", updated_at=town.clock()))
        for one in orders
        if one.customer_id == "0"
    ]
    await take_in(town, row, moved)
    assert await MergeRow.filter(store=row.id, account="customer:0").exists()
    await CustomerRow.filter(store=row.id, platform_id="0").update(is_gone=True)
    await ledger.mark_all_dirty(row.id, town.clock())
    await worker.drain(town.system)


def edges(at: datetime, days: int) -> list[Order]:
    """Return orders at the very edges of months and periods, each of somebody else."""
    instants = {at, at + timedelta(seconds=1), at - days * DAY}
    for zone, _ in VIEWS:
        local = at.astimezone(ZoneInfo(zone))
        begins = [earlier(local, days=number) for number in (30, 60, 90, 180)]
        begins += [years_ago(local, 1), years_ago(local, 2)]
        instants |= {*begins, *(one - days * DAY for one in begins)}
        months = [*months_until(local)[::5], *months_until(local)[-2:]]
        instants |= {datetime(*one, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in months}
    around = {one + step for one in instants for step in (-INSTANT, timedelta(0), INSTANT)}
    return [
        Order(
            id=f"edge{number}", number="", customer_id=f"edge{number}", email=None,
            status="completed", is_paid=True, is_cancelled=False, currency="EUR",
            total_minor=1000 + number, placed_at=placed_at, paid_at=placed_at, updated_at=at,
        )
        for number, placed_at in enumerate(sorted(around))
    ]  # fmt: skip


async def all_of(count: int) -> Outcome:
    """Compare all."""
    with tempfile.TemporaryDirectory() as name, databases.empty(Path(name)) as empty:
        first = await of_recorded(empty, Path(name))
        async with founded(empty, Path(name)) as town:
            second = await of_drawn(town, random.Random(11), count)
    return Outcome(first.compared + second.compared, [*first.differ, *second.differ])


def main() -> int:
    """Print how many figures differ."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    found = asyncio.run(all_of(count))
    for line in found.differ[:20]:
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{found.compared:,} figures compared, {len(found.differ)} figures differ\n")
    return 1 if found.differ else 0


if __name__ == "__main__":
    sys.exit(main())
