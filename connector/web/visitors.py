"""Who a storefront request comes from, and from which pages it may come.

The store signs a short token for its shopper with a key that only it and we have. A token proves
who, not intent: writes also need JSON, an ``Idempotency-Key`` and our header.
"""

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

from connector.errors import RequestInvalid, StoreUnknown, VisitorUnknown
from connector.kernel.clock import Clock
from connector.kernel.vault import Vault
from connector.sync.stores import Signer, Stores, may_be_id
from connector.web.body import idempotency_key
from platforms import visitor
from platforms.errors import SignatureInvalid

STORES_KEPT = 10_000  # whose keys a process remembers
KEY_IDS = ("1",)
"""The live keys of every store, newest last: a second one while they are being changed."""


class Visitors:
    """Knows the visitor keys of stores, and reads their tokens."""

    def __init__(self, stores: Stores, vault: Vault, clock: Clock) -> None:
        self._stores = stores
        self._vault = vault
        self._clock = clock
        self._keys: dict[str, Mapping[str, bytes]] = {}

    def keys(self, store: str) -> Mapping[str, bytes]:
        """Return a store's live keys by key id."""
        if store not in self._keys:
            if len(self._keys) >= STORES_KEPT:
                self._keys.clear()
            derive = self._vault.derive
            self._keys[store] = {key_id: derive("visitor", store, key_id) for key_id in KEY_IDS}
        return self._keys[store]

    def newest_key(self, store: str) -> tuple[str, str]:
        """Return the id of the key to sign with, and the key in base64url without padding."""
        key = self.keys(store)[KEY_IDS[-1]]
        return KEY_IDS[-1], base64.urlsafe_b64encode(key).decode().rstrip("=")

    def token(self, store: str, customer: str) -> str:
        """Return a token that speaks for a customer of a store, as long as any may."""
        keys = self.keys(store)
        return visitor.token_for(customer, store, KEY_IDS[-1], keys[KEY_IDS[-1]], self._clock())

    def led_on(self, signer: Signer, query: str) -> str | None:
        """Return who is signed in where a storefront led a request on, None for a guest.

        Raises:
            VisitorUnknown: none of the store's secrets signed it, or not now.
        """
        proxy, now = self._stores.platform(signer.platform).proxy, self._clock()
        assert proxy is not None
        wrong = SignatureInvalid("no secret")
        for secret in self._stores.secrets(signer, now):
            try:
                return proxy.customer_of(query, secret, now)
            except SignatureInvalid as error:
                wrong = error
        raise VisitorUnknown(str(wrong))

    @staticmethod
    def store_of(request: Request) -> str:
        """Return the id of the store that a storefront request names.

        Raises:
            StoreUnknown: it names none.
        """
        store_id = request.query_params.get("store")
        if not store_id:
            raise StoreUnknown("say which store: ?store=ID")
        return store_id

    def customer_of(self, request: Request, store_id: str, platform: str) -> str | None:
        """Return the customer id that the request's token speaks for, None without a token.

        Raises:
            VisitorUnknown: there is a token and it is not good.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            return None
        if kind.lower() != "bearer":
            raise VisitorUnknown("send the visitor token as Authorization: Bearer")
        keys = self.keys(store_id)
        try:
            customer = self._stores.platform(platform).verify_visitor(
                token, store_id, keys, self._clock()
            )
        except SignatureInvalid as error:
            raise VisitorUnknown(str(error)) from error
        if not may_be_id(customer):
            raise VisitorUnknown("the token names a customer that no store has")
        return customer


def meant_key(request: Request) -> str:
    """Return the key of a write that was meant: JSON, our header, and a key.

    Raises:
        RequestInvalid: one of the three is missing.
    """
    if request.headers.get("x-perennial") != "1":
        raise RequestInvalid("send the header X-Perennial: 1")
    return idempotency_key(request)


def origin_of(url: str) -> str:
    """Return the origin of a store's own pages."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
