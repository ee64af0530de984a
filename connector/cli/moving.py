"""Commands about moving: points taken over from elsewhere, and all that is here written out."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connector import worker
from connector.cli.base import AsJson, StoreId, app, emit, err, out, with_system
from connector.features.loyalty import members
from connector.features.loyalty.export import Export, Exported
from connector.features.loyalty.imports import Plan, planned, take_over
from connector.features.loyalty.imports import undo as take_back
from connector.features.loyalty.moving import Moved, Mover, examined
from connector.features.loyalty.service import Loyalty
from connector.system import System

TROUBLES_MAX = 20  # of a file that are told


@app.command()
def export(
    store: StoreId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Write all that the store's people have, and how they came to it, to files in DIR."""

    async def job(system: System) -> Exported:
        row, tools = await system.stores.find(store), system.tools
        with err.status("settling points") as line:
            for name in ("settle", "due"):  # so that the ledger is as far as the lots are
                await worker.finish(system, row, name)

            def tell(done: int) -> None:
                line.update(f"{done:,} accounts")

            writing = Export(Loyalty(tools), row, tools.vault, tools.clock())
            return await writing.write(folder, tell)

    done = with_system(job, as_json=as_json)
    if as_json:
        emit(done)
        return
    out.print(
        f"wrote {done.accounts:,} accounts to {escape(str(folder / 'accounts.csv'))}, what"
        f" {done.members:,} of them have to {members.NAME}, and {done.entries:,} entries,"
        f" {done.redemptions:,} redemptions, {done.decisions:,} decisions and {done.programs:,}"
        " programs"
    )
    _warn(done)
    out.print(
        f"to go on elsewhere, publish there with earn_from = {done.as_of.isoformat()}, then"
        f" perennial import STORE {escape(str(folder))}"
    )


def _warn(done: Exported) -> None:
    """Tell what does not go along."""
    if done.under_way:
        out.print(
            f"{done.under_way:,} redemptions are under way: let `perennial worker` finish, and"
            " export again, if you go on elsewhere"
        )
    if done.unused_codes:
        out.print(
            f"{done.unused_codes:,} codes for {done.unused_points:,} points are not used yet: they"
            " work on at the store, but elsewhere nobody can give their points back"
        )
    if done.nameless:
        out.print(
            f"{done.nameless:,} guests with {done.nameless_points:,} points have no address that"
            f" anybody knows: they are in accounts.csv, and not in {members.NAME}"
        )


@app.command("import")
def import_command(
    store: StoreId,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, help="An export's folder, or a CSV, a customer a line."),
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
    """Go on from an export, or take points over from a CSV: Smile's, Rivo's, any by --columns."""
    if bool(undo) == (file is not None):
        raise typer.BadParameter("give a file to import, or --undo BATCH")
    if file is not None and file.is_dir():
        file = file / members.NAME
        if not file.is_file():
            raise typer.BadParameter(f"{file.parent} has no {members.NAME}: is it an export's?")

    if file is None:
        _undo(store, undo, as_json=as_json)
    elif file.suffix == ".jsonl":
        if columns is not None:
            raise typer.BadParameter("--columns is for CSV: this file has ours")
        _go_on(store, file, writes=not dry_run, as_json=as_json)
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
    if _told(plan.troubles):
        return
    out.print(
        f"{plan.points:,} points of {plan.customers:,} customers, and of {plan.guests:,} people who"
        f" are none here yet; {plan.without_points:,} lines without points"
    )
    _show_batch(plan.batch, done)


def _go_on(store: str, file: Path, *, writes: bool, as_json: bool) -> None:
    async def job(system: System) -> tuple[Moved, int]:
        row, tools, imported = await system.stores.find(store), system.tools, 0
        now = tools.clock()
        with err.status("reading the file") as line:
            moved = await examined(Loyalty(tools), row, tools.vault, file, now)
            if writes and not moved.troubles:

                def tell(count: int) -> None:
                    line.update(f"{count:,} lines taken over")

                mover = Mover(row, tools.vault, now, tools.ids)
                imported = await mover.take_over(moved, file, tell)
                line.update("settling points")
                await worker.finish(system, row, "settle")
        return moved, imported

    moved, imported = with_system(job, as_json=as_json)
    if as_json:
        emit({**asdict(moved), "imported": imported})
    else:
        _show_moved(moved, imported)
    if moved.troubles:
        raise typer.Exit(1)


def _show_moved(moved: Moved, done: int) -> None:
    if _told(moved.troubles):
        return
    out.print(
        f"as of {moved.as_of:%F %T} UTC: {moved.available:,} points of {moved.customers:,}"
        f" customers and {moved.guests:,} guests, {moved.pending:,} more on their way,"
        f" {moved.owed:,} owed; {moved.in_tiers:,} are in tiers"
    )
    if moved.unlisted or moved.other_address:
        out.print(
            f"the store lists {moved.unlisted:,} of these customers not, and"
            f" {moved.other_address:,} with another e-mail address: all go by their ids; if it is"
            " most of them, this is another store's file"
        )
    _show_batch(moved.batch, done)


def _told(troubles: Sequence[str]) -> bool:
    """Tell what is wrong with a file; return whether anything is."""
    for trouble in troubles[:TROUBLES_MAX]:
        err.print(escape(trouble))
    if troubles:
        count = len(troubles)
        err.print(f"[bold red]error[/]: {count:,} lines cannot be read: nothing was imported")
    return bool(troubles)


def _show_batch(batch: str, done: int) -> None:
    if done:
        out.print(f"imported {done:,} lines as batch {batch}; --undo {batch} takes it back")
    else:
        out.print(f"nothing is written; the file is batch {batch}")
