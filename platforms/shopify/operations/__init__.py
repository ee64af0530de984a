"""What we ask Shopify: one operation a file, with the fragments that it names.

Each is valid against the Admin API's schema of ``VERSION``, deprecated fields left alone.
"""

import re
from functools import cache
from pathlib import Path

VERSION = "2026-10"
HERE = Path(__file__).parent
SPREAD = re.compile(r"\.\.\.(\w+)")


@cache
def operation(name: str) -> str:
    """Return the text of an operation, with all fragments that it needs."""
    text = (HERE / f"{name}.graphql").read_text(encoding="utf-8")
    return text + "".join(_fragment(one) for one in sorted(_needed(text)))


def names() -> list[str]:
    """Return the names of all operations."""
    return sorted(path.stem for path in HERE.glob("*.graphql"))


def _needed(text: str) -> set[str]:
    """Return the fragments that a text names, and those that they name."""
    found: set[str] = set()
    ahead = _named(text)
    while ahead:
        found |= ahead
        ahead = {more for one in ahead for more in _named(_fragment(one))} - found
    return found


def _named(text: str) -> set[str]:
    return {name for name in SPREAD.findall(text) if name != "on"}


@cache
def _fragment(name: str) -> str:
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return (HERE / "fragments" / f"{file}.graphql").read_text(encoding="utf-8")
