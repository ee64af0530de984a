"""What is past its time is forgotten, and nothing else."""

from datetime import timedelta

from connector.database import sql
from connector.sync import retention
from connector.sync.models import InboxRow, OutboxRow
from tests.town import NOW

DAY = timedelta(days=1)


async def delivery(key, state, age):
    await InboxRow.create(
        store="s", key=key, headers={}, body=b"{}", received_at=NOW - age, state=state
    )


async def push(target, wanted, age):
    row = {"store": "s", "kind": "profile", "target": target, "due_at": NOW - age}
    await OutboxRow.create(**row, wanted_gen=wanted, agreed_gen=1)


async def test_a_week_for_what_was_read_a_month_for_what_nobody_could_read(town):
    await delivery("read, a week and a second", "done", 7 * DAY + timedelta(seconds=1))
    await delivery("read, a week", "done", 7 * DAY)
    await delivery("waiting, a year", "waiting", 365 * DAY)
    await delivery("parked, a month", "parked", 30 * DAY)
    await delivery("parked, longer", "parked", 31 * DAY)

    await retention.forget(NOW)

    assert [row.key for row in await InboxRow.all().order_by("id")] == [
        "read, a week",
        "waiting, a year",
        "parked, a month",
    ]


async def test_a_month_for_pushes_that_are_done(town):
    await push("agreed, a month", 1, 30 * DAY)
    await push("agreed, longer", 1, 31 * DAY)
    await push("wanted, longer", 2, 31 * DAY)

    await retention.forget(NOW)

    left = [row.target for row in await OutboxRow.all().order_by("id")]
    assert left == ["agreed, a month", "wanted, longer"]


async def test_batch_after_batch(town):
    old = retention.BATCH + 10
    await sql.many(
        "INSERT INTO inbox (store, key, headers, received_at, state, trouble)"
        " VALUES ('s', $1, '{}', $2, 'done', '')",
        ((str(n), NOW - (8 * DAY if n < old else DAY)) for n in range(old + 5)),
    )

    await retention.forget(NOW)

    assert await InboxRow.all().count() == 5
