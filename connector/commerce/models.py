"""Tables of stores and of what they showed us. Every table is keyed by store first."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

ID_MAX = 64


class StoreRow(Model):
    """A connected store.

    ``access``, ``webhook_secret`` and ``guest_key`` are sealed. ``watermark`` is the greatest
    platform stamp that a whole pass over the listings has seen, never our clock; until the first
    pass it is null. ``reconcile_at`` is when the next pass is due.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    platform = fields.CharField(max_length=32)
    url = fields.CharField(max_length=500)
    name = fields.CharField(max_length=200)
    currency = fields.CharField(max_length=3)
    timezone = fields.CharField(max_length=64)
    access = fields.BinaryField()
    webhook_secret = fields.BinaryField()
    guest_key = fields.BinaryField()
    connected_at = fields.DatetimeField()
    watermark = fields.DatetimeField(null=True)
    reconcile_at = fields.DatetimeField()
    trouble = fields.TextField(default="")

    class Meta:
        table = "store"
        unique_together: ClassVar = (("platform", "url"),)


class RecordRow(Model):
    """What every kind of record has: the newest snapshot, and what we know of its freshness.

    ``body`` is the snapshot as JSON, null while we only know its id. The record is dirty while
    ``dirty_gen`` is ahead of ``fetched_gen``: somebody named it, or showed it incompletely.
    ``shown_at`` is the stamp of the newest incomplete one. ``older_fetches`` counts fetches in a
    row that brought an older state than we know of.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    platform_id = fields.CharField(max_length=ID_MAX)
    body = fields.BinaryField(null=True)
    content_hash = fields.CharField(max_length=64, default="")
    updated_at = fields.DatetimeField(null=True)
    shown_at = fields.DatetimeField(null=True)
    dirty_gen = fields.IntField(default=0)
    fetched_gen = fields.IntField(default=0)
    older_fetches = fields.IntField(default=0)
    retry_at = fields.DatetimeField(null=True)

    class Meta:
        abstract = True


class OrderRow(RecordRow):
    """An order. ``account`` is whose points it moves, empty where it names nobody."""

    account = fields.CharField(max_length=100, default="")

    class Meta:
        table = "order"
        unique_together: ClassVar = (("store", "platform_id"),)
        indexes: ClassVar = (("store", "account"),)


class CustomerRow(RecordRow):
    """A customer."""

    class Meta:
        table = "customer"
        unique_together: ClassVar = (("store", "platform_id"),)


class ProductRow(RecordRow):
    """A product."""

    class Meta:
        table = "product"
        unique_together: ClassVar = (("store", "platform_id"),)


class OrderCodeRow(Model):
    """A discount code on an order, lower-cased: finds the orders that carry a code."""

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    code = fields.CharField(max_length=100)
    order = fields.CharField(max_length=ID_MAX)

    class Meta:
        table = "order_code"
        unique_together: ClassVar = (("store", "code", "order"),)
        indexes: ClassVar = (("store", "order"),)
