"""HTTP servers in this process: uvicorn, several at once, stopped together."""

import asyncio
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from connector.errors import SettingsInvalid

GRACE_S = 10
Served = tuple[ASGIApp, socket.socket]


class _Server(uvicorn.Server):
    """A server that leaves signals to us: several share one process."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket.

    Raises:
        SettingsInvalid: the port is taken; the message says what to do.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise SettingsInvalid(
            f"port {port} of {host} can't be used ({error}): choose another with --port"
        ) from error
    return bound


def stop_on_signals() -> asyncio.Event:
    """Return an event that an interrupt or a termination of this process sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(apps: Sequence[Served], stop: asyncio.Event) -> None:
    """Serve applications until ``stop`` is set; requests under way are answered first."""
    servers = [
        (
            _Server(
                uvicorn.Config(
                    app,
                    access_log=False,
                    log_config=None,
                    timeout_graceful_shutdown=GRACE_S,
                    server_header=False,
                )
            ),
            bound,
        )
        for app, bound in apps
    ]
    async with asyncio.TaskGroup() as group:
        for server, bound in servers:
            group.create_task(server.serve(sockets=[bound]))
        await stop.wait()
        for server, _ in servers:
            server.should_exit = True
