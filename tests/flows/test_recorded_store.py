"""A recorded store, from its API to the exported balances, against a second author's arithmetic.

Everything runs as an operator would run it: a sandbox store in one process, and one command after
another in others. What each account must hold is computed in ``recorded_oracle`` from the raw
records.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.flows.operator import KEY, PROGRAM, RECORDED, SECRET, Operator, Row, read_export
from tests.flows.recorded_oracle import Account, RecordedStore, read_store

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Outcome:
    """What the commands said."""

    first_sync: dict[str, Any]
    second_sync: dict[str, Any]
    header: list[str]
    rows: list[Row]
    doctor: dict[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.doctor["counts"]
        return counts


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with ExitStack() as processes:
        yield Operator(tmp_path_factory.mktemp("recorded"), processes)


@pytest.fixture(scope="module")
def outcome(operator: Operator) -> Outcome:
    url = operator.serve_store()
    program = operator.folder / "program.toml"
    program.write_text(PROGRAM, encoding="utf-8")
    exported = operator.folder / "exported"

    operator.run("migrate")
    store = operator.run_json(
        "connect", "woocommerce", "--url", url, "--key", KEY, "--secret", SECRET
    )["store"]
    operator.run("program", store, "--publish", str(program))
    first, second = operator.run_json("sync", store), operator.run_json("sync", store)
    operator.run("export", store, str(exported))
    header, rows = read_export(exported / "accounts.csv")
    return Outcome(first, second, header, rows, operator.run_json("doctor", store))


@pytest.fixture(scope="module")
def recorded() -> RecordedStore:
    return read_store(RECORDED)


@pytest.fixture(scope="module")
def expected(recorded: RecordedStore) -> dict[Account, int]:
    return recorded.balances()


# --- the oracle itself, against sums done by hand


def test_by_hand_a_line_refunded_with_its_tax(recorded: RecordedStore) -> None:
    # Order 181, USD: lines 13.00 (+ 2.60 tax) and 35.00 (+ 7.00 tax); total 75.60.
    # Refund 937 of 15.60: the first line, 13.00 + 2.60. All of it is explained: U = 0.
    # (48.00 - 13.00) x (1 - 0 / 60.00) = 35.00.
    assert recorded.points(181) == 35
    # Order 638, USD: 46.50 for six (+ 4.13 tax) and 48.00 (+ 4.26 tax); total 110.39.
    # Refund 953 of 8.44: one of the six, 7.75 + 0.69. U = 0.
    # 94.50 - 7.75 = 86.75, and the floor of that.
    assert recorded.points(638) == 86


def test_by_hand_an_amount_that_nothing_explains(recorded: RecordedStore) -> None:
    # Order 434, USD: one line of 27.40 (+ 2.43 tax) after its coupon, shipping 7.50; total 37.33.
    # Refund 936 of 5.00, of nothing in particular: U = 5.00, L = 37.33.
    # 27.40 x (1 - 5.00 / 37.33) = 27.40 x 32.33 / 37.33 = 885.842 / 37.33 = 23.73...
    # (27.40 - 5.00 would be 22: the shipping and the tax bear their share of the 5.00.)
    assert recorded.points(434) == 23
    # Order 225, USD: one line of 108.00 (+ 6.75 tax); total 114.75. Refunds of 3.00 and of 2.00.
    # 108.00 x (1 - 5.00 / 114.75) = 108.00 x 109.75 / 114.75 = 11853 / 114.75 = 103.29...
    assert recorded.points(225) == 103


def test_by_hand_shipping_alone(recorded: RecordedStore) -> None:
    # Order 146, USD: lines 7.75 and 44.80, shipping 15.00 (+ 2.85 tax); total 80.38.
    # Refund 942 of 15.00: the shipping without its tax, 15.00 + 0.00. U = 0: no goods went back.
    # 52.55 x 1 = 52.55.
    assert recorded.points(146) == 52
    # Order 564, EUR: one line of 37.44 after its coupon, shipping 7.50; refund 968 of 7.50 for it.
    assert recorded.points(564) == 37


def test_by_hand_everything_refunded(recorded: RecordedStore) -> None:
    # Order 116, refunded, USD: lines 15.00 and 57.60; total 104.24, refund 117 of 104.24 without
    # a line: U = L = 104.24, so 72.60 x (1 - 1) = 0.
    assert recorded.points(116) == 0
    # Order 363, refunded, USD: one line of 50.00 without tax; refund 945 names that line.
    # (50.00 - 50.00) x ..., and L = 50.00 - 50.00 = 0.
    assert recorded.points(363) == 0


def test_by_hand_a_line_and_then_an_amount(recorded: RecordedStore) -> None:
    # Order 904, USD: lines 13.00 (+ 0.94 tax), 51.20 and 10.00; total 87.08.
    # Refund 966 of 13.94: the first line and its tax. Refund 967 of 2.00, of nothing.
    # U = 2.00, L = 87.08 - 13.94 = 73.14.
    # (74.20 - 13.00) x 71.14 / 73.14 = 4353.768 / 73.14 = 59.52...
    assert recorded.points(904) == 59


def test_by_hand_an_unpaid_order(recorded: RecordedStore) -> None:
    # Order 1095: processing, to be paid on delivery, without a date_paid. Its guest writes the
    # address of a customer, and stays a guest.
    order = recorded.orders[1095]
    assert (order["status"], order["date_paid"]) == ("processing", None)
    assert recorded.points(1095) == 0
    assert recorded.balances()["guest", "customer001@example.test"] == 0


# --- the product against the oracle


def test_syncing_again_changes_nothing(outcome: Outcome) -> None:
    assert outcome.first_sync["changed"] > 0
    assert outcome.second_sync["changed"] == 0


def test_every_account_holds_what_the_rule_says(
    outcome: Outcome, expected: dict[Account, int]
) -> None:
    assert outcome.header == [
        "platform_customer_id",
        "email",
        "balance_available",
        "balance_pending",
    ]
    held = {row.account: row.available for row in outcome.rows}
    assert len(held) == len(outcome.rows), "an account is exported twice"
    differing = {
        account: {"exported": held.get(account, 0), "expected": expected.get(account, 0)}
        for account in held.keys() | expected.keys()
        if held.get(account, 0) != expected.get(account, 0)
    }
    assert differing == {}


def test_nothing_is_pending(outcome: Outcome) -> None:
    assert [row for row in outcome.rows if row.pending] == []


def test_the_totals_agree(outcome: Outcome, expected: dict[Account, int]) -> None:
    total = sum(expected.values())
    guests = sum(points for (kind, _), points in expected.items() if kind == "guest")
    assert 0 < guests < total
    assert sum(row.available for row in outcome.rows) == total
    assert outcome.counts["points"] == total
    assert outcome.counts["guest_points"] == guests


def test_every_order_but_the_drafts_is_kept(outcome: Outcome, recorded: RecordedStore) -> None:
    assert len(recorded.orders) == 846
    assert outcome.counts["orders"] == 846
    assert outcome.doctor["ok"] is True
