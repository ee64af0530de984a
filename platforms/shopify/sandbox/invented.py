"""Northlight at Shopify: an invented coffee store of the last fifty days.

Shopify shows an app the orders of the last sixty days, so nothing here is older.
"""

from collections.abc import Sequence
from datetime import timedelta

from platforms.conformance.stage import Basket
from platforms.shopify.fake.data import Shop
from platforms.shopify.fake.stage import ShopifyStage

PASSWORD = "shopper"  # noqa: S105 - opens invented accounts
PRODUCTS = (
    ("House Blend", "9.80", ["blends", "filter"]),
    ("Sunday Espresso", "12.50", ["espresso"]),
    ("Kiganjo Washed", "16.40", ["single-origin", "filter"]),
    ("Finca La Palma", "15.20", ["single-origin"]),
    ("After Dark Decaf", "11.20", ["decaf", "filter"]),
    ("Harbour Espresso", "13.60", ["blends", "espresso"]),
    ("Yirga Natural", "17.90", ["single-origin", "filter"]),
    ("First Light", "10.90", ["blends"]),
)
PEOPLE = (
    ("maya@example.test", "Maya", "Lindner", True),
    ("tomas@example.test", "Tomas", "Berg", True),
    ("jude@example.test", "Jude", "Okafor", True),
    ("nina@example.test", "Nina", "Weiss", False),
    ("omar@example.test", "Omar", "Haddad", False),
)
"""Address, names, and whether they have an account; who has none bought as a guest."""
ORDERS = (
    (50, "tomas", ((0, 2), (1, 1)), "sent"),
    (48, "maya", ((0, 1),), "sent"),
    (46, "nina", ((2, 1),), "sent"),
    (43, "jude", ((4, 3),), "sent"),
    (41, "maya", ((1, 2), (3, 1)), "sent"),
    (38, "tomas", ((6, 2),), "refunded"),
    (36, "omar", ((0, 4), (5, 1)), "sent"),
    (33, "jude", ((2, 2),), "sent"),
    (31, "maya", ((6, 1),), "sent"),
    (29, "nina", ((7, 1), (1, 1)), "sent"),
    (27, "tomas", ((0, 3), (4, 1)), "part"),
    (24, "jude", ((5, 2),), "cancelled"),
    (22, "omar", ((3, 1),), "sent"),
    (19, "maya", ((0, 2), (2, 1)), "part"),
    (17, "tomas", ((7, 2),), "sent"),
    (14, "nina", ((4, 1),), "some money"),
    (11, "jude", ((0, 2), (1, 2)), "sent"),
    (9, "maya", ((5, 1), (7, 1)), "sent"),
    (6, "omar", ((6, 1),), "paid"),
    (4, "tomas", ((2, 1), (3, 1)), "paid"),
    (2, "jude", ((1, 1),), "pending"),
    (1, "maya", ((0, 1), (1, 1)), "paid"),
)
"""Days ago, who, places of products with quantities, and what became of it."""


async def fill(shop: Shop, stage: ShopifyStage) -> dict[str, str]:
    """Fill an empty store up to its present time; return the passwords of accounts by gid."""
    end = shop.now
    shop.now = end - timedelta(days=52)
    products = [await _product(stage, *one) for one in PRODUCTS]
    passwords, people = {}, {}
    for email, first, last, has_account in PEOPLE:
        number = await stage.add_customer(email, first, last)
        people[email.partition("@")[0]] = (number, email)
        if has_account:
            passwords[f"gid://shopify/Customer/{number}"] = PASSWORD
    for days, who, goods, became in ORDERS:
        shop.now = end - timedelta(days=days, hours=days % 7, minutes=days * 13 % 60)
        number, email = people[who]
        basket = Basket(
            items=[(products[at], many) for at, many in goods],
            customer_id=number,
            email=email,
            pays="never" if became == "pending" else "now",
        )
        order = await stage.place(basket)
        shop.now += timedelta(hours=7)
        await _become(stage, order, became)
    shop.now = end
    return passwords


async def _product(stage: ShopifyStage, title: str, price: str, shelves: Sequence[str]) -> str:
    product = await stage.add_product(title, price)
    await stage.shelve(product, shelves)
    return product


async def _become(stage: ShopifyStage, order: str, became: str) -> None:
    match became:
        case "sent":
            await stage.arrive(order)
        case "refunded":
            await stage.refund(order, "", {0: 2})
        case "part":
            await stage.refund(order, "", {0: 1})
        case "some money":
            await stage.refund(order, "3.00", {})
        case "cancelled":
            await stage.cancel(order)
