"""Listings are the truth: they pass nothing by, whatever happens while they are read."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson

from platforms.conformance.check import Failed, Terms, expect, expect_equal
from platforms.conformance.checks.signatures import KINDS
from platforms.conformance.ground import PAGES_MAX, Ground, ids_of, shown
from platforms.conformance.stage import Basket
from platforms.conformance.weather import Between, Spoiled, with_body, without_counts
from platforms.model import Kind, Order, Seen, Touched

PAGE = Terms(read="StoreClient.page in platforms/protocol.py")
TRASH = replace(PAGE, rests_on="trash")
COUNT = Terms(read="StoreClient.count in platforms/protocol.py")
NEWEST = Terms(read="StoreClient.newest in platforms/protocol.py")
LONG = 50  # rows; nothing but a page has as many
MANY = 230  # more than two pages of the largest size that stores allow
EVENTFUL = 10  # pages after which something happens: of small ones there are many
SECOND = timedelta(seconds=1)


@PAGE.each("listing.{}.empty", "an empty store lists no {}", KINDS)
async def empty(on: Ground, kind: Kind) -> None:
    expect_equal(await on.listed(kind), [], "the listing")


@PAGE.each("listing.{}.all", "a listing has every {}, those of long ago too", KINDS)
async def everything(on: Ground, kind: Kind) -> None:
    ids: set[str] = set()
    for _ in range(3):
        ids.add(await on.make(kind) if kind != "customer" else await _somebody(on, len(ids)))
        on.stage.forward(86_400)
    listed = await on.listed_ids(kind)
    expect(ids <= listed, f"{sorted(ids - listed)} are missing")


@PAGE.each("listing.{}.since", "a {} that changed in the very second is listed since then", KINDS)
async def since_is_inclusive(on: Ground, kind: Kind) -> None:
    on.stage.forward(7200)
    since = on.stage.now()
    id_ = await on.make(kind)
    expect(id_ in await on.listed_ids(kind, since), "it is missing")


async def _somebody(on: Ground, number: int) -> str:
    return await on.stage.add_customer(f"somebody{number}@example.test")


@PAGE.check("listing.changed", "an old order that changes is listed since its change")
async def changed(on: Ground) -> None:
    id_ = await on.buy(pays="never")
    on.stage.forward(86_400)
    since = on.stage.now()
    await on.stage.edit(id_, "another word")
    seen = shown(await on.listed("order", since), id_)
    if seen is None or not isinstance(seen.record, Order):
        raise Failed("it is missing")
    expect_equal(seen.record.updated_at, since, "the instant of its change")


@PAGE.check("listing.unchanged", "an order that has not changed since is not listed again")
async def unchanged(on: Ground) -> None:
    id_ = await on.buy()
    on.stage.forward(7 * 86_400)
    expect(id_ not in await on.listed_ids("order", on.stage.now()), "it is listed")


ODD_ZONES = {
    "another-zone": lambda at: at.astimezone(timezone(timedelta(hours=5, minutes=45))),
    "microseconds": lambda at: at + timedelta(microseconds=999_999),
}


@PAGE.each("listing.since-in-{}", "an instant with {} means the same second", ODD_ZONES)
async def since_in(on: Ground, write: Callable[[datetime], datetime]) -> None:
    on.stage.forward(3600)
    since = on.stage.now()
    id_ = await on.buy()
    expect(id_ in await on.listed_ids("order", write(since)), "the order is missing")


@TRASH.check("listing.trash-in-full", "a full listing shows the trash, marked")
async def trash_in_full(on: Ground) -> None:
    kept, gone = await on.buy(), await on.buy()
    await on.stage.trash("order", gone)
    listed = await on.listed("order")
    expect_equal(ids_of(listed), {kept, gone}, "what is listed")
    _marked(listed, gone)


@TRASH.check("listing.trash-since", "an order that went to the trash is listed since then")
async def trash_since(on: Ground) -> None:
    gone = await on.buy()
    on.stage.forward(3600)
    since = on.stage.now()
    await on.stage.trash("order", gone)
    listed = await on.listed("order", since)
    expect(gone in ids_of(listed), "it is missing")
    _marked(listed, gone)


def _marked(listed: Sequence[Seen | Touched], id_: str) -> None:
    seen = shown(listed, id_)
    if seen is not None:
        expect(isinstance(seen.record, Order) and seen.record.is_deleted, "it is not marked")


@replace(PAGE, rests_on="any_status").check(
    "listing.unknown-status", "an order of unknown status is listed like all others"
)
async def unknown_status(on: Ground) -> None:
    id_ = await on.buy()
    since = on.stage.now()
    await on.stage.give_status(id_, "roasting")
    for begin in (None, since):
        expect(id_ in await on.listed_ids("order", begin), "it is missing")


Meanwhile = Callable[[Ground, list[str], int], Awaitable[None]]


async def _nothing(_: Ground, __: list[str], ___: int) -> None:
    pass


async def _arrive(on: Ground, ids: list[str], _: int) -> None:
    row = await on.order(ids[0])
    for _number in range(5):
        await on.stage.place(Basket(items=[(row.lines[0].product_id, 1)]))


async def _change(on: Ground, ids: list[str], page: int) -> None:
    for id_ in ids[page * 7 : page * 7 + 7]:
        await on.stage.edit(id_, f"word {page}")


async def _trash(on: Ground, ids: list[str], _: int) -> None:
    for id_ in ids[:5]:
        await on.stage.trash("order", id_)
    del ids[:5]


async def _purge(on: Ground, ids: list[str], _: int) -> None:
    for id_ in ids[:5]:
        await on.stage.purge("order", id_)
    del ids[:5]


async def _everything(on: Ground, ids: list[str], page: int) -> None:
    for happen in (_arrive, _change, _trash, _purge):
        await happen(on, ids, page)


MEANWHILE: dict[str, Meanwhile] = {
    "nothing-happens": _nothing,
    "orders-arrive": _arrive,
    "orders-change": _change,
    "orders-are-trashed": _trash,
    "orders-are-purged": _purge,
    "everything-happens": _everything,
}


async def _tiles(on: Ground, meanwhile: Meanwhile, *, apart_s: int, in_full: bool) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    since = None if in_full else on.stage.now()
    ids = []
    for _ in range(MANY):
        ids.append(await on.stage.place(Basket(items=[(product, 1)], pays="never")))
        on.stage.forward(apart_s)
    seen: set[str] = set()
    cursor, surviving = None, list(ids)
    for number in range(PAGES_MAX):
        page = await on.client.page("order", cursor, since)
        seen |= ids_of(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
        if number < EVENTFUL:
            await meanwhile(on, surviving, number)
        on.stage.forward(apart_s)
    expect(cursor is None, "the listing has no end")
    lost = set(surviving) - seen
    expect(not lost, f"{len(lost)} of {len(surviving)} orders were passed by: {sorted(lost)[:5]}")


SPACINGS = {"a-second-apart": 1, "in-one-second": 0}
for _word, _apart_s in SPACINGS.items():
    PAGE.each(
        f"listing.tiles.{{}}.{_word}",
        f"no order of many {_word.replace('-', ' ')} is passed by while {{}} between pages",
        MEANWHILE,
    )(partial(_tiles, apart_s=_apart_s, in_full=True))
    PAGE.each(
        f"listing.tiles-since.{{}}.{_word}",
        f"no order of many {_word.replace('-', ' ')} is passed by while {{}}, listed since then",
        {word: MEANWHILE[word] for word in ("nothing-happens", "everything-happens")},
    )(partial(_tiles, apart_s=_apart_s, in_full=False))


OTHERS: dict[str, Kind] = {"customer": "customer", "product": "product"}


@PAGE.each("listing.{}.tiles", "no {} is passed by while others leave between pages", OTHERS)
async def others_tile(on: Ground, kind: Kind) -> None:
    if kind == "customer":
        ids = [await _somebody(on, number) for number in range(MANY)]
    else:
        ids = [await on.stage.add_product(f"Bean {number}", "1.00") for number in range(MANY)]
    leaving = ids[:20]
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = await on.client.page(kind, cursor, None)
        seen |= ids_of(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
        for id_ in leaving:
            await (on.stage.delete_customer(id_) if kind == "customer" else _purged(on, id_))
        leaving = []
    lost = set(ids[20:]) - seen
    expect(not lost, f"{len(lost)} were passed by: {sorted(lost)[:5]}")


async def _purged(on: Ground, product: str) -> None:
    await on.stage.purge("product", product)


@PAGE.check("listing.cursor-outlives", "a cursor serves another process")
async def cursor_outlives(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = {await on.stage.place(Basket(items=[(product, 1)])) for _ in range(MANY)}
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        client = on.through(lambda transport: transport)
        page = await client.page("order", cursor, None)
        seen |= ids_of(page.items)
        cursor = None if page.next_cursor is None else orjson.loads(orjson.dumps(page.next_cursor))
        if cursor is None:
            break
    expect(ids <= seen, f"{len(ids - seen)} orders are missing")


@PAGE.check("listing.cursor-again", "a page asked for twice shows the same orders")
async def cursor_again(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    for _ in range(MANY):
        await on.stage.place(Basket(items=[(product, 1)]))
    first = await on.client.page("order", None, None)
    expect(first.next_cursor is not None, f"{MANY} orders came on one page")
    once = await on.client.page("order", first.next_cursor, None)
    expect_equal(await on.client.page("order", first.next_cursor, None), once, "the second page")


@PAGE.check("listing.no-counts", "a listing is whole where a cache took the page counts away")
async def no_counts(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = {await on.stage.place(Basket(items=[(product, 1)])) for _ in range(MANY)}
    client = on.through(lambda inner: Spoiled(inner, without_counts))
    listed = await on.listed_ids("order", None, client)
    expect_equal(listed, ids, "what is listed")


def _lists(value: object) -> Iterator[list[Any]]:
    """Yield the lists of an answer that are not within others."""
    if isinstance(value, list):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _lists(inner)


@PAGE.check("listing.short-pages", "a page that is not full is not the last, if the store has more")
async def short_pages(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = {await on.stage.place(Basket(items=[(product, 1)])) for _ in range(MANY)}
    hidden: set[str] = set()

    def hide(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        """Take the last row of every long page away, as plugins that hide records do."""
        value = orjson.loads(answer.content)
        for rows in _lists(value):
            if len(rows) >= LONG:
                hidden.add(str(rows.pop()["id"]))
        return with_body(answer, orjson.dumps(value))

    client = on.through(lambda inner: Spoiled(inner, hide))
    lost = ids - await on.listed_ids("order", None, client) - hidden
    expect(not lost, f"{len(lost)} orders are missing")


def _with_one_bad_row(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """Spoil the amounts of the row that has the e-mail address ``broken@example.test``."""
    try:
        value = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return answer
    for rows in _lists(value):
        for number, row in enumerate(rows):
            text = orjson.dumps(row)
            if b"broken@example.test" in text:
                rows[number] = orjson.loads(text.replace(b'"12.34"', b'"a lot"'))
    return with_body(answer, orjson.dumps(value))


@PAGE.check("listing.unreadable-row", "a row that can't be read is named, and spoils no other")
async def unreadable_row(on: Ground) -> None:
    bad = await on.buy(1, "12.34", email="broken@example.test")
    good = await on.buy(1, "12.34")
    client = on.through(lambda inner: Spoiled(inner, _with_one_bad_row))
    listed = await on.listed("order", None, client)
    expect(Touched("order", bad) in listed, f"{listed!r} does not name {bad}")
    expect(shown(listed, good), "the readable order is not shown")


@PAGE.check("listing.concurrent", "two listings at once do not disturb each other")
async def concurrent(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = {await on.stage.place(Basket(items=[(product, 1)])) for _ in range(MANY)}
    inner: list[set[str]] = []

    async def another() -> None:
        if not inner:
            inner.append(set())
            inner[0] |= await on.listed_ids("order")

    client = on.through(lambda transport: Between(transport, another))
    expect_equal(await on.listed_ids("order", None, client), ids, "the outer listing")
    expect_equal(inner[0], ids, "the inner listing")


@COUNT.each("listing.{}.count", "where {}s are counted, each counts once", KINDS)
async def count(on: Ground, kind: Kind) -> None:
    before = await on.client.count(kind)
    await on.make(kind)
    if before is not None:
        expect_equal(await on.client.count(kind), before + 1, "the count")


@COUNT.each("listing.{}.uncounted", "no count of {}s is no error", KINDS)
async def uncounted(on: Ground, kind: Kind) -> None:
    await on.make(kind)
    told = await on.through(lambda inner: Spoiled(inner, without_counts)).count(kind)
    expect(told in {None, 1}, f"it is {told}")


@NEWEST.check("listing.newest-of-none", "an empty store has no newest stamp")
async def newest_of_none(on: Ground) -> None:
    expect_equal(await on.client.newest(), None, "the newest stamp")


@NEWEST.check("listing.newest", "the newest stamp is that of the order changed last")
async def newest(on: Ground) -> None:
    first = await on.buy(pays="never")
    on.stage.forward(3600)
    await on.buy()
    on.stage.forward(3600)
    await on.stage.edit(first, "another word")
    at = on.stage.now()
    on.stage.forward(3600)
    expect_equal(await on.client.newest(), at, "the newest stamp")


@NEWEST.check("listing.newest-then-all", "what changes after the newest stamp is listed since it")
async def newest_then_all(on: Ground) -> None:
    await on.buy()
    mark = await on.client.newest()
    same_second = await on.buy()
    on.stage.forward(1)
    later = await on.buy()
    if "trash" not in on.platform.capabilities.lacks:
        await on.stage.trash("order", later)
    listed = await on.listed_ids("order", mark)
    expect({same_second, later} <= listed, "what changed since is not all there")


ZONES = ("America/New_York", "Europe/Berlin", "America/Phoenix", "Asia/Kolkata", "Pacific/Auckland")


async def _increments(on: Ground) -> None:
    """Follow the store by the stamps it gives, as reconciling does, and miss nothing."""
    mark = await on.client.newest()
    for step_s in (1, 59, 3600, 7200, 86_400):
        on.stage.forward(step_s)
        made = await on.buy()
        listed = await on.listed("order", mark)
        expect(made in ids_of(listed), f"an order {step_s} s after the last is not listed")
        expect_equal(_stamp(listed, made), on.stage.now(), "its stamp")
        mark = await on.client.newest()


async def _clock_change(on: Ground) -> None:
    """Follow the store through the hour that happens twice, or never."""
    zone = ZoneInfo((await on.client.info()).timezone)
    offset = on.stage.now().astimezone(zone).utcoffset()
    for _ in range(400):
        if (on.stage.now() + timedelta(days=1)).astimezone(zone).utcoffset() != offset:
            break
        on.stage.forward(86_400)
    mark = on.stage.now()
    for _ in range(56):
        on.stage.forward(1800)
        made = await on.buy()
        listed = await on.listed("order", mark)
        expect(made in ids_of(listed), f"the order at {on.stage.now()} is not listed")
        expect_equal(_stamp(listed, made), on.stage.now(), "its stamp")
        mark = on.stage.now()


def _stamp(listed: Sequence[Seen | Touched], id_: str) -> datetime | None:
    seen = shown(listed, id_)
    return None if seen is None else seen.record.updated_at


async def _says_its_zone(on: Ground, zone: str) -> None:
    expect_equal((await on.client.info()).timezone, zone, "the store's zone")


for _zone in ZONES:
    _city = _zone.partition("/")[2]
    _zoned = replace(PAGE, timezone=_zone)
    _zoned.check(f"listing.increments.{_city}", f"a store in {_city} is followed without a gap")(
        _increments
    )
    _zoned.check(f"listing.zone.{_city}", f"a store in {_city} says so")(
        partial(_says_its_zone, zone=_zone)
    )
for _zone in ZONES[:2]:
    _city = _zone.partition("/")[2]
    replace(PAGE, timezone=_zone).check(
        f"listing.clock-change.{_city}", f"the clocks of {_city} change, and nothing is missed"
    )(_clock_change)


@PAGE.check("listing.rows-fetch", "whatever a listing names can be fetched")
async def rows_fetch(on: Ground) -> None:
    for kind in KINDS.values():
        await on.make(kind)
        for row in await on.listed(kind):
            expect(await on.fetched(kind, row.id), f"{kind} {row.id} is not there")


LIVE = Terms(read="StoreClient.page in platforms/protocol.py", needs="store")


@LIVE.each("store.{}.first-page", "the first page of {}s is read, each as its own kind", KINDS)
async def first_page(on: Ground, kind: Kind) -> None:
    page = await on.client.page(kind, None, None)
    for item in page.items:
        if isinstance(item, Seen):
            expect(type(item.record).__name__.lower() == kind, f"{item!r} is no {kind}")
        else:
            expect_equal(item.kind, kind, "the kind")


@LIVE.each("store.{}.listed-is-fetched", "the {}s of a page read the same when fetched", KINDS)
async def listed_is_fetched(on: Ground, kind: Kind) -> None:
    page = await on.client.page(kind, None, None)
    seen = [item for item in page.items if isinstance(item, Seen)][:10]
    fetched = await on.client.fetch(kind, [one.record.id for one in seen])
    for one in seen:
        record = fetched[one.record.id]
        expect(record is not None, f"{kind} {one.record.id} is not there")
        if one.is_complete and record and record.updated_at == one.record.updated_at:
            expect_equal(record, one.record, f"{kind} {one.record.id} when fetched")


@LIVE.check("store.info", "the store says its name, address, currency and a known time zone")
async def info(on: Ground) -> None:
    told = await on.client.info()
    expect(told.url.startswith("http"), f"the address is {told.url!r}")
    expect(len(told.currency) == 3 and told.currency.isupper(), f"currency {told.currency!r}")
    ZoneInfo(told.timezone)


@LIVE.check("store.newest", "the newest stamp is an aware instant in UTC, or none")
async def newest_is_aware(on: Ground) -> None:
    at = await on.client.newest()
    expect(at is None or at.utcoffset() == timedelta(0), f"it is {at!r}")
