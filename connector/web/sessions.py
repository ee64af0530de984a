"""Who is at a merchant's pages: somebody by name, in a role, for a working day.

They come in by a link that is good once (``perennial admin-link``), or from the store's own back
office, which signs for a minute who they are. What a role may do, each higher one may too.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import jwt
import msgspec

from connector.errors import AdminUnknown, RequestInvalid
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.kernel.vault import Vault
from connector.sync import tickets
from connector.web.catalogues import n_, t
from connector.web.models import DeedRow, SessionRow

Role = Literal["analyst", "support", "manager", "owner"]
ROLES: tuple[Role, ...] = (n_("analyst"), n_("support"), n_("manager"), n_("owner"))
"""The lowest first: who looks, who serves customers, who runs the program, whose store it is."""
COOKIE = "perennial_admin"
AUDIENCE = "perennial-admin"
KEY_ID = "1"
HANDED_S = 60  # how long a back office's word is good
LIFE = timedelta(hours=8)
SEEN = timedelta(minutes=1)  # how exactly a session knows when it was last used
WHO_MAX = 100
COOKIE_MAX = 200
BESIDE = "~"  # between the sessions of one browser
STORES_MAX = 20
KEPT = timedelta(days=30)  # sessions that are over


class Guest(msgspec.Struct, frozen=True):
    """Who is to come in by a link."""

    store: str
    who: str
    role: Role


class Handed(msgspec.Struct, frozen=True):
    """What a store's back office says of who comes: times in seconds since 1970."""

    iss: str
    sub: str
    role: Role
    iat: int
    exp: int
    jti: str


async def admin_link(
    ids: Ids, clock: Clock, public_url: str, store: str, *, who: str = "owner", role: Role = "owner"
) -> str:
    """Return a link that opens the merchant's pages of a store, once, within ten minutes.

    Raises:
        RequestInvalid: nobody can be called so.
    """
    if not 1 <= len(who.strip()) <= WHO_MAX or not who.isprintable():
        raise RequestInvalid(t("say who it is for, in %s characters at most") % WHO_MAX)
    subject = msgspec.json.encode(Guest(store, who.strip(), role)).decode()
    secret = await tickets.issue(ids, clock(), "admin", subject)
    return f"{public_url}/admin/enter?ticket={secret}"


class Sessions:
    """Opens, finds and ends sessions, and notes what is done in them."""

    def __init__(self, clock: Clock, ids: Ids, vault: Vault) -> None:
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._csrf_key = vault.derive("admin-csrf")
        self._visit_key = vault.derive("admin-visit")

    async def open(self, ticket: str) -> str:
        """Return the cookie of a new session, for the secret of a link.

        Raises:
            AdminUnknown: the link is used up, or too old.
        """
        now = self._clock()
        found = await tickets.redeem(now, "admin", ticket)
        if found is None:
            raise AdminUnknown(t("this link is used up or too old: ask for a new one"))
        return await self._opened(msgspec.json.decode(found.subject, type=Guest))

    def key(self, store: str) -> str:
        """Return the key that a store's back office signs with, in base64url without padding."""
        return base64.urlsafe_b64encode(self._key(store)).decode().rstrip("=")

    def _key(self, store: str) -> bytes:
        return self._vault.derive("admin", store, KEY_ID)

    async def visiting(self, store: str, who: str, role: Role) -> SessionRow:
        """Return the session of somebody whom a platform names with each request.

        No cookie opens it: what it has in the place of a cookie's digest is of no text.
        """
        now = self._clock()
        digest = hmac.digest(self._visit_key, f"{store} {who}".encode(), "sha256").hex()
        open_ = SessionRow.filter(store=store, digest=digest, ends_at__gt=now)
        row = await open_.order_by("opened_at", "id").first()  # two, where they began at once
        if row is None:
            row = await self._created(Guest(store, who, role), digest)
        await self._seen(row)
        return row

    async def hand_over(self, token: str) -> str:
        """Return the cookie of a new session, for the word of a store's back office.

        That is a JWT, HS256 by the store's :meth:`key`, for ``perennial-admin``: ``iss`` the store,
        ``sub`` who comes, ``role``, ``iat``, ``exp`` at most a minute later, ``jti`` used once.

        Raises:
            AdminUnknown: it is not the store's word, too old, or used up.
        """
        now = self._clock()
        try:
            said = jwt.decode(token, options={"verify_signature": False})
            key = self._key(str(said.get("iss")))
            claims = jwt.decode(
                token,
                key,
                ["HS256"],
                audience=AUDIENCE,
                options={"verify_exp": False, "verify_iat": False},
            )
            handed = msgspec.convert(claims, Handed)
        except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError):
            raise AdminUnknown(
                t("your store's back office did not send you here: open it")
            ) from None
        is_short = handed.iat < handed.exp <= handed.iat + HANDED_S
        is_now = handed.iat - HANDED_S <= now.timestamp() < handed.exp
        mark = f"{handed.iss}:{handed.jti}"
        if not is_short or not is_now or not await tickets.spend(now, "handed", mark):
            raise AdminUnknown(t("this way in is used up or too old: go back, and open it again"))
        who = "".join(filter(str.isprintable, handed.sub)).strip()[:WHO_MAX] or "somebody"
        return await self._opened(Guest(handed.iss, who, handed.role))

    async def _opened(self, guest: Guest) -> str:
        """Open a session, and return its cookie."""
        secret = secrets.token_urlsafe(32)
        row = await self._created(guest, _digest(secret))
        return f"{row.id}.{secret}"

    async def _created(self, guest: Guest, digest: str) -> SessionRow:
        now = self._clock()
        await SessionRow.filter(store=guest.store, ends_at__lt=now - KEPT).delete()
        return await SessionRow.create(
            id=self._ids(),
            store=guest.store,
            who=guest.who,
            role=guest.role,
            digest=digest,
            opened_at=now,
            seen_at=now,
            ends_at=now + LIFE,
        )

    async def of(self, cookie: str) -> SessionRow:
        """Return the session that a browser uses: the first of its cookie.

        Raises:
            AdminUnknown: it has none, or it is over.
        """
        row = await self._open(cookie.partition(BESIDE)[0])
        if row is None:
            raise AdminUnknown(t("open this page by a link: perennial admin-link prints one"))
        await self._seen(row)
        return row

    async def _seen(self, row: SessionRow) -> None:
        now = self._clock()
        if row.seen_at + SEEN <= now:
            row.seen_at = now
            await row.save(update_fields=["seen_at"])

    async def beside(self, cookie: str) -> Mapping[str, SessionRow]:
        """Return the open sessions that a browser has beside the one in use, by their cookies."""
        found = {one: await self._open(one) for one in cookie.split(BESIDE)[1:STORES_MAX]}
        return {one: row for one, row in found.items() if row is not None}

    async def joined(self, first: str, before: str) -> str:
        """Return the cookie of a browser that uses a session from now on, and keeps its others.

        Of each store it keeps one.
        """
        used = await self._open(first)
        stores = {used.store} if used else set()
        kept = [first]
        for one, row in (await self.beside(f"{BESIDE}{before}")).items():
            if row.store not in stores:
                stores.add(row.store)
                kept.append(one)
        return BESIDE.join(kept[:STORES_MAX])

    async def _open(self, cookie: str) -> SessionRow | None:
        """Return the session of one cookie, None where it is over or somebody else's."""
        id_, _, secret = cookie[:COOKIE_MAX].partition(".")
        row = await SessionRow.get_or_none(id=id_) if id_.isalnum() else None
        is_theirs = row is not None and hmac.compare_digest(row.digest, _digest(secret))
        return row if row is not None and is_theirs and row.ends_at > self._clock() else None

    async def end(self, store: str, id_: str) -> SessionRow:
        """End a session of a store, from the next request on.

        Raises:
            RequestInvalid: the store has no such session that is open.
        """
        now = self._clock()
        row = await SessionRow.get_or_none(store=store, id=id_, ends_at__gt=now)
        if row is None:
            raise RequestInvalid(t("this session is over already"))
        row.ends_at = now
        await row.save(update_fields=["ends_at"])
        return row

    async def all(self, store: str) -> list[SessionRow]:
        """Return the open sessions of a store, the last opened first."""
        rows = SessionRow.filter(store=store, ends_at__gt=self._clock())
        return await rows.order_by("-opened_at", "id")

    def csrf(self, session: SessionRow) -> str:
        """Return what every form of a session carries, which no other page can know."""
        return hmac.digest(self._csrf_key, session.id.encode(), "sha256").hex()

    def is_from_us(self, session: SessionRow, form: Mapping[str, str]) -> bool:
        """Return whether a form is one of ours, of this session."""
        return hmac.compare_digest(form.get("csrf", "").encode(), self.csrf(session).encode())

    async def is_first(self, session: SessionRow, form: Mapping[str, str]) -> bool:
        """Return whether a form is sent for the first time, by the ``key`` that it carries."""
        mark = f"{session.id}:{form.get('key', '')}"
        return await tickets.spend(self._clock(), "form", mark, life=LIFE)

    async def note(self, session: SessionRow, what: str, about: str, said: str) -> None:
        """Write down what somebody did, in the transaction that does it."""
        await DeedRow.create(
            store=session.store,
            at=self._clock(),
            who=session.who,
            role=session.role,
            what=what,
            about=about,
            said=said,
        )


def may(session: SessionRow, role: Role) -> bool:
    """Return whether somebody may do what takes a role."""
    return session.role in ROLES[ROLES.index(role) :]


async def deeds(store: str, before: int, limit: int) -> list[DeedRow]:
    """Return what was done in a store's pages before a row's number, the newest first."""
    return await DeedRow.filter(store=store, id__lt=before).order_by("-id").limit(limit)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
