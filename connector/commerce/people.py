"""How a store's customers are found: by the beginning of their address or names, or by id."""

import unicodedata
from typing import NamedTuple

from connector.commerce.identity import canonical_email
from connector.commerce.models import EMAIL_MAX, ID_MAX, NAME_MAX
from connector.commerce.snapshots import unpack
from connector.database import sql
from platforms.model import Customer

NEWEST = 2**62  # before no row's number
LAST = "\U0010ffff"
ALL = "id < $2 AND body IS NOT NULL ORDER BY id"
BEGINS = '+id < $2 AND {0} COLLATE "C" >= $4 AND {0} COLLATE "C" < $5 ORDER BY +id'
IS = "+id < $2 AND platform_id = $6 AND body IS NOT NULL ORDER BY +id"
"""The plus keeps a planner from walking all ids instead of the names, of which few begin so."""


class Found(NamedTuple):
    """A customer and the number of the row; ``is_gone`` once the store has them no more."""

    row: int
    customer: Customer
    is_gone: bool


def findable(one: Customer) -> tuple[str, str, str]:
    """Return by what a customer is found: address, name, and with the last name first."""
    email = canonical_email(one.email or "").replace("\0", "")[:EMAIL_MAX]
    first, last = _sought(one.first_name), _sought(one.last_name)
    return email, f"{first} {last}".strip()[:NAME_MAX], f"{last} {first}".strip()[:NAME_MAX]


def _sought(text: str) -> str:
    """Return text as it is compared: NFKC, without case, with single spaces."""
    plain = unicodedata.normalize("NFKC", text.replace("\0", "")).casefold()
    return " ".join(plain.split())


async def search(store: str, text: str, *, limit: int, before: int = NEWEST) -> list[Found]:
    """Return the customers that a text begins the address or a name of, or is the id of.

    Newest first, those ``before`` a row's number; without a text, of all.
    """
    ways, sought = [ALL], _sought(text)
    if sought:  # rows without a body have no names either
        ways = [*(BEGINS.format(name) for name in ("email", "name", "surname")), IS]
    parts = " UNION ".join(
        f"SELECT id FROM (SELECT id FROM customer WHERE store = $1 AND {way} DESC LIMIT $3)"
        f" AS way{number}"
        for number, way in enumerate(ways)
    )
    values = [sought, f"{sought}{LAST}", text.strip()[:ID_MAX]] if sought else []
    rows = await sql.rows(
        f"SELECT id, body, is_gone FROM customer WHERE id IN ({parts}) ORDER BY id DESC LIMIT $3",
        *(store, before, limit, *values),
    )
    return [Found(row["id"], unpack(row["body"], Customer), bool(row["is_gone"])) for row in rows]
