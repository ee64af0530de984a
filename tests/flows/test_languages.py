"""The merchant's pages in the language of who reads them: chosen, asked for, brought by a file."""

import shutil

import pytest

from connector.app import create_app
from connector.errors import SettingsInvalid
from tests.flows.merchant import Page, merchant
from tests.house.texts import marked
from tests.town import PROGRAM, founded

ARABIC = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Customers"
msgstr "العملاء"
"""


@pytest.fixture
async def abroad(empty_database, tmp_path):
    """A town whose operator has more languages: Arabic, and one in which all texts are marked."""
    locales = tmp_path / "locales"
    locales.mkdir()
    (locales / "ar.po").write_text(ARABIC, encoding="utf-8")
    marked(locales)
    async with founded(empty_database, tmp_path, locales=str(locales)) as one:
        yield one


async def chosen(ada, tag, path="/customers/", **query):
    form = (await ada.get(path, **query)).form("/admin/language")
    return await ada.send("/language", form | {"language": tag})


async def test_a_language_is_chosen_and_kept_by_the_browser(abroad):
    await abroad.connect(PROGRAM)
    ada, ben = await merchant(abroad), await merchant(abroad, who="Ben")

    page = await chosen(ada, "ar", "/customers/", q="maya", before="5")
    assert (page.status, str(page.url.raw_path, "ascii")) == (
        200, "/admin/customers/?q=maya&before=5",
    )  # fmt: skip
    assert "العملاء" in page.words
    assert "Search" in page.words  # the catalogue has no more, and English it is
    assert 'lang="ar" dir="rtl"' in (await ada.http.get("/admin/")).text
    assert "Customers" in (await ben.get("/customers/")).words
    cookie = ada.http.cookies.get("perennial_language")
    assert cookie == "ar"

    left = await ada.http.post("/admin/leave", data=page.form("leave"))
    assert 'lang="ar" dir="rtl"' in left.text
    outside = await ada.http.get("/admin/customers/")
    assert (outside.status_code, 'lang="ar"' in outside.text) == (401, True)


@pytest.mark.parametrize(
    ("back", "there"),
    [
        ("/program/?x=1", "/admin/program/?x=1"),
        ("", "/admin/"),
        ("https://elsewhere.example", "/admin/"),
        ("//elsewhere.example", "/admin//elsewhere.example"),
    ],
)
async def test_whoever_chooses_stays_here(abroad, back, there):
    await abroad.connect()
    ada = await merchant(abroad)
    form = (await ada.get("/")).form("/admin/language") | {"language": "ar", "back": back}
    answer = await ada.http.post("/admin/language", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, there)


async def test_a_language_that_is_not_there_cannot_be_chosen(abroad):
    await abroad.connect()
    ada = await merchant(abroad)
    page = await chosen(ada, "tlh\r\nx: y")
    assert (page.status, ada.http.cookies.get("perennial_language")) == (400, None)
    assert "There are no pages in this language." in page.words


async def test_a_form_with_a_mistake_leads_back_to_its_page(abroad):
    await abroad.connect()
    maya = abroad.shopper()
    await abroad.settle()
    ada, there = await merchant(abroad), f"/customers/customer:{maya}"
    wrong = await ada.send(f"{there}/adjust", (await ada.get(there)).form("adjust"))
    assert wrong.status == 400
    page = await ada.send("/language", wrong.form("/admin/language") | {"language": "ar"})
    assert (page.status, page.url.path) == (200, "/admin/customers/")


async def test_whoever_chose_nothing_reads_what_their_browser_asks_for(abroad):
    await abroad.connect()
    ada = await merchant(abroad)
    for asked, lang in (("ar-EG, en;q=0.5", "ar"), ("fr, en;q=0.5", "en"), ("", "en")):
        page = await ada.http.get("/admin/", headers={"Accept-Language": asked})
        assert f'<html lang="{lang}"' in page.text
    link = await ada.http.get("/admin/enter?ticket=x", headers={"Accept-Language": "ar"})
    assert (link.status_code, 'dir="rtl"' in link.text) == (401, True)


async def test_what_a_form_comes_to_is_said_in_the_language_too(abroad):
    await abroad.connect()
    maya = abroad.shopper()
    await abroad.settle()
    ada, there = await merchant(abroad), f"/customers/customer:{maya}"
    await chosen(ada, "zh")
    form = (await ada.get(there)).form("adjust")
    wrong = await ada.send(f"{there}/adjust", form | {"points": "a lot", "reason": "a gift"})
    assert "\u200bWrite a whole number of points" in wrong.words
    done = await ada.send(f"{there}/adjust", form | {"points": "1500", "reason": "a gift"})
    assert "\u200b1,500 points added\u00ad" in done.words
    deeds = await ada.get("/access/")
    assert "(\u200bowner\u00ad): \u200bpoints adjusted\u00ad" in deeds.words


async def test_what_is_not_a_merchants_page_stays_as_it_was(abroad):
    await abroad.connect()
    said = await abroad.http.get("/api/v1/members", headers={"Accept-Language": "zh"})
    assert said.json()["detail"] == "send an API key as Authorization: Bearer pk_..."
    form = {"store": "x", "url": "y"}
    asked = {"Accept-Language": "zh", "Accept": "text/html"}
    page = await abroad.http.get("/install/nowhere", params=form, headers=asked)
    assert "\u200bThat didn\u2019t work\u00ad" in Page(page).words


async def test_a_broken_catalogue_stops_the_start(abroad, tmp_path):
    shutil.copy(tmp_path / "locales" / "ar.po", tmp_path / "locales" / "qq.po")
    with pytest.raises(SettingsInvalid, match=r"qq\.po can't be used: unknown locale 'qq'$"):
        create_app(abroad.system)
