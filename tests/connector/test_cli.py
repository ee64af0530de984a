"""The command line, also used wrongly: one clear line, a status, and nothing half done."""

import json
import re
import socket

import pytest
from typer.testing import CliRunner

from connector.cli import app

RUN = CliRunner()


@pytest.fixture
def env(database_url):
    return {
        "PERENNIAL_DATABASE_URL": database_url,
        "PERENNIAL_SECRET_KEY": "s" * 40,
        "PERENNIAL_PUBLIC_URL": "http://127.0.0.1:1",
        "PERENNIAL_ALLOW_LOOPBACK": "1",
    }


@pytest.fixture
def migrated(env):
    assert RUN.invoke(app, ["migrate"], env=env).exit_code == 0
    return env


def failed(words, env):
    """Run a command that must fail; return its one line."""
    done = RUN.invoke(app, words, env=env)
    assert done.exit_code == 1
    (line,) = done.stderr.replace("\n", " ").strip().split("error: ")[1:]
    return line


def test_all_wrong_settings_are_told_at_once(env):
    wrong = env | {
        "PERENNIAL_SECRET_KEY": "short",
        "PERENNIAL_DATABASE_URL": "mysql://x",
        "PERENNIAL_PUBLIC_URL": "rewards.example",
        "PERENNIAL_ALLOW_LOOPBACK": "yes",
        "PERENNIAL_REDIS_URL": "127.0.0.1:6379",
        "PERENNIAL_OTLP_URL": "collector:4318",
    }
    line = failed(["doctor"], wrong)
    for name in wrong:
        assert name in line


def test_migrating_twice_takes_no_step(env):
    first = RUN.invoke(app, ["migrate", "--json"], env=env)
    again = RUN.invoke(app, ["migrate", "--json"], env=env)
    steps = [
        "0001_initial",
        "0002_passes",
        "0003_work",
        "0004_stock",
        "0005_ages",
        "0006_tiers",
        "0007_rewards",
        "0008_decisions",
        "0009_links",
        "0010_claims",
        "0011_imports",
        "0012_systems",
        "0013_ways",
        "0014_staff",
        "0015_analytics",
        "0016_draft",
        "0017_look",
        "0018_privacy",
        "0019_storefront",
        "0020_sender",
        "0021_people",
    ]
    assert json.loads(first.stdout) == {"applied": steps}
    assert json.loads(again.stdout) == {"applied": []}


def test_before_migrating_it_says_to_migrate(env):
    assert "run `perennial migrate` first" in failed(["doctor"], env)


def test_an_unknown_store_is_told_in_words_and_as_json(migrated):
    assert failed(["sync", "nobody"], migrated) == "no store 'nobody'"
    done = RUN.invoke(app, ["sync", "nobody", "--json"], env=migrated)
    assert json.loads(done.stdout) == {"error": "store-unknown", "detail": "no store 'nobody'"}


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("http://127.0.0.1:1", "ck_a", "check the address, and whether the store is up"),
        ("ftp://x", "ck_a", "is no address of a store"),
        ("http://127.0.0.1:1", "pk_a", "a consumer key begins with ck_"),
        ("http://10.0.0.1", "ck_a", "is not on the public internet"),
    ],
)
def test_a_store_that_cannot_be_connected_is_told_with_the_next_step(migrated, url, key, said):
    words = ["connect", "woocommerce", "--url", url, "--key", key, "--secret", "cs_a"]
    assert said in failed(words, migrated)
    counts = json.loads(RUN.invoke(app, ["doctor", "--json"], env=migrated).stdout)
    assert counts["stores"] == {}


def test_an_empty_doctor_is_well(migrated):
    done = RUN.invoke(app, ["doctor", "--json"], env=migrated)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "counts": {
            "customers": 0, "orders": 0, "entries": 0, "points": 0, "guest_points": 0,
            "inbox_waiting": 0, "outbox_waiting": 0, "parked": 0,
        },
        "stores": {},
        "ok": True,
    }  # fmt: skip


def test_a_port_that_is_taken_is_told(migrated):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "choose another with --port" in failed(["serve", "--port", port], migrated)
    assert "choose another with --port" in failed(["serve", "--port", "99999"], migrated)


def test_a_sandbox_of_nothing_names_what_there_is():
    assert "there are memory, shopify, woocommerce" in failed(["sandbox", "nothing"], {})


def test_the_demo_takes_an_empty_folder_only(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    assert "is not empty" in failed(["demo", "--data", str(tmp_path)], {})
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_the_conformance_table_has_a_line_a_check_and_a_sum(env):
    done = RUN.invoke(app, ["conformance", "memory"], env=env)

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert any(line.split()[:2] == ["ok", "orders.guest"] for line in lines)
    assert re.fullmatch(r"\d{3} passed, 0 failed, 0 skipped", lines[-1])


def test_conformance_as_json(env):
    document = json.loads(RUN.invoke(app, ["conformance", "memory", "--json"], env=env).stdout)

    assert document["platform"] == "memory"
    assert document["ok"] is True
    assert document["counts"]["passed"] == len(document["checks"]) > 80
    assert set(document["checks"][0]) == {"name", "says", "status", "message", "read"}


def test_live_conformance_says_which_keys_it_needs(env):
    assert (
        failed(["conformance", "memory", "--live"], env)
        == "--live needs --url and --key of the store"
    )


def test_live_conformance_fails_where_the_store_does_not_answer(env):
    words = [
        "conformance",
        "memory",
        "--live",
        "--url",
        "http://127.0.0.1:1",
        "--key",
        "k3y",
        "--json",
    ]
    done = RUN.invoke(app, words, env=env)

    assert done.exit_code == 1
    document = json.loads(done.stdout)
    failing = {one["name"]: one for one in document["checks"] if one["status"] == "failed"}
    assert "store.info" in failing
    assert "cannot be reached" in failing["store.info"]["message"]
    assert failing["store.info"]["read"].endswith("platforms/protocol.py")
    assert "visitors.good" not in failing
