"""The merchant's page of one customer, with every point explained, and what is decided there."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from babel.lists import format_list
from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.commerce import records
from connector.commerce.identity import customer_of, guest_key, guest_of
from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import RecordUnknown
from connector.features.loyalty.beside import beside
from connector.features.loyalty.customers import CUSTOMERS, PAGES
from connector.features.loyalty.decisions import REASON_MAX, Decision
from connector.features.loyalty.entries import KINDS, chosen, rows_of
from connector.features.loyalty.explain import explain_account
from connector.features.loyalty.models import DecisionRow
from connector.features.loyalty.rules.program import ORDERS
from connector.features.loyalty.rules.tiers import Stand
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.told import STATES as TELLINGS
from connector.features.loyalty.told import told
from connector.ledger import ledger
from connector.ledger.models import AccountRow
from connector.web.catalogues import n_, spoken, t, tn
from connector.web.feature import Tools
from connector.web.merchant import BASE, Done, Toast, Undo, View, Visit
from connector.web.pages import HEADERS, day, moment, money, number
from connector.web.privacy import names_of

LINES = 50
STATES = {
    "reserved": n_("being made at the store"),
    "issued": n_("not used yet"),
    "used": n_("used"),
    "unknown": n_("being looked for at the store"),
    "returned": n_("points given back"),
}
"""What became of a reward that was taken, in words."""


WAYS = {
    "hand": n_("by hand"),
    "code": n_("by a code to their mailbox"),
    "import": n_("with points from elsewhere"),
    "store": n_("by your store"),
}
"""How accounts became one, in words."""


class CustomerAdmin:
    """Shows an account, and takes what merchants decide about it."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._clock = tools.clock
        self._ids = tools.ids
        self._sessions = tools.sessions
        self._privacy = tools.privacy
        self._vault = tools.vault
        self._loyalty = loyalty

    def views(self) -> Sequence[View]:
        """Return the views."""
        one = f"{CUSTOMERS}{{account}}"
        return [
            View(method="GET", path=one, role="analyst", serve=self.customer),
            View(method="POST", path=f"{one}/adjust", role="support", serve=self.adjust),
            View(method="POST", path=f"{one}/undo", role="support", serve=self.undo),
            View(method="POST", path=f"{one}/export", role="manager", serve=self.export),
            View(method="POST", path=f"{one}/erase", role="manager", serve=self.erase),
        ]

    async def customer(self, visit: Visit) -> Response:
        """Show one account, with every entry."""
        return await self.shown(visit)

    async def adjust(self, visit: Visit) -> Response | Done:
        """Give points, or take some, for a reason."""
        points, reason = visit.form.get("points", ""), visit.form.get("reason", "").strip()
        errors = {}
        plain = points.strip().replace("\N{MINUS SIGN}", "-").removeprefix("+")
        is_whole = plain.removeprefix("-").isascii() and plain.removeprefix("-").isdecimal()
        if not is_whole or len(plain) > 11 or not int(plain):
            errors["points"] = t(
                "Write a whole number of points, such as 150, or -150 to take them."
            )
        if not 1 <= len(reason) <= REASON_MAX:
            said = t("Write why, in %s characters at most. It shows in the history.")
            errors["reason"] = said % REASON_MAX
        if errors:
            return await self.shown(visit, errors=errors, status=400)
        account, given = await account_of(visit), int(plain)
        key = f"page:{visit.form.get('key', '')[:64]}"
        async with in_transaction():
            await sql.lock(visit.store.id)  # the same form sent twice is one deed
            kept = DecisionRow.filter(store=visit.store.id, account=account, key=key)
            is_new = not await kept.exists()
            decision = Decision(key=key, reason=reason, points=given)
            await self._loyalty.decide(visit.store, account, decision)
            row = await kept.get()
            if is_new:
                await self._sessions.note(
                    visit.session, n_("points adjusted"), account, f"{given:+d}: {reason}"
                )
        there = f"{CUSTOMERS}{quote(account, safe='')}"
        undo = Undo(f"{BASE}{there}/undo", {"decision": row.id})
        return Done(path=there, toast=Toast(_done(given), undo))

    async def undo(self, visit: Visit) -> Done:
        """Take back what was given or taken by hand."""
        account, decision = await account_of(visit), visit.form.get("decision", "")
        async with in_transaction():
            row, is_new = await self._loyalty.undo(visit.store, account, decision)
            if is_new:
                said = f"{row.points:+d}: {row.reason}"
                await self._sessions.note(visit.session, n_("adjustment undone"), account, said)
        toast = Toast(t("That is undone: the points are as they would be without it"))
        return Done(path=f"{CUSTOMERS}{quote(account, safe='')}", toast=toast)

    async def export(self, visit: Visit) -> Response:
        """Answer with all that is kept of a person, as a file.

        A form's answer, not a link's: it is noted, so nobody fetches it unawares.
        """
        store, account = visit.store, await account_of(visit)
        await self._loyalty.settling.settled(store, account)
        file = await self._privacy.export(store, account)
        async with in_transaction():
            await self._privacy.taken(store, account, visit.session.who)
            await self._sessions.note(visit.session, n_("personal data downloaded"), account, "")
        name = f"person-{re.sub('[^A-Za-z0-9]+', '-', account)}.json"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(file, 200, headers, "application/json")

    async def erase(self, visit: Visit) -> Response | Done:
        """Have a person erased, once their name or address was written."""
        store, account = visit.store, await account_of(visit)
        there = f"{CUSTOMERS}{quote(account, safe='')}"
        if await self._privacy.erased_at(store, account):
            return Done(path=there, toast=Toast(t("This person is erased already")))
        if not await self._is_named(visit, account):
            error = t("Write the name or the e-mail address, as it is known here.")
            return await self.shown(visit, errors={"erase": error}, status=400)
        async with in_transaction():
            await self._privacy.ask(store, "erase", account, visit.session.who)
            await self._sessions.note(visit.session, n_("erasure asked for"), account, "")
        toast = Toast(t("This person is being erased: it may take some minutes"))
        return Done(path=there, toast=toast)

    async def _is_named(self, visit: Visit, account: str) -> bool:
        """Return whether it was written whose account it is; only a guest themselves is unnamed."""
        typed, customer = visit.form.get("name", "").strip(), customer_of(account)
        person = await records.customer(visit.store.id, customer) if customer else None
        if person is None:
            return guest_of(typed, guest_key(self._vault, visit.store)) == account
        return typed.casefold() in {name.casefold() for name in names_of(person)}

    async def shown(
        self, visit: Visit, errors: dict[str, str] | None = None, status: int = 200
    ) -> Response:
        """Return the page, with what was wrong with a form of it."""
        store, account = visit.store, await account_of(visit)
        await self._loyalty.settling.settled(store, account)
        customer = customer_of(account)
        person = await records.customer(store.id, customer) if customer else None
        explained = await explain_account(store, account, self._clock())
        version = await self._loyalty.programs.program(store.id)
        kind = visit.query.get("kind", "")
        kind = kind if kind in KINDS else ""
        page = visit.query.get("page", "")
        turn = int(page) if page.isdecimal() and len(page) < 7 else 0
        lines = chosen(explained, kind)
        shown = lines[turn * LINES : (turn + 1) * LINES]
        return visit.page(
            PAGES,
            "customer.html",
            status=status,
            account=account,
            there=f"{BASE}{CUSTOMERS}{quote(account, safe='')}",
            person=person,
            explained=explained,
            beside=await beside(self._loyalty.settling, store, account, self._clock()),
            states=STATES,
            told=await told(store.id, account),
            tellings=TELLINGS,
            ways=WAYS,
            rows=await rows_of(store.id, account, shown, may_undo=visit.may("support")),
            kinds=[(name, title) for name, (title, _) in KINDS.items()],
            kind=kind,
            number=turn,
            has_older=len(lines) > (turn + 1) * LINES,
            has_program=version is not None,
            standing=_standing(explained.standing, store),
            errors=errors or {},
            form=visit.form,
            key=self._ids(),
            may_adjust=visit.may("support"),
            may_manage=visit.may("manager"),
            erased_at=await self._privacy.erased_at(store, account),
            known_by=names_of(person) if person else [],
        )


async def account_of(visit: Visit) -> str:
    """Return the account of an address of ours.

    Raises:
        RecordUnknown: the store has none such.
    """
    asked = visit.path["account"]
    owner = await ledger.owner(visit.store.id, asked)
    is_known = await AccountRow.exists(store=visit.store.id, key=owner)
    customer = customer_of(owner)
    if not is_known and (customer is None or not await records.customer(visit.store.id, customer)):
        raise RecordUnknown(t("this store has no such customer: search for them by name or e-mail"))
    return owner


def _standing(stand: Stand | None, store: StoreRow) -> list[tuple[str, str]]:
    """Return where an account stands among the tiers, as terms and what they come to.

    Of what would keep a tier, the store's own currency, if that is among it.
    """
    if stand is None:
        return []
    counted = [_amount(measure, value) for measure, value in stand.counted.items()]
    found = [(t("Counted so far"), ", ".join(counted) or t("nothing"))]
    if stand.falls_at and stand.keep_by:
        zone, short = store.timezone, stand.short
        if store.currency in short:
            short = {store.currency: short[store.currency]}
        missing = [_amount(measure, value) for measure, value in short.items()]
        more = format_list(missing, "or", locale=spoken().locale)
        keeps = t("%(amount)s more, before %(when)s")
        found.append((t("Ends"), day(stand.falls_at, zone)))
        words = keeps % {"amount": more, "when": moment(stand.keep_by, zone)}
        found.append((t("What keeps it"), words))
    return found


def _amount(measure: str, value: int) -> str:
    """Return so many points or orders, or so much of a currency."""
    if measure.isupper():
        return money(value, measure)
    if measure == ORDERS:
        return tn("%s order", "%s orders", value) % number(value)
    return tn("%s point", "%s points", value) % number(value)


def _done(points: int) -> str:
    count = abs(points)
    if points > 0:
        return tn("%s point added", "%s points added", count) % number(count)
    return tn("%s point taken", "%s points taken", count) % number(count)
