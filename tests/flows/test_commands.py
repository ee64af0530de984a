"""connect, sync, reconcile, audit and doctor as an operator types them, also wrongly.

A sandbox store runs in a process of its own, and so does each command; over HTTP the test does at
the store what its people would.
"""

import json
from contextlib import ExitStack

import httpx
import pytest

from platforms.woocommerce import auth
from tests.flows.operator import KEY, PROGRAM, SECRET, Operator, end
from tests.flows.recorded_ways import part_of
from tests.ports import free_port

ORDERS = 30

pytestmark = pytest.mark.timeout(300)


class Office:
    """The store's own people, through its REST API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        access = {"key": KEY, "secret": SECRET}
        address = f"{self.url}/wp-json/wc/v3{path}"
        headers = {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = httpx.Request(method, address, headers=headers, content=content)
        with httpx.Client() as http:
            return http.send(auth.signed(request, access))


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    with ExitStack() as processes:
        one = Operator(tmp_path_factory.mktemp("commands"), processes)
        one.run("migrate")
        yield one


@pytest.fixture(scope="module")
def url(operator, tmp_path_factory):
    return operator.serve_store(part_of(tmp_path_factory.mktemp("part") / "store", ORDERS))


@pytest.fixture(scope="module")
def store(operator, url):
    keys = ("--url", url, "--key", KEY, "--secret", SECRET)
    connected = operator.run_json("connect", "woocommerce", *keys)
    program = operator.folder / "program.toml"
    program.write_text(PROGRAM, encoding="utf-8")
    operator.run("program", connected["store"], "--publish", str(program))
    return connected["store"]


def failed(operator, *words):
    """Run a command that must fail; return its exit code and its one line."""
    process, _, err = operator.start(*words)
    code = process.wait(60)
    lines = [line for line in err.read_text().splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, err.read_text()
    return code, lines[0]


def test_sync_reads_all_and_again_changes_nothing(operator, store):
    first, again = operator.run_json("sync", store), operator.run_json("sync", store)
    assert first["by_kind"]["order"] == ORDERS
    assert (first["changed"] > ORDERS, again["changed"]) == (True, 0)


def test_reconcile_reads_what_changed_since(operator, url, store):
    operator.run("sync", store)
    office = Office(url)
    (order, *_) = office.call("GET", "/orders?status=completed&per_page=1").json()
    office.call("PUT", f"/orders/{order['id']}", {"status": "cancelled"})

    found = operator.run_json("reconcile", store)

    assert found["changed"] == 1
    assert found["by_kind"]["order"] < ORDERS


def test_audit_finds_an_order_that_was_purged(operator, url, store):
    operator.run("sync", store)
    office = Office(url)
    (order, *_) = office.call("GET", "/orders?status=completed&per_page=1").json()
    office.call("DELETE", f"/orders/{order['id']}?force=true")

    assert operator.run_json("reconcile", store)["changed"] == 0
    assert operator.run_json("audit", store)["changed"] == 1
    assert operator.run_json("audit", store)["changed"] == 0


def test_doctor_is_well_and_says_what_it_looked_at(operator, store):
    operator.run("sync", store)
    told = operator.run("doctor", store)
    assert "webhooks-active: the store tells us of changes at once (10 webhooks" in told
    assert "in-step: in step with the store" in told


def test_a_wrong_secret_is_told_with_the_next_step(operator, url, store):
    keys = ("--url", url, "--key", KEY, "--secret", "cs_wrong")
    code, line = failed(operator, "connect", "woocommerce", *keys)
    assert code == 1
    assert "Invalid signature" in line
    assert "make a key with Read/Write permissions" in line


def test_an_address_without_a_store_is_told_with_the_next_step(operator, store):
    keys = ("--url", f"http://127.0.0.1:{free_port()}", "--key", KEY, "--secret", SECRET)
    code, line = failed(operator, "connect", "woocommerce", *keys)
    assert code == 1
    assert "cannot be reached" in line
    assert "check the address, and whether the store is up" in line


def test_keys_the_wrong_way_round_are_told(operator, url):
    keys = ("--url", url, "--key", SECRET, "--secret", KEY)
    _, line = failed(operator, "connect", "woocommerce", *keys)
    assert "a consumer key begins with ck_" in line


@pytest.mark.parametrize("command", ["sync", "reconcile", "audit", "doctor", "disconnect"])
def test_a_store_that_is_none_is_told(operator, command):
    code, line = failed(operator, command, "nowhere")
    assert (code, line) == (1, "error: no store 'nowhere'")


def test_the_store_goes_away_and_comes_back(operator, tmp_path_factory):
    folder = part_of(tmp_path_factory.mktemp("away") / "store", ORDERS)
    port = free_port()
    words = ("sandbox", "woocommerce", "--store", str(folder), "--port", str(port))
    process, _, _ = operator.start(*words, "--key", KEY, "--secret", SECRET)
    operator.wait_for(port)
    keys = ("--url", f"http://127.0.0.1:{port}", "--key", KEY, "--secret", SECRET)
    store = operator.run_json("connect", "woocommerce", *keys)["store"]
    end(process)

    code, line = failed(operator, "sync", store)
    assert code == 1
    assert "cannot be reached" in line
    report, out, _ = operator.start("doctor", store)
    assert report.wait(60) == 1
    assert "look  store-unreachable: 127.0.0.1 cannot be reached" in out.read_text()

    operator.start(*words, "--key", KEY, "--secret", SECRET)
    operator.wait_for(port)
    assert operator.run_json("sync", store)["by_kind"]["order"] == ORDERS
    told = operator.run("rotate-secret", store)
    assert told.strip() == "the webhooks of Northlight have a new secret"
    operator.run("disconnect", store)
    assert "disconnected since" in operator.run("doctor", store)


def test_a_program_is_tried_before_it_is_published(operator, store, tmp_path):
    operator.run("sync", store)
    twice = tmp_path / "twice.toml"
    twice.write_text(PROGRAM.replace("points = 1\n", "points = 2\n"), encoding="utf-8")
    tried = operator.run_json("simulate", store, "--program", str(twice), "--months", "60")
    new, now = tried["new"]["total"], tried["now"]["total"]
    counts = operator.run_json("doctor", store)["counts"]

    assert now["issued"] - now["taken_back"] == counts["points"] > 0
    assert 2 * now["issued"] <= new["issued"] <= 2 * now["issued"] + ORDERS  # each order floors
    assert operator.run_json("program", store)["version"] == 1
    assert tried["apart"] == []


def test_what_is_owed_is_what_the_ledger_holds(operator, store):
    operator.run("sync", store)
    said = operator.run_json("liability", store)
    counts = operator.run_json("doctor", store)["counts"]

    assert (said["owed"]["available"], said["differs"]) == (counts["points"], 0)
    assert said["owed"]["guest_points"] == counts["guest_points"]
    assert said["months"][-1]["closing"] == counts["points"]


def test_points_are_imported_and_taken_back(operator, store, tmp_path):
    operator.run("sync", store)
    before = operator.run_json("doctor", store)["counts"]
    file = tmp_path / "rival.csv"
    file.write_text("Email,Points\nnobody@example.test,250\n", encoding="utf-8")

    tried = operator.run_json("import", store, str(file), "--dry-run")
    assert (tried["guests"], tried["points"], tried["imported"]) == (1, 250, 0)
    assert operator.run_json("import", store, str(file))["imported"] == 1
    assert operator.run_json("import", store, str(file))["imported"] == 0
    after = operator.run_json("doctor", store)["counts"]
    assert after["guest_points"] == before["guest_points"] + 250

    assert operator.run_json("import", store, "--undo", tried["batch"])["undone"] == 1
    assert operator.run_json("doctor", store)["counts"]["points"] == before["points"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("liability", "--at", "2019-12-31"), "no program was in force on 2019-12-31"),
        (("simulate", "--program", "pyproject.toml"), "does not know the field"),
    ],
)
def test_what_cannot_be_told_is_said(operator, store, words, line):
    code, said = failed(operator, words[0], store, *words[1:])
    assert code == 1
    assert line in said
