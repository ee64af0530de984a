"""The merchant's program: begun with a template, written by fields, tried, published, undone."""

import asyncio

import pytest

from connector.features.loyalty.editor.drafts import Drafts
from connector.features.loyalty.editor.editing import Mistaken
from connector.features.loyalty.models import DraftRow, PublicationRow
from connector.features.loyalty.rules.document import read
from connector.features.loyalty.service import Loyalty
from connector.web.models import DeedRow
from connector.worker import drain
from tests.flows.merchant import merchant
from tests.town import PROGRAM

TIERED = f"""{PROGRAM}
[tiers]
by = "spend"
window = "lifetime"

[[tiers.tier]]
name = "Silver"
from_minor = {{ EUR = 6001 }}
"""


async def save(ada, act="save", **fields):
    """Send the program's form as it is, but for some fields; dots are two underscores."""
    form = (await ada.get("/program/")).form("/program/save")
    changed = {name.replace("__", "."): value for name, value in fields.items()}
    return await ada.send("/program/save", form | {"act": act} | changed)


async def versions(town):
    return await PublicationRow.filter(store=town.store).order_by("version")


async def test_a_template_becomes_a_live_program(town):
    await town.connect(program=None)
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()
    ada = await merchant(town)

    chooser = await ada.get("/program/")
    assert "Choose what is nearest to your store" in chooser.words
    forms = [fields for to, fields in chooser.forms if to == "/admin/program/begin"]
    assert [one["template"] for one in forms] == ["b2b", "beauty", "coffee", "fashion"]
    begun = await ada.send("/program/begin", forms[2])
    assert "Saved as a draft: nothing is published yet" in begun.words
    assert "Coffee club" in begun.words
    together = "A customer can use the codes of all rewards and tiers together in one order."
    assert together in begun.words
    assert together in (await ada.get("/start/")).words
    assert await versions(town) == []

    done = await save(ada, "publish")
    assert "Version 1 is live" in done.words
    (live,) = await versions(town)
    assert read(live.document).name == "Coffee club"
    assert await DraftRow.all().count() == 0
    deeds = await DeedRow.all().order_by("id")
    assert [(one.what, one.said) for one in deeds] == [
        ("draft begun", "Coffee club"),
        ("program published", "version 1"),
    ]


async def test_a_draft_says_what_it_changes_and_what_it_would_come_to(town):
    await town.connect()
    town.order(town.product("10.00"), 2, town.shopper())
    await town.settle()
    ada = await merchant(town)

    saved = await save(ada, **{"earn[0]__points": "7"})
    assert "What changes 1 change Buying: points 5 becomes 7" in saved.words
    assert "0 customers looked at. Look again" in saved.words
    await drain(town.system, ["drafts"])
    tried = (await ada.get("/program/")).words
    assert "1 orders of 1 customers" in tried
    # 20.00 EUR at 5 and at 7 points each; 500 points are 5.00 EUR
    assert "Live Draft Points given 100 140 Taken back 0 0 Ended unused 0 0" in tried
    assert "Cost at most €1.00 €1.40 Of sales 5.0% 7.0%" in tried
    assert "it moves nobody to another tier at once" in tried
    assert len(await versions(town)) == 1


async def test_who_moves_is_told_before_publishing(town):
    await town.connect(program=TIERED)
    town.order(town.product("30.00"), 2, town.shopper())
    await town.settle()
    ada = await merchant(town)

    assert "0 customers now" in (await ada.get("/program/")).words
    await save(ada, **{"tiers__tier[0]__from_minor__EUR": "60"})
    await drain(town.system, ["drafts"])
    words = (await ada.get("/program/")).words
    assert "Published now, these change tier at once 1 from no tier to Silver" in words


async def test_a_published_version_is_undone_as_if_it_had_not_been(town):
    await town.connect()
    ada = await merchant(town)

    await save(ada, **{"earn[0]__points": "7"})
    done = await save(ada, "publish")
    assert "Version 2 is live Undo" in done.words
    undo = done.form("/program/undo")
    assert undo["version"] == "2"
    back = await ada.send("/program/undo", undo)
    assert "As before: that is version 3 now" in back.words
    first, second, third = await versions(town)
    assert first.document == third.document != second.document
    again = await ada.send("/program/undo", undo)
    assert "This was changed since: choose a version in the history." in again.words
    assert len(await versions(town)) == 3

    history = await ada.get("/program/history")
    assert "Version 3 published on" in history.words
    assert "Buying: points 7 becomes 5" in history.words
    drafted = await ada.send("/program/again", history.form("/program/again") | {"version": "2"})
    assert "Buying: points 5 becomes 7" in drafted.words
    assert len(await versions(town)) == 3


async def test_publishing_what_is_live_changes_nothing_and_offers_no_undo(town):
    await town.connect()
    ada = await merchant(town)
    await save(ada, **{"earn[0]__points": "7"})
    await save(ada, "publish")

    again = await save(ada, "publish")
    assert "Nothing changed: version 2 stays" in again.words
    assert [to for to, _ in again.forms if to.endswith("/undo")] == []
    assert len(await versions(town)) == 2
    assert await DeedRow.filter(what="program published").count() == 1


async def test_mistakes_are_beside_their_fields_and_nothing_typed_is_lost(town):
    await town.connect()
    ada = await merchant(town)

    wrong = await save(ada, **{"earn[0]__points": "a lot", "reward[0]__cost": "600"})
    assert wrong.status == 400
    assert "Write a whole number, such as 100." in wrong.words
    form = wrong.form("/program/save")
    assert (form["earn[0].points"], form["reward[0].cost"]) == ("a lot", "600")
    assert await DraftRow.all().count() == 0

    unsound = await save(ada, **{"reward[0]__cost": "9999999999"})
    assert unsound.status == 400
    assert "Costs €5.00 off points Expected a whole number <= 1000000000" in unsound.words
    assert await DraftRow.all().count() == 0


async def test_rules_are_added_and_removed_with_what_else_was_typed(town):
    await town.connect()
    ada = await merchant(town)

    more = await save(ada, "add:reward", **{"kind:reward": "percent_off", "earn[0]__points": "6"})
    assert "10 % off" in more.words
    draft = read((await DraftRow.get(store=town.store)).document)
    assert [one.id for one in draft.reward] == ["5-off", "percent-off"]
    assert draft.earn[0].points == 6
    await save(ada, "remove:reward[0]")
    draft = read((await DraftRow.get(store=town.store)).document)
    assert [one.id for one in draft.reward] == ["percent-off"]
    none = await save(ada, "add:reward", **{"kind:reward": "a yacht"})
    assert none.status == 400


async def test_two_who_write_at_once_do_not_lose_each_others_words(town):
    await town.connect()
    ada, eve = await merchant(town), await merchant(town, who="Eve")
    old = (await eve.get("/program/")).form("/program/save")
    await save(ada, **{"earn[0]__points": "7"})

    late = await eve.send("/program/save", old | {"earn[0].points": "9", "act": "publish"})
    assert late.status == 400
    assert "The draft was changed meanwhile" in late.words
    assert read((await DraftRow.get(store=town.store)).document).earn[0].points == 7
    assert len(await versions(town)) == 1


async def test_a_draft_that_was_thrown_away_comes_back(town):
    await town.connect()
    ada = await merchant(town)
    saved = await save(ada, **{"earn[0]__points": "7"})

    gone = await ada.send("/program/discard", saved.form("/program/discard"))
    assert "The draft is thrown away Undo" in gone.words
    assert "What changes" not in gone.words
    back = await ada.send("/program/take-back", gone.form("/program/take-back"))
    assert "Buying: points 5 becomes 7" in back.words


async def test_a_document_is_checked_and_kept(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/program/text")).form("/program/text")

    wrong = await ada.send("/program/text", form | {"document": PROGRAM + "[nonsense]"})
    assert wrong.status == 400
    assert "this version does not know the field `nonsense`" in wrong.words
    capped = PROGRAM.replace("points = 5", 'points = 5\ncaps = [{ points = 9, per = "lifetime" }]')
    kept = await ada.send("/program/text", form | {"document": capped})
    assert "Limited to 9 points" in kept.words


async def test_what_is_saved_while_it_is_tried_is_tried_anew(town):
    await town.connect()
    row = await town.row()
    own = Drafts(town.system.tools, Loyalty(town.system.tools))
    await own.save(row, PROGRAM.replace("points = 5", "points = 6"), 0, "Ada")
    trying = asyncio.create_task(own.try_out(row))
    await own.save(row, PROGRAM.replace("points = 5", "points = 7"), 1, "Ada")
    await trying

    await drain(town.system, ["drafts"])
    held = await DraftRow.get(store=town.store)
    assert (held.revision, held.asked_at) == (2, None)
    assert held.tried is not None
    with pytest.raises(Mistaken):
        await own.save(row, PROGRAM, 1, "Eve")


async def test_a_program_saved_as_it_is_begins_no_draft_twice(town):
    await town.connect()
    ada = await merchant(town)
    await save(ada)
    first = await DraftRow.get(store=town.store)
    await save(ada)

    assert (await DraftRow.get(store=town.store)).revision == first.revision


async def test_a_campaign_and_a_reward_of_a_product_are_added_by_fields(town):
    await town.connect()
    product = town.product("10.00")
    await town.settle()
    ada = await merchant(town)

    page = await save(ada, "add:multiplier")
    assert "More points: from 22 November 2026" in page.words
    form = page.form("/program/save")
    assert (form["multiplier[0].factor"], form["multiplier[0].when.from"]) == (
        "2",
        "2026-11-22T00:00",
    )
    kind = {"kind:reward": "free_product"}
    page = await ada.send("/program/save", form | {"act": "add:reward"} | kind)
    assert page.form("/program/save")["reward[1].products"] == str(product)
    assert "Now: Coffee." in page.words

    wrong = {"multiplier[0].when.until": "2026-11-01T00:00", "act": "save"}
    refused = await ada.send("/program/save", page.form("/program/save") | wrong)
    assert refused.status == 400
    assert "it ends before it begins" in refused.words
    kept = read((await DraftRow.get(store=town.store)).document)
    assert [one.factor for one in kept.multiplier] == ["2"]


async def test_what_is_for_a_product_waits_for_one(town):
    await town.connect()
    ada = await merchant(town)
    form = (await ada.get("/program/")).form("/program/save")
    refused = await ada.send(
        "/program/save", form | {"act": "add:reward", "kind:reward": "free_product"}
    )
    assert refused.status == 400
    assert "Your store has no product yet" in refused.words
