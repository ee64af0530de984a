"""Commands that tell what points come to: tried on the past, and owed."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.base import AsJson, StoreId, app, emit, err, out, with_system
from connector.features.loyalty.liability import Statement, statement
from connector.features.loyalty.rules.document import parse
from connector.features.loyalty.rules.liability import ENDLESS
from connector.features.loyalty.rules.simulation import Report, Sums
from connector.features.loyalty.rules.value import Worth
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.simulation import Trial, trial
from connector.kernel.admission import GivenOut
from connector.kernel.clock import add_months
from connector.system import System
from platforms.money import to_text

NO_AMOUNT = "no reward is an amount in the store's currency: no worth can be told"
KINDS = {
    "earn": "issued",
    "adjust": "by hand",
    "import": "taken over",
    "redeem": "redeemed",
    "release": "given back",
    "clawback": "taken back",
    "expire": "expired",
    "forgive": "forgiven",
}
"""What kinds of entries are called in a statement."""


@app.command("simulate")
def simulate_command(
    store: StoreId,
    *,
    program: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="A TOML document, not published.")
    ],
    months: Annotated[int, typer.Option(min=1, max=120, help="How far back it begins.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Show what a program would have issued, cost and owed on what the store sold."""

    async def job(system: System) -> Trial:
        row = await system.stores.find(store)
        tried = parse(program.read_text(encoding="utf-8"))
        now = system.tools.clock()
        begins_at = add_months(now, -months, tried.zone)
        with err.status("reading the accounts") as line:

            def tell(done: int) -> None:
                line.update(f"{done:,} accounts looked at")

            return await trial(Loyalty(system.tools), row, tried, begins_at, now, tell)

    found = with_system(job, as_json=as_json)
    if as_json:
        emit(found)
    elif not found.new.orders:
        out.print("nothing was sold in that time: there is nothing to try it on")
    else:
        _show_trial(found)


def _table(first: str, *numbers: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _show_trial(found: Trial) -> None:
    new = found.new
    out.print(escape(f"{new.program}, {new.begins_at:%F} to {new.at:%F}"))
    table = _table("", "issued", "taken back", "expired", "forgiven")
    for month, sums in [*sorted(new.months.items()), ("in all", new.total)]:
        table.add_row(month, *_row(sums))
    if found.now:
        table.add_row("as it is now", *_row(found.now.total))
    out.print(table)
    for text in [*_summary(new), *_moves(found), *_apart(found)]:
        out.print(escape(text))


def _moves(found: Trial) -> Iterator[str]:
    """Yield whom publishing moves."""
    if not found.moves:
        yield "published now, it would move nobody to another tier at once"
    for move in found.moves:
        was, now = move.before or "no tier", move.after or "no tier"
        yield f"published now, these go at once from {was} to {now}: {move.accounts:,}"
    for one in found.sooner:
        yield (
            f"published now, these lose {one.tier} sooner unless they buy more, the first of them"
            f" on {one.first_at:%F}: {one.accounts:,}"
        )


def _apart(found: Trial) -> Iterator[str]:
    """Yield which codes one order cannot have together."""
    for one, other in found.apart:
        if one == other:
            yield f"an order takes one code of {one}, no second one"
        else:
            yield f"an order takes a code of {one} or of {other}, not both"


def _row(sums: Sums) -> list[str]:
    return [f"{value:,}" if value else "-" for value in asdict(sums).values()]


def _summary(report: Report) -> list[str]:
    """Return what a simulation comes to, in sentences."""
    owed = report.available + report.pending
    sold = " + ".join(f"{to_text(minor, one)} {one}" for one, minor in report.sales.items())
    lines = [
        f"{report.orders:,} orders of {report.accounts:,} accounts, {sold} after refunds",
        f"owed at the end: {owed:,} points, {report.pending:,} of them on their way and"
        f" {report.guest_points:,} of guests, who have to sign up to spend them",
    ]
    if worth := report.worth:
        kept = report.total.issued - report.total.taken_back
        sales = report.sales[worth.currency]
        is_all = len(report.sales) == 1 and sales > 0
        share = f", {worth.of(kept) / sales:.1%} of sales" if is_all else ""
        lines.append(
            f"at most, were all of it spent on {worth.reward}: it costs {_money(worth, kept)}"
            f"{share}; {_money(worth, owed)} owed"
        )
    else:
        lines.append(NO_AMOUNT)
    if report.budget:
        lines.append(f"{_budget(report.budget)}; live, who is heard of late comes last")
    lines += [f"in tier {name}: {count:,}" for name, count in report.tiers.items()]
    lines += [f"have enough for {name}: {count:,}" for name, count in report.can_redeem.items()]
    lines.append("nobody spends in a simulation, and nothing was decided by hand")
    return lines


def _budget(given: GivenOut) -> str:
    """Return what became of a program's budget, in a sentence."""
    said = f"of the budget of {given.limit:,} points, {given.used:,} are given out"
    if given.refused:
        said += f"; {given.refused:,} more were asked for and refused"
    if given.waiting:
        said += f"; {given.waiting:,} are asked for and not decided yet"
    return said


def _money(worth: Worth, points: int) -> str:
    return f"{to_text(worth.of(points), worth.currency)} {worth.currency}"


@app.command()
def liability(
    store: StoreId,
    *,
    at: Annotated[
        datetime | None, typer.Option(help="As of then, UTC, with what is known today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is owed in points, held against the ledger to the point."""

    async def job(system: System) -> Statement:
        row = await system.stores.find(store)
        asked = at.replace(tzinfo=UTC) if at else system.tools.clock()
        with err.status("folding the accounts") as line:
            return await statement(
                Loyalty(system.tools),
                row,
                min(asked, system.tools.clock()),
                lambda done: line.update(f"{done:,} accounts done"),
            )

    found = with_system(job, as_json=as_json)
    if as_json:
        emit(found)
    else:
        _show_statement(found)
    if found.differs:
        raise typer.Exit(1)


def _show_statement(found: Statement) -> None:
    names = [name for kind, name in KINDS.items() if any(one.kinds[kind] for one in found.months)]
    table = _table("month", "opening", *names, "closing")
    for one in found.months:
        moved = [f"{one.kinds[kind]:+,}" for kind, name in KINDS.items() if name in names]
        table.add_row(one.month, f"{one.opening:,}", *moved, f"{one.closing:,}")
    out.print(table)
    for text in _owed(found):
        out.print(escape(text))


def _owed(found: Statement) -> list[str]:
    """Return what is owed, in sentences."""
    owed = found.owed
    points = owed.available + owed.pending
    lines = [
        f"owed on {owed.at:%F %H:%M}: {owed.available:,} points that can be spent and"
        f" {owed.pending:,} on their way, to {owed.accounts:,} accounts;"
        f" {owed.guest_points:,} of them are guests'",
    ]
    if owed.deficits:
        lines.append(f"customers owe {owed.deficits:,} points; they are subtracted")
    lines.append(f"worth {_money(owed.worth, points)} at most" if owed.worth else NO_AMOUNT)
    lines += [
        f"{count:,} points end {f'in {month}' if month != ENDLESS else 'never'}"
        for month, count in sorted(owed.ends.items())
    ]
    if found.budget:
        lines.append(_budget(found.budget))
    if found.breakage:
        rate = found.breakage
        lines.append(
            f"{rate.rate:.1%} of what left balances in these months expired unspent"
            f" ({rate.expired:,} of {rate.expired + rate.spent:,} points): by that,"
            f" {rate.unused:,} of the points owed will not be used"
        )
    else:
        lines.append("what part will never be used can be told after a year of the program")
    if found.learned_later:
        lines.append(
            f"{found.learned_later:+,} points of this became known only after that instant"
        )
    lines.append(
        f"the ledger says otherwise by {found.differs:,} points: let the worker settle, then ask"
        " again"
        if found.differs
        else "the ledger says the same, to the point"
    )
    return lines
