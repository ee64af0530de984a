"""One store's pace: width by how it answers, room kept for what can't wait."""

import asyncio

import httpx
import pytest

from platforms.errors import TransientError
from platforms.http import call
from platforms.pace import BULK_SHARE, LIVE_RUN, WIDTH_MAX, Pace, PacedClient


class Time:
    """A clock that sleeping moves."""

    def __init__(self):
        self.at, self.slept = 0.0, []

    def __call__(self):
        return self.at

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def pace(time):
    return Pace(time, time.sleep)


async def holding(pace, lane, gate, held):
    async with pace.turn(lane):
        held.append(lane)
        await gate.wait()


async def settled():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_bulk_leaves_room_for_live(pace):
    held: list[str] = []
    pace.width, gate = 4, asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for lane in ["bulk"] * 6 + ["live"] * 2:
            group.create_task(holding(pace, lane, gate, held))
        await settled()
        assert (held.count("bulk"), held.count("live")) == (2, 2)  # 70 % of four, and the rest
        gate.set()


async def test_who_waits_for_live_goes_first(pace):
    held: list[str] = []
    pace.width, gate = 1, asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(holding(pace, "bulk", gate, held))
        await settled()
        group.create_task(holding(pace, "bulk", gate, held))
        group.create_task(holding(pace, "live", gate, held))
        await settled()
        assert held == ["bulk"]
        gate.set()
    assert held == ["bulk", "live", "bulk"]


async def test_one_wide_bulk_takes_seventy_percent_of_the_time(pace, time):
    pace.width = 1
    for _ in range(10):
        async with pace.turn("bulk"):
            time.at += 0.7
    assert time.at == pytest.approx(10.0)
    assert sum(time.slept) == pytest.approx(10.0 * (1 - BULK_SHARE))


async def test_live_never_rests(pace, time):
    pace.width = 1
    async with pace.turn("live"):
        time.at += 5
    assert time.slept == []


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_failures_halve_the_width(pace, status):
    pace.width = 4
    pace.saw("/orders", status, 0.1)
    assert pace.width == 2
    pace.saw("/orders", status, 0.1)
    pace.saw("/orders", status, 0.1)
    assert pace.width == 1


def test_a_store_that_slows_down_is_asked_less_and_one_that_recovers_more(pace):
    pace.width = 3
    pace.saw("/orders", 200, 1.0)
    pace.saw("/orders", 200, 2.5)
    assert pace.width == 2
    for _ in range(20):
        pace.saw("/orders", 200, 1.0)
    assert pace.width == WIDTH_MAX


def test_a_slow_kind_of_answer_is_not_held_against_a_quick_one(pace):
    pace.saw("/settings", 200, 0.1)
    width = pace.width
    pace.saw("/orders", 200, 1.2)
    assert pace.width == width


def test_a_refusal_is_no_slowness(pace):
    width = pace.width
    pace.saw("/orders/1", 404, 0.1)
    assert pace.width == width


async def test_a_client_learns_from_every_answer():
    statuses = iter([200, 500])
    pace = Pace()
    inner = httpx.MockTransport(lambda _: httpx.Response(next(statuses)))
    async with PacedClient(inner, pace, "live") as http:
        await asked(http)
        assert pace.width == 2
        await asked(http)
    assert pace.width == 1


async def test_no_answer_is_a_failure():
    def refuse(request):
        raise httpx.ConnectError("no", request=request)

    pace = Pace()
    async with PacedClient(httpx.MockTransport(refuse), pace, "live") as http:
        with pytest.raises(TransientError):
            await asked(http)
    assert pace.width == 1


class Slow(httpx.AsyncBaseTransport):
    def __init__(self, seconds):
        self.seconds = seconds

    async def handle_async_request(self, request):
        await asyncio.sleep(self.seconds)
        return httpx.Response(200, content=b"[]")


async def asked(http):
    return await call(http, http.build_request("GET", "https://store.example/"))


async def test_waiting_for_our_own_other_request_is_not_the_stores_silence():
    async with PacedClient(Slow(0.3), Pace(), "bulk", timeout=0.5) as http:
        answers = await asyncio.gather(asked(http), asked(http), asked(http))
    assert [one.status_code for one in answers] == [200, 200, 200]


async def test_the_rest_after_an_answer_does_not_lose_the_answer():
    pace = Pace()
    pace.width = 1
    async with PacedClient(Slow(0.4), pace, "bulk", timeout=0.5) as http:
        answer = await asked(http)
    assert (answer.status_code, answer.content) == (200, b"[]")


async def test_live_work_without_end_leaves_bulk_a_turn_in_ten():
    pace, served = Pace(), []

    async def live():
        for _ in range(50):
            async with pace.turn("live"):
                served.append("live")
                await asyncio.sleep(0)

    async def bulk():
        async with pace.turn("bulk"):
            served.append("bulk")

    workers = [asyncio.create_task(live()) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.gather(bulk(), *workers)
    assert served.index("bulk") <= LIVE_RUN + 2 * pace.width


async def test_who_gives_up_waiting_leaves_no_trace():
    pace, gate, held = Pace(), asyncio.Event(), list[str]()
    pace.width = 1
    holder = asyncio.create_task(holding(pace, "live", gate, held))
    await settled()
    waiting = asyncio.create_task(holding(pace, "live", gate, held))
    await settled()
    waiting.cancel()
    await settled()
    gate.set()
    await holder
    async with asyncio.timeout(1):
        await holding(pace, "bulk", gate, held)
    assert held == ["live", "bulk"]
