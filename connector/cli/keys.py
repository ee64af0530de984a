"""The keys by which a merchant's own systems ask us."""

from typing import Annotated

import typer
from rich.markup import escape

from connector.cli.base import AsJson, StoreId, app, emit, out, with_system
from connector.system import System
from connector.web.keys import Keys
from connector.web.models import ApiKeyRow


@app.command()
def key(
    store: StoreId,
    *,
    new: Annotated[str, typer.Option(metavar="NAME", help="Make one, called so.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; again for another scope.")
    ] = None,
    revoke: Annotated[str, typer.Option(metavar="ID", help="Make one good for nothing.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the keys of the API, make one, or revoke one."""
    if new and revoke:
        raise typer.BadParameter("make a key or revoke one, not both at once")
    if scope and not new:
        raise typer.BadParameter("scopes are a new key's: give it a name with --new")

    async def job(system: System) -> tuple[str, list[ApiKeyRow]]:
        row = await system.stores.find(store)
        keys, made = Keys(system.tools.clock, system.tools.ids), ""
        if new:
            known = {one.scope for one in system.endpoints}
            made = await keys.new(row, new, scope or [], known)
        if revoke:
            await keys.revoke(row, revoke)
        return made, await keys.all(row)

    made, keys = with_system(job, as_json=as_json)
    if as_json:
        names = ("id", "name", "scopes", "created_at")
        listed = [{name: getattr(one, name) for name in names} for one in keys]
        emit({"key": made or None, "keys": listed})
    else:
        _show(made, keys)


def _show(made: str, keys: list[ApiKeyRow]) -> None:
    if made:
        out.print(f"{made}\nkeep it well: nobody can read it again")
        return
    if not keys:
        out.print("no keys: perennial key STORE --new NAME --scope read makes one")
    for one in keys:
        out.print(escape(f"{one.id}  {one.created_at:%F}  {', '.join(one.scopes)}  {one.name}"))
