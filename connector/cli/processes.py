"""Commands that stay up, and the one that comes before them: migrate."""

import asyncio
import secrets
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from connector import database, demo, worker
from connector.app import create_app, create_watch
from connector.cli.base import AsJson, app, emit, err, out, run, with_system
from connector.config import Settings
from connector.demo import story
from connector.errors import ConnectFailed
from connector.registry import find_models, find_platforms
from connector.system import System
from connector.web import servers
from platforms.protocol import Platform


@app.command()
def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database up to date."""
    settings = _settings()

    async def job() -> list[str]:
        models = find_models()
        async with database.opened(settings.database_url, models, is_patient=True):
            return await database.migrate(settings.database_url, models)

    steps = run(job, as_json=as_json)
    if as_json:
        emit({"applied": steps})
    else:
        out.print(f"up to date, {len(steps)} steps taken")


def _settings() -> Settings:
    async def job() -> Settings:
        return Settings.from_env()

    return run(job)


@app.command()
def serve(*, host: str = "127.0.0.1", port: int = 8400) -> None:
    """Answer stores, shoppers and merchants over HTTP."""

    async def job(system: System) -> None:
        stop = servers.stop_on_signals()
        with database.sole(system.settings.database_url, "serve"):
            bound = servers.listen(host, port)
            err.print(f"serving {system.settings.public_url} on {host}:{port}")
            await servers.serve([(create_app(system), bound)], stop)

    with_system(job, traced_as="serve")


@app.command("worker")
def worker_command(
    *,
    host: str = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Answer /health, /ready and /metrics there.")
    ] = None,
) -> None:
    """Do the background work: read deliveries, settle points, push discounts, sync."""

    async def job(system: System) -> None:
        stop = servers.stop_on_signals()
        with database.sole(system.settings.database_url, "worker"):
            async with asyncio.TaskGroup() as group:
                if port is not None:
                    watched = (create_watch(system), servers.listen(host, port))
                    group.create_task(servers.serve([watched], stop))
                err.print("working")
                group.create_task(worker.work(system, stop))

    with_system(job, traced_as="worker")


@app.command()
def sandbox(
    platform: Annotated[str, typer.Argument(metavar="PLATFORM")],
    *,
    store: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A recorded store's folder.")
    ] = None,
    port: int = 8401,
    key: Annotated[str, typer.Option(help="Opens the store's API.")] = demo.KEY,
    secret: Annotated[str, typer.Option(help="Opens the store's API.")] = demo.SECRET,
) -> None:
    """Serve a store on this machine: the platform's API, a storefront, a back office."""

    async def job() -> None:
        there = await _platform(platform)
        stop = servers.stop_on_signals()
        bound = servers.listen("127.0.0.1", port)
        url = f"http://127.0.0.1:{port}"
        shop = there.sandbox(url=url, folder=store, key=key, secret=secret)
        err.print(f"sandbox store at {url} (relaxed: plain-http callbacks, any port)")
        await servers.serve([(shop, bound)], stop)

    run(job)


async def _platform(name: str) -> Platform:
    platforms = find_platforms()
    if name not in platforms:
        raise ConnectFailed(f"no platform {name!r}: there are {', '.join(platforms)}")
    return platforms[name]


@app.command("demo")
def demo_command(
    *,
    platform: Annotated[str, typer.Option(help="Which sandbox.")] = demo.PLATFORM,
    port: int = 8400,
    data: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Keep the data there; must be new or empty."),
    ] = None,
    check: Annotated[bool, typer.Option(help="Drive the whole story, then stop.")] = False,
) -> None:
    """Run a store and everything of ours on this machine, connected, and stay up."""
    shop = run(lambda: _platform(platform))
    folder = data or Path(tempfile.mkdtemp(prefix="perennial-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        err.print(f"[bold red]error[/]: {folder} is not empty: name a new folder with --data")
        raise typer.Exit(1)
    if check:
        program, has_codes = demo.program_for(shop), demo.has_codes(shop)
        raise typer.Exit(story.check(folder, platform, port, program, has_codes=has_codes))
    settings = Settings(
        database_url=f"sqlite://{folder / 'perennial.db'}",
        secret_key=secrets.token_hex(32),
        public_url=f"http://127.0.0.1:{port}",
        allow_loopback=True,
    )
    run(lambda: demo.stay_up(settings, shop, port, out.print))
