"""Commands about points: the program, what it comes to, and decisions by hand."""

import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.base import AsJson, StoreId, app, emit, out, with_system
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account, find
from connector.features.loyalty.service import Loyalty
from connector.features.loyalty.starters import NAMES, starter
from connector.system import System
from platforms.money import to_text

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
            return len(await loyalty.programs.versions(row.id)), starter(template, row)
        version = 0
        if publish is not None:
            version = await loyalty.programs.publish(row, publish.read_text(encoding="utf-8"))
        newest = version or len(await loyalty.programs.versions(row.id))
        return newest, await loyalty.programs.document(row)

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
        account = await find(row.id, customer)
        await Loyalty(system.tools).settling.settled(row, account)
        return asdict(await explain_account(row, account, system.tools.clock()))

    found = with_system(job, as_json=as_json)
    if as_json:
        emit(found)
        return
    table = Table("effective", "kind", "points", "balance", "why", box=None, pad_edge=False)
    for line in found["lines"]:
        table.add_row(
            _when(line),
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
    for one in found["perks"]:
        code = f", code {one['code']}" if one["code"] else ""
        out.print(escape(f"has {one['benefit']} since {one['since']:%F}{code}"))
    for one in found["uses"]:
        out.print(escape(f"used {one['benefit']} on {one['used_on']} at {one['used_at']:%F %T}"))


def _when(line: dict[str, Any]) -> str:
    """Return when a line takes effect, as far as anybody knows."""
    at, awaits = line["effective_at"], line["awaits"]
    return f"{at:%F %T}" if at else f"once it is {awaits}"


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
