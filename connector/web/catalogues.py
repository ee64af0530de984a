"""The texts of the merchant's pages, in the language of whoever reads them.

The code has them in English. Every other language is a gettext catalogue, read once at start: a
``.po`` file that is called after it, such as ``pl.po``. Numbers, days and money follow its customs.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from connector.errors import SettingsInvalid

OURS = Path(__file__).parent / "locales"
Text = TypeVar("Text", bound=str)
PLACE = re.compile(r"%(?:\(\w+\))?(?:\.\d+)?[sdf%]")


@dataclass(frozen=True, slots=True)
class Language:
    """A language to read pages in; ``tag`` is its name in HTML, ``name`` that in itself."""

    tag: str
    name: str
    locale: Locale
    texts: NullTranslations

    @property
    def direction(self) -> str:
        """Which way it is written: ``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)


ENGLISH = Language("en", "English", Locale("en", "GB"), NullTranslations())
_offered: ContextVar[Sequence[Language]] = ContextVar("offered", default=(ENGLISH,))
_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


def t(text: str) -> str:
    """Return a text in the reader's language, in English where that lacks it."""
    return _spoken.get().texts.gettext(text) if text else ""


def tn(one: str, many: str, count: int) -> str:
    """Return the text for so many, in the reader's language."""
    return _spoken.get().texts.ngettext(one, many, count)


def n_(text: Text) -> Text:
    """Mark a text that is kept in English, and put into the reader's language where it is shown."""
    return text


def spoken() -> Language:
    """Return the reader's language."""
    return _spoken.get()


def offered() -> Sequence[Language]:
    """Return the languages that the reader can choose from."""
    return _offered.get()


@contextmanager
def speaking(language: Language, among: Sequence[Language]) -> Iterator[None]:
    """Let texts be in a language, which was chosen among some."""
    before, choice = _spoken.set(language), _offered.set(among)
    try:
        yield
    finally:
        _spoken.reset(before)
        _offered.reset(choice)


def read(file: Path) -> Language:
    """Read a catalogue.

    Raises:
        SettingsInvalid: it is broken; the sentence says where.
    """
    try:
        locale = Locale.parse(file.stem.replace("-", "_"))
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale, abort_invalid=True)
        for message in catalogue:
            _require_fitting(message, catalogue)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        texts = GNUTranslations(compiled)
    except (UnknownLocaleError, PoFileError, ValueError, LookupError, OSError) as error:
        raise SettingsInvalid(f"the catalogue {file} can't be used: {error}") from None
    name = str(locale.get_display_name(locale))
    return Language(str(locale).replace("_", "-"), name, locale, texts)


def _require_fitting(message: Message, catalogue: Catalog) -> None:
    """Require what is filled into a text to be filled into its translation too."""
    source = message.id if isinstance(message.id, str) else message.id[-1]
    said = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
    forms = 1 if isinstance(message.id, str) else catalogue.num_plurals
    if source and any(said) and len(said) != forms:
        raise ValueError(f"{source!r} has {len(said)} forms, not {forms}")
    for one in said if source else ():
        if one and places(one) != places(source):
            raise ValueError(f"{one!r} must have {' '.join(places(source)) or 'no %'}")


def places(text: str) -> list[str]:
    """Return where a text is filled in, such as ``%(day)s``, and what percent signs are left."""
    return sorted(PLACE.findall(text)) + re.findall("%", PLACE.sub("", text))
