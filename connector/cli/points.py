"""Commands about points: the program, what it comes to, and decisions by hand."""

import secrets
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector import worker
from connector.cli.base import AsJson, StoreId, app, emit, err, out, with_system
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account, find
from connector.features.loyalty.export import write_accounts
from connector.features.loyalty.imports import Plan, planned, take_over
from connector.features.loyalty.imports import undo as take_back
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.starters import NAMES, starter
from connector.system import System
from platforms.money import to_text

TROUBLES_MAX = 20  # of a file that are told
Customer = Annotated[str, typer.Argument(help="Customer id, e-mail address, or order:ID.")]
Reason = Annotated[str, typer.Option(help="Why: it stands in the ledger.")]
DecisionKey = Annotated[
    str, typer.Option("--key", help="The same key again decides nothing again; random if none.")
]


@app.command()
def program(
    store: StoreId,
    *,
    publish: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML document.")
    ] = None,
    template: Annotated[
        str, typer.Option(help=f"Show one to begin with instead: {', '.join(NAMES)}.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the published program, or publish one."""
    if template and publish is not None:
        raise typer.BadParameter("--template shows a document: write it to a file, then publish it")

    async def job(system: System) -> tuple[int, str | None]:
        row = await system.stores.find(store)
        loyalty = Loyalty(system.tools)
        if template:
            return len(await loyalty.versions(row.id)), starter(template, row)
        version = 0
        if publish is not None:
            version = await loyalty.publish(row, publish.read_text(encoding="utf-8"))
        return version or len(await loyalty.versions(row.id)), await loyalty.document(row)

    version, document = with_system(job, as_json=as_json)
    if as_json:
        emit({"version": version, "document": document})
    elif publish is not None:
        out.print(f"version {version} is in force")
    elif document is None:
        out.print("nothing is published yet: perennial program STORE --template coffee > FILE,")
        out.print("then perennial simulate STORE --program FILE, then program STORE --publish FILE")
    else:
        sys.stdout.write(document)


@app.command()
def explain(
    store: StoreId,
    customer: Customer,
    *,
    as_json: AsJson = False,
) -> None:
    """Show every point of a balance, with its cause and arithmetic."""

    async def job(system: System) -> Any:  # noqa: ANN401 - a plain mapping for JSON
        row = await system.stores.find(store)
        return asdict(await explain_account(row, customer, system.tools.clock()))

    found = with_system(job, as_json=as_json)
    if as_json:
        emit(found)
        return
    table = Table("effective", "kind", "points", "balance", "why", box=None, pad_edge=False)
    for line in found["lines"]:
        table.add_row(
            f"{line['effective_at']:%F %T}",
            line["kind"],
            f"{line['points']:+d}",
            str(line["balance"]),
            escape(line["why"]),
        )
    out.print(table)
    for one in found["beyond"]:
        out.print(escape(_beyond(one)))
    out.print(f"available {found['available']}, pending {found['pending']}")
    if found["standing"]:
        out.print(escape(_standing(found["standing"])))


def _beyond(one: dict[str, Any]) -> str:
    """Return what the program's budget did not give of what a cause asked for, in a line."""
    said = f"{one['cause']} of {one['at']:%F}: of {one['asked']:,} points"
    if one["waiting"]:
        return f"{said}, {one['waiting']:,} wait for the program's budget"
    return f"{said}, {one['refused']:,} are beyond the program's budget"


def _standing(stand: dict[str, Any]) -> str:
    """Return where an account stands, in a line."""
    counted = [_amount(measure, value) for measure, value in stand["counted"].items()]
    said = f"tier {stand['tier']} since {stand['since']:%F}" if stand["tier"] else "no tier"
    said += f"; counted: {', '.join(counted) or 'nothing'}"
    if stand["falls_at"]:
        short = " or ".join(_amount(measure, value) for measure, value in stand["short"].items())
        said += f"; {short} more before {stand['keep_by']:%F %H:%M} keep it"
    return said


def _amount(measure: str, value: int) -> str:
    """Return so many points, orders, or so much of a currency."""
    is_money = measure.isupper()
    return f"{to_text(value, measure)} {measure}" if is_money else f"{value} {measure}"


@app.command()
def adjust(
    store: StoreId,
    customer: Customer,
    points: Annotated[int, typer.Argument(help="To give; to take where negative, after `--`.")],
    *,
    reason: Reason,
    key: DecisionKey = "",
    as_json: AsJson = False,
) -> None:
    """Give somebody points, or take them."""
    if points == 0:
        raise typer.BadParameter("give or take at least a point")
    decision = Decision(key=key or secrets.token_hex(8), reason=reason, points=points)
    _decide(store, customer, decision, as_json=as_json)


@app.command()
def tier(  # noqa: PLR0913 - an option a setting
    store: StoreId,
    customer: Customer,
    name: Annotated[str, typer.Argument(metavar="TIER", help="Its name, or none.")],
    *,
    lock: Annotated[bool, typer.Option("--lock", help="Hold it until you decide anew.")] = False,
    reason: Reason,
    key: DecisionKey = "",
    as_json: AsJson = False,
) -> None:
    """Put somebody into a tier; `none` without --lock lets what they bought decide again."""
    decision = Decision(
        key=key or secrets.token_hex(8),
        reason=reason,
        tier=None if name == "none" else name,
        is_locked=lock,
    )
    _decide(store, customer, decision, as_json=as_json)


def _decide(store: str, customer: str, decision: Decision, *, as_json: bool) -> None:
    async def job(system: System) -> dict[str, Any]:
        row = await system.stores.find(store)
        account = await find(row.id, customer)
        folded = await Loyalty(system.tools).decide(row, account, decision)
        held = folded.stand.tier if folded.stand else None
        return {"account": account, "available": folded.purse.available(), "tier": held}

    found = with_system(job, as_json=as_json)
    if as_json:
        emit(found)
        return
    in_tier = f", tier {found['tier']}" if found["tier"] else ""
    out.print(escape(f"{found['account']}: {found['available']} points{in_tier}"))


@app.command()
def export(
    store: StoreId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Write the store's accounts and balances to DIR/accounts.csv."""

    async def job(system: System) -> int:
        row = await system.stores.find(store)
        return await write_accounts(row.id, folder, system.tools.clock())

    count = with_system(job, as_json=as_json)
    if as_json:
        emit({"accounts": count})
    else:
        out.print(f"wrote {count} accounts to {folder / 'accounts.csv'}")


@app.command("import")
def import_command(
    store: StoreId,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="CSV, a customer a line.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False,
    columns: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help='TOML: points = "Punkte" and the like.'),
    ] = None,
    undo: Annotated[str, typer.Option(metavar="BATCH", help="Take an import back.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take points over from elsewhere: Smile's and Rivo's files, ours, or others by --columns."""
    if bool(undo) == (file is not None):
        raise typer.BadParameter("give a file to import, or --undo BATCH")

    if file is None:
        _undo(store, undo, as_json=as_json)
    else:
        _import(store, file, columns, writes=not dry_run, as_json=as_json)


def _undo(store: str, batch: str, *, as_json: bool) -> None:
    async def job(system: System) -> int:
        row = await system.stores.find(store)
        undone = await take_back(row, batch, system.tools.clock())
        with err.status("settling points"):
            await worker.finish(system, row, "settle")
        return undone

    undone = with_system(job, as_json=as_json)
    if as_json:
        emit({"batch": batch, "undone": undone})
    else:
        out.print(f"took back {undone:,} lines of batch {batch}")


def _import(store: str, file: Path, columns: Path | None, *, writes: bool, as_json: bool) -> None:
    data = file.read_bytes()
    text = columns.read_text(encoding="utf-8") if columns else ""

    async def job(system: System) -> tuple[Plan, int]:
        row, loyalty, imported = await system.stores.find(store), Loyalty(system.tools), 0
        named = tomllib.loads(text)
        with err.status("reading the file") as line:
            plan = await planned(row, system.tools.vault, data, named)
            if writes and not plan.troubles:

                def tell(count: int) -> None:
                    line.update(f"{count:,} lines taken over")

                now, ids = system.tools.clock(), system.tools.ids
                imported = await take_over(loyalty, row, plan, now, ids, tell)
                line.update("settling points")
                await worker.finish(system, row, "settle")
        return plan, imported

    plan, imported = with_system(job, as_json=as_json)
    if as_json:
        emit({**asdict(plan), "lines": len(plan.lines), "imported": imported})
    else:
        _show_plan(plan, imported)
    if plan.troubles:
        raise typer.Exit(1)


def _show_plan(plan: Plan, done: int) -> None:
    for trouble in plan.troubles[:TROUBLES_MAX]:
        err.print(escape(trouble))
    if plan.troubles:
        count = len(plan.troubles)
        err.print(f"[bold red]error[/]: {count:,} lines cannot be read: nothing was imported")
        return
    out.print(
        f"{plan.points:,} points of {plan.customers:,} customers, and of {plan.guests:,} people who"
        f" are none here yet; {plan.without_points:,} lines without points"
    )
    if done:
        out.print(
            f"imported {done:,} lines as batch {plan.batch}; --undo {plan.batch} takes it back"
        )
    else:
        out.print(f"nothing is written; the file is batch {plan.batch}")
