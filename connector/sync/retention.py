"""What we keep for how long: deliveries, read or unreadable, old pushes, messages to others.

A delivery is a hint: what it said is in the records. It is kept for a week, for whoever looks into
trouble; what is delivered again after that is read again, which changes nothing.
"""

from datetime import datetime, timedelta

from connector.database import sql

DELIVERIES = timedelta(days=7)
PARKED = timedelta(days=30)
PUSHES = timedelta(days=30)
MESSAGES = timedelta(days=30)
BATCH = 1000  # rows that are looked at in one transaction
FORGET_DELIVERIES = (
    "DELETE FROM inbox WHERE id IN (SELECT id FROM"
    " (SELECT id, state, received_at FROM inbox WHERE id > $1 ORDER BY id LIMIT $2) AS batch"
    " WHERE (state = 'done' AND received_at < $3) OR (state = 'parked' AND received_at < $4))"
    " AND state <> 'waiting'"
)
FORGET_PUSHES = (
    "DELETE FROM outbox WHERE id IN (SELECT id FROM"
    " (SELECT id, wanted_gen, agreed_gen, due_at FROM outbox WHERE id > $1 ORDER BY id LIMIT $2)"
    " AS batch WHERE wanted_gen = agreed_gen AND due_at < $3)"
    " AND wanted_gen = agreed_gen"  # again: it may be wanted since the batch was looked at
)
FORGET_MESSAGES = (
    "DELETE FROM message WHERE id IN (SELECT id FROM"
    " (SELECT id, told_at, due_at FROM message WHERE id > $1 ORDER BY id LIMIT $2) AS batch"
    " WHERE told_at < $3)"  # for so long nobody tries any
)


async def forget(now: datetime) -> None:
    """Delete what is past its time. Several processes may do so at once."""
    await _walk("inbox", FORGET_DELIVERIES, now - DELIVERIES, now - PARKED)
    await _walk("outbox", FORGET_PUSHES, now - PUSHES)
    await _walk("message", FORGET_MESSAGES, now - MESSAGES)


async def _walk(table: str, forgetting: str, *before: datetime) -> None:
    """Walk through a table, a batch in a transaction."""
    after = 0
    while True:
        (seen,) = await sql.rows(
            f"SELECT MAX(id) AS last FROM (SELECT id FROM {table} WHERE id > $1 ORDER BY id"
            " LIMIT $2) AS batch",
            *(after, BATCH),
        )
        if seen["last"] is None:
            return
        await sql.run(forgetting, after, BATCH, *before)
        after = seen["last"]
