"""The program's budget: the most points that its rules give to all accounts together.

What orders, sign-ups and tiers that are reached earn under a version with a budget is granted as
far as it was admitted; see :mod:`connector.kernel.admission`. What waits to be admitted grants
nothing yet, and counts for caps as if it did. But once an account was refused anything, it asks for
each cause as if no other that waits were granted: so all that caps still leave is asked for at
once.

A store has one budget, whichever version it is given out under: a version's number is how many
points there are in all, so who wants to give more publishes a greater one, and after a smaller one
nothing is given out until enough is given back. Under a version without a budget nothing is asked
for, nothing is held, and nothing counts. Points by hand and points taken over are not part of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connector.features.loyalty.rules.facts import Facts
from connector.features.loyalty.rules.program import ACTS, Publication, in_force
from connector.kernel.admission import Admission, Claim, GivenOut, Worth, admit

SIGN_UP, TIER = "sign_up:", "tier:"


class Claims:
    """What the causes of an account claim, gathered while they are priced."""

    def __init__(self, admissions: Mapping[str, Admission]) -> None:
        self._admissions = admissions
        self._made: dict[str, Claim] = {}

    def admitted(self, claim: Claim) -> Admission:
        """Return what was admitted to a cause by now, with what it claims."""
        found = self._admissions.get(claim.cause)
        return replace(found, claim=claim) if found else Admission(claim)

    def add(self, claim: Claim) -> None:
        """Note what a cause claims."""
        self._made[claim.cause] = claim

    def absorb(self, other: "Claims") -> None:
        """Note what another account's causes claim."""
        self._made |= other._made

    def all(self) -> Iterator[Claim]:
        """Yield what each cause claims; one that earns nothing any more is worth nothing."""
        yield from self._made.values()
        for cause, one in self._admissions.items():
            if cause not in self._made:
                yield Claim(cause, one.claim.at, 0, (Worth(one.claim.at, 0),))


def has_budget(versions: Sequence[Publication]) -> bool:
    """Return whether any version has a budget."""
    return any(one.program.budget for one in versions)


def has_refused(admissions: Mapping[str, Admission]) -> bool:
    """Return whether any of these asked for more than there was."""
    return any(one.refused for one in admissions.values())


def limit_at(versions: Sequence[Publication], at: datetime) -> int:
    """Return how many points there are in all for what is asked for at an instant."""
    version = in_force(versions, at)
    return version.program.budget.points if version and version.program.budget else 0


def keys(account: str, facts: Facts) -> dict[str, str]:
    """Return the causes of an account that may have admissions, by names that no other has.

    An order's are its own: they stay what they are when it becomes another account's.
    """
    rules = max((len(one.program.order_rules) for one in facts.versions), default=0)
    found = {}
    for order in _orders(facts):
        for number in range(1, rules + 1):
            cause = cause_of(order, number)
            found[cause] = cause
    if facts.signed_up_at is not None:
        welcomes = {rule.id for one in facts.versions for rule in one.program.sign_up_rules}
        found |= {key_of(account, f"{SIGN_UP}{id_}"): f"{SIGN_UP}{id_}" for id_ in welcomes}
    if not facts.is_anothers:
        entries = [cause_of_tier(tier, name) for name in _names(facts) for tier in _paying(facts)]
        found |= {key_of(account, cause): cause for cause in entries}
    return found


def _names(facts: Facts) -> Iterator[str]:
    """Yield the account's own name, which is left out, and those of accounts that joined."""
    yield ""
    yield from (one.account for one in facts.joined)


def _paying(facts: Facts) -> set[str]:
    return {
        tier.name
        for one in facts.versions
        if one.program.tiers
        for tier in one.program.tiers.tier
        if tier.entry_points
    }


def cause_of_tier(tier: str, name: str = "") -> str:
    """Return what points for reaching a tier are caused by; of who joined, ``name`` says whose."""
    return f"{name}/{TIER}{tier}" if name else f"{TIER}{tier}"


def is_of_tier(cause: str) -> bool:
    """Return whether a cause is a tier that was reached."""
    return cause.startswith(TIER) or f"/{TIER}" in cause


def cause_of(order: str, number: int) -> str:
    """Return what an order's points by one of the rules for orders are caused by."""
    return f"order:{order}" if number == 1 else f"order:{order}/rule:{number}"


def key_of(account: str, cause: str) -> str:
    """Return the name that an account's cause has in all the store."""
    is_own = cause.startswith((SIGN_UP, TIER)) or is_act(cause)
    return f"{account}/{cause}" if is_own else cause


def is_act(cause: str) -> bool:
    """Return whether a cause is something that was done besides buying."""
    return cause.partition(":")[0] in ACTS


def _orders(facts: Facts) -> Iterator[str]:
    yield from (order.id for order in facts.orders)
    for one in facts.joined:
        yield from _orders(one.facts)


def with_admissions(facts: Facts, admissions: Mapping[str, Admission]) -> Facts:
    """Return facts, with those of accounts that joined, with what was admitted by cause."""
    joined = [replace(one, facts=with_admissions(one.facts, admissions)) for one in facts.joined]
    return replace(facts, admissions=admissions, joined=joined)


class Book:
    """A budget that is given out in memory, for whoever tries a program.

    Note what each account claims, and then admit; and again, where anybody was refused something.
    """

    def __init__(self, versions: Sequence[Publication]) -> None:
        self._versions = versions
        self._admissions: dict[str, Admission] = {}
        self._held = 0

    def given_out(self, at: datetime) -> GivenOut:
        """Return what became of the budget, of as many points as there are at an instant."""
        rows = self._admissions.values()
        return GivenOut(
            limit=limit_at(self._versions, at),
            used=sum(one.held - sum(part.points for part in one.spare()) for one in rows),
            refused=sum(one.refused for one in rows),
            waiting=sum(one.waiting for one in rows),
        )

    def of(self, account: str, facts: Facts) -> Facts:
        """Return an account's facts with its admissions."""
        found = {
            cause: self._admissions[key]
            for key, cause in keys(account, facts).items()
            if key in self._admissions
        }
        return with_admissions(facts, found)

    def note(self, account: str, claims: Iterable[Claim]) -> None:
        """Note what an account claims."""
        for claim in claims:
            key = key_of(account, claim.cause)
            held = self._admissions.get(key)
            self._admissions[key] = replace(held, claim=claim) if held else Admission(claim)

    def admit(self) -> bool:
        """Decide about all that is asked for by now; return whether anything of it was refused."""
        names = sorted(self._admissions)
        rows = [self._admissions[name] for name in names]
        rows, self._held = admit(self._held, rows, lambda at: limit_at(self._versions, at))
        before, self._admissions = self._admissions, dict(zip(names, rows, strict=True))
        return any(self._admissions[name].refused > before[name].refused for name in names)
