"""What the merchant's pages say, gathered from the code, and our catalogues beside it.

``python -m tests.house.texts`` writes what is new into the catalogues and takes out what is gone.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from connector.web.catalogues import OURS, places

KEYWORDS = {"t": None, "n_": None, "tn": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS = {"**/templates/**.html": {"silent": "false"}}
HEADER = """# The merchant's pages in {name}. What the code says is gathered by `make texts`.
msgid ""
msgstr ""
"Language: {locale}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""
BEGIN, END = "\N{ZERO WIDTH SPACE}", "\N{SOFT HYPHEN}"
ADVISERS = ("platforms", "connector/sync")


def sources() -> Catalog:
    """Return all texts in English, each with the files that it is in."""
    found = Catalog()
    texts = extract_from_dir("connector", METHODS, OPTIONS, KEYWORDS, comment_tags=())
    for file, _, text, _, _ in texts:
        found.add(text, locations=[(f"connector/{file}", 0)])
    for file, text in advice():
        found.add(text, locations=[(file, 0)])
    return found


def advice() -> Iterator[tuple[str, str]]:
    """Yield what to do about troubles with a store, which who raises them says in English."""
    for folder in ADVISERS:
        for file in sorted(Path(folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match node:
                    case (
                        ast.keyword(arg="advice", value=ast.Constant(value=str(text)))
                        | ast.Assign(
                            targets=[ast.Name(id="usual_advice" | "NEW_KEY")],
                            value=ast.Constant(value=str(text)),
                        )
                    ):
                        yield file.as_posix(), text


def catalogue(file: Path) -> Catalog:
    """Return one of our catalogues as it is."""
    with file.open("rb") as opened:
        return read_po(opened, Locale.parse(file.stem), abort_invalid=True)


def lacks(known: Catalog, wanted: Catalog) -> list[str]:
    """Return what is wrong with a catalogue, a line for each text."""
    found = []
    for one in wanted:
        held = known.get(one.id) if one.id else None
        if one.id and (held is None or not _is_whole(held.string)):
            found.append(f"to translate: {one.id!r}")
        elif held and held.fuzzy:
            found.append(f"to look at: {one.id!r}")
        elif held:
            source = one.id if isinstance(one.id, str) else one.id[-1]
            said = [held.string] if isinstance(held.string, str) else held.string
            found += [f"not filled in as {source!r}: {s!r}" for s in said if _differs(s, source)]
    return found + [f"gone: {one.id!r}" for one in known if one.id and wanted.get(one.id) is None]


def _is_whole(said: object) -> bool:
    return all(said) if isinstance(said, (list, tuple)) else bool(said)


def _differs(said: str, source: str) -> bool:
    return places(said) != places(source)


def renewed(file: Path, wanted: Catalog) -> None:
    """Write a catalogue anew, with what it has of the texts that are wanted."""
    known, locale = catalogue(file), Locale.parse(file.stem)
    fresh = Catalog(locale)
    for one in wanted:
        if one.id:
            held = known.get(one.id)
            fresh.add(one.id, held.string if held else "", locations=one.locations)
    name, plurals = locale.get_display_name("en"), fresh.plural_forms
    with file.open("wb") as opened:
        opened.write(HEADER.format(name=name, locale=locale, plurals=plurals).encode())
        write_po(
            opened, fresh, width=100, omit_header=True, include_lineno=False, sort_by_file=True
        )


def marked(folder: Path) -> None:
    """Write a catalogue that puts every text into marks: what has none is not translated.

    Nobody sees them, and who looks for a text in a browser need not know of them. It is Chinese, so
    that days have no letters.
    """
    fresh = Catalog(Locale.parse("zh"))
    for one in sources():
        if isinstance(one.id, str) and one.id:
            fresh.add(one.id, f"{BEGIN}{one.id}{END}")
        elif one.id:
            fresh.add(one.id, [f"{BEGIN}{one.id[-1]}{END}"])
    with (folder / "zh.po").open("wb") as opened:
        write_po(opened, fresh)


if __name__ == "__main__":
    texts = sources()
    for po in sorted(OURS.glob("*.po")):
        renewed(po, texts)
        missing = lacks(catalogue(po), texts)
        sys.stdout.write(f"{po}: {len(texts)} texts, {len(missing)} to look at\n")
        sys.stdout.writelines(f"  {one}\n" for one in missing)
