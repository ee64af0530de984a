"""Tries a program before anybody publishes it: on what the store sold, and on who stands where."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.commerce import records
from connector.commerce.identity import customer_account, customer_of
from connector.commerce.models import StoreRow
from connector.commerce.records import BEGINNING
from connector.features.loyalty.rules.facts import Facts, Joined, united
from connector.features.loyalty.rules.fold import Folded
from connector.features.loyalty.rules.preview import Move, Preview, Sooner
from connector.features.loyalty.rules.program import Program, in_force
from connector.features.loyalty.rules.simulation import Report, Simulation
from connector.features.loyalty.rules.stamps import Stamp
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.stamps import completed, stamps_of
from connector.features.loyalty.together import apart
from connector.ledger import ledger
from connector.web.segments import Segments

ROUNDS_MAX = 10
"""How often accounts are asked anew what they want of a budget that refused some of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a program would have come to beside the one in force, and whom publishing it moves.

    ``now`` is None where no program is in force. ``apart`` are the ids of rewards and benefits of
    which two an order takes but one code; one with itself: one code of it.
    """

    new: Report
    now: Report | None
    moves: Sequence[Move]
    sooner: Sequence[Sooner]
    apart: Sequence[tuple[str, str]]


async def trial(
    loyalty: Loyalty,
    store: StoreRow,
    program: Program,
    begins_at: datetime,
    at: datetime,
    tell: Callable[[int], None],
) -> Trial:
    """Try a program on what the store sold between two instants; nothing is written.

    ``tell`` is called with how many accounts have been looked at.

    Raises:
        InvalidProgram: with the path of what the platform cannot do.
    """
    await loyalty.programs.require_possible(store, program)
    versions = await loyalty.programs.versions(store.id)
    current = in_force(versions, at)
    programs = [program, current.program] if current else [program]
    simulations = [Simulation(one, store.currency, begins_at, at) for one in programs]
    done = 0
    for one in simulations:
        async for some in simulate(store.id, one, loyalty.segments):
            done += len(some)
            tell(done)
    preview = Preview(versions, program, at)
    async for accounts in ledger.pages(store.id):
        facts = await loyalty.settling.facts(store, accounts, BEGINNING)
        for account in accounts:
            preview.add(facts[account])
        done += len(accounts)
        tell(done)
    return Trial(
        new=simulations[0].report,
        now=simulations[1].report if current else None,
        moves=preview.moves,
        sooner=preview.sooner,
        apart=[(one.id, other.id) for one, other in apart(program, loyalty.programs.can(store))],
    )


async def simulate(
    store: str, simulation: Simulation, segments: Segments | None = None
) -> AsyncIterator[dict[str, Folded]]:
    """Try a program on all accounts of a store; yield what comes out for each, some at a time.

    Where it welcomes who signs up, on customers without an account too. Decisions by hand,
    redemptions and what was done besides buying are not part of it. Collections and segments are
    those that orders are stamped with; of others, those of now.
    """
    segments = segments or Segments()
    if simulation.has_budget:
        await _give_out(store, simulation, segments)
    async for facts in _facts(store, simulation, segments):
        yield {
            account: simulation.add(account, one, is_guest=customer_of(account) is None)
            for account, one in facts.items()
        }


async def _give_out(store: str, simulation: Simulation, segments: Segments) -> None:
    """Give the program's budget out, before anything is counted."""
    for _ in range(ROUNDS_MAX):
        async for facts in _facts(store, simulation, segments):
            for account, one in facts.items():
                simulation.ask(account, one)
        if not simulation.give_out():
            break


async def _facts(
    store: str, simulation: Simulation, segments: Segments
) -> AsyncIterator[dict[str, Facts]]:
    """Yield what the points of all accounts follow from, some accounts at a time."""
    welcomes = simulation.welcomes
    async for accounts in _accounts(store, welcomes=welcomes):
        orders = await records.orders_of(store, accounts, simulation.begins_at)
        signed_up = await records.signed_up(store, accounts) if welcomes else {}
        stamps = await _stamps(store, simulation, accounts)
        facts = {one: simulation.facts(orders[one], signed_up.get(one), stamps) for one in accounts}
        await _join(store, simulation, facts)
        whole = await completed(segments, store, facts, simulation.at, waits=False)
        yield {account: one.facts for account, one in whole.items()}


async def _stamps(
    store: str, simulation: Simulation, accounts: Sequence[str]
) -> Mapping[str, Stamp]:
    if not simulation.reads_stamps:
        return {}
    return await stamps_of(store, accounts, simulation.begins_at)


async def _join(store: str, simulation: Simulation, facts: dict[str, Facts]) -> None:
    """Put the orders of accounts that became others' to these."""
    links = await ledger.links(store, list(facts))
    names = [link.account for link in links]
    theirs = await records.orders_of(store, names, simulation.begins_at) if links else {}
    stamps = await _stamps(store, simulation, names) if links else {}
    for link in links:
        if link.owner in facts:
            joined = Joined(
                account=link.account,
                joined_at=link.joined_at,
                facts=simulation.facts(theirs[link.account], stamps=stamps),
            )
            facts[link.owner] = united(facts[link.owner], joined, link.order_ids)
        if link.account in facts:
            facts[link.account] = replace(simulation.facts(()), is_anothers=True)


async def _accounts(store: str, *, welcomes: bool) -> AsyncIterator[Sequence[str]]:
    async for accounts in ledger.pages(store):
        yield accounts
    if welcomes:
        async for ids in ledger.pages_of_newcomers(store):
            yield [customer_account(id_) for id_ in ids]
