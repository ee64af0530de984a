"""``members.jsonl``: what everybody has, a JSON object a line, to be gone on from elsewhere.

The first line says of which instant it is, the last how many members there are, so that a file of
which a part is missing is known for what it is. Between them stands a member a line.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Literal, TypeVar

import msgspec
from msgspec import Struct

from connector.commerce.models import ID_MAX
from connector.errors import RequestInvalid
from connector.features.loyalty.rules.holding import (
    POINTS_MAX,
    Aware,
    Counted,
    HeldLot,
    HeldTier,
    Holding,
    Owed,
)
from connector.features.loyalty.rules.program import ORDERS, POINTS

T = TypeVar("T")
NAME = "members.jsonl"
CURRENCY = re.compile("[A-Z]{3}")
LINE_MAX = 32 * 1024 * 1024  # bytes: of whom a few hundred thousand orders count
FORMAT: Literal["perennial-members/1"] = "perennial-members/1"


class Head(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: what the rest is, and the instant that it is of."""

    format: Literal["perennial-members/1"]
    as_of: Aware


class End(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line."""

    members: int


class Member(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A customer, or a guest by the e-mail address, and what they hold.

    Tiers ``entered`` once pay nothing again. A customer's ``mailboxes`` are the addresses of guests
    who proved to be that customer.
    """

    customer_id: str = ""
    email: str = ""
    lots: tuple[HeldLot, ...] = ()
    owed: Owed = 0
    tier: HeldTier | None = None
    counted: tuple[Counted, ...] = ()
    entered: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()

    def holding(self, at: datetime) -> Holding:
        """Return what the member holds at the instant of the file."""
        return Holding(
            at=at,
            lots=self.lots,
            owed=self.owed,
            tier=self.tier,
            counted=self.counted,
            entered=self.entered,
        )


class Reader:
    """Reads a file from its beginning, a line at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._name = Path(file.name).name
        self._number = 1
        self._line = file.readline(LINE_MAX)
        try:
            self.as_of = _decoded(self._line, Head).as_of
        except ValueError as error:
            example = f'{{"format":"{FORMAT}","as_of":"2026-12-31T23:00:00Z"}}'
            raise RequestInvalid(
                f"{self.place}: {error}; the first line must be as {example}"
            ) from None

    @property
    def place(self) -> str:
        """Where in which file we are, for people."""
        return f"{self._name}, line {self._number}"

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of members, with their numbers.

        Raises:
            RequestInvalid: the file ends before its last line, or says otherwise how many.
        """
        members, held = 0, b""
        while line := self._file.readline(LINE_MAX):
            if held:
                members += 1
                self._number += 1
                yield self._number, held
            held = line
        self._number += 1
        try:
            end = _decoded(held, End)
        except ValueError:
            end = None
        if end is None or end.members != members:
            raise RequestInvalid(
                f'{self.place}: the last line must be {{"members":{members}}}: is all of it there?'
            )


def read(line: bytes) -> Member:
    """Return the member of a line.

    Raises:
        ValueError: with what is wrong.
    """
    return _decoded(line, Member)


def require_sound(one: Member, as_of: datetime, tiers: Sequence[str]) -> None:
    """Refuse a member that could not be so; ``tiers`` are those that the program has.

    Raises:
        ValueError: with what would be right.
    """
    if not one.customer_id and "@" not in one.email:
        raise ValueError("nobody's: give a customer_id or, of a guest, an email")
    if len(one.customer_id) > ID_MAX or not one.customer_id.isprintable():
        raise ValueError(f"{one.customer_id[:ID_MAX]!r} is no customer's id")
    if one.mailboxes and not one.customer_id:
        raise ValueError("a guest has no other mailboxes: give the customer_id of whose they are")
    if strange := [text for text in one.mailboxes if "@" not in text]:
        raise ValueError(f"{strange[0]!r} is no e-mail address")
    if sum(lot.points for lot in one.lots) > POINTS_MAX:
        raise ValueError(f"more than {POINTS_MAX:,} points in all")
    for lot in one.lots:
        _require_end(lot, as_of)
    _require_tiers(one, tiers)


def _require_tiers(one: Member, tiers: Sequence[str]) -> None:
    named = [one.tier.name, one.tier.falls_to] if one.tier else []
    if unknown := [name for name in named if name is not None and name not in tiers]:
        there = f"write one of {', '.join(tiers)}" if tiers else "the program has none"
        raise ValueError(f"there is no tier {unknown[0]!r}: {there}")
    for measure in {name for counted in one.counted for name in counted.amounts}:
        if measure not in {POINTS, ORDERS} and not CURRENCY.fullmatch(measure):
            raise ValueError(f"{measure!r} counts nothing: write a currency, points or orders")


def _require_end(lot: HeldLot, as_of: datetime) -> None:
    if lot.expires_at is None:
        return
    if lot.awaits and not lot.idle_months:
        raise ValueError(
            f"{lot.points} points wait for order {lot.awaits.order} to be {lot.awaits.until} and"
            " end already: leave expires_at out, it counts from then"
        )
    if lot.expires_at <= lot.available_at and not lot.idle_months:
        raise ValueError(
            f"{lot.points} points end at {lot.expires_at:%FT%TZ}, before they can be spent, at"
            f" {lot.available_at:%FT%TZ}: an end comes later"
        )
    if lot.expires_at <= as_of:
        raise ValueError(
            f"{lot.points} points had ended, at {lot.expires_at:%FT%TZ}, when the file was written:"
            " leave them out"
        )


def _decoded(line: bytes, kind: type[T]) -> T:
    if len(line) >= LINE_MAX:
        raise ValueError(f"no more than {LINE_MAX:,} bytes a line")
    try:
        return msgspec.json.decode(line, type=kind)
    except UnicodeDecodeError:
        raise ValueError("this is not in UTF-8") from None
