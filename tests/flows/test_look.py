"""How the widgets look: chosen on a page, tried before it is saved, and told with the state."""

import httpx
import pytest

from connector.features.loyalty.models import PublicationRow
from connector.web.looks import Look, chosen, declared
from connector.web.models import DeedRow, LookRow
from tests.flows.merchant import merchant
from tests.town import PROGRAM

GREEN = {"accent": "#1a7f5a", "scheme": "dark", "position": "start"}
PAGE = '<html><head><meta name="theme-color" content="#1A7F5A"></head></html>'


async def saved(ada, **look):
    """Send the form with what was chosen in it."""
    page = await ada.get("/look/")
    return await ada.send("/look/", page.form("/look/") | look)


async def told(town, who=None):
    town.clock.forward(seconds=1)
    return (await town.state(who)).json()["look"]


async def test_the_widgets_are_told_what_was_chosen(town):
    await town.connect()
    ada = await merchant(town, "manager")
    assert await told(town) is None

    page = await saved(ada, **GREEN)

    assert page.url.path == "/admin/look/"
    assert "Saved: your storefront shows it in a minute" in page.words
    assert page.form("/admin/look/")["accent"] == ""  # the undo of the toast comes first
    assert await told(town) == GREEN
    await saved(ada, accent="#FfF", scheme="", position="end")
    assert await told(town) == {"accent": "#fff", "scheme": None, "position": "end"}


async def test_a_signed_in_shopper_is_told_of_another_look(town):
    await town.connect()
    maya = town.shopper()
    await town.settle()
    tag = (await town.state(maya)).headers["etag"]
    town.clock.forward(seconds=1)
    assert (await town.state(maya, **{"If-None-Match": tag})).status_code == 304

    await saved(await merchant(town), **GREEN)

    town.clock.forward(seconds=1)
    answer = await town.state(maya, **{"If-None-Match": tag})
    assert (answer.status_code, answer.json()["look"]) == (200, GREEN)


async def test_what_anybody_is_told_is_as_old_as_ever(town):
    await town.connect()
    ada = await merchant(town)
    assert (await town.state()).json()["look"] is None

    await saved(ada, **GREEN)

    assert (await town.state()).json()["look"] is None
    town.clock.forward(seconds=1)
    answer = await town.state()
    assert answer.json()["look"] == GREEN
    assert answer.headers["cache-control"] == "public, max-age=30"


async def test_a_look_is_taken_back_and_both_are_noted(town):
    await town.connect()
    ada = await merchant(town, "manager")
    await saved(ada, accent="#abc")
    done = await saved(ada, **GREEN)

    undone = await ada.send("/look/", done.form("/admin/look/"))

    assert undone.status == 200
    assert await chosen(town.store) == Look(accent="#abc", scheme=None, position=None)
    deeds = await DeedRow.all().order_by("id")
    assert [(one.what, one.about, one.said) for one in deeds] == [
        ("look changed", "widgets", "accent=#abc"),
        ("look changed", "widgets", "accent=#1a7f5a scheme=dark position=start"),
        ("look changed", "widgets", "accent=#abc"),
    ]


async def test_nothing_chosen_is_nothing_kept(town):
    await town.connect()
    ada = await merchant(town)
    assert "Nothing changed" in (await saved(ada)).words
    done = await saved(ada, **GREEN)
    assert await LookRow.all().count() == 1

    await ada.send("/look/", done.form("/admin/look/"))

    assert await LookRow.all().count() == 0
    assert await told(town) is None
    assert await DeedRow.all().count() == 2


@pytest.mark.parametrize(
    "accent", ["green", "#12", "#12345", "#1a7f5a80", "1a7f5a", "#ggg", "rgb(1,2,3)", '"><b>']
)
async def test_a_colour_that_is_none_stands_beside_its_field(town, accent):
    await town.connect()
    ada = await merchant(town)

    page = await saved(ada, **GREEN | {"accent": accent})

    assert page.status == 400
    assert "Write a colour as # and three or six of 0-9 and a-f: #1a7f5a." in page.words
    assert page.form("/admin/look/") | GREEN | {"accent": accent} == page.form("/admin/look/")
    assert (await LookRow.all().count(), await DeedRow.all().count()) == (0, 0)


@pytest.mark.parametrize("wrong", [{"scheme": "sepia"}, {"position": "middle"}])
async def test_a_choice_that_is_none_is_refused(town, wrong):
    await town.connect()
    page = await saved(await merchant(town), **wrong)
    assert page.status == 400
    assert "choose one of those in the list" in page.words
    assert await LookRow.all().count() == 0


async def test_another_stores_look_is_its_own(town):
    await town.connect()
    await saved(await merchant(town), **GREEN)
    row = await town.row()
    here = {name: getattr(row, name) for name in row._meta.fields_map}
    await type(row).create(**here | {"id": "other", "url": "https://other.example.test"})
    live = await PublicationRow.get(store=town.store)
    await PublicationRow.create(
        store="other", version=1, published_at=live.published_at, document=live.document
    )

    home, town.store = town.store, "other"
    assert await told(town) is None
    eve = await merchant(town)
    page = await eve.get("/look/")
    assert page.form("/admin/look/")["accent"] == ""
    seen = await eve.http.get("/admin/look/preview/storefront/v1/state", params={"store": home})
    assert seen.json()["store"]["id"] == "other"


async def test_the_preview_has_the_draft_in_a_look_that_is_not_saved(town):
    await town.connect()
    ada = await merchant(town)
    state = "/admin/look/preview/storefront/v1/state"
    assert (await ada.http.get(state)).json()["program"]["name"] == "Town club"

    form = (await ada.get("/program/text")).form("/program/text")
    draft = PROGRAM.replace("Town club", "New club").strip()
    assert (await ada.send("/program/text", form | {"document": draft})).status == 200

    seen = (await ada.http.get(state)).json()
    assert (seen["program"]["name"], seen["program"]["version"]) == ("New club", 2)
    assert (seen["look"], seen["visitor"], seen["can_claim"]) == (None, None, False)
    assert (await town.state()).json()["program"]["name"] == "Town club"

    page = await ada.get("/look/")
    answer = await ada.http.post("/admin/look/preview/", data=page.form("/look/") | GREEN)
    assert 'data-accent="#1a7f5a" data-scheme="dark" data-position="start"' in answer.text
    same = await ada.http.get("/admin/look/preview/", params=GREEN)
    assert same.text == answer.text
    assert (await LookRow.all().count(), await DeedRow.filter(what="look changed").count()) == (
        0,
        0,
    )


async def test_only_our_page_frames_the_preview_and_only_ours_is_run(town):
    await town.connect()
    ada = await merchant(town)

    async def policy(path):
        said = (await ada.http.get(path)).headers["content-security-policy"]
        return dict(one.split(" ", 1) for one in said.split("; "))

    usual = await policy("/admin/")
    assert "script-src" not in usual
    assert (usual["default-src"], usual["frame-ancestors"]) == ("'none'", "'none'")
    assert await policy("/admin/look/") == usual | {"script-src": "'self'", "frame-src": "'self'"}
    assert await policy("/admin/look/preview/") == usual | {
        "script-src": "'self'",
        "connect-src": "'self'",
        "frame-ancestors": "'self'",
        "form-action": "'none'",
    }


async def test_what_was_typed_is_no_markup(town):
    await town.connect()
    ada = await merchant(town)
    wrong = {"accent": '"><script>x'}
    form = (await ada.get("/look/")).form("/look/") | wrong
    for answer in (
        await ada.http.post("/admin/look/", data=form),
        await ada.http.post("/admin/look/try", data=form),
        await ada.http.get("/admin/look/preview/", params=wrong),
    ):
        assert "<script>x" not in answer.text
    assert "Write a colour" in (await ada.get("/look/preview/", **wrong)).words


async def test_the_stores_own_colour_is_offered_and_used(town):
    await town.connect()
    ada = await merchant(town, "manager")
    form = (await ada.get("/look/")).form("/look/") | {"position": "start"}
    town.wire.answers["/"] = httpx.Response(200, text=PAGE)

    found = await ada.send("/look/find", form)

    assert "own colour is #1a7f5a." in found.words
    assert found.form("/admin/look/")["position"] == "start"
    used = await ada.send("/look/try", form | {"accent": "#1a7f5a"})
    assert used.form("/admin/look/")["accent"] == "#1a7f5a"
    assert used.form("/admin/look/")["position"] == "start"
    assert await LookRow.all().count() == 0


async def test_a_store_that_names_no_colour_or_does_not_answer_is_said(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/look/")).form("/look/")
    town.wire.answers["/"] = httpx.Response(200, text="<h1>Under construction</h1>")
    page = await ada.send("/look/find", form)
    assert "does not say which colour is its own" in page.words
    town.wire.answers["/"] = httpx.Response(500, text="broken")
    page = await ada.send("/look/find", form)
    assert "first page can\N{RIGHT SINGLE QUOTATION MARK}t be read" in page.words


async def test_without_a_program_there_is_nothing_to_show(town):
    await town.connect(program=None)
    ada = await merchant(town)
    page = await ada.get("/look/")
    assert "There is nothing to show yet" in page.words
    assert (await ada.http.get("/admin/look/preview/storefront/v1/state")).json()["program"] is None
    await saved(ada, **GREEN)
    assert await told(town) == GREEN


async def test_set_up_leads_to_the_look(town):
    await town.connect()
    ada = await merchant(town)
    page = await ada.get("/start/")
    assert "4. How it looks Next" in page.words
    assert page.links["Choose the look"] == "/admin/look/"
    await saved(ada, **GREEN)
    assert "4. How it looks Done" in (await ada.get("/start/")).words


@pytest.mark.parametrize(
    ("page", "colour"),
    [
        (PAGE, "#1a7f5a"),
        ("<META content='#abc' name=theme-color>", "#abc"),
        ("<meta name='theme-color' content='#a30'>", "#a30"),
        ('<meta name="theme-color" content="#ffffff"><meta name="theme-color" content="#135">',
         "#135"),
        ('<meta name="theme-color" content="#1a7f5a80">', None),
        ('<meta name="msapplication-TileColor" content="#1a7f5a">', None),
        # WordPress' own presets come first, then the theme's
        ("<style>:root{--wp--preset--color--black: #000000;--wp--preset--color--vivid-red: #cf2e2e;"
         "--wp--preset--color--primary: #9DFF20;--wp--preset--color--accent: #cfcabe;}</style>",
         "#9dff20"),
        ("--wp--preset--color--primary:#111111;--wp--preset--color--accent:#12b24c;", "#12b24c"),
        # Astra, Kadence, GeneratePress
        (":root{--ast-global-color-0:#0170B9;--ast-global-color-1:#3a3a3a;}", "#0170b9"),
        (":root{--global-palette1:#02d05f;--global-palette2:#01c89f;}", "#02d05f"),
        (":root{--contrast:#222222;--accent:#1e73be;}", "#1e73be"),
        (":root{--accent:#1e73be;--accent:#be1e73;}", "#1e73be"),
        (":root{--my--accent:#1e73be;--accent-2:#1e73be;--accent:var(--x)}", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_colour_is_what_the_page_declares(page, colour):
    assert declared(page) == colour


@pytest.mark.timeout(5)
@pytest.mark.parametrize("part", ["<meta ", "--", "-- ", "--a:", "<meta name=", " content="])
def test_no_page_takes_long(part):
    assert declared(part * 400_000) is None
