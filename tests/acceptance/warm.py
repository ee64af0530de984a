"""Starts ``make demo`` where everything is set up, until its links are there; prints seconds.

``--terminal`` runs it on a pseudo-terminal, as a person would; without, its output is a pipe.
"""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

UP = b"Perennial is up"
WAIT_S = 600


def demo(folder: Path, *, terminal: bool = False, port: int = 8440) -> float:
    """Run ``make demo`` in a folder until it is up, see that it stays up, and end it."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "demo", f"DEMO=--port {port}"],
        cwd=folder,
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    try:
        while UP not in said:
            chunk = os.read(ours, 4096)
            if not chunk or time.monotonic() - began > WAIT_S:
                raise SystemExit(f"make demo did not come up:\n{said.decode()[-2000:]}")
            said += chunk
        took = time.monotonic() - began
        if b"http://127.0.0.1" not in said or process.poll() is not None:
            raise SystemExit(f"make demo printed no links, or ended:\n{said.decode()[-2000:]}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    return took


if __name__ == "__main__":
    sys.stdout.write(f"warm {demo(Path(), terminal='--terminal' in sys.argv):.1f} s\n")
