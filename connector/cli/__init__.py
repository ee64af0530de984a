"""The command line. Each command prints one clear line on failure and exits non-zero."""

from connector import logs
from connector.cli import adapters, keys, moving, points, processes, reports, stores
from connector.cli.base import app

__all__ = ["adapters", "app", "keys", "main", "moving", "points", "processes", "reports", "stores"]


def main() -> None:
    """Run the command line."""
    logs.configure()
    app()
