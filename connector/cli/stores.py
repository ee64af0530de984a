"""Commands over a connected store: reading it, and its health."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from connector import worker
from connector.cli.base import AsJson, StoreId, app, emit, err, out, with_system
from connector.commerce.models import StoreRow
from connector.sync.passes import Aim, Progress
from connector.sync.stores import Stores
from connector.system import System
from connector.web import status
from connector.web.sessions import Role, admin_link
from platforms.errors import RateLimited, TransientError

TRIES_MAX = 5  # of a pass whose store fails
PATIENCE_S = 60.0  # longer than that, and the command says so and ends


@app.command()
def sync(
    store: StoreId,
    *,
    since: Annotated[
        datetime | None, typer.Option(help="Only what changed since then, UTC.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read all of a store, or go on where that broke off, and settle the points."""
    _pass(store, "sync", as_json=as_json, since=since)


@app.command()
def reconcile(store: StoreId, *, as_json: AsJson = False) -> None:
    """Read what changed at the store since the last pass, and settle the points."""
    _pass(store, "reconcile", as_json=as_json)


@app.command()
def audit(store: StoreId, *, as_json: AsJson = False) -> None:
    """Read all of a store and look for what it no longer has, and settle the points."""
    _pass(store, "audit", as_json=as_json)


def _pass(store: str, aim: Aim, *, as_json: bool, since: datetime | None = None) -> None:
    async def job(system: System) -> Progress:
        row = await system.stores.find(store)
        with err.status("reading the store") as line:

            def report(progress: Progress) -> None:
                line.update(f"{_seen(progress)}; {progress.changed} changed")

            begin = since.replace(tzinfo=system.tools.clock().tzinfo) if since else None
            progress = await _patiently(
                lambda: system.passes.run(row, aim, begin, report), line.update
            )
            line.update("settling points")
            await worker.finish(system, row, "settle")
        return progress

    done = with_system(job, as_json=as_json)
    if as_json:
        emit({"seen": done.seen_in_all, "changed": done.changed, "by_kind": done.seen})
    else:
        out.print(f"read {_seen(done)}; {done.changed} changed")


def _seen(progress: Progress) -> str:
    return ", ".join(f"{count} {kind}s" for kind, count in progress.seen.items())


async def _patiently(
    job: Callable[[], Awaitable[Progress]], tell: Callable[[str], None]
) -> Progress:
    """Run a pass; where the store fails, wait and let it go on from where it broke off."""
    tries = 0
    while True:
        try:
            return await job()
        except TransientError as error:
            asked_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
            wait_s = max(asked_s, 2.0**tries)
            tries += 1
            if tries == TRIES_MAX or wait_s > PATIENCE_S:
                raise
            tell(f"{error}: trying again in {wait_s:.0f} s")
            await asyncio.sleep(wait_s)


@app.command("rotate-secret")
def rotate_secret(store: StoreId, *, as_json: AsJson = False) -> None:
    """Give a store's webhooks a new secret; what the old one signed is taken for a day longer."""
    name = _change(store, Stores.rotate_secret, as_json=as_json)
    if not as_json:
        out.print(f"the webhooks of {name} have a new secret")


@app.command()
def disconnect(store: StoreId, *, as_json: AsJson = False) -> None:
    """Take our webhooks off a store and leave it alone; its points are kept."""
    name = _change(store, Stores.disconnect, as_json=as_json)
    if not as_json:
        out.print(f"{name} is disconnected; connect it again to go on with the points it has")


def _change(
    store: str, change: Callable[[Stores, StoreRow, datetime], Awaitable[None]], *, as_json: bool
) -> str:
    """Change a store now, and return its name."""

    async def job(system: System) -> str:
        row = await system.stores.find(store)
        await change(system.stores, row, system.tools.clock())
        return row.name

    name = with_system(job, as_json=as_json)
    if as_json:
        emit({"store": store})
    return name


@app.command()
def doctor(
    store: Annotated[str | None, typer.Argument(metavar="[STORE]")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong, and what to do about each."""

    async def job(system: System) -> Any:  # noqa: ANN401 - a plain mapping for JSON
        rows = [await system.stores.find(store)] if store else await StoreRow.all()
        counts = await status.counts(system.tools.clock(), store)
        stores = {
            row.id: [
                asdict(found)
                for found in await status.findings(row, system.stores, system.tools.clock())
            ]
            for row in rows
        }
        return {"counts": asdict(counts), "stores": stores}

    found = with_system(job, as_json=as_json)
    is_well = all(one["is_ok"] for lines in found["stores"].values() for one in lines)
    if as_json:
        emit({**found, "ok": is_well})
    else:
        out.print("ok    database is up to date")
        for name, count in found["counts"].items():
            out.print(f"      {name.replace('_', ' ')}: {count}")
        for id_, lines in found["stores"].items():
            out.print(f"store {id_}")
            for one in lines:
                mark = "ok   " if one["is_ok"] else "[bold red]look[/] "
                line = f"{one['name']}: {one['what']}: {one['advice']}".rstrip(": ")
                out.print(f"{mark} {escape(line)}")
    if not is_well:
        raise typer.Exit(1)


@app.command("admin-link")
def admin_link_command(
    store: StoreId,
    *,
    who: Annotated[str, typer.Option("--for", help="Whom it is for: their name.")] = "owner",
    role: Annotated[Role, typer.Option(help="What they may do there.")] = "owner",
    as_json: AsJson = False,
) -> None:
    """Print a link into the merchant's pages, good once and for ten minutes."""

    async def job(system: System) -> str:
        row = await system.stores.find(store)
        tools = system.tools
        url = system.settings.public_url
        return await admin_link(tools.ids, tools.clock, url, row.id, who=who, role=role)

    link = with_system(job, as_json=as_json)
    if as_json:
        emit({"url": link})
    else:
        out.print(link)
