"""Collections and segments: stamped when an order is first settled, and never read again."""

from typing import Any

import httpx
import pytest
from tortoise.transactions import in_transaction

from connector.commerce.models import ProductRow
from connector.commerce.records import snapshot
from connector.errors import InvalidProgram
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.models import StampRow
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.simulation import Simulation
from connector.features.loyalty.rules.stamps import Stamp
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import simulate
from connector.features.loyalty.stamps import Change, keep
from connector.ledger import ledger
from connector.ledger.models import EntryRow
from connector.web.feature import Feature, Part
from platforms.woocommerce.fake import orders, products, refunds
from tests.flows.test_perks import PERKS, perks
from tests.town import NOW, PROGRAM, founded

SHELVES = PROGRAM.replace(
    "[[reward]]",
    """exclude = { collections = ["sale"] }

[[multiplier]]
when = { collection = "summer" }
factor = "2"

[[multiplier]]
when = { collection = "new" }
factor = "1.5"

[[reward]]""",
)
"""Five points a euro: none for what is on sale, twice for summer, half as many again for new."""
VIPS = PROGRAM.replace(
    "[[reward]]", """[[multiplier]]\nwhen = { segment = "vip" }\nfactor = "2"\n\n[[reward]]"""
)


class Vips:
    """A segment that somebody knows by heart; ``meanwhile`` happens while we ask, once."""

    def __init__(self):
        self.members = set()
        self.meanwhile = None

    async def names(self, store):
        return {"vip", "new"}

    async def segments_of(self, store, customer_ids):
        members = {*self.members}
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return {one: {"vip"} for one in customer_ids if one in members}


@pytest.fixture
def vips():
    return Vips()


@pytest.fixture
async def town_with_vips(empty_database, tmp_path, vips):
    feature = Feature(name="vips", models="", start=lambda tools: Part(segments=vips))
    async with founded(empty_database, tmp_path, features=[feature]) as one:
        yield one


def shelve(town, product, *slugs):
    """Put a product into collections."""
    categories = [{"id": 20 + n, "name": slug, "slug": slug} for n, slug in enumerate(slugs)]
    products.update(town.shop, town.shop.get("product", product), {"categories": categories})


def keep_quiet_of_products(town):
    for hook in town.shop.all("webhook"):
        if hook["topic"].startswith("product."):
            hook["status"] = "paused"


async def available(town, customer):
    return (await town.visitor(customer))["available"]


async def test_a_product_counts_by_what_it_was_in_when_its_order_was_settled(town):
    maya, coffee, tea = town.shopper(), town.product("10.00"), town.product("10.00")
    shelve(town, coffee, "sale")
    shelve(town, tea, "summer", "new")
    await town.connect(SHELVES)
    lines = [{"product_id": coffee, "quantity": 1}, {"product_id": tea, "quantity": 2}]
    order = town.order(coffee, 1, maya, line_items=lines)
    await town.settle()
    assert await available(town, maya) == 300  # 20.00 x 5 x 2 x 1.5, and none for the coffee

    shelve(town, coffee)
    shelve(town, tea)
    await town.settle()
    assert await available(town, maya) == 300
    back = refunds.share(town.shop, order["line_items"][1], 1)
    refunds.create(town.shop, order, {"line_items": [back]})
    await town.settle()
    assert await available(town, maya) == 150
    town.order(coffee, 1, maya)
    await town.settle()
    assert await available(town, maya) == 200  # what is ordered from now on is on no shelf

    first, second = await StampRow.all().order_by("id")
    assert (first.order_id, second.body) == (
        str(order["id"]),
        f'{{"collections":{{"{coffee}":[]}},"segments":null}}',
    )
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [line.why.partition(": ")[2] for line in told.lines] == [
        "goods 20.00 EUR x 3 x 5 per 1.00, floor, program version 1",
        "refund of 10.00 EUR leaves goods of 10.00 EUR, worth 150 points",
        "goods 10.00 EUR x 5 per 1.00, floor, program version 1",
    ]


async def test_a_product_that_an_edit_adds_is_stamped_then_and_no_other_again(town):
    maya, coffee, tea = town.shopper(), town.product("10.00"), town.product("10.00")
    shelve(town, coffee, "summer")
    await town.connect(SHELVES)
    order = town.order(coffee, 1, maya)
    await town.settle()
    shelve(town, coffee)
    shelve(town, tea, "sale")
    await town.settle()

    orders.update(town.shop, order, {"line_items": [{"product_id": tea, "quantity": 1}]})
    await town.settle()

    assert await available(town, maya) == 100
    (row,) = await StampRow.all()
    assert row.body == (
        f'{{"collections":{{"{coffee}":["summer"],"{tea}":["sale"]}},"segments":null}}'
    )


async def test_an_order_waits_for_a_product_that_we_have_not_seen(town):
    await town.connect(SHELVES)
    keep_quiet_of_products(town)
    maya, coffee = town.shopper(), town.product("10.00")
    shelve(town, coffee, "summer")
    town.order(coffee, 1, maya)
    await town.settle()

    assert (await available(town, maya), await StampRow.all().count()) == (0, 0)
    product = snapshot(await ProductRow.get(platform_id=str(coffee)))
    assert product is not None
    assert product.collections == ("summer",)
    town.clock.forward(seconds=5)
    await town.settle()
    assert await available(town, maya) == 100
    assert await ledger.to_settle(town.store, town.clock(), 9) == []


async def test_a_product_that_is_no_more_is_in_no_collection(town):
    await town.connect(SHELVES)
    keep_quiet_of_products(town)
    maya, coffee = town.shopper(), town.product("10.00")
    shelve(town, coffee, "sale")
    town.order(coffee, 1, maya)
    products.delete(town.shop, town.shop.get("product", coffee), force=True)
    await town.settle()
    assert await available(town, maya) == 0

    town.clock.forward(seconds=5)
    await town.settle()
    assert await available(town, maya) == 50


async def test_nobody_waits_longer_than_an_hour_for_a_product(town):
    await town.connect(SHELVES)
    keep_quiet_of_products(town)
    maya, coffee = town.shopper(), town.product("10.00")
    shelve(town, coffee, "sale")
    refused = httpx.Response(403, json={"code": "forbidden", "message": "no"})
    for path in ("/wp-json/wc/v3/products", f"/wp-json/wc/v3/products/{coffee}"):
        town.wire.answers[path] = refused
    town.order(coffee, 1, maya)
    await town.settle()
    town.clock.forward(minutes=59)
    await town.settle()
    assert await available(town, maya) == 0

    town.clock.forward(minutes=2)
    await town.settle()
    assert await available(town, maya) == 50
    town.wire.answers.clear()
    town.clock.forward(hours=2)
    await town.settle()
    assert await available(town, maya) == 50  # what was stamped stays


async def test_other_points_are_there_while_an_order_waits(town):
    await town.connect(SHELVES)
    maya, coffee = town.shopper(), town.product("100.00")
    town.order(coffee, 1, maya)
    await town.settle()
    keep_quiet_of_products(town)
    town.order(town.product("10.00"), 1, maya)
    await town.settle()
    assert await available(town, maya) == 500

    assert (await town.redeem(maya)).status_code == 201
    assert await available(town, maya) == 50  # who asks is settled at once, and it was seen by now


async def test_who_is_in_a_segment_is_stamped_with_the_order(town_with_vips, vips):
    town = town_with_vips
    await town.connect(VIPS)
    maya, coffee = town.shopper(), town.product("10.00")
    vips.members.add(str(maya))
    order = town.order(coffee, 2, maya)
    town.order(coffee, 2)  # a guest is in none
    await town.settle()
    assert await available(town, maya) == 200

    vips.members.clear()
    refunds.create(town.shop, order, {"amount": "10.00"})
    await town.settle()
    assert await available(town, maya) == 100
    town.order(coffee, 1, maya)
    await town.settle()
    assert await available(town, maya) == 150

    bodies = [row.body for row in await StampRow.all().order_by("id")]
    none = '{"collections":{},"segments":[]}'
    assert sorted(bodies) == sorted([none, none, '{"collections":{},"segments":["vip"]}'])
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert told.lines[0].why.endswith("floor, in segment vip, program version 1")
    assert (await town.state()).json()["program"]["multipliers"] == []  # told to nobody


async def test_two_settles_in_a_race_go_by_the_stamp_that_was_kept(town_with_vips, vips):
    town = town_with_vips
    row = await town.connect(VIPS)
    maya, coffee = town.shopper(), town.product("10.00")
    loyalty = Loyalty(town.system.tools)

    async def meanwhile():
        vips.members.add(str(maya))
        async with in_transaction():
            await loyalty.settling.settle(row, f"customer:{maya}")

    town.order(coffee, 2, maya)
    vips.meanwhile = meanwhile
    await town.settle()

    (stamp,) = await StampRow.all()
    assert stamp.body == '{"collections":{},"segments":["vip"]}'
    assert [(one.kind, one.points) for one in await EntryRow.all()] == [("earn", 200)]


async def test_the_first_stamp_stays_and_only_what_it_lacks_is_added(town):
    await town.connect()
    held = Stamp(collections={"1": ("sale",)})
    more = held.more({"1": ("other",), "2": ()}, ("vip",))
    assert more == Stamp(collections={"1": ("sale",), "2": ()}, segments=("vip",))

    assert not await keep(town.store, {"7": Change(None, held)}, NOW)
    assert await keep(town.store, {"7": Change(None, Stamp())}, NOW) == {"7"}
    assert not await keep(town.store, {"7": Change(None, held)}, NOW)
    assert not await keep(town.store, {"7": Change(held, more)}, NOW)
    assert await keep(town.store, {"7": Change(held, Stamp())}, NOW) == {"7"}
    (row,) = await StampRow.all()
    assert row.body == '{"collections":{"1":["sale"],"2":[]},"segments":["vip"]}'


async def test_a_program_cannot_ask_for_segments_that_nobody_knows(town):
    with pytest.raises(InvalidProgram) as refused:
        await town.connect(VIPS)
    assert str(refused.value) == (
        "multiplier[0].when.segment: nothing here says who is in a segment; write a tier, or leave"
        " it out"
    )


async def test_a_program_cannot_ask_for_a_segment_that_there_is_not(town_with_vips):
    with pytest.raises(InvalidProgram) as refused:
        await town_with_vips.connect(VIPS.replace('"vip"', '"gold"'))
    assert str(refused.value) == (
        "multiplier[0].when.segment: there is no segment 'gold'; write one of new, vip"
    )


async def test_a_trial_goes_by_what_is_stamped_and_else_by_what_is_now(town):
    maya, coffee, tea = town.shopper(), town.product("10.00"), town.product("10.00")
    shelve(town, coffee, "sale")
    await town.connect(SHELVES)
    town.order(coffee, 1, maya)
    await town.settle()
    await Loyalty(town.system.tools).programs.publish(await town.row(), PROGRAM)
    town.clock.forward(minutes=1)
    shelve(town, coffee)
    shelve(town, tea, "sale")
    await town.settle()
    town.order(coffee, 2, maya)  # under a program that asks for no collection
    town.order(tea, 4, maya)
    await town.settle()

    found: dict[str, Any] = {}
    trial = Simulation(parse(SHELVES), "EUR", NOW, town.clock())
    async for some in simulate(town.store, trial):
        found |= some
    assert found[f"customer:{maya}"].purse.available() == 100
    assert await StampRow.all().count() == 1


async def test_rating_the_past_anew_stamps_what_it_reads(town):
    maya, coffee = town.shopper(), town.product("10.00")
    await town.connect()
    order = town.order(coffee, 1, maya)
    await town.settle()
    assert await StampRow.all().count() == 0
    shelve(town, coffee, "sale")
    await town.settle()
    town.clock.forward(hours=1)

    publish = Loyalty(town.system.tools).programs.publish
    await publish(await town.row(), SHELVES, re_rate_from=NOW)
    await town.settle()

    assert await available(town, maya) == 0
    (row,) = await StampRow.all()
    assert row.order_id == str(order["id"])


async def test_rating_anew_takes_nothing_away_while_a_product_is_fetched(town):
    await town.connect()
    keep_quiet_of_products(town)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 10, maya)
    await town.settle()
    assert await available(town, maya) == 500
    await Loyalty(town.system.tools).programs.publish(await town.row(), SHELVES, re_rate_from=NOW)
    await town.settle()
    entries = [(one.kind, one.points) for one in await EntryRow.all().order_by("id")]
    assert (await available(town, maya), entries) == (500, [("earn", 500)])


async def test_a_perk_survives_while_an_order_waits_for_a_product_under_a_re_rate(town):
    await town.connect(PERKS)
    keep_quiet_of_products(town)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 10, maya)
    await town.settle()
    code = (await perks(town, maya))["free_shipping"]["code"]
    program = PERKS.replace(
        "[[reward]]", '[[multiplier]]\nwhen = { collection = "summer" }\nfactor = "2"\n\n[[reward]]'
    )
    await Loyalty(town.system.tools).programs.publish(await town.row(), program, re_rate_from=NOW)
    await town.settle()
    town.clock.forward(seconds=6)
    await town.settle()
    assert (await perks(town, maya))["free_shipping"]["code"] == code
