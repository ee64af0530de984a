"""The merchant's pages about a store's settings, and about the keys of its own systems.

What is secret is on the page that answers the form, and nowhere after that: the same form sent
again makes nothing and shows nothing.
"""

from collections.abc import Collection, Mapping, Sequence

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.errors import RequestInvalid
from connector.sync import privacy, retention
from connector.sync.models import ListenerRow
from connector.web.catalogues import n_, t, tn
from connector.web.feature import Tools
from connector.web.keys import NAME_MAX, Keys
from connector.web.merchant import BASE, Done, Item, Toast, View, Visit, again
from connector.web.pages import PAGES
from connector.web.sender import letterhead
from connector.web.sessions import KEPT
from platforms.errors import PlatformError

SETTINGS, KEYS, DISCONNECT = "/settings/", "/settings/keys", "/settings/disconnect"
ITEMS = (Item(n_("Settings"), "gear", f"{BASE}{SETTINGS}", "owner", place=80, help="settings"),)
REQUESTS = 20  # of privacy, on a page
NEWEST = 2**62  # before no row's number
ASKED = {"export": n_("All that is kept of somebody"), "erase": n_("Erase somebody")}
"""What people ask about themselves, in words."""
SCOPES = {
    "events": n_("Say what customers did besides buying"),
    "points": n_("Give points and take them, and place members into tiers"),
    "programs": n_("Publish programs"),
    "read": n_("See members, their points and redemptions, and the program"),
    "redemptions": n_("Spend points on rewards, and hold them back for a till"),
    "webhooks": n_("Have your systems told of what happens"),
}
"""What a key of each scope may do, in words."""


class SettingsAdmin:
    """Shows the settings, and makes and revokes keys; ``scopes`` are those that there are."""

    def __init__(self, tools: Tools, scopes: Collection[str]) -> None:
        self._ids = tools.ids
        self._clock = tools.clock
        self._stores = tools.stores
        self._sessions = tools.sessions
        self._keys = Keys(tools.clock, tools.ids)
        self._mailer = tools.mailer
        self._scopes = sorted(scopes)

    def views(self) -> Sequence[View]:
        """Return the views."""
        return [
            View(method="GET", path=SETTINGS, role="owner", serve=self.settings),
            View(method="POST", path=DISCONNECT, role="owner", serve=self.disconnect),
            View(method="GET", path=KEYS, role="owner", serve=self.keys),
            View(method="POST", path=KEYS, role="owner", serve=self.make),
            View(method="POST", path=f"{KEYS}/revoke", role="owner", serve=self.revoke),
        ]

    async def settings(self, visit: Visit) -> Response:
        """Show what there is to set."""
        return await self._overview(visit)

    async def disconnect(self, visit: Visit) -> Response | Done:
        """Leave the store alone, once its name was written."""
        store = visit.store
        if visit.form.get("name", "").strip() != store.name.strip():
            return await self._overview(visit, t("Write “%s”, as it is here.") % store.name)
        if store.disconnected_at is not None:
            return Done(path=SETTINGS, toast=Toast(t("The store is disconnected already")))
        try:
            await self._stores.disconnect(store, self._clock())
        except PlatformError:
            error = t("The store did not answer, and nothing was changed. Try again in a minute.")
            return await self._overview(visit, error)
        await self._sessions.note(visit.session, n_("store disconnected"), store.id, store.name)
        return Done(path=SETTINGS, toast=Toast(t("The store is disconnected: its points are kept")))

    async def _overview(self, visit: Visit, error: str = "") -> Response:
        told = ListenerRow.filter(store=visit.store.id, ended_at=None)
        before = visit.query.get("before", "")
        last = int(before) if before.isdecimal() and len(before) < 19 else NEWEST
        asked = await privacy.requests(visit.store.id, last, REQUESTS + 1)
        return visit.page(
            PAGES,
            "settings.html",
            status=400 if error else 200,
            keys=len(await self._keys.all(visit.store)),
            webhooks=await told.count(),
            kept=_kept(),
            sender=self._mailer.sender_of(letterhead(visit.store)) if self._mailer else "",
            requests=asked[:REQUESTS],
            older=asked[REQUESTS - 1].id if len(asked) > REQUESTS else None,
            asked=ASKED,
            form=visit.form,
            error=error,
        )

    async def keys(self, visit: Visit) -> Response:
        """Show the keys that are good."""
        return await self._listed(visit)

    async def make(self, visit: Visit) -> Response | Done:
        """Make a key, and show it this once."""
        form = visit.form
        name, scopes = form.get("name", "").strip(), chosen(form, "scope", self._scopes)
        errors = {}
        if not 1 <= len(name) <= NAME_MAX:
            errors["name"] = t("Give the key a name, of %s characters at most.") % NAME_MAX
        if not scopes:
            errors["scope"] = t("Tick at least one thing that the key may do.")
        if errors:
            return await self._listed(visit, errors=errors)
        if not await self._sessions.is_first(visit.session, form):
            return Done(path=KEYS, toast=again())
        try:
            async with in_transaction():
                made = await self._keys.new(visit.store, name, scopes, self._scopes)
                await self._sessions.note(visit.session, n_("key made"), name, ", ".join(scopes))
        except RequestInvalid as error:
            return await self._listed(visit, errors={"name": sentence(error)})
        return await self._listed(visit, made=made)

    async def revoke(self, visit: Visit) -> Done:
        """Make a key good for nothing."""
        id_ = visit.form.get("id", "")
        names = {one.id: one.name for one in await self._keys.all(visit.store)}
        if id_ not in names:
            raise RequestInvalid(t("this key is revoked already"))
        async with in_transaction():
            await self._keys.revoke(visit.store, id_)
            await self._sessions.note(visit.session, n_("key revoked"), names[id_], id_)
        return Done(path=KEYS, toast=Toast(t("“%s” is good for nothing now") % names[id_]))

    async def _listed(
        self, visit: Visit, *, made: str = "", errors: Mapping[str, str] | None = None
    ) -> Response:
        form = {} if made else visit.form
        return visit.page(
            PAGES,
            "keys.html",
            status=400 if errors else 200,
            keys=await self._keys.all(visit.store),
            made=made,
            scopes=[(one, one, t(SCOPES.get(one, ""))) for one in self._scopes],
            chosen=chosen(form, "scope", self._scopes),
            form=form,
            errors=errors or {},
            key=self._ids(),
        )


def _kept() -> list[tuple[str, str]]:
    """Return what is kept how long, in words."""
    spans = [
        (t("What your store told us"), retention.DELIVERIES),
        (t("What of that could not be read"), retention.PARKED),
        (t("What was sent to your store"), retention.PUSHES),
        (t("What your webhooks were told"), retention.MESSAGES),
        (t("Who was signed in, after that"), KEPT),
    ]
    kept = [(what, tn("%s day", "%s days", span.days) % span.days) for what, span in spans]
    return [*kept, (t("Points, and what was changed by whom"), t("for good"))]


def chosen(form: Mapping[str, str], group: str, known: Sequence[str]) -> list[str]:
    """Return which boxes of a group are ticked."""
    return [one for one in known if f"{group}:{one}" in form]


def sentence(error: Exception) -> str:
    """Return what was wrong, as a sentence."""
    said = str(error)
    return t("%s.") % f"{said[:1].upper()}{said[1:]}"
