"""Tiers once more, naively: what counts is counted anew from nothing at every instant.

Remembered is only what the past alone decides: the facts seen, the tier held, a running grace, a
protection. By an author who had not seen the rules' code, from their words alone; the numbers are
those of the words.
"""

from datetime import UTC, datetime
from fractions import Fraction
from math import ceil, floor

from connector.kernel.clock import add_days, add_months
from platforms.model import Refund
from tests.connector.features.loyalty.histories import STAMPS


def tiers_met(orders, versions):
    """Return the name of the tier (or None) that each qualifying order meets, by order id."""
    return walk(orders, versions, max(one.placed_at for one in orders))[0] if orders else {}


def tier_on(orders, versions, at):
    """Return the tier's name after all that happens up to an instant, it included, or None."""
    return walk(orders, versions, at)[1]


def walk(orders, versions, until):
    orders = sorted((one for one in orders if qualifies(one, versions)), key=lambda one: one.id)
    programs = [one.program for one in versions if one.program.tiers is not None]
    known = {one.begins_at for one in versions}  # all that could matter; too many do no harm
    for order in orders:
        known |= {order.placed_at, *(happens(order, refund) for refund in in_time(order))}
        known |= {leaves(order, program) for program in programs}
    known.discard(None)
    years = range(min(known, default=until).year, until.year + 2)
    known |= {year_start(year, program.zone) for year in years for program in programs}
    standing, now = Standing(orders, versions), datetime.min.replace(tzinfo=UTC)
    met: dict[str, str | None] = {}
    while True:
        ends = {standing.lapses_at, standing.safe_until}
        coming = [at for at in known | ends if at is not None and now < at <= until]
        if not coming:
            return met, standing.name()
        now = min(coming)
        met |= standing.live_through(now)


def in_force(versions, at):  # rule 1
    begun = [version.program for version in versions if version.begins_at <= at]
    return begun[-1] if begun else None


def qualifies(order, versions):  # rule 2
    program = in_force(versions, order.placed_at)
    if program is None or (order.is_deleted and program.deleted_orders == "void"):
        return False
    return order.status in program.paid_statuses if program.paid_statuses else order.is_paid


def happens(order, refund):  # rule 3
    return max(refund.refunded_at, order.placed_at)


def in_time(order):
    """What takes of an order; a cancel that is dated takes all, after refunds of its instant."""
    taking = [*order.refunds]
    if order.cancelled_at is not None:
        taking.append(Refund(id="~", amount_minor=10**12, refunded_at=order.cancelled_at))
    return sorted(taking, key=lambda one: (one.refunded_at, one.id))


def kept(order, refunds, earn):
    """Rule 3: what these refunds leave of what counts, exactly."""
    excluded, tax = earn.exclude.products, "tax" in earn.count
    shelves = STAMPS[order.id].collections if order.id in STAMPS else {}
    excluded = {*excluded, *(p for p in shelves if {*shelves[p]} & {*earn.exclude.collections})}
    uncounted = {line.id for line in order.lines if line.product_id in excluded}
    named = [line for refund in refunds for line in refund.lines]

    def minor(one):
        return one.total_minor + (one.tax_minor if tax else 0)

    goods = sum(minor(line) for line in order.lines if line.id not in uncounted)
    goods -= sum(minor(line) for line in named if line.line_id not in uncounted)
    if "shipping" in earn.count:
        goods += minor(order.shipping) - sum(minor(refund.shipping) for refund in refunds)
    explained = sum(refund.other_minor for refund in refunds)
    explained += sum(line.total_minor + line.tax_minor for line in named)
    unexplained = max(0, sum(refund.amount_minor for refund in refunds) - explained)
    rest = order.total_minor - explained
    if rest <= unexplained:
        return Fraction(0)
    return max(Fraction(0), goods * (1 - Fraction(unexplained, rest)))


def worth(order, refunds_seen, versions):
    """Rule 3: what an order counts after so many of its refunds, in each measure there is."""
    earn, refunds = in_force(versions, order.placed_at).earn[0], in_time(order)
    ends = range(refunds_seen, len(refunds) + 1)
    value = max(kept(order, refunds[:end], earn) for end in ends)
    points = 0
    if order.currency in earn.per_minor:
        exact = value * earn.points / earn.per_minor[order.currency]
        half_up = floor(exact + Fraction(1, 2))
        points = {"floor": floor(exact), "half_up": half_up, "ceil": ceil(exact)}[earn.rounding]
    orders = 1 if value > 0 else 0
    return {order.currency: floor(value), "points": min(points, 10**12), "orders": orders}


def year_start(year, zone):
    return datetime(year, 1, 1, tzinfo=zone).astimezone(UTC)


def leaves(order, program):
    """Rule 4: from when on an order does not count; None is never."""
    if program.tiers.window == "lifetime":
        return None
    if program.tiers.window == "calendar_year":
        return year_start(order.placed_at.astimezone(program.zone).year + 1, program.zone)
    return add_months(order.placed_at, program.tiers.months, program.zone)


class Standing:
    def __init__(self, orders, versions):
        self.orders, self.versions = orders, versions  # qualifying, by id
        self.seen = {}  # order id -> how many of its refunds have happened
        self.program = None  # in force, if it has tiers
        self.held = 0  # 0 is none, 1 the lowest
        self.lapses_at = None  # a grace runs until then
        self.falls_to = None  # the tier that the ended year brought
        self.safe_until = None  # a protection (rule 7) runs until then

    def name(self):
        return self.program.tiers.tier[self.held - 1].name if self.held else None

    def is_rolling(self):
        return self.program.tiers.window not in {"lifetime", "calendar_year"}

    def reached(self, now, *, left=True):
        """Rule 4. Has what leaves at this very instant ``left`` already?"""
        sums: dict[str, int] = {}
        for order in (one for one in self.orders if one.id in self.seen):
            end = leaves(order, self.program)
            if end is None or now < end or (now == end and not left):
                for measure, value in worth(order, self.seen[order.id], self.versions).items():
                    sums[measure] = sums.get(measure, 0) + value
        highest = 0
        for number, tier in enumerate(self.program.tiers.tier, start=1):
            if any(sums.get(measure, 0) >= least for measure, least in tier.needs.items()):
                highest = number
        return highest

    def judge(self, now):
        """Rules 5 and 6, but for the end of a year."""
        if self.program is None:
            return
        reached = self.reached(now)
        if reached >= self.held:
            self.held, self.lapses_at, self.safe_until = reached, None, None
        elif self.is_rolling() and self.safe_until is None:
            self.begin_grace(now)

    def begin_grace(self, now, brought=0):
        if self.lapses_at is None:  # one that runs is not restarted
            self.falls_to = self.program.tiers.tier[brought - 1].name if brought else None
            self.lapses_at = add_days(now, self.program.tiers.grace_days, self.program.zone)

    def live_through(self, now):
        """Rule 9: all of one instant. Returns what its orders meet (rule 10)."""
        self.end_windows(now)
        if self.safe_until == now:
            self.safe_until = None
            self.judge(now)
        self.lapse(now)
        self.begin_version(now)
        self.lapse(now)
        met = {}
        for order in (one for one in self.orders if one.placed_at == now):
            met[order.id] = self.name()
            self.seen[order.id] = 0
            self.judge(now)
        for order in self.orders:
            for _ in (one for one in in_time(order) if happens(order, one) == now):
                self.seen[order.id] += 1
                self.judge(now)
                self.lapse(now)  # a grace of no days
        return met

    def begin_version(self, now):
        """Rule 8."""
        before, name, after = self.program, self.name(), in_force(self.versions, now)
        self.program = after if after is not None and after.tiers is not None else None
        if self.program is before:
            return
        windows = [one and (one.tiers.window, one.timezone) for one in (before, self.program)]
        if windows[0] != windows[1]:
            self.lapses_at = self.safe_until = None
        names = [one.name for one in self.program.tiers.tier] if self.program is not None else []
        if name in names:
            self.held = names.index(name) + 1
        elif name is not None and self.program is not None:
            self.held = self.reached(now)
        else:
            self.held = 0
        self.judge(now)

    def end_windows(self, now):
        """Rules 4 and 6: orders leave; a year that has ended is judged by what counted in it."""
        if self.program is not None and self.program.tiers.window == "calendar_year":
            zone = self.program.zone
            is_new_year = now == year_start(now.astimezone(zone).year, zone)
            brought = self.reached(now, left=False)
            if is_new_year and brought < self.held:
                self.begin_grace(now, brought)
        self.judge(now)

    def lapse(self, now):
        """Rule 7."""
        if self.lapses_at != now:
            return
        self.lapses_at, tiers, reached = None, self.program.tiers, self.reached(now)
        names = [one.name for one in tiers.tier]
        brought = names.index(self.falls_to) + 1 if self.falls_to in names else 0
        whole = max(reached, brought)  # a year's judgement is by what the year brought
        self.held = whole if tiers.downgrade_step == "whole" else self.held - 1
        if self.is_rolling() and reached < self.held:
            self.safe_until = add_months(now, tiers.months, self.program.zone)
