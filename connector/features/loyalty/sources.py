"""What accounts' points follow from, read from the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.commerce import records
from connector.commerce.records import BEGINNING
from connector.features.loyalty.acts import acts_of
from connector.features.loyalty.decisions import (
    adjustments,
    decisions_of,
    imports,
    placements,
    takeovers,
)
from connector.features.loyalty.rules.budget import (
    has_budget,
    is_act,
    is_of_tier,
    keys,
    with_admissions,
)
from connector.features.loyalty.rules.facts import Facts, Joined, Redemption, united
from connector.features.loyalty.rules.program import Publication
from connector.features.loyalty.stamps import are_read, stamps_of
from connector.kernel.admission import Admission
from connector.ledger import ledger, merges
from connector.ledger.ledger import END
from connector.ledger.merges import Homes
from connector.ledger.models import LinkRow
from connector.rewards import admissions, reservations
from connector.rewards.models import RedemptionRow, ReservationRow
from connector.rewards.redemptions import redemptions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all accounts of a store share: the published versions, and what its platform does."""

    store: str
    versions: Sequence[Publication]
    cancel_restores_use: bool


async def facts_of(shared: Shared, accounts: Sequence[str], since: datetime) -> dict[str, Facts]:
    """Return what the points of accounts follow from, of that which began since an instant.

    Of accounts that became another's nothing does; what became theirs is among their own.
    """
    found = await _joined(shared, accounts, since)
    if has_budget(shared.versions):
        return await _admitted(shared.store, found, since)
    return found


async def _joined(shared: Shared, accounts: Sequence[str], since: datetime) -> dict[str, Facts]:
    homes = await merges.homes(shared.store, accounts)
    links = await ledger.links(shared.store, homes.read(accounts))
    found = await _own_facts(shared, accounts, since)
    if not links:
        return found
    joined = [link.account for link in links]
    theirs = await _own_facts(shared, joined, BEGINNING)
    for link in links:
        owner = homes.of(link.owner, link.joined_at)
        if owner in found:
            found[owner] = _united(found[owner], link, theirs[link.account], since)
        if link.account in found:
            found[link.account] = Facts(versions=shared.versions, is_anothers=True)
    return found


async def _own_facts(shared: Shared, accounts: Sequence[str], since: datetime) -> dict[str, Facts]:
    store, versions = shared.store, shared.versions
    homes = await merges.homes(store, accounts)
    whole = homes.read(accounts)
    rows = await redemptions_of(store, whole, since)
    orders = await records.orders_of(store, accounts, since)
    decided = homes.sorted(await decisions_of(store, whole, since), lambda one: one.decided_at)
    coded = await records.orders_with(store, [row.code for row in rows])
    joined = _first(homes, await records.signed_up(store, whole)) if welcomes(versions) else {}
    pays_acts = any(one.program.act_rules for one in versions)
    done = homes.sorted(await acts_of(store, whole, since) if pays_acts else {}, lambda one: one.at)
    held = await reservations.reservations_of(store, whole, since)
    spent: dict[str, list[Redemption]] = defaultdict(list)
    for row in rows:
        spent[homes.of(row.account, row.redeemed_at)].append(_decision(row))
    for one in held:
        spent[homes.of(one.account, one.reserved_at)].append(_reserved(one))
    stamps = await stamps_of(store, accounts, since) if are_read(versions) else {}
    brought = {account: takeovers(decided.get(account, ())) for account in accounts}
    awaited = {
        lot.awaits.order
        for some in brought.values()
        for one in some
        for lot in one.holding.lots
        if lot.awaits
    }
    awaited_orders = await records.orders_named(store, awaited) if awaited else []
    return {
        account: Facts(
            orders=orders[account],
            signed_up_at=_from(since, joined.get(account)),
            coded_orders=coded,
            adjustments=adjustments(decided.get(account, ())),
            imports=imports(decided.get(account, ())),
            takeovers=brought[account],
            placements=placements(decided.get(account, ())),
            acts=done.get(account, ()),
            redemptions=spent[account],
            versions=versions,
            cancel_restores_use=shared.cancel_restores_use,
            stamps=stamps,
            awaited_orders=awaited_orders,
        )
        for account in accounts
    }


def _first(homes: Homes, signed_up: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return when customers signed up, or the first of those who were merged into them.

    One person is welcomed once.
    """
    found: dict[str, datetime] = {}
    for account, at in signed_up.items():
        owner = homes.of(account, at)
        if owner == account or (owner not in signed_up and at < found.get(owner, END)):
            found[owner] = at
    return found


def _united(facts: Facts, link: LinkRow, theirs: Facts, since: datetime) -> Facts:
    """Return an account's facts since an instant with those of one that joined it."""
    joined = Joined(account=link.account, joined_at=link.joined_at, facts=theirs)
    whole = united(facts, joined, link.order_ids)
    if link.joined_at >= since:
        return whole
    orders = [one for one in whole.orders if one.placed_at >= since]
    return replace(
        whole,
        orders=orders,
        adjustments=[one for one in whole.adjustments if one.adjusted_at >= since],
        imports=[one for one in whole.imports if one.imported_at >= since],
        takeovers=[one for one in whole.takeovers if one.holding.at >= since],
        acts=[one for one in whole.acts if one.at >= since],
        joined=facts.joined,
    )


async def _admitted(store: str, found: Mapping[str, Facts], since: datetime) -> dict[str, Facts]:
    """Return the facts of accounts with what of a budget was decided about their causes."""
    causes = {account: keys(account, facts) for account, facts in found.items()}
    names = sorted({key for one in causes.values() for key in one})
    held = await admissions.admissions_of(store, names)
    if any(one.program.act_rules for facts in found.values() for one in facts.versions):
        others = await admissions.admissions_without_order(store, list(found))
        for account, name, one in others:
            cause = name.removeprefix(f"{account}/")
            if is_act(cause) and one.claim.at >= since:
                held[name], causes[account][name] = one, cause
    return {
        account: with_admissions(
            facts,
            {
                cause: _own(held[key], cause)
                for key, cause in causes[account].items()
                if key in held and not (is_of_tier(cause) and held[key].claim.at < since)
            },
        )
        for account, facts in found.items()
    }


def _own(held: Admission, cause: str) -> Admission:
    """Return what was decided about a cause by the name that it has in its account."""
    return replace(held, claim=replace(held.claim, cause=cause))


def _reserved(row: ReservationRow) -> Redemption:
    return Redemption(
        id=row.id,
        cost=row.points,
        code=None,
        redeemed_at=row.reserved_at,
        released_at=row.ended_at if row.state == reservations.RELEASED else None,
    )


def _decision(row: RedemptionRow) -> Redemption:
    return Redemption(
        id=row.id,
        cost=row.cost,
        code=row.code,
        redeemed_at=row.redeemed_at,
        released_at=row.released_at,
    )


def _from(since: datetime, at: datetime | None) -> datetime | None:
    return at if at is not None and at >= since else None


def welcomes(versions: Sequence[Publication]) -> bool:
    """Return whether signing up earns by any version."""
    return any(one.program.sign_up_rules for one in versions)
