"""The observation rules of design 3a, one by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.commerce.snapshots import (
    Verdict,
    content_hash,
    entombed,
    judge,
    pack,
    settled_on,
    unpack,
)
from platforms.model import Order, OrderLine

AT = datetime(2026, 1, 1, tzinfo=UTC)
HELD = Order(
    id="1", number="1", customer_id="2", email="a@example.test", status="processing",
    is_paid=True, is_cancelled=False, currency="EUR", total_minor=100, placed_at=AT, paid_at=AT,
    updated_at=AT,
    lines=(OrderLine(id="1", product_id="1", quantity=1, total_minor=100, tax_minor=0),),
)  # fmt: skip
OTHER = replace(HELD, total_minor=90)
LATER, EARLIER = AT + timedelta(seconds=1), AT - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("held", "seen", "is_complete", "verdict"),
    [
        (None, HELD, True, Verdict.STORE),
        (None, HELD, False, Verdict.DIRTY),
        (HELD, replace(OTHER, updated_at=LATER), True, Verdict.STORE),
        (HELD, replace(OTHER, updated_at=LATER), False, Verdict.DIRTY),
        (HELD, HELD, True, Verdict.NOTHING),
        (HELD, HELD, False, Verdict.DIRTY),
        (HELD, OTHER, True, Verdict.DIRTY),
        (HELD, replace(OTHER, updated_at=EARLIER), True, Verdict.NOTHING),
        (HELD, replace(OTHER, updated_at=EARLIER), False, Verdict.NOTHING),
    ],
)
def test_each_observation_has_its_verdict(held, seen, is_complete, verdict):
    assert judge(held, seen, is_complete=is_complete) is verdict


def test_the_stamp_alone_is_no_other_content():
    assert content_hash(HELD) == content_hash(replace(HELD, updated_at=LATER))
    assert content_hash(HELD) != content_hash(OTHER)


def test_a_snapshot_comes_back_as_it_was():
    assert unpack(pack(HELD), Order) == HELD


def test_the_trash_marks_the_last_live_state():
    trashed = replace(HELD, status="trash", is_paid=False, is_deleted=True, updated_at=LATER)

    kept = settled_on(HELD, trashed)

    assert kept == replace(HELD, is_deleted=True, updated_at=LATER)
    assert settled_on(None, trashed) == trashed
    assert settled_on(kept, replace(HELD, updated_at=LATER)).is_deleted is False


def test_the_trash_may_show_a_payment_that_was_not_heard_of():
    unpaid = replace(HELD, status="pending", is_paid=False, paid_at=None)
    trashed = replace(
        HELD, status="trash", is_paid=True, paid_at=LATER, is_deleted=True, updated_at=LATER
    )

    assert settled_on(unpaid, trashed) == trashed
    failed_since = replace(unpaid, status="failed", paid_at=LATER)
    assert settled_on(failed_since, trashed).is_paid is False


def test_a_purged_order_keeps_its_last_state():
    assert entombed(HELD) == replace(HELD, is_deleted=True)
