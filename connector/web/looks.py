"""How a store's widgets look: what its merchant chose, and what its own page says of its colours.

The widgets ask for what was chosen with their state. It goes before the attributes of their script
tag; what was not chosen is left to these, and to the theme's own styles.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import msgspec

from connector.errors import RequestInvalid
from connector.web.catalogues import t
from connector.web.models import LookRow

HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
PAGE_MAX = 1_000_000  # characters of a store's page that are looked at
HUE_MIN = 24  # between the channels of a colour, from 0 to 255: less is a grey
META = re.compile(r"<meta\b[^<>]{0,300}>", re.IGNORECASE)
OF_THEME = re.compile(r"\bname\s*=\s*[\"']?theme-color\b", re.IGNORECASE)
CONTENT = re.compile(rf"\bcontent\s*=\s*[\"']?\s*({HEX.pattern})(?![\w-])", re.IGNORECASE)
PROPERTY = re.compile(
    rf"(?<![\w-])(--[\w-]{{1,60}})\s{{0,9}}:\s{{0,9}}({HEX.pattern})(?![\w-])", re.IGNORECASE
)
OWN = (
    "--wp--preset--color--primary",
    "--wp--preset--color--accent",
    "--ast-global-color-0",
    "--global-palette1",
    "--theme-palette-color-1",
    "--e-global-color-primary",
    "--accent",
    "--wp--preset--color--accent-1",
    "--wp--preset--color--secondary",
)
"""How pages name their main colour, the surest first: WordPress' themes, Astra, Kadence, Blocksy,
Elementor, GeneratePress.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a merchant chose of how widgets look; what is null is as the store's theme says.

    ``accent`` is a colour as ``#rgb`` or ``#rrggbb``. Widgets sit in the corner at the ``start``
    or the ``end`` of a line.
    """

    accent: str | None
    scheme: Literal["light", "dark"] | None
    position: Literal["start", "end"] | None


NONE = Look(accent=None, scheme=None, position=None)
FIELDS = tuple(asdict(NONE))


async def chosen(store: str) -> Look | None:
    """Return what was chosen for a store, None where nothing was."""
    row = await LookRow.get_or_none(store=store)
    return msgspec.convert(row, Look, from_attributes=True) if row else None


async def choose(store: str, look: Look) -> None:
    """Keep what was chosen for a store."""
    if look == NONE:
        await LookRow.filter(store=store).delete()
    else:
        await LookRow.update_or_create(store=store, defaults=asdict(look))


def read(form: Mapping[str, str]) -> tuple[Look, dict[str, str]]:
    """Return the look that a form asks for, and its mistakes by field, which are not part of it.

    Raises:
        RequestInvalid: it chose what cannot be chosen.
    """
    said = {name: form.get(name, "").strip().lower() or None for name in FIELDS}
    accent, mistakes = said["accent"], {}
    if accent and not HEX.fullmatch(accent):
        said["accent"] = None
        mistakes["accent"] = t("Write a colour as # and three or six of 0-9 and a-f: #1a7f5a.")
    try:
        return msgspec.convert(said, Look), mistakes
    except msgspec.ValidationError:
        raise RequestInvalid(
            t("there is no such choice: choose one of those in the list")
        ) from None


def declared(page: str) -> str | None:
    """Return the colour that a store's page says is its own, None where it says none.

    That is what browsers are told to take for their frame, else what its theme calls so. Blacks,
    whites and greys are not what a store is known by.
    """
    page = page[:PAGE_MAX]
    metas = [one for one in META.findall(page) if OF_THEME.search(one)]
    told = [found[1] for one in metas if (found := CONTENT.search(one))]
    named = dict(reversed(PROPERTY.findall(page)))
    told += [named[name] for name in OWN if name in named]
    return next((one.lower() for one in told if _has_hue(one)), None)


def _has_hue(colour: str) -> bool:
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * one for one in digits)
    channels = bytes.fromhex(digits)
    return max(channels) - min(channels) >= HUE_MIN
