"""Keys of merchants' own systems: made for one store, with scopes, and revoked at once.

A key is ``pk_ID_SECRET``. The secret has 256 random bits, so a plain digest of it is enough: there
is nothing to guess. It is shown once.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence

from starlette.requests import Request

from connector.commerce.models import StoreRow
from connector.errors import KeyUnknown, RequestInvalid
from connector.kernel.clock import Clock
from connector.kernel.ids import Ids
from connector.web.catalogues import t
from connector.web.models import ApiKeyRow

FORM = re.compile(r"pk_([a-z0-9]{16})_([A-Za-z0-9_-]{43})")
NAME_MAX = 100
KEYS_MAX = 100  # of a store, that are not revoked


class Keys:
    """Makes, finds and revokes keys."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def new(
        self, store: StoreRow, name: str, scopes: Sequence[str], known: Collection[str]
    ) -> str:
        """Make a key, and return it: nobody can read it again.

        Raises:
            RequestInvalid: it has no name or no scopes, or other scopes than are ``known``.
        """
        if not 1 <= len(name.strip()) <= NAME_MAX:
            raise RequestInvalid(f"give the key a name, of {NAME_MAX} characters at most")
        unknown = sorted(set(scopes) - set(known))
        if unknown or not scopes:
            there = ", ".join(sorted(known))
            what = f"there is no scope {unknown[0]!r}" if unknown else "give the key a scope"
            raise RequestInvalid(f"{what}: write one or more of {there}")
        if await ApiKeyRow.filter(store=store.id, revoked_at=None).count() >= KEYS_MAX:
            raise RequestInvalid(t("a store has %s keys at most: revoke one first") % KEYS_MAX)
        id_, secret = self._ids(), secrets.token_urlsafe(32)
        await ApiKeyRow.create(
            id=id_,
            store=store.id,
            name=name.strip(),
            scopes=sorted(set(scopes)),
            digest=_digest(secret),
            created_at=self._clock(),
        )
        return f"pk_{id_}_{secret}"

    async def all(self, store: StoreRow) -> list[ApiKeyRow]:
        """Return the keys of a store that are good, oldest first."""
        return await ApiKeyRow.filter(store=store.id, revoked_at=None).order_by("created_at", "id")

    async def revoke(self, store: StoreRow, id_: str) -> None:
        """Make a key good for nothing, from the next request on.

        Raises:
            RequestInvalid: the store has no such key that is good.
        """
        mine = ApiKeyRow.filter(store=store.id, id=id_, revoked_at=None)
        if not await mine.update(revoked_at=self._clock()):
            raise RequestInvalid(f"there is no key {id_!r}: `perennial key STORE` lists them")

    @staticmethod
    async def of(request: Request) -> ApiKeyRow:
        """Return the key of a request.

        Raises:
            KeyUnknown: it has none, or one that is not good.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        form = FORM.fullmatch(token.strip())
        if kind.lower() != "bearer" or form is None:
            raise KeyUnknown("send an API key as Authorization: Bearer pk_...")
        row = await ApiKeyRow.get_or_none(id=form[1], revoked_at=None)
        if row is None or not hmac.compare_digest(row.digest, _digest(form[2])):
            raise KeyUnknown("this API key is not good: perhaps it was revoked")
        return row


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
