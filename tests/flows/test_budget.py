"""A program's budget: points that all accounts share, through inbox, worker and ledger."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from connector import worker
from connector.cli.reports import _budget
from connector.features.loyalty.explain import Beyond, explain_account
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.service import Loyalty
from connector.kernel.admission import GivenOut
from connector.ledger import ledger
from connector.ledger.models import AccountRow, EntryRow
from connector.rewards.admissions import SPARE_MAX, given_out
from connector.rewards.models import AdmissionRow, BudgetRow
from platforms.woocommerce.fake import orders, refunds
from tests.flows.histories import PLAIN, opened, read_at_once, settle, steps
from tests.flows.test_database_laws import few, told
from tests.flows.test_liability import owed
from tests.flows.test_simulation import tried
from tests.town import PROGRAM

ADA = "ada@example.test"


def budget(points, program=PROGRAM):
    return f"{program}\n[budget]\npoints = {points}\n"


async def points(town):
    """Return what each account has: customers by id, guests together."""
    found: dict[str, int] = {}
    keys = [row.key for row in await AccountRow.filter(store=town.store)]
    for key, balance in (await ledger.balances(town.store, keys, town.clock())).items():
        name = key.removeprefix("customer:") if key.startswith("customer:") else "guest"
        found[name] = found.get(name, 0) + balance.available
    return found


async def used(town, limit=0):
    return await given_out(town.store, limit)


async def test_the_last_demand_is_cut_and_the_next_is_refused(town):
    await town.connect(budget(700))
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 10, maya)  # 500 points
    await town.settle()
    cut = town.order(coffee, 6, email=ADA)  # 300
    await town.settle()
    none = town.order(coffee, 2, maya)  # 100
    await town.settle()

    assert await points(town) == {str(maya): 500, "guest": 200}
    assert await used(town, 700) == GivenOut(limit=700, used=700, refused=200, waiting=0)
    (entry,) = await EntryRow.filter(cause=f"order:{cut['id']}")
    assert entry.why == (
        f"order {cut['number']}: goods 60.00 EUR x 5 per 1.00, floor, program version 1;"
        " 200 of 300 within the program's budget"
    )
    mine = await explain_account(await town.row(), str(maya), town.clock())
    (beyond,) = mine.beyond
    at = beyond.at
    assert beyond == Beyond(cause=f"order:{none['id']}", at=at, asked=100, refused=100, waiting=0)
    guest = await explain_account(await town.row(), f"order:{cut['id']}", town.clock())
    assert [(one.asked, one.refused) for one in guest.beyond] == [(300, 100)]


async def test_what_a_refund_gives_back_serves_later_orders_alone(town):
    await town.connect(budget(500))
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 10, maya)  # 500 points
    await town.settle()
    refused = town.order(coffee, 8, email=ADA)  # 400
    await town.settle()
    refund = refunds.create(town.shop, first, {"amount": "60.00"})  # 300 back
    await town.settle()
    assert await points(town) == {str(maya): 200, "guest": 0}
    town.order(coffee, 4, email=ADA)  # 200
    await town.settle()

    assert await points(town) == {str(maya): 200, "guest": 200}
    orders.update(town.shop, refused, {"customer_note": "please"})
    await town.settle()
    assert await points(town) == {str(maya): 200, "guest": 200}
    assert await used(town) == GivenOut(limit=0, used=400, refused=400, waiting=0)

    refunds.delete(town.shop, first, refund)  # it was none: what is another's by now stays so
    await town.system.passes.run(await town.row(), "audit")
    await town.settle()
    assert await points(town) == {str(maya): 300, "guest": 200}
    (entry, *more) = await EntryRow.filter(cause=f"order:{first['id']}").order_by("id")
    assert (entry.points, [one.points for one in more]) == (500, [-200])
    assert more[0].why.endswith("; 300 of 500 within the program's budget (was +500)")
    assert (await BudgetRow.get(store=town.store)).held == 500


async def test_an_order_asks_for_more_when_it_is_worth_more(town):
    await town.connect(budget(700))
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 4, maya)  # 200 points
    town.order(coffee, 6, email=ADA)  # 300
    await town.settle()
    line = {"id": order["line_items"][0]["id"], "quantity": 12}
    orders.update(town.shop, order, {"line_items": [line | {"total": "120.00"}]})  # 600
    await town.settle()

    assert await points(town) == {str(maya): 400, "guest": 300}
    row = await AdmissionRow.get(order_id=str(order["id"]))
    assert (row.demanded, row.admitted, row.ceded) == (600, 400, 0)


async def test_a_budget_that_is_not_reached_changes_no_entry(town):
    capped = PROGRAM.replace(
        "per_minor = { EUR = 100 }",
        'per_minor = { EUR = 100 }\ncaps = [{ points = 700, per = "lifetime" }]',
    )
    await town.connect(budget(1000, capped))
    maya, coffee = town.shopper(), town.product("10.00")
    for quantity in (8, 6, 3):  # 400, 300 and none
        town.order(coffee, quantity, maya)
    town.order(coffee, 6, email=ADA)
    await town.settle()

    assert await points(town) == {str(maya): 700, "guest": 300}
    assert await used(town) == GivenOut(limit=0, used=1000, refused=0, waiting=0)
    assert "budget" not in "".join([one.why for one in await EntryRow.all()])
    assert await EntryRow.all().count() == 3  # nothing was taken back on the way


async def test_what_is_refused_leaves_room_in_the_cap(town):
    capped = PROGRAM.replace(
        "per_minor = { EUR = 100 }",
        'per_minor = { EUR = 100 }\ncaps = [{ points = 500, per = "lifetime" }]',
    )
    await town.connect(budget(100, capped))
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 2, email=ADA)  # 100 points: all there are
    await town.settle()
    town.order(coffee, 10, maya)  # 500, refused
    await town.settle()
    refunds.create(town.shop, first, {"amount": "20.00"})
    await town.settle()
    town.order(coffee, 1, maya)  # 50, since nothing of the cap is used
    await town.settle()

    assert await points(town) == {str(maya): 50, "guest": 0}


async def test_an_order_that_moves_keeps_what_it_was_admitted(town):
    await town.connect(budget(500))
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 10, email=ADA)
    await town.settle()
    town.order(coffee, 4, maya)
    await town.settle()
    assert await points(town) == {"guest": 500, str(maya): 0}

    orders.update(town.shop, order, {"customer_id": maya})
    await town.settle()
    assert await points(town) == {"guest": 0, str(maya): 500}
    assert await used(town) == GivenOut(limit=0, used=500, refused=200, waiting=0)


async def test_a_claimed_account_keeps_what_it_was_admitted(town):
    await town.connect(budget(600))
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 10, email=ADA)
    await town.settle()
    guest = (await AccountRow.get(key__startswith="guest:")).key
    await Loyalty(town.system.tools).join(await town.row(), guest, str(maya))
    assert await points(town) == {"guest": 0, str(maya): 500}

    late = town.order(coffee, 4, email=ADA)  # theirs too; 100 are left
    await town.settle()
    assert await points(town) == {"guest": 0, str(maya): 600}
    mine = await explain_account(await town.row(), str(maya), town.clock())
    assert [(one.cause, one.refused) for one in mine.beyond] == [(f"order:{late['id']}", 100)]
    refunds.create(town.shop, order, {"amount": "100.00"})
    await town.settle()
    assert await points(town) == {"guest": 0, str(maya): 100}


async def test_signing_up_is_part_of_it(town):
    welcome = '[[earn]]\nid = "welcome"\nkind = "sign_up"\npoints = 40\n'
    await town.connect(budget(100, PROGRAM.replace("[[reward]]", f"{welcome}\n[[reward]]")))
    people = []
    for number in range(3):
        people.append(str(town.shopper(f"{number}@example.test")))
        await town.settle()
        town.clock.forward(minutes=1)

    assert await points(town) == dict(zip(people, [40, 40, 20], strict=True))
    first, last = [
        await explain_account(await town.row(), who, town.clock()) for who in people[::2]
    ]
    assert (first.beyond, [one.why for one in first.lines]) == (
        [],
        ["signed up, program version 1"],
    )
    assert [(one.cause, one.refused) for one in last.beyond] == [("sign_up:welcome", 20)]
    assert last.lines[0].why.endswith("; 20 of 40 within the program's budget")


async def test_versions_share_what_there_is_in_all_and_one_without_asks_for_nothing(town):
    await town.connect(budget(500))
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 8, maya)  # 400 points
    await town.settle()

    loyalty, row = Loyalty(town.system.tools), await town.row()
    expected = 400
    for program, earned in (
        (PROGRAM, 500),
        (budget(450), 50),
        (budget(300), 0),
        (budget(620), 170),
    ):
        town.clock.forward(minutes=1)
        await loyalty.programs.publish(row, program)
        town.clock.forward(minutes=1)
        town.order(coffee, 10, maya)  # 500
        await town.settle()
        expected += earned
        assert await points(town) == {str(maya): expected}
    assert await used(town) == GivenOut(limit=0, used=620, refused=450 + 500 + 330, waiting=0)


async def test_a_backfill_is_served_in_the_order_of_its_orders(town):
    coffee, whole = town.product("10.00"), []
    for number in range(60):
        whole.append(town.order(coffee, 2, email=f"{(number * 7) % 60:02}@example.test"))
        town.clock.forward(minutes=1)
    back = refunds.create(town.shop, whole[3], {"amount": "20.00"})
    town.clock.forward(minutes=1)
    last = town.order(coffee, 1, email=ADA)
    await town.connect(budget(1000))
    await town.settle()
    await town.system.passes.run(await town.row(), "sync")
    await town.settle()

    rows = {row.order_id: row for row in await AdmissionRow.all()}
    assert [rows[str(one["id"])].admitted for one in whole] == [100] * 10 + [0] * 50
    assert rows[str(last["id"])].admitted == 50  # out of what the refund before it gave back
    assert rows[str(whole[3]["id"])].ceded == 50
    assert back["id"]


async def test_more_refunds_than_are_looked_at_at_once_serve_one_order(town):
    count = SPARE_MAX + 20
    await town.connect(budget(5 * count))
    coffee, maya = town.product("1.00"), town.shopper()
    for number in range(count):
        town.order(coffee, 1, email=f"{number}@example.test")  # 5 points
    await town.settle()
    for row in await AdmissionRow.all():
        order = town.shop.records["order"][int(row.order_id)]
        refunds.create(town.shop, order, {"amount": "1.00"})
    await town.settle()
    town.clock.forward(minutes=1)
    town.order(coffee, count - 10, maya)
    await town.settle()

    assert (await points(town))[str(maya)] == 5 * (count - 10)
    assert await used(town) == GivenOut(limit=0, used=5 * (count - 10), refused=0, waiting=0)
    assert (await BudgetRow.get(store=town.store)).held == 5 * count

    town.order(coffee, 2, maya)  # of the ten who can spare five points two are looked at
    await town.shop.deliveries_done()
    await worker.drain(town.system, ["inbox"])
    loyalty, row = Loyalty(town.system.tools), await town.row()
    assert [await loyalty.settling.settle_dirty(row) for _ in range(4)] == [1, 1, 3, 0]
    assert (await points(town))[str(maya)] == 5 * (count - 8)


async def test_what_it_came_to_is_told(town):
    await town.connect(budget(700))
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 10, maya)
    town.order(coffee, 6, email=ADA)
    await town.settle()
    then = town.clock()
    town.clock.forward(days=1)
    refunds.create(town.shop, first, {"amount": "60.00"})
    await town.settle()

    found = await owed(town)
    assert (found.owed.available, found.differs) == (400, 0)
    assert found.budget == GivenOut(limit=700, used=400, refused=100, waiting=0)
    assert _budget(found.budget) == (
        "of the budget of 700 points, 400 are given out; 100 more were asked for and refused"
    )
    before = await owed(town, then)
    assert (before.owed.available, before.differs) == (700, 0)
    assert (await owed(town)).budget == found.budget


async def test_a_simulation_serves_all_accounts_in_order(town):
    program = budget(700, PROGRAM.replace("earn_from = 2025-01-01T00:00:00Z\n", ""))
    await town.connect(program=None)
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 10, maya)  # 500 points
    town.clock.forward(days=1)
    town.order(coffee, 6, email=ADA)  # 300
    town.clock.forward(days=1)
    refunds.create(town.shop, first, {"amount": "20.00"})  # 100 back
    town.clock.forward(days=1)
    town.order(coffee, 4, maya)  # 200
    await town.settle()

    report, found = await tried(town, program)
    assert report.budget == GivenOut(limit=700, used=700, refused=200, waiting=0)
    assert (report.total.issued, report.total.taken_back) == (500 + 200 + 100, 100)
    assert found[f"customer:{maya}"].purse.available() == 500
    assert await AdmissionRow.all().count() == 0

    live = program.replace('currency = "EUR"', 'currency = "EUR"\nearn_from = 2026-01-01T00:00:00Z')
    await Loyalty(town.system.tools).programs.publish(await town.row(), live)
    await town.settle()
    assert await points(town) == {str(maya): 500, "guest": 200}


async def test_a_simulation_asks_again_for_what_caps_leave(town):
    capped = PROGRAM.replace("earn_from = 2025-01-01T00:00:00Z\n", "").replace(
        "per_minor = { EUR = 100 }",
        'per_minor = { EUR = 100 }\ncaps = [{ points = 500, per = "lifetime" }]',
    )
    await town.connect(program=None)
    maya, coffee = town.shopper(), town.product("10.00")
    first = town.order(coffee, 2, email=ADA)  # 100 points: all there are
    town.clock.forward(days=1)
    for _ in range(5):
        town.order(coffee, 10, maya)  # 500, refused, so that each may ask for as many
    town.clock.forward(days=1)
    refunds.create(town.shop, first, {"amount": "20.00"})
    town.clock.forward(days=1)
    town.order(coffee, 1, maya)  # 50
    await town.settle()

    report, found = await tried(town, budget(100, capped))
    assert found[f"customer:{maya}"].purse.available() == 50
    assert report.budget == GivenOut(limit=100, used=50, refused=5 * 500, waiting=0)


async def test_whoever_dies_between_asking_and_admitting_leaves_what_waits(town):
    await town.connect(budget(400))
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 10, maya)
    await town.shop.deliveries_done()
    await worker.drain(town.system, ["inbox"])
    loyalty, row = Loyalty(town.system.tools), await town.row()
    assert await loyalty.settling.settle_dirty(row) == 1  # it asks, and that is all

    assert await points(town) == {str(maya): 0}
    assert await used(town) == GivenOut(limit=0, used=0, refused=0, waiting=500)
    (waits,) = (await explain_account(row, str(maya), town.clock())).beyond
    assert (waits.asked, waits.refused, waits.waiting) == (500, 0, 500)

    assert await loyalty.settling.settle_dirty(row) == 1
    assert await points(town) == {str(maya): 0}  # admitted, and not posted
    await town.settle()
    assert await points(town) == {str(maya): 400}


async def test_many_who_settle_and_admit_at_once_give_out_no_more_than_there_is(town):
    await town.connect(budget(1500))
    coffee, people = town.product("10.00"), [town.shopper(f"{n}@example.test") for n in range(12)]
    placed = [town.order(coffee, 4, who) for who in people for _ in range(2)]  # 200 points each
    await town.shop.deliveries_done()
    await worker.drain(town.system, ["inbox"])
    loyalties, row = [Loyalty(town.system.tools) for _ in range(6)], await town.row()

    async def work(loyalty):
        while await loyalty.settling.settle_dirty(row):
            pass

    for one in (placed[0], placed[5]):
        refunds.create(town.shop, one, {"amount": "40.00"})
    await asyncio.gather(
        *(work(loyalty) for loyalty in loyalties),
        *(town.visitor(who) for who in people),
        town.shop.deliveries_done(),
    )
    await town.settle()

    held = sum((await points(town)).values())
    rows = await AdmissionRow.all()
    assert sum(row.admitted - row.ceded for row in rows) == 1500
    assert (await BudgetRow.get(store=town.store)).held == 1500
    assert [row.demanded for row in rows] == [200] * 24
    found = await used(town)
    assert (found.used, found.refused) == (held, 24 * 200 - sum(row.admitted for row in rows))
    assert (await owed(town)).differs == 0


LIMIT = 60


@few
@given(history=steps(3, "unrefund"), data=st.data())
async def test_whenever_accounts_are_settled_no_more_is_given_out_than_there_is(
    town, history, data
):
    async with opened(town, budget(LIMIT, PLAIN)) as shop:
        sent = [one for step in history for one in await shop.happen(step)]
        for request in data.draw(st.permutations(sent)):
            assert (await shop.post(request)).status_code == 200
            if data.draw(st.booleans()):
                await worker.drain(town.system)
            assert await kept(shop) <= LIMIT
        await settle(town)

        assert await kept(shop) <= LIMIT
        rows = await AdmissionRow.filter(store=shop.id)
        held = await BudgetRow.get_or_none(store=shop.id)
        assert sum(row.admitted - row.ceded for row in rows) == (held.held if held else 0) <= LIMIT
        assert all(row.waits_at is None for row in rows)


async def kept(shop):
    """Return what all orders' entries come to."""
    return sum([one.points for one in await EntryRow.filter(store=shop.id)])


@few
@given(history=steps(3, "unrefund"), data=st.data())
async def test_a_limit_that_is_never_reached_changes_no_key(town, history, data):
    async with opened(town, budget(1_000_000, PLAIN)) as shop:
        for step in history:
            await told(shop, step)
            if data.draw(st.booleans()):
                await worker.drain(town.system)
        await shop.passed("audit")
        await settle(town)

        assert await shop.ledger() == await read_at_once(shop, PLAIN)


def test_a_document_with_a_budget_has_it():
    assert parse(budget(12)).budget.points == 12
    assert parse(PROGRAM).budget is None
