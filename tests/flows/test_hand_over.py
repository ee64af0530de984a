"""Whoever manages a store comes in from its back office, by its word: once, and for a minute."""

import base64

import jwt
import pytest

from connector.web.models import SessionRow
from tests.flows.merchant import Merchant, merchant
from tests.town import Town

ROLES = [
    ("owner", 200),
    ("manager", 403),
]


def word(town: Town, **changes: object) -> str:
    """Return the word of the town's store, with some claims changed or, by None, left out."""
    now = int(town.clock().timestamp())
    claims = {
        "iss": town.store,
        "sub": "ada",
        "role": "owner",
        "aud": "perennial-admin",
        "iat": now,
        "exp": now + 60,
        "jti": "one",
    } | changes
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, _key(town), "HS256")


def _key(town: Town) -> bytes:
    key = town.system.tools.sessions.key(town.store)
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


async def entered(town: Town, token: str) -> Merchant | None:
    """Return somebody who came in with a token, None if they were sent away."""
    ada = await merchant(town)
    ada.http.cookies.clear()
    answer = await ada.http.get("/admin/enter", params={"handed": token})
    assert answer.status_code in {303, 401}
    return ada if answer.status_code == 303 else None


@pytest.mark.parametrize(("role", "status"), ROLES)
async def test_the_back_offices_word_opens_a_session_in_its_role(town, role, status):
    await town.connect()
    ada = await entered(town, word(town, role=role, jti=role))
    assert ada is not None

    assert (await ada.get("/access/")).status == status
    row = await SessionRow.filter(who="ada").get()
    assert (row.store, row.role) == (town.store, role)


async def test_a_word_is_good_once_and_for_a_minute(town):
    await town.connect()
    first, second = word(town), word(town, jti="two")

    assert await entered(town, first)
    assert await entered(town, first) is None
    town.clock.forward(seconds=60)
    assert await entered(town, second) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": None},
        {"aud": "perennial-storefront"},
        {"role": "god"},
        {"exp": 2_000_000_000},
        {"iat": 2_000_000_000, "exp": 2_000_000_060},
        {"jti": None},
        {"sub": None},
    ],
)
async def test_words_that_say_something_else_open_nothing(town, changes):
    await town.connect()

    assert await entered(town, word(town, **changes)) is None
    assert await SessionRow.filter(who="ada").count() == 0


async def test_nobody_else_can_give_the_word(town):
    await town.connect()
    good = word(town)
    claims = jwt.decode(good, options={"verify_signature": False})
    _, visitor = town.system.tools.visitors.newest_key(town.store)

    for token in (
        jwt.encode(claims, "x" * 32, "HS256"),
        jwt.encode(claims, visitor, "HS256"),
        jwt.encode(claims, "", "none"),
        good[:-2],
        "",
        "a.b.c",
        "\u20ac",
    ):
        assert await entered(town, token) is None


async def test_a_name_is_what_can_be_printed_of_it(town):
    await town.connect()
    ada = await entered(town, word(town, sub=" \u202ea\nda " + "x" * 200))
    assert ada is not None

    row = await SessionRow.exclude(who="Ada").get()
    assert row.who == ("ada " + "x" * 200)[:100]
