"""The merchant's list of customers: filters that are kept with the search, and what they leave."""

import pytest

from platforms.woocommerce.fake import people
from tests.flows.merchant import merchant
from tests.flows.test_tiers import TIERED

NAMES = ("Maya", "Jonas", "Lucja", "Kenji")


@pytest.fixture
async def club(town):
    """Maya is in Gold, Jonas has some points, Lucja waits, Kenji was deleted with his points."""
    await town.connect(TIERED)
    ids = {}
    for name in NAMES:
        body = {"email": f"{name}@example.test", "first_name": name, "password": "shopper"}
        ids[name] = int(people.create(town.shop, body)["id"])
    coffee = town.product("10.00")
    for name, quantity in (("Maya", 20), ("Jonas", 1), ("Kenji", 2)):
        town.order(coffee, quantity, ids[name])
    await town.settle()
    people.delete(town.shop, town.shop.records["customer"][ids["Kenji"]])
    await town.settle()
    return town


async def shown(ada, **query):
    words = (await ada.get("/customers/", **query)).words
    return [name for name in NAMES if f"{name}@example.test" in words]


async def test_the_list_is_filtered_by_tier_and_points_and_what_the_store_deleted(club):
    ada = await merchant(club)

    assert await shown(ada) == [*NAMES]
    assert await shown(ada, tier="in:Gold") == ["Maya"]
    assert await shown(ada, tier="in:Silver") == []
    assert await shown(ada, tier="none") == ["Jonas", "Lucja", "Kenji"]
    assert await shown(ada, points="some") == ["Maya", "Jonas", "Kenji"]
    assert await shown(ada, points="none") == ["Lucja"]
    assert await shown(ada, store="deleted") == ["Kenji"]
    assert await shown(ada, tier="none", points="some") == ["Jonas", "Kenji"]
    assert await shown(ada, tier="none", points="some", q="jon") == ["Jonas"]
    assert await shown(ada, tier="in:nowhere", points="much") == [*NAMES]


async def test_a_search_and_the_other_filters_stay_in_the_address(club):
    ada = await merchant(club)
    page = await ada.get("/customers/", tier="none", q="k")

    assert page.links["Has points"] == "/admin/customers/?q=k&tier=none&points=some"
    assert page.links["Gold"] == "/admin/customers/?q=k&tier=in%3AGold"
    assert page.links["No tier"] == "/admin/customers/?q=k&tier=none"
    assert page.form("/admin/customers/") == {"tier": "none", "q": "k"}


async def test_who_finds_nobody_is_told_by_which_filters_and_led_to_everybody(club):
    ada = await merchant(club)
    page = await ada.get("/customers/", tier="in:Gold", points="none", q="may")

    assert "Nobody is left by these filters Chosen: Gold, No points, called “may”." in page.words
    assert page.links["Show everybody"] == "/admin/customers/"


async def test_points_that_were_spent_or_wait_are_none_that_someone_has(club):
    maya = next(one for one in club.shop.all("customer") if one["first_name"] == "Maya")
    ada = await merchant(club)
    for _ in range(2):
        assert (await club.redeem(maya["id"], "5-off")).status_code == 201
    assert await shown(ada, points="some") == ["Jonas", "Kenji"]


async def test_without_tiers_there_is_no_filter_of_them(town):
    await town.connect()
    page = await (await merchant(town)).get("/customers/")
    assert "No tier" not in page.links
