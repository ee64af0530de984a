"""What a program would have done with a store's own history: the live fold, account by account.

Nobody spends in it, for nobody can say who would have: what is owed is the most that could be.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from msgspec import structs

from connector.features.loyalty.rules.budget import Book, has_budget
from connector.features.loyalty.rules.earn import counts
from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.fold import Folded, fold
from connector.features.loyalty.rules.program import Program, Reward, publications
from connector.features.loyalty.rules.stamps import Stamp
from connector.features.loyalty.rules.value import Worth, best
from connector.kernel.admission import GivenOut
from connector.kernel.clock import awaited
from connector.kernel.posting import Posting
from platforms.model import Order


@dataclass(slots=True, kw_only=True)
class Sums:
    """Points by what became of them, none of them negative."""

    issued: int = 0
    taken_back: int = 0
    expired: int = 0
    forgiven: int = 0

    def add(self, posting: Posting) -> None:
        """Add one posting."""
        match posting.kind:
            case "earn":
                self.issued += posting.points
            case "clawback":
                self.taken_back -= posting.points
            case "expire":
                self.expired -= posting.points
            case "forgive":
                self.forgiven += posting.points


@dataclass(slots=True, kw_only=True)
class Report:
    """What a program in force from ``begins_at`` until ``at`` comes to over some accounts.

    ``sales`` are what the orders of that time that count came to after refunds, by currency, in
    minor units. ``months`` have points by when they could be spent or went, in the program's zone;
    those that wait for a delivery are in none.
    ``guest_points`` are those of ``available`` and ``pending`` that are guests'. ``tiers`` says how
    many accounts end up in each, ``can_redeem`` how many customers have enough for each reward.
    ``budget`` is what became of the program's, None where it has none.
    """

    program: str
    begins_at: datetime
    at: datetime
    accounts: int = 0
    orders: int = 0
    sales: Counter[str] = field(default_factory=Counter)
    total: Sums = field(default_factory=Sums)
    available: int = 0
    pending: int = 0
    guest_points: int = 0
    tiers: dict[str, int]
    can_redeem: dict[str, int]
    worth: Worth | None
    budget: GivenOut | None = None
    months: dict[str, Sums] = field(default_factory=dict)


class Simulation:
    """Tries a program on accounts, one after the other, and adds them up in its ``report``.

    Where it ``has_budget``, let all of them :meth:`ask` first, and then :meth:`give_out`.
    """

    def __init__(self, program: Program, currency: str, begins_at: datetime, at: datetime) -> None:
        self._program = program
        self._zone = program.zone
        self._versions = publications([(begins_at, structs.replace(program, earn_from=None))])
        self.begins_at = begins_at
        self.at = at
        self.welcomes = bool(program.sign_up_rules)
        self.has_budget = has_budget(self._versions)
        self._book = Book(self._versions)
        offered = [one for one in program.reward if one.is_in(currency) and one.is_offered(at)]
        self._rewards: list[Reward] = offered
        self._months: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
        self._report = Report(
            program=program.name,
            begins_at=begins_at,
            at=at,
            tiers=dict.fromkeys(program.tiers.names if program.tiers else (), 0),
            can_redeem={one.id: 0 for one in offered},
            worth=best(program, currency, at),
        )

    @property
    def report(self) -> Report:
        """What it comes to by now."""
        months = {f"{year}-{month:02}": sums for (year, month), sums in self._months.items()}
        budget = self._book.given_out(self._report.at) if self.has_budget else None
        return replace(self._report, months=months, budget=budget)

    @property
    def reads_stamps(self) -> bool:
        """Whether orders' points depend on what is stamped."""
        return self._program.reads_collections or self._program.reads_segments

    def facts(
        self,
        orders: Sequence[Order],
        signed_up_at: datetime | None = None,
        stamps: Mapping[str, Stamp] = MappingProxyType({}),
    ) -> Facts:
        """Return what an account's points follow from here."""
        return Facts(
            orders=orders,
            signed_up_at=signed_up_at,
            versions=self._versions,
            explains=False,
            stamps=stamps,
        )

    def ask(self, account: str, facts: Facts) -> None:
        """Note what an account asks of the budget."""
        self._book.note(account, fold(self._book.of(account, facts), self._report.at).claims)

    def give_out(self) -> bool:
        """Give the budget out to all who asked, in the order of their orders.

        Return whether they may ask for more: what was refused to some leaves more room in caps.
        """
        return self._book.admit()

    def add(self, account: str, facts: Facts, *, is_guest: bool) -> Folded:
        """Fold an account under the program, count it, and return what came out."""
        report = self._report
        folded = fold(self._book.of(account, facts) if self.has_budget else facts, report.at)
        self._book.note(account, folded.claims)
        balance = sum(one.points for one in folded.postings)
        available = folded.purse.available()
        report.accounts += 1
        report.available += available
        report.pending += balance - available
        report.guest_points += balance if is_guest else 0
        for part in (facts, *(one.facts for one in facts.joined)):
            for order in part.orders:
                self._sold(order)
        for posting in folded.postings:
            report.total.add(posting)
            if not awaited(posting.effective_at):
                at = posting.effective_at.astimezone(self._zone)
                self._months[at.year, at.month].add(posting)
        tier = folded.stand.tier if folded.stand else None
        if tier is not None:
            report.tiers[tier] += 1
        for reward in () if is_guest else self._rewards:
            if available >= reward.cost and (not reward.tiers or tier in reward.tiers):
                report.can_redeem[reward.id] += 1
        return folded

    def _sold(self, order: Order) -> None:
        report = self._report
        is_then = report.begins_at <= order.placed_at <= report.at
        if is_then and not order.is_cancelled and counts(order, self._program):
            refunded = sum(one.amount_minor for one in order.refunds)
            report.orders += 1
            report.sales[order.currency] += order.total_minor - refunded
