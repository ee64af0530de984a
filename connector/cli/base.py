"""What every command uses: the application, its consoles, and how work is run and told.

With ``--json`` a command prints one object on stdout; progress and words for people go to stderr.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import orjson
import typer
import uvloop
from rich.console import Console
from rich.markup import escape

from connector import database
from connector.config import Settings
from connector.errors import ConnectFailed, PerennialError
from connector.system import System, running
from platforms.errors import PlatformError

T = TypeVar("T")
app = typer.Typer(
    help="Points, rewards and proof of both, for online stores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
StoreId = Annotated[
    str, typer.Argument(metavar="STORE", help="The store's id, as connect says it.")
]


def run(job: Callable[[], Awaitable[T]], *, as_json: bool = False) -> T:
    """Run a command's work and tell its failure in one line."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_awaited(job))
    except (PerennialError, PlatformError, ValueError) as error:
        code, text = "failed", str(error)
        match error:
            case PerennialError():
                code = error.code
            case PlatformError():
                code, text = error.name, f"{error}: {error.advice}"
        if as_json:
            emit({"error": code, "detail": text})
        err.print(f"[bold red]error[/]: {escape(text)}")
        raise typer.Exit(1) from None


async def _awaited(job: Callable[[], Awaitable[T]]) -> T:
    return await job()


def emit(value: object) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_UTC_Z).decode() + "\n")


def with_system(
    job: Callable[[System], Awaitable[T]], *, as_json: bool = False, traced_as: str = ""
) -> T:
    """Run a command's work over a wired system, with a migrated database."""

    async def inside() -> T:
        async with running(Settings.from_env(), traced_as=traced_as) as system:
            await _require_migrated(system)
            return await job(system)

    return run(inside, as_json=as_json)


async def _require_migrated(system: System) -> None:
    if await database.pending(system.settings.database_url, system.models):
        raise ConnectFailed("the database is not up to date: run `perennial migrate` first")
