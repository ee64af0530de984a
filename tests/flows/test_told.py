"""What a customer's page says of mail they agreed to, and of what was told about them."""

from datetime import timedelta

import pytest

from connector import worker
from connector.features.loyalty.service import Loyalty
from connector.sync.listeners import PATIENCE
from tests.flows.merchant import merchant
from tests.flows.test_acts import PAID, say
from tests.flows.test_api import client
from tests.flows.test_claims import asked, claim
from tests.flows.test_joining import ADA, guest_of
from tests.flows.test_webhooks_out import System
from tests.post import open_office
from tests.town import founded

NOON = "21 November 2026, 13:00"  # in the store's zone
EARNED = f"Points were earned, spent, taken back or lost {NOON} · to erp.example.test"


@pytest.fixture
async def shop(town):
    await town.connect(PAID)
    town.maya = town.shopper()
    await town.settle()
    return town


async def card(town, account=""):
    """Return what the card says."""
    page = await (await merchant(town)).get(f"/customers/{account or f'customer:{town.maya}'}")
    return page.words.partition("Messages and consent ")[2].partition(" Adjust points ")[0]


async def test_where_nothing_was_said_or_told_the_card_says_so(shop):
    assert await card(shop) == (
        "Mail: nobody said Your systems can tell it; your store does not. Nothing was told about"
        " them lately. What is told shows here for a month, codes for a day."
    )


async def test_what_was_said_last_of_mail_holds_however_it_came(shop):
    crm, early = await client(shop), shop.clock() - timedelta(days=2)
    await say(shop, crm, kind="newsletter", consent=True)
    assert (await card(shop)).startswith(
        "Mail: they agreed since 21 November 2026, 13:00, as one of your systems told"
    )
    answer = await say(shop, crm, kind="newsletter", consent=False, at=early.isoformat())
    assert answer.status_code == 201
    assert (await card(shop)).startswith("Mail: they agreed since 21 November")
    shop.clock.forward(hours=1)
    await say(shop, crm, kind="newsletter", consent=False)
    assert (await card(shop)).startswith("Mail: they do not agree since 21 November 2026, 14:00")


async def test_what_systems_are_told_arrives_waits_or_was_in_vain(shop):
    system, api = System(), await client(shop)
    shop.wire.apps["erp.example.test"] = system
    hook = {"url": "https://erp.example.test/in", "events": ["points.changed"]}
    await api.post("/webhooks", hook)
    noor = shop.shopper("noor@example.test")
    shop.order(shop.product("10.00"), 2, shop.maya)
    await shop.settle()
    assert f"{EARNED} · arrived" in await card(shop)
    assert "arrived" not in await card(shop, f"customer:{noor}")

    system.status = 503
    shop.order(next(iter(shop.shop.records["product"])), 1, noor)
    await shop.settle()
    assert f"{EARNED} · waiting" in await card(shop, f"customer:{noor}")
    shop.clock.forward(seconds=PATIENCE.total_seconds() + 60)
    await worker.drain(shop.system)
    assert "erp.example.test · tried in vain" in await card(shop, f"customer:{noor}")


async def test_what_was_told_of_a_guest_who_joined_is_told_of_them(shop):
    shop.wire.apps["erp.example.test"] = System()
    hook = {"url": "https://erp.example.test/in", "events": ["points.changed"]}
    await (await client(shop)).post("/webhooks", hook)
    shop.order(shop.product("10.00"), 2, email=ADA)
    await shop.settle()
    assert "arrived" not in await card(shop)

    guest = await guest_of(shop)
    await Loyalty(shop.system.tools).join(await shop.row(), guest, str(shop.maya))
    await shop.settle()
    assert (await card(shop)).count(f"{EARNED} · arrived") == 3  # earned, moved away, moved here


async def test_a_code_waits_and_then_no_more(empty_database, tmp_path):
    async with (
        open_office() as office,
        founded(empty_database, tmp_path, smtp_url=office.url) as town,
    ):
        await town.connect()
        maya = town.shopper()
        await town.settle()
        assert (await claim(town, maya)).status_code == 202
        code = f"A code, to prove that a mailbox is theirs {NOON} · by mail"
        assert f"{code} · waiting" in await card(town, f"customer:{maya}")
        await asked(town, office, maya)
        assert (await card(town, f"customer:{maya}")).count(f"{code} · sent or given up") == 2
