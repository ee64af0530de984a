"""Customers are found by beginnings, in order, and not beyond them."""

from datetime import UTC, datetime

import pytest

from connector.commerce.models import CustomerRow, StoreRow
from connector.commerce.people import GONE, NEWER, Only, findable, search
from platforms.model import Customer, Seen
from tests.town import NOW

AT = datetime(2026, 1, 1, tzinfo=UTC)


def customer(id_, first="", last="", email=None):
    return Customer(
        id=id_, email=email, first_name=first, last_name=last, created_at=AT, updated_at=AT
    )


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (
            customer("1", "Maya", "Okafor", "Maya@X.test"),
            ("maya@x.test", "maya okafor", "okafor maya"),
        ),
        (customer("2", "  Anna  Maria ", ""), ("", "anna maria", "anna maria")),
        (
            customer("3", "\N{FULLWIDTH LATIN CAPITAL LETTER A}", "STRASSE"),
            ("", "a strasse", "strasse a"),
        ),
        (customer("4", "", "Stra\N{LATIN SMALL LETTER SHARP S}e"), ("", "strasse", "strasse")),
        (customer("5", "a\0b", "c" * 300), ("", f"ab {'c' * 197}", "c" * 200)),
    ],
)
def test_names_are_compared_without_case_and_with_single_spaces(one, found):
    assert findable(one) == found


async def test_a_search_finds_the_newest_first_and_goes_on(town):
    await town.connect()
    store = await StoreRow.get(id=town.store)
    people = [customer(f"c{n}", "Ann", f"Lee{n}", f"ann{n}@x.test") for n in range(5)]
    people += [customer("c9", "Zoë", "Ann"), customer("ann", "Somebody", "Else")]
    seen = [Seen(record=one) for one in people]
    await town.system.records.take_in(store, seen, NOW)

    async def names(text, **more):
        return [one.customer.id for one in await search(store.id, text, limit=3, **more)]

    assert await names("ann") == ["ann", "c9", "c4"]
    (*_, last) = await search(store.id, "ann", limit=3)
    assert await names("ann", before=last.row) == ["c3", "c2", "c1"]
    assert await names("ann lee1") == ["c1"]
    assert await names("lee1 ann") == ["c1"]
    assert await names("zoë") == ["c9"]
    assert await names("ann3@") == ["c3"]
    assert await names("nn") == []
    assert await names("a%") == []
    assert await names("") == ["ann", "c9", "c4"]


async def test_conditions_hold_for_all_who_are_found_and_of_long_ago_too(town):
    await town.connect()
    store = await StoreRow.get(id=town.store)
    people = [customer(f"c{n:04}", "Ann" if n % 2 else "Bea") for n in range(NEWER + 20)]
    await town.system.records.take_in(store, [Seen(record=one) for one in people], NOW)
    gone = {"is_gone": True}
    await CustomerRow.filter(platform_id__in=["c0003", "c0004", "c0011", "c1017"]).update(**gone)

    async def ids(text, *only, **more):
        found = await search(store.id, text, limit=2, only=only, **more)
        return [one.customer.id for one in found]

    early = Only("customer.platform_id < {value}", "c0011")
    odd = Only("substr(customer.platform_id, 5) = {value}", "3")
    assert await ids("", GONE) == ["c1017", "c0011"]
    (*_, last) = await search(store.id, "", limit=2, only=[GONE])
    assert await ids("", GONE, before=last.row) == ["c0004", "c0003"]
    assert await ids("", GONE, early) == ["c0004", "c0003"]
    assert await ids("", GONE, early, odd) == ["c0003"]
    assert await ids("", early, odd) == ["c0003"]
    assert await ids("", odd) == ["c1013", "c1003"]
    assert await ids("ann", GONE) == ["c1017", "c0011"]
    assert await ids("bea", GONE) == ["c0004"]
    assert await ids("c0003", GONE, odd) == ["c0003"]
    assert await ids("c0003", GONE, Only("customer.is_gone AND FALSE")) == []
