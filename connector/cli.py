"""The command line. Each command prints one clear line on failure and exits non-zero.

With ``--json`` a command prints one object on stdout; progress and words for people go to stderr.
"""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from connector import database, demo, logs, worker
from connector.app import create_app, create_watch
from connector.commerce.models import StoreRow
from connector.config import Settings
from connector.demo import story
from connector.errors import ConnectFailed, PerennialError
from connector.features.loyalty.decisions import Decision
from connector.features.loyalty.explain import explain_account, find
from connector.features.loyalty.export import write_accounts
from connector.features.loyalty.service import Loyalty
from connector.registry import find_models, find_platforms
from connector.sync import tickets
from connector.sync.passes import Aim, Progress
from connector.sync.stores import Stores
from connector.system import System, running
from connector.web import servers, status
from connector.web.admin import admin_link
from platforms.conformance import suite, table
from platforms.conformance.check import Check
from platforms.errors import PlatformError, RateLimited, TransientError
from platforms.http import SafeTransport
from platforms.money import to_text
from platforms.protocol import Platform

T = TypeVar("T")
TRIES_MAX = 5  # of a pass whose store fails
PATIENCE_S = 60.0  # longer than that, and the command says so and ends
app = typer.Typer(
    help="Points, rewards and proof of both, for online stores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
connect = typer.Typer(help="Add a store without the browser.", no_args_is_help=True)
app.add_typer(connect, name="connect")
conformance = typer.Typer(help="Hold an adapter to the conformance suite.", no_args_is_help=True)
app.add_typer(conformance, name="conformance")
err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Live = Annotated[bool, typer.Option("--live", help="Over a real store: what needs no hands on it.")]
Customer = Annotated[str, typer.Argument(help="Customer id, e-mail address, or order:ID.")]
Reason = Annotated[str, typer.Option(help="Why: it stands in the ledger.")]
DecisionKey = Annotated[
    str, typer.Option("--key", help="The same key again decides nothing again; random if none.")
]
StoreId = Annotated[
    str, typer.Argument(metavar="STORE", help="The store's id, as connect says it.")
]


def main() -> None:
    """Run the command line."""
    logs.configure()
    add_connect_commands(connect)
    add_conformance_commands(conformance)
    app()


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


def add_connect_commands(group: typer.Typer) -> None:
    """Add a command for each platform, with the flags that its adapter names."""
    for platform in find_platforms().values():
        group.command(
            platform.name,
            help=f"Connect a {platform.title} store: checks the keys, subscribes webhooks.",
        )(_connect_command(platform))


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
    flags = [Parameter(name, kind, annotation=hints[name], default=default) for name in hints]
    flags += [Parameter(name, kind, annotation=switches[name], default=False) for name in switches]
    command.__signature__ = Signature(flags)  # type: ignore[attr-defined]
    command.__annotations__ = hints | switches
    return command


def _connect(name: str, options: dict[str, str], *, as_json: bool) -> None:
    async def job(system: System) -> dict[str, str]:
        platform = system.stores.platform(name)
        now = system.tools.clock()
        store = await system.stores.connect(name, platform.access(options), now)
        code = await tickets.issue(system.tools.ids, now, "pair", store.id)
        return {"store": store.id, "name": store.name, "url": store.url, "pairing_code": code}

    done = with_system(job, as_json=as_json)
    if as_json:
        emit(done)
    else:
        out.print(f"connected {done['name']} ({done['url']}) as store {done['store']}")
        out.print(f"pairing code for the store's plugin, for 10 minutes: {done['pairing_code']}")


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
def program(
    store: StoreId,
    *,
    publish: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML document.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the published program, or publish one."""

    async def job(system: System) -> tuple[int, str | None]:
        row = await system.stores.find(store)
        loyalty = Loyalty(system.tools)
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
        out.print("nothing is published yet: perennial program STORE --publish FILE")
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
    out.print(f"available {found['available']}, pending {found['pending']}")
    if found["standing"]:
        out.print(escape(_standing(found["standing"])))


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
def admin_link_command(store: StoreId, *, as_json: AsJson = False) -> None:
    """Print a link into the merchant's pages, good once and for ten minutes."""

    async def job(system: System) -> str:
        row = await system.stores.find(store)
        tools = system.tools
        return await admin_link(tools.ids, tools.clock, system.settings.public_url, row.id)

    link = with_system(job, as_json=as_json)
    if as_json:
        emit({"url": link})
    else:
        out.print(link)


def add_conformance_commands(group: typer.Typer) -> None:
    """Add a command for each platform, with the flags that its adapter names."""
    for platform in find_platforms().values():
        told = "over its own store on this machine, or with --live and its keys over a real one"
        group.command(
            platform.name, help=f"Hold the {platform.title} adapter to the suite, {told}."
        )(_conformance_command(platform))


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
            missing = [f"--{name.replace('_', '-')}" for name, text in options.items() if not text]
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
        platforms = find_platforms()
        if platform not in platforms:
            raise ConnectFailed(f"no platform {platform!r}: there are {', '.join(platforms)}")
        stop = servers.stop_on_signals()
        bound = servers.listen("127.0.0.1", port)
        url = f"http://127.0.0.1:{port}"
        shop = platforms[platform].sandbox(url=url, folder=store, key=key, secret=secret)
        err.print(f"sandbox store at {url} (relaxed: plain-http callbacks, any port)")
        await servers.serve([(shop, bound)], stop)

    run(job)


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
    folder = data or Path(tempfile.mkdtemp(prefix="perennial-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        err.print(f"[bold red]error[/]: {folder} is not empty: name a new folder with --data")
        raise typer.Exit(1)
    if check:
        raise typer.Exit(story.check(folder, platform, port))
    settings = Settings(
        database_url=f"sqlite://{folder / 'perennial.db'}",
        secret_key=secrets.token_hex(32),
        public_url=f"http://127.0.0.1:{port}",
        allow_loopback=True,
    )
    run(lambda: demo.stay_up(settings, platform, port, out.print))


if __name__ == "__main__":
    main()
