"""Tables of stores and of what they showed us. Every table is keyed by store first.

Columns added since the first release have a default of the database too: rows are there already.
"""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

EMAIL_MAX = 320
NAME_MAX = 200
ID_MAX = 64
URL_MAX = 500
LIVE, BACKFILL = 0, 1
"""Lanes: what just happened, and what was so long ago that it can wait its turn."""
LANES = ("live", "backfill")
"""Their names."""


class StoreRow(Model):
    """A connected store.

    ``access``, ``webhook_secret``, ``guest_key`` and ``erasure_key`` are sealed; the last is null
    until somebody is erased. ``connected_at`` is when it was connected last. ``storefront`` is
    where shoppers see its pages, where that is not at ``url``. Mail to customers is from
    ``mail_name``, answers to it go to ``reply_to``; null is as the operator has it. ``watermark``
    is the greatest
    platform stamp that a whole pass over the listings has seen, never our clock; until the first
    pass it is null. ``reconcile_at`` is when the next pass is due, ``audit_at`` from when on it is
    an audit. ``old_webhook_secret`` verifies too until ``old_secret_until``, or for as long as it
    takes where that is null: the change of secret broke off. ``trouble`` is what went wrong last,
    by its ``trouble_name`` and with its ``trouble_advice``,
    ``failures`` times in a row. ``webhooks_mended_at`` is when we last made webhooks anew that the
    store had given up. A store disconnected is neither read nor written.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    platform = fields.CharField(max_length=32)
    url = fields.CharField(max_length=URL_MAX)
    name = fields.CharField(max_length=200)
    currency = fields.CharField(max_length=3)
    timezone = fields.CharField(max_length=64)
    storefront = fields.CharField(max_length=URL_MAX, null=True)
    mail_name = fields.CharField(max_length=100, null=True)
    reply_to = fields.CharField(max_length=EMAIL_MAX, null=True)
    access = fields.BinaryField()
    webhook_secret = fields.BinaryField()
    guest_key = fields.BinaryField()
    erasure_key = fields.BinaryField(null=True)
    connected_at = fields.DatetimeField()
    watermark = fields.DatetimeField(null=True)
    reconcile_at = fields.DatetimeField()
    trouble = fields.TextField(default="")
    trouble_name = fields.CharField(max_length=40, default="", db_default="")
    trouble_advice = fields.TextField(default="", db_default="")
    failures = fields.IntField(default=0, db_default=0)
    audit_at = fields.DatetimeField(null=True)
    old_webhook_secret = fields.BinaryField(null=True)
    old_secret_until = fields.DatetimeField(null=True)
    webhooks_mended_at = fields.DatetimeField(null=True)
    disconnected_at = fields.DatetimeField(null=True)

    class Meta:
        table = "store"
        unique_together: ClassVar = (("platform", "url"),)


class RecordRow(Model):
    """What every kind of record has: the newest snapshot, and what we know of its freshness.

    ``body`` is the snapshot as JSON, null while we only know its id. The record is dirty while
    ``dirty_gen`` is ahead of ``fetched_gen``: somebody named it, or showed it incompletely.
    ``dirty_at`` is since when it waits in its lane, null while it is clean.
    ``shown_at`` is the stamp of the newest incomplete one. ``older_fetches`` counts fetches in a
    row that brought an older state than we know of, ``fetch_failures`` those that failed for this
    record alone. ``audited_at`` is when the audit began that
    last saw it; ``is_gone`` once the platform had it no more. Fetched in the order of ``lane``.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    platform_id = fields.CharField(max_length=ID_MAX)
    body = fields.BinaryField(null=True)
    content_hash = fields.CharField(max_length=64, default="")
    updated_at = fields.DatetimeField(null=True)
    shown_at = fields.DatetimeField(null=True)
    dirty_gen = fields.IntField(default=0)
    dirty_at = fields.DatetimeField(null=True)
    fetched_gen = fields.IntField(default=0)
    older_fetches = fields.IntField(default=0)
    fetch_failures = fields.IntField(default=0, db_default=0)
    retry_at = fields.DatetimeField(null=True)
    audited_at = fields.DatetimeField(null=True)
    is_gone = fields.BooleanField(default=False, db_default=False)
    lane = fields.SmallIntField(default=LIVE, db_default=LIVE)

    class Meta:
        abstract = True


class OrderRow(RecordRow):
    """An order. ``account`` is whose points it moves, empty where it names nobody.

    ``placed_at`` is the snapshot's, for whoever wants the later ones only.
    """

    account = fields.CharField(max_length=100, default="")
    placed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "order"
        unique_together: ClassVar = (("store", "platform_id"),)
        indexes: ClassVar = (("store", "account", "placed_at"),)


class CustomerRow(RecordRow):
    """A customer.

    To find them by, in canonical form: the snapshot's ``email``, their ``name`` with the first name
    first and ``surname`` with the last one first; empty where there is none.
    """

    email = fields.CharField(max_length=EMAIL_MAX, null=True)
    name = fields.CharField(max_length=NAME_MAX, null=True)
    surname = fields.CharField(max_length=NAME_MAX, null=True)

    class Meta:
        table = "customer"
        unique_together: ClassVar = (("store", "platform_id"),)
        indexes: ClassVar = (("store", "email"), ("store", "id"))


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


class ErasedRow(Model):
    """An account whose person was erased ``erased_at`` last: a keyed ``digest`` of it, no more."""

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    digest = fields.CharField(max_length=64)
    erased_at = fields.DatetimeField()

    class Meta:
        table = "erased"
        unique_together: ClassVar = (("store", "digest"),)
