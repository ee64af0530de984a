"""A program: what a merchant publishes, as a TOML document, and its versions in time.

The document's shape is public. What this version of Perennial cannot do yet is refused by name,
never ignored: a merchant must not believe in a rule that nobody applies.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import prod
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from babel.numbers import list_currencies

from connector.errors import InvalidProgram
from connector.kernel.clock import Period

ENGINE = 1
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]
FACTOR = re.compile(r"0?\.\d{1,4}|\d{1,3}(\.\d{1,4})?", re.ASCII)
Stock = Annotated[int, msgspec.Meta(ge=1, le=100_000)]  # counted at each redemption

WORDS = {
    "Object contains unknown field": "this version does not know the field",
    "Object missing required field": "missing the field",
}
"""What msgspec says, as a merchant would."""


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most that a rule grants to one customer in a calendar period of the program's zone.

    What is more than is left is cut off, or all of it where the cap is ``all_or_nothing``.
    """

    points: Positive
    per: Period | Literal["lifetime"]
    all_or_nothing: bool = False


class Exclude(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Goods that a rule does not count, by the store's ids of their products."""

    products: list[str] = msgspec.field(default_factory=list)


class EarnRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """So many ``points`` for every ``per_minor`` of an order's goods, by the order's currency.

    A currency without a step earns nothing. Points are rounded once per order; they can be spent
    ``pending_days`` after the order was placed and paid.
    """

    id: Id
    kind: Literal["order"]
    count: list[Literal["lines"]] = msgspec.field(default_factory=lambda: ["lines"])
    points: Positive
    per_minor: dict[str, Positive]
    rounding: Literal["floor", "half_up", "ceil"] = "floor"
    pending_days: Days = 0
    caps: Annotated[list[Cap], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    exclude: Exclude = Exclude()


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a multiplier is for: orders placed from an instant on and before another, one product.

    Without any of these it is for all.
    """

    product: str | None = None
    begins_at: datetime | None = msgspec.field(default=None, name="from")
    ends_at: datetime | None = msgspec.field(default=None, name="until")

    def holds(self, at: datetime, product: str) -> bool:
        """Return whether a product is meant on an order placed at an instant."""
        if self.product not in {None, product}:
            return False
        is_early = self.begins_at is not None and at < self.begins_at
        return not is_early and (self.ends_at is None or at < self.ends_at)


class Multiplier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """More (or fewer) points for some goods. Where several hold, their factors are multiplied."""

    when: When
    factor: str


class Expiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a lot of points ends: so many months after it could first be spent."""

    kind: Literal["lot", "none"] = "none"
    months: Annotated[int, msgspec.Meta(ge=1, le=120)] = 12
    end_of_month: bool = False


class Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount off one order, for ``cost`` points; values and minimums by currency.

    Of ``stock`` there are so many in all, whoever has them and under whichever version.
    """

    id: Id
    kind: Literal["amount_off"]
    cost: Positive
    value_minor: dict[str, Positive]
    minimum_minor: dict[str, Positive] = msgspec.field(default_factory=dict)
    code_expires_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    stock: Stock | None = None


Multipliers = Annotated[list[Multiplier], msgspec.Meta(max_length=100)]


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of a store's program, as published.

    A balance below zero is paid by the next points. With ``clamp`` it is forgiven at once instead.
    With ``block`` nothing is redeemed while it lasts; since every reward has a cost, that is so
    with ``allow`` too.
    """

    name: Name
    engine: Literal[1]
    timezone: str
    currency: str
    earn_from: datetime | None = None
    deleted_orders: Literal["keep", "void"] = "keep"
    negative_balance: Literal["allow", "clamp", "block"] = "allow"
    paid_statuses: list[str] = msgspec.field(default_factory=list)
    order_notes: bool = False
    earn: list[EarnRule] = msgspec.field(default_factory=list)
    multiplier: Multipliers = msgspec.field(default_factory=list)
    expiry: Expiry = Expiry()
    reward: list[Reward] = msgspec.field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all calendar sums."""
        return ZoneInfo(self.timezone)

    def factor(self, at: datetime, product: str) -> Fraction:
        """Return by what the points of a product, ordered at an instant, are multiplied."""
        holding = (Fraction(one.factor) for one in self.multiplier if one.when.holds(at, product))
        return prod(holding, start=Fraction(1))

    def find_reward(self, reward_id: str) -> Reward | None:
        """Return the reward of that id, if there is one."""
        return next((reward for reward in self.reward if reward.id == reward_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version in force from ``begins_at`` on, until a later one begins."""

    version: int
    begins_at: datetime
    program: Program


def parse(text: str) -> Program:
    """Read a program document.

    Raises:
        InvalidProgram: with the path of the mistake and what would be right.
    """
    try:
        document = tomllib.loads(text)
        program = msgspec.convert(document, Program)
    except tomllib.TOMLDecodeError as error:
        raise InvalidProgram(f"this is no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise InvalidProgram(_plain(str(error))) from error
    for problem in _problems(program):
        raise InvalidProgram(problem)
    return program


def _plain(message: str) -> str:
    """Return msgspec's message with a path that a merchant can find: ``earn[0].points``."""
    said, _, path = message.partition(" - at `$")
    where = path.removesuffix("`").lstrip(".") or "the document"
    for was, becomes in WORDS.items():
        said = said.replace(was, becomes)
    return f"{where}: {said}"


def _problems(program: Program) -> list[str]:
    """Return what is wrong with a document that has the right shape."""
    known = list_currencies()
    found = []
    if program.timezone not in available_timezones():
        found.append(f"timezone: {program.timezone!r} is none; write one like Europe/Warsaw")
    if program.earn_from is not None and program.earn_from.tzinfo is None:
        found.append("earn_from: say the zone too, such as 2025-01-01T00:00:00Z")
    for n, multiplier in enumerate(program.multiplier):
        found += _problems_of(multiplier, f"multiplier[{n}]")
    if len(program.earn) > 1:
        found.append("earn[1]: one earn rule is what this version can do")
    if len({reward.id for reward in program.reward}) < len(program.reward):
        found.append("reward: two rewards have one id")
    used = [("currency", {program.currency: 1})]
    used += [(f"earn[{n}].per_minor", rule.per_minor) for n, rule in enumerate(program.earn)]
    for n, reward in enumerate(program.reward):
        used += [(f"reward[{n}].value_minor", reward.value_minor)]
        used += [(f"reward[{n}].minimum_minor", reward.minimum_minor)]
    found += [
        f"{path}: {code!r} is no currency code; write one like EUR"
        for path, amounts in used
        for code in amounts
        if code not in known
    ]
    return found


def _problems_of(one: Multiplier, path: str) -> list[str]:
    if not FACTOR.fullmatch(one.factor) or not Fraction(one.factor):
        return [f'{path}.factor: {one.factor!r} is none; write one like "1.5", above 0']
    ends = [at for at in (one.when.begins_at, one.when.ends_at) if at is not None]
    if any(at.tzinfo is None for at in ends):
        return [f"{path}.when: say the zone too, such as 2026-11-27T00:00:00Z"]
    return [f"{path}.when: it ends before it begins"] if ends != sorted(ends) else []


def publications(published: Sequence[tuple[datetime, Program]]) -> tuple[Publication, ...]:
    """Number versions in the order they were published, and say from when each holds.

    Only the first has ``earn_from``, which may lie in the past; without it, it holds from its
    publication, as every later one does.
    """
    return tuple(
        Publication(
            version=number,
            begins_at=(program.earn_from or at).astimezone(UTC) if number == 1 else at,
            program=program,
        )
        for number, (at, program) in enumerate(published, start=1)
    )


def in_force(versions: Sequence[Publication], at: datetime) -> Publication | None:
    """Return the last published version that had begun at an instant, if any.

    A fact's own instant decides, not today's: publishing never re-rates the past.
    """
    return next((one for one in reversed(versions) if one.begins_at <= at), None)
