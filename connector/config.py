"""Settings: the only reader of the environment. All names begin with ``PERENNIAL_``.

What is missing or wrong is told all at once, by name.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
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
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    locales: str = ""
    platforms: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All else that begins with ``PERENNIAL_``, in lower case: settings of platforms."""

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
        if got["smtp_url"] and not got["mail_from"]:
            problems.append(f"{PREFIX}MAIL_FROM must say from whom mail comes")
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
            smtp_url=got["smtp_url"],
            mail_from=got["mail_from"],
            locales=got["locales"],
            platforms={
                name.removeprefix(PREFIX).lower(): text.strip()
                for name, text in given.items()
                if name.startswith(PREFIX)
            },
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
    "smtp_url": (
        "",
        "`smtp://USER:PASSWORD@HOST:587` or `smtps://…:465`, for codes that shoppers are mailed."
        " Without it they cannot claim what they bought before they had an account.",
    ),
    "mail_from": ("", "From whom that mail comes: `Coffee club <club@store.example>`."),
    "locales": (
        "",
        "A folder with more languages for the merchant's pages, such as `de.po`: gettext catalogues"
        " like those in `connector/web/locales`, which they go before.",
    ),
}
"""Each setting with its default and what it is for; the README's table is held to this."""


def _is_smtp(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))


CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "secret_key": (
        lambda text: len(text) >= SECRET_KEY_MIN,
        f"must have at least {SECRET_KEY_MIN} characters",
    ),
    "database_url": (
        lambda text: text.startswith(DATABASES),
        "must begin with sqlite:// or postgres://",
    ),
    "redis_url": (
        lambda text: not text or text.startswith(("redis://", "rediss://")),
        "must begin with redis://",
    ),
    "otlp_url": (
        lambda text: not text or _is_http(text),
        "must begin with http:// or https://",
    ),
    "public_url": (
        lambda text: urlsplit(text).scheme in {"http", "https"},
        "must begin with https:// (or http://)",
    ),
    "plain_http": (
        lambda text: "/" not in text and ":" not in text,
        "must be host names, such as store.example, without http://",
    ),
    "allow_loopback": (lambda text: text in {"0", "1"}, "must be 0 or 1"),
    "smtp_url": (
        lambda text: not text or _is_smtp(text),
        "must be smtp://HOST or smtps://HOST, with a port or without",
    ),
    "mail_from": (
        lambda text: not text or (text.isprintable() and "@" in parseaddr(text)[1]),
        "must have an e-mail address",
    ),
    "locales": (lambda text: not text or Path(text).is_dir(), "must be a folder"),
}
"""What each setting must be, and the words for where it is not."""


def _problem(name: str, text: str) -> str | None:
    """Return what is wrong with one setting, if anything."""
    is_good, words = CHECKS[name]
    return None if is_good(text) else f"{PREFIX}{name.upper()} {words}"
