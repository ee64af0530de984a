"""Checkpoints in the database: used while they are right, dropped by an earlier change."""

from dataclasses import replace
from datetime import timedelta

from connector import worker
from connector.database import sql
from connector.features.loyalty.checkpoints import KEPT, MANY
from connector.ledger import ledger
from connector.ledger.models import CheckpointRow, EntryRow
from platforms.model import Customer, Order, OrderLine, Refund, Seen
from tests.town import NOW

FIRST = NOW - timedelta(days=300)
MAYA = "customer:7"
PROGRAM = """
name = "Town club"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2025-01-01T00:00:00Z
currency = "EUR"

[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = { EUR = 100 }

[expiry]
kind = "lot"
months = 3

[[reward]]
id = "5-off"
kind = "amount_off"
cost = 500
value_minor = { EUR = 500 }
"""


def order(number, minor=300):
    line = OrderLine(id="1", product_id="p", quantity=1, total_minor=minor, tax_minor=0)
    at = FIRST + timedelta(hours=number)
    return Order(
        id=str(number),
        number=str(number),
        customer_id="7",
        email=None,
        status="completed",
        is_paid=True,
        is_cancelled=False,
        currency="EUR",
        total_minor=minor,
        placed_at=at,
        paid_at=at,
        updated_at=at,
        lines=(line,),
    )


async def seen(town, *orders):
    store = await town.row()
    await town.system.records.take_in(store, [Seen(one) for one in orders], town.clock())
    await worker.finish(town.system, store, "settle")


async def test_who_has_checkpoints_is_welcomed_once(town):
    welcome = '[[earn]]\nid = "welcome"\nkind = "sign_up"\npoints = 50\n'
    await town.connect(PROGRAM + welcome)
    maya = Customer(
        id="7", email="maya@example.test", first_name="Maya", last_name="L",
        created_at=FIRST, updated_at=FIRST,
    )  # fmt: skip
    store = await town.row()
    await town.system.records.take_in(store, [Seen(maya)], town.clock())
    await seen(town, *(order(n) for n in range(MANY)))
    assert await places() == [MANY / 2]

    for late in range(MANY, MANY + 3):
        await seen(town, order(late))

    welcomed = await EntryRow.filter(cause="sign_up:welcome", kind="earn")
    assert [one.points for one in welcomed] == [50]


async def places():
    rows = await CheckpointRow.filter(account=MAYA).order_by("at")
    return [(row.at - FIRST) / timedelta(hours=1) for row in rows]


async def grown(town, many):
    """Have an account with so many orders, an hour apart, of three points each."""
    await town.connect(PROGRAM)
    await seen(town, *(order(number) for number in range(many)))


async def refolded(town):
    """Fold everything from its beginning; return how many entries that changed."""
    before = await EntryRow.all().count()
    await ledger.mark_all_dirty(town.store, town.clock())
    await worker.finish(town.system, await town.row(), "settle")
    return await EntryRow.all().count() - before


async def available(town):
    return (await ledger.balance(town.store, MAYA, town.clock())).available


async def test_few_orders_have_none(town):
    await grown(town, MANY - 1)

    assert await places() == []


async def test_many_orders_have_one_and_go_on_from_there(town):
    await grown(town, MANY)
    assert await places() == [MANY / 2]

    await seen(town, *(order(number) for number in range(MANY, MANY + MANY // 2)))
    assert await places() == [MANY / 2, MANY]

    assert await EntryRow.filter(kind="earn").count() == MANY + MANY // 2
    assert await refolded(town) == 0


async def test_what_lies_before_a_checkpoint_is_not_read_again(town):
    await grown(town, MANY)
    await sql.run("DELETE FROM \"order\" WHERE store = $1 AND platform_id = '3'", town.store)

    await seen(town, order(MANY))
    assert await EntryRow.filter(cause="order:3", kind="earn").count() == 1

    assert await refolded(town) == 2  # without the checkpoint the order is missed, and its expiry


async def test_an_earlier_change_drops_those_after_it(town):
    await grown(town, MANY)
    await seen(town, *(order(number) for number in range(MANY, MANY + MANY // 2)))
    late = town.clock()
    refund = Refund(id="r", amount_minor=200, refunded_at=late, lines=(), other_minor=0)
    changed = replace(order(MANY - 10), updated_at=late, refunds=(refund,))

    await seen(town, changed)

    assert await places() == [MANY / 2, MANY]  # the later one anew, by what holds now
    taken = await EntryRow.get(kind="clawback")
    assert (taken.points, taken.cause) == (-2, f"order:{MANY - 10}/refund:r")
    assert await refolded(town) == 0


async def test_of_the_later_ones_the_newest_are_kept(town):
    await grown(town, MANY)
    for part in range(KEPT + 1):
        first = MANY + part * MANY // 2
        await seen(town, *(order(number) for number in range(first, first + MANY // 2)))

    assert await places() == [MANY + part * MANY // 2 for part in range(1, KEPT + 1)]
    assert await refolded(town) == 0


async def test_points_expire_and_are_spent_beyond_a_checkpoint(town):
    town.clock.at = FIRST + timedelta(hours=MANY)
    await grown(town, MANY)
    assert await places() == [MANY / 2]

    assert (await town.redeem(7)).status_code == 201
    assert (await town.redeem(7)).status_code == 201
    spent = await available(town)
    assert spent == 3 * MANY - 1000
    town.clock.forward(days=100)
    await town.settle()

    entries = await EntryRow.filter(kind="expire")
    assert sum(one.points for one in entries) == -spent
    assert await available(town) == 0
    assert await refolded(town) == 0
