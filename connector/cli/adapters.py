"""Commands with a form for each platform: connect and conformance.

The adapters name the flags.
"""

from collections.abc import Awaitable, Callable
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer
from rich.status import Status

from connector.cli.base import AsJson, app, emit, err, out, run, with_system
from connector.config import Settings
from connector.errors import ConnectFailed
from connector.registry import find_platforms
from connector.sync import tickets
from connector.system import System
from platforms.conformance import suite, table
from platforms.conformance.check import Check
from platforms.http import SafeTransport
from platforms.protocol import Platform

Live = Annotated[bool, typer.Option("--live", help="Over a real store: what needs no hands on it.")]


def _connect_command(platform: Platform) -> Callable[..., None]:
    def command(*, as_json: bool, **options: str) -> None:
        _connect(platform.name, options, as_json=as_json)

    return _flagged(command, platform, {"as_json": AsJson})


def _flagged(
    command: Callable[..., None],
    platform: Platform,
    switches: dict[str, Any],
    default: object = Parameter.empty,
) -> Callable[..., None]:
    """Give a function the signature that holds the platform's options, as typer reads it."""
    hints: dict[str, Any] = {
        option.name: Annotated[str, typer.Option(help=option.help)]
        for option in platform.connect_options
    }
    kind = Parameter.KEYWORD_ONLY
    flags = [
        Parameter(
            option.name,
            kind,
            annotation=hints[option.name],
            default=default if option.is_needed else "",
        )
        for option in platform.connect_options
    ]
    flags += [Parameter(name, kind, annotation=switches[name], default=False) for name in switches]
    command.__signature__ = Signature(flags)  # type: ignore[attr-defined]
    command.__annotations__ = hints | switches
    return command


def _connect(name: str, options: dict[str, str], *, as_json: bool) -> None:
    async def job(system: System) -> dict[str, str]:
        platform = system.stores.platform(name)
        now = system.tools.clock()
        store = await system.stores.connect(name, platform.access(options), now)
        done = {"store": store.id, "name": store.name, "url": store.url}
        if platform.install is not None and platform.install.has_plugin:
            done["pairing_code"] = await tickets.issue(system.tools.ids, now, "pair", store.id)
        return done

    done = with_system(job, as_json=as_json)
    if as_json:
        emit(done)
    else:
        out.print(f"connected {done['name']} ({done['url']}) as store {done['store']}")
        if code := done.get("pairing_code"):
            out.print(f"pairing code for the store's plugin, for 10 minutes: {code}")


def _conformance_command(platform: Platform) -> Callable[..., None]:
    def command(*, live: bool, as_json: bool, **options: str) -> None:
        _conformance(platform, options if live else None, as_json=as_json)

    return _flagged(command, platform, {"live": Live, "as_json": AsJson}, default="")


def _conformance(platform: Platform, options: dict[str, str] | None, *, as_json: bool) -> None:
    """Run the suite; with ``options`` over the real store that they open."""

    async def job() -> list[suite.Result]:
        with err.status("putting up a store") as line:
            if options is None:
                checks = await suite.checks_of(platform)
                return [await told(check, suite.run(platform, check), line) for check in checks]
            missing = [
                f"--{one.name.replace('_', '-')}"
                for one in platform.connect_options
                if one.is_needed and not options[one.name]
            ]
            if missing:
                raise ConnectFailed(f"--live needs {' and '.join(missing)} of the store")
            access = platform.access(options)
            err.print("--live writes discounts and webhooks of its own, and takes them off again")
            settings = Settings.from_env()
            async with SafeTransport(
                allow_loopback=settings.allow_loopback, plain_http=settings.plain_http
            ) as network:
                return [
                    await told(check, suite.run_live(platform, check, access, network), line)
                    for check in suite.live_checks()
                ]

    async def told(check: Check, result: Awaitable[suite.Result], line: Status) -> suite.Result:
        line.update(check.name)
        return await result

    results = run(job, as_json=as_json)
    if as_json:
        emit({"platform": platform.name, **table.as_document(results)})
    else:
        for line in table.lines(results):
            out.print(line)
    if any(one.status == "failed" for one in results):
        raise typer.Exit(1)


def _add_commands() -> None:
    connect = typer.Typer(help="Add a store without the browser.", no_args_is_help=True)
    conformance = typer.Typer(
        help="Hold an adapter to the conformance suite.", no_args_is_help=True
    )
    app.add_typer(connect, name="connect")
    app.add_typer(conformance, name="conformance")
    for platform in find_platforms().values():
        told = f"Connect a {platform.title} store: checks the keys, subscribes webhooks."
        connect.command(platform.name, help=told)(_connect_command(platform))
        told = (
            f"Hold the {platform.title} adapter to the suite, over its own store on this machine,"
            " or with --live and its keys over a real one."
        )
        conformance.command(platform.name, help=told)(_conformance_command(platform))


_add_commands()
