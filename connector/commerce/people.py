"""How a store's customers are found: by the beginning of their address or names, or by id.

And those whom conditions hold for. They may be few, and all of long ago: so the newest customers
are asked about first, then everybody, each table being read once.
"""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from connector.commerce.identity import canonical_email
from connector.commerce.models import EMAIL_MAX, ID_MAX, NAME_MAX
from connector.commerce.snapshots import unpack
from connector.database import sql
from platforms.model import Customer

NEWEST = 2**62  # before no row's number
LAST = "\U0010ffff"
NEWER = 1000  # customers who are asked about first
ALL = "store = $1 AND id < $2 AND body IS NOT NULL"
BEGINS = 'store = $1 AND +id < $2 AND {0} COLLATE "C" >= $4 AND {0} COLLATE "C" < $5'
IS = "store = $1 AND +id < $2 AND platform_id = $6 AND body IS NOT NULL"
"""The plus keeps a planner from walking all ids instead of the names, of which few begin so."""
AMONG_NEWER = (
    f"SELECT id FROM (SELECT * FROM customer WHERE {ALL} ORDER BY id DESC LIMIT $4) customer"
    " WHERE TRUE{} ORDER BY id DESC LIMIT $3"
)
AMONG_ALL = (  # or else PostgreSQL may look each customer up, until a page is full
    f"SELECT id FROM (WITH found AS MATERIALIZED (SELECT id FROM customer WHERE {ALL}{{}})"
    " SELECT id FROM found) found ORDER BY id DESC LIMIT $3"
)


class Found(NamedTuple):
    """A customer and the number of the row; ``is_gone`` once the store has them no more."""

    row: int
    customer: Customer
    is_gone: bool


class Only(NamedTuple):
    """A condition on a row of ``customer`` in SQL, with the value of its ``{value}`` if any."""

    text: str
    value: str | None = None


GONE = Only("customer.is_gone")
"""The store has them no more."""


def findable(one: Customer) -> tuple[str, str, str]:
    """Return by what a customer is found: address, name, and with the last name first."""
    email = canonical_email(one.email or "").replace("\0", "")[:EMAIL_MAX]
    first, last = _sought(one.first_name), _sought(one.last_name)
    return email, f"{first} {last}".strip()[:NAME_MAX], f"{last} {first}".strip()[:NAME_MAX]


def _sought(text: str) -> str:
    """Return text as it is compared: NFKC, without case, with single spaces."""
    plain = unicodedata.normalize("NFKC", text.replace("\0", "")).casefold()
    return " ".join(plain.split())


async def search(
    store: str, text: str, *, limit: int, before: int = NEWEST, only: Sequence[Only] = ()
) -> list[Found]:
    """Return the customers that a text begins the address or a name of, or is the id of.

    Newest first, those ``before`` a row's number; without a text, of all. And ``only`` those whom
    every condition holds for.
    """
    given, sought = (store, before, limit), _sought(text)
    if sought:
        return await _named(sought, text.strip()[:ID_MAX], given, only)
    if not only:
        return await _found(f"SELECT id FROM customer WHERE {ALL} ORDER BY id DESC LIMIT $3", given)
    words, values = _conditions(only, 5)
    found = await _found(AMONG_NEWER.format(words), (*given, NEWER, *values))
    if len(found) < limit:
        words, values = _conditions(only, 4)
        found = await _found(AMONG_ALL.format(words), (*given, *values))
    return found


async def _named(
    sought: str, id_: str, given: Sequence[object], only: Sequence[Only]
) -> list[Found]:
    """Return customers by a text: rows without a body have no names either."""
    words, values = _conditions(only, 7)
    ways = [*(BEGINS.format(name) for name in ("email", "name", "surname")), IS]
    parts = " UNION ".join(
        f"SELECT id FROM (SELECT id FROM customer WHERE {way}{words} ORDER BY +id DESC LIMIT $3)"
        f" AS way{number}"
        for number, way in enumerate(ways)
    )
    return await _found(parts, (*given, sought, f"{sought}{LAST}", id_, *values))


def _conditions(only: Sequence[Only], first: int) -> tuple[str, list[str]]:
    """Return conditions as words of SQL, with their values, which are numbered from ``first``."""
    words, values = "", list[str]()
    for one in only:
        words += f" AND {one.text.format(value=f'${first + len(values)}')}"
        values += [one.value] if one.value is not None else []
    return words, values


async def _found(ids: str, values: Sequence[object]) -> list[Found]:
    """Return the customers with these rows' numbers, newest first, no more than the third value."""
    rows = await sql.rows(
        f"SELECT id, body, is_gone FROM customer WHERE id IN ({ids}) ORDER BY id DESC LIMIT $3",
        *values,
    )
    return [Found(row["id"], unpack(row["body"], Customer), bool(row["is_gone"])) for row in rows]
