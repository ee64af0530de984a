"""The merchant's list of customers: searched, filtered, and page by page, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from connector.commerce import people
from connector.commerce.identity import customer_account
from connector.commerce.people import Only
from connector.errors import RequestInvalid
from connector.features.loyalty.explain import find
from connector.features.loyalty.service import Loyalty
from connector.ledger import holders, ledger
from connector.ledger.models import AccountRow
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.merchant import BASE, Item, View, Visit
from connector.web.pages import templates_of

CUSTOMERS = "/customers/"
PAGE = 50
PAGES = templates_of("connector.features.loyalty")
ITEMS = (
    Item(
        n_("Customers"),
        "people",
        f"{BASE}{CUSTOMERS}",
        place=30,
        finds=n_("Search customers"),
        help="customers",
    ),
)
IN = "in:"  # before a tier's name, which may be any
Items = Mapping[str, tuple[str, Only | None]]
"""What can be chosen: by its value in the address a title, and which customers it leaves."""
POINTS: Items = {
    "": (n_("All"), None),
    "some": (n_("Has points"), holders.WITH_POINTS),
    "none": (n_("No points"), holders.WITHOUT_POINTS),
}
AT_STORE: Items = {"": (n_("All"), None), "deleted": (n_("Deleted in the store"), people.GONE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """A customer in a list."""

    row: int
    id: str
    name: str
    email: str
    tier: str | None
    available: int
    pending: int
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One of the filters: its ``name`` in the address, what can be chosen, and what is."""

    label: str
    name: str
    items: Sequence[tuple[str, str]]
    current: str
    only: Only | None

    @property
    def words(self) -> str:
        """What is chosen, in words."""
        return dict(self.items)[self.current]


class CustomersAdmin:
    """Shows who there is."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._clock = tools.clock
        self._loyalty = loyalty

    def views(self) -> Sequence[View]:
        """Return the view."""
        return [View(method="GET", path=CUSTOMERS, role="analyst", serve=self.customers)]

    async def customers(self, visit: Visit) -> Response:
        """Show the customers whom a search and the filters find, the newest first."""
        sought, before = visit.query.get("q", "").strip(), visit.query.get("before", "")
        last = int(before) if before.isdecimal() and len(before) < 19 else people.NEWEST
        filters = await self._filters(visit)
        only = [one.only for one in filters if one.only]
        found = await people.search(visit.store.id, sought, limit=PAGE + 1, before=last, only=only)
        guest = None if found or only or not sought else await self._guest(visit, sought)
        chosen = {one.name: one.current for one in filters if one.only}
        kept = ({"q": sought} if sought else {}) | chosen
        older = kept | {"before": found[PAGE - 1].row} if len(found) > PAGE else None
        there = f"{BASE}{CUSTOMERS}"
        return visit.page(
            PAGES,
            "customers.html",
            there=there,
            sought=sought,
            filters_=filters,
            chosen=chosen,
            kept=kept,
            is_by=[one.words for one in filters if one.only],
            shoppers=await self._shoppers(visit, found[:PAGE]),
            guest=guest,
            newest="" if last == people.NEWEST else f"{there}?{urlencode(kept)}",
            older=f"{there}?{urlencode(older)}" if older else "",
        )

    async def _filters(self, visit: Visit) -> list[Filter]:
        version = await self._loyalty.programs.program(visit.store.id)
        tiers = version.program.tiers.names if version and version.program.tiers else []
        found = []
        if tiers:
            items: Items = {
                "": (t("All"), None),
                **{f"{IN}{name}": (name, holders.in_tier(name)) for name in tiers},
                "none": (t("No tier"), holders.WITHOUT_TIER),
            }
            found.append(_filter(visit, t("Tier"), "tier", items))
        found.append(_filter(visit, t("Points"), "points", _spoken(POINTS)))
        return [*found, _filter(visit, t("Store"), "store", _spoken(AT_STORE))]

    async def _guest(self, visit: Visit, sought: str) -> str | None:
        """Return the account of a guest whom only an order or an address finds."""
        try:
            return await find(visit.store.id, sought)
        except RequestInvalid:
            return None

    async def _shoppers(self, visit: Visit, found: Sequence[people.Found]) -> list[Shopper]:
        store, keys = visit.store.id, [customer_account(one.customer.id) for one in found]
        balances = await ledger.balances(store, keys, self._clock())
        rows = {one.key: one for one in await AccountRow.filter(store=store, key__in=keys)}
        return [
            Shopper(
                row=one.row,
                id=one.customer.id,
                name=f"{one.customer.first_name} {one.customer.last_name}".strip(),
                email=one.customer.email or "",
                tier=rows[key].tier if key in rows else None,
                available=balances[key].available,
                pending=balances[key].pending,
                is_gone=one.is_gone,
            )
            for key, one in zip(keys, found, strict=True)
        ]


def _spoken(items: Items) -> Items:
    return {value: (t(title), only) for value, (title, only) in items.items()}


def _filter(visit: Visit, label: str, name: str, items: Items) -> Filter:
    """Return a filter as the address has it; what it does not know is nothing."""
    asked = visit.query.get(name, "")
    current = asked if asked in items else ""
    return Filter(
        label=label,
        name=name,
        items=[(value, title) for value, (title, _) in items.items()],
        current=current,
        only=items[current][1],
    )
