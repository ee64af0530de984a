"""Campaigns and caps, from a published program to what the ledger, the shopper and explain say."""

from connector.features.loyalty.explain import explain_account
from connector.ledger.models import EntryRow
from platforms.woocommerce.fake import refunds
from tests.town import PROGRAM

CAMPAIGN = PROGRAM.replace(
    "[[reward]]",
    """caps = [{ points = 200, per = "calendar_week" }]

[[multiplier]]
when = { from = 2026-11-01T01:00:00+01:00, until = 2026-11-21T12:10:00Z }
factor = "1.5"

[[reward]]""",
)
"""Five points a euro, half as many again until ten minutes past the town's beginning."""


async def test_a_campaign_ends_and_a_cap_cuts_what_is_more(town):
    await town.connect(CAMPAIGN)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 2, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 150  # 20.00 x 5 x 1.5

    town.clock.forward(minutes=10)
    town.order(coffee, 2, maya)
    await town.settle()

    assert (await town.visitor(maya))["available"] == 200  # of the 100, 50 were left of the week
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [line.why.partition(": ")[2] for line in told.lines] == [
        "goods 20.00 EUR x 1.5 x 5 per 1.00, floor, program version 1",
        "goods 20.00 EUR x 5 per 1.00, floor = 100, of which 50 within the cap of 200 a week,"
        " program version 1",
    ]


async def test_shoppers_are_told_of_campaigns_and_caps(town):
    await town.connect(CAMPAIGN)

    program = (await town.state()).json()["program"]
    assert program["earn"][0]["caps"] == [{"points": 200, "per": "week"}]
    assert program["multipliers"] == [
        {
            "factor": "1.5",
            "tier": None,
            "product": None,
            "collection": None,
            "begins_at": "2026-11-01T00:00:00Z",
            "ends_at": "2026-11-21T12:10:00Z",
        }
    ]


async def test_what_was_spent_and_is_refunded_may_be_forgiven(town):
    await town.connect(PROGRAM.replace("[[earn]]", 'negative_balance = "clamp"\n\n[[earn]]'))
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 12, maya)
    await town.settle()
    await town.redeem(maya)
    refunds.create(town.shop, order, {"amount": "120.00"})
    await town.settle()

    assert (await town.visitor(maya))["available"] == 0
    entries = await EntryRow.all().order_by("effective_at", "id")
    assert [(one.kind, one.points) for one in entries] == [
        ("earn", 600),
        ("redeem", -500),
        ("clawback", -600),
        ("forgive", 500),
    ]


async def test_what_an_order_costs_beside_its_goods_may_count(town):
    await town.connect(PROGRAM.replace("points = 5", 'points = 5\ncount = ["lines", "shipping"]'))
    maya, coffee = town.shopper(), town.product("10.00")
    shipping = [{"method_id": "flat_rate", "method_title": "Parcel", "total": "4.90"}]
    order = town.order(coffee, 2, maya, shipping_lines=shipping)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 124  # floor(24.90 x 5)

    (line,) = order["shipping_lines"]
    back = {"id": line["id"], "refund_total": "4.90"}
    refunds.create(town.shop, order, {"amount": "4.90", "line_items": [back]})
    await town.settle()

    assert (await town.visitor(maya))["available"] == 100
    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [line.why.partition(": ")[2] for line in told.lines] == [
        "goods + shipping 24.90 EUR x 5 per 1.00, floor, program version 1",
        "refund of 4.90 EUR leaves goods + shipping of 20.00 EUR, worth 100 points",
    ]
