"""Tables of what customers have of points, and of perks, and of admissions to a budget."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from connector.commerce.models import ID_MAX, LIVE


class RedemptionRow(Model):
    """One use of a reward, with at most one discount on the store.

    The terms are those of the instant at which it was redeemed: ``kind`` is a reward's, and what it
    takes off is ``amount_minor``, or ``basis_points`` (1/100 of a percent).

    ``state``: ``reserved`` until the store has the discount, then ``issued``, then ``used``;
    ``unknown`` while we can't tell whether the store has it; ``returned`` once the points are back.
    ``return_at`` is when it was decided to give the points back, ``dead_at`` when the code was
    first seen to be unusable, and ``released_at`` when it was safe to give them back. At
    ``lapses_at`` that is decided if it was not used, null for never or where it was decided.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    customer_id = fields.CharField(max_length=ID_MAX)
    idempotency_key = fields.CharField(max_length=100)
    reward_id = fields.CharField(max_length=64)
    cost = fields.BigIntField()
    kind = fields.CharField(max_length=16, default="amount_off", db_default="amount_off")
    basis_points = fields.IntField(default=0, db_default=0)
    product_ids = fields.JSONField[list[str]](null=True)
    code = fields.CharField(max_length=100)
    amount_minor = fields.BigIntField()
    minimum_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    email = fields.CharField(max_length=320, null=True)
    redeemed_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    lapses_at = fields.DatetimeField(null=True)
    state = fields.CharField(max_length=8, default="reserved")
    discount_id = fields.CharField(max_length=ID_MAX, null=True)
    return_at = fields.DatetimeField(null=True)
    dead_at = fields.DatetimeField(null=True)
    released_at = fields.DatetimeField(null=True)

    class Meta:
        table = "redemption"
        unique_together: ClassVar = (
            ("store", "account", "idempotency_key"),
            ("store", "code"),
        )


class EntitlementRow(Model):
    """A perk that a customer holds because of their tier, ``since`` then and until ``ended_at``.

    ``kind`` is a benefit's. One that is a ``discount`` (its kind at the store) has its terms: they
    stay as they are, for other terms are another entitlement.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    customer_id = fields.CharField(max_length=ID_MAX)
    benefit = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    discount = fields.CharField(max_length=16, null=True)
    basis_points = fields.IntField(default=0)
    amount_minor = fields.BigIntField(default=0)
    product_ids = fields.JSONField[list[str]](null=True)
    minimum_minor = fields.BigIntField(default=0)
    currency = fields.CharField(max_length=3)
    since = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "entitlement"
        indexes: ClassVar = (("store", "account", "ended_at"),)


class PerkCodeRow(Model):
    """A code of an ``entitlement``, good for one order: the next one is made once it is used.

    ``state``: ``reserved`` until the store has it, then ``issued``, then ``used`` or ``revoked``;
    ``unknown`` while we can't tell whether the store has it. It ``is_wanted`` while it is the one
    to use next; then the store is to have it, and else not.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    customer_id = fields.CharField(max_length=ID_MAX)
    entitlement = fields.CharField(max_length=ID_MAX, db_index=True)
    code = fields.CharField(max_length=100)
    email = fields.CharField(max_length=320, null=True)
    made_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, default="reserved")
    is_wanted = fields.BooleanField(default=True)

    class Meta:
        table = "perk_code"
        unique_together: ClassVar = (("store", "code"),)
        indexes: ClassVar = (("store", "account"),)


class PerkUseRow(Model):
    """A use of a perk, by the ``key`` of what it was used on: ``order:`` with an id, or another.

    Written once, and never changed.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    benefit = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    key = fields.CharField(max_length=200)
    used_at = fields.DatetimeField()

    class Meta:
        table = "perk_use"
        unique_together: ClassVar = (("store", "account", "benefit", "key"),)


class ReservationRow(Model):
    """Points that another system, such as a till, holds back until its sale is made.

    ``state``: ``held`` until ``ends_at`` at most, then ``captured``, spent for good, or
    ``released``, given back, since ``ended_at``.
    """

    id = fields.CharField(max_length=ID_MAX, primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    key = fields.CharField(max_length=100)
    points = fields.BigIntField()
    note = fields.CharField(max_length=200)
    reserved_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, default="held")
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "reservation"
        unique_together: ClassVar = (("store", "account", "key"),)
        indexes: ClassVar = (("store", "state", "ends_at"),)


class AdmissionRow(Model):
    """What of a program's budget was decided about a cause, such as an order by one rule.

    ``demanded`` is what was decided, ``admitted`` how much of it was granted, and ``ceded`` what
    of that is others' since: these only grow. The rest is what its account claims by now:
    ``asked`` for in all as of ``effective_at``, and what it is worth then and later (``worths``,
    JSON: instants and points). It ``waits_at`` that instant while not all of it is decided; of
    what is not kept, ``spare`` points can serve others, the first of them at ``spare_at``.

    ``cause`` is told apart in all the store. It is of the order of ``order_id``, whosever that is
    by now, or else of an ``account``; the other is empty.
    """

    id = fields.BigIntField(primary_key=True)
    store = fields.CharField(max_length=ID_MAX)
    cause = fields.CharField(max_length=300)
    order_id = fields.CharField(max_length=ID_MAX)
    account = fields.CharField(max_length=100)
    lane = fields.SmallIntField(default=LIVE, db_default=LIVE)
    effective_at = fields.DatetimeField()
    asked = fields.BigIntField()
    worths = fields.TextField()
    demanded = fields.BigIntField(default=0, db_default=0)
    admitted = fields.BigIntField(default=0, db_default=0)
    ceded = fields.BigIntField(default=0, db_default=0)
    spare = fields.BigIntField(default=0, db_default=0)
    waits_at = fields.DatetimeField(null=True)
    spare_at = fields.DatetimeField(null=True)

    class Meta:
        table = "admission"
        unique_together: ClassVar = (("store", "cause"),)
        indexes: ClassVar = (("store", "waits_at"), ("store", "spare_at"), ("store", "account"))


class BudgetRow(Model):
    """What all admissions of a store hold together: ``admitted`` less ``ceded``."""

    store = fields.CharField(max_length=ID_MAX, primary_key=True)
    held = fields.BigIntField()

    class Meta:
        table = "budget"
