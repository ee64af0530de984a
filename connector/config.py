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
DATABASES = ("sqlite://", "postgres://", "postgresql://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator sets. ``SETTINGS`` says of each what it is for."""

    database_url: str = field(repr=False)
    public_url: str
    secret_key: str = field(repr=False)
    allow_loopback: bool = False
    plain_http: frozenset[str] = frozenset()
    redis_url: str = field(default="", repr=False)
    otlp_url: str = field(default="", repr=False)

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
            redis_url=got["redis_url"],
            otlp_url=got["otlp_url"],
        )


SETTINGS: Mapping[str, tuple[str, str]] = {
    "database_url": (
        "sqlite://perennial.db",
        "Where the data lives: `sqlite://FILE`, or `postgres://USER:PASSWORD@HOST/NAME`.",
    ),
    "redis_url": (
        "",
        "`redis://HOST:6379/0` wakes workers at once where several processes run; without it, or"
        " while it is down, they look every half second.",
    ),
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
    "otlp_url": (
        "",
        "`http://HOST:4318`, an OpenTelemetry collector to which `serve` and `worker` send traces;"
        " needs `pip install 'perennial[tracing]'`.",
    ),
}
"""Each setting with its default and what it is for; the README's table is held to this."""


def _problem(name: str, text: str) -> str | None:  # noqa: PLR0911 - a case a setting
    """Return what is wrong with one setting, if anything."""
    full = PREFIX + name.upper()
    match name:
        case "secret_key" if len(text) < SECRET_KEY_MIN:
            return f"{full} must have at least {SECRET_KEY_MIN} characters"
        case "database_url" if not text.startswith(DATABASES):
            return f"{full} must begin with sqlite:// or postgres://"
        case "redis_url" if text and not text.startswith(("redis://", "rediss://")):
            return f"{full} must begin with redis://"
        case "otlp_url" if text and not text.startswith(("http://", "https://")):
            return f"{full} must begin with http:// or https://"
        case "public_url" if urlsplit(text).scheme not in {"http", "https"}:
            return f"{full} must begin with https:// (or http://)"
        case "plain_http" if "/" in text or ":" in text:
            return f"{full} must be host names, such as store.example, without http://"
        case "allow_loopback" if text not in {"0", "1"}:
            return f"{full} must be 0 or 1"
    return None
