"""Programs to begin with: complete documents for four kinds of shops, in ``starters/``.

They are written in euros and UTC; a store gets them in its own currency and zone.
"""

from pathlib import Path

from connector.commerce.models import StoreRow
from connector.errors import RequestInvalid

FOLDER = Path(__file__).with_name("starters")
NAMES = tuple(sorted(one.stem for one in FOLDER.glob("*.toml")))


def starter(name: str, store: StoreRow) -> str:
    """Return the document of a program to begin with, for a store.

    Raises:
        RequestInvalid: there is none of that name.
    """
    if name not in NAMES:
        raise RequestInvalid(f"there is no template {name!r}: there are {', '.join(NAMES)}")
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return text.replace("EUR", store.currency).replace('"UTC"', f'"{store.timezone}"')
