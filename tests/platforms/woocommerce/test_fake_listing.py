"""Listings of the fake: filters, pages and what a recorded store adds up to."""

import gzip
from pathlib import Path

import httpx
import pytest

from platforms.woocommerce import fake
from tests.platforms.woocommerce.conftest import KEY, SECRET, URL, sample

RECORDED = Path(fake.__file__).parents[1] / "recorded"


@pytest.fixture
def recorded(world):
    """Return the API of the recorded store in New York."""
    store = fake.FakeStore(fake.Site(url=URL, timezone="America/New_York", currency="USD"), world)
    store.add_key("read_write", key=KEY, secret=SECRET)
    fake.load(store, RECORDED)
    transport = httpx.ASGITransport(fake.create_fake(store))
    home = f"{URL}/wp-json/wc/v3/"
    return httpx.AsyncClient(transport=transport, base_url=home, auth=(KEY, SECRET))


async def test_a_recorded_store_is_served_whole(recorded):
    with gzip.open(RECORDED / "orders.jsonl.gz") as lines:
        written = sum(1 for _ in lines)

    seen = set()
    for page in range(1, 10):
        query = {"page": page, "per_page": 100, "orderby": "modified", "order": "asc"}
        answer = await recorded.get("orders", params=query)
        assert answer.headers["x-wp-total"] == str(written)
        assert answer.headers["x-wp-totalpages"] == "9"
        seen |= {one["id"] for one in answer.json()}

    assert written == len(seen) == 850
    assert (await recorded.get("customers")).headers["x-wp-total"] == "200"
    assert (await recorded.get("customers?role=all")).headers["x-wp-total"] == "201"
    assert (await recorded.get("orders?status=checkout-draft")).headers["x-wp-total"] == "4"
    assert (await recorded.get("orders?status=on-hold,failed")).headers["x-wp-total"] == "79"
    assert (await recorded.get("orders?customer=0")).headers["x-wp-total"] != "850"


async def test_new_records_of_a_recorded_store_get_new_ids(recorded):
    known = {one["id"] for one in (await recorded.get("coupons?per_page=100")).json()}
    made = (await recorded.post("coupons", json={"code": "new", "amount": "1"})).json()

    assert made["id"] not in known
    assert (await recorded.get(f"orders/{made['id']}")).status_code == 404


async def test_past_the_end_orders_say_that_there_are_none(api):
    there = await api.get("orders?per_page=100")
    past = await api.get("orders?per_page=100&page=9")
    coupons = await api.get("products?per_page=100&page=9")

    assert (there.headers["x-wp-total"], len(there.json())) == ("13", 13)
    assert (past.json(), past.headers["x-wp-total"]) == ([], "0")
    assert (coupons.json(), coupons.headers["x-wp-total"]) == ([], "8")


async def modified_after(client, at, **more):
    query = {"modified_after": at, "per_page": 100, **more}
    return {one["id"] for one in (await client.get("orders", params=query)).json()}


async def test_modified_after_is_strict_and_in_site_time(api):
    order = (await api.get("orders?orderby=modified")).json()[0]
    site, gmt = order["date_modified"], order["date_modified_gmt"]
    before = f"{gmt[:-2]}{int(gmt[-2:]) - 1:02d}" if gmt[-2:] != "00" else None

    assert order["id"] not in await modified_after(api, site)
    assert order["id"] not in await modified_after(api, gmt, dates_are_gmt="true")
    assert order["id"] in await modified_after(api, gmt)  # read as site time: an hour early
    assert before is None or order["id"] in await modified_after(api, before, dates_are_gmt="1")


@pytest.mark.parametrize(("zone", "missed"), [("Europe/Berlin", True), ("America/New_York", False)])
async def test_a_named_zone_with_dates_are_gmt_is_off_by_the_sites_offset(world, zone, missed):
    store = fake.FakeStore(fake.Site(url=URL, timezone=zone), world)
    store.add_key("read", key=KEY, secret=SECRET)
    fake.fill(store)
    transport = httpx.ASGITransport(fake.create_fake(store))
    home = f"{URL}/wp-json/wc/v3/"
    client = httpx.AsyncClient(transport=transport, base_url=home, auth=(KEY, SECRET))
    order = next(store.all("order"))
    order["date_modified_gmt"] = "2026-11-21T11:30:00"

    naive = await modified_after(client, "2026-11-21T11:00:00", dates_are_gmt="true")
    zoned = await modified_after(client, "2026-11-21T11:00:00Z", dates_are_gmt="true")
    without = await modified_after(client, "2026-11-21T11:00:00Z")

    assert order["id"] in naive
    assert order["id"] in without
    assert (order["id"] not in zoned) is missed
    assert len(zoned) >= len(naive) or missed


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("modified_after=yesterday", "error-400-bad-date"),
        ("status=bogus", "error-400-bad-status"),
        ("orderby=bogus", "error-400-orderby"),
        ("page=0", "error-400-page-0"),
        ("per_page=101", "error-400-per-page-101"),
    ],
)
async def test_bad_queries_are_refused_in_the_vendors_words(api, query, name):
    answer = await api.get(f"orders?{query}")

    assert (answer.status_code, answer.json()) == (400, sample(name))


async def test_a_date_alone_is_refused(api):
    assert (await api.get("orders?after=2026-11-01")).status_code == 400


async def test_search_include_and_fields(api):
    mine = (await api.get("orders?search=maya@example.test&per_page=100")).json()
    ids = [one["id"] for one in mine]
    slim = await api.get(f"orders?include={ids[0]},{ids[1]},99999&_fields=id,total")

    assert len(mine) == 5
    assert {one["billing"]["email"] for one in mine} == {"maya@example.test"}
    assert slim.json() == [{"id": one["id"], "total": one["total"]} for one in mine[:2]]
    guests = (await api.get("orders?customer=0")).json()
    assert {one["billing"]["email"] for one in guests} == {"ines@example.test", "piet@example.test"}


async def test_customers_ignore_modified_after(api):
    answer = await api.get("customers?modified_after=2999-01-01T00:00:00")

    assert [one["email"] for one in answer.json()] == [
        "jude@example.test",
        "maya@example.test",
        "tomas@example.test",
    ]


async def test_the_index_names_the_time_zone(browse):
    index = (await browse().get("/wp-json/")).json()

    assert (index["name"], index["home"]) == ("Northlight", URL)
    assert (index["timezone_string"], index["gmt_offset"]) == ("Europe/Berlin", 1)


async def test_the_currency_is_a_setting(api):
    listed = (await api.get("settings/general")).json()
    one = (await api.get("settings/general/woocommerce_currency")).json()

    assert one == listed[0] | {"group_id": "general"}
    assert one["value"] == "EUR"
    assert (await api.get("data/currencies/current")).json()["code"] == "EUR"


async def test_equal_stamps_page_in_a_stable_order(recorded):
    async with recorded as client:
        seen = []
        for page in range(1, 6):
            query = {"orderby": "modified", "order": "asc", "per_page": 100, "page": page}
            seen += [one["id"] for one in (await client.get("orders", params=query)).json()]

    assert len(seen) == len(set(seen)) == 500
