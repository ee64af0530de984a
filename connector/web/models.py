"""The table of keys by which merchants' own systems ask us."""

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
