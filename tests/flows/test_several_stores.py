"""Several stores open in one browser: one in use, the others a form away."""

import pytest

from connector.commerce.models import StoreRow
from connector.web.models import SessionRow
from connector.web.sessions import admin_link
from tests.flows.merchant import merchant
from tests.town import SERVICE

HERE, THERE = "Town coffee", "Harbour coffee"


@pytest.fixture
async def ada(town):
    """Return a browser that came into two stores, the second one last."""
    await town.connect()
    town.shopper()
    await town.settle()
    row = await town.row()
    here = {name: getattr(row, name) for name in row._meta.fields_map}
    await StoreRow.filter(id=row.id).update(name=HERE)
    there = {"id": "harbour", "url": "https://harbour.example.test", "name": THERE}
    await StoreRow.create(**here | there)
    found = await merchant(town)
    await enter(town, found, "harbour")
    return found


async def enter(town, browser, store):
    tools = town.system.tools
    link = await admin_link(tools.ids, tools.clock, SERVICE, store, who="Ada")
    assert (await browser.http.get(link)).status_code == 303


def in_use(page):
    (name,) = [one for one in (HERE, THERE) if f"{one} Up to date" in page.words]
    return name


async def test_the_one_that_was_opened_last_is_in_use_and_the_other_a_form_away(ada, town):
    home = await ada.get("/")
    assert in_use(home) == THERE
    assert "Maya" not in (await ada.get("/customers/")).words

    there = await ada.send("/switch", home.form("/switch") | {"store": town.store})
    assert (there.url.path, in_use(there)) == ("/admin/", HERE)
    assert "Maya" in (await ada.get("/customers/")).words
    assert f"Switch to {THERE}" in there.words
    back = await ada.send("/switch", there.form("/switch") | {"store": "harbour"})
    assert in_use(back) == THERE


async def test_only_what_is_open_in_the_browser_can_be_switched_to(ada, town):
    form = (await ada.get("/")).form("/switch") | {"store": town.store}
    ben = await merchant(town, who="Ben")
    own = await ben.get("/")
    assert not any(action.endswith("/switch") for action, _ in own.forms)
    refused = await ben.send(
        "/switch", form | {"csrf": own.form("/leave")["csrf"], "store": "harbour"}
    )
    assert refused.status == 400
    assert "That store is not open here" in refused.words

    await SessionRow.filter(store=town.store, who="Ada").update(ends_at=town.clock())
    over = await ada.send("/switch", form)
    assert over.status == 400
    home = await ada.get("/")
    assert (in_use(home), any(to.endswith("/switch") for to, _ in home.forms)) == (THERE, False)


async def test_a_form_of_the_store_before_is_refused(ada, town):
    home = await ada.get("/")
    before = home.form("/language")
    await ada.send("/switch", home.form("/switch") | {"store": town.store})
    refused = await ada.send("/language", before)
    assert (refused.status, in_use(await ada.get("/"))) == (403, HERE)


async def test_the_same_store_opened_again_is_kept_once(ada, town):
    await enter(town, ada, town.store)
    await enter(town, ada, "harbour")
    assert len(ada.http.cookies["perennial_admin"].split("~")) == 2


async def test_signing_out_ends_all_of_a_browser_and_no_other(ada, town):
    ben = await merchant(town, who="Ben")
    await ada.send("/leave", (await ada.get("/")).form("/leave"))
    open_now = await SessionRow.filter(ends_at__gt=town.clock())
    assert [row.who for row in open_now] == ["Ben"]
    assert (await ben.get("/")).status == 200
