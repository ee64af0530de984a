"""Clones the repository into an empty folder with empty caches and runs one thing there.

``demo``: ``make demo`` until its links are there, cold. ``check``: what CI runs. Prints seconds.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.acceptance.warm import demo


def main(what: str) -> int:
    """Do it; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="perennial-clone-") as name:
        folder = Path(name)
        caches = {"PIP_CACHE_DIR": "c", "UV_CACHE_DIR": "u", "npm_config_cache": "n"}
        os.environ.update({key: str(folder / one) for key, one in caches.items()})
        os.environ.pop("VIRTUAL_ENV", None)
        os.environ["PATH"] = os.pathsep.join(
            part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part
        )
        subprocess.run(["git", "clone", "-q", ".", str(folder / "p")], check=True)
        began = time.monotonic()
        if what == "demo":
            sys.stdout.write(f"cold {demo(folder / 'p'):.0f} s\n")
            return 0
        done = subprocess.run(["bash", ".ci/run"], cwd=folder / "p", check=False)
        sys.stdout.write(f"check took {time.monotonic() - began:.0f} s\n")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
