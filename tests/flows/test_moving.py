"""A store's people move to another installation: with all they have, once, and back if need be."""

import csv
import json
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import RequestInvalid
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.imports import undo
from connector.features.loyalty.members import NAME
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.moving import Mover, examined
from connector.features.loyalty.service import Loyalty
from connector.ledger.models import LinkRow
from tests import databases
from tests.flows import moving
from tests.flows.operator import PROGRAM as ONE_FOR_ONE
from tests.flows.operator import Operator
from tests.flows.recorded_ways import part_of
from tests.flows.test_imports import imported
from tests.flows.test_joining import ADA, balances, guest_of, join
from tests.town import NOW, PROGRAM

AS_OF = NOW + timedelta(hours=1)
CLUB = f"""{PROGRAM.replace("2025-01-01T00:00:00Z", AS_OF.isoformat())}
[expiry]
kind = "lot"
months = 6

[tiers]
by = "spend"
window = "rolling_months:12"

[[tiers.tier]]
name = "Silver"
from_minor = {{ EUR = 5000 }}

[[tiers.tier]]
name = "Gold"
from_minor = {{ EUR = 50000 }}
"""
HEAD = json.dumps({"format": "perennial-members/1", "as_of": AS_OF.isoformat()})


def at(**later):
    return (AS_OF + timedelta(**later)).isoformat().replace("+00:00", "Z")


def lot(points, *, available=None, expires=None):
    ends = {"expires_at": expires} if expires else {}
    return {"points": points, "available_at": available or at(days=-9)} | ends


def write(folder, *members, head=HEAD, end=None):
    """Write a file of members, given as they are or as text."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in members]
    last = end or json.dumps({"members": len(lines)})
    file = folder / NAME
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([head, *lines, last]) + "\n", encoding="utf-8")
    return file


def members_of(folder):
    _, *lines, _ = (folder / NAME).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def examine(town, file):
    tools = town.system.tools
    return await examined(Loyalty(tools), await town.row(), tools.vault, file, town.clock())


async def move_in(town, file):
    """Import a file; return its batch and how many lines were new."""
    await town.settle()
    moved, tools = await examine(town, file), town.system.tools
    assert moved.troubles == []
    mover = Mover(await town.row(), tools.vault, tools.clock(), tools.ids)
    done = await mover.take_over(moved, file, lambda count: None)
    await town.settle()
    return moved.batch, done


@pytest.fixture
async def club(town):
    """A new installation, two hours after the other was left."""
    town.clock.forward(hours=3)
    await town.connect(CLUB)
    return town


@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
@pytest.mark.timeout(300)
def test_who_moves_has_what_who_stays_has_then_and_later(tmp_path_factory, seed):
    for one in moving.both(tmp_path_factory.mktemp("both"), 160, seed):
        assert one.differ == 0, one
        assert one.members > 10


async def test_points_come_and_end_when_they_would_have(club, tmp_path):
    maya = club.shopper()
    lots = [
        lot(10, expires=at(hours=1)),  # ended before the import
        lot(20, expires=at(days=2)),
        lot(30),
        lot(30),
        lot(40, available=at(hours=1)),  # came before it
        lot(50, available=at(days=1), expires=at(days=3)),
    ]
    file = write(tmp_path, {"customer_id": str(maya), "email": "maya@example.test", "lots": lots})
    await move_in(club, file)

    told = await explain_account(await club.row(), str(maya), club.clock())
    why = f"taken over: batch {(await DecisionRow.get()).batch}, line 2"
    hour, day = AS_OF + timedelta(hours=1), AS_OF + timedelta(days=1)
    assert [(one.kind, one.points, one.effective_at, one.why) for one in told.lines] == [
        *(("import", points, AS_OF, why) for points in (10, 20, 30, 30)),
        ("expire", -10, hour, "10 points were left unspent"),
        ("import", 40, hour, why),
        ("import", 50, day, why),
    ]
    assert (told.available, told.pending) == (120, 50)
    out = tmp_path / "out"
    await club.export(out)
    (row,) = members_of(out)
    assert row["lots"] == lots[1:]
    for days, available in ((1, 170), (1, 150), (1, 100), (900, 100)):
        club.clock.forward(days=days)
        assert (await club.visitor(maya))["available"] == available


async def test_what_is_owed_is_owed_on_and_no_clamp_forgives_it(town, tmp_path):
    town.clock.forward(hours=3)
    await town.connect(
        CLUB.replace('currency = "EUR"', 'currency = "EUR"\nnegative_balance = "clamp"')
    )
    maya, coffee = town.shopper(), town.product("10.00")
    coming = {"owed": 80, "lots": [lot(30, available=at(days=1))]}
    await move_in(town, write(tmp_path, {"customer_id": str(maya), **coming}))
    assert await balances(town) == {str(maya): -80}

    out = tmp_path / "out"
    await town.export(out)
    assert members_of(out) == [{"customer_id": str(maya), "email": "maya@example.test", **coming}]
    with (out / "accounts.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [str(maya), "maya@example.test", "-80", "30"]
    town.clock.forward(days=1)
    town.order(coffee, 2, maya)  # 100
    await town.settle()
    assert await balances(town) == {str(maya): 30 + 100 - 80}


async def test_tiers_go_on_with_their_locks_and_ends_and_without_points(club, tmp_path):
    maya, noor, zoe = (club.shopper(f"{name}@example.test") for name in ("maya", "noor", "zoe"))
    placed = [{"placed_at": at(days=-360), "amounts": {"EUR": 60000}}]
    since, locked = at(days=-360), {"name": "Gold", "since": at(days=-1), "is_locked": True}
    falling = {"name": "Silver", "since": since, "lapses_at": at(days=4)}
    rows = [
        {"customer_id": str(maya), "email": "maya@example.test", "tier": locked},
        {
            "customer_id": str(noor),
            "email": "noor@example.test",
            "tier": {"name": "Gold", "since": since},
            "counted": placed,
        },
        {"customer_id": str(zoe), "email": "zoe@example.test", "tier": falling},
    ]
    await move_in(club, write(tmp_path, *rows))
    assert await tiers(club, maya, noor, zoe) == ["Gold", "Gold", "Silver"]
    await club.export(tmp_path / "out")
    assert members_of(tmp_path / "out") == rows

    club.clock.forward(days=4)
    assert await tiers(club, maya, noor, zoe) == ["Gold", "Gold", None]
    club.clock.forward(days=2)  # what counted has left its year
    assert await tiers(club, maya, noor, zoe) == ["Gold", None, None]
    club.clock.forward(days=900)
    assert await tiers(club, maya, noor, zoe) == ["Gold", None, None]


async def tiers(town, *customers):
    return [(await town.visitor(one))["standing"]["tier"] for one in customers]


async def test_guests_stay_guests_and_who_proved_a_mailbox_proved_it(club, tmp_path):
    maya, noor = club.shopper(), club.shopper("noor@example.test")
    coffee = club.product("10.00")
    rows = [
        {"customer_id": str(noor), "email": "noor@example.test", "mailboxes": [ADA]},
        {"email": "maya@example.test", "lots": [lot(40)]},  # as a guest, whoever has the address
    ]
    batch, done = await move_in(club, write(tmp_path, *rows))
    assert done == 2
    assert await balances(club) == {"guest": 40, str(noor): 0}
    await club.export(tmp_path / "out")
    assert sorted(members_of(tmp_path / "out"), key=json.dumps) == sorted(rows, key=json.dumps)
    club.order(coffee, 1, email=ADA.upper())
    await club.settle()
    assert await balances(club) == {"guest": 40, str(noor): 50}

    await undo(await club.row(), batch, club.clock())
    await club.settle()
    assert await balances(club) == {"guest": 50, str(noor): 0}
    assert await LinkRow.all().count() == 0
    assert {row.mailbox for row in await DecisionRow.all()} == {None}
    assert await club.visitor(maya)


async def test_an_imported_guest_may_be_claimed_before_and_after(club, tmp_path):
    maya = club.shopper()
    club.order(club.product("10.00"), 1, email=ADA)
    await club.settle()
    await join(club, await guest_of(club), maya)
    await move_in(club, write(tmp_path, {"email": ADA, "lots": [lot(40)]}))
    assert await balances(club) == {"guest": 0, str(maya): 90}


async def test_a_mailbox_of_somebody_else_here_is_refused(club, tmp_path):
    maya, noor = club.shopper(), club.shopper("noor@example.test")
    club.order(club.product("10.00"), 1, email=ADA)
    await club.settle()
    await join(club, await guest_of(club), maya)
    file = write(tmp_path, {"customer_id": str(noor), "mailboxes": [ADA]})
    assert (await examine(club, file)).troubles == [
        f"members.jsonl, line 2: a mailbox is that of customer:{maya} here:"
        " take it out of mailboxes"
    ]


async def test_strangers_from_a_csv_can_move_on(town, tmp_path):
    await town.connect()
    await imported(town, "email,points\nada@example.test,300\n")
    await town.export(tmp_path)
    (row,) = members_of(tmp_path)
    assert (row["email"], [one["points"] for one in row["lots"]]) == ("ada@example.test", [300])


async def test_whom_the_store_does_not_list_is_told_and_goes_by_the_id(club, tmp_path):
    maya = club.shopper()
    rows = [
        {"customer_id": str(maya), "email": "old@example.test", "lots": [lot(5)]},
        {"customer_id": "999", "lots": [lot(7, available=at(days=3))], "owed": 2},
    ]
    await club.settle()
    moved = await examine(club, write(tmp_path, *rows))
    assert (moved.customers, moved.guests, moved.unlisted, moved.other_address) == (2, 0, 1, 1)
    assert (moved.available, moved.pending, moved.owed) == (5, 7, 2)
    await move_in(club, tmp_path / NAME)
    assert await balances(club) == {str(maya): 5, "999": -2}


SOUND = {"customer_id": "7", "lots": [lot(5)]}
TROUBLES = {
    '{"customer_id":"7"': "Input data was truncated",
    '{"customer_id":"7","points":5}': "Object contains unknown field `points`",
    '{"lots":[]}': "nobody's: give a customer_id or, of a guest, an email",
    '{"customer_id":"7\\u0000"}': "'7\\x00' is no customer's id",
    '{"email":"a@b.c","mailboxes":["d@e.f"]}': "a guest has no other mailboxes",
    '{"customer_id":"7","mailboxes":["d"]}': "'d' is no e-mail address",
    '{"customer_id":"7","owed":-1}': "Expected `int` >= 0 - at `$.owed`",
    '{"customer_id":"7","owed":1.5}': "Expected `int`, got `float` - at `$.owed`",
    '{"customer_id":"7","owed":"5"}': "Expected `int`, got `str` - at `$.owed`",
    '{"customer_id":"7","tier":{"name":"Iron"}}': (
        "there is no tier 'Iron': write one of Silver, Gold"
    ),
    '{"customer_id":"7","counted":[{"placed_at":"2026-01-01T00:00:00Z","amounts":{"eur":5}}]}': (
        "'eur' counts nothing: write a currency, points or orders"
    ),
    json.dumps({"customer_id": "7", "lots": [lot(0)]}): (
        "Expected `int` >= 1 - at `$.lots[0].points`"
    ),
    json.dumps({"customer_id": "7", "lots": [lot(5, available="2026-11-01T00:00:00")]}): (
        "Expected `datetime` with a timezone component - at `$.lots[0].available_at`"
    ),
    json.dumps({"customer_id": "7", "lots": [lot(5, available=at(days=9), expires=at(days=9))]}): (
        "5 points end at 2026-11-30T13:00:00Z, before they can be spent, at 2026-11-30T13:00:00Z:"
        " an end comes later"
    ),
    json.dumps({"customer_id": "7", "lots": [lot(5, expires=at())]}): (
        "5 points had ended, at 2026-11-21T13:00:00Z, when the file was written: leave them out"
    ),
}


async def test_a_line_that_cannot_be_is_refused_by_file_and_line(club, tmp_path):
    await club.settle()
    for line, trouble in TROUBLES.items():
        (told,) = (
            await examine(club, write(tmp_path, SOUND | {"customer_id": "8"}, line))
        ).troubles
        assert told.startswith(f"members.jsonl, line 3: {trouble}"), told
    twice = write(tmp_path, SOUND, {"email": ADA}, {"customer_id": "8", "mailboxes": [ADA]}, SOUND)
    assert (await examine(club, twice)).troubles == [
        "members.jsonl, line 4: a mailbox is that of line 3 as well: whose is it?",
        "members.jsonl, line 5: the same as line 2: put all into one line",
    ]


FILES = [
    (
        {"head": '{"format":"perennial-members/2","as_of":"2026-11-21T13:00:00Z"}'},
        "line 1: Invalid",
    ),
    ({"head": '{"format":"perennial-members/1"}'}, "line 1: Object missing required field `as_of`"),
    ({"head": HEAD.replace("2026", "2027")}, "which is to come"),
    ({"end": '{"members":2}'}, 'line 3: the last line must be {"members":1}'),
    ({"end": json.dumps(SOUND | {"customer_id": "8"})}, "is all of it there?"),
]


@pytest.mark.parametrize(("how", "trouble"), FILES)
async def test_a_file_that_is_none_or_not_whole_is_refused(club, tmp_path, how, trouble):
    with pytest.raises(RequestInvalid, match=trouble.replace("{", r"\{").replace("?", r"\?")):
        await examine(club, write(tmp_path, SOUND, **how))


async def test_where_the_same_orders_earned_already_nothing_is_imported(town, tmp_path):
    await town.connect()
    town.clock.forward(hours=3)
    town.order(town.product(), 1, town.shopper())
    await town.settle()
    exported = await town.export(tmp_path)
    with pytest.raises(RequestInvalid, match="they would count twice") as told:
        await examine(town, tmp_path / NAME)
    assert f"earn_from = {exported.as_of.isoformat()}" in str(told.value)


async def test_the_books_say_how_everybody_came_to_it(town, tmp_path):
    await town.connect()
    maya, loyalty = town.shopper(), Loyalty(town.system.tools)
    order = town.order(town.product("10.00"), 12, maya)
    await town.settle()
    why = Decision(key="k", reason="sorry", points=5)
    await loyalty.decide(await town.row(), f"customer:{maya}", why)
    assert (await town.redeem(maya)).status_code == 201
    under_way = await town.export(tmp_path)
    assert (under_way.under_way, under_way.unused_codes) == (1, 0)
    await town.settle()
    done = await town.export(tmp_path)
    assert (done.under_way, done.unused_codes, done.unused_points) == (0, 1, 500)
    assert (done.entries, done.redemptions, done.decisions, done.programs) == (3, 1, 1, 1)

    def rows(name):
        return [json.loads(line) for line in (tmp_path / name).read_bytes().splitlines()]

    who = {"customer_id": str(maya), "email": "maya@example.test"}
    entries = rows("entries.jsonl")
    assert [(one["kind"], one["points"], one["cause"]) for one in entries] == [
        ("earn", 600, f"order:{order['id']}"),
        ("adjust", 5, f"adjustment:{(await DecisionRow.get()).id}"),
        ("redeem", -500, f"redemption:{rows('redemptions.jsonl')[0]['id']}"),
    ]
    assert entries[1]["why"] == "by the merchant: sorry"
    assert all(one | who == one for one in entries)
    (redemption,) = rows("redemptions.jsonl")
    assert (redemption["state"], redemption["cost"], len(redemption["code"])) == ("issued", 500, 16)
    (decision,) = rows("decisions.jsonl")
    assert (decision["kind"], decision["points"], decision["reason"]) == ("adjust", 5, "sorry")
    (program,) = rows("programs.jsonl")
    assert (program["version"], program["document"]) == (1, PROGRAM)


async def test_no_spreadsheet_runs_an_address(town, tmp_path):
    await town.connect()
    for address in ("=1+1@example.test", "'@example.test"):
        town.order(town.product("10.00"), 1, email=address)
    await town.settle()
    await town.export(tmp_path)
    text = (tmp_path / "accounts.csv").read_text(encoding="utf-8")
    assert sorted(text.splitlines()[1:]) == [",''@example.test,50,0", ",'=1+1@example.test,50,0"]
    before = await balances(town)
    assert (await imported(town, text))[1] == 2
    assert await balances(town) == {"guest": 2 * before["guest"]}


TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    if databases.ENGINE == "postgres"
    else "SELECT name FROM sqlite_master WHERE type = 'table'"
)


def everything(operator):
    """Return all rows of all tables."""
    return {
        name: databases.query(operator.database, f'SELECT * FROM "{name}" ORDER BY 1, 2')
        for (name,) in databases.query(operator.database, TABLES)
    }


def refused(new, there, folder):
    """Import a file with a mistake in a process of its own; return what it says."""
    broken = folder / "broken.jsonl"
    broken.write_bytes((folder / "left" / NAME).read_bytes().replace(b'"owed":', b'"owes":'))
    refusing, _, err = new.start("import", there, str(broken))
    assert refusing.wait(60) == 1
    trouble, error = err.read_text(encoding="utf-8").splitlines()
    return error.partition("error: ")[2], trouble[trouble.index("unknown") :].rstrip()


@pytest.mark.timeout(300)
def test_as_an_operator_types_it(tmp_path):
    with ExitStack() as processes:
        folders = [tmp_path / name for name in ("old", "new")]
        for folder in folders:
            folder.mkdir()
        old, new = (Operator(folder, processes) for folder in folders)
        url = old.serve_store(part_of(tmp_path / "part", 60))
        store = old.known(url, ONE_FOR_ONE)
        old.run("export", store, str(tmp_path / "first"))
        known = [one for one in members_of(tmp_path / "first") if "customer_id" in one]
        first, second, *_ = (one["customer_id"] for one in known)
        old.run("adjust", store, first, "--reason", "a test", "40")
        old.run("adjust", store, second, "--reason", "a test", "--", "-9000000")
        left = old.run_json("export", store, str(tmp_path / "left"))
        there = new.known(url, ONE_FOR_ONE.replace("2025-01-01T00:00:00Z", left["as_of"]))
        before = everything(new)
        tried = new.run_json("import", there, str(tmp_path / "left"), "--dry-run")
        assert everything(new) == before
        assert (tried["imported"], tried["troubles"]) == (0, [])
        assert refused(new, there, tmp_path) == (
            "1 lines cannot be read: nothing was imported",
            "unknown field `owes`",
        )
        assert everything(new) == before
        done = new.run_json("import", there, str(tmp_path / "left"))
        assert done["imported"] == left["members"] > 10
        new.run("export", there, str(tmp_path / "moved"))
        assert sorted(map(json.dumps, members_of(tmp_path / "moved"))) == sorted(
            map(json.dumps, members_of(tmp_path / "left"))
        )
        said = new.run("import", there, str(tmp_path / "left"))
        assert said.splitlines()[-1] == f"nothing is written; the file is batch {done['batch']}"
        undone = new.run_json("import", there, "--undo", done["batch"])
        assert undone == {"batch": done["batch"], "undone": done["imported"]}
        new.run("export", there, str(tmp_path / "undone"))
        assert members_of(tmp_path / "undone") == []
