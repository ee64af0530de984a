"""A person of whom much is known, erased, and what a whole database says of her then."""

from typing import Any

from connector.commerce.identity import customer_account
from connector.commerce.models import OrderRow
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.imports import planned, take_over
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.sync import privacy
from connector.sync.models import PrivacyRow
from platforms.woocommerce.fake import people
from tests.connector.database import release
from tests.flows.merchant import merchant
from tests.flows.test_api import client
from tests.flows.test_webhooks_out import System
from tests.town import Town

FIRST, LAST, STREET, PHONE = "Zbigniewa", "Quackenbush", "99 Elm Terrace", "+44 7700 900123"
EMAIL, SECOND = "zq@private.example", "zq.old@private.example"
ROOM = "the one in a wheelchair"
PERSONAL = (FIRST, LAST, STREET, PHONE, "private.example", ROOM)
ADDRESS = {"first_name": FIRST, "last_name": LAST, "address_1": STREET, "phone": PHONE}


def zbigniewa(town: Town) -> int:
    """Return the id of the person at the store."""
    return next(int(one["id"]) for one in town.shop.all("customer") if LAST in str(one))


def sign_up(town: Town) -> int:
    """Have the person sign up at the store."""
    body = {"email": EMAIL, "first_name": FIRST, "last_name": LAST, "password": "shopper"}
    return int(people.create(town.shop, {**body, "billing": {**ADDRESS, "email": EMAIL}})["id"])


def buys(town: Town, customer: int = 0, email: str = EMAIL, quantity: int = 2) -> dict[str, Any]:
    """Have the person order, with all that a form asks for."""
    coffee = next(iter(town.shop.records["product"]))
    return town.order(coffee, quantity, customer, billing={**ADDRESS, "email": email}, email=email)


async def lived(town: Town) -> None:
    """Let the person and another buy, take, claim, be given and be told of, in every way."""
    row = await town.connect()
    api, loyalty = await client(town), Loyalty(town.system.tools)
    system: Any = System()
    town.wire.apps["erp.example.test"] = system
    hook = {"url": "https://erp.example.test/", "events": ["points.changed", "redemption.changed"]}
    await api.post("/webhooks", hook)
    town.product("10.00")
    customer, bea = sign_up(town), town.shopper("bea@example.test")
    account = customer_account(str(customer))
    for quantity in (8, 9):
        buys(town, customer, quantity=quantity)
    buys(town, email=EMAIL.upper())
    guest = buys(town, email=SECOND)
    town.order(next(iter(town.shop.records["product"])), 3, bea)
    await town.settle()
    told = await AccountRow.filter(store=row.id, key__startswith="guest:")
    joined = await ledger_of(town, str(guest["id"]))
    assert {one.key for one in told} > {joined}
    await loyalty.join(row, joined, str(customer))
    await take_in(town, f"email,points\n{EMAIL},30\n")
    assert (await town.redeem(customer)).status_code == 201
    words = Decision(key="k", reason=f"{FIRST}, {ROOM}", points=40)
    await loyalty.decide(row, account, words)
    note = {"points": 10, "note": f"for {LAST}"}
    assert (await api.post(f"/members/{account}/reservations", note)).status_code == 201
    ada = await merchant(town)
    there = f"/customers/{account}"
    form = (await ada.get(there)).form("adjust") | {"points": "5", "reason": f"sorry, {FIRST}"}
    assert (await ada.send(f"{there}/adjust", form)).status == 200
    await town.settle()


async def take_in(town: Town, text: str) -> None:
    """Import points from a file."""
    row, tools = await town.row(), town.system.tools
    plan = await planned(row, tools.vault, text.encode(), {})
    assert plan.troubles == []
    loyalty = Loyalty(tools)
    await take_over(loyalty, row, plan, tools.clock(), tools.ids, lambda done: None)
    await town.settle()


async def ledger_of(town: Town, order: str) -> str:
    """Return the account whose points an order moves."""
    return (await OrderRow.get(store=town.store, platform_id=order)).account


async def asked(town: Town, kind: privacy.Kind = "erase") -> PrivacyRow:
    """Ask for the person's erasure, as a platform would."""
    vault, row = town.system.tools.vault, await town.row()
    accounts = privacy.accounts_of(vault, row, customer_id=str(zbigniewa(town)))
    return await privacy.ask(vault, row, kind, accounts, by="woocommerce", now=town.clock())


def dumped(town: Town) -> str:
    """Return all that is in all tables, in lower case."""
    url = town.system.settings.database_url
    cells = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for table in release.tables(url)
        for row in release.held(url, table)
        for value in row.values()
    ]
    return "\n".join(cells).lower()


def told_of(town: Town) -> set[str]:
    """Return what of the person is anywhere in the database."""
    whole = dumped(town)
    return {value for value in PERSONAL if value.lower() in whole}


async def balances(town: Town) -> dict[str, tuple[int, int]]:
    """Return what every account has."""
    keys = [row.key for row in await AccountRow.filter(store=town.store)]
    found = await ledger.balances(town.store, keys, town.clock())
    return {key: (one.available, one.pending) for key, one in found.items()}
