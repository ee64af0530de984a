"""A database with rows comes through every upgrade whole, and ends as a fresh one begins."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.database import sql
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.system import running
from connector.worker import drain
from tests import databases
from tests.connector.database import release
from tests.flows.operator import RECORDED
from tests.flows.recorded_oracle import read_store
from tests.flows.recorded_ways import QUIET
from tests.town import NOW, SERVICE, Clock, Wire

EARLIER = sorted(path.stem for path in Path("connector/migrations").glob("0*.py"))[:-1]
RELEASES = sorted(release.FOLDER.glob("*.jsonl.gz"))
ASKED_ANEW = {  # an upgrade may have all accounts settled again, and all records read
    ("account", "dirty_gen"), ("product", "dirty_gen"), ("product", "dirty_at"),
    ("product", "lane"), ("store", "audit_at"),
}  # fmt: skip
BALANCES = "SELECT account, sum(points) FROM entry GROUP BY account ORDER BY account"


@pytest.mark.parametrize("name", EARLIER)
def test_an_upgraded_database_is_as_a_fresh_one_with_its_rows(database_url, empty_database, name):
    databases.migrate(database_url, name)
    before = release.fill(database_url)

    databases.migrate(database_url)

    assert release.shape(database_url) == release.shape(empty_database)
    for table, row in before.items():
        (after,) = release.held(database_url, table)
        kept = {name: value for name, value in row.items() if (table, name) not in ASKED_ANEW}
        assert kept.items() <= after.items(), table


def test_what_is_dirty_at_the_upgrade_waits_since_then(database_url):
    databases.migrate(database_url, "0003_work")
    dirty = {"account": "settled_gen", "order": "fetched_gen", "product": "fetched_gen"}
    release.fill(database_url)
    for table, done in dirty.items():
        databases.query(database_url, f'UPDATE "{table}" SET {done} = 0')
    before = datetime.now(UTC)

    databases.migrate(database_url)

    for table in dirty:
        ((at,),) = databases.query(database_url, f'SELECT dirty_at FROM "{table}"')
        since = sql.at(at)
        assert since is not None, table
        assert abs(since - before) < timedelta(minutes=2), table
    assert databases.query(database_url, "SELECT dirty_at FROM customer") == [(None,)]


@pytest.mark.parametrize("file", RELEASES, ids=lambda file: file.name.partition(".")[0])
async def test_the_recorded_store_comes_through(database_url, file):
    """Balances are those of before; settled anew by this release, no entry is added."""
    databases.migrate(database_url, file.name.partition(".")[0])
    release.load(database_url, file)
    before = databases.query(database_url, BALANCES)

    databases.migrate(database_url)

    assert databases.query(database_url, BALANCES) == before
    clock = Clock()
    clock.at = NOW + QUIET / 2
    settings = Settings(database_url=database_url, secret_key="k" * 40, public_url=SERVICE)
    async with running(settings, clock, Wire()) as system:
        store = await StoreRow.get()
        await ledger.mark_all_dirty(store.id, clock())
        await drain(system, ["settle"])
        keys = [row.key for row in await AccountRow.filter(store=store.id)]
        balances = await ledger.balances(store.id, keys, clock())
        held = {key: one.available for key, one in balances.items()}
    assert databases.query(database_url, "SELECT count(*) FROM entry") == [(763,)]
    assert sum(held.values()) == sum(read_store(RECORDED).balances().values())
    assert {account: points for account, points in before if points} == {
        account: points for account, points in held.items() if points
    }


def test_customers_can_be_found_by_the_addresses_and_names_that_they_have(database_url):
    databases.migrate(database_url, "0012_systems")
    release.fill(database_url)
    said = {"email": " Maya@Example.test", "first_name": "Maya ", "last_name": "de  Silva"}
    body = f"'{json.dumps(said)}'"
    written = f"CAST({body} AS BLOB)"
    if databases.ENGINE == "postgres":
        written = f"convert_to({body}, 'UTF8')"
    databases.query(database_url, f"UPDATE customer SET body = {written}")

    databases.migrate(database_url)

    found = databases.query(database_url, "SELECT email, name, surname FROM customer")
    assert found == [("maya@example.test", "maya de silva", "de silva maya")]


def test_messages_are_found_by_whom_they_are_about(database_url):
    databases.migrate(database_url, "0018_privacy")
    release.fill(database_url)  # a message that says nothing that is known
    (row,) = release.held(database_url, "message")
    times = {"told_at": release.NOON, "due_at": None, "delivered_at": None}
    said = json.dumps({"type": "points.changed", "data": {"member": "customer:5"}})
    release.put(database_url, "message", [{**row, **times, "id": 2, "body": said}])

    databases.migrate(database_url)

    members = databases.query(database_url, "SELECT member FROM message ORDER BY id")
    assert members == [(None,), ("customer:5",)]


def test_what_accounts_can_spend_is_known_from_their_entries(database_url):
    databases.migrate(database_url, "0018_privacy")
    release.fill(database_url)  # an entry of a point, that took effect
    (row,) = release.held(database_url, "entry")
    for n, points, at in ((2, 5, release.NOON), (3, 70, "2100-01-01 12:00:00+00:00")):
        more = {"n": n, "points": points, "effective_at": at, "posted_at": release.NOON}
        release.put(database_url, "entry", [{**row, "id": n, **more}])

    databases.migrate(database_url)

    assert databases.query(database_url, "SELECT available FROM account") == [(6,)]
