"""What merchants' own systems ask about points: members, entries, redemptions and programs.

A member is an account: ``customer:`` with the platform's id of a customer, or ``guest:`` of who
bought without one. Lists go on ``after`` the id of the last one that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from tortoise.expressions import Q

from connector.commerce import records
from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import EMAIL_MAX, StoreRow
from connector.errors import (
    InsufficientPoints,
    InvalidProgram,
    KeyReused,
    RecordUnknown,
    RequestInvalid,
    ReservationEnded,
    RewardSoldOut,
    RewardUnavailable,
)
from connector.features.loyalty import views
from connector.features.loyalty.acts import birthday
from connector.features.loyalty.choices import Choice
from connector.features.loyalty.decisions import POINTS_MAX, REASON_MAX, Decision
from connector.features.loyalty.models import PublicationRow
from connector.features.loyalty.rules.facts import Act
from connector.features.loyalty.rules.program import EVENT
from connector.features.loyalty.service import Loyalty
from connector.kernel.clock import Awaits, Clock, awaited, unless_awaited
from connector.kernel.ids import Ids
from connector.ledger import ledger, merges
from connector.ledger.models import AccountRow, EntryRow
from connector.rewards.entitlements import held_by, uses_of
from connector.rewards.models import PerkUseRow, RedemptionRow, ReservationRow
from connector.rewards.reservations import CAPTURED, RELEASED, Hold
from connector.web.api import (
    BIGINT,
    INT,
    Asked,
    Endpoint,
    Endpoints,
    Listed,
    Nothing,
    cut,
    id_of,
    known,
    number,
)

ACCOUNT_MAX = 100  # letters of an account
MINUTES_MAX = 24 * 60
Reason = Annotated[
    str, Meta(min_length=1, max_length=REASON_MAX, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
]


class Sought(Listed):
    """Which part of the members is asked for, or those of one address; guests have none here."""

    email: Annotated[str, Meta(max_length=EMAIL_MAX, pattern=r"^[^\x00]*$")] = ""


class Adjusting(msgspec.Struct, forbid_unknown_fields=True):
    """Points to give or, where negative, to take; the reason stands in the ledger."""

    points: Annotated[int, Meta(ge=-POINTS_MAX, le=POINTS_MAX)]
    reason: Reason


class Placing(msgspec.Struct, forbid_unknown_fields=True):
    """A tier to be put into, or none; locked: until it is decided anew."""

    tier: str | None
    reason: Reason
    is_locked: bool = False


class Redeeming(msgspec.Struct, forbid_unknown_fields=True):
    """The reward to spend points on; of a part of a cart how many, of several gifts which one."""

    reward: str
    points: Annotated[int, Meta(ge=1, le=POINTS_MAX)] | None = None
    product: Annotated[str, Meta(max_length=64)] | None = None


class Acting(msgspec.Struct, forbid_unknown_fields=True):
    """What a customer did, now or ``at`` an instant that is past.

    An ``event`` has its name, a ``newsletter`` whether there is consent, a ``birthday`` its date,
    of which the year is not kept.
    """

    kind: Literal["review", "event", "newsletter", "social_share", "birthday"]
    event: Annotated[str, Meta(pattern=EVENT)] | None = None
    consent: bool | None = None
    date: Annotated[str, Meta(max_length=10)] | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None


class Reserving(msgspec.Struct, forbid_unknown_fields=True):
    """Points to hold back, for how long at most, and what for in a few words."""

    points: Annotated[int, Meta(ge=1, le=POINTS_MAX)]
    minutes: Annotated[int, Meta(ge=1, le=MINUTES_MAX)] = 15
    note: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")] = ""


class Publishing(msgspec.Struct, forbid_unknown_fields=True):
    """A program as a TOML document; what happened ``re_rate_from`` then on is rated anew."""

    document: str
    re_rate_from: Annotated[datetime, Meta(tz=True)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account and what it holds; of who became somebody else's, ``joined_to`` says whose."""

    id: str
    customer_id: str | None
    email: str | None
    available: int
    pending: int
    pending_at: datetime | None
    next_expiry: views.ExpiryView | None
    tier: str | None
    joined_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberList:
    """Members, by their ids."""

    data: list[Member]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger: points that take effect at an instant, with cause and arithmetic.

    The instant is null while they wait for their order to be fulfilled or delivered, as it
    ``awaits``; once it is, that is taken back and the points come anew.
    """

    id: str
    member: str
    cause: str
    kind: str
    points: int
    effective_at: datetime | None
    awaits: Awaits | None
    posted_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryList:
    """Entries of one member, in the order in which they were posted: none is ever put between."""

    data: list[Entry]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionList:
    """Redemptions of one member, oldest first."""

    data: list[views.RedemptionView]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PerkUse:
    """A use of a benefit: on ``order:`` with an id, or by another key."""

    id: str
    benefit: str
    kind: str
    used_on: str
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitlementList:
    """The benefits that a member has now, and their uses in the order of the log."""

    held: list[views.PerkView]
    data: list[PerkUse]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Points held back until ``ends_at``, unless they are captured or released before."""

    id: str
    member: str
    points: int
    note: str
    state: Literal["held", "captured", "released"]
    reserved_at: datetime
    ends_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a customer did, and the points that it earned by now.

    A birthday earns when it comes, and where the program has a budget that is asked first.
    """

    id: str
    member: str
    kind: str
    at: datetime
    earned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramVersion:
    """A published version of the program, as it was written."""

    version: int
    published_at: datetime
    re_rate_from: datetime | None
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramList:
    """Published versions, oldest first; ``after`` is a version's number."""

    data: list[ProgramVersion]
    has_more: bool


class LoyaltyApi:
    """What the endpoints do."""

    def __init__(self, loyalty: Loyalty, clock: Clock, ids: Ids) -> None:
        self._loyalty = loyalty
        self._clock = clock
        self._ids = ids

    def endpoints(self) -> Endpoints:
        """Return the endpoints."""
        gone = (RecordUnknown,)
        decided = '{"points": 50, "reason": "sorry for the delay"}'
        placed = '{"tier": "Gold", "is_locked": false, "reason": "as promised"}'
        acted = '{"kind": "event", "event": "quiz"}'
        ended = (RecordUnknown, ReservationEnded)
        redeemed = (RecordUnknown, RewardUnavailable, RewardSoldOut, InsufficientPoints)
        return [
            Endpoint("GET", "/members", "read", self.members),
            Endpoint("GET", "/members/{id}", "read", self.member, gone),
            Endpoint("GET", "/members/{id}/entries", "read", self.entries, gone),
            Endpoint("GET", "/members/{id}/redemptions", "read", self.redemptions, gone),
            Endpoint("GET", "/members/{id}/entitlements", "read", self.entitlements, gone),
            Endpoint("POST", "/members/{id}/adjustments", "points", self.adjust, gone, decided),
            Endpoint("POST", "/members/{id}/placements", "points", self.place, gone, placed),
            Endpoint(
                *("POST", "/members/{id}/redemptions", "redemptions", self.redeem),
                errors=redeemed,
                example='{"reward": "5-off"}',
            ),
            Endpoint("GET", "/redemptions/{id}", "read", self.redemption, gone),
            Endpoint(
                *("POST", "/members/{id}/reservations", "redemptions", self.reserve),
                errors=(RecordUnknown, InsufficientPoints),
                example='{"points": 300, "minutes": 15, "note": "till 2"}',
            ),
            Endpoint("GET", "/reservations/{id}", "read", self.reservation, gone),
            Endpoint("POST", "/reservations/{id}/capture", "redemptions", self.capture, ended),
            Endpoint("POST", "/reservations/{id}/release", "redemptions", self.release, ended),
            Endpoint("POST", "/members/{id}/events", "events", self.act, gone, acted),
            Endpoint("GET", "/programs", "read", self.programs, gone),
            Endpoint("GET", "/programs/{version}", "read", self.program, gone),
            Endpoint(
                *("POST", "/programs", "programs", self.publish),
                errors=(InvalidProgram,),
                example='{"document": "name = ..."}',
            ),
        ]

    async def members(self, asked: Asked[Sought, Nothing]) -> MemberList:
        """List members, all or those with an e-mail address."""
        page = asked.query
        rows = AccountRow.filter(store=asked.store.id, key__gt=page.after).order_by("key")
        if page.email:
            ids = await records.by_email(asked.store.id, page.email)
            rows = rows.filter(key__in=[customer_account(id_) for id_ in ids])
        found, has_more = cut(await rows.limit(page.limit + 1), page.limit)
        now = self._clock()
        for n, row in enumerate(found):
            if row.is_past(now):
                found[n] = await self._loyalty.settling.settled(asked.store, row.key)
        return MemberList(data=await self._shown(asked.store, found), has_more=has_more)

    async def member(self, asked: Asked[Nothing, Nothing]) -> Member:
        """Show a member, with points as they are now."""
        return await self._member(asked.store, await _known(asked))

    async def entries(self, asked: Asked[Listed, Nothing]) -> EntryList:
        """List a member's ledger."""
        account, page = await _known(asked), asked.query
        after = number(page.after, BIGINT)
        rows = EntryRow.filter(store=asked.store.id, account=account, id__gt=after)
        found, has_more = cut(await rows.order_by("id").limit(page.limit + 1), page.limit)
        return EntryList(data=[_entry(row) for row in found], has_more=has_more)

    async def redemptions(self, asked: Asked[Listed, Nothing]) -> RedemptionList:
        """List a member's redemptions."""
        account, page = await _known(asked), asked.query
        homes = await merges.homes(asked.store.id, [account])
        rows = RedemptionRow.filter(store=asked.store.id, account__in=homes.read([account]))
        if page.after:
            last = await rows.get_or_none(id=known(page.after))
            if last is None:
                raise RecordUnknown(f"this member has no redemption {page.after!r}")
            same = Q(redeemed_at=last.redeemed_at, id__gt=last.id)
            rows = rows.filter(same | Q(redeemed_at__gt=last.redeemed_at))
        rows = rows.order_by("redeemed_at", "id").limit(page.limit + 1)
        found, has_more = cut(await rows, page.limit)
        return RedemptionList(data=[views.view_redemption(row) for row in found], has_more=has_more)

    async def entitlements(self, asked: Asked[Listed, Nothing]) -> EntitlementList:
        """List what a member's tier gives, and the uses of it."""
        account, page, store = await _known(asked), asked.query, asked.store.id
        await self._loyalty.settling.settled(asked.store, account)
        after = number(page.after, BIGINT)
        uses = await uses_of(store, account, after, page.limit + 1)
        found, has_more = cut(uses, page.limit)
        held = [views.view_perk(one) for one in await held_by(store, account)]
        return EntitlementList(held=held, data=[_use(row) for row in found], has_more=has_more)

    async def adjust(self, asked: Asked[Nothing, Adjusting]) -> Member:
        """Give points, or take them."""
        said = asked.body
        if not said.points:
            raise RequestInvalid("give or take at least a point")
        return await self._decide(
            asked, Decision(key=asked.key, reason=said.reason, points=said.points)
        )

    async def place(self, asked: Asked[Nothing, Placing]) -> Member:
        """Put a member into a tier."""
        said = asked.body
        decision = Decision(
            key=asked.key, reason=said.reason, tier=said.tier, is_locked=said.is_locked
        )
        return await self._decide(asked, decision)

    async def redeem(self, asked: Asked[Nothing, Redeeming]) -> views.RedemptionView:
        """Spend a customer's points on a reward; its code is there once the store has it."""
        customer_id = customer_of(await _known(asked))
        if customer_id is None:
            raise RewardUnavailable("only customers of the store can redeem: a guest has no code")
        body = asked.body
        choice = Choice(reward=body.reward, points=body.points, product=body.product)
        row = await self._loyalty.redeem(asked.store, customer_id, choice, asked.key)
        return views.view_redemption(row)

    async def redemption(self, asked: Asked[Nothing, Nothing]) -> views.RedemptionView:
        """Show a redemption."""
        id_ = id_of(asked)
        row = await RedemptionRow.get_or_none(store=asked.store.id, id=id_)
        if row is None:
            raise RecordUnknown(f"there is no redemption {id_!r}")
        return views.view_redemption(row)

    async def act(self, asked: Asked[Nothing, Acting]) -> Event:
        """Say what a customer did besides buying, for which the program may pay."""
        account, now = await _known(asked), self._clock()
        if customer_of(account) is None:
            raise RequestInvalid("only what customers do can be told: this is a guest")
        at = _utc(asked.body.at) if asked.body.at else now
        if at > now:
            raise RequestInvalid(f"{at.isoformat()} is to come: say it when it is done")
        act = Act(id=self._ids(), kind=asked.body.kind, at=at, name=_name_of(asked.body))
        row, earned = await self._loyalty.note(asked.store, account, asked.key, act)
        if asked.body.at and row.happened_at != at:
            raise KeyReused("this key stands for something that was done at another time")
        return Event(
            id=row.id, member=row.account, kind=row.kind, at=row.happened_at, earned=earned
        )

    async def reserve(self, asked: Asked[Nothing, Reserving]) -> Reservation:
        """Hold points back for a sale elsewhere, such as at a till."""
        said = asked.body
        lasts = timedelta(minutes=said.minutes)
        hold = Hold(key=asked.key, points=said.points, lasts=lasts, note=said.note)
        return _reservation(await self._loyalty.reserve(asked.store, await _known(asked), hold))

    async def reservation(self, asked: Asked[Nothing, Nothing]) -> Reservation:
        """Show a reservation."""
        return _reservation(await _held(asked))

    async def capture(self, asked: Asked[Nothing, Nothing]) -> Reservation:
        """Spend reserved points for good."""
        return await self._end(asked, CAPTURED)

    async def release(self, asked: Asked[Nothing, Nothing]) -> Reservation:
        """Give reserved points back."""
        return await self._end(asked, RELEASED)

    async def _end(self, asked: Asked[Nothing, Nothing], state: str) -> Reservation:
        row = await _held(asked)
        await self._loyalty.end_reservation(row, asked.store, state)
        return _reservation(row)

    async def programs(self, asked: Asked[Listed, Nothing]) -> ProgramList:
        """List the published versions of the program."""
        page = asked.query
        rows = PublicationRow.filter(store=asked.store.id, version__gt=number(page.after, INT))
        found, has_more = cut(await rows.order_by("version").limit(page.limit + 1), page.limit)
        return ProgramList(data=[_version(row) for row in found], has_more=has_more)

    async def program(self, asked: Asked[Nothing, Nothing]) -> ProgramVersion:
        """Show a published version, by its number."""
        return await self._version(asked.store, number(id_of(asked, "version"), INT))

    async def publish(self, asked: Asked[Nothing, Publishing]) -> ProgramVersion:
        """Publish a program for all that happens from now on."""
        said, past = asked.body, asked.body.re_rate_from
        since = _utc(past) if past else None
        version = await self._loyalty.programs.publish(asked.store, said.document, asked.key, since)
        return await self._version(asked.store, version)

    async def _decide(self, asked: Asked[Nothing, Any], decision: Decision) -> Member:
        account = await _known(asked)
        await self._loyalty.decide(asked.store, account, decision)
        return await self._member(asked.store, account)

    async def _member(self, store: StoreRow, account: str) -> Member:
        """Return a member, settled to now."""
        row = await self._loyalty.settling.settled(store, account)
        (member,) = await self._shown(store, [row])
        return member

    async def _shown(self, store: StoreRow, rows: Sequence[AccountRow]) -> list[Member]:
        """Return members, all with the same few statements."""
        keys = [row.key for row in rows]
        balances = await ledger.balances(store.id, keys, self._clock())
        emails = await records.emails_of(store.id, keys)
        links = {one.account: one.owner for one in await ledger.links(store.id, keys)}
        return [
            Member(
                id=row.key,
                customer_id=customer_of(row.key),
                email=emails.get(row.key),
                available=balances[row.key].available,
                pending=balances[row.key].pending,
                pending_at=balances[row.key].pending_at,
                next_expiry=views.next_expiry(row),
                tier=row.tier,
                joined_to=links.get(row.key),
            )
            for row in rows
        ]

    @staticmethod
    async def _version(store: StoreRow, version: int) -> ProgramVersion:
        row = await PublicationRow.get_or_none(store=store.id, version=version)
        if row is None:
            raise RecordUnknown(f"there is no version {version}")
        return _version(row)


async def _known(asked: Asked[Any, Any]) -> str:
    """Return the account that a path names.

    Raises:
        RecordUnknown: the store has no such account or customer.
    """
    store, id_ = asked.store.id, id_of(asked, most=ACCOUNT_MAX)
    if await AccountRow.exists(store=store, key=id_):
        return id_
    customer_id = customer_of(id_)
    if customer_id is None or await records.customer(store, customer_id) is None:
        raise RecordUnknown(f"there is no member {id_!r}")
    return id_


async def _held(asked: Asked[Any, Any]) -> ReservationRow:
    """Return the reservation that a path names.

    Raises:
        RecordUnknown: the store has none of that id.
    """
    id_ = id_of(asked)
    row = await ReservationRow.get_or_none(store=asked.store.id, id=id_)
    if row is None:
        raise RecordUnknown(f"there is no reservation {id_!r}")
    return row


def _entry(row: EntryRow) -> Entry:
    return Entry(
        id=str(row.id),
        member=row.account,
        cause=row.cause,
        kind=row.kind,
        points=row.points,
        effective_at=unless_awaited(row.effective_at),
        awaits=awaited(row.effective_at),
        posted_at=row.posted_at,
        why=row.why,
    )


def _use(row: PerkUseRow) -> PerkUse:
    return PerkUse(
        id=str(row.id),
        benefit=row.benefit,
        kind=row.kind,
        used_on=row.key,
        used_at=row.used_at,
    )


def _reservation(row: ReservationRow) -> Reservation:
    return Reservation(
        id=row.id,
        member=row.account,
        points=row.points,
        note=row.note,
        state=row.state,  # type: ignore[arg-type]  # the column's own words
        reserved_at=row.reserved_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
    )


def _utc(at: datetime) -> datetime:
    """Return an instant in UTC.

    Raises:
        RequestInvalid: it is so far away that no calendar has it there.
    """
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise RequestInvalid(f"{at.isoformat()} is no time that can be: write another") from error


def _name_of(said: Acting) -> str:
    """Return the name of an act: an event's, whether there is consent, or a birthday.

    Raises:
        RequestInvalid: its kind has another, or this one is missing.
    """
    needs = {"event": "event", "newsletter": "consent", "birthday": "date"}.get(said.kind)
    given = {"event": said.event, "consent": said.consent, "date": said.date}
    if strange := [name for name, one in given.items() if one is not None and name != needs]:
        raise RequestInvalid(f"{said.kind} has no {strange[0]}")
    if needs is not None and given[needs] is None:
        raise RequestInvalid(f"{said.kind} needs {needs}")
    if said.date is not None:
        return birthday(said.date)
    return said.event or {True: "yes", False: "no", None: ""}[said.consent]


def _version(row: PublicationRow) -> ProgramVersion:
    return ProgramVersion(
        version=row.version,
        published_at=row.published_at,
        re_rate_from=row.re_rate_from,
        document=row.document,
    )
