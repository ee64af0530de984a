"""The loyalty feature's tables: programs and drafts, decisions, claims, stamps, what was done."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX


class PublicationRow(Model):
    """A published program version, as the merchant wrote it.

    Who asked for it under a ``key`` asks for the same by the same key again. With
    ``re_rate_from`` it holds since then, and orders of before its publication are rated anew.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    version = fields.IntField()
    published_at = fields.DatetimeField()
    document = fields.TextField()
    key = fields.CharField(max_length=100, null=True)
    re_rate_from = fields.DatetimeField(null=True)

    class Meta:
        table = "publication"
        unique_together: ClassVar = (("store", "version"),)


class DraftRow(Model):
    """A store's program that is being written: a document that could be published as it is.

    It counts its changes in ``revision``. ``tried`` says in JSON what it would have come to;
    ``asked_at`` since when that is waited for, with so many accounts ``seen`` by now, ``trouble``
    why it cannot be told. Who threw it away can have it back: ``discarded_at``.
    """

    store = fields.CharField(max_length=ID_MAX, primary_key=True)
    document = fields.TextField()
    revision = fields.IntField()
    saved_at = fields.DatetimeField()
    who = fields.CharField(max_length=100)
    discarded_at = fields.DatetimeField(null=True)
    asked_at = fields.DatetimeField(null=True)
    seen = fields.IntField(default=0)
    tried = fields.TextField(null=True)
    trouble = fields.TextField(null=True)

    class Meta:
        table = "draft"


class ClaimRow(Model):
    """A customer who says that a guest's ``account`` is theirs, and is to prove it by a code.

    ``email`` is sealed. Of one code so many ``tries`` were made. Kept for a day.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    customer_id = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    email = fields.BinaryField()
    locale = fields.CharField(max_length=8)
    asked_at = fields.DatetimeField(db_index=True)
    tries = fields.IntField(default=0)

    class Meta:
        table = "claim"
        indexes: ClassVar = (("store", "customer_id"), ("store", "account"))


class DecisionRow(Model):
    """What a merchant decided about one account, kept for ever.

    ``kind``: ``adjust`` gives ``points``, or takes them. ``place`` puts it into a ``tier``, or into
    none, for good where it ``is_locked``. ``import`` takes ``points`` over that end at
    ``expires_at``, or never. ``takeover`` goes on from what another installation knew at
    ``decided_at``: the ``body``, a holding in JSON, whose ``points`` are those less what is owed.
    What came with a ``batch`` and is ``undone_at`` some time counts as never decided. The same
    ``key`` again is the same decision. ``mailbox`` is the sealed address of a guest who came so.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    key = fields.CharField(max_length=100)
    kind = fields.CharField(max_length=16)
    decided_at = fields.DatetimeField()
    points = fields.BigIntField(default=0)
    tier = fields.CharField(max_length=100, null=True)
    is_locked = fields.BooleanField(default=False)
    reason = fields.CharField(max_length=500)
    batch = fields.CharField(max_length=ID_MAX, null=True)
    expires_at = fields.DatetimeField(null=True)
    undone_at = fields.DatetimeField(null=True)
    body = fields.TextField(null=True)
    mailbox = fields.BinaryField(null=True)

    class Meta:
        table = "decision"
        unique_together: ClassVar = (("store", "account", "key"),)
        indexes: ClassVar = (("store", "batch"),)


class StampRow(Model):
    """What an order's rules read that no platform dates, as it was when it was first settled.

    ``body`` is a stamp in JSON: what is in it is never changed, what lacks may be added.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    order_id = fields.CharField(max_length=ID_MAX)
    body = fields.TextField()
    stamped_at = fields.DatetimeField()

    class Meta:
        table = "stamp"
        unique_together: ClassVar = (("store", "order_id"),)


class ActRow(Model):
    """Something that a customer did besides buying, as another system told us.

    The same ``key`` again is the same act.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    key = fields.CharField(max_length=100)
    kind = fields.CharField(max_length=16)
    name = fields.CharField(max_length=64, default="")
    happened_at = fields.DatetimeField()
    noted_at = fields.DatetimeField()

    class Meta:
        table = "act"
        unique_together: ClassVar = (("store", "account", "key"),)
