"""What operators are told: alive, fit to work, and figures without anybody's name in them."""

import re
from datetime import timedelta

import pytest

from connector.commerce.models import BACKFILL, LANES, LIVE, CustomerRow
from connector.commerce.records import Dirty
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.sync import outbox, privacy
from connector.worker import drain
from platforms.model import Touched
from tests.town import SERVICE

AGE = re.compile(r'perennial_queue_age_seconds{lane="(\w+)",work="(\w+)"}')
MAYA = "customer:1"


async def figures(town):
    answer = await town.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def ages(town):
    """Return how long the oldest of each kind of work and lane has waited, where any waits."""
    found = {AGE.fullmatch(name): age for name, age in (await figures(town)).items()}
    return {(one[2], one[1]): age for one, age in found.items() if one and age}


async def touched(town, kind, lane=LIVE):
    await town.system.records.take_in(
        await town.row(), [Touched(kind, "1")], town.clock(), lane=lane
    )


async def test_ready_says_how_long_the_oldest_delivery_has_waited(town):
    await town.connect()
    town.order(town.product(), 1)
    await town.shop.deliveries_done()
    town.clock.forward(seconds=90)

    assert (await town.http.get("/ready")).json() == {"status": "ready", "inbox_lag_s": 90.0}
    await town.settle()
    assert (await town.http.get("/ready")).json() == {"status": "ready", "inbox_lag_s": 0.0}


async def test_figures_count_what_was_done_and_what_waits(town):
    await town.connect()
    before = await figures(town)
    town.order(town.product(), 3, town.shopper())
    await town.shop.deliveries_done()
    waiting = await figures(town)
    await town.settle()
    await town.settle()  # our own write of the profile comes back
    after = await figures(town)

    def grown(name):
        return after[name] - before.get(name, 0.0)

    assert waiting['perennial_stores_waiting{work="inbox"}'] == 1.0
    assert after['perennial_stores_waiting{work="inbox"}'] == 0.0
    assert grown('perennial_deliveries_total{outcome="kept"}') >= 3
    assert grown('perennial_deliveries_read_total{outcome="read"}') >= 3
    assert grown('perennial_records_stored_total{kind="order"}') == 1
    assert grown("perennial_accounts_settled_total") == 1
    assert grown('perennial_pushes_total{kind="profile",outcome="agreed"}') == 1
    assert grown('perennial_store_calls_total{status="2xx"}') >= 1


async def test_no_figure_names_a_store_or_a_person(town):
    await town.connect()
    town.order(town.product(), 3, town.shopper())
    await town.settle()
    text = (await town.http.get(f"{SERVICE}/metrics")).text
    for name in (town.store, "maya", "example.test"):
        assert name not in text


async def test_each_kind_of_work_has_an_age_in_each_lane_that_it_has(town):
    await town.connect()

    told = [AGE.fullmatch(name) for name in await figures(town)]

    assert await ages(town) == {}
    assert {(one[2], one[1]) for one in told if one} == {
        ("inbox", "live"),
        *(("fetch", lane) for lane in LANES),
        ("pass", "live"),
        *(("push", lane) for lane in LANES),
        *(("settle", lane) for lane in LANES),
        *(
            (name, "live")
            for name in (
                "analytics",
                "drafts",
                "due",
                "lapsed",
                "privacy",
                "reminders",
                "reservations",
                "tell",
            )
        ),
    }
    assert {one[2] for one in told if one} == {work.name for work in town.system.works}


async def test_without_a_store_nothing_waits(town):
    assert await ages(town) == {}


async def test_deliveries_wait_since_they_came(town):
    await town.connect()
    town.order(town.product(), 1)
    await town.shop.deliveries_done()
    town.clock.forward(seconds=90)

    assert await ages(town) == {("inbox", "live"): 90.0}


async def test_people_wait_to_be_erased_since_they_asked(town):
    row, vault = await town.connect(), town.system.tools.vault
    await privacy.ask(vault, row, "export", [MAYA], by="Ada", now=town.clock())
    town.clock.forward(seconds=5)
    for _ in range(2):
        await privacy.ask(vault, row, "erase", [MAYA], by="Ada", now=town.clock())
        town.clock.forward(seconds=90)

    assert await ages(town) == {("privacy", "live"): 180.0}
    await drain(town.system)
    assert await ages(town) == {}


async def test_records_wait_since_they_were_first_dirty_in_their_lane(town):
    await town.connect()
    await touched(town, "order", BACKFILL)
    town.clock.forward(seconds=30)
    await touched(town, "customer")
    town.clock.forward(seconds=5)
    await touched(town, "order", BACKFILL)
    await touched(town, "customer", BACKFILL)
    await touched(town, "product", BACKFILL)

    assert await ages(town) == {("fetch", "backfill"): 35.0, ("fetch", "live"): 5.0}
    town.clock.forward(seconds=10)
    await touched(town, "order")  # now it is live, and waits as such from now on
    assert await ages(town) == {("fetch", "backfill"): 10.0, ("fetch", "live"): 15.0}

    await drain(town.system)
    assert await ages(town) == {}
    assert (await CustomerRow.get(platform_id="1")).dirty_at is None


async def test_a_record_that_is_touched_while_it_is_fetched_goes_on_waiting(town):
    store = await town.connect()
    await touched(town, "customer")
    town.clock.forward(seconds=7)
    await touched(town, "customer")

    await town.system.records.fetched(store, [(Dirty("customer", "1", 1), None)], town.clock())
    assert await ages(town) == {("fetch", "live"): 7.0}
    await town.system.records.fetched(store, [(Dirty("customer", "1", 2), None)], town.clock())
    assert await ages(town) == {}


async def test_records_that_an_audit_missed_wait_since_then(town):
    await town.connect()
    town.order(town.product(), 1)
    await town.settle()
    town.clock.forward(seconds=60)
    began_at = town.clock()
    await town.system.records.doubt_unseen(town.store, began_at, town.clock())
    town.clock.forward(seconds=8)
    await town.system.records.doubt_unseen(town.store, began_at, town.clock())

    assert await ages(town) == {("fetch", "backfill"): 8.0}


async def test_a_postponed_record_waits_from_when_it_is_due_again(town):
    await town.connect()
    await touched(town, "order")
    (dirty,) = await town.system.records.dirty(town.store, "order", town.clock(), 5)
    until = town.clock() + timedelta(seconds=60)

    await town.system.records.postpone(town.store, [dirty], until)
    town.clock.forward(seconds=59)
    assert await ages(town) == {}
    town.clock.forward(seconds=4)
    assert await ages(town) == {("fetch", "live"): 3.0}


async def test_accounts_wait_since_they_were_first_dirty_in_their_lane(town):
    await town.connect()
    await ledger.mark_dirty(town.store, {"a": town.clock(), "b": town.clock()}, town.clock(), 1)
    town.clock.forward(seconds=20)
    await ledger.mark_all_dirty(town.store, town.clock())
    assert await ages(town) == {("settle", "backfill"): 20.0}

    await ledger.mark_dirty(town.store, {"a": town.clock()}, town.clock())
    town.clock.forward(seconds=4)
    await ledger.mark_dirty(town.store, {"a": town.clock()}, town.clock(), BACKFILL)
    await ledger.mark_dirty(town.store, {"a": town.clock()}, town.clock())
    assert await ages(town) == {("settle", "backfill"): 24.0, ("settle", "live"): 4.0}

    await drain(town.system, ["settle"])
    assert await ages(town) == {}
    await ledger.mark_all_dirty(town.store, town.clock())
    town.clock.forward(seconds=6)
    assert await ages(town) == {("settle", "backfill"): 6.0}


async def test_the_longest_waiting_account_of_a_lane_is_settled_first(town):
    await town.connect()
    for key, lane in (("a", BACKFILL), ("b", LIVE), ("c", LIVE)):
        await ledger.mark_dirty(town.store, {key: town.clock()}, town.clock(), lane)
        town.clock.forward(seconds=1)
    await ledger.mark_dirty(town.store, {"a": town.clock()}, town.clock(), LIVE)

    found = await ledger.to_settle(town.store, town.clock(), 5)

    assert [one.key for one in found] == ["b", "c", "a"]


async def test_a_postponed_account_waits_from_when_it_is_due_again(town):
    await town.connect()
    await ledger.mark_dirty(town.store, {MAYA: town.clock()}, town.clock())
    await AccountRow.filter(key=MAYA).update(next_due_at=town.clock())
    until = town.clock() + timedelta(seconds=60)

    await ledger.postpone(await AccountRow.get(key=MAYA), until)
    town.clock.forward(seconds=59)
    assert await ages(town) == {}
    town.clock.forward(seconds=3)
    assert await ages(town) == {("settle", "live"): 2.0, ("due", "live"): 2.0}


async def test_points_wait_since_they_came_or_went_by_themselves(town):
    await town.connect()
    await ledger.mark_dirty(town.store, {MAYA: town.clock()}, town.clock())
    await drain(town.system, ["settle"])
    await AccountRow.filter(key=MAYA).update(next_due_at=town.clock())

    town.clock.forward(seconds=11)
    assert await ages(town) == {("due", "live"): 11.0}


async def test_pushes_wait_since_they_were_due_and_parked_ones_do_not(town):
    await town.connect()
    due = town.clock()
    wanted = [("profile", "1", BACKFILL), ("profile", "2", LIVE), ("note", "3", LIVE)]
    await outbox.want_all(town.store, wanted, due)
    town.clock.forward(seconds=5)
    await outbox.want(town.store, "note", ["4"], town.clock())
    await outbox.unagreed().filter(target="3").update(is_parked=True)
    await outbox.unagreed().filter(target="2").update(due_at=town.clock())
    town.clock.forward(seconds=2)

    assert await ages(town) == {("push", "backfill"): 7.0, ("push", "live"): 2.0}


async def test_a_pass_waits_since_it_was_due(town):
    await town.connect()
    town.clock.at = (await town.row()).reconcile_at
    assert await ages(town) == {}

    town.clock.forward(seconds=9)
    assert await ages(town) == {("pass", "live"): 9.0}


@pytest.mark.parametrize("lane", [LIVE, BACKFILL])
async def test_what_a_disconnected_store_leaves_undone_has_no_age(town, lane):
    await town.connect()
    await touched(town, "order", lane)
    await outbox.want_all(town.store, [("profile", "1", lane)], town.clock())
    await ledger.mark_dirty(town.store, {MAYA: town.clock()}, town.clock(), lane)
    row = await town.row()
    row.disconnected_at = town.clock()
    await row.save()
    town.clock.forward(hours=1)

    assert await ages(town) == {("settle", LANES[lane]): 3600.0}  # which goes on without it
