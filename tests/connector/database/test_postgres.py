"""PostgreSQL alone: durable; a server that goes away is told as the database's trouble."""

import asyncio
from contextlib import contextmanager

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError
from tortoise.transactions import in_transaction

from connector import database, worker
from connector.commerce.models import StoreRow
from connector.database.postgres import POOL_MAX, credentials
from connector.errors import DatabaseUnusable
from connector.registry import find_models
from tests.databases import SERVER, query


async def test_what_is_acknowledged_is_on_the_disk(town):
    ((said,),) = [
        row.values()
        for row in await get_connection("default").execute_query_dict("SHOW synchronous_commit")
    ]
    assert said == "on"


async def test_a_statement_goes_alone(town):
    """The server's last word from each connection is ours, not a reset by the driver."""
    assert SERVER is not None
    name = town.system.settings.database_url.rpartition("/")[2]
    for _ in range(3):
        await StoreRow.all().count()

    last = query(SERVER, f"SELECT query FROM pg_stat_activity WHERE datname = '{name}'")
    assert [text for (text,) in last] == ['SELECT COUNT(*) FROM "store"']


def cut(town):
    """End every connection of the town's, as a server does that restarts."""
    assert SERVER is not None
    name = town.system.settings.database_url.rpartition("/")[2]
    query(
        SERVER, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )


async def test_a_connection_that_is_cut_is_told_and_made_anew(town):
    async def broken_off():
        async with in_transaction():
            cut(town)
            await StoreRow.all().count()

    with pytest.raises(DBConnectionError):
        await broken_off()

    assert await StoreRow.all().count() == 0


async def test_transactions_that_cannot_begin_use_no_connection_up(town):
    for _ in range(POOL_MAX + 1):
        cut(town)
        try:
            async with in_transaction():
                await StoreRow.all().count()
        except DBConnectionError:
            continue

    store = await town.connect()
    assert [row.id for row in await StoreRow.all()] == [store.id]


async def test_what_is_wrong_with_a_value_is_not_the_databases_trouble(town):
    with pytest.raises(asyncpg.DataError):
        await StoreRow.filter(name="\0").count()


@pytest.mark.parametrize("url", ["postgres://postgres@127.0.0.1:1/x", None])
async def test_a_database_that_is_not_there_is_told_at_once_without_the_password(url):
    url = url or f"{SERVER}_none".replace("postgres@", "postgres:hidden-word@")
    with pytest.raises(DatabaseUnusable, match="check PERENNIAL_DATABASE_URL") as told:
        async with database.opened(url, find_models()):
            pytest.fail("it was opened")
    assert "hidden-word" not in str(told.value)


def test_an_address_says_user_password_and_encryption():
    given = credentials("postgresql://ann:p%40ss@db.example:6432/shop?sslmode=require")
    assert {name: given[name] for name in ("host", "port", "user", "password", "database")} == {
        "host": "db.example",
        "port": 6432,
        "user": "ann",
        "password": "p@ss",
        "database": "shop",
    }
    assert given["ssl"] == "require"


def test_as_many_of_a_kind_as_wanted(database_url):
    with database.sole(database_url, "worker") as one, database.sole(database_url, "worker") as two:
        assert (one, two) == (None, None)


@contextmanager
def lost(town):
    """Have nobody reach the town's database, as while its server is down."""
    assert SERVER is not None
    name = town.system.settings.database_url.rpartition("/")[2]
    query(SERVER, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    cut(town)
    try:
        yield
    finally:
        query(SERVER, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_a_database_that_is_lost_is_503_and_all_goes_on_when_it_is_back(town):
    store = await town.connect()
    maya = town.shopper()
    stop = asyncio.Event()
    working = asyncio.create_task(worker.work(town.system, stop))
    coffee = town.product()
    await town.shop.deliveries_done()

    with lost(town):
        order = town.order(coffee, 3, maya)
        await town.shop.deliveries_done()
        refused = await town.http.post(f"/webhooks/woocommerce/{store.id}", content=b"{}")
        assert (refused.status_code, refused.json()["code"]) == (503, "not-ready")
        assert (await town.http.get("/ready")).status_code == 503
        assert (await town.http.get("/health")).status_code == 200
        assert (await town.state(maya)).status_code == 503
        await asyncio.sleep(3)  # the worker looks for work meanwhile

    assert (await town.http.get("/ready")).status_code == 200
    town.shop.emit("order.updated", order["id"])  # the store does not try again by itself
    for _ in range(250):  # leases that could not be given back end by themselves
        await asyncio.sleep(0.1)
        if (await town.visitor(maya))["available"] == 150:
            break
    assert (await town.visitor(maya))["available"] == 150
    stop.set()
    await working


async def test_statements_and_transactions_share_the_connections_there_are(town):
    """More than there are connections, of both kinds: nobody waits for ever."""

    async def statement():
        await StoreRow.all().count()

    async def transaction():
        async with in_transaction():
            await StoreRow.all().count()
            await asyncio.sleep(0.01)

    many = [job() for _ in range(3 * POOL_MAX) for job in (statement, transaction)]
    await asyncio.wait_for(asyncio.gather(*many), 20)

    assert SERVER is not None
    name = town.system.settings.database_url.rpartition("/")[2]
    asked = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    assert query(SERVER, asked) == [(POOL_MAX,)]


async def test_a_statement_that_is_given_up_leaves_its_connection_fit_for_others(town):
    for _ in range(POOL_MAX + 1):
        task = asyncio.create_task(get_connection("default").execute_query("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    counts = [StoreRow.all().count() for _ in range(2 * POOL_MAX)]
    assert await asyncio.wait_for(asyncio.gather(*counts), 20) == [0] * 2 * POOL_MAX
