"""The merchant's settings: keys made and revoked, and every secret shown once."""

import re

import pytest

from connector.commerce.models import StoreRow
from connector.web.keys import KEYS_MAX
from connector.web.models import ApiKeyRow, DeedRow
from tests.flows.merchant import merchant
from tests.town import SERVICE

KEYS = "/settings/keys"
SECRET = re.compile(r"pk_[a-z0-9]{16}_[A-Za-z0-9_-]{43}")


async def neighbour(town, who="Eve"):
    """Return the owner of another store."""
    here = await town.row()
    there = {name: getattr(here, name) for name in here._meta.fields_map}
    await StoreRow.create(**there | {"id": "other", "url": "https://other.example.test"})
    home, town.store = town.store, "other"
    browser = await merchant(town, who=who)
    town.store = home
    return browser


async def deeds():
    rows = await DeedRow.all().order_by("id")
    return [(row.who, row.what, row.about, row.said) for row in rows]


async def asked_with(town, key):
    headers = {"Authorization": f"Bearer {key}"}
    return (await town.http.get(f"{SERVICE}/api/v1/members", headers=headers)).status_code


async def test_a_key_is_made_with_scopes_and_shown_once(town):
    await town.connect()
    ada = await merchant(town)

    page = await ada.get(KEYS)
    assert "No keys yet" in page.words
    form = page.form(KEYS) | {"name": " the till ", "scope:read": "on", "scope:points": "on"}
    made = await ada.http.post(f"/admin{KEYS}", data=form)
    (key,) = SECRET.findall(made.text)
    (row,) = await ApiKeyRow.all()
    assert (row.store, row.name, row.scopes) == (town.store, "the till", ["points", "read"])
    assert key.startswith(f"pk_{row.id}_")
    assert await asked_with(town, key) == 200
    assert "set-cookie" not in made.headers

    again = await ada.send(KEYS, form)
    assert "This form was sent before: nothing new was made" in again.words
    listed = await ada.get(KEYS)
    assert SECRET.findall(again.words + listed.words) == []
    assert f"the till points read made on 21 November 2026, 13:00 · pk_{row.id}_…" in listed.words
    assert "1 key" in (await ada.get("/settings/")).words
    assert await deeds() == [("Ada", "key made", "the till", "points, read")]


async def test_a_revoked_key_is_good_for_nothing(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get(KEYS)).form(KEYS) | {"name": "the till", "scope:read": "on"}
    (key,) = SECRET.findall((await ada.http.post(f"/admin{KEYS}", data=form)).text)
    row = await ApiKeyRow.get()

    revoke = (await ada.get(KEYS)).form("revoke")
    assert revoke["id"] == row.id
    said = await ada.send(f"{KEYS}/revoke", revoke)
    assert "“the till” is good for nothing now" in said.words
    assert "No keys yet" in said.words
    assert await asked_with(town, key) == 401
    assert (await ada.send(f"{KEYS}/revoke", revoke)).status == 400
    assert (await deeds())[1:] == [("Ada", "key revoked", "the till", row.id)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scope:read": "on"}, "Give the key a name, of 100 characters at most."),
        ({"name": "x" * 101, "scope:read": "on"}, "Give the key a name, of 100 characters"),
        ({"name": "the till"}, "Tick at least one thing that the key may do."),
        ({"name": "the till", "scope:all": "on"}, "Tick at least one thing that the key may do."),
    ],
)
async def test_a_key_that_cannot_be_is_said_at_the_form_and_kept(town, fields, words):
    await town.connect()
    ada = await merchant(town)
    blank = {"name": ""}

    page = await ada.send(KEYS, (await ada.get(KEYS)).form(KEYS) | blank | fields)
    assert (page.status, words in page.words) == (400, True)
    kept = page.form(KEYS)
    assert kept["name"] == fields.get("name", "")
    assert ("scope:read" in kept) is ("scope:read" in fields)
    assert await ApiKeyRow.all().count() == 0
    assert await deeds() == []


async def test_too_many_keys_are_said_at_the_form(town):
    row = await town.connect()
    for number in range(KEYS_MAX):
        at = town.clock()
        await ApiKeyRow.create(
            id=f"k{number}", store=row.id, name="x", scopes=["read"], digest="", created_at=at
        )
    ada = await merchant(town)

    form = (await ada.get(KEYS)).form(KEYS) | {"name": "one more", "scope:read": "on"}
    page = await ada.send(KEYS, form)
    assert page.status == 400
    assert "A store has 100 keys at most: revoke one first." in page.words
    assert (page.form(KEYS)["name"], await deeds()) == ("one more", [])


async def test_keys_of_another_store_are_neither_shown_nor_revoked(town):
    await town.connect()
    ada, eve = await merchant(town), await neighbour(town)
    form = (await ada.get(KEYS)).form(KEYS) | {"name": "only-here", "scope:read": "on"}
    await ada.send(KEYS, form)
    row = await ApiKeyRow.get()

    page = await eve.get(KEYS)
    assert ("only-here" in page.words, "No keys yet" in page.words) == (False, True)
    asked = {"csrf": page.form(KEYS)["csrf"], "id": row.id}
    assert (await eve.send(f"{KEYS}/revoke", asked)).status == 400
    assert (await ApiKeyRow.get()).revoked_at is None
