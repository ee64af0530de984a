"""The help that comes with this version: the README, split into parts, each a page.

What leads to files beside the README is shown as words: they are not here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

HELP = "/admin/help/"
HERE = Path(__file__).parent
FILES = (HERE / "README.md", HERE.parents[1] / "README.md")
"""Where it lies once it is installed, and where it is written."""
SCROLLS = '<div class="ad-scroll" tabindex="0">'


class Heading(NamedTuple):
    """A heading, and how links name it."""

    id: str
    title: str


class Part(NamedTuple):
    """A part of the document; its headings are those below its own."""

    heading: Heading
    html: str
    headings: Sequence[Heading]


def place(heading: str) -> str:
    """Return the address of a heading's help.

    Raises:
        KeyError: there is no such heading.
    """
    return _address(_places()[heading], heading)


@lru_cache(maxsize=1)
def parts() -> Mapping[str, Part]:
    """Return the parts by their names, in order."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    file = next(one for one in FILES if one.is_file())
    tokens = markdown.parse(file.read_text(encoding="utf-8"))
    found = {}
    for whole in _split(tokens):
        headings = [*_headings(whole)]
        found[headings[0].id] = whole, headings
    places = {one.id: part for part, (_, headings) in found.items() for one in headings}
    return {
        name: Part(headings[0], _written(markdown, whole[3:], places), headings[1:])
        for name, (whole, headings) in found.items()
    }


@lru_cache(maxsize=1)
def _places() -> Mapping[str, str]:
    """Return the part that each heading is in."""
    return {
        one.id: name for name, part in parts().items() for one in (part.heading, *part.headings)
    }


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each part, from its heading on."""
    begins = [n for n, one in enumerate(tokens) if one.type == "heading_open" and one.tag == "h2"]
    for begin, end in zip(begins, [*begins[1:], len(tokens)], strict=True):
        yield list(tokens[begin:end])


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Yield the headings, and give each the id that links to it have."""
    for n, one in enumerate(tokens):
        if one.type == "heading_open":
            title = "".join(word.content for word in tokens[n + 1].children or ())
            id_ = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            one.attrSet("id", id_)
            yield Heading(id_, title)


def _written(markdown: MarkdownIt, tokens: Sequence[Token], places: Mapping[str, str]) -> str:
    for one in tokens:
        if one.type in {"heading_open", "heading_close"}:
            one.tag = "h2"  # below the page's own
        if one.type == "table_open":
            one.attrSet("class", "ad-table")
        if one.children:
            one.children = [*_led(one.children, places)]
    text = str(markdown.renderer.render(list(tokens), markdown.options, {}))
    for name in ("table", "pre"):
        text = re.sub(f"<{name}(?=[ >])", f"{SCROLLS}<{name}", text)
        text = text.replace(f"</{name}>", f"</{name}></div>")
    return text


def _led(words: Sequence[Token], places: Mapping[str, str]) -> Iterator[Token]:
    """Yield the words of a line: links lead to parts of the help, or out of it, or are words."""
    is_link = False
    for one in words:
        if one.type == "link_open":
            target = str(one.attrGet("href"))
            is_link = target.startswith(("https://", "#"))
            if target.startswith("#"):
                one.attrSet("href", _address(places[target[1:]], target[1:]))
            elif is_link:
                one.attrSet("rel", "noopener noreferrer")
        if one.type == "image" or (one.type in {"link_open", "link_close"} and not is_link):
            continue
        yield one


def _address(part: str, heading: str) -> str:
    return f"{HELP}{part}" + (f"#{heading}" if heading != part else "")
