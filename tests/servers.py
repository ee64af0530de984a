"""PostgreSQL and Redis for a command: ``python -m tests.servers [--durable] NAME ... -- COMMAND``.

Each is started on loopback in a folder of its own, told to the command by its address in the
environment, and stopped however the command ends. One whose address is in the environment already
is used as it is. ``--durable`` keeps what a crash of the machine must not lose, for figures; tests
go without, as their servers do not outlive them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

POSTGRES, REDIS = "TEST_POSTGRES_URL", "TEST_REDIS_URL"
PATIENCE_S = 30.0
BINARIES = "/usr/lib/postgresql/*/bin"
HASTE = ("fsync=off", "full_page_writes=off", "max_wal_size=4GB")
COMMON = ("max_connections=200", "listen_addresses=127.0.0.1", "unix_socket_directories=")
POWERLESS = "postgres"  # the servers refuse to run as root


def binary(name: str) -> str:
    """Return a program of PostgreSQL, which Debian keeps out of the path.

    Raises:
        SystemExit: it isn't installed.
    """
    places = sorted(Path("/").glob(f"{BINARIES.removeprefix('/')}/{name}"))
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: sudo apt-get install postgresql")
    return found


def _as_nobody_special() -> dict[str, Any]:
    return {"user": POWERLESS, "group": POWERLESS} if os.geteuid() == 0 else {}


def _wait(is_up: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a server did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _says(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _running(command: Sequence[str], folder: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, **_as_nobody_special()
        )
    try:
        _wait(is_up, process, log)
        yield
    finally:
        process.send_signal(2)  # PostgreSQL's fast shutdown: it waits for no client
        process.wait()


@contextmanager
def _folder() -> Iterator[Path]:
    """Hold a folder that the servers' user may write."""
    path = Path(tempfile.mkdtemp(prefix="perennial-server-"))
    if os.geteuid() == 0:
        shutil.chown(path, POWERLESS, POWERLESS)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL server; yield the address of its database ``postgres``."""
    with _folder() as folder:
        data, port = folder / "data", free_port()
        init = [binary("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*init, "--no-locale", "--no-sync"],
            check=True,
            capture_output=True,
            **_as_nobody_special(),
        )
        settings = [*COMMON, f"port={port}", *(() if durable else HASTE)]
        flags = [part for one in settings for part in ("-c", one)]
        ready = (binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port))
        command = [binary("postgres"), "-D", str(data), *flags]
        with _running(command, folder, lambda: _says(*ready)):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def redis(*, durable: bool = False, port: int | None = None) -> Iterator[str]:
    """Run a Redis server; yield its address."""
    server = shutil.which("redis-server")
    if server is None:
        raise SystemExit("redis-server is missing: sudo apt-get install redis-server")
    with _folder() as folder:
        at = str(port or free_port())
        options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        options += ["--appendonly", "yes" if durable else "no"]
        ready = ("redis-cli", "-p", at, "ping")
        with _running([server, "--port", at, *options], folder, lambda: _says(*ready)):
            yield f"redis://127.0.0.1:{at}/0"


SERVERS = {"postgres": (POSTGRES, postgres), "redis": (REDIS, redis)}


def main(words: Sequence[str]) -> int:
    """Run a command with the servers that it needs and return its exit code."""
    names, command = words[: words.index("--")], words[words.index("--") + 1 :]
    env = dict(os.environ)
    with ExitStack() as stack:
        for name in names:
            if name != "--durable" and SERVERS[name][0] not in env:
                variable, start = SERVERS[name]
                env[variable] = stack.enter_context(start(durable="--durable" in names))
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
