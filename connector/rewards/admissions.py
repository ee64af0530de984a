"""A store's budget, given out to the causes that ask for some of it; the rules are in ``kernel``.

Whoever settles an account writes down what its causes claim, with the account locked. What waits
is found in the table and decided by one at a time, with the store locked and then the accounts;
these are dirty then, and settled anew. So no admission changes while its account is settled, and
wherever a process dies, what waits still waits.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from connector.database import sql
from connector.kernel.admission import Admission, Claim, GivenOut, Worth, admit
from connector.ledger import ledger

ASKING_MAX = 100  # causes that are decided in one transaction
SPARE_MAX = 100  # causes that are looked at in it for what they can spare
WAITING = (
    "(SELECT a.id FROM admission a WHERE a.store = s.id AND a.waits_at IS NOT NULL"
    " ORDER BY a.waits_at LIMIT 1) IS NOT NULL"
)
"""Whether in a store ``s`` something waits to be admitted."""
COLUMNS = (
    "id, cause, order_id, account, lane, effective_at, asked, worths, demanded, admitted, ceded,"
    " spare_at"
)


async def waits(store: str) -> bool:
    """Return whether something waits to be admitted in a store."""
    return bool(await _waiting(store, 1))


async def admissions_of(store: str, causes: Sequence[str]) -> dict[str, Admission]:
    """Return what was decided about causes, of those about which there is anything."""
    rows = await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1 AND cause = ANY($2)",
        *(store, list(causes)),
    )
    return {row["cause"]: _read(row) for row in rows}


async def admissions_without_order(
    store: str, accounts: Sequence[str]
) -> list[tuple[str, str, Admission]]:
    """Return what was decided about causes of no order: of whose accounts, and their names."""
    rows = await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1 AND account = ANY($2)",
        *(store, list(accounts)),
    )
    return [(row["account"], row["cause"], _read(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is to be written down of a cause: what was decided, and what it claims by now.

    ``cause`` is its name in all the store; it is of the order of ``order_id``, or of none.
    """

    cause: str
    order_id: str
    admission: Admission


async def note(store: str, account: str, lane: int, notes: Iterable[Note]) -> None:
    """Write down what an account's causes claim. With the account locked."""
    await sql.many(
        "INSERT INTO admission (store, cause, order_id, account, lane, effective_at, asked, worths,"
        " spare, waits_at, spare_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (store, cause) DO UPDATE SET lane = excluded.lane,"
        " effective_at = excluded.effective_at, asked = excluded.asked,"
        " worths = excluded.worths, spare = excluded.spare, waits_at = excluded.waits_at,"
        " spare_at = excluded.spare_at",
        (
            (
                *(store, one.cause, one.order_id, "" if one.order_id else account, lane),
                *(one.admission.claim.at, one.admission.claim.asked),
                *(_written(one.admission.claim.worths), *_standing(one.admission)),
            )
            for one in sorted(notes, key=lambda one: one.cause)
        ),
    )


async def decide(store: str, limit_at: Callable[[datetime], int], now: datetime) -> int:
    """Decide about some of what waits, the earliest first; return how many causes waited.

    In a transaction that holds the store, and no account yet.
    ``limit_at`` says how many points there are in all for what is asked for at an instant.
    """
    asking = await _waiting(store, ASKING_MAX)
    if not asking:
        return 0
    held = await _held(store)
    spares, horizon = await _sparing(store, asking, held, limit_at)
    await _stir(store, [*asking, *spares], now)
    rows = await _again(store, {row["id"] for row in (*asking, *spares)})
    decided, held = admit(held, [_read(row) for row in rows], limit_at, horizon)
    await _write(rows, decided)
    await sql.run(
        "INSERT INTO budget (store, held) VALUES ($1, $2)"
        " ON CONFLICT (store) DO UPDATE SET held = excluded.held",
        *(store, held),
    )
    return len(asking)


async def given_out(store: str, limit: int) -> GivenOut:
    """Return what became of a store's budget of so many points."""
    (row,) = await sql.rows(
        "SELECT CAST(COALESCE(SUM(admitted - ceded - spare), 0) AS bigint) AS used,"
        " CAST(COALESCE(SUM(demanded - admitted), 0) AS bigint) AS refused,"
        " CAST(COALESCE(SUM(CASE WHEN waits_at IS NULL THEN 0 ELSE asked - demanded END), 0)"
        " AS bigint) AS waiting FROM admission WHERE store = $1",
        store,
    )
    return GivenOut(limit=limit, **row)


async def short(store: str, accounts: Sequence[str]) -> list[Admission]:
    """Return what was not admitted in full, or not yet, of the causes of accounts, oldest first."""
    rows = await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1"
        " AND (demanded > admitted OR waits_at IS NOT NULL) AND (account = ANY($2) OR order_id IN"
        ' (SELECT platform_id FROM "order" WHERE store = $1 AND account = ANY($2)))'
        ' ORDER BY effective_at, cause COLLATE "C"',
        *(store, list(accounts)),
    )
    return [_read(row) for row in rows]


async def _waiting(store: str, limit: int) -> Sequence[sql.Row]:
    return await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1 AND waits_at IS NOT NULL"
        ' ORDER BY waits_at, cause COLLATE "C" LIMIT $2',
        *(store, limit),
    )


async def _held(store: str) -> int:
    rows = await sql.rows("SELECT held FROM budget WHERE store = $1", store)
    return int(rows[0]["held"]) if rows else 0


async def _sparing(
    store: str, asking: Sequence[sql.Row], held: int, limit_at: Callable[[datetime], int]
) -> tuple[Sequence[sql.Row], datetime | None]:
    """Return who can spare what those who ask lack without, the first who can.

    And from when on there may be others, if these are not all.
    """
    found = [_read(row) for row in asking]
    room = min(limit_at(one.claim.at) for one in found) - held
    lacking = sum(one.waiting for one in found) - room
    if lacking <= 0:
        return [], None
    latest = found[-1].claim.at
    rows = await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1 AND spare_at <= $2"
        " ORDER BY spare_at, id LIMIT $3",
        *(store, latest, SPARE_MAX),
    )
    enough = list[sql.Row]()
    for row in rows:
        if lacking <= 0:
            break
        enough.append(row)
        lacking -= sum(part.points for part in _read(row).spare() if part.at <= latest)
    if len(enough) == len(rows) < SPARE_MAX:
        return enough, None
    return enough, sql.at(enough[-1]["spare_at"])


async def _stir(store: str, rows: Sequence[sql.Row], now: datetime) -> None:
    """Lock the accounts of these, and have them settled."""
    owners = await sql.rows(
        'SELECT platform_id, account FROM "order" WHERE store = $1 AND platform_id = ANY($2)',
        *(store, sorted({row["order_id"] for row in rows} - {""})),
    )
    account_of = {row["platform_id"]: row["account"] for row in owners}
    since: dict[str, datetime] = {}
    for row in rows:
        account = row["account"] or account_of.get(row["order_id"])
        at = _read(row).claim.at
        if account:
            since[account] = min(at, since.get(account, at))
    await ledger.mark_dirty(store, since, now, min(row["lane"] for row in rows))


async def _again(store: str, ids: Iterable[int]) -> Sequence[sql.Row]:
    """Return these as they are now that nobody else writes them."""
    return await sql.rows(
        f"SELECT {COLUMNS} FROM admission WHERE store = $1 AND id = ANY($2)"
        ' ORDER BY cause COLLATE "C"',
        *(store, sorted(ids)),
    )


async def _write(rows: Sequence[sql.Row], decided: Sequence[Admission]) -> None:
    await sql.many(
        "UPDATE admission SET demanded = $2, admitted = $3, ceded = $4, spare = $5, waits_at = $6,"
        " spare_at = $7 WHERE id = $1",
        (
            (row["id"], one.demanded, one.admitted, one.ceded, *_standing(one))
            for row, one in zip(rows, decided, strict=True)
        ),
    )


def _read(row: sql.Row) -> Admission:
    at = sql.at(row["effective_at"])
    assert at is not None
    worths = msgspec.json.decode(row["worths"], type=tuple[Worth, ...])
    return Admission(
        Claim(row["cause"], at, row["asked"], worths),
        row["demanded"],
        row["admitted"],
        row["ceded"],
    )


def _written(worths: Sequence[Worth]) -> str:
    return msgspec.json.encode(worths).decode()


def _standing(one: Admission) -> tuple[int, datetime | None, datetime | None]:
    """Return what can be spared, since when it waits, and since when something can be spared."""
    spare = list(one.spare())
    return (
        sum(part.points for part in spare),
        one.claim.at if one.waiting else None,
        spare[0].at if spare else None,
    )
