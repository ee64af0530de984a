"""The analytics feature's own table."""

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX


class FiguresRow(Model):
    """The figures of a store as they last came out: ``body`` has them as JSON, of ``computed_at``.

    They are computed again from ``due_at`` on. ``failed_at`` is when that last failed, null once it
    went well. No row before anybody asked.
    """

    store = fields.CharField(max_length=ID_MAX, primary_key=True)
    due_at = fields.DatetimeField()
    computed_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)
    body = fields.TextField(null=True)

    class Meta:
        table = "figures"
