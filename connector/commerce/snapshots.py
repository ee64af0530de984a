"""How an observation changes what we hold: pure rules, and snapshots as bytes.

Newer is stored; equal and the same is nothing; older is dropped; equal but different, a bare id,
or an incomplete one makes the record dirty: somebody must fetch it.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

import msgspec

from platforms.model import Customer, Kind, Order, Product, Record

NO_TIME = datetime.min.replace(tzinfo=UTC)
TYPES: dict[Kind, type[Record]] = {"order": Order, "customer": Customer, "product": Product}
R = TypeVar("R", bound=Record)


class Verdict(Enum):
    """What to do with an observation."""

    STORE = "store"
    NOTHING = "nothing"
    DIRTY = "dirty"


def pack(record: Record) -> bytes:
    """Return a snapshot as bytes, the same for the same record."""
    return msgspec.json.encode(record, order="sorted")


def unpack(body: bytes, type_: type[R]) -> R:
    """Return the snapshot of packed bytes."""
    return msgspec.json.decode(body, type=type_)


def content_hash(record: Record) -> str:
    """Return what differs where any field differs, but for the stamp."""
    blank = replace(record, updated_at=NO_TIME)
    return hashlib.sha256(pack(blank)).hexdigest()


def judge(held: Record | None, seen: Record, *, is_complete: bool) -> Verdict:
    """Decide on an observation against the snapshot held.

    The platform's stamps are too coarse to order two changes within one of their ticks.
    """
    if held is not None and seen.updated_at < held.updated_at:
        return Verdict.NOTHING
    if not is_complete:
        return Verdict.DIRTY
    if held is None or seen.updated_at > held.updated_at:
        return Verdict.STORE
    if content_hash(held) == content_hash(seen):
        return Verdict.NOTHING
    return Verdict.DIRTY


def settled_on(held: Record | None, seen: Record) -> Record:
    """Return what to keep of an observation: in the trash, the last live status, marked.

    The trash hides the status that the order had, and with it whether it was paid or cancelled;
    all else it still shows, such as a refund of which we had not heard. Where it shows a payment
    that what is held does not know of, that is no longer the last live status: the payment counts.
    """
    if not (isinstance(seen, Order) and isinstance(held, Order) and seen.is_deleted):
        return seen
    if seen.is_paid and held.paid_at is None and not held.is_paid:
        return seen
    return replace(
        seen,
        status=held.status,
        is_paid=held.is_paid,
        is_cancelled=held.is_cancelled,
        cancelled_at=held.cancelled_at,
    )


def entombed(held: Record) -> Record:
    """Return the snapshot of a record that the platform no longer has: its last state, marked."""
    return replace(held, is_deleted=True) if isinstance(held, Order) else held
