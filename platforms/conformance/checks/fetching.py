"""A fetch returns each record asked for, whole, or says that it is gone."""

from dataclasses import replace

from platforms.conformance.check import Terms, expect, expect_equal
from platforms.conformance.checks.signatures import KINDS
from platforms.conformance.ground import Ground
from platforms.conformance.stage import Basket
from platforms.model import Kind, kind_of

FETCH = Terms(read="StoreClient.fetch in platforms/protocol.py")
LIVE = Terms(read="StoreClient.fetch in platforms/protocol.py", needs="store")
ABSENT = "987654321"


@LIVE.each("fetching.{}.absent", "a {} that never was is None", KINDS)
async def absent(on: Ground, kind: Kind) -> None:
    expect_equal(await on.client.fetch(kind, [ABSENT]), {ABSENT: None}, "what is fetched")


@LIVE.each("fetching.{}.none", "of no {} asked for, none is returned", KINDS)
async def none(on: Ground, kind: Kind) -> None:
    expect_equal(await on.client.fetch(kind, []), {}, "what is fetched")


@FETCH.each("fetching.{}.there", "a {} that is there is returned as one", KINDS)
async def there(on: Ground, kind: Kind) -> None:
    id_ = await on.make(kind)
    record = await on.fetched(kind, id_)
    expect(record is not None and record.id == id_ and kind_of(record) == kind, f"it is {record!r}")


@FETCH.each("fetching.{}.purged", "a {} deleted for good is None", KINDS)
async def purged(on: Ground, kind: Kind) -> None:
    id_ = await on.make(kind)
    if kind == "customer":
        await on.stage.delete_customer(id_)
    else:
        await on.stage.purge(kind, id_)
    expect_equal(await on.fetched(kind, id_), None, "what is fetched")


@FETCH.check("fetching.other-kind", "one kind's id is not another's")
async def other_kind(on: Ground) -> None:
    product, order = await on.stage.add_product("Coffee", "12.00"), await on.buy()
    expect_equal(await on.fetched("order", product), None, "a product's id as an order's")
    expect_equal(await on.fetched("product", order), None, "an order's id as a product's")


@FETCH.check("fetching.many", "many orders are fetched at once, in as many requests as it takes")
async def many(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = [await on.stage.place(Basket(items=[(product, 1)])) for _ in range(130)]
    found = await on.client.fetch("order", ids)
    expect_equal(set(found), set(ids), "the ids")
    gone = [id_ for id_, record in found.items() if record is None]
    expect(not gone, f"{len(gone)} of {len(ids)} were not found")


@replace(FETCH, rests_on="trash").check(
    "fetching.mixed", "among many, the trashed are marked and the purged are None"
)
async def mixed(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    ids = [await on.stage.place(Basket(items=[(product, 1)])) for _ in range(9)]
    for id_ in ids[:3]:
        await on.stage.trash("order", id_)
    for id_ in ids[3:6]:
        await on.stage.purge("order", id_)
    found = await on.client.fetch("order", [*ids, ABSENT])
    told = [None if (one := found[id_]) is None else getattr(one, "is_deleted", 0) for id_ in ids]
    expect_equal(told, [True] * 3 + [None] * 3 + [False] * 3, "the marks")
    expect_equal(found[ABSENT], None, "one that never was")


@FETCH.check("fetching.repeated", "an id that is asked for twice is answered")
async def repeated(on: Ground) -> None:
    id_ = await on.buy()
    found = await on.client.fetch("order", [id_, id_])
    expect_equal(set(found), {id_}, "the ids")
    expect(found[id_] is not None, "it is not there")
