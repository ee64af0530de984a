"""Neighbours do each other no harm: stores, deliveries, shoppers and processes side by side."""

import asyncio
import base64
import hmac
from contextvars import Context
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from tortoise.exceptions import (
    OperationalError,
)
from tortoise.transactions import in_transaction

from connector import worker
from connector.commerce import records
from connector.commerce.models import BACKFILL, LIVE, StoreRow
from connector.database import postgres, sql
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.rewards.models import RedemptionRow
from connector.sync import outbox, retention
from connector.sync import work as work_module
from connector.sync.models import OutboxRow
from connector.sync.work import Leases
from platforms.model import Seen
from tests import databases
from tests.town import PROGRAM, SHOP

pytestmark = pytest.mark.timeout(60)
on_postgres = pytest.mark.skipif(databases.ENGINE != "postgres", reason="PostgreSQL's")


def apart(job):
    """Begin a coroutine as another request would: with no transaction of ours."""
    return asyncio.create_task(job, context=Context())


def signed(secret, number, topic="order.updated", body=b'{"id": 1}'):
    digest = hmac.digest(secret.encode(), body, "sha256")
    return {
        "content": body,
        "headers": {
            "content-type": "application/json",
            "x-wc-webhook-signature": base64.b64encode(digest).decode(),
            "x-wc-webhook-id": "7",
            "x-wc-webhook-delivery-id": f"d{number}",
            "x-wc-webhook-topic": topic,
            "x-wc-webhook-source": SHOP,
        },
    }


async def deliver(town, number, **more):
    return await (await delivery(town, number, **more))


async def delivery(town, number, store=None, **more):
    row = await town.row()
    secret = town.system.stores.webhook_secret(row)
    path = f"/webhooks/woocommerce/{store or row.id}"
    return town.http.post(path, **signed(secret, number, **more))


@on_postgres
async def test_a_stranger_cannot_fail_the_deliveries_beside_his(town):
    await town.connect()
    asked = [await delivery(town, number) for number in range(3)]
    good, stranger = asked, town.http.post("/webhooks/woocommerce/%00", content=b"{}")
    *answers, _ = await asyncio.gather(*good, stranger)
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_store_whose_secret_is_damaged_does_not_fail_the_others(town):
    row = await town.connect()
    fields = {name: getattr(row, name) for name in row._meta.db_fields if name != "id"}
    fields |= {"url": "https://other.example.test", "webhook_secret": b"\x01" + b"x" * 40}
    await StoreRow.create(id="other", **fields)
    before = len(await town.inbox())
    both = [await delivery(town, 1), await delivery(town, 2, store="other")]
    answers = await asyncio.gather(*both)
    assert [answer.status_code for answer in answers] == [200, 503]
    assert [one.store for one in (await town.inbox())[before:]] == [town.store]


@on_postgres
async def test_the_same_deliveries_at_two_processes_do_not_deadlock(town):
    await town.connect()
    now, inbox = town.clock(), town.system.inbox
    for turn in range(15):
        rows = [
            (town.store, f"k{turn}-{number}", "{}", b"{}" * 500, now, "done")
            for number in range(100)
        ]
        both = [apart(inbox._insert(rows)), apart(inbox._insert(rows[::-1]))]
        assert await asyncio.gather(*both, return_exceptions=True) == [None, None]


async def test_a_store_id_that_no_database_holds_is_no_failure_of_ours(town):
    await town.connect()
    asked = [
        await town.http.get("/storefront/v1/state?store=%00"),
        await town.http.post("/webhooks/woocommerce/%00"),
    ]
    told = [(answer.status_code, answer.json()["code"]) for answer in asked]
    assert told == [(404, "store-unknown"), (404, "store-unknown")]


async def test_an_order_with_a_nul_in_its_code_does_not_hold_up_its_page(town):
    """On PostgreSQL it fails its whole page, and so each pass of the store, for good."""
    row = await town.connect()
    town.order(town.product(), 1, town.shopper())
    await town.settle()
    held = await records.orders_of(row.id, ["customer:1", *await accounts(row)])
    (order,) = [one for orders in held.values() for one in orders]
    odd = replace(order, codes=("a\0b",), updated_at=order.updated_at + timedelta(seconds=1))
    async with in_transaction():
        assert await town.system.records.take_in(row, [Seen(odd)], town.clock(), lane=BACKFILL) == 1


async def accounts(row):
    return [one.key for one in await AccountRow.filter(store=row.id)]


async def test_a_server_that_only_reads_could_not_do_it_now():
    async def refused():
        raise asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE")

    with pytest.raises(OperationalError):
        await postgres._told(refused())


async def test_a_turn_that_is_cancelled_gives_its_lease_back(town):
    """As one that did not end in its grace, or whose lease was believed lost."""
    await town.connect()
    stop = asyncio.Event()
    one = worker.Worker(town.system, stop)
    started = asyncio.Event()

    async def long(_):
        started.set()
        await asyncio.sleep(60)

    work = work_module.Work(name="long", waiting="1 = 1", job=long)
    assert await one._leases.take(work, town.clock(), 1) == [town.store]
    task = asyncio.create_task(one._turn(work, town.store))
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await Leases("other").take(work, town.clock(), 1) == [town.store]


async def test_publishing_leaves_live_work_before_backfill(town):
    row = await town.connect()
    await ledger.mark_dirty(row.id, {"customer:live": town.clock()}, town.clock(), LIVE)
    await ledger.mark_dirty(row.id, {"customer:old": town.clock()}, town.clock(), BACKFILL)
    await ledger.mark_all_dirty(row.id, town.clock())
    assert (await AccountRow.get(store=row.id, key="customer:live")).lane == LIVE


async def test_an_order_that_got_another_number_is_news_to_its_shopper(town):
    row = await town.connect()
    maya = town.shopper()
    town.order(town.product(), 1, maya)
    await town.settle()
    before = await town.state(maya)
    (account,) = [one for one in await accounts(row) if one.startswith("customer:")]
    (order,) = (await records.orders_of(row.id, [account]))[account]
    later = replace(order, number="A-77", updated_at=order.updated_at + timedelta(seconds=1))
    async with in_transaction():
        await town.system.records.take_in(row, [Seen(later)], town.clock())
    await worker.drain(town.system, ["settle"])
    fresh = (await town.state(maya)).json()["visitor"]["history"]
    assert fresh[0]["order_number"] == "A-77"
    now = await town.state(maya, **{"If-None-Match": before.headers["etag"]})
    assert now.status_code == 200


async def test_a_visitors_key_that_is_longer_than_its_column_is_no_failure_of_ours(town):
    await town.connect()
    assert (await town.redeem("9" * 200)).status_code < 500
    assert (await town.redeem("9\0")).status_code < 500


async def test_a_code_that_nobody_knows_of_is_news_to_its_shopper(town):
    await town.connect()
    coffee, maya = town.product(), town.shopper()
    town.order(coffee, 100, maya)
    await town.settle()
    assert (await town.redeem(maya)).status_code == 201
    before = await town.state(maya)
    path = "/wp-json/wc/v3/coupons"
    town.wire.answers[path] = town.refusal(500)
    town.wire.answers[path + "/batch"] = town.refusal(500)
    await town.settle()
    row = await RedemptionRow.get(store=town.store)
    now = await town.state(maya, **{"If-None-Match": before.headers["etag"]})
    fresh = await town.state(maya)
    assert row.state == "unknown", row.state
    assert fresh.json()["visitor"]["redemptions"] != before.json()["visitor"]["redemptions"]
    assert now.status_code == 200


@on_postgres
async def test_a_push_that_is_wanted_while_old_ones_are_forgotten_stays(town):
    row = await town.connect()
    then = town.clock() - timedelta(days=40)
    await OutboxRow.all().delete()
    await outbox.want(row.id, "profile", ["7"], then)
    await OutboxRow.all().update(agreed_gen=1)
    async with in_transaction():
        await outbox.want(row.id, "profile", ["7"], town.clock())
        forgetting = apart(retention.forget(town.clock()))
        await asyncio.sleep(0.5)  # it waits for our row
    await forgetting
    assert [one.wanted_gen for one in await OutboxRow.all()] == [2]


async def test_drain_does_what_is_due_though_one_store_cannot(town):
    await town.connect()
    done: list[str] = []
    stuck = ["!stuck"]
    fields = {name: getattr(await town.row(), name) for name in StoreRow._meta.db_fields}
    await StoreRow.create(**fields | {"id": "!stuck", "url": "https://a.example.test"})

    async def job(store):
        if store.id in stuck or done:
            return 0
        done.append(store.id)
        return 1

    work = work_module.Work(name="odd", waiting="1 = 1", job=job)
    town.system.works.append(work)
    await worker.drain(town.system, ["odd"])
    assert done == [town.store]


@on_postgres
async def test_unparking_and_wanting_wait_for_each_other_in_one_order(town):
    row = await town.connect()
    wanted = [(kind, str(n), LIVE) for n in range(60) for kind in ("profile", "order-note")]
    await outbox.want_all(row.id, wanted[::-1], town.clock())
    for _ in range(15):
        await OutboxRow.all().update(attempts=1)

        async def news():
            async with in_transaction():
                await outbox.want_all(row.id, wanted, town.clock())

        both = [apart(news()), apart(outbox.unpark(row.id, town.clock()))]
        assert await asyncio.gather(*both, return_exceptions=True) == [None, None]


@on_postgres
async def test_publishing_waits_for_who_takes_records_in_and_they_for_it(town):
    row = await town.connect(program=None)
    held, go_on = asyncio.Event(), asyncio.Event()

    async def taking():
        async with in_transaction():
            await sql.lock(row.id)
            held.set()
            await go_on.wait()

    first = apart(taking())
    await held.wait()
    publishing = apart(Loyalty(town.system.tools).programs.publish(row, PROGRAM))
    await asyncio.wait([publishing], timeout=0.5)
    assert not publishing.done()
    go_on.set()
    await first
    assert await publishing == 1


def test_a_migration_may_take_as_long_as_it_likes():
    url = "postgres://ann@db.example/shop"
    assert postgres.credentials(url)["command_timeout"] == postgres.STATEMENT_S
    assert postgres.credentials(url, is_patient=True)["command_timeout"] is None
