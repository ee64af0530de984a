"""Tables of what came in, what must go out, and of connections being made."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX, LIVE


class InboxRow(Model):
    """A delivery that we acknowledged.

    ``state``: ``waiting`` until it is read, then ``done``, or ``parked`` where nobody can read it
    (``trouble`` says why). A body too large to keep is left out and its hash is the key.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    key = fields.CharField(max_length=64)
    headers = fields.JSONField[dict[str, str]]()
    body = fields.BinaryField(null=True)
    received_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, default="waiting")
    trouble = fields.TextField(default="")

    class Meta:
        table = "inbox"
        unique_together: ClassVar = (("store", "key"),)


class PassRow(Model):
    """A pass over a store's listings that is under way: begun again, it goes on from here.

    ``since`` is where the listings begin, null for all there is; ``mark`` the newest stamp that
    the platform had when the pass began: the next one must begin there. ``listing`` and ``cursor``
    say what comes next; ``seen`` counts records by kind.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    aim = fields.CharField(max_length=16)
    since = fields.DatetimeField(null=True)
    mark = fields.DatetimeField(null=True)
    began_at = fields.DatetimeField()
    listing = fields.CharField(max_length=16)
    cursor = fields.CharField(max_length=500, null=True)
    seen = fields.JSONField[dict[str, int]]()
    changed = fields.IntField(default=0)

    class Meta:
        table = "pass"
        unique_together: ClassVar = (("store", "aim"),)


class OutboxRow(Model):
    """A push: the other side must come to agree with us about ``target``.

    What to send is computed when it is sent. Wanted again while ``wanted_gen`` is ahead of
    ``agreed_gen``; pushed in the order of ``lane``. Parked, it waits for the merchant, and
    ``trouble`` says for what.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    kind = fields.CharField(max_length=32)
    target = fields.CharField(max_length=ID_MAX)
    wanted_gen = fields.IntField(default=1)
    agreed_gen = fields.IntField(default=0)
    attempts = fields.IntField(default=0)
    due_at = fields.DatetimeField()
    is_parked = fields.BooleanField(default=False)
    trouble = fields.TextField(default="")
    lane = fields.SmallIntField(default=LIVE, db_default=LIVE)

    class Meta:
        table = "outbox"
        unique_together: ClassVar = (("store", "kind", "target"),)


class LeaseRow(Model):
    """Whose turn a store's work of one kind is: nobody else does it until then.

    Times are milliseconds since 1970 by the database's clock, the only one that all share.
    ``turn_ms`` is when it was last taken: who waited longest is next.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    work = fields.CharField(max_length=32)
    holder = fields.CharField(max_length=32)
    until_ms = fields.BigIntField()
    turn_ms = fields.BigIntField()

    class Meta:
        table = "lease"
        unique_together: ClassVar = (("store", "work"),)


class TicketRow(Model):
    """Something that may be used once, and not for long. Only the hash of its secret is kept.

    ``purpose``: ``install`` (``subject`` is the store's address), ``pair`` or ``admin``
    (``subject`` is the store's id), ``handed`` and ``form`` (used up).
    """

    digest = fields.CharField(max_length=64, primary_key=True)
    purpose = fields.CharField(max_length=16)
    platform = fields.CharField(max_length=32, default="")
    subject = fields.CharField(max_length=500)
    store = fields.CharField(max_length=ID_MAX, default="")
    expires_at = fields.DatetimeField()

    class Meta:
        table = "ticket"


class ListenerRow(Model):
    """An address of a merchant's own system that is told of ``events``, until ``ended_at``.

    ``secret`` is sealed; it signs what is sent. After ``failures`` in a row it is left alone until
    ``retry_at``; ``trouble`` is what went wrong last.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    key = fields.CharField(max_length=100)
    url = fields.CharField(max_length=500)
    events = fields.JSONField[list[str]]()
    secret = fields.BinaryField()
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    failures = fields.IntField(default=0)
    retry_at = fields.DatetimeField(null=True)
    trouble = fields.CharField(max_length=200, default="")

    class Meta:
        table = "listener"
        unique_together: ClassVar = (("store", "key"),)


class MessageRow(Model):
    """What a listener is told, and how that went. Kept for a month.

    Sent when ``due_at`` is past, null where nobody tries any more: ``delivered_at`` says that it
    arrived, or else it was tried in vain. ``status`` is of the last answer, 0 where there was none.
    Under the ``key`` it was sent once more, and then was ``told_at`` that instant. It is about a
    ``member``, by their account.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    listener = fields.CharField(max_length=ID_MAX)
    event = fields.CharField(max_length=32)
    body = fields.TextField()
    told_at = fields.DatetimeField()
    due_at = fields.DatetimeField(null=True)
    attempts = fields.IntField(default=0)
    status = fields.IntField(default=0)
    trouble = fields.CharField(max_length=200, default="")
    delivered_at = fields.DatetimeField(null=True)
    key = fields.CharField(max_length=100, default="", db_default="")
    member = fields.CharField(max_length=100, null=True)

    class Meta:
        table = "message"
        indexes: ClassVar = (("listener", "due_at"), ("store", "member"))


class PrivacyRow(Model):
    """What was asked ``by`` somebody about a person: to ``export`` all of them, or to ``erase`` it.

    ``about`` is their account; once they are erased, what is kept of it: see ``ErasedRow``. An
    export waits for a merchant, who takes it from the customer's page. An erasure is work: it is
    of ``accounts`` (ids, no more), and goes on in ``stage`` with what comes ``after``.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    kind = fields.CharField(max_length=8)
    by = fields.CharField(max_length=100)
    about = fields.CharField(max_length=100)
    accounts = fields.JSONField[list[str]]()
    stage = fields.CharField(max_length=16)
    after = fields.CharField(max_length=100, default="")
    asked_at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)

    class Meta:
        table = "privacy"
        indexes: ClassVar = (("store", "kind", "done_at"),)
