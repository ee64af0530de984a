"""What a ledger lacks of what is wanted."""

from datetime import UTC, datetime

from connector.kernel.posting import Posting, difference

AT = datetime(2026, 1, 1, tzinfo=UTC)
EARN = Posting("order:1", "earn", AT, 40, "40.00 x 1")


def test_nothing_posted_takes_all():
    assert difference([EARN], {}) == [EARN]


def test_what_is_posted_is_not_posted_again():
    assert difference([EARN], {EARN.key: 40}) == []


def test_a_correction_is_the_difference_and_says_what_was():
    assert difference([EARN], {EARN.key: 50}) == [
        Posting("order:1", "earn", AT, -10, "40.00 x 1 (was +50)")
    ]


def test_what_is_no_longer_wanted_is_taken_back():
    assert difference([], {EARN.key: 40}) == [
        Posting("order:1", "earn", AT, -40, "no longer so (was +40)")
    ]
    assert difference([], {EARN.key: 0}) == []
