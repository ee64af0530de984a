"""Settings: the only reader of the environment. All names begin with ``PERENNIAL_``.

What is missing or wrong is told all at once, by name.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connector.errors import SettingsInvalid

PREFIX = "PERENNIAL_"
SECRET_KEY_MIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator sets. ``SETTINGS`` says of each what it is for."""

    database_url: str
    public_url: str
    secret_key: str = field(repr=False)
    allow_loopback: bool = False
    plain_http: frozenset[str] = frozenset()

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            SettingsInvalid: naming every setting that is missing or wrong.
        """
        given = os.environ if env is None else env
        got = {
            name: given.get(PREFIX + name.upper(), default)
            for name, (default, _) in SETTINGS.items()
        }
        problems = [problem for name, text in got.items() if (problem := _problem(name, text))]
        if problems:
            raise SettingsInvalid("; ".join(problems))
        return cls(
            database_url=got["database_url"],
            public_url=got["public_url"].rstrip("/"),
            secret_key=got["secret_key"],
            allow_loopback=got["allow_loopback"] == "1",
            plain_http=frozenset(got["plain_http"].replace(",", " ").split()),
        )

    def to_env(self) -> dict[str, str]:
        """Return the environment that gives these settings to another process."""
        return {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}PUBLIC_URL": self.public_url,
            f"{PREFIX}SECRET_KEY": self.secret_key,
            f"{PREFIX}ALLOW_LOOPBACK": "1" if self.allow_loopback else "0",
            f"{PREFIX}PLAIN_HTTP": ",".join(sorted(self.plain_http)),
        }


SETTINGS: Mapping[str, tuple[str, str]] = {
    "database_url": ("sqlite://perennial.db", "Where the data lives: `sqlite://FILE`."),
    "secret_key": (
        "",
        f"At least {SECRET_KEY_MIN} random characters. Encrypts the stores' keys and signs links;"
        " keep it as safe as the database, and apart from it.",
    ),
    "public_url": (
        "http://127.0.0.1:8400",
        "The address at which stores and shoppers reach `perennial serve`.",
    ),
    "allow_loopback": (
        "0",
        "`1` lets stores on this machine be connected, over plain http. For development.",
    ),
    "plain_http": (
        "",
        "Hosts of stores without a certificate, separated by commas: their requests are signed, and"
        " can be read on the way.",
    ),
}
"""Each setting with its default and what it is for; the README's table is held to this."""


def _problem(name: str, text: str) -> str | None:
    """Return what is wrong with one setting, if anything."""
    full = PREFIX + name.upper()
    match name:
        case "secret_key" if len(text) < SECRET_KEY_MIN:
            return f"{full} must have at least {SECRET_KEY_MIN} characters"
        case "database_url" if not text.startswith("sqlite://"):
            return f"{full} must begin with sqlite://"
        case "public_url" if urlsplit(text).scheme not in {"http", "https"}:
            return f"{full} must begin with https:// (or http://)"
        case "plain_http" if "/" in text or ":" in text:
            return f"{full} must be host names, such as store.example, without http://"
        case "allow_loopback" if text not in {"0", "1"}:
            return f"{full} must be 0 or 1"
    return None
