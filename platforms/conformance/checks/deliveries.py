"""A delivery becomes a change whatever it holds, or ``Malformed``; nothing else leaves ``read``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from platforms.conformance.check import Failed, Terms, expect, expect_equal, refuses
from platforms.conformance.checks.signatures import KINDS
from platforms.conformance.ground import Ground, ids_of, shown
from platforms.conformance.stage import Basket
from platforms.errors import Malformed
from platforms.model import Delivery, Ignored, Kind, Order, Seen, Touched

READ = Terms(read="Platform.read in platforms/protocol.py")
ALIKE = Terms(read="Seen in platforms/model.py, and Platform.read in platforms/protocol.py")


def read_or_malformed(on: Ground, delivery: Delivery) -> object:
    """Return what a delivery reads as, None where it is ``Malformed``; all else is a failure."""
    try:
        return on.platform.read(delivery)
    except Malformed:
        return None
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise Failed(f"{delivery.body[:60]!r} raised {said}, and not Malformed") from error


@READ.each("deliveries.{}.arrives", "a new {} is told, and so is its change", KINDS)
async def arrives(on: Ground, kind: Kind) -> None:
    await on.listen()
    id_ = await on.make(kind)
    told = await on.told()
    expect(id_ in ids_of(told), f"the new {kind} {id_} is in none of {told!r}")


@READ.check("deliveries.unknown-topic", "a delivery of an unknown topic is ignored")
async def unknown_topic(on: Ground) -> None:
    delivery = await on.delivery_of("order")
    read = [
        read_or_malformed(on, replace(delivery, headers={**delivery.headers, name: word}))
        for name in delivery.headers
        for word in ("weather.changed", "order.sneezed", "nonsense", "")
    ]
    expect(any(isinstance(one, Ignored) for one in read), "no header makes an unknown topic")


@READ.check("deliveries.no-headers", "a delivery without headers is ignored or malformed")
async def no_headers(on: Ground) -> None:
    delivery = await on.delivery_of("order")
    read = read_or_malformed(on, replace(delivery, headers={}))
    expect(read is None or isinstance(read, Ignored), f"it reads as {read!r}")


UNREADABLE: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "blank": lambda _: b"  \n",
    "no-JSON": lambda _: b"webhook_id=1",
    "a-web-page": lambda _: b"<!doctype html><p>Maintenance</p>",
    "half-of-it": lambda body: body[: len(body) // 2],
    "not-UTF-8": lambda body: body.replace(b':"', b':"\xff\xfe'),
    "nested-deep": lambda _: b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a-list": lambda body: b"[" + body + b"]",
    "a-text": lambda _: b'"order"',
    "a-number": lambda _: b"42",
    "null": lambda _: b"null",
    "an-empty-object": lambda _: b"{}",
    "other-JSON": lambda _: b'{"action":"something_happened","arg":17}',
}


@READ.each("deliveries.unreadable.{}", "a body that is {} is Malformed", UNREADABLE)
async def unreadable(on: Ground, change: Callable[[bytes], bytes]) -> None:
    for kind in KINDS.values():
        delivery = await on.delivery_of(kind)
        with refuses(Malformed, f"reading such a body for a {kind}"):
            on.platform.read(replace(delivery, body=change(delivery.body)))


@READ.check("deliveries.an-error", "a refusal in place of a record shows and touches none")
async def an_error(on: Ground) -> None:
    for kind in KINDS.values():
        delivery = await on.delivery_of(kind)
        body = b'{"code":"order_invalid_id","message":"Invalid ID.","data":{"status":404}}'
        read = read_or_malformed(on, replace(delivery, body=body))
        expect(read is None or isinstance(read, Ignored), f"it reads as {read}")


def fields_of(delivery: Delivery) -> dict[str, Any]:
    """Return the fields of a delivery's body."""
    fields = orjson.loads(delivery.body)
    if not isinstance(fields, dict):
        raise Failed("the body of a delivery is no JSON object")
    return fields


@READ.each("deliveries.{}.missing-fields", "a {} without any one field is read or Malformed", KINDS)
async def missing_fields(on: Ground, kind: Kind) -> None:
    delivery = await on.delivery_of(kind)
    fields, malformed = fields_of(delivery), 0
    for name in fields:
        rest = {key: value for key, value in fields.items() if key != name}
        read = read_or_malformed(on, replace(delivery, body=orjson.dumps(rest)))
        malformed += read is None
    expect(malformed, "no field is required, not even the id")


ODD_VALUES: tuple[object, ...] = (
    None,
    "",
    "nonsense",
    -1,
    10**15,
    0.5,
    True,
    [],
    [None],
    {},
    {"a": []},
    "2026-13-40",
)


@READ.each("deliveries.{}.odd-fields", "a {} with any field of another type is no crash", KINDS)
async def odd_fields(on: Ground, kind: Kind) -> None:
    delivery = await on.delivery_of(kind)
    fields = fields_of(delivery)
    for name in fields:
        for value in ODD_VALUES:
            body = orjson.dumps({**fields, name: value})
            read_or_malformed(on, replace(delivery, body=body))


@READ.check("deliveries.more-fields", "fields that nobody knows change nothing")
async def more_fields(on: Ground) -> None:
    delivery = await on.delivery_of("order")
    body = orjson.dumps({**fields_of(delivery), "loved_by_plugin_x": [1, {"a": None}]})
    more = on.platform.read(replace(delivery, body=body))
    expect_equal(more, on.platform.read(delivery), "an order with one more field")


@READ.check("deliveries.repeated", "a delivery read twice reads the same")
async def repeated(on: Ground) -> None:
    for kind in KINDS.values():
        delivery = await on.delivery_of(kind)
        first = on.platform.read(delivery)
        expect_equal(on.platform.read(delivery), first, f"the {kind} read again")


@READ.each(
    "deliveries.{}.deleted", "of a {} that is deleted, its own id is all that is told", KINDS
)
async def deleted(on: Ground, kind: Kind) -> None:
    id_ = await on.make(kind)
    await on.listen()
    if kind == "customer":
        await on.stage.delete_customer(id_)
    else:
        await on.stage.trash(kind, id_)
    told = await on.told()
    expect(told, "nothing was told")
    for change in told:
        match change:
            case Touched():
                expect_equal(change, Touched(kind, id_), "the change")
            case Seen(record=record):
                expect_equal(record.id, id_, "the id that is shown")
                is_mark = isinstance(record, Order) and record.is_deleted
                expect(is_mark, f"{record!r} bears no mark of its deletion")


@READ.check("deliveries.purged", "an order deleted for good before its delivery is no crash")
async def purged(on: Ground) -> None:
    await on.listen()
    order = await on.buy()
    await on.stage.purge("order", order)
    for delivery in await on.arrived():
        read_or_malformed(on, delivery)
    expect_equal(await on.fetched("order", order), None, "the order")


@READ.check("deliveries.latest", "after several changes the last delivery shows the last state")
async def latest(on: Ground) -> None:
    order = await on.buy(pays="never")
    await on.listen()
    for word in ("one word", "another word"):
        await on.stage.edit(order, word)
        on.stage.forward(1)
    await on.stage.cancel(order)
    changes = await on.told()
    expect(order in ids_of(changes), "three changes of an order were not told")
    told = shown(changes, order)
    if told is not None:
        expect_equal(told.record, await on.order(order), "the last delivery")


async def _new(on: Ground) -> str:
    return await on.buy(pays="never")


async def _paid(on: Ground) -> str:
    return await on.buy(2, "19.99")


async def _on_delivery(on: Ground) -> str:
    return await on.buy(pays="on delivery")


async def _customers(on: Ground) -> str:
    return await on.buy(customer_id=await on.stage.add_customer("ada@example.test"))


async def _cancelled(on: Ground) -> str:
    order = await on.buy()
    await on.stage.cancel(order)
    return order


async def _part_refunded(on: Ground) -> str:
    order = await on.buy(3, "10.00")
    await on.stage.refund(order, "4.56", {})
    return order


async def _lines_refunded(on: Ground) -> str:
    order = await on.buy(3, "10.00")
    await on.stage.refund(order, "", {0: 2})
    return order


async def _fully_refunded(on: Ground) -> str:
    order = await on.buy(1, "10.00")
    await on.stage.refund(order, "10.00", {})
    return order


async def _with_code(on: Ground) -> str:
    code = "ten-off"
    await on.stage.add_foreign_discount(code)
    return await on.buy(2, "10.00", codes=[code])


async def _with_fee(on: Ground) -> str:
    return await on.buy(fee_minor=250)


async def _unknown_status(on: Ground) -> str:
    order = await on.buy()
    await on.stage.give_status(order, "roasting")
    return order


async def _two_lines(on: Ground) -> str:
    first = await on.stage.add_product("Coffee", "12.00")
    second = await on.stage.add_product("Tea", "3.45")
    return await on.stage.place(Basket(items=[(first, 1), (second, 4)]))


async def _trashed(on: Ground) -> str:
    order = await on.buy()
    await on.stage.trash("order", order)
    return order


async def _restored(on: Ground) -> str:
    order = await _trashed(on)
    await on.stage.restore(order)
    return order


async def _anonymous(on: Ground) -> str:
    customer = await on.stage.add_customer("ada@example.test")
    order = await on.buy(customer_id=customer)
    await on.stage.delete_customer(customer)
    return order


STATES = {
    "new": _new,
    "paid": _paid,
    "on-delivery": _on_delivery,
    "of-a-customer": _customers,
    "cancelled": _cancelled,
    "part-refunded": _part_refunded,
    "refunded-by-line": _lines_refunded,
    "fully-refunded": _fully_refunded,
    "with-a-code": _with_code,
    "with-a-fee": _with_fee,
    "of-two-lines": _two_lines,
    "of-a-deleted-customer": _anonymous,
}


async def _alike(on: Ground, make: Callable[[Ground], Any]) -> None:
    await on.listen()
    id_ = await make(on)
    told = await on.told()
    expect(id_ in ids_of(told), "it was not told")
    listed = await on.listed("order")
    expect(id_ in ids_of(listed), "it is not listed")
    fetched = await on.order(id_)
    _same(shown(listed, id_), fetched, "listed")
    _same(shown(told, id_), fetched, "delivered")


for _terms, _states in (
    (ALIKE, STATES),
    (replace(ALIKE, rests_on="trash"), {"trashed": _trashed, "restored": _restored}),
    (replace(ALIKE, rests_on="any_status"), {"of-unknown-status": _unknown_status}),
):
    _terms.each(
        "deliveries.alike.{}", "an order {} reads the same delivered, listed and fetched", _states
    )(_alike)


def _same(seen: Seen | None, fetched: Order, how: str) -> None:
    """Compare all of a complete record, and of another all but its refunds."""
    if seen is None:
        return  # it may be told by its id alone
    record = seen.record
    if not seen.is_complete and isinstance(record, Order):
        record = replace(record, refunds=fetched.refunds)
    expect_equal(record, fetched, f"the order as it is {how}")


@ALIKE.each("deliveries.alike-kind.{}", "a {} reads the same delivered, listed, fetched", KINDS)
async def alike_kind(on: Ground, kind: Kind) -> None:
    await on.listen()
    id_ = await on.make(kind)
    told, fetched = await on.told(), await on.fetched(kind, id_)
    delivered, listed = shown(told, id_), shown(await on.listed(kind), id_)
    expect(id_ in ids_of(told) and listed is not None, "it is not told, or not shown")
    expect_equal(listed and listed.record, fetched, "what is listed")
    if delivered is not None:
        expect_equal(delivered.record, fetched, "what is delivered")
