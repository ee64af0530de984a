"""What a person said about mail, and what was told about them.

That is all there is: the store's platform does not say who agreed to mail, and from here nothing
is mailed but codes. What other systems make of what they are told, they know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from tortoise.expressions import F, Q

from connector.commerce.identity import customer_of
from connector.features.loyalty.claims import PUSH
from connector.features.loyalty.models import ActRow, ClaimRow
from connector.ledger import merges
from connector.sync.models import ListenerRow, MessageRow, OutboxRow
from connector.web.catalogues import n_, t
from connector.web.telling import EVENTS

SHOWN = 10
WORDS: Mapping[str, str] = {str(name): words for name, words in EVENTS.items()}
State = Literal["arrived", "waiting", "vain", "over"]
STATES = {
    "arrived": n_("arrived"),
    "waiting": n_("waiting"),
    "vain": n_("tried in vain"),
    "over": n_("sent or given up"),
}
"""How telling went, in words; of mail nobody knows more than that it waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Something that was told, to whom (a host, or nobody's where it was mail), and how it went."""

    at: datetime
    words: str
    to: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said last of mail, None where nobody said anything, and the last tellings."""

    consent: ActRow | None
    tellings: Sequence[Telling]


async def told(store: str, account: str) -> Told:
    """Return what was said by and about an account's person; codes of a day, events of a month."""
    accounts = sorted(await merges.whole(store, [account]))
    said = ActRow.filter(store=store, account__in=accounts, kind="newsletter")
    tellings = [*await _mailed(store, accounts), *await _sent(store, accounts)]
    return Told(
        consent=await said.order_by("-happened_at", "-id").first(),
        tellings=sorted(tellings, key=lambda one: one.at, reverse=True)[:SHOWN],
    )


async def _mailed(store: str, accounts: Sequence[str]) -> list[Telling]:
    ids = [id_ for one in accounts if (id_ := customer_of(one)) is not None]
    theirs = Q(customer_id__in=ids) | Q(account__in=list(accounts))
    claims = await ClaimRow.filter(theirs, store=store).order_by("-asked_at").limit(SHOWN)
    pushes = OutboxRow.filter(store=store, kind=PUSH, target__in=[one.id for one in claims])
    waiting = {one.target for one in await pushes.filter(wanted_gen__gt=F("agreed_gen"))}
    return [
        Telling(
            at=one.asked_at,
            words=t("A code, to prove that a mailbox is theirs"),
            to="",
            state="waiting" if one.id in waiting else "over",
        )
        for one in claims
    ]


async def _sent(store: str, accounts: Sequence[str]) -> list[Telling]:
    rows = MessageRow.filter(store=store, member__in=list(accounts)).order_by("-id")
    messages = await rows.limit(SHOWN)
    listeners = await ListenerRow.filter(id__in=[one.listener for one in messages])
    hosts = {one.id: urlsplit(one.url).hostname or "" for one in listeners}
    return [
        Telling(
            at=one.told_at,
            words=t(WORDS[one.event]),
            to=hosts.get(one.listener, ""),
            state=_state(one),
        )
        for one in messages
    ]


def _state(one: MessageRow) -> State:
    if one.due_at is not None:
        return "waiting"
    return "arrived" if one.delivered_at is not None else "vain"
