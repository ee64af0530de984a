"""How a store's widgets look: what its merchant chose.

The widgets ask for what was chosen with their state. It goes before the attributes of their script
tag; what was not chosen is left to these, and to the theme's own styles.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import msgspec

from connector.web.models import LookRow


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
