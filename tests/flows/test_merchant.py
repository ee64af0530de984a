"""The merchant's pages: customers found, every point explained, changes by hand and undone."""

import asyncio

import pytest

from connector.errors import RequestInvalid
from connector.features.loyalty.models import DecisionRow
from connector.rewards.models import RedemptionRow
from connector.web.models import DeedRow, SessionRow
from connector.web.sessions import admin_link
from platforms.woocommerce.fake import people
from tests.flows.merchant import merchant
from tests.town import PROGRAM, SERVICE


def named(town, first, last, email):
    body = {"email": email, "first_name": first, "last_name": last, "password": "shopper"}
    return int(people.create(town.shop, body)["id"])


async def spent(town, quantity=2):
    """Have Maya buy for so many times 10 EUR, at 5 points a euro."""
    await town.connect()
    maya = town.shopper()
    town.order(town.product("10.00"), quantity, maya)
    await town.settle()
    return maya


async def test_customers_are_found_by_the_beginning_of_a_name_or_address(town):
    await town.connect()
    okafor = named(town, "Maya", "Okafor", "maya.okafor@example.test")
    named(town, "Jonas", "Lind", "jonas@example.test")
    named(town, "Łucja", "Żak", "lucja@example.test")
    await town.settle()
    ada = await merchant(town)

    found = {}
    for text in ("", "may", "OKA", "okafor  maya", "maya oka", "jonas@", "żak", "afor", "%"):
        words = (await ada.get("/customers/", q=text)).words
        names = ("Maya Okafor", "Jonas Lind", "Łucja Żak")
        found[text] = [name for name in names if name in words]
    assert found == {
        "": ["Maya Okafor", "Jonas Lind", "Łucja Żak"],
        "may": ["Maya Okafor"],
        "OKA": ["Maya Okafor"],
        "okafor  maya": ["Maya Okafor"],
        "maya oka": ["Maya Okafor"],
        "jonas@": ["Jonas Lind"],
        "żak": ["Łucja Żak"],
        "afor": [],
        "%": [],
    }
    by_id = await ada.get("/customers/", q=str(okafor))
    assert "Maya Okafor" in by_id.words
    nobody = await ada.get("/customers/", q="afor")
    assert "Nobody is called" in nobody.words


async def test_the_list_goes_on_where_a_page_ends(town):
    await town.connect()
    for number in range(53):
        named(town, "Shopper", f"{number:02}", f"s{number}@example.test")
    await town.settle()
    ada = await merchant(town)

    first = await ada.get("/customers/", q="shopper")
    assert ("Shopper 52" in first.words, "Shopper 02" in first.words) == (True, False)
    older = await ada.http.get(first.links["Older"])
    assert [f"Shopper {n:02}" in older.text for n in (0, 1, 2, 3)] == [True, True, True, False]


async def test_a_guest_is_found_by_an_order(town):
    await town.connect()
    order = town.order(town.product("10.00"), 2, email="guest@example.test")
    await town.settle()
    ada = await merchant(town)

    found = await ada.get("/customers/", q=f"order:{order['id']}")
    page = await ada.http.get(found.links["Show this guest"])
    assert "100" in page.text


async def test_a_customer_is_shown_with_every_point_explained(town):
    maya = await spent(town)
    ada = await merchant(town, "analyst")

    page = await ada.get(f"/customers/customer:{maya}")
    assert page.status == 200
    assert "Maya L" in page.words
    assert "Available" in page.words
    assert "+100" in page.words
    assert "goods 20.00 EUR x 5 per 1.00, floor" in page.words
    forms = {to for to, fields in page.forms if "csrf" in fields}
    assert forms == {"/admin/leave", "/admin/language"}  # who only looks, changes nothing


async def test_what_is_left_was_taken_and_was_bought_stands_beside(town):
    await town.connect(PROGRAM + '[expiry]\nkind = "lot"\nmonths = 1\n')
    maya = town.shopper()
    town.order(town.product("10.00"), 11, maya)  # 550 points on 21 November
    await town.settle()
    await town.redeem(maya, "5-off")
    await town.settle()
    page = await (await merchant(town)).get(f"/customers/customer:{maya}")

    (row,) = await RedemptionRow.all()
    assert "Points that are left 50 end on 21 December 2026" in page.words
    assert f"5-off · {row.code} 500 points · 21 November 2026 · not used yet" in page.words
    assert "Order 2 · processing 21 November 2026 €110.00" in page.words


async def test_points_are_given_for_a_reason_and_taken_back_by_undo(town):
    maya = await spent(town)
    ada = await merchant(town, "support")
    there = f"/customers/customer:{maya}"

    page = await ada.get(there)
    form = page.form("adjust") | {"points": "150", "reason": "a late parcel"}
    said = await ada.send(f"{there}/adjust", form)
    assert "150 points added" in said.words
    assert "by the merchant: a late parcel" in said.words
    assert (await town.visitor(maya))["available"] == 250
    again = await ada.send(f"{there}/adjust", form)  # the same form, sent twice
    assert (again.status, (await town.visitor(maya))["available"]) == (200, 250)

    undo = next(fields for to, fields in said.forms if to.endswith("/undo"))
    undone = await ada.send(f"{there}/undo", undo)
    assert "That is undone" in undone.words
    assert (await town.visitor(maya))["available"] == 100
    assert "That is undone" not in (await ada.get(there)).words
    await ada.send(f"{there}/undo", undo)
    assert (await town.visitor(maya))["available"] == 100
    assert [
        (row.who, row.role, row.what, row.said) for row in await DeedRow.all().order_by("id")
    ] == [
        ("Ada", "support", "points adjusted", "+150: a late parcel"),
        ("Ada", "support", "adjustment undone", "+150: a late parcel"),
    ]


@pytest.mark.parametrize(
    ("points", "reason", "words"),
    [
        ("", "a late parcel", "Write a whole number of points"),
        ("a lot", "a late parcel", "Write a whole number of points"),
        ("1.5", "a late parcel", "Write a whole number of points"),
        ("0", "a late parcel", "Write a whole number of points"),
        ("--5", "a late parcel", "Write a whole number of points"),
        ("99999999999999", "a late parcel", "Write a whole number of points"),
        ("150", "   ", "Write why"),
        ("150", "x" * 501, "Write why"),
    ],
)
async def test_what_cannot_be_is_said_beside_the_field_and_kept(town, points, reason, words):
    maya = await spent(town)
    ada = await merchant(town)
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("adjust") | {"points": points, "reason": reason}

    answer = await ada.http.post(f"/admin{there}/adjust", data=form)
    assert answer.status_code == 400
    assert words in answer.text
    assert reason.strip() in answer.text
    assert await DecisionRow.all().count() == 0


async def test_points_are_taken_with_a_real_minus_too(town):
    maya = await spent(town)
    ada = await merchant(town)
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("adjust")

    await ada.send(f"{there}/adjust", form | {"points": "\N{MINUS SIGN}30", "reason": "twice"})
    assert (await town.visitor(maya))["available"] == 70


async def test_two_who_undo_at_once_undo_once(town):
    maya = await spent(town)
    ada = await merchant(town)
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("adjust") | {"points": "150", "reason": "a late parcel"}
    said = await ada.send(f"{there}/adjust", form)
    undo = next(fields for to, fields in said.forms if to.endswith("/undo"))

    await asyncio.gather(*(ada.send(f"{there}/undo", undo) for _ in range(2)))
    assert (await town.visitor(maya))["available"] == 100


async def test_without_a_program_the_page_says_what_comes_first(town):
    await town.connect(program=None)
    maya = town.shopper()
    await town.settle()
    page = await (await merchant(town)).get(f"/customers/customer:{maya}")
    assert "Publish a program first" in page.words


async def test_a_session_ends_by_leaving_by_its_time_and_by_the_owner(town):
    await town.connect()
    ada, ben, eve = [await merchant(town, who=who) for who in ("Ada", "Ben", "Eve")]

    left = await ben.send("/leave", (await ben.get("/")).form("leave"))
    assert "You are signed out" in left.words
    assert (await ben.http.get("/admin/")).status_code == 401

    page = await ada.get("/access/")
    assert ("Ada" in page.words, "Eve" in page.words) == (True, True)
    eves = (await SessionRow.get(who="Eve")).id
    form = next(fields for _, fields in page.forms if fields.get("session") == eves)
    ended = await ada.send("/access/end", form)
    assert "Eve is signed out" in ended.words
    assert (await eve.http.get("/admin/")).status_code == 401
    assert "session ended" in ended.words

    town.clock.forward(hours=8)
    assert (await ada.http.get("/admin/")).status_code == 401


async def test_a_link_is_for_somebody_with_a_name(town):
    await town.connect()
    tools = town.system.tools
    for who in ("", "  ", "x" * 101, "a\nb"):
        with pytest.raises(RequestInvalid, match="who it is for"):
            await admin_link(tools.ids, tools.clock, SERVICE, town.store, who=who)


async def test_words_of_others_are_text_on_the_pages(town):
    await town.connect(PROGRAM)
    eve = named(town, "<script>", "alert(1)</script>", "eve@example.test")
    await town.settle()
    ada = await merchant(town)
    there = f"/customers/customer:{eve}"

    form = (await ada.get(there)).form("adjust") | {"points": "1", "reason": "<b onclick=x>"}
    answer = await ada.http.post(f"/admin{there}/adjust", data=form, follow_redirects=True)
    for text in (answer.text, (await ada.http.get("/admin/customers/")).text):
        assert "<script" not in text
        assert "<b onclick" not in text
    assert "script" not in answer.headers["content-security-policy"]


async def test_a_forged_word_is_not_said(town):
    maya = await spent(town)
    ada = await merchant(town)
    there = f"/customers/customer:{maya}"
    form = (await ada.get(there)).form("adjust") | {"points": "5", "reason": "a gift"}
    await ada.http.post(f"/admin{there}/adjust", data=form)
    ada.http.cookies.set("perennial_toast", "forged.AAAA.bbbb", domain="rewards.example.test")
    page = await ada.get(there)
    assert (page.status, "added" in page.words) == (200, False)


async def test_what_did_not_work_leads_back_whoever_is_in(town):
    await town.connect()
    support = await merchant(town, "support")

    refused = await support.get("/access/")
    missing = await support.get("/customers/customer:0")
    assert (refused.status, refused.links) == (403, {"Go to Home": "/admin/"})
    assert (missing.status, missing.links) == (404, {"Go to Home": "/admin/"})

    support.http.cookies.clear()
    outside = await support.get("/customers/")
    assert (outside.status, outside.links) == (401, {})
