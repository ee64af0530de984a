"""The loyalty feature's own table: published programs."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX


class PublicationRow(Model):
    """A published program version, as the merchant wrote it."""

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    version = fields.IntField()
    published_at = fields.DatetimeField()
    document = fields.TextField()

    class Meta:
        table = "publication"
        unique_together: ClassVar = (("store", "version"),)
