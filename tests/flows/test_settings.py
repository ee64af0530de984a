"""The merchant's settings: keys and webhooks, and every secret shown once."""

import re
from html import unescape

import httpx
import pytest

from connector import worker
from connector.commerce.models import StoreRow
from connector.sync.listeners import LISTENERS_MAX
from connector.sync.models import ListenerRow, MessageRow, TicketRow
from connector.web.keys import KEYS_MAX
from connector.web.models import ApiKeyRow, DeedRow, SessionRow
from tests.flows.merchant import Merchant, merchant
from tests.flows.test_webhooks_out import System
from tests.town import NOW, SERVICE, founded

KEYS, WEBHOOKS = "/settings/keys", "/settings/webhooks"
LINK = re.compile(r"https://[a-z.]+/admin/enter\?ticket=[a-z0-9]+")
SIGNING = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
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


async def added(town, ada, url="https://erp.example.test/hook", events=("points.changed",)):
    """Add a webhook, and return its row and its secret."""
    ticked = {f"event:{name}": "on" for name in events}
    form = (await ada.get(WEBHOOKS)).form(WEBHOOKS) | {"url": url} | ticked
    answer = await ada.http.post(f"/admin{WEBHOOKS}", data=form)
    (secret,) = SIGNING.findall(unescape(answer.text))
    return await ListenerRow.get(store=town.store, url=url), secret


async def told(town, ada, status):
    """Have an order told to a system that answers with a status."""
    town.wire.apps["erp.example.test"] = erp = System()
    erp.status = status
    row, secret = await added(town, ada)
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()
    return erp, row, secret


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


async def test_a_webhook_is_added_and_its_secret_shown_once(town):
    await town.connect()
    ada = await merchant(town)

    page = await ada.get(WEBHOOKS)
    assert "Nobody is told yet" in page.words
    form = page.form(WEBHOOKS) | {"url": " https://erp.example.test/hook "}
    form |= {"event:tier.changed": "on", "event:points.changed": "on"}
    answer = await ada.http.post(f"/admin{WEBHOOKS}", data=form)
    assert len(SIGNING.findall(unescape(answer.text))) == 1
    assert "set-cookie" not in answer.headers
    (row,) = await ListenerRow.all()
    assert (row.store, row.url) == (town.store, "https://erp.example.test/hook")
    assert row.events == ["points.changed", "tier.changed"]

    again = await ada.send(WEBHOOKS, form)
    assert "This form was sent before: nothing new was made" in again.words
    listed = await ada.get(WEBHOOKS)
    assert SIGNING.findall(again.words + listed.words) == []
    assert "https://erp.example.test/hook points.changed, tier.changed Good" in listed.words
    assert "1 address" in (await ada.get("/settings/")).words
    said = "https://erp.example.test/hook: points.changed, tier.changed"
    assert await deeds() == [("Ada", "webhook added", row.id, said)]


async def test_the_secret_that_was_shown_verifies_what_is_told(town):
    town.clock.at = NOW.now(NOW.tzinfo).replace(microsecond=0)  # who verifies looks at it
    await town.connect()
    erp, _, secret = await told(town, await merchant(town), 204)

    (said,) = erp.told(secret)
    assert said["type"] == "points.changed"


async def test_what_was_taken_is_in_the_log(town):
    await town.connect()
    ada = await merchant(town)
    _, row, _ = await told(town, ada, 204)

    page = await ada.get(f"{WEBHOOKS}/{row.id}")
    (message,) = await MessageRow.all()
    at = "21 November 2026, 13:00"
    assert (
        f"points.changed Delivered msg_{message.id} · told on {at} · tried 1 time"
        f" · delivered on {at}"
    ) in page.words


async def test_what_was_not_taken_is_sent_again_once_by_a_form(town):
    await town.connect()
    ada = await merchant(town)
    erp, row, _ = await told(town, ada, 500)
    there = f"{WEBHOOKS}/{row.id}"
    page = await ada.get(there)
    assert "Waiting" in page.words
    assert "tried 1 time" in page.words
    assert "Last trouble: answered 500" in page.words
    assert "points.changed Last trouble: answered 500 Look" in (await ada.get(WEBHOOKS)).words

    town.clock.forward(days=3, seconds=1)
    await worker.drain(town.system)
    ada = await merchant(town)  # whose first session is over
    page = await ada.get(there)
    assert "Not delivered" in page.words

    erp.status = 204
    for _ in range(2):
        said = await ada.send(f"{there}/send", page.form("/send"))
        assert "It is being sent again" in said.words
        await worker.drain(town.system)
    assert len(erp.got) == 2
    assert len({one.headers["webhook-id"] for one in erp.got}) == 1
    assert "Delivered" in (await ada.get(there)).words
    (message,) = await MessageRow.all()
    assert (await deeds())[1:] == [
        ("Ada", "message sent again", row.id, f"points.changed, message {message.id}")
    ]


async def test_an_ended_webhook_is_told_nothing_and_sends_nothing(town):
    await town.connect()
    ada = await merchant(town)
    _, row, _ = await told(town, ada, 500)
    there = f"{WEBHOOKS}/{row.id}"
    page = await ada.get(there)

    said = await ada.send(f"{there}/end", page.form("/end"))
    assert "That address is told nothing more" in said.words
    assert "Nobody is told yet" in said.words
    assert "Ended https://erp.example.test/hook ended on" in said.words
    ended = await ada.get(there)
    assert [to for to, _ in ended.forms if "webhooks" in to] == []
    assert "Not delivered" in ended.words
    assert (await ada.send(f"{there}/send", page.form("/send"))).status == 400
    assert (await ada.send(f"{there}/end", page.form("/end"))).status == 400
    assert (await MessageRow.get()).due_at is None
    assert [what for _, what, _, _ in await deeds()] == ["webhook added", "webhook ended"]


@pytest.mark.parametrize(
    ("url", "events", "words"),
    [
        ("", ["tier.changed"], "Write the address, such as https://example.com/hook."),
        ("ftp://erp.test/", ["tier.changed"], "cannot be told: write https://host/path."),
        ("https://a b/", ["tier.changed"], "cannot be told: write https://host/path."),
        (f"https://erp.test/{'x' * 500}", ["tier.changed"], "cannot be told"),
        ("https://erp.test/", [], "Tick at least one thing to be told of."),
        ("https://erp.test/", ["all"], "Tick at least one thing to be told of."),
    ],
)
async def test_a_webhook_that_cannot_be_is_said_at_the_form_and_kept(town, url, events, words):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get(WEBHOOKS)).form(WEBHOOKS) | {"url": url}

    page = await ada.send(WEBHOOKS, form | {f"event:{name}": "on" for name in events})
    assert (page.status, words in page.words) == (400, True)
    kept = page.form(WEBHOOKS)
    assert kept["url"] == url
    assert ("event:tier.changed" in kept) is ("tier.changed" in events)
    assert (await ListenerRow.all().count(), await deeds()) == (0, [])


async def test_too_many_webhooks_are_said_at_the_form(town):
    await town.connect()
    ada = await merchant(town)
    for number in range(LISTENERS_MAX):
        await added(town, ada, f"https://erp.example.test/{number}")
    form = (await ada.get(WEBHOOKS)).form(WEBHOOKS)

    page = await ada.send(
        WEBHOOKS, form | {"url": "https://more.test/", "event:tier.changed": "on"}
    )
    assert page.status == 400
    assert "A store has 10 webhooks at most: end one first." in page.words
    assert await ListenerRow.all().count() == LISTENERS_MAX


async def test_webhooks_of_another_store_are_neither_shown_nor_changed(town):
    await town.connect()
    _, row, _ = await told(town, await merchant(town), 500)
    eve, (message,) = await neighbour(town), await MessageRow.all()
    there = f"{WEBHOOKS}/{row.id}"

    page = await eve.get(WEBHOOKS)
    assert "erp.example.test" not in page.words
    assert (await eve.get(there)).status == 404
    fields = {"csrf": page.form(WEBHOOKS)["csrf"], "key": "k", "message": str(message.id)}
    assert (await eve.send(f"{there}/end", fields)).status == 404
    assert (await eve.send(f"{there}/send", fields)).status == 404
    assert (await eve.send(f"{WEBHOOKS}/other/send", fields)).status == 404
    assert (await ListenerRow.get()).ended_at is None
    assert (await MessageRow.get()).key == ""


async def test_the_log_of_a_webhook_goes_on_where_a_page_ends(town):
    await town.connect()
    ada = await merchant(town)
    row, _ = await added(town, ada)
    for number in range(1, 54):
        await MessageRow.create(
            id=number, store=town.store, listener=row.id, event="tier.changed", body="{}",
            told_at=town.clock(),
        )  # fmt: skip

    first = await ada.get(f"{WEBHOOKS}/{row.id}")
    older = await ada.http.get(first.links["Older"])
    assert [f"msg_{n} " in first.words for n in (53, 4, 3)] == [True, True, False]
    assert [f"msg_{n}<" in older.text for n in (4, 3, 1)] == [False, True, True]


async def test_somebody_is_let_in_by_a_link_that_is_shown_once(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/access/")).form("/access/") | {"name": " Ben ", "role": "support"}

    answer = await ada.http.post("/admin/access/", data=form)
    (link,) = LINK.findall(answer.text)
    assert "set-cookie" not in answer.headers
    again = await ada.send("/access/", form)
    assert "This form was sent before: nothing new was made" in again.words
    assert LINK.findall(again.words) == []
    assert await deeds() == [("Ada", "link made", "Ben", "support")]

    ben = Merchant(httpx.AsyncClient(transport=town.wire, base_url=SERVICE))
    assert (await ben.http.get(link)).status_code == 303
    assert "Ben, support" in (await ben.get("/")).words
    assert (await ben.http.get("/admin/access/")).status_code == 403
    assert (await httpx.AsyncClient(transport=town.wire).get(link)).status_code == 401


async def test_a_link_is_good_for_ten_minutes(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/access/")).form("/access/") | {"name": "Ben", "role": "owner"}
    (link,) = LINK.findall((await ada.http.post("/admin/access/", data=form)).text)

    town.clock.forward(minutes=10)
    answer = await town.http.get(link)
    assert (answer.status_code, answer.json()["code"]) == (401, "admin-unknown")
    assert await SessionRow.filter(who="Ben").count() == 0


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\tb"])
async def test_whom_a_link_is_for_is_asked_at_the_form(town, name):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/access/")).form("/access/") | {"name": name, "role": "manager"}

    page = await ada.send("/access/", form)
    assert page.status == 400
    assert "Write who it is for, in 100 characters at most." in page.words
    assert page.form("/access/")["role"] == "manager"
    assert (await deeds(), await TicketRow.filter(purpose="admin").count()) == ([], 0)


async def test_nobody_is_let_in_with_a_role_that_there_is_not(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/access/")).form("/access/") | {"name": "Ben", "role": "god"}
    assert (await ada.send("/access/", form)).status == 400
    assert await deeds() == []


async def test_the_settings_say_what_is_kept_how_long(town):
    await town.connect()
    words = (await (await merchant(town)).get("/settings/")).words
    assert (
        "What your store told us 7 days What of that could not be read 30 days"
        " What was sent to your store 30 days What your webhooks were told 30 days"
        " Who was signed in, after that 30 days Points, and what was changed by whom for good"
    ) in words


async def test_what_is_set_elsewhere_is_shown_with_where(town):
    await town.connect()
    page = await (await merchant(town)).get("/settings/")
    assert (
        "Languages English, 日本語, polski · set where the service runs, by"
        " PERENNIAL_LOCALES Widget look colour, light or dark, and the corner of your storefront"
        " Statuses that count as paid part of the program, under its limits"
        " Export of everything one file with all that people have here"
    ) in page.words
    assert page.links["Statuses that count as paid"] == "/admin/program/#limits"


async def test_whom_mail_is_from_is_shown(empty_database, tmp_path):
    async with founded(empty_database, tmp_path, smtp_url="smtp://localhost:1") as town:
        await town.connect()
        words = (await (await merchant(town)).get("/settings/")).words
        assert "Mail to customers Town club <club@town.example>" in words


async def test_a_store_is_disconnected_by_its_name_and_keeps_its_points(town):
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), 2, maya)
    await town.settle()
    ada = await merchant(town)
    form = (await ada.get("/settings/")).form("disconnect")
    hooks = len(list(town.shop.all("webhook")))

    wrong = await ada.send("/settings/disconnect", form | {"name": "town"})
    assert (wrong.status, "Write “Town”, as it is here." in wrong.words) == (400, True)
    assert wrong.form("disconnect")["name"] == "town"
    assert (await town.row()).disconnected_at is None
    assert len(list(town.shop.all("webhook"))) == hooks > 0
    assert await deeds() == []

    said = await ada.send("/settings/disconnect", form | {"name": " Town "})
    assert "The store is disconnected: its points are kept" in said.words
    assert "Disconnected from your store" in said.words
    assert "The store has been disconnected since 21 November 2026, 13:00" in said.words
    assert (await town.row()).disconnected_at == town.clock()
    assert list(town.shop.all("webhook")) == []
    assert await deeds() == [("Ada", "store disconnected", town.store, "Town")]
    assert "+100" in (await ada.get(f"/customers/customer:{maya}")).words

    again = await ada.send("/settings/disconnect", form | {"name": "Town"})
    assert "The store is disconnected already" in again.words
    assert len(await deeds()) == 1


async def test_a_store_that_does_not_answer_stays_connected(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/settings/")).form("disconnect") | {"name": "Town"}
    town.wire.answers["/wp-json/wc/v3/webhooks"] = town.refusal(500)

    page = await ada.send("/settings/disconnect", form)
    assert page.status == 400
    assert "The store did not answer, and nothing was changed." in page.words
    assert page.form("disconnect")["name"] == "Town"
    assert (await town.row()).disconnected_at is None
    assert await deeds() == []
