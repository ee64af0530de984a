"""What an order means: whose it is, whether it is paid, what its refunds took back."""

from dataclasses import replace
from datetime import timedelta

from platforms.conformance.check import Failed, Terms, expect, expect_equal
from platforms.conformance.ground import Ground, ids_of, shown
from platforms.conformance.stage import Basket
from platforms.model import Customer, Discount, Order, Product, RefundLine, Seen

ORDER = Terms(read="Order in platforms/model.py")
REFUND = Terms(read="Refund and RefundLine in platforms/model.py")
DRAFT = Terms(read="Platform.read, StoreClient.page and fetch in platforms/protocol.py")


@ORDER.check("orders.guest", "a guest's order has an e-mail address and no customer")
async def guest(on: Ground) -> None:
    order = await on.order(await on.buy(email="gia@example.test"))
    expect_equal(order.customer_id, None, "the customer of a guest's order")
    expect_equal(order.email, "gia@example.test", "the e-mail address")


@ORDER.check("orders.customer", "a customer's order has their id and address")
async def customer(on: Ground) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    order = await on.order(await on.buy(customer_id=ada, email="ada@example.test"))
    expect_equal(order.customer_id, ada, "the customer")
    expect_equal(order.email, "ada@example.test", "the e-mail address")


@ORDER.check("orders.paid", "an order that is paid at once is paid, at an instant")
async def paid(on: Ground) -> None:
    at = on.stage.now()
    order = await on.order(await on.buy())
    expect(order.is_paid and not order.is_cancelled, f"it reads as {order!r}")
    expect_equal(order.paid_at, at, "paid_at")


@ORDER.check("orders.unpaid", "an order that awaits its payment is not paid")
async def unpaid(on: Ground) -> None:
    order = await on.order(await on.buy(pays="never"))
    expect(not order.is_paid and not order.is_cancelled, f"it reads as {order!r}")
    expect_equal(order.paid_at, None, "paid_at")


@ORDER.check("orders.on-delivery", "an order to be paid on delivery is not paid yet")
async def on_delivery(on: Ground) -> None:
    order = await on.order(await on.buy(pays="on delivery"))
    expect(not order.is_paid and not order.is_cancelled, f"it reads as {order!r}")


@ORDER.check("orders.cancelled", "a cancelled order says when it was, or that it is not paid")
async def cancelled(on: Ground) -> None:
    id_ = await on.buy()
    before = on.stage.now()
    await on.stage.cancel(id_)
    order = await on.order(id_)
    at = order.cancelled_at
    expect(order.is_cancelled and order.is_paid == (at is not None), f"it reads as {order!r}")
    expect(at is None or at >= before, f"it was cancelled at {before}, and reads {at}")


@ORDER.check("orders.cancelled-unpaid", "a cancelled order that nobody had paid is not paid")
async def cancelled_unpaid(on: Ground) -> None:
    id_ = await on.buy(pays="never")
    await on.stage.cancel(id_)
    order = await on.order(id_)
    expect(order.is_cancelled and not order.is_paid, f"it reads as {order!r}")


@replace(ORDER, rests_on="knows_fulfilled").check(
    "orders.fulfilled", "an order says when it left the store, once it has"
)
async def fulfilled(on: Ground) -> None:
    id_ = await on.buy()
    expect_equal((await on.order(id_)).fulfilled_at, None, "fulfilled_at before")
    on.stage.forward(3600)
    at = on.stage.now()
    await on.stage.send(id_)
    expect_equal((await on.order(id_)).fulfilled_at, at, "fulfilled_at")


@replace(ORDER, rests_on="knows_delivered").check(
    "orders.delivered", "an order says when it arrived, once it has"
)
async def delivered(on: Ground) -> None:
    id_ = await on.buy()
    expect_equal((await on.order(id_)).delivered_at, None, "delivered_at before")
    on.stage.forward(3600)
    at = on.stage.now()
    await on.stage.arrive(id_)
    expect_equal((await on.order(id_)).delivered_at, at, "delivered_at")


@ORDER.check("products.collections", "a product has the collections that it is in, sorted")
async def collections(on: Ground) -> None:
    id_ = await on.stage.add_product("Tea", "3.00")
    for wanted in (["summer", "new"], ["sale"]):
        await on.stage.shelve(id_, wanted)
        tea = (await on.client.fetch("product", [id_]))[id_]
        got = tea.collections if isinstance(tea, Product) else None
        expect_equal(got, tuple(sorted(wanted)), "collections")


@replace(ORDER, rests_on="any_status").check(
    "orders.unknown-status", "an unknown status is kept, and counts as unpaid"
)
async def unknown_status(on: Ground) -> None:
    id_ = await on.buy()
    await on.stage.give_status(id_, "roasting")
    order = await on.order(id_)
    expect_equal(order.status, "roasting", "the status")
    expect(not order.is_paid and not order.is_cancelled, f"it reads as {order!r}")


@ORDER.check("orders.times", "an order is placed and changed when the store says, in UTC")
async def times(on: Ground) -> None:
    placed_at = on.stage.now()
    id_ = await on.buy(pays="never")
    on.stage.forward(3600)
    changed_at = on.stage.now()
    await on.stage.edit(id_, "another word")
    order = await on.order(id_)
    expect_equal(order.placed_at, placed_at, "placed_at")
    expect_equal(order.updated_at, changed_at, "updated_at")
    for at in (order.placed_at, order.updated_at):
        expect_equal(at.utcoffset(), timedelta(0), "the offset from UTC")


@ORDER.check("orders.numbered", "an order has the number that people call it by")
async def numbered(on: Ground) -> None:
    order = await on.order(await on.buy())
    expect(order.number, "it has none")


@ORDER.check("orders.lines", "an order has a line for each of its goods, in whole numbers")
async def lines(on: Ground) -> None:
    first = await on.stage.add_product("Coffee", "12.00")
    second = await on.stage.add_product("Tea", "3.45")
    order = await on.order(await on.stage.place(Basket(items=[(first, 1), (second, 4)])))
    told = [(line.product_id, line.quantity, line.total_minor) for line in order.lines]
    expect_equal(told, [(first, 1, 1200), (second, 4, 1380)], "the lines")
    expect_equal(len({line.id for line in order.lines}), 2, "the number of their ids")


@ORDER.check("orders.fee", "a fee is in the total and on no line")
async def fee(on: Ground) -> None:
    order = await on.order(await on.buy(1, "12.00", fee_minor=250))
    expect_equal(sum(line.total_minor for line in order.lines), 1200, "the goods")
    expect_equal(order.total_minor, 1450, "the total")


@replace(ORDER, rests_on="negative_fees").check(
    "orders.negative-fee", "a negative fee lowers the total and no line"
)
async def negative_fee(on: Ground) -> None:
    order = await on.order(await on.buy(1, "12.00", fee_minor=-200))
    expect_equal(sum(line.total_minor for line in order.lines), 1200, "the goods")
    expect_equal(order.total_minor, 1000, "the total")


@ORDER.check("orders.free", "an order of nothing costs nothing")
async def free(on: Ground) -> None:
    order = await on.order(await on.buy(1, "0.00"))
    expect_equal(order.total_minor, 0, "the total")


@replace(ORDER, rests_on="other_currencies").check(
    "orders.other-currency", "an order keeps its own currency beside the store's"
)
async def other_currency(on: Ground) -> None:
    order = await on.order(await on.buy(1, "12.00", currency="USD"))
    expect_equal(order.currency, "USD", "the currency")
    expect_equal(order.total_minor, 1200, "the total")


@replace(ORDER, rests_on="amount").check(
    "orders.codes", "an order names its discount codes in small letters"
)
async def codes(on: Ground) -> None:
    code = on.code()
    await on.issue(
        Discount(code=code, redemption_id="r", currency="EUR", kind="amount", amount_minor=500)
    )
    order = await on.order(await on.buy(1, "12.00", codes=[code]))
    expect_equal(order.codes, (code,), "the codes")
    expect_equal(sum(line.total_minor for line in order.lines), 700, "the goods after discounts")
    expect_equal((await on.order(await on.buy())).codes, (), "the codes of an order without")


@ORDER.check("orders.customer-deleted", "when a customer is deleted, the order becomes a guest's")
async def customer_deleted(on: Ground) -> None:
    ada = await on.stage.add_customer("ada@example.test")
    id_ = await on.buy(customer_id=ada, email="ada@example.test")
    await on.stage.delete_customer(ada)
    order = await on.order(id_)
    expect_equal(order.customer_id, None, "the customer")
    expect_equal(order.email, "ada@example.test", "the e-mail address")


@replace(ORDER, rests_on="trash").check(
    "orders.trashed", "an order in the trash is marked, and keeps its last state"
)
async def trashed(on: Ground) -> None:
    id_ = await on.buy(2, "12.00")
    await on.stage.trash("order", id_)
    order = await on.order(id_)
    expect(order.is_deleted, "it is not marked")
    expect_equal(order.total_minor, 2400, "the total")
    expect_equal(len(order.lines), 1, "the number of lines")


@replace(ORDER, rests_on="trash").check(
    "orders.restored", "an order out of the trash is as it was before"
)
async def restored(on: Ground) -> None:
    id_ = await on.buy()
    before = await on.order(id_)
    await on.stage.trash("order", id_)
    await on.stage.restore(id_)
    after = await on.order(id_)
    expect(not after.is_deleted, "it is still marked")
    expect_equal(after.total_minor, before.total_minor, "the total")


@REFUND.check("orders.refund-amount", "a refund of an amount is for nothing in particular")
async def refund_amount(on: Ground) -> None:
    id_ = await on.buy(2, "12.00")
    on.stage.forward(60)
    at = on.stage.now()
    made = await on.stage.refund(id_, "4.56", {})
    (refund,) = (await on.order(id_)).refunds
    expect_equal((refund.id, refund.amount_minor), (made, 456), "the refund and its amount")
    expect_equal((refund.lines, refund.other_minor), ((), 0), "what it is for")
    expect_equal(refund.refunded_at, at, "refunded_at")


@REFUND.check("orders.refund-lines", "a refund of lines names them, in positive amounts")
async def refund_lines(on: Ground) -> None:
    id_ = await on.buy(3, "12.00")
    await on.stage.refund(id_, "", {0: 2})
    order = await on.order(id_)
    (refund,) = order.refunds
    line = RefundLine(line_id=order.lines[0].id, quantity=2, total_minor=2400, tax_minor=0)
    expect_equal(refund.lines, (line,), "the lines of the refund")
    expect_equal(refund.amount_minor, 2400, "its amount")


@REFUND.check("orders.refunds-add-up", "each refund stands beside those before it")
async def refunds_add_up(on: Ground) -> None:
    id_ = await on.buy(4, "10.00")
    await on.stage.refund(id_, "1.11", {})
    await on.stage.refund(id_, "", {0: 1})
    await on.stage.refund(id_, "2.22", {})
    order = await on.order(id_)
    expect_equal(sum(one.amount_minor for one in order.refunds), 1333, "what went back")
    expect_equal(len({one.id for one in order.refunds}), 3, "the number of refunds")


@REFUND.check("orders.many-refunds", "an order of 110 refunds has them all")
async def many_refunds(on: Ground) -> None:
    id_ = await on.buy(2, "100.00")
    for _ in range(110):
        await on.stage.refund(id_, "0.01", {})
    expect_equal(len((await on.order(id_)).refunds), 110, "the number of refunds")


@REFUND.check("orders.refunded", "an order refunded in full was paid, and is not cancelled")
async def refunded(on: Ground) -> None:
    id_ = await on.buy(1, "12.00")
    await on.stage.refund(id_, "12.00", {})
    order = await on.order(id_)
    expect(order.is_paid and not order.is_cancelled, f"it reads as {order!r}")
    expect_equal(sum(one.amount_minor for one in order.refunds), order.total_minor, "the refunds")


@REFUND.check("orders.total-stays", "no refund lowers an order's total or its lines")
async def total_stays(on: Ground) -> None:
    id_ = await on.buy(2, "12.00")
    before = await on.order(id_)
    await on.stage.refund(id_, "5.00", {})
    await on.stage.refund(id_, "", {0: 1})
    after = await on.order(id_)
    expect_equal(after.total_minor, before.total_minor, "the total")
    expect_equal(after.lines, before.lines, "the lines")


@REFUND.check("orders.refund-deleted", "a fetch shows that a refund was deleted")
async def refund_deleted(on: Ground) -> None:
    id_ = await on.buy(2, "12.00")
    kept = await on.stage.refund(id_, "1.00", {})
    gone = await on.stage.refund(id_, "2.00", {})
    await on.stage.delete_refund(id_, gone)
    order = await on.order(id_)
    expect_equal([one.id for one in order.refunds], [kept], "the refunds")


@REFUND.check("orders.refund-incomplete", "an order shown without its refunds is not complete")
async def refund_incomplete(on: Ground) -> None:
    await on.listen()
    id_ = await on.buy(2, "12.00")
    await on.stage.refund(id_, "1.00", {})
    fetched = await on.order(id_)
    for seen in (shown(await on.told(), id_), shown(await on.listed("order"), id_)):
        if seen is not None and seen.is_complete:
            expect_equal(seen.record, fetched, "what claims to be complete")


@REFUND.check("orders.refund-moves", "a refund makes the order one that changed")
async def refund_moves(on: Ground) -> None:
    id_ = await on.buy(2, "12.00")
    on.stage.forward(60)
    since = on.stage.now()
    await on.stage.refund(id_, "1.00", {})
    expect(id_ in await on.listed_ids("order", since), "the listing since then lacks it")


@DRAFT.check("orders.draft-listed", "an order that a shopper is still typing is never listed")
async def draft_listed(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    draft, placed = await on.stage.open_draft(product), await on.buy()
    for since in (None, on.stage.now()):
        expect_equal(await on.listed_ids("order", since), {placed}, "what is listed")
    expect(draft != placed, "the draft is the order")


@DRAFT.check("orders.draft-delivered", "an order that a shopper is still typing is never told")
async def draft_delivered(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    await on.listen()
    draft = await on.stage.open_draft(product)
    expect(draft not in ids_of(await on.told()), "the draft was told")


@DRAFT.check("orders.draft-fetched", "an order that a shopper is still typing is not there")
async def draft_fetched(on: Ground) -> None:
    draft = await on.stage.open_draft(await on.stage.add_product("Coffee", "12.00"))
    expect_equal(await on.fetched("order", draft), None, "the draft")


@DRAFT.check("orders.draft-newest", "drafts alone do not stop a listing from its beginning")
async def draft_newest(on: Ground) -> None:
    product = await on.stage.add_product("Coffee", "12.00")
    await on.stage.open_draft(product)
    newest = await on.client.newest()
    placed = await on.buy()
    expect(placed in await on.listed_ids("order", newest), "the order after the draft is missing")


@ORDER.check("orders.people-read", "a customer has a name, an address and two instants")
async def people_read(on: Ground) -> None:
    at = on.stage.now()
    found = await on.fetched("customer", await on.stage.add_customer("ada@example.test"))
    if not isinstance(found, Customer):
        raise Failed(f"the customer was fetched as {found!r}")
    expect_equal((found.email, found.created_at), ("ada@example.test", at), "address and opening")


@ORDER.check("orders.goods-read", "a product has its title and an address for shoppers")
async def goods_read(on: Ground) -> None:
    found = await on.fetched("product", await on.stage.add_product("Coffee", "12.00"))
    if not isinstance(found, Product):
        raise Failed(f"the product was fetched as {found!r}")
    expect_equal(found.title, "Coffee", "the title")
    expect(found.url.startswith("http"), f"the address is {found.url!r}")


@ORDER.check("orders.settled-alike", "reading an order twice with no change between is equal")
async def settled_alike(on: Ground) -> None:
    id_ = await on.buy()
    first = await on.order(id_)
    on.stage.forward(3600)
    expect_equal(await on.order(id_), first, "the order an hour later")
    listed = [one.record for one in await on.listed("order") if isinstance(one, Seen)]
    expect(all(isinstance(one, Order) for one in listed), "other kinds are listed among orders")
