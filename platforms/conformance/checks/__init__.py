"""The checks, a module a subject: whatever lies in this folder runs."""

import importlib
import pkgutil


def load() -> None:
    """Import every module of checks, which registers what it has."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
