"""An app that many stores install: what the platform tells it, of which store, and what is done."""

from datetime import timedelta

import pytest

from connector import database
from connector.commerce.models import CustomerRow, StoreRow
from connector.commerce.records import snapshot
from connector.database import sql
from connector.sync.models import InboxRow, PrivacyRow
from platforms.conformance.stage import Basket
from platforms.shopify.adapter import PLATFORM
from platforms.shopify.fake.data import HOST
from tests import databases
from tests.market import ADDRESS, APP, ID, OLD, SECRET, opened, tell
from tests.town import SERVICE


def about(customer, email="maya@example.test"):
    return {"shop_domain": HOST, "customer": {"id": int(customer), "email": email}}


async def with_maya(market):
    """Install, and have Maya buy for 20.00; return her id."""
    await market.install()
    await market.publish()
    tea = await market.stage.add_product("Tea", "20.00")
    maya = await market.stage.add_customer("maya@example.test", "Maya", "Lindner")
    await market.stage.place(Basket(items=[(tea, 1)], customer_id=maya))
    await market.settle()
    assert await market.points(maya) == 100
    return maya


async def test_a_request_for_data_waits_for_the_merchant(market):
    maya = await with_maya(market)

    assert await tell(market, "customers/data_request", about(maya)) == 200
    await market.settle()

    (asked,) = await PrivacyRow.all()
    assert (asked.kind, asked.by, asked.about) == ("export", "Shopify", f"customer:{maya}")
    assert asked.done_at is None


async def test_who_is_to_be_redacted_is_erased_and_points_stay(market):
    maya = await with_maya(market)

    assert await tell(market, "customers/redact", about(maya)) == 200
    await market.settle()

    (asked,) = await PrivacyRow.all()
    assert asked.kind == "erase"
    assert asked.done_at is not None
    person = snapshot(await CustomerRow.get(platform_id=maya))
    assert (person.first_name, person.last_name, person.email) == ("", "", None)
    assert await market.points(maya) == 100


async def test_of_a_store_that_is_not_ours_there_is_nothing_to_keep(market):
    await market.install()
    body = {"shop_domain": "another.myshopify.com", "customer": {"id": 1}}

    for topic in ("customers/data_request", "customers/redact", "shop/redact", "app/uninstalled"):
        assert await tell(market, topic, body, host="another.myshopify.com") == 200
    assert await InboxRow.all().count() == 0


@pytest.mark.parametrize("host", [HOST, "another.myshopify.com", "", "evil.test"])
async def test_what_nobody_signed_is_refused_whosever_it_is(market, host):
    await market.install()
    body = {"customer": {"id": 1}}

    assert await tell(market, "customers/redact", body, secret="guessed", host=host) == 401
    assert await tell(market, "customers/redact", b"no json", secret="guessed", host=host) == 401
    assert await InboxRow.all().count() == 0


async def test_a_signed_body_of_one_store_is_nothing_under_the_name_of_another(market):
    maya = await with_maya(market)
    body = about(maya) | {"shop_domain": "another.myshopify.com"}

    assert await tell(market, "customers/redact", body, host=HOST) == 200
    await market.settle()

    assert await PrivacyRow.all().count() == 0


async def test_the_secret_before_is_good_while_it_is_set(market):
    maya = await with_maya(market)

    assert await tell(market, "customers/data_request", about(maya), secret=OLD) == 200
    own = f"{ADDRESS}/{market.store}"
    assert await tell(market, "products/delete", {"id": 9}, secret=OLD, address=own) == 200
    assert await tell(market, "products/delete", {"id": 8}, secret="no", address=own) == 401


async def test_without_an_app_nothing_is_signed_by_it(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url) as market:
            row = await market.connect()
            own = market.shop.client_secret
            assert await tell(market, "shop/redact", {"shop_domain": HOST}, secret="") == 401
            assert await tell(market, "app/uninstalled", {}, secret=own) == 200
            await market.settle()
            assert (await StoreRow.get(id=row.id)).disconnected_at is not None


async def test_a_platform_without_apps_is_told_nothing(market):
    assert await tell(market, "order.created", {}, address=f"{SERVICE}/webhooks/woocommerce") == 404
    assert await tell(market, "order.created", {}, address=f"{SERVICE}/webhooks/nothing") == 404


async def test_a_store_that_takes_the_app_off_is_left_alone(market):
    maya = await with_maya(market)
    market.shop.tokens.clear()
    market.shop.refresh_tokens.clear()

    assert await tell(market, "app/uninstalled", {"myshopify_domain": HOST}) == 200
    market.wire.calls.clear()
    market.clock.forward(hours=2)
    await market.settle()

    assert (await market.row()).disconnected_at is not None
    assert [path for _, path in market.wire.calls if path.startswith("/admin/")] == []
    assert await market.points(maya) == 100


async def test_it_is_told_when_it_was_taken_off_however_late(market):
    await market.install()
    market.shop.app_address = ADDRESS
    market.shop.now = market.clock()
    market.shop.uninstall()
    market.clock.forward(seconds=60)
    await market.install()

    await market.settle()

    assert await InboxRow.all().count() == 1
    assert (await market.row()).disconnected_at is None


async def test_word_of_it_that_comes_after_it_was_installed_anew_is_late(market):
    maya = await with_maya(market)
    left_at = market.clock()
    market.clock.forward(minutes=5)
    first = market.store
    await market.install()
    assert market.store == first

    assert await tell(market, "app/uninstalled", {}, at=left_at) == 200
    await market.settle()

    assert (await market.row()).disconnected_at is None
    assert await market.points(maya) == 100


async def kept(store):
    """Return how many rows each table has of a store."""
    found = {}
    for table in sorted(database.tables_with("store")):
        (row,) = await sql.rows(f'SELECT COUNT(*) AS n FROM "{table}" WHERE store = $1', store)
        found[table] = row["n"]
    return {table: many for table, many in found.items() if many and table != "lease"}


async def another_store(market):
    """Connect a store that has nothing to do with it; return its id."""
    other = await StoreRow.get(id=market.store)
    other.id, other.url = "another", "https://another.myshopify.com"
    await other.save(force_create=True)
    for table in ("customer", "product"):
        columns = "platform_id, content_hash, dirty_gen, fetched_gen, older_fetches"
        await sql.run(
            f"INSERT INTO {table} (store, {columns}) SELECT 'another', {columns} FROM {table}"
            " WHERE store = $1",
            market.store,
        )
    return await kept("another")


async def test_a_store_is_erased_whole_and_no_other(market):
    await with_maya(market)
    others = await another_store(market)
    await tell(market, "app/uninstalled", {"myshopify_domain": HOST})
    await market.settle()
    market.clock.forward(hours=48)

    assert await tell(market, "shop/redact", {"shop_domain": HOST}) == 200
    await market.settle()

    assert await kept(market.store) == {}
    assert [row.id for row in await StoreRow.all()] == ["another"]
    assert await kept("another") == others
    first = market.store
    await market.install()
    assert market.store != first


async def test_a_store_that_came_back_is_not_erased(market):
    maya = await with_maya(market)
    left_at = market.clock()
    await tell(market, "app/uninstalled", {}, at=left_at)
    await market.settle()
    await market.install()

    assert await tell(market, "shop/redact", {"shop_domain": HOST}) == 200
    await market.settle()

    assert await market.points(maya) == 100
    (asked,) = await PrivacyRow.all()
    assert asked.done_at is not None


async def test_a_store_that_comes_back_while_it_is_erased_begins_anew(market):
    await with_maya(market)
    await tell(market, "app/uninstalled", {})
    await market.settle()
    row = await market.row()
    await tell(market, "shop/redact", {"shop_domain": HOST})
    await market.system.inbox.read_some(row)
    assert await market.system.tools.privacy.erase_some(row) == 1  # the first of many steps

    first = market.store
    await market.install()
    await market.settle()

    assert market.store != first
    assert (await market.row()).disconnected_at is None
    assert await kept(first) == {}
    assert await CustomerRow.filter(store=market.store).count() == 1


async def test_an_app_that_is_not_set_says_which_setting(empty_database, tmp_path):
    with databases.blank(tmp_path, template=empty_database) as url:
        async with opened(url, **APP) as market:
            market.shop.client_id, market.shop.client_secret = ID, SECRET
            await market.install()
        async with opened(url) as market:
            row = await StoreRow.get()
            await StoreRow.filter(id=row.id).update(reconcile_at=market.clock())
            market.shop.tokens.clear()
            await market.settle()
            row = await StoreRow.get()
            assert row.trouble_name == "no-app"
            assert "PERENNIAL_SHOPIFY_CLIENT_SECRET" in row.trouble_advice


def test_an_id_without_its_secret_is_told():
    with pytest.raises(Exception, match="client secret"):
        PLATFORM.configured({"client_id": ID, "client_secret": ""})
    assert PLATFORM.configured({"client_id": "", "client_secret": ""}).app.secrets == []


async def test_a_day_after_is_like_a_minute_after(market):
    """A redaction comes ten days after it was asked for, to a store that left meanwhile."""
    maya = await with_maya(market)
    await tell(market, "app/uninstalled", {})
    await market.settle()
    market.clock.forward(days=1)
    assert await tell(market, "customers/redact", about(maya)) == 200
    market.clock.at += timedelta(seconds=1)
    await market.settle()
    person = snapshot(await CustomerRow.get(platform_id=maya))
    assert person.first_name == ""
