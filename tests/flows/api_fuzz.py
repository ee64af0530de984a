"""Requests to ``/api/v1`` as its description allows, and as it does not, by keys of two stores.

``python -m tests.flows.api_fuzz [EXAMPLES]`` prints how many were sent, and what was wrong: an
answer of 5xx or against the description, or one that holds anything of the other store.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.flows.operator import Operator
from tests.flows.recorded_ways import part_of
from tests.ports import free_port

SCOPES = ("read", "points", "redemptions", "programs", "webhooks", "events")
ORDERS = 40
PROGRAM = """
name = "{marker}"
engine = 1
timezone = "Europe/Berlin"
earn_from = 2020-01-01T00:00:00Z
currency = "USD"

[[earn]]
id = "orders"
kind = "order"
points = 1
per_minor = {{ USD = 1 }}

[[reward]]
id = "off"
kind = "amount_off"
cost = 5
value_minor = {{ USD = 500 }}

[tiers]
by = "spend"
window = "rolling_months:12"

[[tiers.tier]]
name = "Gold"
from_minor = {{ USD = 5000 }}
"""
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass
class Asker:
    """A store's own system: its key, and what only its store has."""

    name: str
    key: str
    members: list[str]
    redemptions: list[str] = field(default_factory=list)
    markers: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Found:
    """How many requests were sent, of them how many were served, and what was wrong."""

    sent: int = 0
    served: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        count = sum(self.wrong.values())
        return f"{self.sent} requests, {self.served} served, {count} wrong answers"


def asker(operator: Operator, address: str, name: str) -> Asker:
    """Connect a store of its own, and have all there that can be asked for."""
    marker = f"only-{name}-has-this"
    url = operator.serve_store(part_of(operator.folder / name, ORDERS))
    store = operator.known(url, PROGRAM.format(marker=marker))
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    made = operator.run_json("key", store, "--new", "fuzz", *scopes)
    headers = {"Authorization": f"Bearer {made['key']}", "Idempotency-Key": "seeding it"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=30) as http:
        listed = http.get("/members", params={"limit": 100}).json()["data"]
        members = [one["id"] for one in listed]
        mine = Asker(name=name, key=made["key"], members=members)
        mine.markers = [marker, *(one for one in members if one.startswith("guest:"))]
        body: dict[str, Any] = {"points": 50, "reason": marker}
        for id_ in members[:10]:
            assert http.post(f"/members/{id_}/adjustments", json=body).status_code == 201
            answer = http.post(f"/members/{id_}/redemptions", json={"reward": "off"})
            if answer.status_code == 201:
                mine.redemptions.append(answer.json()["id"])
    mine.markers += mine.redemptions
    assert mine.redemptions
    return mine


def fuzzed(folder: Path, examples: int) -> Found:
    """Send so many requests of each kind by each key, right ones and wrong ones."""
    found = Found()
    with ExitStack() as processes:
        operator = Operator(folder, processes)
        operator.run("migrate")
        address, _ = operator.serve(free_port())
        askers = [asker(operator, address, name) for name in ("amber", "birch")]
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        for result in schema.get_all_operations():
            for mode in MODES:
                _ask(result.ok(), mode, askers, examples, found)
    return found


def _ask(
    operation: Any, mode: GenerationMode, askers: Sequence[Asker], examples: int, found: Found
) -> None:
    """Send so many requests of one kind."""
    ids = {
        "member": [id_ for one in askers for id_ in one.members],
        "redemption": [id_ for one in askers for id_ in one.redemptions],
    }
    ours = ids["redemption" if "/redemptions/{" in operation.path else "member"]

    @settings(max_examples=examples, deadline=None, suppress_health_check=[*HealthCheck])
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def one(case: Any, data: st.DataObject) -> None:
        mine = data.draw(st.sampled_from(askers))
        if "id" in case.path_parameters and data.draw(st.integers(0, 3)):
            case.path_parameters["id"] = data.draw(st.sampled_from(ours))
        answer = case.call(headers=mine.headers)
        found.sent += 1
        found.served += answer.status_code < 300
        where = f"{operation.method.upper()} {operation.path}"
        asked = case.path_parameters.get("id")
        others = {marker for one in askers if one is not mine for marker in one.markers}
        if asked in others and answer.status_code < 300:
            found.wrong[f"{where} served {asked}"] += 1
        leaked = [one for one in others - {asked} if one in answer.text]
        found.wrong.update(f"{where} told {marker}" for marker in leaked)
        try:
            case.validate_response(answer, checks=CHECKS, headers=mine.headers)
        except FailureGroup as group:
            found.wrong.update(f"{where}: {error}" for error in group.exceptions)

    one()


def main(words: Sequence[str]) -> int:
    """Send them, print what was found, and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        found = fuzzed(Path(name), int(words[0]) if words else 200)
    for what, count in found.wrong.most_common(20):
        sys.stdout.write(f"{count:5} {what}\n")
    sys.stdout.write(f"{found}\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
