"""WooCommerce over the network: one site's REST API, through the caller's HTTP client."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import urlsplit

import httpx
import orjson

from platforms.errors import (
    AccessRevoked,
    Malformed,
    PlatformError,
    Rejected,
    TransientError,
)
from platforms.http import call, checked, is_page, parsed
from platforms.model import (
    Discount,
    DiscountSeen,
    Kind,
    Page,
    Profile,
    Record,
    StoreInfo,
    Subscription,
)
from platforms.protocol import Access
from platforms.woocommerce import auth, coupons, wire
from platforms.woocommerce.listing import PER_PAGE, Place, Walk, counted, page_count

SECOND = timedelta(seconds=1)  # the grain of the vendor's stamps
EPOCH = datetime(1970, 1, 2, tzinfo=UTC)
REQUESTS_AT_ONCE = 4  # of one batch; more gain nothing on a small store
BATCH_MAX = 100  # coupons in one request; 101 are refused with 413
PORTS = frozenset({80, 443, 8080})
NEEDED = (5, 8)  # the first WooCommerce that lists what was modified after an instant
PATHS: Mapping[Kind, str] = {"order": "orders", "customer": "customers", "product": "products"}
TOPICS = (
    "order.created", "order.updated", "order.deleted", "order.restored",
    "customer.created", "customer.updated", "customer.deleted",
    "product.created", "product.updated", "product.deleted",
)  # fmt: skip
NEW_KEY = (
    "make a key with Read/Write permissions in WooCommerce > Settings > Advanced > REST API, for"
    " a user who manages the store, and connect with it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a site says of itself; ``host`` is in its records' links."""

    name: str
    host: str
    currency: str
    zone: tzinfo
    zone_name: str


class WooStore:
    """The network half: one site's REST API, through the caller's HTTP client."""

    def __init__(self, access: Access, http: httpx.AsyncClient) -> None:
        self._access = access
        self._http = http
        self._root = ""
        self._site: Site | None = None

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None
    ) -> httpx.Response:
        """Send one signed request to wc/v3 and return the answer of any status."""
        return await self._send(method, await self._api(), f"/wc/v3{path}", query, body)

    async def _send(
        self,
        method: str,
        root: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> httpx.Response:
        url = auth.api_url(self._access["url"], root, path, query or {})
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self._http.build_request(method, url, content=content, headers=headers)
        return await call(self._http, auth.signed(request, self._access))

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        return accepted(await self._call("GET", path, query), f"reading {path[1:]}")

    # --- what the site is

    async def _api(self) -> str:
        """Return how the site's API is addressed, found out once; see :func:`auth.api_url`."""
        if not self._root:
            await self._index()
        return self._root

    async def _index(self) -> wire.WireIndex:
        """Read WordPress's own index, by pretty address or plain one, and note which it was."""
        for root in auth.ROOTS:
            answer = await self._send("GET", root, "/")
            if answer.status_code != 404:
                answer = accepted(answer, "asking the store who it is")
                index = wire.whole(answer, wire.WireIndex)
                self._root = root
                return index
        raise TransientError(
            f"there is no WordPress API at {self._access['url']}",
            name="api-missing",
            advice="check the address: it is the one of the store's front page",
        )

    async def _known(self) -> Site:
        """Return what the site said of itself, asked once."""
        return self._site or await self._ask_site()

    async def _ask_site(self) -> Site:
        index = await self._index()
        if "wc/v3" not in index.namespaces:
            raise _no_woocommerce(index, self._access["url"])
        setting = await self._get("/settings/general/woocommerce_currency")
        self._site = Site(
            name=index.name,
            host=urlsplit(index.home or self._access["url"]).hostname or "",
            currency=wire.whole(setting, wire.WireSetting).value,
            zone=wire.read_zone(index),
            zone_name=wire.zone_name(index),
        )
        return self._site

    async def info(self) -> StoreInfo:
        """See :class:`platforms.protocol.StoreClient`.

        Raises:
            PlatformError: among others, that WooCommerce is missing or too old.
        """
        site = await self._ask_site()
        await self._check_version()
        return StoreInfo(
            name=site.name,
            url=self._access["url"],
            currency=site.currency,
            timezone=site.zone_name,
        )

    async def _check_version(self) -> None:
        """Refuse a version that ignores ``modified_after``; one that hides its version passes."""
        answer = await self._call("GET", "/system_status", {"_fields": "environment.version"})
        if not answer.is_success or is_page(answer):
            return
        version = wire.whole(answer, wire.WireStatus).environment.version
        if wire.numbers(version)[:2] < NEEDED:
            raise Malformed(
                f"WooCommerce {version} is too old",
                name="woocommerce-too-old",
                advice="update WooCommerce to 5.8 or newer, then connect the store again",
            )

    # --- reading

    async def newest(self) -> datetime | None:
        """See :class:`platforms.protocol.StoreClient`."""
        query = {"status": "any", "orderby": "modified", "order": "desc", "per_page": "1"}
        rows = await self._rows("order", await self._get("/orders", query))
        return wire.changed_at(rows[0]) if rows else None

    async def count(self, kind: Kind) -> int | None:
        """Return what a listing's header counts; drafts are in it, the trash is not."""
        query = {"role": "all"} if kind == "customer" else {"status": "any"}
        answer = await self._get(f"/{PATHS[kind]}", query | {"per_page": "1"})
        await self._rows(kind, answer)  # or it is no answer of this store
        return counted(answer)

    async def _rows(self, kind: Kind, answer: httpx.Response) -> Sequence[wire.Row]:
        """Decode a listing, once its rows are known to be this store's."""
        return wire.decode_rows(kind, answer, (await self._known()).host)

    async def page(self, kind: Kind, cursor: str | None, since: datetime | None) -> Page:
        """See :class:`platforms.protocol.StoreClient`.

        What changed is listed by its stamp, everything by its id. The default list hides the
        trash, which therefore is a pass of its own. Customers cannot be listed by change (the
        parameter is ignored in silence): what can be told is which are new, newest first.
        """
        passes = ["any", "trash"] if kind == "order" else ["any"]
        status, _, place = cursor.partition("|") if cursor else (passes[0], "", ":")
        walk = await self._walk(kind, status, since)
        begun = Place() if place == ":" else Place.read(place)
        rows, after, is_end = await walk.step(begun)
        items = tuple(wire.read_listed(kind, row) for row in rows if not wire.is_draft(row))
        if kind == "customer" and since is not None:
            is_end = is_end or any(wire.created_at(row) < since - SECOND for row in rows)
        if not is_end:
            return Page(items, f"{status}|{after}")
        left = passes[passes.index(status) + 1 :]
        return Page(items, f"{left[0]}|:" if left else None)

    async def _walk(self, kind: Kind, status: str, since: datetime | None) -> Walk:
        host = (await self._known()).host
        order, key = "asc", wire.id_key
        query = {"orderby": "id", "per_page": str(PER_PAGE)}
        query |= {"role": "all"} if kind == "customer" else {"status": status}
        if since is not None and kind == "customer":
            order, key = "desc", wire.falling_id_key
        elif since is not None:
            key = wire.stamp_key
            query |= {
                "orderby": "modified",
                "modified_after": wire.naive_gmt(max(since, EPOCH) - SECOND),  # strictly after
                "dates_are_gmt": "true",  # and an offset would mislead
            }

        async def ask(position: int) -> httpx.Response:
            place = {"order": order, "offset": str(position)}
            return await self._get(f"/{PATHS[kind]}", query | place)

        return Walk(kind, ask, key, host)

    async def fetch(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Record | None]:
        """See :class:`platforms.protocol.StoreClient`.

        ``include`` drops trashed and deleted ids in silence, so what it leaves out is asked for
        one by one: the trash answers, the purged are 404.
        """
        found: dict[str, Record | None] = {}
        for begin in range(0, len(ids), PER_PAGE):
            found |= await self._batch(kind, ids[begin : begin + PER_PAGE])
        return found

    async def _batch(self, kind: Kind, ids: Sequence[str]) -> dict[str, Record | None]:
        query = {"include": ",".join(ids), "per_page": str(PER_PAGE)}
        query |= {"role": "all"} if kind == "customer" else {"status": "any"}
        listed = await self._rows(kind, await self._get(f"/{PATHS[kind]}", query))
        bodies = {str(row.id): row for row in listed if not isinstance(row, wire.WireId)}
        turn = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def one(id_: str) -> Record | None:
            async with turn:
                row = bodies.get(id_) or await self._row(kind, id_)
                return None if row is None else await self._whole(row)

        records = await asyncio.gather(*(one(id_) for id_ in ids))
        return dict(zip(ids, records, strict=True))

    async def _row(self, kind: Kind, id_: str) -> wire.Row | None:
        """Return one record's body, None where the store has no such id."""
        answer = await self._call("GET", f"/{PATHS[kind]}/{id_}")
        if is_gone(answer):
            return None
        body = parsed(accepted(answer, f"reading {kind} {id_}"))
        return wire.decode_row(kind, body, (await self._known()).host)

    async def _whole(self, row: wire.Row) -> Record | None:
        """Return the record of a body, with the refunds that an order's body only names."""
        if wire.is_draft(row):
            return None
        if not isinstance(row, wire.WireOrder) or not row.refunds:
            return wire.read_record(row)
        refunds: list[wire.WireRefund] = []
        number, pages = 1, 1.0
        while number <= pages:
            path = f"/orders/{row.id}/refunds"
            answer = await self._get(path, {"per_page": str(PER_PAGE), "page": str(number)})
            came = wire.whole(answer, list[wire.WireRefund])
            refunds += came
            number, pages = number + 1, page_count(answer, len(came))
        return wire.read_order(row, refunds)

    # --- webhooks

    async def subscribe(self, url: str, secret: str) -> None:
        """See :class:`platforms.protocol.StoreClient`.

        A secret can't be read back, so webhooks that are there get ours again; one that somebody
        paused stays so. One that was disabled is made anew and then deleted: switching it on keeps
        its count of failures, and the next failure would switch it off again.

        Raises:
            Rejected: stores would take the address, and never deliver to it.
        """
        _check_reach(httpx.URL(url))
        there = await self.subscriptions(url)
        alive = {one.topic: one for one in there if one.status != "disabled"}
        for topic in TOPICS:
            body = {
                "name": f"Perennial {topic}",
                "topic": topic,
                "delivery_url": url,
                "secret": secret,
            }
            if topic in alive:
                answer = await self._call("PUT", f"/webhooks/{alive[topic].id}", body=body)
            else:
                answer = await self._call("POST", "/webhooks", body=body | {"status": "active"})
            accepted(answer, f"subscribing {topic}")
        for one in there:
            if alive.get(one.topic) is not one or one.topic not in TOPICS:
                await self._delete(f"/webhooks/{one.id}")

    async def subscriptions(self, url: str) -> Sequence[Subscription]:
        """See :class:`platforms.protocol.StoreClient`."""
        found: list[Subscription] = []
        number, pages = 1, 1.0
        while number <= pages:
            answer = await self._get("/webhooks", {"per_page": str(PER_PAGE), "page": str(number)})
            rows = wire.whole(answer, list[wire.WireWebhook])
            found += [wire.read_subscription(row) for row in rows if row.delivery_url == url]
            number, pages = number + 1, page_count(answer, len(rows))
        return found

    async def unsubscribe(self, url: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        for one in await self.subscriptions(url):
            await self._delete(f"/webhooks/{one.id}")

    async def _delete(self, path: str) -> None:
        """Delete something for good; where it is gone already, this is done."""
        answer = await self._call("DELETE", path, {"force": "true"})
        if not is_gone(answer):
            accepted(answer, f"deleting {path}")

    # --- discounts

    async def issue_discounts(
        self, discounts: Sequence[Discount]
    ) -> Sequence[DiscountSeen | PlatformError]:
        """See :class:`platforms.protocol.StoreClient`.

        Each reply is compared with what was asked: an address that WooCommerce dislikes is
        dropped in silence, which would leave a coupon open to everybody.
        """
        outcomes: list[DiscountSeen | PlatformError] = []
        for begin in range(0, len(discounts), BATCH_MAX):
            outcomes += await self._issue(discounts[begin : begin + BATCH_MAX])
        return outcomes

    async def _issue(self, discounts: Sequence[Discount]) -> list[DiscountSeen | PlatformError]:
        site = await self._known()
        refused = {one.code: coupons.refusal(one, site.currency) for one in discounts}
        asked = [one for one in discounts if refused[one.code] is None]
        body = {"create": [coupons.write(one, site.zone) for one in asked]}
        replies: list[coupons.Created] = []
        if asked:
            answer = accepted(await self._call("POST", "/coupons/batch", body=body), "new coupons")
            replies = coupons.read_batch(answer, len(asked))
        made = {
            one.code: await self._settled(one, reply)
            for one, reply in zip(asked, replies, strict=True)
        }
        return [refused[one.code] or made[one.code] for one in discounts]

    async def _settled(
        self, discount: Discount, reply: coupons.Created
    ) -> DiscountSeen | PlatformError:
        """Return the discount as the store has it, or why it is none of ours."""
        site = await self._known()
        kept = coupons.as_kept(discount, site.zone)
        if reply.error is not None:
            if reply.error.code != coupons.EXISTS:
                return Rejected(f"coupon {discount.code}: {reply.error.message}")
            seen = await self._single(discount.code)
            if seen is None:
                return TransientError(f"coupon {discount.code} was there and is gone")
        else:
            seen = coupons.read(reply.coupon, site.currency)
            if seen.discount != coupons.as_shown(kept):
                await self._delete(f"/coupons/{seen.id}")
        if seen.discount == coupons.as_shown(kept):
            return replace(seen, discount=kept)
        return Rejected(f"coupon {discount.code} did not read back as it was written")

    async def _coupons(self, code: str) -> list[DiscountSeen]:
        """Return the coupons with this code, oldest first; two at once are two writers' work."""
        site = await self._known()
        answer = await self._get("/coupons", {"code": code.lower()})
        rows = wire.whole(answer, list[coupons.WireCoupon])
        return [coupons.read(row, site.currency) for row in sorted(rows, key=lambda row: row.id)]

    async def read_discount(self, code: str) -> DiscountSeen | None:
        """See :class:`platforms.protocol.StoreClient`."""
        found = await self._coupons(code)
        return found[0] if found else None

    async def _single(self, code: str) -> DiscountSeen | None:
        """Return the discount with this code, once extra ones of ours are deleted."""
        found = await self._coupons(code)
        for other in found[1:]:
            if other.redemption_id is not None and other.redemption_id == found[0].redemption_id:
                await self._delete(f"/coupons/{other.id}")
        return found[0] if found else None

    async def revoke_discount(self, code: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        seen = await self._single(code)
        if seen is not None and seen.redemption_id is None:
            raise Rejected(f"coupon {code} is not ours to revoke")
        if seen is not None:
            await self._delete(f"/coupons/{seen.id}")

    # --- profile and notes

    async def write_profile(self, customer_id: str, profile: Profile) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        body = {"meta_data": wire.write_profile(profile)}
        answer = await self._call("PUT", f"/customers/{customer_id}", body=body)
        accepted(answer, f"writing the profile of customer {customer_id}")

    async def read_profile(self, customer_id: str) -> Profile | None:
        """See :class:`platforms.protocol.StoreClient`."""
        answer = await self._get(f"/customers/{customer_id}")
        return wire.read_profile(wire.whole(answer, wire.WireMetaHolder))

    async def write_note(self, order_id: str, text: str) -> None:
        """See :class:`platforms.protocol.StoreClient`."""
        if text in await self.read_notes(order_id):
            return
        answer = await self._call("POST", f"/orders/{order_id}/notes", body={"note": text})
        accepted(answer, f"writing a note on order {order_id}")

    async def read_notes(self, order_id: str) -> Sequence[str]:
        """See :class:`platforms.protocol.StoreClient`."""
        answer = await self._get(f"/orders/{order_id}/notes")
        return [wire.read_note(one) for one in wire.whole(answer, list[wire.WireNote])]


def accepted(answer: httpx.Response, doing: str) -> httpx.Response:
    """Return the answer if it is a success, or raise with the store's own words and a next step.

    Raises:
        PlatformError: as :func:`platforms.http.checked`; codes as recorded.
    """
    said = wire.error(answer.content)
    words = f"{doing}: {said.message}" if said.message else doing
    if answer.status_code == 401 and "write permissions" in said.message:
        raise AccessRevoked(words, name="access-read-only", advice=NEW_KEY)
    if answer.status_code == 401 and "timestamp" in said.message:
        raise TransientError(
            words,
            name="clocks-differ",
            advice="set the clock of this machine or the store's: they are 15 minutes apart",
        )
    if answer.status_code in {401, 403} and said.code:
        raise AccessRevoked(words, advice=NEW_KEY)
    if answer.status_code == 404 and said.code == "rest_no_route":
        raise TransientError(
            words,
            name="woocommerce-missing",
            advice="activate the WooCommerce plugin",
        )
    if answer.status_code == 404 and not said.code:
        raise TransientError(
            f"{words}: there is no WordPress API here",
            name="api-missing",
            advice="check the address: it is the one of the store's front page",
        )
    return checked(answer, words)


def _check_reach(url: httpx.URL) -> None:
    """Refuse an address that stores don't deliver to, but for those of this machine.

    Source: ``wp_http_validate_url``, and seen: the webhook is made and no delivery ever comes.
    """
    is_here = url.host in {"127.0.0.1", "localhost", "::1"}
    if not is_here and url.port not in {None, *PORTS}:
        raise Rejected(
            f"stores deliver webhooks to the ports 80, 443 and 8080 only, not to {url.port}",
            name="port-unreachable",
            advice="set PERENNIAL_PUBLIC_URL to an address on port 443",
        )


def is_gone(answer: httpx.Response) -> bool:
    """Return whether the store says that it has no such record: a 404 in its own words."""
    return answer.status_code == 404 and wire.is_missing(wire.error(answer.content))


def _no_woocommerce(index: wire.WireIndex, url: str) -> PlatformError:
    if any(name.startswith("wc/v") for name in index.namespaces):
        return Malformed(
            f"the WooCommerce at {url} is too old",
            name="woocommerce-too-old",
            advice="update WooCommerce to 5.8 or newer, then connect the store again",
        )
    return TransientError(
        f"{url} is a WordPress without WooCommerce",
        name="woocommerce-missing",
        advice="activate the WooCommerce plugin",
    )
