"""The merchant's pages on which a guest becomes a customer, shown first, and is taken apart again.

Guests alone: they sign in nowhere, so nobody's points, codes or limits are asked for by their name
any more. Two customers both go on signing in; their store makes them one, and we follow it.
"""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_of, guest_key, guest_of
from connector.commerce.models import OrderRow
from connector.database import sql
from connector.errors import RequestInvalid
from connector.features.loyalty.beside import newest_orders
from connector.features.loyalty.customer import CustomerAdmin, account_of
from connector.features.loyalty.customers import CUSTOMERS, PAGES
from connector.features.loyalty.explain import find
from connector.features.loyalty.service import Loyalty
from connector.ledger import ledger, merges
from connector.ledger.models import AccountRow, LinkRow
from connector.rewards.models import ReservationRow
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Toast, View, Visit

ORDERS_SHOWN = 5


class JoiningAdmin:
    """Shows what a joining would move, joins, and parts."""

    def __init__(self, tools: Tools, loyalty: Loyalty, page: CustomerAdmin) -> None:
        self._clock = tools.clock
        self._sessions = tools.sessions
        self._privacy = tools.privacy
        self._vault = tools.vault
        self._loyalty = loyalty
        self._page = page

    def views(self) -> Sequence[View]:
        """Return the views."""
        one = f"{CUSTOMERS}{{account}}"
        return [
            View(method="POST", path=f"{one}/joining", role="manager", serve=self.joining),
            View(method="POST", path=f"{one}/join", role="manager", serve=self.join),
            View(method="POST", path=f"{one}/part", role="manager", serve=self.part),
        ]

    async def joining(self, visit: Visit) -> Response:
        """Show what would move if a guest were this customer; nothing does yet.

        A form's answer, not a link's: an address may be written, which belongs into no log.
        """
        store, account = visit.store, await account_of(visit)
        try:
            guest = await self._guest(visit, visit.form.get("who", "").strip())
            customer = await self._joinable(visit, guest, account)
        except RequestInvalid as error:
            return await self._page.shown(visit, errors={"who": str(error)}, status=400)
        await self._loyalty.settling.settled(store, guest)
        orders = OrderRow.filter(store=store.id, account=guest, body__not_isnull=True)
        return visit.page(
            PAGES,
            "joining.html",
            there=f"{BASE}{_there(account)}",
            person=await records.customer(store.id, customer),
            customer=customer,
            guest=guest,
            brings=await ledger.balance(store.id, guest, self._clock()),
            orders=await newest_orders(store, [guest], ORDERS_SHOWN),
            orders_count=await orders.count(),
            taken=await ReservationRow.filter(store=store.id, account=guest).count(),
            tried=await self._loyalty.try_join(store, guest, customer),
        )

    async def join(self, visit: Visit) -> Response | Done:
        """Make a guest this customer; the same again changes nothing."""
        store, account = visit.store, await account_of(visit)
        guest = visit.form.get("guest", "")
        try:
            async with in_transaction():
                await sql.lock(store.id)  # nobody is erased meanwhile
                link = await LinkRow.get_or_none(store=store.id, account=guest, owner=account)
                if link is None:
                    customer = await self._joinable(visit, guest, account)
                    await self._loyalty.join(store, guest, customer, by=visit.session.who)
                    await self._sessions.note(visit.session, n_("guest joined"), account, guest)
        except RequestInvalid as error:
            return await self._page.shown(visit, errors={"who": str(error)}, status=400)
        return Done(path=_there(account), toast=Toast(t("They are one now")))

    async def part(self, visit: Visit) -> Done:
        """Take a guest apart again whom somebody joined here."""
        store, account = visit.store, await account_of(visit)
        guest = visit.form.get("guest", "")
        async with in_transaction():
            if await self._loyalty.part(store, guest, account):
                await self._sessions.note(visit.session, n_("guest parted"), account, guest)
        said = t("They are apart again: their orders' points are theirs as before")
        return Done(path=_there(account), toast=Toast(said))

    async def _guest(self, visit: Visit, who: str) -> str:
        """Return the account that ordered with an address, or placed the order ``order:ID``.

        Raises:
            RequestInvalid: there is none, or it is a customer's.
        """
        store = visit.store
        if not who:
            raise RequestInvalid(t("Write order:ID, or the e-mail address they ordered with."))
        found = guest_of(who, guest_key(self._vault, store)) if "@" in who else who
        if who.startswith("order:"):
            id_ = who.removeprefix("order:")
            order = await OrderRow.get_or_none(store=store.id, platform_id=id_)
            found = order.account if order else ""
        if not await AccountRow.exists(store=store.id, key=found):
            try:
                found = await find(store.id, who)
            except RequestInvalid:
                said = t("Nobody ordered so without an account. Write order:ID, or the address.")
                raise RequestInvalid(said) from None
        return found

    async def _joinable(self, visit: Visit, guest: str, account: str) -> str:
        """Return the customer to whom a guest may be joined.

        Raises:
            RequestInvalid: they may not be, with why.
        """
        store, customer = visit.store, customer_of(account)
        if customer is None:
            raise RequestInvalid(t("This is a guest: open the customer who they are."))
        if customer_of(guest) is not None:
            raise RequestInvalid(
                t("That is a customer. Make two customers one in your store: points follow.")
            )
        if not await AccountRow.exists(store=store.id, key=guest):
            raise RequestInvalid(t("There is no such guest here."))
        for one in (guest, account):
            if await self._privacy.erased_at(store, one):
                raise RequestInvalid(t("Who was erased is joined to nobody."))
        await _require_apart(store.id, guest, account)
        return customer


async def _require_apart(store: str, guest: str, account: str) -> None:
    """Refuse accounts that became somebody's before.

    Raises:
        RequestInvalid: one did, with whose.
    """
    owner = await ledger.owner(store, guest)
    merged = dict(await merges.merged(store, [guest, account]))
    if owner == account:
        raise RequestInvalid(t("That guest is this customer already."))
    if owner != guest or merged.get(guest, account) != account:
        raise RequestInvalid(t("That guest is another customer already."))
    if account in merged:
        raise RequestInvalid(t("Your store made this customer another: open that one."))


def _there(account: str) -> str:
    return f"{CUSTOMERS}{quote(account, safe='')}"
