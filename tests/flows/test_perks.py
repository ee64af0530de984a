"""What tiers give, from a published program to the store's coupons and the log of uses."""

import uuid

import pytest

from connector.errors import BenefitUnavailable, InvalidProgram
from connector.features.loyalty.explain import explain_account, find
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.rewards import admissions
from connector.rewards.models import EntitlementRow, PerkCodeRow, PerkUseRow
from platforms.woocommerce.fake import orders as fake_orders
from platforms.woocommerce.fake import people
from tests.flows.test_api import client
from tests.town import PROGRAM

TIERS = """
[[benefit]]
id = "members-tenth"
kind = "member_price"
percent = 10
minimum_minor = { EUR = 2000 }

[[benefit]]
id = "first-look"
kind = "early_access"
products = ["77"]
until = 2026-12-01T00:00:00Z

[tiers]
by = "spend"
window = "rolling_months:12"

[[tiers.tier]]
name = "Silver"
from_minor = { EUR = 10000 }
entry_points = 100
benefits = ["free_shipping"]

[[tiers.tier]]
name = "Gold"
from_minor = { EUR = 20000 }
entry_points = 300
benefits = ["free_shipping", "members-tenth", "first-look", "free_returns"]
"""
PERKS = PROGRAM + TIERS


async def bought(town, quantity, program=PERKS):
    """Connect, and let Maya have bought so many for 10.00."""
    await town.connect(program)
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, quantity, maya)
    await town.settle()
    return maya, coffee, order


def coupons(town):
    return {one["code"].upper(): one for one in town.shop.records["coupon"].values()}


async def perks(town, customer):
    return {one["benefit"]: one for one in (await town.visitor(customer))["perks"]}


async def publish(town, program):
    await Loyalty(town.system.tools).programs.publish(await town.row(), program)
    await town.settle()


async def passed(town, customer, benefit="first-look"):
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Perennial": "1"}
    if customer is not None:
        headers["Authorization"] = f"Bearer {town.token(customer)}"
    return await town.http.post(
        "/storefront/v1/passes",
        params={"store": town.store},
        headers=headers,
        json={"benefit": benefit},
    )


async def checked(town, token):
    return await town.http.post(
        "/storefront/v1/passes/check", params={"store": town.store}, json={"pass": token}
    )


async def test_who_is_in_a_tier_has_its_codes_for_themselves_and_for_one_order(town):
    maya, _, _ = await bought(town, 20)

    held = await perks(town, maya)
    assert list(held) == ["first-look", "free_returns", "free_shipping", "members-tenth"]
    shipping = coupons(town)[held["free_shipping"]["code"]]
    tenth = coupons(town)[held["members-tenth"]["code"]]
    assert (shipping["free_shipping"], shipping["usage_limit"]) == (True, 1)
    assert shipping["email_restrictions"] == ["maya@example.test"]
    assert (tenth["discount_type"], tenth["amount"]) == ("percent", "10")
    assert tenth["minimum_amount"] == "20.00"
    assert [held[one]["has_code"] for one in ("first-look", "free_returns")] == [False, False]
    assert len(coupons(town)) == 2


async def test_an_order_with_the_code_is_a_use_and_the_next_code_comes(town):
    maya, coffee, _ = await bought(town, 10)
    first = (await perks(town, maya))["free_shipping"]["code"]

    order = town.order(coffee, 1, maya, coupon_lines=[{"code": first}])
    await town.settle()
    await town.settle()

    (use,) = await PerkUseRow.all()
    assert (use.benefit, use.kind, use.key) == (
        "free_shipping",
        "free_shipping",
        f"order:{order['id']}",
    )
    now = (await perks(town, maya))["free_shipping"]
    assert now["used_at"] is not None
    assert now["code"] not in {None, first}
    assert coupons(town)[now["code"]]["free_shipping"] is True
    states = [one.state for one in await PerkCodeRow.all().order_by("made_at", "id")]
    assert sorted(states) == ["issued", "used"]

    told = await explain_account(await town.row(), str(maya), town.clock())
    assert [one.used_on for one in told.uses] == [f"order:{order['id']}"]
    assert [one.benefit for one in told.perks] == ["free_shipping"]


async def test_who_falls_loses_the_code_and_who_rises_again_has_another(town):
    maya, coffee, _ = await bought(town, 10)
    first = (await perks(town, maya))["free_shipping"]["code"]

    town.clock.forward(days=366)
    await town.settle()
    assert await perks(town, maya) == {}
    assert first not in coupons(town)
    (row,) = await EntitlementRow.all()
    assert row.ended_at is not None

    town.order(coffee, 10, maya)
    await town.settle()
    again = (await perks(town, maya))["free_shipping"]["code"]
    assert again not in {None, first}
    assert list(coupons(town)) == [again]


async def test_a_version_without_a_benefit_takes_it_away_and_other_terms_are_another_code(town):
    maya, _, _ = await bought(town, 20)
    before = await perks(town, maya)

    changed = PERKS.replace("percent = 10", "percent = 15")
    await publish(town, changed.replace('["free_shipping", ', "["))

    now = await perks(town, maya)
    assert list(now) == ["first-look", "free_returns", "members-tenth"]
    assert now["free_returns"]["since"] == before["free_returns"]["since"]
    (coupon,) = coupons(town).values()
    assert (coupon["amount"], coupon["code"].upper()) == ("15", now["members-tenth"]["code"])


async def test_a_re_rate_that_replaces_the_version_with_a_benefit_takes_it_away(town):
    maya, _, _ = await bought(town, 10)
    town.clock.forward(days=1)
    since = (await Loyalty(town.system.tools).programs.versions(town.store))[0].begins_at

    without = PERKS.replace('benefits = ["free_shipping"]', "benefits = []").partition("[[benefit")
    plain = without[0] + TIERS[TIERS.index("[tiers]") :].partition("benefits")[0]
    await Loyalty(town.system.tools).programs.publish(await town.row(), plain, None, since)
    await town.settle()

    assert await perks(town, maya) == {}
    assert coupons(town) == {}


async def test_a_higher_tier_leaves_the_code_of_a_benefit_that_both_have(town):
    maya, coffee, _ = await bought(town, 10)
    before = (await perks(town, maya))["free_shipping"]

    town.order(coffee, 10, maya)
    await town.settle()

    now = await perks(town, maya)
    assert now["free_shipping"] == before
    assert len(now) == 4


async def test_a_code_used_before_it_could_be_revoked_is_logged_as_a_use(town):
    maya, coffee, order = await bought(town, 10)
    code = (await perks(town, maya))["free_shipping"]["code"]

    used = town.order(coffee, 1, maya, coupon_lines=[{"code": code}])
    fake_orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    await town.settle()

    assert await perks(town, maya) == {}
    assert [one.key for one in await PerkUseRow.all()] == [f"order:{used['id']}"]
    assert {one.state for one in await PerkCodeRow.all()} <= {"used", "revoked"}


async def test_a_cancelled_order_gives_back_no_second_code(town):
    maya, coffee, _ = await bought(town, 10)
    first = (await perks(town, maya))["free_shipping"]["code"]
    order = town.order(coffee, 1, maya, coupon_lines=[{"code": first}])
    await town.settle()
    await town.settle()

    fake_orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    await town.settle()

    now = (await perks(town, maya))["free_shipping"]["code"]
    assert list(coupons(town)) == [now]
    assert now != first
    assert await PerkUseRow.all().count() == 1, "what was used was used"


async def test_guests_hold_nothing(town):
    await town.connect(PERKS)
    town.order(town.product("10.00"), 30, email="guest@example.test")
    await town.settle()

    assert await EntitlementRow.all().count() == 0
    assert coupons(town) == {}


async def test_a_customer_without_an_address_has_a_code_once_there_is_one(town):
    maya = town.shopper()
    town.shop.records["customer"][maya]["email"] = ""
    await town.connect(PERKS)
    town.order(town.product("10.00"), 10, maya)
    await town.settle()
    assert (await perks(town, maya))["free_shipping"]["code"] is None
    assert coupons(town) == {}

    people.update(town.shop, town.shop.records["customer"][maya], {"email": "maya@new.test"})
    await town.settle()

    code = (await perks(town, maya))["free_shipping"]["code"]
    assert coupons(town)[code]["email_restrictions"] == ["maya@new.test"]


async def test_a_pass_is_for_who_is_in_the_tier_and_is_logged_once(town):
    maya, _, _ = await bought(town, 20)

    given = await passed(town, maya)
    again = await passed(town, maya)

    assert given.status_code == 201, given.text
    assert given.json() == again.json()
    assert given.json()["products"] == ["77"]
    assert given.json()["ends_at"] == "2026-11-21T12:10:00Z"
    assert [one.key for one in await PerkUseRow.all()] == ["pass:2026-11-21T12:00:00Z"]
    told = await checked(town, given.json()["pass"])
    assert told.json() == {
        "customer_id": str(maya),
        "benefit": "first-look",
        "products": ["77"],
        "ends_at": "2026-11-21T12:10:00Z",
    }


async def test_a_pass_is_refused_to_who_is_not_in_the_tier_and_when_nothing_is_open(town):
    maya, _, _ = await bought(town, 10)

    refused = await passed(town, maya)
    unknown = await passed(town, maya, "second-look")
    nobody = await passed(town, None)

    assert (refused.status_code, refused.json()["code"]) == (403, "benefit-unavailable")
    assert refused.json()["detail"] == "your tier does not have 'first-look'"
    assert unknown.json()["detail"] == "there is no early access 'second-look'"
    assert nobody.json()["code"] == "visitor-unknown"
    town.clock.forward(days=10)
    assert (await passed(town, maya)).json()["detail"] == "'first-look' is not open now"
    assert await PerkUseRow.all().count() == 0


async def test_a_pass_ends_with_its_time_with_its_tier_and_at_another_store(town):
    maya, _, order = await bought(town, 20)
    token = (await passed(town, maya)).json()["pass"]

    forged = await checked(town, token[:-2] + "xx")
    assert (forged.status_code, forged.json()["code"]) == (403, "pass-invalid")

    fake_orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    lost = await checked(town, token)
    assert lost.json()["detail"] == "whoever has this pass has lost 'first-look' since"

    town.clock.forward(minutes=10)
    assert (await checked(town, token)).json()["detail"] == (
        "this pass is too old: ask for a new one"
    )


async def test_free_returns_are_used_by_who_has_them_once_for_a_key(town):
    maya, coffee, _ = await bought(town, 20)
    tomas = town.shopper("tomas@example.test")
    town.order(coffee, 10, tomas, email="tomas@example.test")
    await town.settle()
    loyalty, store = Loyalty(town.system.tools), await town.row()

    for _ in range(2):
        await loyalty.use(store, f"customer:{maya}", "free_returns", "return:1")
    with pytest.raises(BenefitUnavailable):
        await loyalty.use(store, f"customer:{tomas}", "free_returns", "return:2")

    assert [(one.account, one.key) for one in await PerkUseRow.all()] == [
        (f"customer:{maya}", "return:1")
    ]


async def test_the_panel_is_told_what_tiers_bring(town):
    await town.connect(PERKS)
    program = (await town.state()).json()["program"]
    silver, gold = program["tiers"]["tiers"]
    assert (silver["entry_points"], gold["entry_points"]) == (100, 300)
    assert [one["id"] for one in silver["benefits"]] == ["free_shipping"]
    assert gold["benefits"][1] == {
        "id": "members-tenth",
        "kind": "member_price",
        "percent": 10,
        "value_minor": {},
        "minimum_minor": {"EUR": 2000},
        "begins_at": None,
        "ends_at": None,
    }


async def test_other_systems_see_what_is_held_and_each_use(town):
    maya, coffee, _ = await bought(town, 10)
    asks = await client(town)
    used = []
    for _ in range(3):
        code = (await perks(town, maya))["free_shipping"]["code"]
        order = town.order(coffee, 1, maya, coupon_lines=[{"code": code}])
        used.append(f"order:{order['id']}")
        await town.settle()
        await town.settle()

    first = (await asks.get(f"/members/customer:{maya}/entitlements", limit=2)).json()
    rest = (
        await asks.get(f"/members/customer:{maya}/entitlements", after=first["data"][-1]["id"])
    ).json()

    assert [one["used_on"] for one in first["data"] + rest["data"]] == used
    assert (first["has_more"], rest["has_more"]) == (True, False)
    (held,) = first["held"]
    assert (held["benefit"], held["has_code"]) == ("free_shipping", True)
    assert held["code"] == (await perks(town, maya))["free_shipping"]["code"]


async def test_each_use_is_news_to_who_shows_it(town):
    maya, coffee, _ = await bought(town, 10)
    before = await town.state(maya)
    code = (await perks(town, maya))["free_shipping"]["code"]
    used = town.order(coffee, 1, maya, coupon_lines=[{"code": code}])
    await town.settle()

    after = await town.state(maya, If_None_Match=before.headers["etag"])
    (was,), (now,) = (
        [one for one in told.json()["visitor"]["perks"] if one["benefit"] == "free_shipping"]
        for told in (before, after)
    )
    assert was["used_at"] is None
    assert now["used_at"].removesuffix("Z") == used["date_created_gmt"]


async def test_reaching_tiers_is_paid_once_and_a_refund_that_undoes_it_takes_it_back(town):
    maya, coffee, order = await bought(town, 20)
    account = f"customer:{maya}"
    assert (await town.visitor(maya))["available"] == 1000 + 100 + 300
    abouts = [one["about"] for one in (await town.visitor(maya))["history"]]
    assert sorted(abouts) == ["order", "tier", "tier"]

    fake_orders.update(town.shop, order, {"status": "cancelled"})
    await town.settle()
    assert (await ledger.balance(town.store, account, town.clock())).available == 0

    town.order(coffee, 10, maya)
    await town.settle()
    assert (await town.visitor(maya))["available"] == 500 + 100


async def test_what_a_tier_was_reached_by_before_there_was_a_program_pays_nothing(town):
    await town.connect(None)
    maya, coffee = town.shopper(), town.product("10.00")
    town.order(coffee, 20, maya)
    await town.settle()
    town.clock.forward(days=1)

    await publish(town, PERKS)
    await publish(town, PERKS + "\n")

    visitor = await town.visitor(maya)
    assert (visitor["available"], visitor["standing"]["tier"]) == (1000, "Gold")


async def test_entry_points_come_off_the_budget_and_move_with_who_is_joined(town):
    await town.connect(PERKS + "\n[budget]\npoints = 1150\n")
    maya, coffee = town.shopper(), town.product("10.00")
    order = town.order(coffee, 20, email="ann@example.test")
    await town.settle()
    loyalty, store = Loyalty(town.system.tools), await town.row()
    guest = await find(town.store, f"order:{order['id']}")

    async def earned(account):
        rows = await ledger.entries(town.store, account)
        return sorted((one.cause.rpartition("/")[2], one.points) for one in rows)

    paid = [(f"order:{order['id']}", 750), ("tier:Gold", 300), ("tier:Silver", 100)]
    assert await earned(guest) == paid, "of one instant, by their names"

    await loyalty.join(store, guest, str(maya))
    await town.settle()

    assert await earned(f"customer:{maya}") == paid
    assert (await ledger.balance(town.store, guest, town.clock())).available == 0
    assert (await admissions.given_out(town.store, 1150)).used == 1150
    assert len(await perks(town, maya)) == 4
    town.order(coffee, 20, maya)
    await town.settle()
    assert (await ledger.balance(town.store, f"customer:{maya}", town.clock())).available == 1150


async def test_what_the_platform_cannot_give_is_refused_with_its_path(town):
    await town.connect(PERKS)
    wrong = {
        '["free_shipping"]': (
            '["free_shiping"]',
            "tiers.tier[0].benefits[0]: there is no benefit 'free_shiping':"
            " did you mean `free_shipping`?",
        ),
        "percent = 10": (
            "",
            "benefit[0]: member_price needs percent, or else value_minor and products",
        ),
        'products = ["77"]': ("", "benefit[1]: early_access needs products"),
    }
    for said, (instead, problem) in wrong.items():
        with pytest.raises(InvalidProgram) as refused:
            await publish(town, PERKS.replace(said, instead, 1))
        assert str(refused.value) == problem


async def test_a_code_goes_over_to_a_new_address(town):
    maya, _, _ = await bought(town, 10)
    first = (await perks(town, maya))["free_shipping"]["code"]
    assert coupons(town)[first]["email_restrictions"] == ["maya@example.test"]

    people.update(town.shop, town.shop.get("customer", maya), {"email": "new@example.test"})
    await town.settle()
    town.clock.forward(hours=2)
    await town.settle()
    now = (await perks(town, maya))["free_shipping"]["code"]
    assert coupons(town)[now]["email_restrictions"] == ["new@example.test"]
