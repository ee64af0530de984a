"""Every registered adapter passes the conformance suite, and the suite finds what is broken."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.registry import find_platforms
from platforms.conformance.check import CHECKS, expect
from platforms.conformance.checks.samples import differences
from platforms.conformance.suite import checks_of, live_checks, run, run_live
from platforms.errors import Malformed, PlatformError, Rejected
from platforms.http import call
from platforms.memory import wire
from platforms.memory.adapter import Memory, MemoryStore
from platforms.memory.stage import MemoryStage
from platforms.memory.store import Shop
from platforms.model import Page, Seen, Touched

CHECKS_MIN = 80  # an adapter, without those that its samples add


async def all_checks():
    return {name: await checks_of(platform) for name, platform in find_platforms().items()}


BY_PLATFORM = asyncio.run(all_checks())
CASES = [
    pytest.param(name, check, id=f"{name}-{check.name}")
    for name, checks in BY_PLATFORM.items()
    for check in checks
]


@pytest.mark.parametrize(("name", "check"), CASES)
async def test_conformance(name, check):
    platform = find_platforms()[name]
    result = await run(platform, check)

    if result.status == "skipped":
        assert not check.applies(platform.capabilities)
        pytest.skip(result.message)
    assert result.status == "passed", f"{check.says}: {result.message}; read {check.read}"


@pytest.mark.parametrize("name", BY_PLATFORM)
def test_an_adapter_is_held_to_enough(name):
    capabilities = find_platforms()[name].capabilities
    assert len([check for check in CHECKS.values() if check.applies(capabilities)]) >= CHECKS_MIN


def test_every_check_has_a_name_a_sentence_and_something_to_read():
    for check in CHECKS.values():
        assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", check.name)
        assert len(check.says.split()) >= 3
        assert "{" not in check.says
        assert re.search(r"platforms/\S+\.py", check.read)
        for path in re.findall(r"\S+\.(?:py|md)", check.read):
            assert Path(path).exists()


class AnySignature(Memory):
    def verify(self, delivery, secret):
        pass


class AnyCrash(Memory):
    def read(self, delivery):
        try:
            return super().read(delivery)
        except Malformed:
            raise KeyError("id") from None


class Draftless(Memory):
    """Shows orders that a shopper is still typing, in deliveries."""

    def read(self, delivery):
        change = super().read(delivery)
        if b'"typing"' in delivery.body:
            return Seen(wire.read_order(wire.decode(delivery.body, wire.WireOrder)))
        return change


class OneKey(Memory):
    def delivery_key(self, delivery):
        return "always"


class Opens(Memory):
    """Opens another client than the good one."""

    def __init__(self, client):
        self.client = client

    def open(self, access, http, keep):
        return self.client(access, http)


class BelievesWhatItAsked(MemoryStore):
    async def _issue(self, discount):
        path = f"/discounts/{discount.code.lower()}"
        answer = await self._call("PUT", path, body=wire.write_discount(discount))
        seen = wire.read_discount(wire.decode(answer.content, wire.WireDiscount))
        return replace(seen, discount=discount) if answer.status_code == 201 else seen


class AdoptsAnyCode(MemoryStore):
    async def _issue(self, discount):
        path = f"/discounts/{discount.code.lower()}"
        answer = await self._call("PUT", path, body=wire.write_discount(discount))
        return wire.read_discount(wire.decode(answer.content, wire.WireDiscount))


class RevokesAnyCode(MemoryStore):
    async def revoke_discount(self, code):
        await self._call("DELETE", f"/discounts/{code}")


class FirstPageOnly(MemoryStore):
    async def page(self, kind, cursor, since):
        return replace(await super().page(kind, cursor, since), next_cursor=None)


class ByNumber(MemoryStore):
    """Pages by counting rows, as if nobody left meanwhile."""

    async def page(self, kind, cursor, since):
        begin, after = int(cursor or 0), None
        rows: list[Seen | Touched] = []
        while True:
            page = await super().page(kind, after, since)
            rows, after = [*rows, *page.items], page.next_cursor
            if after is None:
                break
        more = str(begin + 100) if len(rows) > begin + 100 else None
        return Page(tuple(rows[begin : begin + 100]), more)


class SinceLater(MemoryStore):
    """Is two hours late, as where an offset is read twice."""

    async def page(self, kind, cursor, since):
        late = since and since + timedelta(hours=2)
        return await super().page(kind, cursor, late)


class Trashless(MemoryStore):
    async def page(self, kind, cursor, since):
        page = await super().page(kind, cursor, since)
        kept = [one for one in page.items if not getattr(one.record, "is_deleted", False)]
        return replace(page, items=tuple(kept))


class Followed(MemoryStore):
    async def _call(self, method, path, query=None, body=None):
        answer = await super()._call(method, path, query, body)
        if not answer.is_redirect:
            return answer
        away = self._http.build_request("GET", answer.headers["location"])
        return await call(self._http, away)


class Talkative(MemoryStore):
    async def info(self):
        try:
            return await super().info()
        except PlatformError as error:
            raise type(error)(f"{error} with {self._access['key']}") from error


class NotesAgain(MemoryStore):
    async def write_note(self, order_id, text):
        await super().write_note(order_id, text)
        await super().write_note(order_id, f"{text} ")

    async def read_notes(self, order_id):
        return [note.strip() for note in await super().read_notes(order_id)]


FAULTS = [
    (AnySignature(), "signatures.body-longer"),
    (AnySignature(), "signatures.missing"),
    (AnySignature(), "signatures.header-empty"),
    (AnyCrash(), "deliveries.unreadable.empty"),
    (AnyCrash(), "deliveries.order.missing-fields"),
    (Draftless(), "orders.draft-delivered"),
    (OneKey(), "signatures.keys-differ"),
    (Opens(BelievesWhatItAsked), "discounts.email.dropped"),
    (Opens(AdoptsAnyCode), "discounts.foreign.adopted"),
    (Opens(AdoptsAnyCode), "discounts.other.larger-amount"),
    (Opens(AdoptsAnyCode), "discounts.amount.other-terms"),
    (Opens(RevokesAnyCode), "discounts.foreign.revoked"),
    (Opens(FirstPageOnly), "listing.tiles.nothing-happens.a-second-apart"),
    (Opens(FirstPageOnly), "listing.no-counts"),
    (Opens(ByNumber), "listing.tiles.orders-are-purged.a-second-apart"),
    (Opens(SinceLater), "listing.order.since"),
    (Opens(SinceLater), "listing.increments.berlin"),
    (Opens(Trashless), "listing.trash-in-full"),
    (Opens(Trashless), "listing.trash-since"),
    (Opens(Followed), "failures.redirect-followed"),
    (Opens(Talkative), "failures.keys-hidden"),
    (Opens(NotesAgain), "notes.twice"),
]


@pytest.mark.parametrize(("broken", "name"), FAULTS)
async def test_what_is_broken_is_found(broken, name):
    result = await run(broken, CHECKS[name])

    assert result.status == "failed"
    assert result.message


async def test_a_crash_is_told_with_its_place():
    result = await run(AnyCrash(), CHECKS["deliveries.latest"])
    assert result.status == "passed"

    async def crash(_):
        raise ZeroDivisionError("a mistake in the check")

    broken = replace(CHECKS["deliveries.latest"], run=crash)
    result = await run(Memory(), broken)
    assert result.message.startswith("ZeroDivisionError: a mistake in the check (")
    assert "test_conformance.py:" in result.message


class Modest(Memory):
    """A platform that can do little, and says so."""

    capabilities = replace(
        Memory.capabilities,
        profiles=False,
        order_notes=False,
        discount_kinds=frozenset({"amount"}),
        cancel_restores_use=False,
    )


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("profiles.points", "skipped"),
        ("notes.twice", "skipped"),
        ("discounts.percent.issued", "skipped"),
        ("discounts.use-restored", "skipped"),
        ("discounts.amount.issued", "passed"),
        ("profiles.unsupported", "failed"),
        ("discounts.unsupported", "failed"),
        ("discounts.use-told", "failed"),
    ],
)
async def test_what_a_platform_says_it_cannot_do_is_skipped_but_must_be_unsupported(name, status):
    assert (await run(Modest(), CHECKS[name])).status == status


@pytest.fixture
def shop():
    shop = Shop()
    shop.discounts["welcome10"] = {"theirs": True}
    return shop


@pytest.mark.parametrize("check", live_checks(), ids=lambda check: check.name)
async def test_checks_without_hands_run_over_a_real_store_and_leave_nothing(shop, check):
    way = MemoryStage(shop)
    result = await run_live(Memory(), check, way.access, way.transport)

    assert (result.status, result.message) == ("passed", "")
    assert shop.discounts == {"welcome10": {"theirs": True}}
    assert shop.hooks == {}
    assert not any(shop.records.values())


@pytest.mark.parametrize(
    ("fails", "said"),
    [(False, "what the check wrote is still there: no such code"), (True, "it did not hold")],
)
async def test_what_cannot_be_undone_is_told_unless_the_check_failed(shop, fails, said):
    undone = []

    async def stuck():
        raise Rejected("no such code")

    async def first():
        undone.append("first")

    async def leaves_something(on):
        on.undo(first)
        on.undo(stuck)
        expect(not fails, "it did not hold")

    check = replace(CHECKS["store.info"], run=leaves_something)
    way = MemoryStage(shop)
    result = await run_live(Memory(), check, way.access, way.transport)

    assert (result.status, result.message) == ("failed", said)
    assert undone == ["first"]


def test_enough_runs_over_a_real_store():
    subjects = {check.name.partition(".")[0] for check in live_checks()}
    assert {"store", "fetching", "webhooks", "discounts", "failures", "visitors"} <= subjects


@pytest.mark.parametrize(
    ("real", "ours", "found"),
    [
        ({"a": 1, "b": None}, {"a": 2.5, "b": "x"}, []),
        ({"a": []}, {"a": [{"b": 1}]}, []),
        ({"a": 1}, {}, [".a is missing"]),
        ({}, {"a": 1}, [".a is more"]),
        ([{"a": "1"}], [{"a": 1}], ["[].a: str became float"]),
        ({"a": True}, {"a": 1}, [".a: bool became float"]),
    ],
)
def test_shapes(real, ours, found):
    assert list(differences(real, ours)) == found
