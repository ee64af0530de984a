"""The laws of points through inbox, worker and ledger, with several stores and accounts.

Each example opens stores of its own in the one database of its test.
"""

import os

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from connector import worker
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import AccountRow, EntryRow
from tests.flows.histories import COST, SPENT, TIMED, opened, read_at_once, settle, steps
from tests.flows.recorded_oracle import is_paid, points_of_order

EXAMPLES = {"check": 10, "evidence": 200}[os.environ.get("HYPOTHESIS_PROFILE", "check")]
DAY_MINUTES = 24 * 60
few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes here
)


async def told(shop, step):
    """Let something happen, and have it delivered at once."""
    for request in await shop.happen(step):
        assert (await shop.post(request)).status_code == 200


@few
@given(history=steps(3), data=st.data())
async def test_arrival_order_and_repeats_change_no_key(town, history, data):
    async with opened(town) as shop, opened(town) as other:
        sent = [(shop, one) for step in history for one in await shop.happen(step)]
        sent += [(other, one) for step in history[::-1] for one in await other.happen(step)]
        repeats = data.draw(st.lists(st.sampled_from(sent), max_size=6))

        for store, request in data.draw(st.permutations(sent + repeats)):
            assert (await store.post(request)).status_code == 200
            if data.draw(st.integers(0, 3)) == 0:
                await worker.drain(town.system)
        await settle(town)

        for store in (shop, other):
            assert await store.ledger() == await read_at_once(store)


@few
@given(history=steps(3, "unrefund"), data=st.data())
async def test_what_was_never_delivered_the_audit_finds(town, history, data):
    async with opened(town) as shop:
        sent = [one for step in history for one in await shop.happen(step)]
        for request in data.draw(st.permutations(sent)):
            if data.draw(st.booleans()):
                assert (await shop.post(request)).status_code == 200
        await settle(town)

        await shop.passed("audit")
        await settle(town)

        assert await shop.ledger() == await read_at_once(shop)


@few
@given(history=steps(9 * DAY_MINUTES), data=st.data())
async def test_when_accounts_are_settled_changes_nothing(town, history, data):
    async with opened(town, TIMED) as shop:
        for step in history:
            await told(shop, step)
            if data.draw(st.booleans()):
                await settle(town)
        for hours in data.draw(st.lists(st.integers(0, 20 * 24), max_size=4)):
            town.clock.forward(hours=hours)
            await settle(town)
        await settle(town)

        assert await shop.ledger() == await read_at_once(shop, TIMED)


@few
@given(history=steps(3))
async def test_an_orders_entries_sum_to_what_is_kept_of_it(town, history):
    async with opened(town) as shop:
        for step in history:
            await told(shop, step)
        await settle(town)

        owed = {f"order:{order['id']}": kept(shop.fake, order) for order in shop.lives}
        found = dict.fromkeys(owed, 0)
        for one in await EntryRow.filter(store=shop.id):
            found[one.cause.split("/")[0]] += one.points
        assert found == owed


def kept(fake, order):
    """Return an order's points by the second author's arithmetic; trash keeps the last state."""
    live = order | {"status": fake.trashed.get(order["id"], order["status"])}
    given_back = [fake.records["refund"][one["id"]] for one in order["refunds"]]
    return points_of_order(live, given_back) if is_paid(live) else 0


@few
@given(history=steps(9 * DAY_MINUTES))
async def test_entries_sum_to_open_lots_less_the_deficit(town, history):
    async with opened(town, TIMED) as shop:
        for step in history:
            await told(shop, step)
        await settle(town)

        entries = await EntryRow.filter(store=shop.id)
        for account in await AccountRow.filter(store=shop.id):
            async with in_transaction():
                loyalty = Loyalty(town.system.tools)
                purse = (await loyalty.settling.settle(await shop.row(), account.key)).purse
            mine = [one for one in entries if one.account == account.key]
            effective = sum(one.points for one in mine if one.effective_at <= town.clock())
            lots = sum(lot.points for lot in purse.lots.values() if lot.is_open)
            assert effective == lots - purse.deficit == account.available
        assert await EntryRow.filter(store=shop.id).count() == len(entries)
        assert all(one.cause and one.points for one in entries)


@few
@given(history=steps(3, *["redeem"] * 8, size_max=14), data=st.data())
async def test_what_is_spent_was_there_and_is_never_taken_back(town, history, data):
    async with opened(town, SPENT) as shop:
        town.store, granted = shop.id, 0
        for number, step in enumerate(history):
            await told(shop, step)
            is_settled = data.draw(st.booleans())
            if is_settled:
                await settle(town)
            if step.what == "redeem":
                customer = shop.customers[step.which % 2]
                held = (await town.visitor(customer))["available"]
                answer = await town.redeem(customer, "off", Idempotency_Key=f"key-{number:05}")
                assert answer.status_code in {201, 409}
                assert not is_settled or (answer.status_code == 201) == (held >= COST)
                granted += answer.status_code == 201
        await settle(town)

        spent = [await spendings(shop, customer) for customer in shop.customers]
        assert sum(spent) == granted
        assert sum(one["amount"] == "5.00" for one in shop.fake.all("coupon")) == granted


async def spendings(shop, customer):
    """Return how often an account was debited, each time for once and out of what it had."""
    held, spent = 0, 0
    for one in await EntryRow.filter(store=shop.id, account=f"customer:{customer}").order_by("id"):
        if one.kind == "redeem":
            assert (one.points, one.n, held >= COST) == (-COST, 0, True)
            spent += 1
        held += one.points
    assert (await shop.town.visitor(customer))["available"] == held
    return spent


@few
@given(history=steps(3), later=steps(3, "unrefund"))
async def test_what_happens_at_one_store_changes_no_row_of_anothers(town, history, later):
    async with opened(town, SPENT) as busy, opened(town) as still:
        for step in history:
            await told(busy, step)
            await told(still, step)
        await settle(town)
        before = await still.rows()

        for step in later:
            for request in await busy.happen(step):
                assert (await busy.post(request)).status_code == 200
                url = str(request.url).replace(busy.id, still.id)
                strange = httpx.Request(
                    "POST", url, content=request.content, headers=request.headers
                )
                assert (await still.post(strange)).status_code == 401
        town.store = busy.id
        await town.redeem(busy.customers[0], "off")
        await settle(town)
        await busy.passed("audit")
        await settle(town)

        assert await still.rows() == before
