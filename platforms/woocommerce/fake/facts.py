"""What a store says of itself: settings, gateways, taxes, reports, and the lists beside products.

``fixed.json`` holds the answers that no shopper changes, as the recorded store gave them, with
``{site}`` for its address.
"""

import html
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from platforms.woocommerce.fake import listing
from platforms.woocommerce.fake.calls import Call, Endpoint, Table
from platforms.woocommerce.fake.data import FakeStore
from platforms.woocommerce.fake.errors import ApiError, Record
from platforms.woocommerce.fake.listing import Answer
from platforms.woocommerce.fake.orders import status_name
from platforms.woocommerce.fake.shapes import blank, links
from platforms.woocommerce.fake.values import SYMBOLS, number
from platforms.woocommerce.fake.webhooks import WORDPRESS

FIXED = (Path(__file__).parent / "fixed.json").read_text(encoding="utf-8")
SOLD = ("processing", "completed", "on-hold", "refunded")


def fixed(store: FakeStore, path: str) -> list[Record]:
    """Return the rows that never change under a path, empty where there are none."""
    rows: dict[str, list[Record]] = json.loads(
        FIXED.replace("{site}/wp-json", store.site.rest).replace("{site}", store.site.url)
    )
    return rows.get(path, [])


def _counted(path: str) -> Endpoint:
    async def answer(call: Call) -> Answer:
        rows = fixed(call.store, path)
        totals = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": "1"}
        return Answer(rows, headers=totals)

    return answer


async def _groups(call: Call) -> Answer:
    return Answer(fixed(call.store, "settings"))


async def _settings(call: Call) -> Answer:
    return Answer(_group(call.store, call.parts[0]))


async def _setting(call: Call) -> Answer:
    group, name = call.parts
    found = next((one for one in _group(call.store, group) if one["id"] == name), None)
    if found is None:
        raise ApiError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return Answer(found | {"group_id": group})


def _group(store: FakeStore, group: str) -> list[Record]:
    if all(one["id"] != group for one in fixed(store, "settings")):
        raise ApiError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    now = {
        "woocommerce_currency": store.site.currency,
        "woocommerce_price_num_decimals": str(store.money.places),
        "woocommerce_prices_include_tax": "yes" if store.taxes.are_included else "no",
    }
    rows = fixed(store, f"settings/{group}")
    return [one | {"value": now.get(one["id"], one["value"])} for one in rows]


async def _currency(call: Call) -> Answer:
    code = call.store.site.currency
    titles = fixed(call.store, "settings/general")[0]["options"]
    name, _, symbol = titles.get(code, f"{code} ({code})").partition(" — ")[0].rpartition(" (")
    home = f"{call.store.site.rest}/wc/v3/data/currencies"
    here = {"href": f"{home}/{code}", "targetHints": {"allow": ["GET"]}}
    return Answer({
        "code": code, "name": name, "symbol": symbol.removesuffix(")"),
        "_links": {"self": [here], "collection": [{"href": home}]},
    })  # fmt: skip


async def _statuses(call: Call) -> Answer:
    return Answer([{"slug": one, "name": status_name(one)} for one in call.store.statuses])


async def _order_totals(call: Call) -> Answer:
    counts = Counter(one["status"] for one in call.store.all("order"))
    return Answer([
        {"slug": one, "name": status_name(one), "total": counts[one]}
        for one in call.store.statuses
    ])  # fmt: skip


async def _sales(call: Call) -> Answer:
    """Sum this year's sales up, by month, whatever period was asked for."""
    store, year = call.store, call.store.now().astimezone(call.store.zone).year
    sold = [
        one
        for one in store.all("order")
        if one["status"] in SOLD and one["date_created"].startswith(str(year))
    ]
    joined = [one["date_created"] for one in store.all("customer")]
    whole = _sum_up(store, sold)
    months = {}
    for place in range(1, store.now().month + 1):
        month = f"{year}-{place:02d}"
        part = _sum_up(store, [one for one in sold if one["date_created"].startswith(month)])
        part["customers"] = sum(at.startswith(month) for at in joined)
        months[month] = part
    given = sum(store.money.minor(one["total"]) for order in sold for one in order["refunds"])
    return Answer([{
        "total_sales": whole["sales"], "net_sales": whole["sales"],
        "average_sales": store.money.text(store.money.minor(whole["sales"]) // 12),
        "total_orders": whole["orders"], "total_items": whole["items"], "total_tax": whole["tax"],
        "total_shipping": whole["shipping"], "total_refunds": number(store.money.exact(-given)),
        "total_discount": whole["discount"], "totals_grouped_by": "month", "totals": months,
        "total_customers": len(joined),
        "_links": {"about": [{"href": f"{store.site.rest}/wc/v3/reports"}]},
    }])  # fmt: skip


def _sum_up(store: FakeStore, sold: Sequence[Record]) -> dict[str, Any]:
    def amount(name: str) -> str:
        return store.money.text(sum(store.money.minor(one[name]) for one in sold))

    items = sum(line["quantity"] for order in sold for line in order["line_items"])
    return {
        "sales": amount("total"), "orders": len(sold), "items": items, "tax": amount("total_tax"),
        "shipping": amount("shipping_total"), "discount": amount("discount_total"),
    }  # fmt: skip


async def _categories(call: Call) -> Answer:
    found: dict[int, Record] = {}
    for product in call.store.all("product"):
        for one in product["categories"]:
            shown = found.setdefault(one["id"], _category(call.store, one))
            shown["count"] += 1
    return listing.page(call.query, sorted(found.values(), key=lambda one: str(one["name"])))


def _category(store: FakeStore, brief: Record) -> Record:
    home = links(store.site.rest, "products/categories", brief["id"])
    return {
        **brief, "parent": 0, "description": "", "display": "default", "image": None,
        "menu_order": 0, "count": 0, "_links": home,
    }  # fmt: skip


async def _variations(call: Call) -> Answer:
    return listing.page(call.query, list(_variants(call.store, call.record("product"))))


def _variants(store: FakeStore, product: Record) -> Iterator[Record]:
    """Return what a variable product may be bought as: its ids, its options in their order."""
    names = [one for one in product["attributes"] if one["variation"]]
    for place, variation_id in enumerate(product["variations"]):
        chosen = [
            {key: one[key] for key in ("id", "name", "slug")}
            | {"option": one["options"][place % len(one["options"])]}
            for one in names
        ]
        up = f"products/{product['id']}"
        home = links(store.site.rest, f"{up}/variations", variation_id)
        own = {
            "id": variation_id, "name": ", ".join(one["option"] for one in chosen),
            "type": "variation", "parent_id": product["id"], "attributes": chosen, "image": None,
            "_links": home | {"up": [{"href": f"{store.site.rest}/wc/v3/{up}"}]},
        }  # fmt: skip
        yield blank("variation", {key: product[key] for key in blank("variation", {})} | own)


async def _system_status(call: Call) -> Answer:
    site, money = call.store.site, call.store.money
    symbol = html.escape(SYMBOLS.get(site.currency, site.currency))
    return Answer({
        "environment": {
            "home_url": site.url, "site_url": site.url, "version": site.version,
            "wp_version": WORDPRESS, "wp_multisite": False, "wp_debug_mode": False,
            "wp_cron": True, "language": "en_US", "php_version": "8.2.29",
            "default_timezone": "UTC",
        },
        "database": {"wc_database_version": site.version, "database_prefix": "wp_"},
        "active_plugins": [
            {"plugin": "woocommerce/woocommerce.php", "name": "WooCommerce",
             "version": site.version, "version_latest": site.version,
             "url": "https://woocommerce.com/", "author_name": "Automattic",
             "network_activated": False},
        ],
        "settings": {
            "api_enabled": False, "force_ssl": False, "currency": site.currency,
            "currency_symbol": symbol, "currency_position": "left", "thousand_separator": ",",
            "decimal_separator": ".", "number_of_decimals": money.places,
            "geolocation_enabled": False,
        },
        "security": {"secure_connection": site.url.startswith("https://"), "hide_errors": True},
    })  # fmt: skip


TABLE: Table = {
    "settings": {"GET": _groups},
    "settings/W": {"GET": _settings},
    "settings/W/W": {"GET": _setting, "PUT": _setting},
    "payment_gateways": {"GET": _counted("payment_gateways")},
    "shipping/zones": {"GET": _counted("shipping/zones")},
    "taxes": {"GET": _counted("taxes")},
    "taxes/classes": {"GET": _counted("taxes/classes")},
    "data/currencies/current": {"GET": _currency},
    "orders/statuses": {"GET": _statuses},
    "reports/orders/totals": {"GET": _order_totals},
    "reports/sales": {"GET": _sales},
    "products/categories": {"GET": _categories},
    "products/N/variations": {"GET": _variations},
    "system_status": {"GET": _system_status},
}
