"""Tables of who may come in, what they did on the pages, and how a store's widgets look."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX


class ApiKeyRow(Model):
    """A key of one store, with what it may do.

    Of its secret only the ``digest`` is kept.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    name = fields.CharField(max_length=100)
    scopes = fields.JSONField[list[str]]()
    digest = fields.CharField(max_length=64)
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_key"
        indexes: ClassVar = (("store", "created_at"),)


class SessionRow(Model):
    """A merchant's pages, open to somebody in a ``role`` until ``ends_at``, or until it is ended.

    ``who`` is how they are called here. Of its secret only the ``digest`` is kept.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    who = fields.CharField(max_length=100)
    role = fields.CharField(max_length=16)
    digest = fields.CharField(max_length=64)
    opened_at = fields.DatetimeField()
    seen_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()

    class Meta:
        table = "session"
        indexes: ClassVar = (("store", "ends_at"),)


class DeedRow(Model):
    """Something that somebody did on a merchant's pages: the audit log. Kept for ever.

    ``what`` is its name, ``about`` whom or what it was done to, ``said`` what they gave for it.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    at = fields.DatetimeField()
    who = fields.CharField(max_length=100)
    role = fields.CharField(max_length=16)
    what = fields.CharField(max_length=40)
    about = fields.CharField(max_length=200)
    said = fields.TextField()

    class Meta:
        table = "deed"
        indexes: ClassVar = (("store", "id"), ("store", "about"))


class LookRow(Model):
    """What a merchant chose of how a store's widgets look, null where its theme decides."""

    store = fields.CharField(max_length=ID_MAX, primary_key=True)
    accent = fields.CharField(max_length=7, null=True)
    scheme = fields.CharField(max_length=8, null=True)
    position = fields.CharField(max_length=8, null=True)

    class Meta:
        table = "look"
