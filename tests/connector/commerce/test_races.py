"""However deliveries, listings and fetches cross each other, we end with what the platform has.

The platform's stamps tell seconds; several changes fall within one. What is delivered, listed or
fetched is the record of when it was sent, and arrives whenever it does.
"""

import itertools
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.commerce import records
from connector.commerce.models import BACKFILL, LIVE
from connector.commerce.records import OLDER_PAUSE
from platforms.model import Seen
from tests.connector.commerce.test_snapshots import HELD, LATER

ACTIONS = ("change", "change", "tick", "list", "fetch", "arrive", "arrive", "bring", "bring")
SECOND = LATER - HELD.updated_at
_numbers = itertools.count(1)


class Crossing:
    """One order of a platform, and what is under way of it to us."""

    def __init__(self, town, store):
        self.town, self.store = town, store
        self.now, self.order = HELD.updated_at, replace(HELD, id=f"o{next(_numbers)}")
        self.arriving, self.fetched = [], []

    async def do(self, what, which):
        """Do one thing; ``which`` chooses among what is under way."""
        match what:
            case "change":
                total = self.order.total_minor + 1
                self.order = replace(self.order, total_minor=total, updated_at=self.now)
                self.arriving.append((Seen(self.order), LIVE))
            case "tick":
                self.now += SECOND
            case "list":
                self.arriving.append((Seen(self.order, is_complete=which % 2 == 0), BACKFILL))
            case "fetch":
                self.fetched += [(one, self.order) for one in await self.dirty()]
            case "arrive" if self.arriving:
                seen, lane = self.arriving.pop(which % len(self.arriving))
                now = self.town.clock()
                await self.town.system.records.take_in(self.store, [seen], now, lane=lane)
            case "bring" if self.fetched:
                await self.bring(self.fetched.pop(which % len(self.fetched)))

    async def dirty(self):
        at = self.town.clock()
        rows = await self.town.system.records.dirty(self.store.id, "order", at, 10)
        return [one for one in rows if one.id == self.order.id]

    async def bring(self, found):
        await self.town.system.records.fetched(self.store, [found], self.town.clock())

    async def end(self):
        """Let the last change be sent, all arrive, and what is dirty then be fetched."""
        await self.do("change", 0)
        while self.arriving:
            await self.do("arrive", 0)
        while self.fetched:
            await self.do("bring", 0)
        self.town.clock.at += OLDER_PAUSE
        while found := await self.dirty():
            await self.bring((found[0], self.order))
            self.town.clock.at += OLDER_PAUSE


@settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
@given(history=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=25))
async def test_what_crosses_on_the_way_ends_as_the_platform_has_it(town, history):
    store = await (town.row() if town.store else town.connect(program=None))
    crossing = Crossing(town, store)
    for what, which in history:
        await crossing.do(what, which)

    await crossing.end()

    orders = (await records.orders_of(store.id, ["customer:2"]))["customer:2"]
    assert [one for one in orders if one.id == crossing.order.id] == [crossing.order]
