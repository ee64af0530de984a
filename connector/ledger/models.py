"""Tables of the ledger: accounts, and entries that are only ever added."""

from datetime import datetime
from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX, LIVE


class AccountRow(Model):
    """Whose points: a customer's or a guest's.

    Dirty while ``dirty_gen`` is ahead of ``settled_gen``, and settled in the order of ``lane``; due
    when ``next_due_at`` is past, the next instant at which points come or go by themselves. At
    ``next_expiry_at``, ``next_due_points`` expire. While it is dirty, what changed began at
    ``dirty_from`` or later; null says nothing. ``dirty_at`` is since when it waits in its lane,
    null while it is clean.
    ``tier`` and ``standing`` are what its feature last knew of its tier, for whoever shows it;
    the standing holds ``until`` then, and nobody but who shows it need care. At ``remind_at`` it is
    time to say that points are going to expire.
    Where settling failed, it waits until ``retry_at``. ``version`` grows with every change of what
    its owner sees. ``available`` is what could be spent when it was settled last.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    key = fields.CharField(max_length=100)
    dirty_gen = fields.IntField(default=1)
    settled_gen = fields.IntField(default=0)
    next_due_at = fields.DatetimeField(null=True)
    retry_at = fields.DatetimeField(null=True)
    next_due_points = fields.BigIntField(default=0)
    next_expiry_at = fields.DatetimeField(null=True)
    dirty_from = fields.DatetimeField(null=True)
    dirty_at = fields.DatetimeField(null=True)
    lane = fields.SmallIntField(default=LIVE, db_default=LIVE)
    version = fields.IntField(default=0)
    tier = fields.CharField(max_length=100, null=True)
    standing = fields.TextField(null=True)
    until = fields.DatetimeField(null=True)
    remind_at = fields.DatetimeField(null=True)
    available = fields.BigIntField(default=0, db_default=0)

    def is_past(self, now: datetime) -> bool:
        """Return whether what it says needs to be settled before it is shown."""
        return any(at is not None and at <= now for at in (self.next_due_at, self.until))

    class Meta:
        table = "account"
        unique_together: ClassVar = (("store", "key"),)


class LinkRow(Model):
    """An account that became another's for good at ``joined_at``: a guest's, its customer's.

    ``order_ids`` are the orders that it brought. One that came with a ``batch`` of an import is
    undone with it; its ``mailbox`` is the sealed address. One made ``by`` a merchant, whose name
    that is, can be undone too; else a code proved it.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    owner = fields.CharField(max_length=100)
    joined_at = fields.DatetimeField()
    order_ids = fields.JSONField[list[str]]()
    batch = fields.CharField(max_length=ID_MAX, null=True)
    mailbox = fields.BinaryField(null=True)
    by = fields.CharField(max_length=100, null=True)

    class Meta:
        table = "link"
        unique_together: ClassVar = (("store", "account"),)
        indexes: ClassVar = (("store", "owner"),)


class MergeRow(Model):
    """An account that the store emptied into another, its ``owner``, at ``merged_at``.

    What of it began before, and no order carries, is the owner's: redemptions, adjustments and the
    like. What comes later is its own. No row any more once the store gives an order back.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    owner = fields.CharField(max_length=100)
    merged_at = fields.DatetimeField()

    class Meta:
        table = "merge"
        unique_together: ClassVar = (("store", "account"),)
        indexes: ClassVar = (("store", "owner"),)


class EntryRow(Model):
    """Points that came or went. ``n`` counts the entries of one ledger key."""

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    cause = fields.CharField(max_length=200)
    kind = fields.CharField(max_length=16)
    effective_at = fields.DatetimeField()
    n = fields.IntField()
    points = fields.BigIntField()
    posted_at = fields.DatetimeField()
    why = fields.TextField()

    class Meta:
        table = "entry"
        unique_together: ClassVar = (("store", "account", "cause", "kind", "effective_at", "n"),)


class CheckpointRow(Model):
    """What is left to know of an account's facts of before an instant, for accounts with many.

    A cache: good while no earlier fact changes, and for the ``form`` of ours that wrote it.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    at = fields.DatetimeField()
    form = fields.CharField(max_length=32)
    body = fields.BinaryField()

    class Meta:
        table = "checkpoint"
        unique_together: ClassVar = (("store", "account", "at"),)
